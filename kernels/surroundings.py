"""What the grid of a sweep shows in and around boxes, and how much ground is seen where.

Sums along the rows of the grid (Crow, "Summed-area tables", SIGGRAPH 1984, along one axis) tell
what a run of cells holds by two look-ups; a turned rectangle is a run or two in each row.
"""

import math

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Ints32
from lidar_label.kernels.jit import kernel
from lidar_label.kernels.segment_grid import CELL, GROUND, TALL

# Columns of `surroundings`.
(IN_GROUND, IN_OWN, IN_OTHER, IN_UNSEEN, RING_GROUND, RING_OWN, RING_OTHER, RING_TALL,
 RING_UNSEEN, PATCHES) = range(10)  # fmt: skip
_PATCH = 5  # cells along one side of a patch
_RING_M, _PATCHES_M = 0.6, 1.5  # around a box
_RIM_M, _BESIDE_M = 0.15, 0.1  # inside and outside a box's sides, that is not looked at
_LEAST_M = 0.1  # half of what is looked at in a narrow box
# Three counts in one number: cells with ground alone, with something, with something tall.
_FIELD = 21  # bits: squares of 1400 cells
_MASK = (1 << _FIELD) - 1


@kernel
def surroundings(
    boxes: Boxes,
    rank_from: Ints,
    rank_to: Ints,
    state: NDArray[np.uint8],
    ranked: Ints32,
    centre: Floats,
    patches: NDArray[np.bool_],
) -> Floats32:
    """Count what the cells of the grid show inside each box and in a ring around it.

    Args:
        boxes: (M, 7).
        rank_from: (M,) first rank of the cells that the box's own segment holds.
        rank_to: (M,) one past the last.
        state: (side, side) what each cell shows.
        ranked: (cells,) the cell in the flattened grid that has each rank; something stands there.
        centre: (2,) of the grid.
        patches: From `ground_patches`.

    Returns:
        (M, 10) float32, as shares of the inner cells: ground, own, other, unseen; of the ring's:
        ground, own, other, tall, unseen; and the share of the patches around with ground in them.
    """
    result = np.zeros((len(boxes), 10), np.float32)
    cells, squares = _row_sums(state, ranked), _patch_sums(patches)
    side = state.shape[0]
    for b in range(len(boxes)):
        box, row = boxes[b], result[b]
        half_length, half_width = box[3] / 2, box[4] / 2
        inner = max(half_length - _RIM_M, _LEAST_M), max(half_width - _RIM_M, _LEAST_M)
        hole = half_length + _BESIDE_M, half_width + _BESIDE_M
        outer = half_length + _RING_M, half_width + _RING_M
        own_in = own_around = 0
        c, s = math.cos(box[6]), math.sin(box[6])
        for place in ranked[rank_from[b] : rank_to[b]]:
            dx = (place // side + 0.5 - side / 2) * CELL + centre[0] - box[0]
            dy = (place % side + 0.5 - side / 2) * CELL + centre[1] - box[1]
            u, v = abs(c * dx + s * dy), abs(c * dy - s * dx)
            own_in += (u <= inner[0]) & (v <= inner[1])
            beside = (u >= hole[0]) | (v >= hole[1])
            own_around += beside & (u <= outer[0]) & (v <= outer[1])
        total, sums = _between(cells, CELL, box, centre, inner, (-1.0, -1.0))
        if total > 0:
            ground, stands = sums & _MASK, (sums >> _FIELD) & _MASK
            row[IN_GROUND], row[IN_OWN] = ground / total, own_in / total
            row[IN_OTHER] = (stands - own_in) / total
            row[IN_UNSEEN] = (total - ground - stands) / total
        total, sums = _between(cells, CELL, box, centre, outer, hole)
        if total > 0:
            ground, stands = sums & _MASK, (sums >> _FIELD) & _MASK
            row[RING_GROUND], row[RING_OWN] = ground / total, own_around / total
            row[RING_OTHER] = (stands - own_around) / total
            row[RING_TALL] = (sums >> 2 * _FIELD) / total
            row[RING_UNSEEN] = (total - ground - stands) / total
        wide = half_length + _PATCHES_M, half_width + _PATCHES_M
        total, sums = _between(squares, CELL * _PATCH, box, centre, wide, (half_length, half_width))
        row[PATCHES] = sums / max(total, 1)
    return result


@kernel
def _row_sums(state: NDArray[np.uint8], ranked: Ints32) -> Ints:
    """(side, side + 1) sums of what the cells before each one in its row show."""
    side = state.shape[0]
    sums = np.empty((side, side + 1), np.int64)
    for row in range(side):
        sums[row, 0] = 0
        for column in range(side):
            sums[row, column + 1] = state[row, column] == GROUND
    for place in ranked:
        row, column = place // side, place % side
        tall = np.int64(state[row, column] == TALL)
        sums[row, column + 1] = np.int64(1) << _FIELD | tall << 2 * _FIELD
    for row in range(side):
        total = np.int64(0)
        for column in range(1, side + 1):
            total += sums[row, column]
            sums[row, column] = total
    return sums


@kernel
def _patch_sums(patches: NDArray[np.bool_]) -> Ints:
    """(side, side + 1) number of patches with ground before each one in its row."""
    side = patches.shape[0]
    sums = np.zeros((side, side + 1), np.int64)
    for row in range(side):
        for column in range(side):
            sums[row, column + 1] = sums[row, column] + patches[row, column]
    return sums


@kernel
def _between(
    sums: Ints,
    size: float,
    box: Floats,
    centre: Floats,
    outer: tuple[float, float],
    hole: tuple[float, float],
) -> tuple[int, int]:
    """Number and sum of the cells that lie in one rectangle around a box's middle, not in another.

    Args:
        sums: (side, side + 1) of the rows.
        size: of a cell, metres.
        box: (7,).
        centre: (2,) of the grid.
        outer: half of the length and width of the rectangle.
        hole: likewise of the one that is left out; negative for none.
    """
    side = sums.shape[0]
    c, s = math.cos(box[6]), math.sin(box[6])
    # In cells from the grid's corner, so that cell k has its middle at k.
    x = (box[0] - centre[0]) / size + side / 2 - 0.5
    y = (box[1] - centre[1]) / size + side / 2 - 0.5
    reach = (abs(c) * outer[0] + abs(s) * outer[1]) / size
    first = math.ceil(max(x - reach, 0.0))
    stop = math.floor(min(x + reach, side - 1.0)) + 1
    # In a row at dx the box's u = c dx + s dy is within ± length where dy is within ± length / |s|
    # of −c dx / s, and likewise v = c dy − s dx.
    steep_u, steep_v = 1.0 / max(abs(s), 1e-9), 1.0 / max(abs(c), 1e-9)
    to_u, to_v = -c * math.copysign(steep_u, s), s * math.copysign(steep_v, c)
    out_u, out_v = outer[0] * steep_u / size, outer[1] * steep_v / size
    hole_u, hole_v = hole[0] * steep_u / size, hole[1] * steep_v / size
    count = total = 0
    for row in range(int(first), int(stop)):
        middle_u, middle_v = y + to_u * (row - x), y + to_v * (row - x)
        begin = _first(max(middle_u - out_u, middle_v - out_v), side)
        end = _first(min(middle_u + out_u, middle_v + out_v), side)
        if begin >= end:
            continue
        count += end - begin
        total += sums[row, end] - sums[row, begin]
        begin = _first(max(middle_u - hole_u, middle_v - hole_v), side)
        end = _first(min(middle_u + hole_u, middle_v + hole_v), side)
        if begin < end:
            count -= end - begin
            total -= sums[row, end] - sums[row, begin]
    return count, total


@kernel
def _first(place: float, side: int) -> int:
    """The first of the cells 0, 1, … with its middle beyond a place in a row; `side` for none."""
    return int(min(max(place + 1.0, 0.0), float(side)))


@kernel
def ground_patches(state: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(side/5, side/5) which square patches of the grid show ground anywhere."""
    side = state.shape[0] // _PATCH
    result = np.zeros((side, side), np.bool_)
    for i in range(side * _PATCH):
        for j in range(side):
            seen = False
            for k in range(_PATCH):
                seen |= state[i, j * _PATCH + k] == GROUND
            result[i // _PATCH, j] |= seen
    return result


def usual_patch_share(patches: NDArray[np.bool_], bin_width: float) -> Floats:
    """Share of patches with ground at each distance where the view is free.

    The upper quartile over 24 sectors of each ring of `bin_width` metres: what this sensor shows of
    open ground at that distance, whatever its number of beams.
    """
    shares = np.sort(_sector_shares(patches, bin_width), axis=1)
    return np.maximum(shares[:, 18], 0.05)


@kernel
def _sector_shares(patches: NDArray[np.bool_], bin_width: float) -> Floats:
    """(rings, 24) share of patches with ground in each sector of each ring."""
    side = patches.shape[0]
    size = CELL * _PATCH
    rings = int(side * size / 2 / bin_width) + 1
    seen = np.zeros((rings, 24))
    total = np.zeros((rings, 24))
    for i in range(side):
        for j in range(side):
            dx, dy = (i + 0.5 - side / 2) * size, (j + 0.5 - side / 2) * size
            ring = int(math.sqrt(dx * dx + dy * dy) / bin_width)
            if ring < rings:
                sector = int((np.arctan2(dy, dx) + np.pi) * 24 / (2 * np.pi)) % 24
                total[ring, sector] += 1
                seen[ring, sector] += patches[i, j]
    return seen / np.maximum(total, 1)
