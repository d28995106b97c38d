"""A box of known size laid against the points of its object: near faces to where beams stopped.

Points on the faces that the sensor sees draw these faces to them, points beyond any side push it
out, points inside (bonnets, seats) say nothing, nor do those above the waist: from there up sides
lean inwards, and what reaches over them is trees. After the closeness criterion of Zhang et al.,
"Efficient L-shape fitting" (IV 2017), with the size given and all outliers bounded.
"""

import math

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints
from lidar_label.kernels.jit import kernel, simd_kernel

U, V, HEIGHT, FACE_U, FACE_V = range(5)  # columns of a looked-at point
LOOK = 5
LOW_U, HIGH_U, LOW_V, HIGH_V, TOP = range(5)  # columns of a view's extent
EXTENT = 5

_SPREAD = 0.06  # metres, of points about the face that they are on
_SINK = 0.035  # metres by which a body's surface, round and stepped, lies inside its box on average
_MOST_INSIDE, _MOST_OUTSIDE = 4.0, 12.0  # squared spreads that one point can cost
_WORTH = 40.0  # points of one view count as so many independent ones at most
MOST_POINTS = 200  # of one box: of more every second, third, … is taken
_PLACE_STEPS = (0.18, 0.06, 0.02)  # metres, coarse to fine, five of each
_YAW_STEPS = (0.05, 0.017, 0.006)
WAIST = 0.6  # share of a vehicle's height up to which it is as long and as wide as it gets
_FROM_THE_MIDDLE = (0, -1, 1, -2, 2)  # likely places first: dear ones are then given up early
_BLOCK = 32  # points looked at between two thoughts of giving up
_UNSEEN = 1e3  # metres that a face lies off that is not seen
_WHOLE = 0.85  # share of a side that is seen from end to end
_FEW = 50  # points, of fewer than these the outermost counts, of more the next to it: one may stray


@simd_kernel
def _misfit(
    around: Floats, first: int, last: int, half_length: float, half_width: float,
    along: float, across: float,
) -> float:  # fmt: skip
    """What points first:last cost a box that is moved so far along and across its own axes."""
    total = 0.0
    for i in range(first, last):
        a, b = around[0, i] - along, around[1, i] - across
        out_a, out_b = max(abs(a) - half_length, 0.0), max(abs(b) - half_width, 0.0)
        outside = out_a * out_a + out_b * out_b
        inside = min(
            half_length - a * around[2, i] + around[4, i],
            half_width - b * around[3, i] + around[5, i],
        )
        beyond = min((math.sqrt(outside) + _SINK) ** 2 / _SPREAD**2, _MOST_OUTSIDE)
        within = min((inside - _SINK) ** 2 / _SPREAD**2, _MOST_INSIDE)
        total += beyond if outside > 0 else within
    return total


@kernel
def _turn(points: Floats32, first: int, last: int, step: int, turn: float, around: Floats) -> int:
    """Every `step`th point in the axes of a box turned by so much; how many there are.

    `around` (6, ≥ count) gets along, across, seen faces, and what keeps unseen faces out.
    """
    cos, sin = math.cos(turn), math.sin(turn)
    count = 0
    for i in range(first, last, step):
        x, y = points[i, U], points[i, V]
        around[0, count], around[1, count] = cos * x + sin * y, cos * y - sin * x
        around[2, count], around[3, count] = points[i, FACE_U], points[i, FACE_V]
        around[4, count] = 0.0 if points[i, FACE_U] != 0 else _UNSEEN
        around[5, count] = 0.0 if points[i, FACE_V] != 0 else _UNSEEN
        count += 1
    return count


@kernel
def _cost(
    around: Floats, count: int, half_length: float, half_width: float,
    along: float, across: float, weight: float, known: float, lowest: float,
) -> float:  # fmt: skip
    """The cost of a place, or any number above `lowest` as soon as it is that much."""
    cost = known
    for first in range(0, count, _BLOCK):
        if cost >= lowest:
            break
        last = min(first + _BLOCK, count)
        cost += weight * _misfit(around, first, last, half_length, half_width, along, across)
    return cost


@kernel
def _known(
    du: float, dv: float, turn: float, middle: Floats, place_sd: float, yaw_sd: float
) -> float:
    """What a move costs by itself; `middle` (2,) is where sides seen whole have theirs, or NaN."""
    cost = (du * du + dv * dv) / place_sd**2 + (turn / yaw_sd) ** 2
    if not math.isnan(middle[0]):
        cost += min(((du - middle[0]) / (2 * _SPREAD)) ** 2, 9.0)
    if not math.isnan(middle[1]):
        cost += min(((dv - middle[1]) / (2 * _SPREAD)) ** 2, 9.0)
    return cost


