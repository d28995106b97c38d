"""Fewer points, spread evenly: one of each voxel of a cubic grid."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Ints, Ints32, as_points
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
    if not 1e-30 < size < np.inf:
        raise InvalidConfig(f"size is {size}; pass a voxel's side in metres, above 1e-30")
    points = as_points(points)
    cells = sort_by_cell(points, float(size))
    return _firsts(cells.order, cells.keys, len(points))


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
