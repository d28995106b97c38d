"""Boosted trees evaluated on rows of features: a sum of leaves, one a tree."""

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints32
from lidar_label.kernels.jit import kernel

LEAF = -1


@kernel
def sum_of_leaves(
    features: Floats32, roots: Ints32, split: Ints32, threshold: Floats32, below: Ints32,
    value: Floats32,
) -> Floats:  # fmt: skip
    """Add up the leaves that each row falls into.

    Args:
        features: (M, F) float32, without NaN.
        roots: (T,) first node of each tree.
        split: (K,) feature that a node asks for; LEAF for leaves.
        threshold: (K,) rows up to it go to `below`, others to the node after `below`.
        below: (K,).
        value: (K,) of leaves.

    Returns:
        (M,) float64.
    """
    total = np.zeros(len(features))
    for tree in range(len(roots)):
        for row in range(len(features)):
            node = roots[tree]
            while split[node] != LEAF:
                node = below[node] + (features[row, split[node]] > threshold[node])
            total[row] += value[node]
    return total
