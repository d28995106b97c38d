"""What the beams saw through: a range image, and how the rays that meet a box end.

A box that rays pass through unhindered is wrong or hollow; one whose front stops them is solid
(free-space reasoning as in Thrun, Burgard and Fox, "Probabilistic Robotics", ch. 9, 2005).
"""

import math

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Ints32, Points
from lidar_label.kernels.jit import kernel

COLUMNS = 900  # 0.4° of azimuth: twice the point spacing of common sensors, so that few stay empty
ROWS = 80
LOWEST = np.deg2rad(-32.0)
ROW_ANGLE = np.deg2rad(0.7)
# Slopes at which the rows begin and the last one ends, and the row at even steps of the slope.
_SLOPES = np.tan(LOWEST + ROW_ANGLE * np.arange(ROWS + 1))
_SLOPE_STEPS = 4 * ROWS / (_SLOPES[-1] - _SLOPES[0])  # a unit of slope
_ROW_AT = np.searchsorted(_SLOPES, _SLOPES[0] + np.arange(4 * ROWS) / _SLOPE_STEPS, "right") - 1
# Columns of `look_through`.
HIT, THROUGH, HIDDEN, EMPTY = range(4)
_RAYS_ACROSS = 24
_BINS = 720  # of azimuth, for what hides the ends of rectangles
_NONE = 8  # bins for other points: a store to one does not wait for the one before
_BLOCK = 1024  # points at once: what is computed of them stays in the first-level cache
# Metres above ground between which things that stand on a road are solid: above the gap below a
# vehicle, below its bonnet and windows.
_CLEARANCE = 0.3
_BONNET = 0.95


@kernel
def quick_atan2(y: float, x: float) -> float:
    """The angle of (x, y) to 2e-4 rad (Abramowitz and Stegun, 4.4.47), quicker than arctan2."""
    a, b = abs(x), abs(y)
    t = min(a, b) / max(max(a, b), 1e-30)
    q = t * t
    angle = t * (0.9998660 + q * (-0.3302995 + q * (0.1801410 + q * (-0.0851330 + q * 0.0208351))))
    if b > a:
        angle = np.pi / 2 - angle
    if x < 0:
        angle = np.pi - angle
    return angle if y >= 0 else -angle


@kernel
def _quick_atan2_32(y: np.float32, x: np.float32) -> np.float32:
    """`quick_atan2` in float32 and without branches, for loops over points."""
    a, b = abs(x), abs(y)
    t = np.divide(min(a, b), max(max(a, b), np.float32(1e-30)))
    q = t * t
    angle = np.float32(0.0208351)
    angle = angle * q + np.float32(-0.0851330)
    angle = angle * q + np.float32(0.1801410)
    angle = angle * q + np.float32(-0.3302995)
    angle = (angle * q + np.float32(0.9998660)) * t
    angle = np.float32(np.pi / 2) - angle if b > a else angle
    angle = np.float32(np.pi) - angle if x < 0 else angle
    return angle if y >= 0 else -angle


@kernel
def range_image(points: Points, origin: Floats) -> Floats32:
    """Horizontal distance of the nearest return in each direction; infinite where there is none.

    Args:
        points: (N, 3) float32; non-finite ones are skipped.
        origin: (3,) the sensor.

    Returns:
        (COLUMNS, ROWS) float32 metres; columns by azimuth from −π, rows by elevation.
    """
    image = np.full(COLUMNS * ROWS + 1, np.inf, np.float32)  # the last one: of none
    x, y, z = (
        np.empty(_BLOCK, np.float32),
        np.empty(_BLOCK, np.float32),
        np.empty(_BLOCK, np.float32),
    )
    pixel, reach = np.empty(_BLOCK, np.int32), np.empty(_BLOCK, np.float32)
    for begin in range(0, len(points), _BLOCK):
        count = take_apart(points, begin, origin, x, y, z)
        _look_up(x, y, z, pixel, reach)
        for i in range(count):
            image[pixel[i]] = min(image[pixel[i]], reach[i])
    return image[:-1].reshape(COLUMNS, ROWS)


@kernel
def take_apart(
    points: Points, begin: int, origin: Floats, x: Floats32, y: Floats32, z: Floats32
) -> int:
    """Write points from `begin` on, from the origin, as columns that a loop reads several at once.

    Returns:
        How many: as many as the columns hold or points are left.
    """
    count = min(len(x), len(points) - begin)
    x0, y0, z0 = np.float32(origin[0]), np.float32(origin[1]), np.float32(origin[2])
    for i in range(count):
        x[i] = points[begin + i, 0] - x0
        y[i] = points[begin + i, 1] - y0
        z[i] = points[begin + i, 2] - z0
    return count


