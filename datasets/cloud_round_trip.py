"""Reads exported clouds back and compares them with the recording's frames, column by column."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.datasets.cloud_export import cloud_names, has_dates
from lidar_label.datasets.las import STEP_M, TIME_STEP_S
from lidar_label.datasets.point_files import PointFile, read_points
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.round_trip import Difference
from lidar_label.datasets.sweeps import NO_RING, FramePoints

_UNITS = {"point xyz": "m", "point time": "s"}


def cloud_differences(directory: Path, kind: str, recording: Recording) -> list[Difference]:
    """One row a column of the points; those of LAS may differ by half of its steps.

    Raises:
        InvalidSource: if a file is absent or does not read.
    """
    packed = kind in ("las", "laz")
    allowed = {"point xyz": STEP_M / 2, "point time": TIME_STEP_S / 2} if packed else {}
    carried = dict.fromkeys(("point xyz", *_COLUMNS), 0)
    differ, largest = dict(carried), dict.fromkeys(carried, 0.0)
    lost = 0
    for frame, name in zip(recording.frames, cloud_names(recording), strict=True):
        written = recording.frame_points(frame.index)
        read = read_points(directory / f"{name}.{kind}", origin=np.zeros(3))
        if len(read) != len(written):
            lost += abs(len(read) - len(written))
            continue
        since = frame.time_ns if packed and has_dates(recording) else 0
        apart = {"point xyz": np.abs(written.xyz - read.xyz).max(axis=1, initial=0)}
        for column, compare in _COLUMNS.items():
            apart[column] = compare(written, read, frame.time_ns, since)
        for column, values in apart.items():
            known = ~np.isnan(values)
            # A float32 is read of what LAS holds as a whole number of steps.
            play = 2**-23 * np.abs(written.xyz).max(axis=1, initial=0) if packed else 0
            limit = allowed.get(column, 0) + (play if column == "point xyz" else 0)
            carried[column] += int(known.sum())
            differ[column] += int((values > limit).sum())
            largest[column] = max(largest[column], float(values[known].max(initial=0)))
    total = carried["point xyz"] + lost
    rows = [Difference("points", total, lost, None, "", told=False)]
    return rows + [
        Difference(name, carried[name], differ[name], largest[name], _UNITS.get(name, ""), False)
        for name in carried
    ]


def _intensity(written: FramePoints, read: PointFile, _: int, __: int) -> Floats:
    found = np.full(len(written), np.nan) if read.intensity is None else read.intensity
    apart = np.abs(written.intensity.astype(np.float64) - found)
    return np.where(np.isnan(written.intensity), np.nan, np.nan_to_num(apart, nan=np.inf))


def _ring(written: FramePoints, read: PointFile, _: int, __: int) -> Floats:
    known = written.ring != NO_RING
    found = np.full(len(written), NO_RING) if read.ring is None else read.ring
    return np.where(known, np.abs(written.ring.astype(np.float64) - found), np.nan)


def _time(written: FramePoints, read: PointFile, time_ns: int, since: int) -> Floats:
    offset = np.zeros(1, np.int64) if read.point_time_ns is None else read.point_time_ns - since
    return np.abs(written.point_time_ns - time_ns - offset) / 1e9


def _sensor(written: FramePoints, read: PointFile, _: int, __: int) -> Floats:
    found = read.fields.get("sensor", np.zeros(1, np.uint8))
    return np.abs(written.sensor.astype(np.float64) - found)


_COLUMNS: dict[str, Callable[[FramePoints, PointFile, int, int], Floats]] = {
    "point intensity": _intensity,
    "point ring": _ring,
    "point time": _time,
    "point sensor": _sensor,
}
