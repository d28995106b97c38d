"""Argoverse 2 sensor logs: sweeps, rig, poses, images and cuboids (Wilson et al., NeurIPS 2021).

Frames: the ego frame is AV2's egovehicle frame (rear axle, x forward, y left, z up); the world is
AV2's city frame, shifted by an origin that the recording states. A sweep's file holds both 32-beam
LiDARs in the ego frame at its timestamp, motion-compensated; lasers 0 to 31 are `up_lidar`, 32 to
63 `down_lidar` (each lies on cones of its own sensor only so), and are put back into these
sensors' frames. Labels: centre, length along the heading, width, height, unit quaternion
w x y z = ego_from_box, kept with pitch and roll. track_uuid is kept as source_id; track_id numbers
the UUIDs in order of appearance.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lidar_label.arrays import Transform
from lidar_label.calibration.transforms import from_quaternion, invert, transform_points
from lidar_label.datasets.argoverse2_labels import annotation_times, read_annotations
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.feather import finite, numbers, quaternions, read_feather, texts
from lidar_label.datasets.intake import Cloud, Intake, Tally, choose, folder, in_time_order
from lidar_label.datasets.kitti import IMAGE_SUFFIXES
from lidar_label.errors import InvalidSource

LIDARS = ("up_lidar", "down_lidar")
_BEAMS = 32
_POSE = ("tx_m", "ty_m", "tz_m", "qw", "qx", "qy", "qz")


def find_logs(root: Path) -> list[Path]:
    """Log folders: the root itself, or one or two levels below it."""
    if is_log(root):
        return [root]
    for pattern in ("*", "*/*"):
        found = [path for path in sorted(root.glob(pattern)) if is_log(path)]
        if found:
            return found
    return []


def is_log(path: Path) -> bool:
    """Whether the folder has sweeps or labels as AV2 lays them."""
    if not path.is_dir():
        return False
    labels = (path / "annotations.feather").is_file()
    return labels or bool(folder(path / "sensors" / "lidar", (".feather",)))


def read_log(root: Path, intake: Intake, sequence: str | None = None) -> None:
    """Read one log.

    Raises:
        UsageError: if there are several logs and none is chosen.
        InvalidSource: if a file is missing, cut short or lacks a column.
    """
    log = _log(root, sequence)
    sweeps = dict(_stamped(folder(log / "sensors" / "lidar", (".feather",))))
    annotations = log / "annotations.feather"
    times = sorted(sweeps) or annotation_times(annotations)
    intake.frame_names = [str(time) for time in times]
    if annotations.is_file():
        intake.set_labels(read_annotations(annotations, intake, times))
    placed = _sensors(log, intake)
    lidars = LIDARS if all(name in placed for name in LIDARS) else ("lidar",)
    if len(lidars) == 1:
        intake.warn("no calibration of up_lidar and down_lidar: taken as one in the ego frame")
    for name in lidars:
        intake.add_lidar(name, placed.get(name, np.eye(4)), "32 beams", compensated=True)
    images = _add_cameras(log, placed, intake)
    intake.expected = len(sweeps) * len(lidars) + sum(map(len, images.values()))
    if not sweeps:
        intake.warn("no sensors/lidar folder: {n} frames without points", len(times))
    for time_ns in times:
        clouds = (
            read_sweep(sweeps[time_ns], time_ns, [placed.get(name, np.eye(4)) for name in lidars])
            if sweeps
            else None
        )
        for i, name in enumerate(lidars):
            if clouds is None:
                intake.empty_frame(name, time_ns)
            else:
                intake.sweep(name, time_ns, clouds[i])
    for camera, files in images.items():
        for time_ns, path in files:
            intake.image(camera, time_ns, path)
    _write_poses(log / "city_SE3_egovehicle.feather", intake)


def read_sweep(path: Path, time_ns: int, ego_from_lidars: Sequence[Transform]) -> list[Cloud]:
    """The points of each LiDAR in its own frame: of 32 lasers each, or of all if there is one.

    Raises:
        InvalidSource: if the file is cut short or lacks a column.
    """
    table = read_feather(path, ("x", "y", "z", "intensity", "laser_number", "offset_ns"))
    xyz = np.column_stack([numbers(path, table, axis).astype(np.float64) for axis in "xyz"])
    intensity = numbers(path, table, "intensity").astype(np.float32)
    laser = numbers(path, table, "laser_number").astype(np.int64)
    times = time_ns + numbers(path, table, "offset_ns").astype(np.int64)
    if len(laser) and (laser.min() < 0 or laser.max() >= _BEAMS * len(LIDARS)):
        raise InvalidSource(
            f"{path}: laser_number runs from {laser.min()} to {laser.max()}; AV2 has 0 to 63"
        )
    whole = np.isfinite(xyz).all(axis=1)
    clouds: list[Cloud] = []
    for i, ego_from_lidar in enumerate(ego_from_lidars):
        own = laser // _BEAMS == i if len(ego_from_lidars) > 1 else np.ones(len(laser), dtype=bool)
        rows = own & whole
        points = transform_points(invert(ego_from_lidar), xyz[rows])
        clouds.append(
            Cloud(
                xyz=points.astype(np.float32),
                intensity=intensity[rows],
                ring=laser[rows] - _BEAMS * i,
                point_time_ns=times[rows],
                dropped=int((own & ~whole).sum()),
            )
        )
    return clouds


def read_log_labels(
    root: Path, tally: Tally, times: Sequence[int] | None, sequence: str | None = None
) -> Cuboids:
    """Labels of a log without its sweeps; frames are the places of `times`."""
    return read_annotations(_log(root, sequence) / "annotations.feather", tally, times)


def _log(root: Path, sequence: str | None) -> Path:
    logs = {path.name: path for path in find_logs(root)}
    if not logs:
        raise InvalidSource(f"{root}: no sensors/lidar/*.feather and no annotations.feather")
    return logs[choose(sorted(logs), sequence, root)]


def _stamped(files: Sequence[Path]) -> list[tuple[int, Path]]:
    """Files with the timestamp that is their name, in order of time."""
    for path in files:
        if not path.stem.isdecimal() or len(path.stem) > 19:
            raise InvalidSource(f"{path}: its name is no time in nanoseconds; rename it")
    return sorted((int(path.stem), path) for path in files)


def _sensors(log: Path, intake: Intake) -> dict[str, Transform]:
    """`ego_from_sensor` of every sensor that the calibration places."""
    path = log / "calibration" / "egovehicle_SE3_sensor.feather"
    if not path.is_file():
        intake.warn("no calibration/egovehicle_SE3_sensor.feather")
        return {}
    table = read_feather(path, ("sensor_name", *_POSE))
    matrices = from_quaternion(finite(path, table, _POSE[:3]), quaternions(path, table))
    return dict(zip(texts(path, table, "sensor_name"), matrices, strict=True))


def _add_cameras(
    log: Path, placed: dict[str, Transform], intake: Intake
) -> dict[str, list[tuple[int, Path]]]:
    """Add the cameras of intrinsics.feather; their images with times, those that there are."""
    path = log / "calibration" / "intrinsics.feather"
    found = {
        name: _stamped(folder(log / "sensors" / "cameras" / name, IMAGE_SUFFIXES))
        for name in placed
    }
    if not path.is_file():
        intake.warn(
            "no calibration/intrinsics.feather: {n} images are left out",
            sum(map(len, found.values())),
        )
        return {}
    lens = ("fx_px", "fy_px", "cx_px", "cy_px", "k1", "k2", "k3", "width_px", "height_px")
    table = read_feather(path, ("sensor_name", *lens))
    names = texts(path, table, "sensor_name")
    for name, row in zip(names, finite(path, table, lens), strict=True):
        if name not in placed:
            intake.warn(f"camera {name} has no place in the calibration; its images are left out")
            continue
        fx, fy, cx, cy, k1, k2, k3, width, height = row.tolist()
        intake.writer.add_camera(
            name,
            placed[name],
            intrinsics=np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]),
            distortion=(k1, k2, 0.0, 0.0, k3),
            width=int(width),
            height=int(height),
        )
    return {name: found[name] for name in names if found.get(name)}


def _write_poses(path: Path, intake: Intake) -> None:
    if not path.is_file():
        intake.warn("no city_SE3_egovehicle.feather: ego poses are left out")
        return
    table = read_feather(path, ("timestamp_ns", *_POSE))
    times = numbers(path, table, "timestamp_ns").astype(np.int64)
    places = finite(path, table, _POSE[:3])
    poses = np.column_stack((places, quaternions(path, table)))
    order = in_time_order(times.tolist(), "ego poses", intake)
    if order:
        origin = np.rint(places[order[0]])
        intake.writer.set_origin(origin)
        intake.writer.append_ego(times[order], poses[order] - np.append(origin, np.zeros(4)))