@kernel
def _look_up(x: Floats32, y: Floats32, z: Floats32, pixel: Ints32, reach: Floats32) -> None:
    """Place of each point in the flattened range image, COLUMNS · ROWS for none, and distance."""
    rows, columns = np.float32(1.0 / ROW_ANGLE), np.float32(COLUMNS / (2 * np.pi))
    lowest, half = np.float32(LOWEST), np.float32(np.pi)
    most, last = np.float32(ROWS), np.float32(COLUMNS - 1)
    for i in range(len(x)):
        distance = np.float32(math.sqrt(x[i] * x[i] + y[i] * y[i]))
        row = (_quick_atan2_32(z[i], distance) - lowest) * rows
        column = min((_quick_atan2_32(y[i], x[i]) + half) * columns, last)
        seen = (distance > np.float32(0.5)) & (distance < np.float32(np.inf))
        seen &= (row >= np.float32(0.0)) & (row < most)
        at = np.int32(column if seen else np.float32(0.0)) * np.int32(ROWS)
        at += np.int32(row if seen else np.float32(0.0))
        pixel[i] = at if seen else np.int32(COLUMNS * ROWS)
        reach[i] = distance


@kernel
def look_through(boxes: Boxes, image: Floats32, origin: Floats) -> Floats32:
    """Count how the rays towards each box end.

    Args:
        boxes: (M, 7) with z in the frame of the points.
        image: From `range_image`.
        origin: (3,) the sensor.

    Returns:
        (M, 4) float32 rays that ended in the box, went through it, ended before it, had no return.
    """
    result = np.zeros((len(boxes), 4), np.float32)
    counts = np.empty(4, np.int64)
    for b in range(len(boxes)):
        dx, dy = boxes[b, 0] - origin[0], boxes[b, 1] - origin[1]
        half_length, half_width = boxes[b, 3] / 2, boxes[b, 4] / 2
        ground = boxes[b, 2] - boxes[b, 5] / 2 - origin[2]
        bottom = ground + _CLEARANCE
        top = ground + min(max(_BONNET, 0.55 * boxes[b, 5]), boxes[b, 5] - 0.1)
        c, s = math.cos(boxes[b, 6]), math.sin(boxes[b, 6])
        distance = math.sqrt(dx * dx + dy * dy)
        if distance < math.sqrt(half_length**2 + half_width**2) + 0.3:
            continue
        # The box's middle in its own frame, from the sensor, and the angles of its corners there.
        mx, my = c * dx + s * dy, c * dy - s * dx
        most, least = 0.0, 0.0  # tangents: all corners lie before the sensor
        for corner in range(4):
            u = mx + (half_length if corner < 2 else -half_length)
            v = my + (half_width if corner % 2 == 0 else -half_width)
            tangent = np.divide(mx * v - my * u, mx * u + my * v)
            most, least = max(most, tangent), min(least, tangent)
        left, right = math.atan(most), math.atan(least)
        towards = math.atan2(dy, dx)
        rays = min(int((left - right) / (2 * np.pi / COLUMNS)) + 1, _RAYS_ACROSS)
        step = (left - right) / rays
        angle = towards + right + 0.5 * step
        # Each ray is the one before it, turned by a step; in the box's frame.
        px, py = math.cos(angle - boxes[b, 6]), math.sin(angle - boxes[b, 6])
        turn_c, turn_s = math.cos(step), math.sin(step)
        counts[:] = 0
        for ray in range(rays):
            enter, leave = _slabs(mx, my, px, py, half_length, half_width)
            px, py = turn_c * px - turn_s * py, turn_s * px + turn_c * py
            if leave <= enter + 0.02:
                continue
            turned = angle + ray * step
            column = math.floor((turned + np.pi) * (COLUMNS / (2 * np.pi))) % COLUMNS
            inverse = 1.0 / enter
            first, last = _row_below(bottom * inverse) + 1, _row_below(top * inverse)
            _count_ends(image[column, max(first, 0) : max(last, 0)], enter, leave, counts)
        for kind in range(4):
            result[b, kind] = counts[kind]
    return result


@kernel
def _slabs(
    mx: float, my: float, px: float, py: float, half_length: float, half_width: float
) -> tuple[float, float]:
    """Distances at which the ray p enters and leaves a box around m; in the box's frame."""
    enter, leave = 0.0, np.inf
    for axis in range(2):
        m, p, half = (mx, px, half_length) if axis == 0 else (my, py, half_width)
        if abs(p) < 1e-9:
            if abs(m) > half:
                leave = -1.0
            continue
        inverse = 1.0 / p
        t0, t1 = (m - half) * inverse, (m + half) * inverse
        enter, leave = max(enter, min(t0, t1)), min(leave, max(t0, t1))
    return enter, leave


