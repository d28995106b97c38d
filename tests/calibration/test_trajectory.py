"""Poses between poses: ends, half-ways, equal times, the short way round, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyquaternion import Quaternion

from lidar_label.calibration.trajectory import Trajectory
from lidar_label.calibration.transforms import pose7_to_matrix
from lidar_label.errors import InvalidSource

START_NS = 1_700_000_000_000_000_000  # float64 does not hold its nanoseconds


def random_trajectory(seed: int, count: int = 6) -> Trajectory:
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(count, 4))
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    times = START_NS + np.cumsum(rng.integers(1, 10**8, count))
    return Trajectory(times, np.column_stack((rng.uniform(-50, 50, (count, 3)), q)))


def naive_pose(trajectory: Trajectory, time_ns: int) -> np.ndarray:
    """One pose by a loop and pyquaternion's slerp."""
    times, poses = trajectory.time_ns, trajectory.world_from_ego
    if time_ns <= times[0]:
        return pose7_to_matrix(poses[0])
    for i in range(len(times) - 1):
        if times[i] <= time_ns <= times[i + 1]:
            share = float(time_ns - times[i]) / float(times[i + 1] - times[i])
            a, b = Quaternion(poses[i, 3:]), Quaternion(poses[i + 1, 3:])
            matrix = Quaternion.slerp(a, b, share).transformation_matrix
            matrix[:3, 3] = (1 - share) * poses[i, :3] + share * poses[i + 1, :3]
            return matrix
    return pose7_to_matrix(poses[-1])


@given(st.integers(0, 10**6), st.lists(st.integers(-(10**8), 7 * 10**8), min_size=1, max_size=5))
def test_agrees_with_the_naive_twin(seed: int, offsets: list[int]) -> None:
    trajectory = random_trajectory(seed)
    asked = START_NS + np.array(offsets)
    batch = trajectory.at(asked)
    assert batch.shape == (len(asked), 4, 4)
    for time_ns, matrix in zip(asked.tolist(), batch, strict=True):
        np.testing.assert_allclose(matrix, naive_pose(trajectory, time_ns), atol=1e-7)
        np.testing.assert_allclose(trajectory.at(time_ns), matrix, atol=1e-12)


@given(st.integers(0, 10**6))
def test_recorded_poses_come_back(seed: int) -> None:
    trajectory = random_trajectory(seed)
    np.testing.assert_allclose(
        trajectory.at(trajectory.time_ns), pose7_to_matrix(trajectory.world_from_ego), atol=1e-12
    )


def test_half_way_is_half_the_turn_and_half_the_way() -> None:
    quarter = [np.cos(np.pi / 4), 0, 0, np.sin(np.pi / 4)]
    poses = np.array([[0.0, 0, 0, 1, 0, 0, 0], [10, 0, 0, *quarter]])
    for sign in (1, -1):  # q and −q are the same rotation
        trajectory = Trajectory(np.array([0, 100]), poses * [[1] * 7, [1, 1, 1, *[sign] * 4]])
        half = trajectory.at(50)
        assert half[0, 3] == pytest.approx(5)
        assert np.arctan2(half[1, 0], half[0, 0]) == pytest.approx(np.pi / 4)


def test_the_sign_of_a_quaternion_does_not_matter_anywhere() -> None:
    trajectory = random_trajectory(3, count=20)
    flipped = trajectory.world_from_ego.copy()
    flipped[np.random.default_rng(0).random(20) < 0.5, 3:] *= -1
    asked = np.linspace(trajectory.time_ns[0], trajectory.time_ns[-1], 57).astype(np.int64)
    other = Trajectory(trajectory.time_ns, flipped)
    np.testing.assert_allclose(other.at(asked), trajectory.at(asked), atol=1e-9)


def test_beyond_the_ends_it_stands_and_says_so() -> None:
    trajectory = random_trajectory(1)
    early, late = int(trajectory.time_ns[0]) - 1, int(trajectory.time_ns[-1]) + 1
    np.testing.assert_allclose(trajectory.at(early), trajectory.at(early + 1))
    np.testing.assert_allclose(trajectory.at(late), trajectory.at(late - 1))
    assert trajectory.covers(np.array([early, early + 1, late - 1, late])).tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_a_single_pose_is_for_all_times() -> None:
    trajectory = Trajectory(np.array([5]), np.array([[1.0, 2, 3, 1, 0, 0, 0]]))
    assert trajectory.at(np.array([0, 5, 9]))[:, :3, 3].tolist() == [[1, 2, 3]] * 3
    assert trajectory.at(7)[:3, 3].tolist() == [1, 2, 3]
    assert trajectory.length == 0


def test_of_equal_times_the_last_counts() -> None:
    poses = np.tile([0.0, 0, 0, 1, 0, 0, 0], (4, 1))
    poses[:, 0] = [0, 1, 7, 10]
    trajectory = Trajectory(np.array([0, 5, 5, 10]), poses)
    assert trajectory.at(np.array([0, 5, 10]))[:, 0, 3].tolist() == [0, 7, 10]
    assert len(trajectory) == 3
    assert trajectory.length == pytest.approx(10)


@pytest.mark.parametrize(
    ("times", "poses", "word"),
    [
        ([], np.zeros((0, 7)), "no poses"),
        ([0], np.zeros((1, 6)), "(1, 6)"),
        ([0, 1], [[0, 0, 0, 1, 0, 0, 0]], "2 times"),
        ([0], [[0, 0, 0, 0, 0, 0, 0]], "unit quaternion"),
        ([0], [[np.nan, 0, 0, 1, 0, 0, 0]], "ego pose 0"),
        ([1, 0], [[0, 0, 0, 1, 0, 0, 0]] * 2, "back in time"),
    ],
)
def test_refusals(times: list[int], poses: object, word: str) -> None:
    with pytest.raises(InvalidSource) as raised:
        Trajectory(np.array(times, dtype=np.int64), np.array(poses, dtype=float))
    assert word in str(raised.value)
