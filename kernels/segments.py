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

_MAX_REACH = 10  # cells; the largest gap is cut here
_NECK = 0.4  # share of the smaller flank below which a dip in a histogram of points is a neck
_SMALL = 12  # cells; up to there, where people may stand close together,
_SMALL_NECK = 0.8  # a shallower dip is one
_VERTICAL_GAP = 0.8  # metres between the vertical extents of two cells that are linked
_LOWEST_TOP = 0.35  # metres; a cell that stays below is a kerb or grass


@dataclass(frozen=True)
class Grid:
    """A square bird's-eye grid around `centre`.

    Attributes:
        centre: (2,) metres, the middle of the grid.
        side: Number of cells along one side.
        state: (side, side) uint8, UNSEEN, GROUND (only ground was hit), LOW (something stands
            there) or TALL (it goes on above the band in which segments are built).
        rank: (side, side) int32, place of the cell in the order of `SegmentTree.start`; −1: none.
    """

    centre: Floats
    side: int
    state: NDArray[np.uint8]
    rank: Ints32


@dataclass(frozen=True)
class SegmentTree:
    """Segments of all levels; the points and cells of each one are contiguous.

    Attributes:
        order: (P,) int64 indices of the given points, sorted so that every node is a slice.
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

    order: Ints
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
    slot_of, slot, state, cell, count, mean, low_z, high_z, tops = rasterise(
        points, height, low, high, cx, cy, side
    )
    standing = np.flatnonzero((count > 0) & (high_z >= _LOWEST_TOP))
    standing = standing[np.argsort(cell[standing])]  # whatever the order of the points
    cells, count, tops = cell[standing], count[standing], tops[standing]
    mean, low_z, high_z = mean[standing], low_z[standing], high_z[standing]
    index_of = np.full(len(cell), -1, dtype=np.int32)
    index_of[standing] = np.arange(len(standing), dtype=np.int32)
    slot[cell] = index_of  # the grid now holds the place of each cell in `cells`
    scale = np.maximum(np.hypot(mean[:, 0] - cx, mean[:, 1] - cy) / widening_range, 1.0)
    limits = np.asarray(gaps, dtype=np.float64)
    set_of = np.arange(len(cells), dtype=np.int32)
    edges = _edges(cells, slot, mean, low_z, high_z, scale, limits, side, set_of)
    piece = _split_at_necks(set_of, np.argsort(set_of, kind="stable"), mean, count)
    leaf, parent, level = _grow_tree(set_of, piece, *edges, len(gaps))
    sizes = np.bincount(leaf, weights=count, minlength=len(parent)).astype(np.int64)
    start, stop = _place(parent, sizes)
    cell_sizes = np.bincount(leaf, minlength=len(parent)).astype(np.int64)
    cell_start, cell_stop = _place(parent, cell_sizes)
    order, rank = _fill(leaf, index_of, slot_of, count, start, cell_start)
    slot[cells] = rank
    tall_cells, tall_top = _tall_parts(leaf, parent, tops)
    shape = (side, side)
    grid = Grid(np.array([cx, cy]), side, state.reshape(shape), slot.reshape(shape))
    return SegmentTree(
        order, start, stop, cell_start, cell_stop, parent, level, tall_cells, tall_top, grid
    )


@kernel
def _find(parent: Ints32, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def _unite(parent: Ints32, i: int, j: int) -> None:
    a, b = _find(parent, i), _find(parent, j)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@kernel
def _edges(
    cells: Ints32,
    index: Ints32,
    mean: Floats,
    low_z: Floats32,
    high_z: Floats32,
    scale: Floats,
    gaps: Floats,
    side: int,
    set_of: Ints32,
) -> tuple[Ints32, Ints32, Ints32]:
    """Pairs of cells within reach, with the level at which they link; level 0 is linked at once."""
    capacity = 16 * len(cells) + 64
    first = np.empty(capacity, dtype=np.int32)
    second = np.empty(capacity, dtype=np.int32)
    level = np.empty(capacity, dtype=np.int32)
    used = 0
    for phase in range(2):
        for i in range(len(cells)):
            cell = cells[i]
            row, column = cell // side, cell % side
            limit = gaps[0] if phase == 0 else gaps[-1]
            reach = min(int(limit * scale[i] / CELL) + 1, _MAX_REACH)
            for r in range(row, min(row + reach + 1, side)):
                for c in range(max(column - reach, 0), min(column + reach + 1, side)):
                    j = index[r * side + c]
                    if j <= i:
                        continue
                    if phase == 1 and set_of[i] == set_of[j]:
                        continue
                    dx = mean[i, 0] - mean[j, 0]
                    dy = mean[i, 1] - mean[j, 1]
                    distance = np.sqrt(dx * dx + dy * dy) / scale[i]
                    if distance > limit:
                        continue
                    gap = max(low_z[i] - high_z[j], low_z[j] - high_z[i])
                    if gap > _VERTICAL_GAP * scale[i]:
                        continue
                    if phase == 0:
                        _unite(set_of, i, j)
                        continue
                    k = 1
                    while distance > gaps[k]:
                        k += 1
                    if used == capacity:
                        capacity *= 2
                        first = np.concatenate((first, np.empty(used, dtype=np.int32)))
                        second = np.concatenate((second, np.empty(used, dtype=np.int32)))
                        level = np.concatenate((level, np.empty(used, dtype=np.int32)))
                    first[used], second[used], level[used] = i, j, k
                    used += 1
        if phase == 0:
            for i in range(len(cells)):
                set_of[i] = _find(set_of, i)
    return first[:used], second[:used], level[:used]


@kernel
def _split_at_necks(set_of: Ints32, by_set: Ints, mean: Floats, count: Ints32) -> Ints32:
    """Pieces of the sets of cells that have a neck, as a cell of each piece; wholes stay.

    Along the principal axis of the set a histogram of its points shows a neck where people walk
    side by side or a car stands against a hedge.
    """
    m = len(set_of)
    piece = set_of.copy()
    at = 0
    while at < m:
        end = at
        while end < m and set_of[by_set[end]] == set_of[by_set[at]]:
            end += 1
        _split(by_set[at:end], mean, count, piece, 3)
        at = end
    return piece


@kernel
def _split(members: Ints, mean: Floats, count: Ints32, piece: Ints32, rounds: int) -> None:
    for _ in range(rounds):
        current = piece[members[0]]
        total, x, y = 0.0, 0.0, 0.0
        for i in members:
            if piece[i] == current:
                total += count[i]
                x += count[i] * mean[i, 0]
                y += count[i] * mean[i, 1]
        x, y = x / total, y / total
        xx, xy, yy = 0.0, 0.0, 0.0
        for i in members:
            if piece[i] == current:
                dx, dy = mean[i, 0] - x, mean[i, 1] - y
                xx, xy, yy = (
                    xx + count[i] * dx * dx,
                    xy + count[i] * dx * dy,
                    yy + count[i] * dy * dy,
                )
        angle = 0.5 * np.arctan2(2 * xy, xx - yy)
        c, s = np.cos(angle), np.sin(angle)
        low, high = np.inf, -np.inf
        for i in members:
            if piece[i] == current:
                u = c * (mean[i, 0] - x) + s * (mean[i, 1] - y)
                low, high = min(low, u), max(high, u)
        bins = int((high - low) / CELL) + 1
        if bins < 4 or bins > 40:
            return
        histogram = np.zeros(bins)
        for i in members:
            if piece[i] == current:
                u = c * (mean[i, 0] - x) + s * (mean[i, 1] - y)
                histogram[int((u - low) / CELL)] += count[i]
        best, neck = _SMALL_NECK if bins <= _SMALL else _NECK, -1
        for b in range(1, bins - 1):
            flank = min(histogram[:b].max(), histogram[b + 1 :].max())
            if flank > 4 and histogram[b] < best * flank:
                best, neck = histogram[b] / flank, b
        if neck < 0:
            return
        other = -1
        stays = current
        for i in members:
            if piece[i] == current:
                u = c * (mean[i, 0] - x) + s * (mean[i, 1] - y)
                if int((u - low) / CELL) > neck and other < 0:
                    other = i
        # A piece is named by one of its own cells.
        for i in members:
            if (
                piece[i] == current
                and int((c * (mean[i, 0] - x) + s * (mean[i, 1] - y) - low) / CELL) <= neck
            ):
                stays = i
                break
        for i in members:
            if piece[i] == current:
                u = c * (mean[i, 0] - x) + s * (mean[i, 1] - y)
                piece[i] = other if int((u - low) / CELL) > neck else stays


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
                _unite(set_of, first[e], second[e])
        pieces[:] = 0
        node_of[:] = -1
        before = nodes
        for node in range(before):
            if parent[node] < 0:
                pieces[_find(set_of, member[node])] += 1
        for node in range(before):
            if parent[node] < 0:
                root = _find(set_of, member[node])
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
def _fill(
    leaf: Ints32, index_of: Ints32, slot_of: Ints32, count: Ints32, start: Ints, cell_start: Ints
) -> tuple[Ints, Ints32]:
    """Points in the order of the nodes, and the rank of each cell."""
    rank = np.empty(len(leaf), dtype=np.int32)
    first = np.empty(len(leaf), dtype=np.int64)
    cell_cursor = cell_start.copy()
    point_cursor = start.copy()
    total = 0
    for i in range(len(leaf)):
        node = leaf[i]
        rank[i] = cell_cursor[node]
        cell_cursor[node] += 1
        first[i] = point_cursor[node]
        point_cursor[node] += count[i]
        total += count[i]
    order = np.empty(total, dtype=np.int64)
    for i in range(len(slot_of)):
        if slot_of[i] >= 0 and index_of[slot_of[i]] >= 0:
            k = index_of[slot_of[i]]
            order[first[k]] = i
            first[k] += 1
    return order, rank


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
