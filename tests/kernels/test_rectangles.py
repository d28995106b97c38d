"""Rectangles of slices: all columns are those of the slow twin, wherever the slice lies."""

from concurrent.futures import ThreadPoolExecutor

import naive_segments
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lidar_label.kernels.rectangles import ANGLE, SHOULDER, U_HIGH, U_LOW, V_HIGH, V_LOW, fit_slices


def fit(points, start=(0,), stop=None, max_extent=50.0, sensor=(0.0, 0.0)):
    stop = (len(points),) if stop is None else stop
    columns = np.ascontiguousarray(np.asarray(points, dtype=np.float32).T)
    return fit_slices(columns, np.array(start), np.array(stop), max_extent, np.array(sensor))


def shape(seed, n):
    """Points about two faces of something turned, some of it hidden, some of it inside."""
    rng = np.random.default_rng(seed)
    length, width, yaw = rng.uniform(0.4, 8), rng.uniform(0.2, 2.5), rng.uniform(-3, 3)
    u, v = rng.uniform(0, length, n), rng.uniform(0, width, n)
    side = rng.random(n)
    u, v = np.where(side < 0.3, 0.0, u), np.where((side >= 0.3) & (side < 0.8), 0.0, v)
    c, s = np.cos(yaw), np.sin(yaw)
    x, y = rng.uniform(-50, 50, 2)
    height = rng.uniform(0.2, rng.uniform(0.5, 2.2), n)
    return np.column_stack((x + c * u - s * v, y + s * u + c * v, height)).astype(np.float32)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(3, 300))
def test_all_columns_are_those_of_the_slow_twin(seed, n):
    points = shape(seed, n)
    sensor = np.random.default_rng(seed).uniform(-5, 5, 2)
    row = fit(points, sensor=sensor)[0]
    m = min(n, 96)
    sample = points[np.arange(m) * n // m, :2].astype(np.float64)
    found = naive_segments.closeness(sample, row[ANGLE])
    best = naive_segments.closeness(sample, naive_segments.best_angle(sample))
    assert found == pytest.approx(best, rel=2e-3)  # of equal angles float32 may choose another
    expected = naive_segments.slice_columns(points.T, row[ANGLE], sensor)
    np.testing.assert_allclose(row, expected, rtol=1e-3, atol=2e-4)


@settings(deadline=None, max_examples=40)
@given(
    st.floats(-np.pi, np.pi),
    st.floats(1.5, 6),
    st.floats(0.6, 1.4),
    st.floats(-30, 30),
    st.floats(-30, 30),
)
def test_rectangles_are_recovered_from_two_faces(yaw, length, width, x, y):
    along, across = np.linspace(0, 1, 60), np.linspace(0, 1, 30)
    corner = np.concatenate(
        (
            np.column_stack((along * length, np.zeros(60))),
            np.column_stack((np.zeros(30), across * width)),
        )
    )
    c, s = np.cos(yaw), np.sin(yaw)
    plane = corner @ np.array([[c, s], [-s, c]]) + [x, y]
    row = fit(np.column_stack((plane, np.full(90, 1.0))))[0]
    turn = (row[ANGLE] - yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4
    assert abs(turn) < np.deg2rad(3)
    sides = sorted((row[U_HIGH] - row[U_LOW], row[V_HIGH] - row[V_LOW]))
    np.testing.assert_allclose(sides, [width, length], atol=0.15)


def test_what_is_too_wide_or_too_few_is_not_fitted():
    points = np.concatenate((shape(0, 60), shape(0, 60) + np.float32([30, 0, 0])))
    rows = fit(points, (0, 0, 0, 60), (120, 2, 0, 120), max_extent=18.0)
    assert np.isnan(rows[:3]).all()
    assert np.isfinite(rows[3, :SHOULDER]).all()


def test_ends_of_wheels_are_lower_than_ends_of_a_body():
    across = np.linspace(-0.9, 0.9, 200)
    rng = np.random.default_rng(0)
    body = np.column_stack((np.full(200, 10.0), across, rng.uniform(0.3, 1.5, 200)))
    cyclist = body.copy()
    cyclist[np.abs(across) > 0.4, 2] *= 0.45
    assert fit(body)[0, SHOULDER] > 0.9
    assert fit(cyclist)[0, SHOULDER] < 0.6


@pytest.mark.parametrize("far", [0.0, 1e3, 1e6])
def test_a_slice_is_fitted_alike_wherever_it_lies(far):
    """Coordinates that float32 holds exactly at 1e6 m, in steps of 1/16 m."""
    points = shape(5, 80)
    points[:, :2] = np.round(points[:, :2] * 16) / 16
    moved = points + np.float32([far, -far, 0])
    near, there = fit(points)[0], fit(moved, sensor=(far, -far))[0]
    c, s = np.cos(near[ANGLE]), np.sin(near[ANGLE])
    near[[U_LOW, U_HIGH]] += c * far - s * far
    near[[V_LOW, V_HIGH]] += -c * far - s * far
    np.testing.assert_allclose(there, near, rtol=0, atol=1e-4 + 1e-9 * far)


@pytest.mark.parametrize("points", [np.zeros((0, 3)), np.ones((1, 3)), np.ones((50, 3))])
def test_nothing_one_point_and_equal_points_are_no_crash(points):
    row = fit(points)[0]
    if len(points) < 3:
        assert np.isnan(row).all()
    else:
        sides = row[[U_HIGH, V_HIGH]] - row[[U_LOW, V_LOW]]
        np.testing.assert_array_equal(sides, [0, 0])
        assert np.isnan(row[SHOULDER])


def test_order_of_few_points_and_other_threads_change_nothing():
    points = shape(3, 90)
    mixed = points[np.random.default_rng(0).permutation(90)]
    np.testing.assert_allclose(fit(points), fit(mixed), rtol=1e-4, atol=2e-5)
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(fit, [points] * 16):
            np.testing.assert_array_equal(rows, fit(points))
