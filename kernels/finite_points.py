"""The finite points of a cloud, in one pass."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats32, Points, as_points
from lidar_label.kernels.jit import kernel


def finite_points(points: NDArray[Any]) -> Points:
    """Return x, y and z of the points whose three are finite, in their order.

    Args:
        points: (N, ≥3) metres.

    Returns:
        (M, 3) float32, contiguous; a copy.

    Raises:
        InvalidPoints: if `points` is not (N, ≥3) numbers.
    """
    table = np.asarray(points)
    ready = table.ndim == 2 and table.shape[1] >= 3 and table.dtype == np.float32
    return _finite(table if ready and table.flags.c_contiguous else as_points(table))


@kernel
def _finite(table: Floats32) -> Points:
    result = np.empty((len(table), 3), np.float32)
    count = 0
    for i in range(len(table)):
        x, y, z = table[i, 0], table[i, 1], table[i, 2]
        result[count, 0], result[count, 1], result[count, 2] = x, y, z
        count += x * 0 + y * 0 + z * 0 == 0  # not so for what is not finite
    return result[:count]
