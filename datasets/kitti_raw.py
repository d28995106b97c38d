"""KITTI raw recordings: a drive's velodyne_points, oxts, image_NN, tracklets, and calib_*.txt.

The ego frame is the Velodyne's; the world is the ego frame of the first pose. A sweep's time is
timestamps.txt's, when the laser looks forward and triggers the cameras. The files are not motion-
compensated; seen from above the laser turns counter-clockwise from behind, so that a point at
azimuth a (about +z from +x) was measured at start + (1/2 + a/2π) · (end − start) (Geiger et al.,
IJRR 2013; in a left turn things right behind are seen twice, and agree only so). Times are taken
as UTC. Without timestamps the sweeps are put 0.1 s apart and counted as turning once in that.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lidar_label.arrays import Floats, Ints
from lidar_label.datasets import kitti_tracklets
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.intake import (
    ASSUMED_PERIOD_NS,
    Cloud,
    Intake,
    Tally,
    choose,
    folder,
    in_time_order,
    numbered,
    read_cloud,
    read_text,
)
from lidar_label.datasets.kitti import IMAGE_SUFFIXES, LIDAR, add_cameras
from lidar_label.datasets.kitti_calibration import KittiCalibration, read_raw_calibration
from lidar_label.datasets.oxts import read_oxts_line, write_oxts
from lidar_label.errors import InvalidSource

CAMERA_FOLDERS = ("image_00", "image_01", "image_02", "image_03")

_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?")  # no zones: NumPy warns of them


def find_drives(root: Path) -> list[Path]:
    """Folders with velodyne_points: the root itself, or one or two levels below it."""
    for pattern in ("velodyne_points", "*/velodyne_points", "*/*/velodyne_points"):
        found = sorted(path.parent for path in root.glob(pattern) if path.is_dir())
        if found:
            return found
    return []


def read_raw(root: Path, intake: Intake, sequence: str | None = None) -> None:
    """Read one drive; `root` may be the drive, its date or the folder of dates.

    Raises:
        UsageError: if there are several drives and none is chosen.
        InvalidSource: if a file is damaged or a timestamp missing.
    """
    drives = {path.name: path for path in find_drives(root)}
    if not drives:
        raise InvalidSource(f"{root}: no velodyne_points folder in it; nothing to import")
    drive = drives[choose(sorted(drives), sequence, root)]
    sweeps = _timed_sweeps(drive / "velodyne_points", intake)
    calibration = _calibration(drive, intake)
    intake.add_lidar(LIDAR, np.eye(4), "Velodyne HDL-64E")
    cameras: dict[str, Path] = {}
    if calibration is not None:
        images = {name: drive / name / "data" for name in CAMERA_FOLDERS}
        cameras = {name: images[name] for name in add_cameras(intake, calibration, images)}
    elif any(folder(drive / name / "data", IMAGE_SUFFIXES) for name in CAMERA_FOLDERS):
        intake.warn("no calib_cam_to_cam.txt: images are left out")
    timed_images = {name: _timed_files(drive / name, IMAGE_SUFFIXES, intake) for name in cameras}
    intake.frame_names = [sweep.path.stem for sweep in sweeps]
    if (drive / kitti_tracklets.FILE).is_file():
        intake.set_labels(_labels(drive, sweeps, intake))
    intake.expected = len(sweeps) + sum(len(files) for files in timed_images.values())
    for sweep in sweeps:
        cloud = read_cloud(sweep.path)
        times = point_times(cloud, sweep.start_ns, sweep.end_ns)
        intake.sweep(LIDAR, sweep.time_ns, replace(cloud, point_time_ns=times))
    for camera, files in timed_images.items():
        for time_ns, path in files:
            intake.image(camera, time_ns, path)
    _write_oxts(drive / "oxts", calibration, intake)


def read_raw_labels(
    root: Path, tally: Tally, count: int | None = None, sequence: str | None = None
) -> Cuboids:
    """The labels of one drive alone; frames are its sweeps in order of time.

    Raises:
        UsageError: if there are several drives and none is chosen.
        InvalidSource: if the drive has no labels or not `count` sweeps, or a file is damaged.
    """
    drives = {path.name: path for path in find_drives(root)}
    drive = drives[choose(sorted(drives), sequence, root)]
    sweeps = _timed_sweeps(drive / "velodyne_points", tally)
    if count is not None and count != len(sweeps):
        raise InvalidSource(
            f"{drive}: has {len(sweeps)} sweeps, the recording {count} frames; "
            "give the recording of this drive"
        )
    return _labels(drive, sweeps, tally)


def _labels(drive: Path, sweeps: Sequence["_Sweep"], tally: Tally) -> Cuboids:
    numbers = [int(sweep.path.name.split(".")[0]) for sweep in sweeps]
    return kitti_tracklets.read_tracklets(drive / kitti_tracklets.FILE, tally, numbers)


@dataclass(frozen=True)
class _Sweep:
    path: Path
    time_ns: int
    start_ns: int
    end_ns: int


def point_times(cloud: Cloud, start_ns: int, end_ns: int) -> Ints:
    """(N,) time at which the turning laser saw each point; the file says only start and end."""
    return start_ns + np.rint(laser_share(cloud) * (end_ns - start_ns)).astype(np.int64)


def laser_share(cloud: Cloud) -> Floats:
    """(N,) share of its rotation after which the laser, that begins behind, saw each point."""
    azimuth = np.arctan2(cloud.xyz[:, 1], cloud.xyz[:, 0]).astype(np.float64)
    return 0.5 + azimuth / (2 * np.pi)


def read_timestamps(path: Path) -> list[int]:
    """Nanoseconds of the lines `2011-09-26 13:04:32.349659964`, taken as UTC.

    Raises:
        InvalidSource: naming file, line and text of a line that is no time.
    """
    lines = read_text(path).splitlines()
    times: list[int] = []
    for number, line in enumerate(lines, start=1):
        try:
            time = np.datetime64(line.strip() if _TIME.fullmatch(line.strip()) else "NaT", "ns")
        except ValueError:
            time = np.datetime64("NaT")
        if np.isnat(time):
            raise InvalidSource(
                f"{path}, line {number}: {line.strip()!r} is no time; "
                "write it as 2011-09-26 13:04:32.349659964"
            )
        times.append(int(time.astype(np.int64)))
    return times


def _timed_sweeps(place: Path, intake: Tally) -> list[_Sweep]:
    """Sweeps in order of time, with start and end of their rotation."""
    files = numbered(folder(place / "data", (".bin",)))
    if not files:
        raise InvalidSource(f"{place / 'data'}: no .bin files; nothing to import")
    if not (place / "timestamps.txt").is_file():
        intake.warn("no velodyne_points/timestamps.txt: 10 Hz assumed")
        half = ASSUMED_PERIOD_NS // 2
        times = [number * ASSUMED_PERIOD_NS for number, _ in files]
        return [
            _Sweep(path, time, time - half, time + half)
            for time, (_, path) in zip(times, files, strict=True)
        ]
    times = _times_of(place / "timestamps.txt", files)
    bounds = [place / "timestamps_start.txt", place / "timestamps_end.txt"]
    if all(path.is_file() for path in bounds):
        starts, ends = (_times_of(path, files) for path in bounds)
    else:
        intake.warn("no timestamps_start/_end.txt: a rotation is taken as 0.1 s")
        half = ASSUMED_PERIOD_NS // 2
        starts, ends = [t - half for t in times], [t + half for t in times]
    for start, end, (_, path) in zip(starts, ends, files, strict=True):
        if not 0 < end - start < 10 * ASSUMED_PERIOD_NS:
            raise InvalidSource(
                f"{bounds[1]}: sweep {path.name} takes {(end - start) / 1e9:.3f} s from start to "
                "end; a rotation takes some 0.1 s, correct the timestamps"
            )
    order = in_time_order(times, "sweeps", intake)
    return [_Sweep(files[i][1], times[i], starts[i], ends[i]) for i in order]


def _timed_files(place: Path, suffixes: tuple[str, ...], intake: Intake) -> list[tuple[int, Path]]:
    """Files of data/ with their time, in order of time."""
    files = numbered(folder(place / "data", suffixes))
    if not files:
        return []
    if (place / "timestamps.txt").is_file():
        times = _times_of(place / "timestamps.txt", files)
    else:
        intake.warn(f"no {place.name}/timestamps.txt: 10 Hz assumed")
        times = [number * ASSUMED_PERIOD_NS for number, _ in files]
    return [(times[i], files[i][1]) for i in in_time_order(times, place.name, intake)]


def _times_of(path: Path, files: Sequence[tuple[int, Path]]) -> list[int]:
    """The time of each numbered file: line n + 1 is number n's."""
    lines = read_timestamps(path)
    for number, file in files:
        if number >= len(lines):
            raise InvalidSource(
                f"{path}: {len(lines)} lines; {file.name} needs line {number + 1}, add its time"
            )
    return [lines[number] for number, _ in files]


def _calibration(drive: Path, intake: Intake) -> KittiCalibration | None:
    """The calibration beside or above the drive."""
    for place in (drive, drive.parent):
        if (place / "calib_velo_to_cam.txt").is_file():
            return read_raw_calibration(place)
    intake.warn("no calib_velo_to_cam.txt beside or above the drive")
    return None


def _write_oxts(place: Path, calibration: KittiCalibration | None, intake: Intake) -> None:
    files = _timed_files(place, (".txt",), intake)
    if not files:
        return
    rows = np.array([read_oxts_line(read_text(path), str(path)) for _, path in files])
    times = np.array([time for time, _ in files], dtype=np.int64)
    write_oxts(intake, times, rows, None if calibration is None else calibration.lidar_from_imu)
