"""Optimal assignment of rows to columns over the allowed pairs only; a row may stay alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Ints
from lidar_label.errors import InvalidLabels
from lidar_label.kernels.jit import kernel


def assign(
    row: NDArray[Any],
    column: NDArray[Any],
    cost: NDArray[Any],
    rows: int,
    columns: int,
    *,
    limit: float,
) -> Ints:
    """Choose pairs so that their costs, plus `limit` for each row left alone, add up to least.

    Args:
        row: (P,) of each allowed pair.
        column: (P,) likewise.
        cost: (P,) finite.
        rows: Number of rows.
        columns: Number of columns.
        limit: What a row without a column costs; no pair dearer than this is ever chosen.

    Returns:
        (rows,) int64, the column of each row; −1 for none.

    Raises:
        InvalidLabels: if a pair names a row or column that does not exist, or a cost is not finite.
    """
    row, column = np.asarray(row, dtype=np.int64), np.asarray(column, dtype=np.int64)
    cost = np.asarray(cost, dtype=np.float64)
    if not (row.shape == column.shape == cost.shape) or row.ndim != 1:
        raise InvalidLabels("row, column and cost differ in length; give one of each a pair")
    if len(row) and (row.min() < 0 or row.max() >= rows):
        raise InvalidLabels(f"a pair names a row outside 0…{rows - 1}")
    if len(row) and (column.min() < 0 or column.max() >= columns):
        raise InvalidLabels(f"a pair names a column outside 0…{columns - 1}")
    if not np.isfinite(cost).all():
        raise InvalidLabels("a cost is not finite; leave out pairs that are not allowed")
    order = np.argsort(row, kind="stable")
    start = np.searchsorted(row[order], np.arange(rows + 1)).astype(np.int64)
    return assign_sparse(start, column[order], cost[order], columns, limit)


@kernel
def assign_sparse(start: Ints, column: Ints, cost: Floats, columns: int, limit: float) -> Ints:
    """The core of `assign`: pairs of row i are start[i]:start[i + 1].

    Crouse, "On implementing 2D rectangular assignment algorithms" (IEEE TAES 2016), on sparse rows;
    every row has one more column of its own, at cost `limit`, that stands for none.
    """
    rows = len(start) - 1
    u, v = np.zeros(rows), np.zeros(columns)
    column_of = np.full(rows, -1, dtype=np.int64)
    row_of = np.full(columns, -1, dtype=np.int64)
    distance = np.full(columns, np.inf)
    before = np.full(columns, -1, dtype=np.int64)
    settled = np.zeros(columns, dtype=np.bool_)
    touched = np.empty(columns, dtype=np.int64)
    for source in range(rows):
        seen = 0
        reached = 0.0
        none_at, none_row = np.inf, -1  # the nearest "none" found and whose it is
        i, end = source, -1
        while True:
            to_none = reached + limit - u[i]
            if to_none < none_at:
                none_at, none_row = to_none, i
            for k in range(start[i], start[i + 1]):
                j = column[k]
                if settled[j]:
                    continue
                through = reached + cost[k] - u[i] - v[j]
                if through < distance[j]:
                    if distance[j] == np.inf:
                        touched[seen] = j
                        seen += 1
                    distance[j] = through
                    before[j] = i
            nearest, best = -1, none_at
            for k in range(seen):
                j = touched[k]
                if not settled[j] and distance[j] < best:
                    nearest, best = j, distance[j]
            reached = best
            if nearest < 0:
                break
            if row_of[nearest] < 0:
                end = nearest
                break
            settled[nearest] = True
            i = row_of[nearest]
        u[source] += reached
        for k in range(seen):
            j = touched[k]
            if settled[j]:
                u[row_of[j]] += reached - distance[j]
                v[j] -= reached - distance[j]
        if end < 0:  # one row on the path gives its column up
            end = column_of[none_row]
            column_of[none_row] = -1
            if none_row == source:
                end = -1
        while end >= 0:
            i = before[end]
            row_of[end] = i
            given_up = column_of[i]
            column_of[i] = end
            if i == source:
                break
            end = given_up
        for k in range(seen):
            distance[touched[k]] = np.inf
            settled[touched[k]] = False
    return column_of
