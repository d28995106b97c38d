"""Which cells of a sweep belong together at which gap."""

import math

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints32
from lidar_label.kernels.jit import kernel
from lidar_label.kernels.segment_grid import CELL, Cells

_MAX_REACH = 10  # cells; the largest gap is cut here
_VERTICAL_GAP = 0.8  # metres between the vertical extents of two cells that are linked
_ROUNDING = 1.0 + 1e-9  # of a squared distance that is looked at more closely


@kernel
def find(parent: Ints32, i: int) -> int:
    """Root of a cell's set; the way there is shortened."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def unite(parent: Ints32, i: int, j: int) -> None:
    """Make one set of two; its root is the smallest member."""
    a, b = find(parent, i), find(parent, j)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


def link(
    cells: Cells, scale: Floats, gaps: Floats, side: int, set_of: Ints32
) -> tuple[Ints32, Ints32, Ints32]:
    """Unite cells at the smallest gap, and list the pairs that larger ones link.

    Two cells within a gap are linked where their points come within 0.8 m in height. Gaps and
    heights grow with `scale` of the cell that stands first.

    Args:
        cells: M of them.
        scale: (M,) ≥ 1.
        gaps: (L,) growing, metres.
        side: cells along one side of the grid.
        set_of: (M,) in: each cell's own index; out: smallest index in its set.

    Returns:
        (E,) first and second cell and (E,) gap of each pair of cells in different sets.
    """
    around = (
        cells.place,
        _counted(cells.place, side),
        cells.row_begin,
        cells.mean,
        cells.low,
        cells.high,
        scale,
        gaps,
        side,
    )
    none = np.empty((3, 0), np.int32)
    _pairs(*around, True, set_of, none)
    room = 4 * len(scale)
    while True:
        pairs = np.empty((3, room), np.int32)
        count = _pairs(*around, False, set_of, pairs)
        if count <= room:
            return pairs[0, :count], pairs[1, :count], pairs[2, :count]
        room = count


@kernel
def _counted(place: Ints32, side: int) -> Ints32:
    """(side², + 1) number of cells before each place of the grid."""
    before = np.empty(side * side + 1, np.int32)
    begin = 0
    for k in range(len(place)):
        before[begin : place[k] + 1] = k
        begin = place[k] + 1
    before[begin:] = len(place)
    return before


@kernel
def _pairs(
    place: Ints32,
    before: Ints32,
    row_begin: Ints32,
    mean: Floats,
    low: Floats32,
    high: Floats32,
    scale: Floats,
    gaps: Floats,
    side: int,
    unites: bool,
    set_of: Ints32,
    pairs: Ints32,
) -> int:
    """Unite the pairs within the smallest gap, or write those of different sets, and count them."""
    used = 0
    limit = gaps[0] if unites else gaps[-1]
    for row in range(side):
        begin, end = row_begin[row], row_begin[row + 1]
        if begin == end:
            continue
        for i in range(begin, end):
            own, x, y = set_of[i], mean[i, 0], mean[i, 1]
            reach = min(int(limit * scale[i] / CELL) + 1, _MAX_REACH)
            widest = limit * scale[i] * limit * scale[i] * _ROUNDING
            column = place[i] - row * side
            left, right = max(column - reach, 0), min(column + reach + 1, side)
            for r in range(row, min(row + reach + 1, side)):
                first = i + 1 if r == row else before[r * side + left]
                for other in range(first, before[r * side + right]):
                    if set_of[other] == own and not unites:
                        continue
                    dx, dy = x - mean[other, 0], y - mean[other, 1]
                    squared = dx * dx + dy * dy
                    if squared > widest:
                        continue
                    distance = math.sqrt(squared) / scale[i]
                    gap = max(low[i] - high[other], low[other] - high[i])
                    if distance > limit or gap > _VERTICAL_GAP * scale[i]:
                        continue
                    if unites:
                        unite(set_of, i, other)
                        continue
                    level = 1
                    while distance > gaps[level]:
                        level += 1
                    if used < pairs.shape[1]:
                        pairs[0, used], pairs[1, used], pairs[2, used] = i, other, level
                    used += 1
    if unites:
        for i in range(len(set_of)):
            set_of[i] = find(set_of, i)
    return used
