"""The sparse assignment against SciPy's dense one, on random and degenerate input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from lidar_label.errors import InvalidLabels
from lidar_label.kernels.assignment import assign


def naive_total(row, column, cost, rows, columns, limit):
    """The least total, by a dense matrix in which every row has one more column: none."""
    dense = np.full((rows, columns + rows), 1e6)
    for i, j, c in zip(row, column, cost, strict=True):
        dense[i, j] = min(dense[i, j], c)
    dense[np.arange(rows), columns + np.arange(rows)] = limit
    i, j = linear_sum_assignment(dense)
    return dense[i, j].sum()


def total(chosen, row, column, cost, limit):
    result = 0.0
    for i, j in enumerate(chosen):
        pairs = [c for a, b, c in zip(row, column, cost, strict=True) if (a, b) == (i, j)]
        result += limit if j < 0 else min(pairs)
    return result


@given(
    rows=st.integers(0, 12),
    columns=st.integers(0, 12),
    share=st.floats(0.05, 1),
    coarse=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_total_cost_is_least(rows, columns, share, coarse, seed):
    rng = np.random.default_rng(seed)
    row, column = np.nonzero(rng.random((rows, columns)) < share)
    cost = rng.integers(0, 4, len(row)) / 2 if coarse else rng.uniform(0, 2, len(row))
    chosen = assign(row, column, cost, rows, columns, limit=1.0)
    used = chosen[chosen >= 0]
    assert len(set(used.tolist())) == len(used)
    expected = naive_total(row, column, cost, rows, columns, 1.0)
    assert total(chosen, row, column, cost, 1.0) == pytest.approx(expected)


def test_rows_stay_alone_rather_than_pay_more_than_the_limit():
    assert assign([0, 1], [0, 0], [5.0, 1.0], 2, 1, limit=2.0).tolist() == [-1, 0]


def test_a_chain_of_rows_gives_way():
    # Each row prefers the column that the next one needs.
    row, column = [0, 0, 1, 1, 2], [0, 1, 1, 2, 2]
    assert assign(row, column, [1.0, 0.5, 1.0, 0.5, 0.1], 3, 3, limit=9.0).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("row", "column", "cost", "message"),
    [
        ([2], [0], [1.0], "row outside"),
        ([0], [3], [1.0], "column outside"),
        ([0], [0], [np.nan], "not finite"),
        ([0, 1], [0], [1.0], "differ in length"),
    ],
)
def test_refuses_pairs_that_cannot_be(row, column, cost, message):
    with pytest.raises(InvalidLabels, match=message):
        assign(row, column, cost, 2, 2, limit=1.0)
