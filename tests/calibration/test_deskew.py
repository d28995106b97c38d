"""Deskewing: a static world seen while driving comes back straight, as by one pose a point."""

import numpy as np
import pytest

from lidar_label.calibration.deskew import deskew
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.calibration.transforms import from_yaw, invert, transform_points

MS = 1_000_000
START_NS = 1_700_000_000_000_000_000


def drive(speed: float, yaw_rate: float, seconds: float = 0.2, rate_hz: float = 100) -> Trajectory:
    """A constant turn, x forward, from the origin."""
    t = np.arange(0, seconds + 1e-9, 1 / rate_hz)
    yaw = yaw_rate * t
    x = speed * t if yaw_rate == 0 else speed / yaw_rate * np.sin(yaw)
    y = 0 * t if yaw_rate == 0 else speed / yaw_rate * (1 - np.cos(yaw))
    zero = 0 * t
    poses = np.column_stack((x, y, zero, np.cos(yaw / 2), zero, zero, np.sin(yaw / 2)))
    return Trajectory(START_NS + np.round(t * 1e9).astype(np.int64), poses)


def exact(points, times, reference, trajectory, ego_from_sensor):
    """The naive twin: one pose a point, in float64."""
    world_from_ego = trajectory.at(times)
    to_reference = invert(trajectory.at(reference)) @ world_from_ego @ ego_from_sensor
    return np.stack([(m @ np.append(p, 1))[:3] for m, p in zip(to_reference, points, strict=True)])


def seen_world(trajectory: Trajectory, ego_from_sensor: np.ndarray, seed: int = 0):
    """Static points within 100 m, each in the sensor frame of its own time in a sweep of 100 ms."""
    rng = np.random.default_rng(seed)
    world = rng.uniform(-100, 100, (400, 3)) * [0.7, 0.7, 0.05]
    times = START_NS + rng.integers(0, 100 * MS, 400)
    sensor_from_world = invert(trajectory.at(times) @ ego_from_sensor)
    points = (
        np.einsum("nij,nj->ni", sensor_from_world[:, :3, :3], world) + sensor_from_world[:, :3, 3]
    )
    return world, times, points.astype(np.float32)


@pytest.mark.parametrize("yaw_rate", [0.0, 0.3, -1.0])
def test_a_static_world_is_straight_again(yaw_rate: float) -> None:
    trajectory = drive(30.0, yaw_rate)
    ego_from_sensor = from_yaw(np.array([1.2, 0.1, 1.8]), 0.4)
    world, times, points = seen_world(trajectory, ego_from_sensor)
    reference = START_NS + 100 * MS
    found = deskew(points, times, reference, trajectory, ego_from_sensor)
    wanted = transform_points(invert(trajectory.at(reference)), world)
    assert np.abs(found - wanted).max() < 1e-3  # the interpolated turn is not the true arc
    raw = transform_points(ego_from_sensor, points)
    assert np.abs(raw - wanted).max() > 2.5  # 30 m/s over 0.1 s


def test_blending_is_within_a_tenth_of_a_millimetre_of_one_pose_a_point() -> None:
    trajectory = drive(30.0, 1.0, rate_hz=1000)
    ego_from_sensor = from_yaw(np.array([1.2, 0.1, 1.8]), 0.4)
    _, times, points = seen_world(trajectory, ego_from_sensor)
    reference = START_NS + 50 * MS
    found = deskew(points, times, reference, trajectory, ego_from_sensor)
    assert found.dtype == np.float32
    twin = exact(points, times, reference, trajectory, ego_from_sensor)
    assert np.abs(found - twin).max() < 1e-4


def test_one_time_for_all_moves_the_sweep_as_a_whole() -> None:
    trajectory = drive(20.0, 0.5)
    points = np.array([[10.0, 5, 0], [-3, 2, 1]], dtype=np.float32)
    reference, own = START_NS + 80 * MS, START_NS + 20 * MS
    moved = invert(trajectory.at(reference)) @ trajectory.at(own)
    for times in (np.array(own), np.full(2, own)):
        found = deskew(points, times, reference, trajectory, np.eye(4))
        np.testing.assert_allclose(found, transform_points(moved, points), atol=1e-5)


def test_standing_changes_nothing_and_nothing_stays_nothing() -> None:
    still = Trajectory(np.array([0, 10**9]), np.tile([5.0, 5, 0, 1, 0, 0, 0], (2, 1)))
    points = np.random.default_rng(0).uniform(-50, 50, (100, 3)).astype(np.float32)
    times = np.arange(100) * MS
    np.testing.assert_allclose(deskew(points, times, 0, still, np.eye(4)), points, atol=1e-5)
    assert deskew(points[:0], times[:0], 0, still, np.eye(4)).shape == (0, 3)


def test_times_a_nanosecond_apart() -> None:
    trajectory = Trajectory(
        np.array([0, 10]), np.array([[0.0, 0, 0, 1, 0, 0, 0], [10, 0, 0, 1, 0, 0, 0]])
    )
    found = deskew(np.zeros((2, 3), np.float32), np.array([3, 4]), 0, trajectory, np.eye(4))
    np.testing.assert_allclose(found[:, 0], [3, 4], atol=1e-6)


def test_a_stray_time_spoils_only_its_own_point() -> None:
    trajectory = drive(30.0, 1.0, seconds=3.0)
    ego_from_sensor = from_yaw(np.array([1.2, 0.1, 1.8]), 0.4)
    _, times, points = seen_world(trajectory, ego_from_sensor)
    reference = START_NS + 50 * MS
    for stray in (0, START_NS + 2500 * MS):
        times[7] = stray
        found = deskew(points, times, reference, trajectory, ego_from_sensor)
        assert found.dtype == np.float32
        twin = exact(points, times, reference, trajectory, ego_from_sensor)
        assert np.abs(found - twin).max() < 1e-4
