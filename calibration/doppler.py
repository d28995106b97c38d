"""What a radar's Doppler says of its own motion, and of the motion of what it sees over ground."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Mask, Transform
from lidar_label.calibration.trajectory import Trajectory

_TRIALS = 60  # of three points; with half of them moving one is clean with 99.9 %
_MOMENT_NS = 50_000_000  # over which the ego's velocity is taken from its poses


@dataclass(frozen=True, eq=False)
class OwnMotion:
    """The radar's own motion by its Doppler.

    Attributes:
        velocity: (3,) m/s over ground, sensor frame.
        standing: (N,) bool, points that agree with it.
    """

    velocity: Floats
    standing: Mask


def own_velocity(
    xyz: NDArray[Any], radial_velocity: NDArray[Any], *, tolerance: float = 0.25
) -> OwnMotion | None:
    """The sensor's velocity, as most points stand still (Kellner et al., IV 2013).

    Args:
        xyz: (N, 3) metres, sensor frame.
        radial_velocity: (N,) m/s relative to the sensor, positive away from it.
        tolerance: m/s; points that agree to this stand still.

    Returns:
        None where fewer than half of at least six points agree on one velocity.
    """
    if len(xyz) < 6:
        return None
    toward, measured = directions(xyz), np.asarray(radial_velocity, dtype=np.float64)
    rng = np.random.default_rng(0)
    best: Mask = np.zeros(len(xyz), dtype=np.bool_)
    for _ in range(_TRIALS):
        three = rng.choice(len(xyz), 3, replace=False)
        velocity = _solved(toward[three], measured[three])
        agree: Mask = np.abs(measured + toward @ velocity) < tolerance
        if agree.sum() > best.sum():
            best = agree
    if 2 * int(best.sum()) < len(xyz):
        return None
    velocity = np.zeros(3)
    for _ in range(3):
        velocity = _solved(toward[best], measured[best])
        best = np.abs(measured + toward @ velocity) < tolerance
    return OwnMotion(velocity, best)


def _solved(toward: Floats, measured: Floats) -> Floats:
    """(3,) velocity; the little that is known across the view is held near zero."""
    normal = toward.T @ toward + np.diag((1e-6, 1e-6, 1e-2 * len(toward)))
    solved: Floats = np.linalg.solve(normal, -toward.T @ measured).astype(np.float64)
    return solved


def directions(xyz: NDArray[Any]) -> Floats:
    """(N, 3) unit vectors from the sensor to its points."""
    points = np.asarray(xyz, dtype=np.float64)
    return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)


def velocity_by_poses(trajectory: Trajectory, time_ns: int, ego_from_sensor: Transform) -> Floats:
    """(3,) m/s over ground of a sensor on the ego, in the sensor's frame."""
    ends = np.clip(
        np.array([time_ns - _MOMENT_NS, time_ns + _MOMENT_NS]),
        trajectory.time_ns[0],
        trajectory.time_ns[-1],
    )
    if ends[1] <= ends[0]:
        return np.zeros(3)
    before, after = trajectory.at(ends) @ ego_from_sensor
    way = (after[:3, 3] - before[:3, 3]) / ((ends[1] - ends[0]) / 1e9)
    return (trajectory.at(time_ns) @ ego_from_sensor)[:3, :3].T @ way


def over_ground(xyz: NDArray[Any], radial_velocity: NDArray[Any], velocity: Floats) -> Floats:
    """(N,) m/s over ground of points along their lines of sight: measured, and the sensor's own."""
    return np.asarray(radial_velocity, dtype=np.float64) + directions(xyz) @ velocity
