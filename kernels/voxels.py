"""Fewer points, spread evenly: one of each voxel of a cubic grid, or the mean of each."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Ints, Ints32, as_points
from lidar_label.errors import InvalidConfig
from lidar_label.kernels.cells import sort_by_cell
from lidar_label.kernels.jit import kernel


def voxel_downsample(points: NDArray[Any], size: float) -> Ints:
    """Choose the first point, by index, of each voxel.

    A coordinate's voxel is floor(coordinate · (1 / size)): the grid hangs at the origin.

    Args:
        points: (N, ≥3) metres. Non-finite points are left out.
        size: Side of a voxel, metres.

    Returns:
        (K,) int64 indices of the chosen points, ascending.

    Raises:
        InvalidPoints: if `points` is not (N, ≥3) or not numeric.
        InvalidConfig: if the size is not a finite number above 1e-30.
    """
    points = as_points(points)
    cells = sort_by_cell(points, _checked(size))
    return _firsts(cells.order, cells.keys, len(points))


def voxel_means(columns: NDArray[Any], size: float) -> Floats:
    """The mean of each voxel's points, and of whatever else stands beside their coordinates.

    Args:
        columns: (N, ≥3): x y z in metres, then any further values. Rows without a finite place are
            left out.
        size: Side of a voxel, metres; the grid is that of `voxel_downsample`.

    Returns:
        (K, C) float64, a row a voxel, in the order of the grid.

    Raises:
        InvalidPoints: if `columns` is not (N, ≥3) or not numeric.
        InvalidConfig: if the size is not a finite number above 1e-30.
    """
    cells = sort_by_cell(as_points(columns), _checked(size))
    return _means(np.asarray(columns), cells.order, cells.keys)


def _checked(size: float) -> float:
    if not 1e-30 < size < np.inf:
        raise InvalidConfig(f"size is {size}; pass a voxel's side in metres, above 1e-30")
    return float(size)


@kernel
def _means(columns: NDArray[Any], order: Ints32, keys: Ints) -> Floats:
    """Mean row of each run of equal keys."""
    width = columns.shape[1]
    means = np.zeros((len(order), width))
    count, since = 0, 0
    for i in range(len(order)):
        if i > 0 and keys[i] != keys[i - 1]:
            for c in range(width):
                means[count, c] /= i - since
            count, since = count + 1, i
        for c in range(width):
            means[count, c] += columns[order[i], c]
    if len(order):
        for c in range(width):
            means[count, c] /= len(order) - since
        count += 1
    return means[:count].copy()


@kernel
def _firsts(order: Ints32, keys: Ints, total: int) -> Ints:
    """Ascending indices that stand first among equal keys."""
    chosen = np.zeros(total, np.bool_)
    count = 0
    for i in range(len(order)):
        if i == 0 or keys[i] != keys[i - 1]:
            chosen[order[i]] = True
            count += 1
    result = np.empty(count, np.int64)
    at = 0
    for i in range(total):
        if chosen[i]:
            result[at] = i
            at += 1
    return result
