"""Whether rectangles on the ground overlap."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from lidar_label.arrays import Floats, Mask


def overlapping(a: Floats, b: Floats) -> Mask:
    """(N,) whether rectangles a and b, (N, 5) x y length width yaw, overlap (separating axes)."""
    between = b[:, :2] - a[:, :2]
    apart = np.zeros(len(a), dtype=bool)
    axes = [(np.cos(r[:, 4] + q), np.sin(r[:, 4] + q)) for r in (a, b) for q in (0.0, np.pi / 2)]
    for x, y in axes:
        reach = np.zeros(len(a))
        for r in (a, b):
            c, s = np.cos(r[:, 4]), np.sin(r[:, 4])
            reach += np.abs(c * x + s * y) * r[:, 2] / 2 + np.abs(-s * x + c * y) * r[:, 3] / 2
        apart |= np.abs(between[:, 0] * x + between[:, 1] * y) > reach
    return ~apart


def overlapping_pairs(rectangles: Floats) -> NDArray[np.int64]:
    """(M, 2) indices i < j of the (N, 5) rectangles that overlap."""
    if len(rectangles) < 2:
        return np.zeros((0, 2), dtype=np.int64)
    reach = float(np.linalg.norm(rectangles[:, 2:4], axis=1).max())
    pairs = KDTree(rectangles[:, :2]).query_pairs(reach, output_type="ndarray")
    return pairs[overlapping(rectangles[pairs[:, 0]], rectangles[pairs[:, 1]])]
