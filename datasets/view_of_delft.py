"""View-of-Delft: lidar/ and radar/ in KITTI's folders, camera, poses (Palffy et al., RA-L 2022).

The ego frame is the LiDAR's (x forward, y left, z up); the world is the ego frame of the first
pose. Labels are KITTI lines whose 16th column is always 1, and as its devkit draws them: bottom
centre in the camera frame, sizes h w l, yaw = −rotation − π/2 about the LiDAR's z, upright on it.
The pose files' `mapToCamera` holds map_from_camera, as its devkit names it (`t_map_camera`).
Radar points are x y z RCS v_r v_r_compensated time, of the radar's own frame. Frames carry no
time: number n is put at n × 0.1 s.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lidar_label.arrays import Transform
from lidar_label.calibration.transforms import as_transform
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.intake import (
    ASSUMED_PERIOD_NS,
    Intake,
    Tally,
    folder,
    numbered,
    read_text,
)
from lidar_label.datasets.kitti import (
    LIDAR,
    add_cameras,
    object_folder,
    read_object_labels,
    write_frames,
    write_images,
)
from lidar_label.datasets.kitti_calibration import KittiCalibration, read_calibration
from lidar_label.datasets.oxts import write_ego
from lidar_label.datasets.point_files import read_points
from lidar_label.errors import InvalidSource

CLASSES = (
    "Car", "Pedestrian", "Cyclist", "rider", "bicycle", "bicycle_rack", "human_depiction",
    "moped_scooter", "motor", "ride_other", "ride_uncertain", "truck", "vehicle_other", "DontCare",
)  # fmt: skip
RADAR = "radar"
CAMERA = "image_2"
RADAR_COLUMNS = ("x", "y", "z", "rcs", "v_r", "v_r_compensated", "_")  # the last: which scan


def read_view_of_delft(root: Path, intake: Intake) -> None:
    """Read LiDAR sweeps, radar sweeps, images, poses and labels.

    Raises:
        InvalidSource: if a file is damaged, or labels have no calibration.
    """
    base = _lidar_folder(root)
    radar_base = object_folder(root / "radar") if (root / "radar").is_dir() else None
    sweeps = dict(numbered(folder(base / "velodyne", (".bin",))))
    if not sweeps:
        raise InvalidSource(f"{base / 'velodyne'}: no .bin files; nothing to import")
    numbers = sorted(sweeps)
    intake.frame_names = [sweeps[number].stem for number in numbers]
    if folder(base / "label_2", (".txt",)):
        intake.set_labels(read_view_of_delft_labels(root, intake, numbers))
    intake.add_lidar(LIDAR, np.eye(4), "Velodyne HDL-64 S3")
    calibration = _first_calibration(base, intake)
    images = {CAMERA: base / CAMERA}
    cameras = [] if calibration is None else add_cameras(intake, calibration, images)
    radar = {} if radar_base is None else dict(numbered(folder(radar_base / "velodyne", (".bin",))))
    intake.expected = len(radar)
    write_frames(intake, numbers, sweeps)
    write_images(intake, {name: images[name] for name in cameras}, numbers)
    if radar and radar_base is not None and calibration is not None:
        _write_radar(radar_base, radar, calibration, intake)
    elif radar:
        intake.warn("no calib folder: the radar is left out")
    if calibration is not None:
        _write_poses(base / "pose", numbers, calibration, intake)


def read_view_of_delft_labels(root: Path, tally: Tally, frames: Sequence[int] | None) -> Cuboids:
    """Labels without the sweeps; a cuboid's frame is the place of its number in `frames`."""
    return read_object_labels(_lidar_folder(root), tally, frames, classes=CLASSES, scores=False)


def _lidar_folder(root: Path) -> Path:
    return object_folder(root / "lidar" if (root / "lidar").is_dir() else root)


def _write_radar(
    base: Path, sweeps: dict[int, Path], calibration: KittiCalibration, intake: Intake
) -> None:
    own = _first_calibration(base, intake)
    if own is None:
        intake.warn("no radar/…/calib: the radar is left out")
        return
    intake.writer.add_radar(
        RADAR, calibration.lidar_from_rect @ own.rect_from_lidar, "ZF FRGen21 3+1D"
    )
    for number, path in sorted(sweeps.items()):
        points = read_points(path, columns=RADAR_COLUMNS, origin=np.zeros(3))
        intake.radar_sweep(RADAR, number * ASSUMED_PERIOD_NS, points)


def _write_poses(
    place: Path, numbers: list[int], calibration: KittiCalibration, intake: Intake
) -> None:
    files = dict(numbered(folder(place, (".json",))))
    timed = [number for number in numbers if number in files]
    if files:
        intake.warn("{n} sweeps have no pose file", len(numbers) - len(timed))
    if timed:
        poses = np.array(
            [as_transform(read_pose(files[number]), str(files[number])) for number in timed]
        )
        times = np.array(timed, dtype=np.int64) * ASSUMED_PERIOD_NS
        write_ego(intake, times, poses @ calibration.rect_from_lidar)


def read_pose(path: Path) -> Transform:
    """(4, 4) map_from_camera, or odom_from_camera where the file has no map.

    Raises:
        InvalidSource: if the file holds neither.
    """
    found: dict[str, list[float]] = {}
    try:
        for line in read_text(path).splitlines():
            if line.strip():
                found |= json.loads(line)
        values = found.get("mapToCamera") or found["odomToCamera"]
        return np.array(values, dtype=np.float64).reshape(4, 4)
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidSource(
            f"{path}: no mapToCamera or odomToCamera of 16 numbers ({error}); correct the file"
        ) from error


def _first_calibration(base: Path, intake: Intake) -> KittiCalibration | None:
    files = numbered(folder(base / "calib", (".txt",)))
    if not files:
        intake.warn(f"no {base.parent.name}/{base.name}/calib: camera and poses are left out")
        return None
    return read_calibration(files[0][1])
