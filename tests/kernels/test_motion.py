"""Motion of boxes: steps, corrections and smoothing are those of textbook matrices."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lidar_label.kernels import motion
from lidar_label.kernels.following import bearing_span, overlap_volumes

seeds = st.integers(0, 2**32 - 1)


def track(seed):
    """A state and its covariance."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(5, 5))
    return rng, rng.normal(size=5), root @ root.T + 0.1 * np.eye(5)


@given(seeds)
def test_a_measurement_enters_as_by_the_kalman_gain(seed):
    rng, state, spread = track(seed)
    spread *= 0.01  # sure enough that no correction turns it by a quarter
    measured, variance = state[:3] + rng.normal(0, 0.2, 3), rng.uniform(0.1, 2, 3)
    look = np.eye(3, 5)
    gain = spread @ look.T @ np.linalg.inv(look @ spread @ look.T + np.diag(variance))
    expected = state + gain @ (measured - state[:3])
    rest = spread - gain @ look @ spread
    motion.correct(measured, variance, state, spread)
    np.testing.assert_allclose(state, expected, atol=1e-9)
    np.testing.assert_allclose(spread, rest, atol=1e-9)
    np.testing.assert_allclose(spread, spread.T, atol=1e-12)


@given(seeds)
def test_half_a_turn_of_the_measured_box_changes_nothing(seed):
    rng, state, spread = track(seed)
    measured, variance = rng.normal(size=3), rng.uniform(0.1, 2, 3)
    other, other_spread = state.copy(), spread.copy()
    motion.correct(measured, variance, state, spread)
    motion.correct(measured + np.array([0, 0, np.pi]), variance, other, other_spread)
    np.testing.assert_allclose(other, state, atol=1e-9)


def test_what_was_not_measured_changes_nothing():
    _, state, spread = track(0)
    before = state.copy(), spread.copy()
    motion.correct(np.full(3, 7.0), np.full(3, np.inf), state, spread)
    np.testing.assert_array_equal(state, before[0])
    np.testing.assert_array_equal(spread, before[1])


@given(seeds, st.sampled_from((motion.TURNING, motion.FREE)), st.floats(0.01, 0.5))
def test_a_step_moves_the_covariance_by_its_own_derivative(seed, model, dt):
    _, state, spread = track(seed)
    noise, jacobian = np.zeros(motion.NOISE), np.empty((5, 5))

    def moved(start):
        after, certain = start.copy(), np.zeros((5, 5))
        motion.step(model, dt, noise, after, certain, np.empty((5, 5)))
        return after

    small = 1e-6
    numeric = np.column_stack(
        [(moved(state + small * axis) - moved(state - small * axis)) / 2 for axis in np.eye(5)]
    )
    numeric = (numeric + np.pi / 2) % np.pi - np.pi / 2  # yaw is folded
    first, before = state.copy(), spread.copy()
    motion.step(model, dt, noise, state, spread, jacobian)
    np.testing.assert_allclose(jacobian, numeric / small, atol=1e-6)
    np.testing.assert_allclose(spread, jacobian @ before @ jacobian.T, atol=1e-9)
    np.testing.assert_array_equal(state, moved(first))


@given(seeds, st.integers(1, 12))
def test_a_line_is_smoothed_as_by_least_squares(seed, count):
    rng = np.random.default_rng(seed)
    seconds, value = np.cumsum(rng.uniform(0.05, 0.5, count)), rng.normal(size=count)
    variance = rng.uniform(0.01, 1, count)
    variance[rng.random(count) < 0.3] = np.inf
    wander = 0.4
    system, right = np.eye(count) * 0, np.zeros(count)
    system[0, 0] = 1e-6  # the first height may be anything within a kilometre
    for k in range(count):
        if np.isfinite(variance[k]):
            system[k, k] += 1 / variance[k]
            right[k] += value[k] / variance[k]
        if k:
            tie = np.zeros(count)
            tie[k - 1 : k + 1] = -1, 1
            system += np.outer(tie, tie) / (wander**2 * (seconds[k] - seconds[k - 1]))
    found = motion.smooth_line(np.array([0, count]), seconds, value, variance, np.array([wander]))
    if np.isinf(variance).all():
        np.testing.assert_array_equal(found, 0)
    else:
        np.testing.assert_allclose(found, np.linalg.solve(system, right), atol=1e-6)


def test_tracks_are_smoothed_each_by_itself():
    rng = np.random.default_rng(0)
    seconds, value = np.cumsum(rng.uniform(0.05, 0.5, 9)), rng.normal(size=9)
    variance, wander = rng.uniform(0.01, 1, 9), np.array([0.3, 0.5])
    both = motion.smooth_line(np.array([0, 4, 9]), seconds, value, variance, wander)
    for t, (a, b) in enumerate(((0, 4), (4, 9))):
        one = np.array([0, b - a]), seconds[a:b], value[a:b], variance[a:b], wander[t : t + 1]
        np.testing.assert_array_equal(motion.smooth_line(*one), both[a:b])


@given(seeds)
def test_volumes_overlap_as_shapely_says(seed):
    rng = np.random.default_rng(seed)
    low, high = [-2, -2, -1, 0.2, 0.2, 0.2, -4], [2, 2, 1, 5, 3, 3, 4]
    a, b = rng.uniform(low, high, (2, 6, 7))
    b[0], b[1, 3:6] = a[0], 0.0
    expected = [naive.iou(*pair, True) for pair in zip(a, b, strict=True)]
    np.testing.assert_allclose(overlap_volumes(a, b), expected, atol=1e-9)


@pytest.mark.parametrize("bearing", [0.0, 2.0, np.pi, -3.1])
def test_a_box_fills_the_angle_between_its_outer_corners(bearing):
    box = np.array([10 * np.cos(bearing), 10 * np.sin(bearing), 0, 4, 2, 1.5, 0.7])
    centre, half, distance = bearing_span(box, np.zeros(2))
    angles = np.arctan2(*naive.corners(box).T[::-1]) - bearing
    assert np.cos(centre - bearing) == pytest.approx(1)
    assert half == pytest.approx(np.abs((angles + np.pi) % (2 * np.pi) - np.pi).max())
    assert distance == pytest.approx(10)
