"""Nested segments of the points above ground: cells of a bird's-eye grid, linked at growing gaps.

One distance cannot segment a sweep: what joins the pieces of a far car joins two near pedestrians.
So segments are built as a tree (Hu, Held and Ramanan, "Learning to Optimally Segment Point Clouds",
RA-L 2020): leaves are cells linked at the smallest gap, each level above links at a larger one, and
whoever knows what objects look like picks the best segments out of all levels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints, Ints32, Points
from lidar_label.kernels.jit import kernel
from lidar_label.kernels.segment_grid import CELL, rasterise
from lidar_label.kernels.segment_links import find, link, unite
from lidar_label.kernels.segment_necks import split_at_necks


@dataclass(frozen=True)
class Grid:
    """A square bird's-eye grid around `centre`.

    Attributes:
        centre: (2,) metres, the middle of the grid.
        side: Number of cells along one side.
        state: (side, side) uint8, UNSEEN, GROUND (only ground was hit), LOW (something stands
            there) or TALL (it goes on above the band in which segments are built).
        ranked: (cells,) int32, cells of the flattened grid in the order of the nodes, see
            `SegmentTree.cell_start`.
    """

    centre: Floats
    side: int
    state: NDArray[np.uint8]
    ranked: Ints32


@dataclass(frozen=True)
class SegmentTree:
    """Segments of all levels; the points and cells of each one are contiguous.

    Attributes:
        order: (P,) int32 indices of the given points, sorted so that every node is a slice.
        points: (3, P) float32 x, y and height above ground of each of them.
        start: (K,) first entry of the node in `order`.
        stop: (K,) one past its last entry.
        cell_start: (K,) first rank of its cells.
        cell_stop: (K,) one past its last rank.
        parent: (K,) int32 the next larger segment; −1: none.
        level: (K,) int32 index of the gap at which the node came to be.
        tall_cells: (K,) number of its cells in which something goes on above the band.
        tall_top: (K,) height above ground that these cells reach, metres.
        grid: The cells.
    """

    order: Ints32
    points: Floats32
    start: Ints
    stop: Ints
    cell_start: Ints
    cell_stop: Ints
    parent: Ints32
    level: Ints32
    tall_cells: Ints
    tall_top: Floats
    grid: Grid


def segment_tree(
    points: Points,
    height: Floats32,
    *,
    gaps: tuple[float, ...] = (0.3, 0.45, 0.7, 1.0),
    low: float = 0.18,
    high: float = 2.2,
    max_range: float = 60.0,
    centre: tuple[float, float] = (0.0, 0.0),
    widening_range: float = 25.0,
) -> SegmentTree:
    """Segment the points whose height above ground is between `low` and `high`.

    Args:
        points: (N, 3) float32, metres, z up.
        height: (N,) metres above the ground; points that are not finite have NaN.
        gaps: Growing distances between cell centroids that are still linked, metres.
        low: Lower end of the band of heights, metres.
        high: Upper end: below tree crowns and bridges, above cars and people.
        max_range: Half the side of the square that is segmented, metres.
        centre: Where the sensor stands, x y.
        widening_range: Beyond this range gaps grow in proportion, as the beams spread.
    """
    side = 10 * int(np.ceil(max_range / CELL / 5))
    cx, cy = float(centre[0]), float(centre[1])
    cells, state, members, cell_of = rasterise(points, height, low, high, cx, cy, side)
    mean, count = cells.mean, cells.size
    scale = np.maximum(np.hypot(mean[:, 0] - cx, mean[:, 1] - cy) / widening_range, 1.0)
    set_of = np.arange(len(count), dtype=np.int32)
    edges = link(cells, scale, np.asarray(gaps, dtype=np.float64), side, set_of)
    piece = split_at_necks(set_of, np.argsort(set_of, kind="stable"), mean, count)
    leaf, parent, level = _grow_tree(set_of, piece, *edges, len(gaps))
    sizes, cell_sizes = _sizes(leaf, count, len(parent))
    start, stop = _place(parent, sizes)
    cell_start, cell_stop = _place(parent, cell_sizes)
    order, sorted_points, rank = _fill(
        points, height, leaf, members, cell_of, count, start, cell_start
    )
    ranked = np.empty_like(rank)
    ranked[rank] = cells.place
    tall_cells, tall_top = _tall_parts(leaf, parent, cells.top)
    grid = Grid(np.array([cx, cy]), side, state.reshape(side, side), ranked)
    return SegmentTree(
        order, sorted_points, start, stop, cell_start, cell_stop, parent, level, tall_cells,
        tall_top, grid,
    )  # fmt: skip


@kernel
def _grow_tree(
    set_of: Ints32, piece: Ints32, first: Ints32, second: Ints32, edge_level: Ints32, levels: int
) -> tuple[Ints32, Ints32, Ints32]:
    """Leaf of every cell, and parent and level of every node; parents come after children."""
    m = len(set_of)
    leaf = np.empty(m, dtype=np.int32)
    parent = np.full(2 * m + 1, -1, dtype=np.int32)
    level = np.zeros(2 * m + 1, dtype=np.int32)
    member = np.empty(2 * m + 1, dtype=np.int32)  # one cell of the node
    nodes = 0
    node_of = np.full(m, -1, dtype=np.int32)
    for i in range(m):
        root = piece[i]
        if node_of[root] < 0:
            node_of[root] = nodes
            member[nodes] = root
            nodes += 1
        leaf[i] = node_of[root]
    pieces = np.zeros(m, dtype=np.int32)
    for k in range(1, levels + 1):
        for e in range(len(first)):
            if edge_level[e] == k - 1:
                unite(set_of, first[e], second[e])
        pieces[:] = 0
        node_of[:] = -1
        before = nodes
        for node in range(before):
            if parent[node] < 0:
                pieces[find(set_of, member[node])] += 1
        for node in range(before):
            if parent[node] < 0:
                root = find(set_of, member[node])
                if pieces[root] > 1:
                    if node_of[root] < 0:
                        node_of[root] = nodes
                        member[nodes] = root
                        level[nodes] = k
                        nodes += 1
                    parent[node] = node_of[root]
    return leaf, parent[:nodes].copy(), level[:nodes].copy()


@kernel
def _place(parent: Ints32, size: Ints) -> tuple[Ints, Ints]:
    """First and last place of every node, from the sizes of the leaves (changed to node sizes)."""
    k = len(parent)
    for node in range(k):
        if parent[node] >= 0:
            size[parent[node]] += size[node]
    start = np.zeros(k, dtype=np.int64)
    cursor = np.zeros(k, dtype=np.int64)
    free = 0
    for node in range(k - 1, -1, -1):
        if parent[node] < 0:
            start[node] = free
            free += size[node]
        else:
            start[node] = cursor[parent[node]]
            cursor[parent[node]] += size[node]
        cursor[node] = start[node]
    return start, start + size


@kernel
def _sizes(leaf: Ints32, count: Ints32, nodes: int) -> tuple[Ints, Ints]:
    """(nodes,) number of points and of cells in each leaf; 0 in other nodes."""
    points, cells = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    for i in range(len(leaf)):
        points[leaf[i]] += count[i]
        cells[leaf[i]] += 1
    return points, cells


@kernel
def _fill(
    points: Points,
    height: Floats32,
    leaf: Ints32,
    members: Ints32,
    cell_of: Ints32,
    count: Ints32,
    start: Ints,
    cell_start: Ints,
) -> tuple[Ints32, Floats32, Ints32]:
    """Points in the order of the nodes, as indices and as they are, and the rank of each cell."""
    rank = np.empty(len(leaf), np.int32)
    first = np.empty(len(leaf), np.int64)
    cell_cursor, point_cursor = cell_start.copy(), start.copy()
    for i in range(len(leaf)):
        node = leaf[i]
        rank[i] = cell_cursor[node]
        cell_cursor[node] += 1
        first[i] = point_cursor[node]
        point_cursor[node] += count[i]
    order, kept = np.empty(len(members), np.int32), np.empty((3, len(members)), np.float32)
    for j in range(len(members)):
        i, at = members[j], first[cell_of[j]]
        first[cell_of[j]] += 1
        order[at] = i
        kept[0, at], kept[1, at], kept[2, at] = points[i, 0], points[i, 1], height[i]
    return order, kept, rank


@kernel
def _tall_parts(leaf: Ints32, parent: Ints32, tops: Floats32) -> tuple[Ints, Floats]:
    tall = np.zeros(len(parent), dtype=np.int64)
    top = np.zeros(len(parent))
    for i in range(len(leaf)):
        if tops[i] > 0:
            tall[leaf[i]] += 1
            top[leaf[i]] = max(top[leaf[i]], tops[i])
    for node in range(len(parent)):
        if parent[node] >= 0:
            tall[parent[node]] += tall[node]
            top[parent[node]] = max(top[parent[node]], top[node])
    return tall, top
