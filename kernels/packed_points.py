"""What stands above the ground, packed by squares of it, so that a box finds its points at once."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Ints32, Points
from lidar_label.kernels.box_alignment import FACE_U, FACE_V, HEIGHT, LOOK, U, V
from lidar_label.kernels.jit import kernel

_LOWEST, _HIGHEST = 0.2, 4.5  # metres above ground
_FARTHEST = 120.0  # metres along each axis
_UNIT = 0.005  # metres: coordinates and heights are whole numbers of it
_UNIT_S = 0.0002
_LATEST_S = 1.0
_X, _Y, _Z, _HEIGHT, _LATE = range(5)
COLUMNS = 5
_SQUARE = 3.0  # metres
_SQUARES = 80  # along each side
SQUARES = _SQUARES * _SQUARES
_EDGE = 1e-6  # metres; a point on a face is inside
_ABOVE_AND_BELOW = 0.5  # metres over and under a box that still belong to it


class PackedPoints(NamedTuple):
    """Points of one sweep that lie 0.2 to 4.5 m above ground, within 120 m along each axis.

    Attributes:
        rows: (N, 5) int16 x y z height in 5 mm, seconds after the sweep's time in 0.2 ms; in order
            of squares of 3 m, within a square as they came.
        begins: (6401,) int32, rows of square k are begins[k]:begins[k + 1].
    """

    rows: NDArray[np.int16]
    begins: Ints32


NOTHING_PACKED = PackedPoints(
    np.zeros((0, COLUMNS), dtype=np.int16), np.zeros(SQUARES + 1, dtype=np.int32)
)


@kernel
def _square(x: float, y: float) -> int:
    column = min(int((x + _FARTHEST) / _SQUARE), _SQUARES - 1)
    row = min(int((y + _FARTHEST) / _SQUARE), _SQUARES - 1)
    return row * _SQUARES + column


@kernel
def _pack(
    xyz: Points, height: Floats32, point_time_ns: Ints, time_ns: int
) -> tuple[NDArray[np.int16], Ints32]:
    square = np.full(len(xyz), -1, np.int32)
    begins = np.zeros(SQUARES + 1, np.int32)
    for i in range(len(xyz)):
        near = max(abs(xyz[i, 0]), abs(xyz[i, 1]), abs(xyz[i, 2])) < _FARTHEST
        if near and _LOWEST < height[i] < _HIGHEST:
            square[i] = _square(xyz[i, 0], xyz[i, 1])
            begins[square[i] + 1] += 1
    for k in range(SQUARES):
        begins[k + 1] += begins[k]
    rows = np.empty((begins[SQUARES], COLUMNS), np.int16)
    free = begins.copy()
    for i in range(len(xyz)):
        if square[i] < 0:
            continue
        row = rows[free[square[i]]]
        free[square[i]] += 1
        for axis in range(3):
            row[axis] = np.int16(np.rint(xyz[i, axis] / _UNIT))
        row[_HEIGHT] = np.int16(np.rint(height[i] / _UNIT))
        late_s = min(max((point_time_ns[i] - time_ns) / 1e9, -_LATEST_S), _LATEST_S)
        row[_LATE] = np.int16(np.rint(late_s / _UNIT_S))
    return rows, begins


def pack(xyz: Points, height: Floats32, point_time_ns: Ints, time_ns: int) -> PackedPoints:
    """Pack a sweep.

    Args:
        xyz: (N, 3) float32 metres, ego frame at the sweep's time.
        height: (N,) metres above ground.
        point_time_ns: (N,) when each point was measured; taken as within a second.
        time_ns: Of the sweep.
    """
    return PackedPoints(*_pack(xyz, height, point_time_ns, time_ns))


@kernel
def _reach(box: Floats, margin: float) -> tuple[int, int, int, int]:
    """First and last column and row of squares that a box grown by a margin touches."""
    cos, sin = abs(math.cos(box[6])), abs(math.sin(box[6]))
    length, width = box[3] / 2 + margin + _EDGE, box[4] / 2 + margin + _EDGE
    x, y = cos * length + sin * width + _UNIT, sin * length + cos * width + _UNIT
    places = (
        (box[0] - x + _FARTHEST) / _SQUARE,
        (box[0] + x + _FARTHEST) / _SQUARE,
        (box[1] - y + _FARTHEST) / _SQUARE,
        (box[1] + y + _FARTHEST) / _SQUARE,
    )
    return (
        int(max(places[0], 0.0)),
        int(min(places[1], _SQUARES - 1.0)) if places[1] >= 0 else -1,
        int(max(places[2], 0.0)),
        int(min(places[3], _SQUARES - 1.0)) if places[3] >= 0 else -1,
    )


@kernel
def look(
    rows: NDArray[np.int16],
    begins: Ints32,
    boxes: Boxes,
    margin: Floats,
    waist: Floats,
    velocity: Floats,
    sensor: Floats,
) -> tuple[Ints, Floats32, Floats32]:
    """Points in and about each box, as the box sees them.

    Args:
        rows: (N, 5) of `PackedPoints`.
        begins: Its squares.
        boxes: (M, 7) ego frame.
        margin: (M,) metres by which each is grown to all sides.
        waist: (M,) metres above ground from which a point is on no face.
        velocity: (M, 2) m/s of each object, ego frame; what moves was further on where its points
            were measured later.
        sensor: (2,) ego frame.

    Returns:
        (M + 1,) points of box m are start[m]:start[m + 1]; (P, 5) columns of `box_alignment`; (P,)
        z of the ground below each.
    """
    start = np.zeros(len(boxes) + 1, np.int64)
    room = 1024
    seen, ground = np.empty((room, LOOK), np.float32), np.empty(room, np.float32)
    count = 0
    for m in range(len(boxes)):
        box = boxes[m]
        cos, sin = math.cos(box[6]), math.sin(box[6])
        half_length, half_width = box[3] / 2 + margin[m] + _EDGE, box[4] / 2 + margin[m] + _EDGE
        half_height = box[5] / 2 + _ABOVE_AND_BELOW + _EDGE
        sx, sy = sensor[0] - box[0], sensor[1] - box[1]
        su, sv = cos * sx + sin * sy, cos * sy - sin * sx
        face_u = 0.0 if abs(su) < box[3] / 2 else math.copysign(1.0, su)
        face_v = 0.0 if abs(sv) < box[4] / 2 else math.copysign(1.0, sv)
        first, last, lowest, highest = _reach(box, margin[m])
        for line in range(lowest, highest + 1):
            if first > last:
                break
            here, end = begins[line * _SQUARES + first], begins[line * _SQUARES + last + 1]
            if count + end - here > room:
                room = 2 * (count + end - here)
                wider, longer = np.empty((room, LOOK), np.float32), np.empty(room, np.float32)
                wider[:count], longer[:count] = seen[:count], ground[:count]
                seen, ground = wider, longer
            for i in range(here, end):
                x, y = rows[i, _X] * _UNIT - box[0], rows[i, _Y] * _UNIT - box[1]
                if (
                    abs(cos * x + sin * y) > half_length
                    or abs(cos * y - sin * x) > half_width
                    or abs(rows[i, _Z] * _UNIT - box[2]) > half_height
                ):
                    continue
                x -= velocity[m, 0] * rows[i, _LATE] * _UNIT_S
                y -= velocity[m, 1] * rows[i, _LATE] * _UNIT_S
                seen[count, U], seen[count, V] = cos * x + sin * y, cos * y - sin * x
                seen[count, HEIGHT] = rows[i, _HEIGHT] * _UNIT
                low = rows[i, _HEIGHT] * _UNIT <= waist[m]
                seen[count, FACE_U] = face_u if low else 0.0
                seen[count, FACE_V] = face_v if low else 0.0
                ground[count] = (rows[i, _Z] - rows[i, _HEIGHT]) * _UNIT
                count += 1
        start[m + 1] = count
    return start, seen[:count].copy(), ground[:count].copy()


@kernel
def percentiles(start: Ints, values: Floats32, share: float) -> Floats:
    """(M,) percentile of each box's values, NaN where it has none.

    Args:
        start: (M + 1,) values of box m are start[m]:start[m + 1].
        values: (P,) finite.
        share: 0 to 100.
    """
    found = np.full(len(start) - 1, np.nan)
    for m in range(len(start) - 1):
        if start[m + 1] > start[m]:
            found[m] = np.percentile(values[start[m] : start[m + 1]], share)
    return found
