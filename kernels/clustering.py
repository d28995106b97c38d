"""Density-based clusters: exact DBSCAN (Ester et al., KDD 1996) on cells that are cliques.

A cell whose diagonal is eps holds only mutual neighbours (Gunawan, "A faster algorithm for DBSCAN",
2013): cells of `min_points` are core without a distance, and clusters are components of cells.
Cells lie sorted in stacks along z. A chunk of a stack keeps a 64-bit mask of its taken cells, so
the neighbours of a cell are a few runs of points, found by a shift and a count of bits.
"""

import math

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Ints, Ints32, Mask, Points, as_points
from lidar_label.errors import InvalidConfig
from lidar_label.kernels.cells import sort_by_cell
from lidar_label.kernels.closeness import groups_touch, squared_distance
from lidar_label.kernels.jit import kernel

_SHRINK = 1.0 - 1e-6  # of the cell: rounding never puts points further than eps apart into one cell
_LEAST_SPACING = 1e-45  # two float32 that differ do so by more
_CHUNK = 60  # cells of a stack in one chunk; the mask has two more at each end
# The 25 stacks within reach of a cell are numbered (x + 2) * 5 + y + 2; here nearest first.
_NEAREST = np.array(
    sorted(range(25), key=lambda slot: (slot // 5 - 2) ** 2 + (slot % 5 - 2) ** 2), dtype=np.int64
)
_BACKWARD = _NEAREST[_NEAREST <= 12]  # those that do not come after the cell's own


def dbscan(points: NDArray[np.floating], eps: float, min_points: int) -> Ints32:
    """Cluster points by density.

    The partition is that of scikit-learn's DBSCAN up to border points, and does not depend on the
    order of the points: a border point joins its nearest core point (at equal distances the one
    with the smallest x, y, z).

    Args:
        points: (N, ≥3) metres. Non-finite points are noise.
        eps: Two points are neighbours at this distance or less, metres.
        min_points: A point with this many neighbours, itself included, is a core point.

    Returns:
        (N,) int32 cluster of each point, −1 for noise; clusters are numbered by their first point.

    Raises:
        InvalidPoints: if `points` is not (N, ≥3) or not numeric.
        InvalidConfig: if eps is not > 0 or min_points is not ≥ 1.
    """
    points = as_points(points)
    if not eps > 0:
        raise InvalidConfig(f"eps is {eps}; pass a distance > 0 metres")
    if min_points < 1:
        raise InvalidConfig(f"min_points is {min_points}; pass 1 or more")
    side = max(float(eps), _LEAST_SPACING) / math.sqrt(3.0) * _SHRINK
    return _dbscan(points, side, float(eps) * float(eps), int(min_points))


def _dbscan(points: Points, side: float, reach: float, min_points: int) -> Ints32:
    order, keys, columns, y_bits, z_bits = sort_by_cell(points, side)
    if len(order) == 0:
        return np.full(len(points), -1, np.int32)
    xyz, starts, levels, first_cell, stack_xy = _gather(points, order, keys, columns, z_bits)
    del keys  # a third of the memory
    first_chunk, heights = _chunks(levels, first_cell)
    own, base, taken, level = _masks(levels, first_cell, first_chunk, heights)
    del levels
    near = _near_chunks(stack_xy, y_bits, first_chunk, heights)
    grid = (starts, level, own, base, taken, near)
    core, parent = _connect(xyz, *grid, _NEAREST, _BACKWARD, order, min_points, reach)
    return _label(xyz, *grid, _NEAREST, core, parent, reach, order, len(points))


@kernel
def _gather(
    points: Points, order: Ints32, keys: Ints, columns: Ints, z_bits: int
) -> tuple[Points, Ints32, Ints, Ints32, Ints]:
    """Sorted points, first point and level of each cell, first cell and xy of each stack."""
    cell_count, stack_count = 1, 1
    for i in range(1, len(keys)):
        if keys[i] != keys[i - 1]:
            cell_count += 1
            stack_count += keys[i] >> z_bits != keys[i - 1] >> z_bits
    xyz = np.empty((len(keys), 3), np.float32)
    starts, levels = np.empty(cell_count + 1, np.int32), np.empty(cell_count, np.int64)
    first_cell, stack_xy = np.empty(stack_count + 1, np.int32), np.empty(stack_count, np.int64)
    cell, stack = 0, 0
    last, last_xy = np.int64(-1), np.int64(-1)
    for i in range(len(keys)):
        for axis in range(3):
            xyz[i, axis] = points[order[i], axis]
        if keys[i] == last:
            continue
        last = keys[i]
        if last >> z_bits != last_xy:
            last_xy = last >> z_bits
            first_cell[stack] = cell
            stack_xy[stack] = columns[last_xy] if len(columns) else last_xy
            stack += 1
        starts[cell] = i
        levels[cell] = last - (last_xy << z_bits)
        cell += 1
    starts[cell], first_cell[stack] = len(keys), cell
    return xyz, starts, levels, first_cell, stack_xy


@kernel
def _chunks(levels: Ints, first_cell: Ints32) -> tuple[Ints32, Ints]:
    """First chunk of each stack and the height of each chunk, in 60 levels.

    A stack also has an empty chunk where the one next to it has cells within 2 levels.
    """
    first_chunk = np.empty(len(first_cell), np.int32)
    heights = np.empty(0, np.int64)
    for fill in range(2):
        count = 0
        for stack in range(len(first_cell) - 1):
            first_chunk[stack] = count
            last = np.int64(-2)
            for cell in range(first_cell[stack], first_cell[stack + 1]):
                height = levels[cell] // _CHUNK
                level = levels[cell] - height * _CHUNK
                for h in range(height - (level < 2), height + 1 + (level >= _CHUNK - 2)):
                    if h > last:
                        last = h
                        if fill:
                            heights[count] = h
                        count += 1
        first_chunk[-1] = count
        if not fill:
            heights = np.empty(count, np.int64)
    return first_chunk, heights


@kernel
def _masks(
    levels: Ints, first_cell: Ints32, first_chunk: Ints32, heights: Ints
) -> tuple[Ints32, Ints32, NDArray[np.uint64], NDArray[np.uint8]]:
    """For each chunk its first own cell, the first cell of its mask, and the mask.

    Bit b of the mask is the cell at level height · 60 + b − 2. Also each cell's level in its chunk.
    """
    level = np.empty(len(levels), np.uint8)
    own = np.empty(len(heights) + 1, np.int32)
    base = np.empty(len(heights), np.int32)
    taken = np.zeros(len(heights), np.uint64)
    for stack in range(len(first_cell) - 1):
        cell, end = first_cell[stack], first_cell[stack + 1]
        for chunk in range(first_chunk[stack], first_chunk[stack + 1]):
            lowest = heights[chunk] * _CHUNK - 2
            while cell < end and levels[cell] < lowest:
                cell += 1
            base[chunk] = cell
            own[chunk] = cell
            at = cell
            while at < end and levels[at] < lowest + 64:
                own[chunk] += levels[at] < lowest + 2
                if lowest + 2 <= levels[at] < lowest + 2 + _CHUNK:
                    level[at] = levels[at] - lowest - 2
                taken[chunk] |= np.uint64(1) << np.uint64(levels[at] - lowest)
                at += 1
    own[-1] = len(levels)
    return own, base, taken, level


@kernel
def _near_chunks(
    stack_xy: Ints, y_bits: int, first_chunk: Ints32, heights: Ints
) -> NDArray[np.int32]:
    """(chunks, 25): the chunk of the same height in each stack within reach, −1 for none."""
    near = np.full((len(heights), 25), -1, np.int32)
    for x in range(5):
        window = 0
        for stack in range(len(stack_xy)):
            lowest = stack_xy[stack] + ((x - 2) << y_bits) - 2
            while window < len(stack_xy) and stack_xy[window] < lowest:
                window += 1
            other = window
            while other < len(stack_xy) and stack_xy[other] <= lowest + 4:
                slot = x * 5 + stack_xy[other] - lowest
                at = first_chunk[other]
                for chunk in range(first_chunk[stack], first_chunk[stack + 1]):
                    while at < first_chunk[other + 1] and heights[at] < heights[chunk]:
                        at += 1
                    if at < first_chunk[other + 1] and heights[at] == heights[chunk]:
                        near[chunk, slot] = at
                other += 1
    return near


@kernel
def _count_bits(word: np.uint64) -> int:
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    pairs = np.uint64(0x3333333333333333)
    word = (word & pairs) + ((word >> np.uint64(2)) & pairs)
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def _run(taken: NDArray[np.uint64], base: Ints32, chunk: int, level: np.uint64) -> tuple[int, int]:
    """First cell of a chunk within 2 levels of `level`, and the one after the last."""
    mask = taken[chunk]
    first = base[chunk] + _count_bits(mask & ((np.uint64(1) << level) - np.uint64(1)))
    return first, first + _count_bits((mask >> level) & np.uint64(31))


@kernel
def _root(parent: Ints32, cell: int) -> int:
    while parent[cell] != cell:
        parent[cell] = parent[parent[cell]]
        cell = parent[cell]
    return cell


@kernel
def _connect(
    xyz: Points,
    starts: Ints32,
    levels: NDArray[np.uint8],
    own: Ints32,
    base: Ints32,
    taken: NDArray[np.uint64],
    near: NDArray[np.int32],
    nearest: Ints,
    backward: Ints,
    order: Ints32,
    min_points: int,
    reach: float,
) -> tuple[Mask, Ints32]:
    """Core points, and the forest that joins the cells of a cluster; −1 for cells without core."""
    core = np.zeros(len(xyz), np.bool_)
    parent = np.full(len(levels), -1, np.int32)
    begins, ends = np.empty(25, np.int32), np.empty(25, np.int32)
    for chunk in range(len(base)):
        for cell in range(own[chunk], own[chunk + 1]):
            level = np.uint64(levels[cell])
            begin, end = starts[cell], starts[cell + 1]
            if end - begin >= min_points:
                for i in range(begin, end):
                    core[i] = True
                parent[cell] = cell
            else:
                runs = 0
                for slot in nearest:
                    other = near[chunk, slot]
                    if other >= 0:
                        first, stop = _run(taken, base, other, level)
                        if first < stop:
                            begins[runs], ends[runs] = starts[first], starts[stop]
                            runs += 1
                for i in range(begin, end):
                    count = 0
                    for run in range(runs):
                        for j in range(begins[run], ends[run]):
                            count += squared_distance(xyz, i, xyz, j) <= reach
                        if count >= min_points:
                            core[i] = True
                            parent[cell] = cell
                            break
            if parent[cell] < 0:
                continue
            root = cell
            for slot in backward:
                other = near[chunk, slot]
                if other < 0:
                    continue
                first, stop = _run(taken, base, other, level)
                for behind in range(first, min(stop, cell)):
                    if parent[behind] >= 0 and parent[behind] != root:
                        place = _root(parent, behind)
                        if place != root and groups_touch(
                            xyz, core, order, begin, end, starts[behind], starts[behind + 1], reach
                        ):
                            parent[max(root, place)] = min(root, place)
                            root = min(root, place)
    return core, parent


@kernel
def _less(xyz: Points, i: int, j: int) -> bool:
    for axis in range(3):
        if xyz[i, axis] != xyz[j, axis]:
            return xyz[i, axis] < xyz[j, axis]
    return False


@kernel
def _label(
    xyz: Points,
    starts: Ints32,
    levels: NDArray[np.uint8],
    own: Ints32,
    base: Ints32,
    taken: NDArray[np.uint64],
    near: NDArray[np.int32],
    nearest: Ints,
    core: Mask,
    parent: Ints32,
    reach: float,
    order: Ints32,
    total: int,
) -> Ints32:
    """Clusters in the order of the cloud; border points join their nearest core point."""
    labels = np.full(total, -1, np.int32)
    begins, ends = np.empty(25, np.int32), np.empty(25, np.int32)
    for chunk in range(len(base)):
        for cell in range(own[chunk], own[chunk + 1]):
            root = _root(parent, cell) if parent[cell] >= 0 else -1
            rest = 0
            for i in range(starts[cell], starts[cell + 1]):
                if core[i]:
                    labels[order[i]] = root
                else:
                    rest += 1
            if rest == 0:
                continue
            level = np.uint64(levels[cell])
            runs = 0
            for slot in nearest:
                other = near[chunk, slot]
                if other >= 0:
                    begins[runs], ends[runs] = _run(taken, base, other, level)
                    runs += begins[runs] < ends[runs]
            for i in range(starts[cell], starts[cell + 1]):
                if core[i]:
                    continue
                best, closest, home = reach, -1, -1
                for run in range(runs):
                    for around in range(begins[run], ends[run]):
                        if parent[around] < 0:
                            continue
                        for j in range(starts[around], starts[around + 1]):
                            if not core[j]:
                                continue
                            squared = squared_distance(xyz, i, xyz, j)
                            if squared < best or (
                                squared == best and (closest < 0 or _less(xyz, j, closest))
                            ):
                                best, closest, home = squared, j, around
                if closest >= 0:
                    labels[order[i]] = _root(parent, home)
    numbers = parent  # done with
    for cell in range(len(numbers)):
        numbers[cell] = -1
    clusters = 0
    for i in range(total):
        if labels[i] >= 0:
            if numbers[labels[i]] < 0:
                numbers[labels[i]] = clusters
                clusters += 1
            labels[i] = numbers[labels[i]]
    return labels
