"""KITTI's tracking and odometry sets: one recording a sequence, with poses where there are any.

Frame, world and times as in `kitti`. The tracking set's poses come from oxts/NNNN.txt, or from a
poses/NNNN.json of (N, 4, 4) IMU poses in the IMU's first frame. Odometry's poses.txt are those of
camera 0 in its first frame. Sequences without velodyne files give frames without points, so that
labels, poses and trackers have frames to stand on.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lidar_label.arrays import Transform
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.intake import (
    ASSUMED_PERIOD_NS,
    Intake,
    Tally,
    choose,
    folder,
    numbered,
    read_text,
)
from lidar_label.datasets.kitti import (
    IMAGE_SUFFIXES,
    LIDAR,
    add_cameras,
    note_classes,
    note_lines,
    object_folder,
    write_frames,
    write_images,
)
from lidar_label.datasets.kitti_calibration import (
    CAMERAS,
    KittiCalibration,
    inverse,
    read_calibration,
)
from lidar_label.datasets.kitti_labels import CLASSES, lines_to_cuboids, read_label_lines
from lidar_label.datasets.oxts import read_oxts_file, write_ego, write_oxts
from lidar_label.errors import InvalidSource


def tracking_sequences(base: Path) -> list[str]:
    """Names of the sequences that have labels or sweeps."""
    names = {path.stem for path in folder(base / "label_02", (".txt",))}
    if (base / "velodyne").is_dir():
        names |= {child.name for child in (base / "velodyne").iterdir() if child.is_dir()}
    return sorted(names)


def read_tracking(root: Path, intake: Intake, sequence: str | None = None) -> None:
    """Read one sequence of the tracking set; `root` may be its label file.

    Raises:
        UsageError: if there are several sequences and none is chosen.
        InvalidSource: if a file is damaged, or labels have no calibration.
    """
    base, name = _tracking_place(root, sequence)
    sweeps = dict(numbered(folder(base / "velodyne" / name, (".bin",))))
    imu_poses = _json_poses(base, name)
    oxts_path = base / "oxts" / f"{name}.txt"
    oxts = read_oxts_file(oxts_path) if oxts_path.is_file() else np.zeros((0, 30))
    has_labels = (base / "label_02" / f"{name}.txt").is_file()
    frames = sorted(sweeps) or None
    labels = read_tracking_labels(root, intake, frames, sequence) if has_labels else None
    if frames is None:
        last = int(labels.frame.max()) if labels is not None and len(labels) else -1
        frames = list(range(max(last + 1, len(imu_poses), len(oxts))))
    intake.frame_names = [f"{number:06d}" for number in frames]
    if labels is not None:
        intake.set_labels(labels)
    intake.add_lidar(LIDAR, np.eye(4), "Velodyne")
    calibration = _tracking_calibration(base, name)
    images = {camera: base / f"image_0{camera[-1]}" / name for camera in CAMERAS}
    cameras = [] if calibration is None else add_cameras(intake, calibration, images)
    write_frames(intake, frames, sweeps)
    write_images(intake, {camera: images[camera] for camera in cameras}, frames)
    lidar_from_imu = None if calibration is None else calibration.lidar_from_imu
    times = np.arange(max(len(oxts), len(imu_poses)), dtype=np.int64) * ASSUMED_PERIOD_NS
    if len(oxts):
        write_oxts(intake, times[: len(oxts)], oxts, lidar_from_imu)
    elif len(imu_poses) and lidar_from_imu is not None:
        write_ego(intake, times, imu_poses @ inverse(lidar_from_imu))
    elif len(imu_poses):
        intake.warn("no calibration of the IMU beside the LiDAR: ego poses are left out")


def read_tracking_labels(
    root: Path, tally: Tally, frames: Sequence[int] | None, sequence: str | None = None
) -> Cuboids:
    """Labels of one sequence; a cuboid's frame is the place of its number in `frames`.

    Args:
        root: The folder that holds label_02/, the one above `training`, or a label file.
        tally: Counts labels of other frames, and lines that are no cuboids.
        frames: Numbers of the frames; 0, 1, … when None.
        sequence: Its name, if there are several.

    Raises:
        UsageError: if there are several sequences and none is chosen.
        InvalidSource: if a file is damaged or the calibration missing.
    """
    base, name = _tracking_place(root, sequence)
    calibration = _tracking_calibration(base, name)
    if calibration is None:
        raise InvalidSource(
            f"{base / 'calib' / name}.txt: missing; KITTI labels are in the camera frame, so add "
            "this calibration or take the label file away"
        )
    lines = read_label_lines(base / "label_02" / f"{name}.txt", tracking=True)
    labels, ignored, flat = lines_to_cuboids(lines, calibration.lidar_from_rect)
    note_lines(tally, ignored, flat)
    note_classes(tally, labels, CLASSES)
    if frames is None:
        return labels
    places = {number: place for place, number in enumerate(frames)}
    place = np.array([places.get(number, -1) for number in labels.frame.tolist()], dtype=np.int32)
    lost = int((place < 0).sum())
    tally.warn("{n} labels belong to frames without a sweep and are left out", lost)
    return labels.replace(frame=place).select(place >= 0)


def _tracking_place(root: Path, sequence: str | None) -> tuple[Path, str]:
    """The folder that holds label_02/ and velodyne/, and the sequence's name."""
    if root.is_file():
        return root.parent.parent, root.stem
    base = object_folder(root)
    return base, choose(tracking_sequences(base), sequence, base)