@kernel
def align(
    start: Ints,
    points: Floats32,
    size: Floats,
    place_sd: float,
    yaw_sd: float,
    extent: Floats,
    most_points: int = MOST_POINTS,
) -> Floats:
    """(V, 3) how far along, across (metres) and round (radians) each box is to be moved.

    Args:
        start: (V + 1,) points of box v are start[v]:start[v + 1].
        points: (P, 5) of `packed_points.look`.
        size: (V, 2) length and width.
        place_sd: Metres that the boxes are off, about; without points they stay.
        yaw_sd: Radians, likewise.
        extent: (V, 5) of `extents`: a side seen from end to end says where its middle is.
        most_points: Of each box; of more every second, third, … is taken.
    """
    moved = np.zeros((len(start) - 1, 3))
    around = np.empty((6, most_points + 1))
    middle = np.empty(2)
    for v in range(len(start) - 1):
        first, last = start[v], start[v + 1]
        count = last - first
        if count < 3:
            continue
        step = count // most_points + 1
        weight = min(1.0, _WORTH * step / count)
        for side in range(2):
            low, high = extent[v, 2 * side], extent[v, 2 * side + 1]
            middle[side] = (high + low) / 2 if high - low > _WHOLE * size[v, side] else np.nan
        best_u = best_v = best_turn = 0.0
        for level in range(len(_PLACE_STEPS)):
            from_u, from_v, from_turn = best_u, best_v, best_turn
            lowest = np.inf
            for k in _FROM_THE_MIDDLE:
                turn = from_turn + k * _YAW_STEPS[level]
                taken = _turn(points, first, last, step, turn, around)
                cos, sin = math.cos(turn), math.sin(turn)
                for i in _FROM_THE_MIDDLE:
                    du = from_u + i * _PLACE_STEPS[level]
                    for j in _FROM_THE_MIDDLE:
                        dv = from_v + j * _PLACE_STEPS[level]
                        known = _known(du, dv, turn, middle, place_sd, yaw_sd)
                        cost = _cost(
                            around, taken, size[v, 0] / 2, size[v, 1] / 2,
                            cos * du + sin * dv, cos * dv - sin * du, weight, known, lowest,
                        )  # fmt: skip
                        if cost < lowest:
                            lowest = cost
                            best_u, best_v, best_turn = du, dv, turn
        moved[v, 0], moved[v, 1], moved[v, 2] = best_u, best_v, best_turn
    return moved


@kernel
def take(points: Floats32, first: Ints, counts: Ints) -> tuple[Ints, Floats32]:
    """Points of some boxes, in turn: (V + 1,) where each begins, and (P, 5).

    Args:
        points: (N, 5).
        first: (V,) row where each box's points begin.
        counts: (V,) how many they are.
    """
    start = np.zeros(len(first) + 1, np.int64)
    for v in range(len(first)):
        start[v + 1] = start[v] + counts[v]
    taken = np.empty((start[-1], points.shape[1]), np.float32)
    for v in range(len(first)):
        taken[start[v] : start[v + 1]] = points[first[v] : first[v] + counts[v]]
    return start, taken


@kernel
def move(start: Ints, points: Floats32, moves: Floats) -> Floats32:
    """The same points as boxes see them that were moved.

    Args:
        start: (V + 1,) points of box v are start[v]:start[v + 1].
        points: (P, 5).
        moves: (V, 3) of `align`.
    """
    seen = points.copy()
    for v in range(len(start) - 1):
        cos, sin = math.cos(moves[v, 2]), math.sin(moves[v, 2])
        for i in range(start[v], start[v + 1]):
            x, y = points[i, U] - moves[v, 0], points[i, V] - moves[v, 1]
            seen[i, U], seen[i, V] = cos * x + sin * y, cos * y - sin * x
    return seen


@kernel
def _ends(points: Floats32, column: int, waist: float) -> tuple[float, float]:
    """The lowest and the highest of a column up to the waist; of many points the last but one."""
    low, next_low, high, next_high = np.inf, np.inf, -np.inf, -np.inf
    count = 0
    for i in range(len(points)):
        if points[i, HEIGHT] > waist:
            continue
        count += 1
        value = points[i, column]
        if value < low:
            low, next_low = value, low
        elif value < next_low:
            next_low = value
        if value > high:
            high, next_high = value, high
        elif value > next_high:
            next_high = value
    if count < 3:
        return np.nan, np.nan
    return (low, high) if count < _FEW else (next_low, next_high)


@kernel
def extents(start: Ints, points: Floats32, waist: Floats) -> Floats:
    """(V, 5) low and high end along and across, and the top, of each box's points but strays.

    Args:
        start: (V + 1,) points of box v are start[v]:start[v + 1].
        points: (P, 5) of `packed_points.look`.
        waist: (V,) metres above ground up to which points show ends along and across.
    """
    found = np.full((len(start) - 1, EXTENT), np.nan)
    for v in range(len(start) - 1):
        first, last = start[v], start[v + 1]
        if last - first < 3:
            continue
        found[v, LOW_U], found[v, HIGH_U] = _ends(points[first:last], U, waist[v])
        found[v, LOW_V], found[v, HIGH_V] = _ends(points[first:last], V, waist[v])
        _, found[v, TOP] = _ends(points[first:last], HEIGHT, np.inf)
    return found
