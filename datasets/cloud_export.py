"""Writes each frame's cloud, all LiDARs deskewed in the ego frame, as PCD, PLY, LAS or LAZ."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.datasets.frame_names import file_names, frame_names
from lidar_label.datasets.las import write_las
from lidar_label.datasets.pcd import write_pcd
from lidar_label.datasets.ply import write_ply
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.sweeps import NO_RING, FramePoints

CLOUD_FORMATS = ("pcd", "ply", "las", "laz")
LABELS = "labels.csv"
_SINCE_1970_NS = 10**17  # 1973; times below that count from something else


def write_clouds(recording: Recording, kind: str, place: Path) -> list[str]:
    """Write a file a frame, of a kind in `CLOUD_FORMATS`; returns which sensors are not in them."""
    absolute = has_dates(recording)
    for frame, name in zip(recording.frames, cloud_names(recording), strict=True):
        points = recording.frame_points(frame.index)
        columns = known_columns(points, frame.time_ns, len(recording.lidars))
        path = place / f"{name}.{kind}"
        if kind == "pcd":
            write_pcd(path, points.xyz, text=False, **columns)
        elif kind == "ply":
            write_ply(path, points.xyz, encoding="binary_little_endian", **columns)
        else:
            write_las(path, points.xyz, since_ns=frame.time_ns if absolute else None, **columns)
    lost = [
        f"sensor {name!r}: no place for it"
        for name in (*recording.cameras, *recording.radars, *recording.imus)
    ]
    return lost + (["ego poses: no place for them"] if recording.trajectory is not None else [])


def has_dates(recording: Recording) -> bool:
    """Whether the frames' times count from 1970."""
    return all(frame.time_ns >= _SINCE_1970_NS for frame in recording.frames)


def cloud_names(recording: Recording) -> list[str]:
    """The frames' times in nanoseconds where they count from 1970, else as the source names them.

    An importer knows a frame's time by such a name.
    """
    times = [frame.time_ns for frame in recording.frames]
    if has_dates(recording) and len(set(times)) == len(times):
        return [str(time_ns) for time_ns in times]
    return file_names(frame_names(recording), len(times))


def known_columns(points: FramePoints, time_ns: int, lidars: int) -> dict[str, NDArray[Any]]:
    """What is known of the points beside their places, each (N,).

    `intensity` float32 and `ring` uint16 as in `FramePoints`, `time` float64 seconds after the
    frame's, `sensor` uint8 where there are several LiDARs; a column that says nothing is left out.
    """
    columns: dict[str, NDArray[Any]] = {}
    if np.isfinite(points.intensity).any():
        columns["intensity"] = points.intensity
    if (points.ring != NO_RING).any():
        columns["ring"] = points.ring
    if (points.point_time_ns != time_ns).any():
        columns["time"] = (points.point_time_ns - time_ns) / 1e9
    if lidars > 1:
        columns["sensor"] = points.sensor
    return columns
