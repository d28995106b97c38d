"""Bird's-eye cells of a sweep: where only ground was hit, where something stands, and how high."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints32, Points
from lidar_label.kernels.free_space import take_apart
from lidar_label.kernels.jit import kernel

CELL = 0.2  # metres; below the gap between two people side by side, above the point spacing
_DEEPEST = -1.0  # metres above ground; what lies deeper is an echo
_GROUND_TOP = 0.2  # metres
_LOWEST_TOP = 0.35  # metres; a cell that stays below is a kerb or grass
_TALLEST = 6.0  # metres above ground; nothing that is labelled on a road is higher
# Metres between the band and points above it that still belong together, and its growth with
# distance as the beams spread (a little over one beam of 32).
_TALL_GAP = 0.35
_TALL_GAP_PER_METRE = 0.012
_BLOCK = 1024  # points at once: what is computed of them stays in the first-level cache
# What a cell shows.
UNSEEN, GROUND, LOW, TALL = 0, 1, 2, 3


class Cells(NamedTuple):
    """The cells in which something stands, row by row of the grid, in order of columns.

    Attributes:
        place: (M,) int32 place of the cell in the flattened grid.
        row_begin: (side + 1,) int32 first cell of each row of the grid.
        size: (M,) int32 number of points in the band.
        mean: (M, 2) x y of these, metres.
        low: (M,) height above ground of the lowest of them, metres.
        high: (M,) of the highest.
        top: (M,) what goes on above the band in or beside the cell; 0 for nothing.
    """

    place: Ints32
    row_begin: Ints32
    size: Ints32
    mean: Floats
    low: Floats32
    high: Floats32
    top: Floats32


@kernel
def _cell_of(
    points: Points, height: Floats32, cx: float, cy: float, side: int, outside: int
) -> Ints32:
    """(N,) cell of each point; `outside` for what is off the grid, deep below or high above."""
    cell = np.empty(len(points), np.int32)
    x, y, z = (
        np.empty(_BLOCK, np.float32),
        np.empty(_BLOCK, np.float32),
        np.empty(_BLOCK, np.float32),
    )
    nowhere, half = np.zeros(3), side / 2
    for begin in range(0, len(points), _BLOCK):
        count = take_apart(points, begin, nowhere, x, y, z)
        _place(x[:count], y[:count], height[begin:], cx, cy, half, outside, cell[begin:])
    return cell


@kernel
def _place(
    x: Floats32,
    y: Floats32,
    height: Floats32,
    cx: float,
    cy: float,
    half: float,
    outside: int,
    cell: Ints32,
) -> None:
    """Write the cell of each point, as `_cell_of`; columns, so that several are done at once."""
    side = 2 * half
    for i in range(len(x)):
        gx, gy = np.divide(x[i] - cx, CELL) + half, np.divide(y[i] - cy, CELL) + half
        inside = (gx >= 0) & (gy >= 0) & (gx < side) & (gy < side)
        inside &= (height[i] > _DEEPEST) & (height[i] < _TALLEST)
        row, column = np.int32(gx if inside else 0.0), np.int32(gy if inside else 0.0)
        cell[i] = row * np.int32(side) + column if inside else np.int32(outside)


@kernel
def _sort_by_band(
    cell: Ints32, height: Floats32, low: float, high: float, state: NDArray[np.uint8]
) -> tuple[Ints32, Ints32]:
    """Indices of the points in the band and of those above it; cells with lower ones are GROUND.

    No branches: points of all heights follow one another, and no guess of the processor would hold.
    """
    band, above = np.empty(len(cell), np.int32), np.empty(len(cell), np.int32)
    outside = len(state) - 1
    in_band = in_above = 0
    bottom, top = np.float32(low), np.float32(high)
    for i in range(len(cell)):
        h, inside = height[i], cell[i] != outside
        state[cell[i] if h < bottom and h < _GROUND_TOP else outside] = GROUND
        band[in_band], above[in_above] = i, i
        in_band += inside & (h >= bottom) & (h <= top)
        in_above += inside & (h > top)
    return band[:in_band], above[:in_above]


@kernel
def rasterise(
    points: Points, height: Floats32, low: float, high: float, cx: float, cy: float, side: int
) -> tuple[Cells, NDArray[np.uint8], Ints32, Ints32]:
    """Sum up the points of each cell; empty cells cost nothing.

    Args:
        points: (N, 3).
        height: (N,) metres above ground; NaN for what is to be left out.
        low: lower end of the band of heights, metres.
        high: upper end.
        cx: x of the grid's middle, metres.
        cy: y of it.
        side: cells along one side of the grid.

    Returns:
        The cells in which something stands; what each cell of the flattened grid shows; the points
        of the cells, and the index of the cell of each.
    """
    outside = side * side
    state = np.zeros(outside + 1, np.uint8)
    cell_of = _cell_of(points, height, cx, cy, side, outside)
    band, above = _sort_by_band(cell_of, height, low, high, state)
    slot = np.full(outside, -1, np.int32)
    most = min(len(band) + len(above), outside)
    place, count, mean = np.empty(most, np.int32), np.zeros(most, np.int32), np.zeros((most, 2))
    # Columns: lowest and highest in the band, lowest and highest above it.
    reach = np.empty((most, 4), np.float32)
    used = 0
    for part, members in ((0, band), (1, above)):
        for i in members:
            k = slot[cell_of[i]]
            if k < 0:
                k = used
                used += 1
                slot[cell_of[i]], place[k] = k, cell_of[i]
                reach[k, 0], reach[k, 1], reach[k, 2], reach[k, 3] = np.inf, -np.inf, np.inf, 0.0
            reach[k, 2 * part] = min(reach[k, 2 * part], height[i])
            reach[k, 2 * part + 1] = max(reach[k, 2 * part + 1], height[i])
            if part == 0:
                count[k] += 1
                mean[k, 0] += points[i, 0]
                mean[k, 1] += points[i, 1]
    for k in range(used):
        if count[k] > 0:
            mean[k, 0] /= count[k]
            mean[k, 1] /= count[k]
            state[place[k]] = LOW
    standing, row_begin = _by_place(place[:used], count, reach, side)
    means, tops = np.empty((len(standing), 2)), np.empty(len(standing), np.float32)
    index_of = np.full(used, -1, np.int32)
    for index in range(len(standing)):
        k = standing[index]
        index_of[k] = index
        means[index, 0], means[index, 1] = mean[k, 0], mean[k, 1]
    for index in range(len(standing)):
        k = standing[index]
        dx, dy = means[index, 0] - cx, means[index, 1] - cy
        limit = reach[k, 1] + _TALL_GAP + _TALL_GAP_PER_METRE * math.sqrt(dx * dx + dy * dy)
        tops[index] = _top(slot, reach, int(place[k]) // side, int(place[k]) % side, limit, side)
        if tops[index] > 0:
            state[place[k]] = TALL
    members, index = np.empty(len(band), np.int32), np.empty(len(band), np.int32)
    taken = 0
    for i in band:
        at = index_of[slot[cell_of[i]]]
        members[taken], index[taken] = i, at
        taken += at >= 0
    low_z, high_z = reach[standing, 0], reach[standing, 1]
    cells = Cells(place[standing], row_begin, count[standing], means, low_z, high_z, tops)
    return cells, state[:outside], members[:taken], index[:taken]


@kernel
def _top(
    slot: Ints32, reach: Floats32, row: int, column: int, limit: float, side: int
) -> np.float32:
    """Height of what begins below `limit` above the band; 0 for nothing.

    Sparse beams rarely hit the same cell above and below: the neighbours count too.
    """
    top = np.float32(0.0)
    for r in range(max(row - 1, 0), min(row + 2, side)):
        for c in range(max(column - 1, 0), min(column + 2, side)):
            near = slot[r * side + c]
            if near >= 0 and reach[near, 2] < limit:
                top = max(top, reach[near, 3])
    return top


@kernel
def _by_place(place: Ints32, count: Ints32, reach: Floats32, side: int) -> tuple[Ints32, Ints32]:
    """Those cells that something high enough stands in, sorted; and the first of each row."""
    row_begin = np.zeros(side + 1, np.int32)
    for k in range(len(place)):
        if count[k] > 0 and reach[k, 1] >= _LOWEST_TOP:
            row_begin[place[k] // side + 1] += 1
    for row in range(side):
        row_begin[row + 1] += row_begin[row]
    ends = row_begin[:-1].copy()
    result = np.empty(row_begin[-1], np.int32)
    for k in range(len(place)):
        if count[k] > 0 and reach[k, 1] >= _LOWEST_TOP:
            row = place[k] // side
            at = ends[row]
            ends[row] += 1
            while at > row_begin[row] and place[result[at - 1]] > place[k]:
                result[at] = result[at - 1]
                at -= 1
            result[at] = k
    return result, row_begin
