"""Yaw, pitch and roll against angles worked out by hand and against pyquaternion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyquaternion import Quaternion

from lidar_label.datasets.rotations import (
    from_matrices,
    from_xyz_order,
    to_matrices,
    to_quaternions,
    to_xyz_order,
)

turn, tilt = st.floats(-3.1, 3.1), st.floats(-1.5, 1.5)


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


@given(turn, tilt, turn)
def test_matrices_are_z_then_y_then_x(yaw: float, pitch: float, roll: float) -> None:
    q = Quaternion(axis=(0, 0, 1), radians=yaw) * Quaternion(axis=(0, 1, 0), radians=pitch)
    q *= Quaternion(axis=(1, 0, 0), radians=roll)
    matrices = to_matrices(column(yaw), column(pitch), column(roll))
    np.testing.assert_allclose(matrices[0], q.rotation_matrix, atol=1e-12)
    same = to_quaternions(column(yaw), column(pitch), column(roll))[0]
    assert abs(np.dot(same, q.elements)) == pytest.approx(1, abs=1e-12)
    back = np.array(from_matrices(matrices))[:, 0]
    np.testing.assert_allclose(back, [yaw, pitch, roll], atol=1e-9)


@given(turn, tilt, tilt)
def test_xyz_order_comes_back(yaw: float, pitch: float, roll: float) -> None:
    angles = to_xyz_order(column(yaw), column(pitch), column(roll))
    back = np.array(from_xyz_order(*angles))[:, 0]
    np.testing.assert_allclose(back, [yaw, pitch, roll], atol=1e-9)


@pytest.mark.parametrize(
    ("xyz", "expected"),
    [
        ((0, 0, 0.3), (0.3, 0, 0)),
        ((0.5, 0, 0), (0, 0, 0.5)),
        ((0, 0.2, 0), (0, 0.2, 0)),
        # Rx(0.1) · Rz(π/2): the front turns to the left and then up by 0.1, the left side back.
        ((0.1, 0, np.pi / 2), (np.pi / 2, -0.1, 0)),
    ],
)
def test_xyz_order_by_hand(xyz: tuple[float, ...], expected: tuple[float, ...]) -> None:
    found = np.array(from_xyz_order(*(column(angle) for angle in xyz)))[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-15)
