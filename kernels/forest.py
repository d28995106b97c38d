"""Boosted trees evaluated on rows of features: a sum of leaves, one a tree."""

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints32
from lidar_label.kernels.jit import kernel

LEAF = -1
_BLOCK = 256  # rows at once: their features and one tree's answers stay in the first-level cache


@kernel
def sum_of_leaves(
    features: Floats32, roots: Ints32, split: Ints32, threshold: Floats32, below: Ints32,
    value: Floats32,
) -> Floats:  # fmt: skip
    """Add up the leaves that each row falls into.

    Every node answers every row of a block, from the leaves to the root: more comparisons than a
    walk down the tree, yet none that the next waits for, and many rows by one instruction.

    Args:
        features: (M, F) float32, without NaN.
        roots: (T,) first node of each tree.
        split: (K,) feature that a node asks for; LEAF for leaves.
        threshold: (K,) rows up to it go to `below`, others to the node after `below`.
        below: (K,) greater than the node's own index.
        value: (K,) of leaves.

    Returns:
        (M,) float64.
    """
    total = np.zeros(len(features))
    nodes, first, child, paired = _unfolded(roots, split, below)
    deepest = 0
    for tree in range(len(roots)):
        deepest = max(deepest, first[tree + 1] - first[tree])
    columns = np.empty((features.shape[1], _BLOCK), np.float32)
    answer = np.empty((deepest, _BLOCK), np.float32)
    for begin in range(0, len(features), _BLOCK):
        rows = min(_BLOCK, len(features) - begin)
        for row in range(rows):
            for column in range(features.shape[1]):
                columns[column, row] = features[begin + row, column]
        for tree in range(len(roots)):
            a = first[tree]
            for place in range(first[tree + 1] - a - 1, -1, -1):
                node = nodes[a + place]
                if split[node] == LEAF:
                    if not paired[a + place]:
                        for row in range(rows):
                            answer[place, row] = value[node]
                    continue
                left, right = child[a + place, 0], child[a + place, 1]
                asked, limit = split[node], threshold[node]
                if paired[a + left]:
                    low, high = value[below[node]], value[below[node] + 1]
                    for row in range(rows):
                        answer[place, row] = high if columns[asked, row] > limit else low
                else:
                    for row in range(rows):
                        low, high = answer[left, row], answer[right, row]
                        answer[place, row] = high if columns[asked, row] > limit else low
            for row in range(rows):
                total[begin + row] += answer[0, row]
    return total


@kernel
def _unfolded(
    roots: Ints32, split: Ints32, below: Ints32
) -> tuple[Ints32, Ints32, Ints32, NDArray[np.bool_]]:
    """Nodes of each tree from its root on, first of each tree, and places of the children in it.

    Also which of them are leaves whose sibling is one: their parent reads them itself.
    """
    first = np.zeros(len(roots) + 1, np.int32)
    for tree in range(len(roots)):
        first[tree + 1] = first[tree] + _count(roots[tree], split, below)
    nodes, child = np.empty(first[-1], np.int32), np.empty((first[-1], 2), np.int32)
    paired = np.zeros(first[-1], np.bool_)
    for tree in range(len(roots)):
        begin = first[tree]
        nodes[begin] = roots[tree]
        count = 1
        for place in range(first[tree + 1] - begin):
            node = nodes[begin + place]
            if split[node] == LEAF:
                continue
            leaves = split[below[node]] == LEAF and split[below[node] + 1] == LEAF
            for side in range(2):
                nodes[begin + count] = below[node] + side
                child[begin + place, side] = count
                paired[begin + count] = leaves
                count += 1
    return nodes, first, child, paired


@kernel
def _count(root: int, split: Ints32, below: Ints32) -> int:
    """Number of nodes of a tree."""
    waiting = np.empty(len(split) + 1, np.int32)
    waiting[0], top, count = root, 1, 0
    while top > 0:
        top -= 1
        node = waiting[top]
        count += 1
        if split[node] != LEAF:
            waiting[top], waiting[top + 1] = below[node], below[node] + 1
            top += 2
    return count
