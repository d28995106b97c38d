"""Levels of detail: an order of points in which every prefix that a level names is a coarser cloud.

Level k keeps the first point of each voxel of side 0.1 m · 2^k. The voxels nest, so the first point
of a voxel is also the first of the smaller voxel it lies in: each level contains the coarser ones.
"""

import numpy as np

from lidar_label.arrays import Ints, Points
from lidar_label.binary_columns import LEVELS
from lidar_label.kernels.voxels import voxel_downsample

_SIDE_M = 0.1


def order_by_level(xyz: Points) -> tuple[Ints, tuple[int, ...]]:
    """Order points from coarse to fine.

    Args:
        xyz: (N, 3) float32 metres, finite.

    Returns:
        (N,) int64 order, and the number of points of each level, from level 0 (all) on.
    """
    coarsest = np.zeros(len(xyz), dtype=np.int8)
    counts = [len(xyz)]
    kept = np.arange(len(xyz))
    for level in range(1, LEVELS):
        kept = kept[voxel_downsample(xyz[kept], _SIDE_M * 2.0**level)]
        coarsest[kept] = level
        counts.append(len(kept))
    return np.argsort(-coarsest, kind="stable"), tuple(counts)
