"""An inertial unit on the ego: specific force and turn rates of its motion, with their errors."""

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.calibration.transforms import Transform
from lidar_label.datasets.simulation.motion import Motion

GRAVITY = 9.80665  # m/s², down the world's z
CHANNELS = ("accel_x", "accel_y", "accel_z", "gyro_x", "gyro_y", "gyro_z")
UNITS = ("m/s^2", "m/s^2", "m/s^2", "rad/s", "rad/s", "rad/s")
# A consumer-grade unit at 100 Hz; spread of a sample, of the bias, and of its walk in one second.
_ACCEL, _GYRO = (0.02, 0.04, 0.002), (0.0015, 0.002, 0.0001)
_SHAKE = (0.012, 0.0006)  # m/s² and rad/s by engine and road, at 1 m/s; grows as speed's root
_STEP = 2e-3  # seconds of the differences that derivatives are taken by


def true_motion(motion: Motion, ego_from_imu: Transform, time: Floats) -> Floats:
    """(T, 6) specific force (m/s²) and turn rates (rad/s) at times in seconds, in the unit's frame.

    Specific force is acceleration less gravity: at rest on level ground it is +9.81 along z.
    """
    poses = [motion.poses(time + k * _STEP) @ ego_from_imu for k in (-1, 0, 1)]
    before, now, after = (pose[:, :3, 3] for pose in poses)
    acceleration = (before - 2 * now + after) / _STEP**2
    acceleration[:, 2] += GRAVITY
    turn = poses[0][:, :3, :3].transpose(0, 2, 1) @ poses[2][:, :3, :3]
    rates = np.column_stack(
        (
            turn[:, 2, 1] - turn[:, 1, 2],
            turn[:, 0, 2] - turn[:, 2, 0],
            turn[:, 1, 0] - turn[:, 0, 1],
        )
    ) / (4 * _STEP)
    force = np.einsum("tji,tj->ti", poses[1][:, :3, :3], acceleration)
    return np.hstack((force, rates))


def samples(
    motion: Motion, ego_from_imu: Transform, time: Floats, rng: np.random.Generator
) -> Floats:
    """(T, 6) what the unit reports: the true motion with noise, bias that walks, and shaking."""
    values = true_motion(motion, ego_from_imu, time)
    speed = np.abs(motion.at(time, 1)[:, 6])
    step = float(np.median(np.diff(time))) if len(time) > 1 else 0.01
    for first, (noise, bias, walk), shake in ((0, _ACCEL, _SHAKE[0]), (3, _GYRO, _SHAKE[1])):
        shape = (len(time), 3)
        drift = np.cumsum(rng.normal(0, walk * np.sqrt(step), shape), axis=0)
        rough = np.hypot(noise, shake * np.sqrt(speed))[:, None]
        values[:, first : first + 3] += rng.normal(0, bias, 3) + drift
        values[:, first : first + 3] += rng.normal(0, 1, shape) * rough
    return values
