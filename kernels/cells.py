"""Points sorted by the cell of a cubic grid that they fall in; sparse, so any extent will do."""

import math
from typing import NamedTuple

import numpy as np

from lidar_label.arrays import Floats, Ints, Ints32, Points
from lidar_label.kernels.jit import kernel

_KEY_BITS = 62
_DIGIT_BITS = 11  # 2048 counters of a radix pass stay in the first-level cache
_PAD = 2  # free cells on each side of the grid: a neighbour's key never wraps into the next row


class CellOrder(NamedTuple):
    """The finite points of a cloud in the order of their cells; within a cell by index.

    A cell's key is (column << z_bits) | z, where the column is xy = (x << y_bits) | y, or a place
    in `columns`, which holds the xy values when the keys would not fit into 62 bits otherwise.

    Attributes:
        order: (M,) indices into the cloud.
        keys: (M,) cell of each, ascending.
        columns: (U,) ascending xy values, or (0,) when keys hold them.
        y_bits: width of y in xy.
        z_bits: width of z in the key.
    """

    order: Ints32
    keys: Ints
    columns: Ints
    y_bits: int
    z_bits: int


def sort_by_cell(points: Points, side: float) -> CellOrder:
    """Sort the finite points by cell in linear time (stable radix sort).

    The cell of a coordinate is floor(coordinate / side) in float64. Grids of more than 2⁶² cells
    have their empty stretches shortened to 3 cells, so cells within 2 of each other stay so.
    """
    scale = 1.0 / side
    low, high, count = _bounds(points, scale)
    if count == 0:
        none = np.empty(0, np.int64)
        return CellOrder(np.empty(0, np.int32), none, none, 1, 1)
    x_bits, y_bits, z_bits = (int(size + 2 * _PAD).bit_length() for size in high - low)
    bits = x_bits + y_bits + z_bits
    columns = np.empty(0, np.int64)
    if bits <= _KEY_BITS:
        order, keys = _keys(points, scale, low, y_bits, z_bits, count)
    else:
        order, x, y, z = _shortened(points, scale)
        y_bits, z_bits = int(y.max() + _PAD).bit_length(), int(z.max() + _PAD).bit_length()
        columns, rank = np.unique((x << y_bits) | y, return_inverse=True)
        keys = (rank << z_bits) | z
        bits = len(columns).bit_length() + z_bits
    order, keys = _radix_sort(order, keys, bits)
    return CellOrder(order, keys, columns, y_bits, z_bits)


def _shortened(points: Points, scale: float) -> tuple[Ints32, Ints, Ints, Ints]:
    """Indices of the finite points and their cells, gaps of empty cells shortened to 3."""
    order = np.flatnonzero(np.isfinite(points).all(axis=1)).astype(np.int32)
    cells: list[Ints] = []
    for axis in range(3):
        cell = np.floor(points[order, axis].astype(np.float64) * scale)
        taken, place = np.unique(cell, return_inverse=True)
        steps = np.minimum(np.diff(taken, prepend=taken[0] - _PAD), _PAD + 1)
        cells.append(np.cumsum(steps.astype(np.int64))[place])
    return order, cells[0], cells[1], cells[2]


@kernel
def _bounds(points: Points, scale: float) -> tuple[Floats, Floats, int]:
    """Lowest and highest cell of each axis over the finite points, and their count."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    count = 0
    for i in range(len(points)):
        if not math.isfinite(points[i, 0] + points[i, 1] * 0.0 + points[i, 2] * 0.0):
            continue
        count += 1
        for axis in range(3):
            cell = np.floor(points[i, axis] * scale)
            low[axis] = min(low[axis], cell)
            high[axis] = max(high[axis], cell)
    return low, high, count


@kernel
def _keys(
    points: Points, scale: float, low: Floats, y_bits: int, z_bits: int, count: int
) -> tuple[Ints32, Ints]:
    order, keys = np.empty(count, np.int32), np.empty(count, np.int64)
    at = 0
    for i in range(len(points)):
        if not math.isfinite(points[i, 0] + points[i, 1] * 0.0 + points[i, 2] * 0.0):
            continue
        x = np.int64(np.floor(points[i, 0] * scale) - low[0]) + _PAD
        y = np.int64(np.floor(points[i, 1] * scale) - low[1]) + _PAD
        z = np.int64(np.floor(points[i, 2] * scale) - low[2]) + _PAD
        order[at] = i
        keys[at] = (((x << y_bits) | y) << z_bits) | z
        at += 1
    return order, keys


@kernel
def _radix_sort(order: Ints32, keys: Ints, bits: int) -> tuple[Ints32, Ints]:
    """Sort both arrays by keys ≥ 0 of that many bits, stable; the arguments are used up."""
    passes = max(1, (bits + _DIGIT_BITS - 1) // _DIGIT_BITS)
    width = (bits + passes - 1) // passes
    mask = (1 << width) - 1
    other_order, other_keys = np.empty_like(order), np.empty_like(keys)
    begins = np.empty(mask + 2, np.int64)
    for digit in range(passes):
        shift = digit * width
        begins[:] = 0
        for i in range(len(keys)):
            begins[((keys[i] >> shift) & mask) + 1] += 1
        for i in range(mask):
            begins[i + 1] += begins[i]
        for i in range(len(keys)):
            value = (keys[i] >> shift) & mask
            at = begins[value]
            begins[value] = at + 1
            other_order[at] = order[i]
            other_keys[at] = keys[i]
        order, other_order = other_order, order
        keys, other_keys = other_keys, keys
    return order, keys
