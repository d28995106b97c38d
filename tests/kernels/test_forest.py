import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lidar_label.kernels.forest import LEAF, sum_of_leaves


def naive(row, roots, split, threshold, below, value):
    total = 0.0
    for root in roots:
        node = root
        while split[node] != LEAF:
            right = row[split[node]] > threshold[node]
            node = below[node] + 1 if right else below[node]
        total += value[node]
    return total


def grown(rng, features, depth, at):
    """Nodes of one random tree whose first node has index `at`."""
    nodes = [(LEAF, 0.0, 0, float(rng.normal()))]
    open_nodes = [(0, 0)]
    while open_nodes:
        node, level = open_nodes.pop()
        if level < depth and rng.random() < 0.8:
            first = len(nodes)
            nodes += [(LEAF, 0.0, 0, float(rng.normal())) for _ in range(2)]
            nodes[node] = (int(rng.integers(features)), float(rng.normal()), at + first, 0.0)
            open_nodes += [(first, level + 1), (first + 1, level + 1)]
    return nodes


@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.integers(0, 6))
def test_leaves_add_up_as_in_a_walk_by_hand(seed, rows, trees):
    rng = np.random.default_rng(seed)
    nodes, roots = [], []
    for _ in range(trees):
        roots.append(len(nodes))
        nodes += grown(rng, 3, 4, len(nodes))
    split, threshold, below, value = zip(*nodes, strict=True) if nodes else ((), (), (), ())
    arrays = (
        np.array(roots, np.int32), np.array(split, np.int32), np.array(threshold, np.float32),
        np.array(below, np.int32), np.array(value, np.float32),
    )  # fmt: skip
    features = rng.normal(size=(rows, 3)).astype(np.float32)
    expected = [naive(row, *arrays) for row in features]
    np.testing.assert_allclose(sum_of_leaves(features, *arrays), expected, rtol=1e-5, atol=1e-6)
