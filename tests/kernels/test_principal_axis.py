import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lidar_label.kernels.principal_axis import turn_to_axis
from lidar_label.kernels.rectangles import ANGLE, U_HIGH, U_LOW, V_HIGH, V_LOW, fit_slices


def fitted(points, start, stop, longest=4.0):
    points = np.ascontiguousarray(points.T, dtype=np.float32)
    start, stop = np.array(start), np.array(stop)
    fits = fit_slices(points, start, stop, 50.0, np.zeros(2))
    return fits, turn_to_axis(points, start, stop, fits, longest)


def bicycle(yaw, x, y):
    """Two wheels and a frame in one plane, and a handlebar across it near the front."""
    rng = np.random.default_rng(0)
    plane = np.column_stack((rng.uniform(-0.85, 0.85, 60), rng.normal(0, 0.03, 60)))
    bar = np.column_stack((np.full(8, 0.55), np.linspace(-0.3, 0.3, 8)))
    c, s = np.cos(yaw), np.sin(yaw)
    at = np.concatenate((plane, bar)) @ np.array([[c, s], [-s, c]]) + [x, y]
    return np.column_stack((at, np.full(len(at), 0.7)))


@settings(max_examples=40, deadline=None)
@given(st.floats(-np.pi, np.pi), st.floats(-40, 40), st.floats(-40, 40))
def test_the_axis_of_a_bicycle_is_found_whatever_its_handlebar(yaw, x, y):
    points = bicycle(yaw, x, y)
    _, turned = fitted(points, [0], [len(points)])
    off = (turned[0, ANGLE] - yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4
    assert abs(off) < np.deg2rad(6)


@pytest.mark.parametrize("seed", range(8))
def test_it_agrees_with_the_eigenvectors_of_the_covariance(seed):
    rng = np.random.default_rng(seed)
    spread = rng.normal(0, 1, (2, 2))
    points = np.column_stack((rng.normal(0, 0.3, (50, 2)) @ spread, np.ones(50)))
    points[:, :2] += rng.uniform(-50, 50, 2)
    points = points.astype(np.float32)
    fits, turned = fitted(points, [0], [50], longest=100.0)
    _, vectors = np.linalg.eigh(np.cov(points[:, :2].T.astype(np.float64)))
    axis = np.arctan2(vectors[1, 1], vectors[0, 1]) % (np.pi / 2)
    off = (turned[0, ANGLE] - axis + np.pi / 4) % (np.pi / 2) - np.pi / 4
    assert abs(off) < 1e-3
    c, s = np.cos(turned[0, ANGLE]), np.sin(turned[0, ANGLE])
    u, v = c * points[:, 0] + s * points[:, 1], c * points[:, 1] - s * points[:, 0]
    np.testing.assert_allclose(
        turned[0, [U_LOW, U_HIGH, V_LOW, V_HIGH]], [u.min(), u.max(), v.min(), v.max()], atol=1e-4
    )
    assert fits[0, 0] != turned[0, 0]


def test_what_is_longer_than_a_two_wheeler_keeps_its_rectangle():
    points = np.concatenate((bicycle(0.5, 5, 5), bicycle(0.5, 5, 5) * [3, 3, 1]))
    half = len(points) // 2
    fits, turned = fitted(points, [0, half], [half, 2 * half])
    np.testing.assert_array_equal(turned[1], fits[1, :5])
    assert (turned[0] != fits[0, :5]).any()


def test_points_all_in_one_place_give_a_rectangle_without_area():
    _, turned = fitted(np.ones((5, 3)), [0], [5])
    assert np.isfinite(turned).all()
    assert turned[0, U_HIGH] - turned[0, U_LOW] == pytest.approx(0, abs=1e-6)
