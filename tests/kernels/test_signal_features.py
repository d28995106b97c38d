"""Window moments and motion about gravity agree with their obvious twins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lidar_label.errors import InvalidSignal
from lidar_label.kernels.signal_features import (
    motion_about_gravity,
    window_moments,
    window_starts,
)

samples = st.floats(-20, 20, width=32)


@given(hnp.arrays(np.float32, st.tuples(st.integers(4, 40), st.integers(1, 4)), elements=samples))
def test_moments_are_numpys(values: np.ndarray) -> None:
    starts = window_starts(len(values), 4, 3)
    moments = window_moments(values, starts, 4)
    for w, start in enumerate(starts):
        window = values[start : start + 4].astype(np.float64)
        assert np.allclose(moments.mean[w], window.mean(axis=0), atol=1e-5)
        assert np.allclose(moments.deviation[w], window.std(axis=0), atol=1e-5)
        rough = np.abs(np.diff(window, axis=0)).sum(axis=0) / 3
        assert np.allclose(moments.roughness[w], rough, atol=1e-5)


def naive_motion(acc: np.ndarray, turn: np.ndarray) -> np.ndarray:
    axis = acc.mean(axis=0) / np.linalg.norm(acc.mean(axis=0))
    rows = []
    for vectors in (acc, turn):
        along = vectors @ axis
        across = np.linalg.norm(vectors - np.outer(along, axis), axis=1)
        rows += [along, across, np.linalg.norm(vectors, axis=1)]
    return np.array([row - row.mean() for row in rows])


def test_motion_is_the_obvious_one() -> None:
    rng = np.random.default_rng(0)
    acc = rng.normal(size=(50, 3)).astype(np.float32) + np.float32([0, 2, 9])
    turn = rng.normal(size=(50, 3)).astype(np.float32)
    motion = motion_about_gravity(acc, turn, window_starts(50, 20, 15), 20)
    for w, start in enumerate((0, 15, 30)):
        expected = naive_motion(acc[start : start + 20], turn[start : start + 20])
        assert np.allclose(motion[w], expected, atol=1e-4)


def test_motion_does_not_see_how_the_sensor_is_turned() -> None:
    rng = np.random.default_rng(1)
    acc = rng.normal(size=(40, 3)) + np.array([0, 2, 9])
    turn = rng.normal(size=(40, 3))
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    starts = window_starts(40, 40, 1)
    a = motion_about_gravity(acc.astype(np.float32), turn.astype(np.float32), starts, 40)
    b = motion_about_gravity(
        (acc @ rotation.T).astype(np.float32), (turn @ rotation.T).astype(np.float32), starts, 40
    )
    assert np.allclose(a, b, atol=1e-3)


def test_without_a_gyroscope_the_turning_is_zero() -> None:
    acc = np.ones((10, 3), dtype=np.float32)
    motion = motion_about_gravity(acc, np.zeros((0, 3), np.float32), window_starts(10, 5, 5), 5)
    assert (motion[:, 3:] == 0).all()
    assert np.isfinite(motion).all()


@pytest.mark.parametrize(
    ("samples_", "length", "expected"), [(10, 4, [0, 3, 6]), (3, 4, []), (0, 1, [])]
)
def test_only_whole_windows_count(samples_: int, length: int, expected: list[int]) -> None:
    assert window_starts(samples_, length, 3).tolist() == expected
    with pytest.raises(InvalidSignal):
        window_starts(samples_, length, 0)
