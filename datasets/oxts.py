"""KITTI's GPS/IMU lines (OXTS RT3003): poses on a Mercator plane and inertial samples."""

from pathlib import Path

import numpy as np

from lidar_label.arrays import Floats, Ints, Transform
from lidar_label.calibration.transforms import as_transform, matrix_to_pose7
from lidar_label.datasets.intake import Intake, read_text
from lidar_label.datasets.kitti_calibration import inverse
from lidar_label.datasets.rotations import from_matrices, to_matrices
from lidar_label.errors import InvalidSource

COLUMNS = 30
EARTH_RADIUS = 6378137.0  # metres, as KITTI's devkit projects (convertOxtsToPose.m)
CHANNELS = (
    "acceleration_x", "acceleration_y", "acceleration_z",
    "angular_rate_x", "angular_rate_y", "angular_rate_z",
    "velocity_forward", "velocity_left", "velocity_up",
)  # fmt: skip
UNITS = ("m/s^2",) * 3 + ("rad/s",) * 3 + ("m/s",) * 3
_CHANNEL_COLUMNS = [11, 12, 13, 17, 18, 19, 8, 9, 10]
IMU = "oxts"


def read_oxts_line(line: str, place: str) -> Floats:
    """The 30 values of one line.

    Raises:
        InvalidSource: naming the place, if a value is missing or no finite number.
    """
    words = line.split()
    if len(words) != COLUMNS:
        raise InvalidSource(f"{place}: {len(words)} values; an OXTS line has {COLUMNS}")
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        raise InvalidSource(f"{place}: holds a word that is no number; correct it") from None
    if not np.isfinite(values).all():
        raise InvalidSource(f"{place}: holds a value that is not finite; correct or remove it")
    return values


def read_oxts_file(path: Path) -> Floats:
    """(T, 30) values of the tracking set's one file a sequence, one line a frame."""
    lines = read_text(path).splitlines()
    rows = [
        read_oxts_line(line, f"{path}, line {number}")
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, COLUMNS)


def imu_poses(values: Floats) -> Transform:
    """(T, 4, 4) poses of the IMU: x east, y north, z up, Mercator at the first latitude.

    Roll, pitch and yaw turn in the order Rz · Ry · Rx, as in KITTI's devkit (Geiger et al., 2013).
    """
    latitude, longitude, altitude, roll, pitch, yaw = values[:, :6].T
    scale = np.cos(np.radians(latitude[0])) if len(values) else 1.0
    poses = np.tile(np.eye(4), (len(values), 1, 1))
    poses[:, :3, :3] = to_matrices(yaw, pitch, roll)
    poses[:, 0, 3] = scale * EARTH_RADIUS * np.radians(longitude)
    poses[:, 1, 3] = scale * EARTH_RADIUS * np.log(np.tan(np.radians(90 + latitude) / 2))
    poses[:, 2, 3] = altitude
    return poses


def oxts_lines(world_from_imu: Transform, time_ns: Ints, force: Floats, rates: Floats) -> list[str]:
    """One line a pose, the inverse of `imu_poses`: a drive that begins at 0° north, 0° east, 0 m.

    Velocities follow from the poses, 0 where two have one time; accuracies and modes are 0.

    Args:
        world_from_imu: (T, 4, 4).
        time_ns: (T,) of the poses.
        force: (T, 3) specific force along the unit's axes, m/s².
        rates: (T, 3) turn rates about them, rad/s.
    """
    places = world_from_imu[:, :3, 3] - world_from_imu[:1, :3, 3]
    longitude = np.degrees(places[:, 0] / EARTH_RADIUS)
    latitude = np.degrees(2 * np.arctan(np.exp(places[:, 1] / EARTH_RADIUS))) - 90
    yaw, pitch, roll = from_matrices(world_from_imu[:, :3, :3])
    velocity = np.zeros_like(places)
    if len(places) > 1 and (np.diff(time_ns) > 0).all():
        velocity = np.gradient(places, (time_ns - time_ns[0]) / 1e9, axis=0)
    level = to_matrices(np.zeros_like(yaw), pitch, roll)  # parallel to the ground, heading ahead
    level_from_world = to_matrices(yaw, np.zeros_like(yaw), np.zeros_like(yaw)).transpose(0, 2, 1)
    rows = np.column_stack(
        (
            *(latitude, longitude, places[:, 2], roll, pitch, yaw, velocity[:, 1], velocity[:, 0]),
            (level_from_world @ velocity[..., None])[..., 0],
            *(force, (level @ force[..., None])[..., 0]),
            *(rates, (level @ rates[..., None])[..., 0]),
        )
    )
    return [" ".join(map(repr, row)) + " 0" * (COLUMNS - len(row)) for row in rows.tolist()]


def write_ego(intake: Intake, time_ns: Ints, world_from_ego: Transform) -> None:
    """Write ego poses (T, 4, 4), turned and shifted so that the first one is the world.

    Raises:
        InvalidSource: naming the pose that is not a rotation and a shift.
    """
    if len(time_ns):
        given = [as_transform(pose, f"ego pose {i}") for i, pose in enumerate(world_from_ego)]
        poses = inverse(given[0]) @ np.array(given)
        intake.writer.append_ego(time_ns, matrix_to_pose7(poses))


def write_oxts(
    intake: Intake, time_ns: Ints, values: Floats, lidar_from_imu: Transform | None
) -> None:
    """Write inertial samples and, where the IMU's place is known, the LiDAR's poses."""
    if not len(values):
        return
    placed = np.eye(4) if lidar_from_imu is None else lidar_from_imu
    intake.writer.add_imu(IMU, placed, CHANNELS, UNITS, "OXTS RT3003")
    intake.writer.append_imu(IMU, time_ns, values[:, _CHANNEL_COLUMNS])
    if lidar_from_imu is None:
        intake.warn("no calibration of the IMU beside the LiDAR: ego poses are left out")
        return
    write_ego(intake, time_ns, imu_poses(values) @ inverse(lidar_from_imu))