@kernel
def _row_below(slope: float) -> int:
    """The row of the range image that a slope falls into; −1 below all of them, ROWS above."""
    place = (slope - _SLOPES[0]) * _SLOPE_STEPS
    row = _ROW_AT[int(min(max(place, 0.0), len(_ROW_AT) - 1.0))]
    while row >= 0 and slope < _SLOPES[row]:
        row -= 1
    while row < ROWS and slope >= _SLOPES[row + 1]:
        row += 1
    return int(row)


@kernel
def _count_ends(returns: Floats32, enter: float, leave: float, counts: Ints) -> None:
    empty = through = hidden = 0
    for row in range(len(returns)):
        reach = returns[row]
        none = reach == np.inf
        empty += none
        hidden += reach < enter - 0.5
        through += (reach > leave + 0.3) & (not none)
    counts[HIT] += len(returns) - empty - hidden - through
    counts[THROUGH] += through
    counts[HIDDEN] += hidden
    counts[EMPTY] += empty


@kernel
def hidden_ends(
    points: Points, height: Floats32, fits: Floats, sensor: Floats, low: float, high: float
) -> NDArray[np.bool_]:
    """Whether something nearer to the sensor hides what lies beyond each end of the rectangles.

    Args:
        points: (N, 3).
        height: (N,) above ground.
        fits: (K, ≥5) rows of `fit_slices`.
        sensor: (2,) x y.
        low: Points below this height hide nothing.
        high: Nor do points above this one.

    Returns:
        (K, 4) bool for the ends at low u, high u, low v, high v.
    """
    near = _nearest_around(points, height, sensor, low, high)
    scale = _BINS / (2 * np.pi)
    result = np.zeros((len(fits), 4), dtype=np.bool_)
    beyond = 0.4
    for k in range(len(fits)):
        if np.isnan(fits[k, 0]):
            continue
        c, s = np.cos(fits[k, 0]), np.sin(fits[k, 0])
        su, sv = c * sensor[0] + s * sensor[1], c * sensor[1] - s * sensor[0]
        u_near = min(max(su, fits[k, 1]), fits[k, 2])
        v_near = min(max(sv, fits[k, 3]), fits[k, 4])
        for end in range(4):
            u, v = u_near, v_near
            if end == 0:
                u = fits[k, 1] - beyond
            elif end == 1:
                u = fits[k, 2] + beyond
            elif end == 2:
                v = fits[k, 3] - beyond
            else:
                v = fits[k, 4] + beyond
            dx, dy = c * u - s * v - sensor[0], s * u + c * v - sensor[1]
            r = np.sqrt(dx * dx + dy * dy)
            b = int((quick_atan2(dy, dx) + np.pi) * scale) % _BINS
            result[k, end] = np.sqrt(near[b]) < r - 1.0
    return result


@kernel
def _nearest_around(
    points: Points, height: Floats32, sensor: Floats, low: float, high: float
) -> Floats32:
    """(_BINS,) squared distance of the nearest point between two heights, by azimuth from −π."""
    near = np.full(_BINS + _NONE, np.inf, np.float32)  # the last ones: of none
    origin = np.array([sensor[0], sensor[1], 0.0])
    x, y, z = (
        np.empty(_BLOCK, np.float32),
        np.empty(_BLOCK, np.float32),
        np.empty(_BLOCK, np.float32),
    )
    place, reach = np.empty(_BLOCK, np.int32), np.empty(_BLOCK, np.float32)
    bottom, top = np.float32(low), np.float32(high)
    for begin in range(0, len(points), _BLOCK):
        count = take_apart(points, begin, origin, x, y, z)
        for i in range(count):
            z[i] = height[begin + i]
        _bin(x, y, z, bottom, top, place, reach)
        for i in range(count):
            near[place[i]] = min(near[place[i]], reach[i])
    return near[:_BINS]


@kernel
def _bin(
    x: Floats32,
    y: Floats32,
    height: Floats32,
    low: np.float32,
    high: np.float32,
    place: Ints32,
    reach: Floats32,
) -> None:
    """Bin of azimuth, from _BINS on where not between the heights, and squared distance."""
    scale, last = np.float32(_BINS / (2 * np.pi)), np.float32(_BINS - 1)
    for i in range(len(x)):
        turn = min((_quick_atan2_32(y[i], x[i]) + np.float32(np.pi)) * scale, last)
        squared = x[i] * x[i] + y[i] * y[i]
        counts = (height[i] > low) & (height[i] < high) & (squared < np.float32(np.inf))
        at = np.int32(turn if counts else np.float32(0.0))
        place[i] = at if counts else np.int32(_BINS) + np.int32(i & (_NONE - 1))
        reach[i] = squared
