"""A folder of point files, or a single one, as a recording of one LiDAR.

Reads .pcd .ply .las .laz .bin .npy .npz, and .csv whose columns begin with x, y, z; the ego frame
is that of the points, taken as x forward, y left, z up. Files that go by a time since 1970 keep it,
others are put 0.1 s apart. A file whose points carry times since 1970 starts at the first of them.
Coordinates too large for float32 are shifted by one origin, the first file's, which the recording
states.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from lidar_label.arrays import Floats, Ints
from lidar_label.datasets.cloud_export import LABELS
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.export_folder import is_export
from lidar_label.datasets.file_times import natural_order, times_from_names
from lidar_label.datasets.intake import Cloud, Intake, Tally, folder, in_time_order
from lidar_label.datasets.point_files import POINT_SUFFIXES, PointFile, read_points
from lidar_label.datasets.point_tables import is_point_table
from lidar_label.datasets.tables import read_csv
from lidar_label.errors import InvalidSource

LIDAR = "lidar"
# Times of points count from their sweep's start if they span less than this; else they are a
# survey's, and one sweep has no use for them.
_LONGEST_SWEEP_NS = 2_000_000_000


def point_files(root: Path) -> list[Path]:
    """The file itself, or the folder's point files of the kind that it has most of."""
    if root.is_file():
        return [root] if root.suffix.lower() in POINT_SUFFIXES or is_point_table(root) else []
    found = folder(root, POINT_SUFFIXES)
    found = found or [path for path in folder(root, (".csv",)) if is_point_table(path)]
    kinds = [path.suffix.lower() for path in found]
    if not kinds:
        return []
    most = max(sorted(set(kinds)), key=kinds.count)
    return sorted((path for path in found if path.suffix.lower() == most), key=natural_order)


def read_point_folder(root: Path, intake: Intake) -> None:
    """Read every point file as a sweep.

    Raises:
        InvalidSource: if there is none, or one is cut short or damaged.
    """
    files = point_files(root)
    if not files:
        raise InvalidSource(f"{root}: no point files; we read {' '.join(POINT_SUFFIXES)}")
    others = 0 if root.is_file() else max(len(folder(root, POINT_SUFFIXES)) - len(files), 0)
    intake.warn("{n} point files of another kind than most are left out", others)
    names: list[str] = []
    ours = is_export(root)  # then points are at their file's time already, whenever seen
    if ours:
        intake.set_labels(read_folder_labels(root, intake, len(files)))
    intake.add_lidar(LIDAR, np.eye(4), compensated=ours)
    intake.expected = len(files)
    origin: Floats | None = None
    named = Tally()
    times = times_from_names(files, named)
    absolute: bool | None = None
    before: int | None = None
    for i in in_time_order(times, "sweeps", intake):
        points = read_points(files[i], origin=origin)
        for line in points.warnings:
            intake.warn_file(line)
        if origin is None and len(points):
            origin = points.origin
            intake.writer.set_origin(origin)
        if absolute is None and len(points):
            absolute = has_own_time(points)
        time_ns, cloud = timed(points, times[i], use_points=bool(absolute))
        if before is not None and time_ns <= before:
            raise InvalidSource(
                f"{files[i]}: its points begin at {time_ns} ns, not after the file before it; "
                "rename the files in order of time"
            )
        before = time_ns
        names.append(files[i].stem)
        intake.sweep(LIDAR, time_ns, cloud)
    if not absolute:
        for line in named.warnings():
            intake.warn(line)
    intake.frame_names = names


def read_folder_labels(root: Path, tally: Tally, count: int | None = None) -> Cuboids:
    """The labels that our export puts beside the points, of `count` frames.

    Raises:
        InvalidSource: if the folder is no export of ours.
        InvalidLabels: if the file does not read.
    """
    if not is_export(root):
        raise InvalidSource(f"{root}: point files have no labels; give those of another format")
    labels = read_csv(root / LABELS)
    fitting = (labels.frame >= 0) & (labels.frame < (2**31 if count is None else count))
    missing = int((~fitting).sum())
    tally.warn("{n} labels belong to frames without a sweep and are left out", missing)
    return labels.select(fitting)


def has_own_time(points: PointFile) -> bool:
    """Whether the points' times count from 1970 and make up one sweep."""
    return points.time_is_absolute and _is_sweep(points.point_time_ns)


def timed(points: PointFile, named_ns: int, *, use_points: bool) -> tuple[int, Cloud]:
    """A sweep's time and its points with theirs.

    Args:
        points: Of the file.
        named_ns: The time that its name tells or that is assumed.
        use_points: Start at the first point's time, which counts from 1970.
    """
    times = points.point_time_ns
    cloud = Cloud(points.xyz, points.intensity, points.ring, None, points.dropped_non_finite)
    if times is None:
        return named_ns, cloud
    if use_points and len(times):
        return int(times.min()), replace(cloud, point_time_ns=times)
    if not _is_sweep(times):
        return named_ns, cloud
    start = int(times.min()) if points.time_is_absolute and len(times) else 0
    return named_ns, replace(cloud, point_time_ns=named_ns + (times - start))


def _is_sweep(times: Ints | None) -> bool:
    return times is not None and (not len(times) or int(np.ptp(times)) < _LONGEST_SWEEP_NS)
