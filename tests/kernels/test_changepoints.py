"""The penalised search finds what an exhaustive one finds."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lidar_label.errors import InvalidSignal
from lidar_label.kernels.changepoints import level_and_spread_cost, partition, two_sided_gain


def cost(rows: np.ndarray) -> float:
    return float(((rows - rows.mean(axis=0)) ** 2).sum())


def naive_objective(rows: np.ndarray, penalty: float, min_length: int) -> float:
    """Optimal partitioning by the full O(n²) recursion (Jackson et al., 2005)."""
    n = len(rows)
    best = [-penalty] + [np.inf] * n
    for t in range(min_length, n + 1):
        for s in range(t - min_length + 1):
            if best[s] < np.inf:
                best[t] = min(best[t], best[s] + cost(rows[s:t]) + penalty)
    return best[n]


def objective(rows: np.ndarray, changes: np.ndarray, penalty: float) -> float:
    edges = [0, *changes, len(rows)]
    return sum(cost(rows[a:b]) + penalty for a, b in itertools.pairwise(edges)) - penalty


@settings(max_examples=400)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(2, 24), st.integers(1, 3)),
        elements=st.floats(-4, 4, width=32),
    ),
    st.floats(0.0, 20.0),
    st.integers(1, 4),
)
def test_the_search_is_exact(rows: np.ndarray, penalty: float, min_length: int) -> None:
    changes = partition(rows, penalty, min_length=min_length)
    edges = np.array([0, *changes, len(rows)])
    if len(rows) >= 2 * min_length:
        assert np.diff(edges).min() >= min_length
        wide = rows.astype(np.float64)
        expected = naive_objective(wide, penalty, min_length)
        assert objective(wide, changes, penalty) == pytest.approx(expected, abs=1e-3)


def test_steps_are_found_where_they_are() -> None:
    rng = np.random.default_rng(0)
    rows = np.repeat([[0.0, 0], [3, 0], [3, -3]], [200, 150, 50], axis=0)
    rows += rng.normal(scale=0.3, size=rows.shape)
    assert partition(rows, 10.0).tolist() == [200, 350]


@pytest.mark.parametrize("rows", [np.zeros((0, 2)), np.ones((1, 2)), np.ones((500, 2))])
def test_no_change_where_nothing_changes(rows: np.ndarray) -> None:
    assert len(partition(rows, 1.0)) == 0


def test_a_short_horizon_keeps_the_running_segment() -> None:
    rows = np.repeat([0.0, 2.0], [300, 300])[:, None]
    assert partition(rows, 5.0, horizon=20).tolist() == [300]


def test_gain_peaks_at_the_split() -> None:
    rows = np.repeat([0.0, 1.0], [30, 20])[:, None]
    gain = two_sided_gain(rows, 0, 50)
    assert gain.argmax() == 30
    assert gain[30] == pytest.approx(cost(rows))
    assert gain[0] == gain[-1] == 0


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(6, 30), st.integers(1, 3)),
        elements=st.floats(-4, 4, width=32),
    )
)
def test_level_and_spread_cost_is_its_definition(values: np.ndarray) -> None:
    floors = np.linspace(0.1, 0.3, values.shape[1])
    n = len(values)
    cost = level_and_spread_cost(values, 2, n - 1, floors)
    for k in range(2, n - 1):
        parts = values[:k].astype(float), values[k:].astype(float)
        expected = sum(len(p) * np.log(p.var(axis=0) + floors**2).sum() for p in parts)
        assert cost[k - 2] == pytest.approx(expected, abs=1e-2)


@pytest.mark.parametrize(
    ("rows", "keywords"),
    [
        (np.ones(3), {}),
        (np.array([[np.nan], [1.0]]), {}),
        (np.ones((3, 1)), {"penalty": -1.0}),
        (np.ones((3, 1)), {"min_length": 0}),
    ],
)
def test_bad_input_is_refused(rows: np.ndarray, keywords: dict[str, float]) -> None:
    with pytest.raises(InvalidSignal):
        partition(rows, **{"penalty": 1.0, **keywords})