def _tracking_calibration(base: Path, name: str) -> KittiCalibration | None:
    path = base / "calib" / f"{name}.txt"
    return read_calibration(path) if path.is_file() else None


def _json_poses(base: Path, name: str) -> Transform:
    """(N, 4, 4) poses of poses/NNNN.json beside or above the training folder; none where absent."""
    places = (base / "poses" / f"{name}.json", base.parent / "poses" / f"{name}.json")
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        return np.zeros((0, 4, 4))
    try:
        poses = np.array(json.loads(read_text(path)), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise InvalidSource(f"{path}: not a list of 4 × 4 poses ({error})") from error
    if poses.ndim != 3 or poses.shape[1:] != (4, 4) or not np.isfinite(poses).all():
        raise InvalidSource(f"{path}: shape {poses.shape}; give finite poses (N, 4, 4)")
    return poses


def odometry_sequences(root: Path) -> list[str]:
    """Names below `sequences/` that have velodyne files."""
    place = root / "sequences"
    if not place.is_dir():
        return []
    return sorted(child.name for child in place.iterdir() if (child / "velodyne").is_dir())


def read_odometry(root: Path, intake: Intake, sequence: str | None = None) -> None:
    """Read one sequence of the odometry set: velodyne/, and where there: calib, times, poses.

    Raises:
        UsageError: if `root` has several sequences and none is chosen.
        InvalidSource: if a file is damaged or has too few lines.
    """
    poses_path = root / "poses.txt"
    if (root / "sequences").is_dir():
        name = choose(odometry_sequences(root), sequence, root)
        root, poses_path = root / "sequences" / name, root / "poses" / f"{name}.txt"
    elif not poses_path.is_file():
        poses_path = root.parent.parent / "poses" / f"{root.name}.txt"
    sweeps = dict(numbered(folder(root / "velodyne", (".bin",))))
    if not sweeps:
        raise InvalidSource(f"{root / 'velodyne'}: no .bin files; nothing to import")
    numbers = sorted(sweeps)
    intake.frame_names = [sweeps[number].stem for number in numbers]
    times = _odometry_times(root / "times.txt", numbers[-1] + 1, intake)
    intake.add_lidar(LIDAR, np.eye(4), "Velodyne")
    calibration_path = root / "calib.txt"
    calibration = read_calibration(calibration_path) if calibration_path.is_file() else None
    images = {camera: root / camera for camera in CAMERAS}
    cameras = [] if calibration is None else add_cameras(intake, calibration, images)
    if calibration is None and any(folder(place, IMAGE_SUFFIXES) for place in images.values()):
        intake.warn("no calib.txt: images are left out")
    write_frames(intake, numbers, sweeps, times)
    write_images(intake, {camera: images[camera] for camera in cameras}, numbers, times)
    if poses_path.is_file() and calibration is not None:
        poses = _odometry_poses(poses_path)
        world_from_ego = poses @ calibration.rect_from_lidar
        count = min(len(poses), len(times))
        intake.warn("{n} poses have no time and are left out", len(poses) - count)
        write_ego(intake, np.array(times[:count], dtype=np.int64), world_from_ego[:count])
    elif poses_path.is_file():
        intake.warn("no calib.txt: the poses, which are the camera's, are left out")


def _odometry_times(path: Path, count: int, intake: Intake) -> list[int]:
    """Times of frame 0 … count − 1 in nanoseconds since the sequence's start."""
    if not path.is_file():
        intake.warn("no times.txt: 10 Hz assumed")
        return [number * ASSUMED_PERIOD_NS for number in range(count)]
    times: list[int] = []
    for number, line in enumerate(read_text(path).split(), start=1):
        try:
            times.append(round(float(line) * 1e9))
        except (ValueError, OverflowError):
            raise InvalidSource(f"{path}, line {number}: {line!r} is no time in seconds") from None
    if len(times) < count:
        raise InvalidSource(f"{path}: {len(times)} lines; frame {count - 1} needs line {count}")
    if (np.diff(times) <= 0).any():
        row = int(np.argmax(np.diff(times) <= 0)) + 2
        raise InvalidSource(f"{path}, line {row}: the time does not grow; correct the file")
    return times


def _odometry_poses(path: Path) -> Transform:
    rows: list[Transform] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        try:
            row = np.array([float(word) for word in line.split()]).reshape(3, 4)
        except ValueError:
            raise InvalidSource(f"{path}, line {number}: not 12 numbers; correct it") from None
        rows.append(np.vstack((row, (0.0, 0.0, 0.0, 1.0))))
    return np.array(rows).reshape(-1, 4, 4)
