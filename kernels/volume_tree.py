"""A bounding volume hierarchy over boxes, built by the surface-area heuristic.

Binned builder after Wald, "On fast construction of SAH-based bounding volume hierarchies", RT 2007.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Ints32
from lidar_label.errors import InvalidBoxes
from lidar_label.kernels.jit import kernel

MAX_DEPTH = 60
_BINS = 16
_LEAF_SIZE = 2


class Tree(NamedTuple):
    """K nodes in depth-first order; the left child of node k is k + 1.

    Attributes:
        bounds: (K, 6) float64 lower x y z, upper x y z.
        links: (K, 3) int32: the right child, or −1 in a leaf, which holds the boxes order[b:e] with
            b, e in the other columns.
        order: (P,) int32 indices of the boxes.
    """

    bounds: Floats
    links: Ints32
    order: Ints32


def build_tree(bounds: NDArray[Any]) -> Tree:
    """A tree over (P, 6) boxes: lower x y z, upper x y z; P may be 0.

    Raises:
        InvalidBoxes: if the boxes are not (P, 6) finite numbers.
    """
    bounds = np.ascontiguousarray(bounds, dtype=np.float64).reshape(-1, 6)
    if not np.isfinite(bounds).all():
        raise InvalidBoxes("a bounding box is not finite; check the solids' sizes and places")
    return Tree(*_build(bounds))


@kernel
def _area(lower: Floats, upper: Floats) -> float:
    a, b, c = upper[0] - lower[0], upper[1] - lower[1], upper[2] - lower[2]
    return a * b + b * c + c * a


@kernel
def _best_split(bounds: Floats, order: Ints32, begin: int, end: int) -> tuple[int, float]:
    """Axis and place (as lower + upper) of the cheapest of the binned splits; −1: none."""
    best_axis, best_place, best_cost = -1, 0.0, np.inf
    low, high = np.empty((_BINS, 3)), np.empty((_BINS, 3))
    counts, left_cost = np.empty(_BINS, np.int64), np.empty(_BINS)
    box_low, box_high = np.empty(3), np.empty(3)
    for axis in range(3):
        start, stop = np.inf, -np.inf
        for i in range(begin, end):
            middle = bounds[order[i], axis] + bounds[order[i], axis + 3]
            start, stop = min(start, middle), max(stop, middle)
        if stop - start < 1e-9:
            continue
        low[:], high[:], counts[:] = np.inf, -np.inf, 0
        scale = _BINS / (stop - start)
        for i in range(begin, end):
            box = order[i]
            middle = bounds[box, axis] + bounds[box, axis + 3]
            slot = min(int((middle - start) * scale), _BINS - 1)
            counts[slot] += 1
            for k in range(3):
                low[slot, k] = min(low[slot, k], bounds[box, k])
                high[slot, k] = max(high[slot, k], bounds[box, k + 3])
        box_low[:], box_high[:], seen = np.inf, -np.inf, 0
        for slot in range(_BINS - 1):
            seen += counts[slot]
            for k in range(3):
                box_low[k] = min(box_low[k], low[slot, k])
                box_high[k] = max(box_high[k], high[slot, k])
            left_cost[slot] = seen * _area(box_low, box_high) if seen else np.inf
        box_low[:], box_high[:], seen = np.inf, -np.inf, 0
        for slot in range(_BINS - 1, 0, -1):
            seen += counts[slot]
            for k in range(3):
                box_low[k] = min(box_low[k], low[slot, k])
                box_high[k] = max(box_high[k], high[slot, k])
            if seen:
                cost = left_cost[slot - 1] + seen * _area(box_low, box_high)
                if cost < best_cost:
                    best_axis, best_cost = axis, cost
                    best_place = start + slot / scale
    return best_axis, best_place


@kernel
def _build(bounds: Floats) -> tuple[Floats, Ints32, Ints32]:
    total = len(bounds)
    order = np.arange(total).astype(np.int32)
    size = max(2 * total - 1, 1)
    nodes = np.empty((size, 6))
    links = np.full((size, 3), -1, np.int32)
    # Work to do: begin, end, the node whose right child this is (−1: a left child), depth.
    stack = np.empty((MAX_DEPTH + 4, 4), np.int64)
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = 0, total, -1, 0
    waiting, made = 1, 0
    while waiting:
        waiting -= 1
        begin, end, parent, depth = stack[waiting]
        node = made
        made += 1
        if parent >= 0:
            links[parent, 0] = node
        nodes[node, :3], nodes[node, 3:] = np.inf, -np.inf
        for i in range(begin, end):
            for k in range(3):
                nodes[node, k] = min(nodes[node, k], bounds[order[i], k])
                nodes[node, k + 3] = max(nodes[node, k + 3], bounds[order[i], k + 3])
        axis, place = -1, 0.0
        if end - begin > _LEAF_SIZE and depth < MAX_DEPTH:
            axis, place = _best_split(bounds, order, begin, end)
        if axis < 0:
            links[node, 1], links[node, 2] = begin, end
            continue
        split = begin
        for i in range(begin, end):
            box = order[i]
            if bounds[box, axis] + bounds[box, axis + 3] < place:
                order[i], order[split] = order[split], box
                split += 1
        if split in (begin, end):  # rounding put all on one side
            split = (begin + end) // 2
        stack[waiting, 0], stack[waiting, 1] = split, end
        stack[waiting, 2], stack[waiting, 3] = node, depth + 1
        stack[waiting + 1, 0], stack[waiting + 1, 1] = begin, split
        stack[waiting + 1, 2], stack[waiting + 1, 3] = -1, depth + 1
        waiting += 2
    return nodes[:made].copy(), links[:made].copy(), order
