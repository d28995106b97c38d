"""Rigid transforms: inverse, composition, quaternions there and back, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyquaternion import Quaternion
from scipy.spatial.transform import Rotation

from lidar_label.calibration.transforms import (
    as_transform,
    from_quaternion,
    from_yaw,
    invert,
    matrix_to_pose7,
    pose7_to_matrix,
    to_quaternion,
    transform_points,
)
from lidar_label.errors import InvalidSource

lengths = st.floats(-1e4, 1e4)


@st.composite
def poses(draw: st.DrawFn) -> np.ndarray:
    """x y z qw qx qy qz with a unit quaternion of either sign."""
    q = np.array([draw(st.floats(-1, 1)) for _ in range(4)])
    norm = np.linalg.norm(q)
    q = q / norm if norm > 1e-3 else np.array([1.0, 0, 0, 0])
    return np.array([*(draw(lengths) for _ in range(3)), *q])


@given(poses())
def test_matrix_is_that_of_pyquaternion(pose: np.ndarray) -> None:
    matrix = pose7_to_matrix(pose)
    np.testing.assert_allclose(matrix[:3, :3], Quaternion(pose[3:]).rotation_matrix, atol=1e-12)
    assert (matrix[:3, 3] == pose[:3]).all()
    assert matrix[3].tolist() == [0, 0, 0, 1]


@given(poses())
def test_pose_survives_the_matrix(pose: np.ndarray) -> None:
    back = matrix_to_pose7(pose7_to_matrix(pose))
    np.testing.assert_allclose(back[:3], pose[:3])
    assert back[3] >= 0
    assert abs(np.dot(back[3:], pose[3:])) == pytest.approx(1, abs=1e-9)


@given(poses())
def test_inverse_undoes(pose: np.ndarray) -> None:
    matrix = pose7_to_matrix(pose)
    np.testing.assert_allclose(invert(matrix) @ matrix, np.eye(4), atol=1e-8)
    np.testing.assert_allclose(invert(matrix), np.linalg.inv(matrix), atol=1e-8)


@given(poses(), poses())
def test_inverse_of_a_product_and_batches(first: np.ndarray, second: np.ndarray) -> None:
    a, b = pose7_to_matrix(first), pose7_to_matrix(second)
    np.testing.assert_allclose(invert(a @ b), invert(b) @ invert(a), atol=1e-7)
    both = pose7_to_matrix(np.stack((first, second)).reshape(1, 2, 7))
    assert both.shape == (1, 2, 4, 4)
    assert (both[0, 1] == b).all()
    assert (invert(both)[0, 0] == invert(a)).all()
    assert matrix_to_pose7(both).shape == (1, 2, 7)


@given(poses(), poses())
def test_moving_twice_is_moving_by_the_product(first: np.ndarray, second: np.ndarray) -> None:
    a, b = pose7_to_matrix(first), pose7_to_matrix(second)
    points = np.array([[1.0, 2.0, 3.0], [-40.0, 0.0, 7.0]])
    twice = transform_points(a, transform_points(b, points))
    np.testing.assert_allclose(twice, transform_points(a @ b, points), atol=1e-8)
    one_by_one = [(a @ np.append(point, 1))[:3] for point in points]
    np.testing.assert_allclose(transform_points(a, points), one_by_one, atol=1e-8)


def test_float32_points_stay_float32_and_near_the_exact_ones() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-100, 100, (500, 3)).astype(np.float32)
    matrix = pose7_to_matrix(
        np.array([1.5, -0.3, 1.7, *Rotation.random(rng=1).as_quat()[[3, 0, 1, 2]]])
    )
    moved = transform_points(matrix, points)
    assert moved.dtype == np.float32
    np.testing.assert_allclose(moved, transform_points(matrix, points.astype(float)), atol=5e-5)
    assert transform_points(matrix, points[:0]).shape == (0, 3)


def test_quaternions_are_normalised_and_turn_the_right_way() -> None:
    left = from_quaternion([0, 0, 0], [2 * np.cos(np.pi / 4), 0, 0, 2 * np.sin(np.pi / 4)])
    np.testing.assert_allclose(
        transform_points(left, np.array([[1.0, 0, 0]])), [[0, 1, 0]], atol=1e-12
    )
    np.testing.assert_allclose(from_yaw([0, 0, 0], np.pi / 2), left, atol=1e-12)
    many = from_yaw(np.zeros((3, 3)), np.array([0.1, 0.2, 0.3]))
    np.testing.assert_allclose(many[2], from_yaw(np.zeros(3), 0.3))
    np.testing.assert_allclose(to_quaternion(left), [np.sqrt(0.5), 0, 0, np.sqrt(0.5)])


def test_calibration_printed_with_few_digits_is_taken() -> None:
    exact = pose7_to_matrix(np.array([1.0, 2, 3, *Quaternion([0.3, -0.5, 0.7, 0.1]).unit.elements]))
    rounded = np.round(exact, 6)
    assert as_transform(rounded[:3]).shape == (4, 4)
    assert (as_transform(rounded) == rounded).all()
    assert abs(np.linalg.norm(to_quaternion(rounded)) - 1) < 1e-9


@pytest.mark.parametrize(
    ("matrix", "word"),
    [
        (np.eye(3), "(3, 3)"),
        (np.full((4, 4), np.nan), "not finite"),
        (np.diag([1.0, 1, -1, 1]), "determinant -1"),
        (np.diag([2.0, 2, 2, 1]), "off by 3"),
        (np.eye(4) + np.eye(4)[[3]].T @ np.ones((1, 4)) * [1, 0, 0, 0], "0 0 0 1"),
    ],
)
def test_refusals_name_the_matrix(matrix: np.ndarray, word: str) -> None:
    with pytest.raises(InvalidSource, match="ego_from_sensor of lidar top") as raised:
        as_transform(matrix, "ego_from_sensor of lidar top")
    assert word in str(raised.value)
    assert "\n" not in str(raised.value)
