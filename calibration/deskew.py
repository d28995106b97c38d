"""Sweeps taken apart in time: each point moved to where it is at one moment as the ego drives."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Points, Transform
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.calibration.transforms import invert, transform_points
from lidar_label.kernels.jit import kernel

# Between knots a point moves on the chord of its arc, off by range · (turn in a step)² / 8 (at
# 1 rad/s, 0.1 s, 100 m by 0.01 mm), and cuts the corner at a pose of the trajectory by
# turn of velocity · step / 4 (poses every 10 ms at 30 m/s: 0.06 mm).
_KNOTS = 128
_LONGEST_SWEEP_NS = 1_000_000_000


def deskew(
    points: Points,
    point_time_ns: NDArray[Any],
    reference_time_ns: int,
    trajectory: Trajectory,
    ego_from_sensor: Transform,
) -> Points:
    """Move each point to the ego frame at the reference time, as things that stand still would.

    The ego's pose is taken at 129 times over the sweep and blended between them; against exact
    interpolation a point is off by less than 0.1 mm at road speeds and 100 m. Points that are more
    than a second apart get a pose each, which takes longer.

    Args:
        points: (N, 3) float32, sensor frame at each point's own time.
        point_time_ns: (N,) int64, or one time for all.
        reference_time_ns: The time whose ego frame is wanted.
        trajectory: The ego's poses; beyond their ends the ego is taken to stand.
        ego_from_sensor: (4, 4).

    Returns:
        (N, 3) float32, ego frame at the reference time.
    """
    points = np.ascontiguousarray(points, dtype=np.float32)
    times = np.asarray(point_time_ns, dtype=np.int64)
    reference_from_world = invert(trajectory.at(reference_time_ns))
    if len(points) == 0:
        return points.copy()
    # The ego stands beyond its poses' ends, so a stray time there is that of the end.
    times = np.clip(times, trajectory.time_ns[0], trajectory.time_ns[-1])
    first, last = int(times.min()), int(times.max())
    if first == last:
        moved = reference_from_world @ trajectory.at(first) @ ego_from_sensor
        return transform_points(moved, points)
    if last - first > _LONGEST_SWEEP_NS:
        exact = reference_from_world @ trajectory.at(times) @ ego_from_sensor
        moved = np.einsum("nij,nj->ni", exact[:, :3, :3], points) + exact[:, :3, 3]
        return moved.astype(np.float32)
    step_ns = max(-(-(last - first) // _KNOTS), 1)
    knots = first + step_ns * np.arange(_KNOTS + 2, dtype=np.int64)
    poses = reference_from_world @ trajectory.at(knots) @ ego_from_sensor
    rows = np.ascontiguousarray(poses[:, :3, :], dtype=np.float64)
    return _blend(points, np.ascontiguousarray(times), first, step_ns, rows)


@kernel
def _blend(
    points: Points, times: NDArray[np.int64], first: int, step_ns: int, knots: Floats
) -> Points:
    moved = np.empty_like(points)
    for i in range(points.shape[0]):
        since = times[i] - first
        left = since // step_ns
        share = (since - left * step_ns) / step_ns
        for row in range(3):
            a = knots[left, row]
            b = knots[left + 1, row]
            before = a[0] * points[i, 0] + a[1] * points[i, 1] + a[2] * points[i, 2] + a[3]
            after = b[0] * points[i, 0] + b[1] * points[i, 1] + b[2] * points[i, 2] + b[3]
            moved[i, row] = before + share * (after - before)
    return moved
