"""Whether two groups of points come within a distance of each other, without all pairs.

Small groups are compared point by point. Large ones are halved in place and their bounding boxes
compared (dual trees: Gray and Moore, "N-body problems in statistical learning", NIPS 2000).
"""

import numpy as np

from lidar_label.arrays import Floats, Ints32, Mask, Points
from lidar_label.kernels.jit import kernel

_TRIALS = 512  # distances tried before boxes are compared; nearly all pairs of cells need fewer
_FEW = 32  # pairs left that are compared point by point
_MAX_WAITING = 2048  # pairs: a group is halved ≤ 277 times an axis, down to float32's least step


@kernel
def squared_distance(a: Points, i: int, b: Points, j: int) -> float:
    """Squared distance of two points, in float64."""
    x, y, z = (
        np.float64(a[i, 0]) - b[j, 0],
        np.float64(a[i, 1]) - b[j, 1],
        np.float64(a[i, 2]) - b[j, 2],
    )
    return x * x + y * y + z * z


@kernel
def groups_touch(
    xyz: Points, chosen: Mask, order: Ints32, a: int, a_end: int, b: int, b_end: int, reach: float
) -> bool:
    """Whether chosen points of a:a_end and b:b_end are within a squared distance of each other.

    The rows of the three arrays may be exchanged within a group.
    """
    trials = 0
    for i in range(a, a_end):
        if chosen[i]:
            for j in range(b, b_end):
                if chosen[j] and squared_distance(xyz, i, xyz, j) <= reach:
                    return True
            trials += b_end - b
            if trials > _TRIALS:
                return _search(xyz, chosen, order, a, a_end, b, b_end, reach)
    return False


@kernel
def _search(
    xyz: Points, chosen: Mask, order: Ints32, a: int, a_end: int, b: int, b_end: int, reach: float
) -> bool:
    waiting = np.empty((_MAX_WAITING, 4), np.int64)
    waiting[0, 0], waiting[0, 1], waiting[0, 2], waiting[0, 3] = a, a_end, b, b_end
    count = 1
    a_box, b_box = np.empty(6), np.empty(6)
    while count:
        count -= 1
        a, a_end, b, b_end = waiting[count]
        a_axis = _bound(xyz, chosen, a, a_end, a_box)
        b_axis = _bound(xyz, chosen, b, b_end, b_box)
        nearest, furthest = _gaps(a_box, b_box)
        if not nearest <= reach:  # also where one has no chosen point: its box is inside out
            continue
        if furthest <= reach:
            return True
        if (a_end - a) * (b_end - b) <= _FEW:
            for i in range(a, a_end):
                for j in range(b, b_end):
                    if chosen[i] and chosen[j] and squared_distance(xyz, i, xyz, j) <= reach:
                        return True
            continue
        if a_box[a_axis + 3] - a_box[a_axis] >= b_box[b_axis + 3] - b_box[b_axis]:
            middle = _halve(xyz, chosen, order, a, a_end, a_axis, a_box)
            first, second = (a, middle, b, b_end), (middle, a_end, b, b_end)
        else:
            middle = _halve(xyz, chosen, order, b, b_end, b_axis, b_box)
            first, second = (a, a_end, b, middle), (a, a_end, middle, b_end)
        for side in (first, second):
            for k in range(4):
                waiting[count, k] = side[k]
            count += 1
    return False


@kernel
def _bound(xyz: Points, chosen: Mask, begin: int, end: int, box: Floats) -> int:
    """Fill the box (lowest, highest) of the chosen points; the axis it is longest along."""
    for axis in range(3):
        box[axis], box[axis + 3] = np.inf, -np.inf
    for i in range(begin, end):
        if chosen[i]:
            for axis in range(3):
                box[axis] = min(box[axis], xyz[i, axis])
                box[axis + 3] = max(box[axis + 3], xyz[i, axis])
    longest = 0
    for axis in range(1, 3):
        if box[axis + 3] - box[axis] > box[longest + 3] - box[longest]:
            longest = axis
    return longest


@kernel
def _gaps(a: Floats, b: Floats) -> tuple[float, float]:
    """Least and greatest squared distance that points of two boxes can have."""
    nearest, furthest = 0.0, 0.0
    for axis in range(3):
        gap = max(a[axis] - b[axis + 3], b[axis] - a[axis + 3], 0.0)
        span = max(a[axis + 3] - b[axis], b[axis + 3] - a[axis])
        nearest += gap * gap
        furthest += span * span
    return nearest, furthest


@kernel
def _halve(
    xyz: Points, chosen: Mask, order: Ints32, begin: int, end: int, axis: int, box: Floats
) -> int:
    """Exchange rows so that those below the middle of the box come first; where the rest begins."""
    middle = 0.5 * (box[axis] + box[axis + 3])
    for i in range(begin, end):
        if xyz[i, axis] <= middle:
            for k in range(3):
                xyz[i, k], xyz[begin, k] = xyz[begin, k], xyz[i, k]
            chosen[i], chosen[begin] = chosen[begin], chosen[i]
            order[i], order[begin] = order[begin], order[i]
            begin += 1
    return begin
