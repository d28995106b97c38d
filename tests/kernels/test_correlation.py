"""Lags of series of which parts are missing, beside the obvious way."""

import numpy as np
import pytest

from lidar_label.errors import InvalidSignal
from lidar_label.kernels.correlation import best_lag, correlations


def naive(a, b, has_a, has_b, overlap):
    """Pearson's correlation of what both have, one lag after another."""
    found = []
    for lag in range(1 - len(b), len(a)):
        pairs = [
            (a[i + lag], b[i])
            for i in range(len(b))
            if 0 <= i + lag < len(a) and has_a[i + lag] and has_b[i]
        ]
        if len(pairs) < max(overlap, 2) or min(np.std(pairs, axis=0)) < 1e-6:
            found.append(-np.inf)
        else:
            found.append(np.corrcoef(np.transpose(pairs))[0, 1])
    return np.array(found)


@pytest.mark.parametrize("seed", range(6))
def test_as_the_obvious_way(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(3, 2, rng.integers(2, 60)), rng.normal(-5, 1, rng.integers(2, 60))
    has_a, has_b = rng.random(len(a)) < 0.8, rng.random(len(b)) < 0.7
    b[: len(b) // 2] = 4.0  # nothing happens
    overlap = int(rng.integers(2, 8))
    got = correlations(a, b, has_a, has_b, overlap)
    np.testing.assert_allclose(got, naive(a, b, has_a, has_b, overlap), atol=1e-8)


@pytest.mark.parametrize("true_lag", [37.0, 36.7, 12.25, -8.4])
def test_a_lag_between_samples(true_lag: float) -> None:
    rng = np.random.default_rng(4)
    phases, speeds = rng.uniform(0, 6.28, 40), rng.uniform(0.02, 0.6, 40)

    def wave(t):
        return np.sin(t[:, None] * speeds + phases).sum(axis=1)

    a, b = wave(np.arange(600.0)), wave(np.arange(300.0) + true_lag)
    has_a = np.ones(600, np.bool_)
    has_a[100:150] = False
    found = best_lag(
        np.where(has_a, a, 1e6), b, has_first=has_a, has_second=np.ones(300, np.bool_),
        least=-100, most=400, overlap=100, apart=20,
    )  # fmt: skip
    assert found is not None
    assert found.samples == pytest.approx(true_lag, abs=0.05)
    assert found.correlation > 0.95
    assert found.runner_up < 0.8


def test_what_cannot_be_said() -> None:
    flat, some = np.zeros(50), np.ones(50, np.bool_)
    limits = {"least": -50, "most": 50, "overlap": 10, "apart": 2}
    assert best_lag(flat, flat, has_first=some, has_second=some, **limits) is None
    assert best_lag(flat, flat, has_first=~some, has_second=some, **limits) is None
    with pytest.raises(InvalidSignal, match="pass"):
        best_lag(flat, flat, has_first=some[:3], has_second=some, **limits)
