"""A box of known size laid against the points of its object: near faces to where beams stopped.

Points on the faces that the sensor sees draw these faces to them, points beyond any side push it
out, points inside (bonnets, seats) say nothing, nor do those above the waist: from there up sides
lean inwards, and what reaches over them is trees. After the closeness criterion of Zhang et
al., "Efficient L-shape fitting" (IV 2017), with the size given and all outliers bounded.
"""

import math

import numpy as np

from lidar_label.arrays import Boxes, Floats, Floats32, Ints
from lidar_label.kernels.jit import kernel

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
_WHOLE = 0.85  # share of a side that is seen from end to end
_FEW = 50  # points, of fewer than these the outermost counts, of more the next to it: one may stray


@kernel
def turn_into(
    xyz: Floats32,
    height: Floats32,
    late_s: Floats32,
    box: Boxes,
    velocity: Floats,
    sensor: Floats,
    rows: Ints,
    waist: float,
) -> Floats32:
    """(K, 5) points `rows` of a sweep as a box sees them: along, across, height, seen faces.

    Args:
        xyz: (N, 3) ego frame.
        height: (N,) metres above ground.
        late_s: (N,) seconds after the frame's time that each was measured; what moves was then
            further on.
        box: (7,) ego frame.
        velocity: (2,) m/s of the object, ego frame.
        sensor: (2,) ego frame.
        rows: (K,).
        waist: Metres above ground from which a point is on no face.
    """
    cos, sin = math.cos(box[6]), math.sin(box[6])
    sx, sy = sensor[0] - box[0], sensor[1] - box[1]
    su, sv = cos * sx + sin * sy, cos * sy - sin * sx
    face_u = 0.0 if abs(su) < box[3] / 2 else math.copysign(1.0, su)
    face_v = 0.0 if abs(sv) < box[4] / 2 else math.copysign(1.0, sv)
    seen = np.empty((len(rows), LOOK), np.float32)
    for k in range(len(rows)):
        i = rows[k]
        x = xyz[i, 0] - velocity[0] * late_s[i] - box[0]
        y = xyz[i, 1] - velocity[1] * late_s[i] - box[1]
        seen[k, U], seen[k, V] = cos * x + sin * y, cos * y - sin * x
        seen[k, HEIGHT] = height[i]
        low = height[i] <= waist
        seen[k, FACE_U], seen[k, FACE_V] = face_u if low else 0.0, face_v if low else 0.0
    return seen


@kernel
def _cost(
    points: Floats32, first: int, last: int, step: int, length: float, width: float,
    du: float, dv: float, turn: float,
) -> float:  # fmt: skip
    cos, sin = math.cos(turn), math.sin(turn)
    half_length, half_width = length / 2, width / 2
    total = 0.0
    for i in range(first, last, step):
        x, y = points[i, U] - du, points[i, V] - dv
        a, b = cos * x + sin * y, cos * y - sin * x
        out_a, out_b = abs(a) - half_length, abs(b) - half_width
        if out_a > 0 or out_b > 0:
            out = math.hypot(max(out_a, 0.0), max(out_b, 0.0)) + _SINK
            total += min(out * out / _SPREAD**2, _MOST_OUTSIDE)
            continue
        inside = np.inf
        if points[i, FACE_U] != 0:
            inside = half_length - a * points[i, FACE_U]
        if points[i, FACE_V] != 0:
            inside = min(inside, half_width - b * points[i, FACE_V])
        total += min((inside - _SINK) ** 2 / _SPREAD**2, _MOST_INSIDE)
    return total


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
        points: (P, 5) of `turn_into`.
        size: (V, 2) length and width.
        place_sd: Metres that the boxes are off, about; without points they stay.
        yaw_sd: Radians, likewise.
        extent: (V, 5) of `extents`: a side seen from end to end says where its middle is.
        most_points: Of each box; of more every second, third, … is taken.
    """
    moved = np.zeros((len(start) - 1, 3))
    for v in range(len(start) - 1):
        first, last = start[v], start[v + 1]
        count = last - first
        if count < 3:
            continue
        step = count // most_points + 1
        weight = min(1.0, _WORTH * step / count)
        whole_u = extent[v, HIGH_U] - extent[v, LOW_U] > _WHOLE * size[v, 0]
        whole_v = extent[v, HIGH_V] - extent[v, LOW_V] > _WHOLE * size[v, 1]
        middle_u = (extent[v, HIGH_U] + extent[v, LOW_U]) / 2
        middle_v = (extent[v, HIGH_V] + extent[v, LOW_V]) / 2
        best_u = best_v = best_turn = 0.0
        for level in range(len(_PLACE_STEPS)):
            from_u, from_v, from_turn = best_u, best_v, best_turn
            lowest = np.inf
            for i in range(-2, 3):
                du = from_u + i * _PLACE_STEPS[level]
                for j in range(-2, 3):
                    dv = from_v + j * _PLACE_STEPS[level]
                    known = (du * du + dv * dv) / place_sd**2
                    if whole_u:
                        known += min(((du - middle_u) / (2 * _SPREAD)) ** 2, 9.0)
                    if whole_v:
                        known += min(((dv - middle_v) / (2 * _SPREAD)) ** 2, 9.0)
                    for k in range(-2, 3):
                        turn = from_turn + k * _YAW_STEPS[level]
                        cost = known + (turn / yaw_sd) ** 2
                        cost += weight * _cost(
                            points, first, last, step, size[v, 0], size[v, 1], du, dv, turn
                        )
                        if cost < lowest:
                            lowest = cost
                            best_u, best_v, best_turn = du, dv, turn
        moved[v, 0], moved[v, 1], moved[v, 2] = best_u, best_v, best_turn
    return moved


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
        points: (P, 5) of `turn_into`.
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
