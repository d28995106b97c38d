"""Cuts through a tree of segments: which nodes to keep so that none lies within another."""

import numpy as np

from lidar_label.arrays import Floats, Ints32, Mask
from lidar_label.kernels.jit import kernel


@kernel
def best_cut(parent: Ints32, value: Floats) -> Mask:
    """(K,) the nodes whose values add up to most, none inside another; of equals the larger.

    Args:
        parent: (K,) as `SegmentTree.parent`: children come before their parents, −1 for none.
        value: (K,) of each node; those of 0 and less are never taken.
    """
    below = np.zeros(len(value))
    taken = np.zeros(len(value), np.bool_)
    for node in range(len(value)):
        taken[node] = value[node] > 0 and value[node] >= below[node]
        if parent[node] >= 0:
            below[parent[node]] += max(value[node], below[node])
    covered = np.zeros(len(value), np.bool_)
    for node in range(len(value) - 1, -1, -1):
        above = parent[node]
        covered[node] = above >= 0 and (covered[above] or taken[above])
    return taken & ~covered


@kernel
def outermost(parent: Ints32) -> Ints32:
    """(K,) the node without parent that each node lies in, itself included."""
    root = np.arange(len(parent)).astype(np.int32)
    for node in range(len(parent) - 1, -1, -1):
        if parent[node] >= 0:
            root[node] = root[parent[node]]
    return root
