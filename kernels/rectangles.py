"""Rectangles around many slices of points at once, and what the points in them look like.

The angle is searched over a quarter turn by the closeness of points to the edges (Zhang et al.,
"Efficient L-Shape Fitting for Vehicle Detection Using Laser Scanners", IV 2017), coarse, then fine.
Loops run over float32 around the slice's own first point: exact enough wherever the slice lies, and
several points at once.
"""

import math

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints
from lidar_label.kernels.jit import kernel, simd_kernel

# Columns of `fit_slices`.
(ANGLE, U_LOW, U_HIGH, V_LOW, V_HIGH, RESIDUAL, BOTTOM, TOP, SHOULDER, LOWER, UPPER,
 THICKNESS) = range(12)  # fmt: skip
_COARSE = 15  # angles in a quarter turn
_FINE = 2  # thirds of a step that are tried on either side of the best
_ANGLES = np.arange(-_FINE, 3 * _COARSE) * (math.pi / 6 / _COARSE)
_COSINES, _SINES = np.cos(_ANGLES), np.sin(_ANGLES)
_CLOSEST = np.float32(0.04)  # metres to an edge; all that is closer counts alike
_WIDE = 1.1  # metres; from there on something has two ends
_END = 0.18  # share of the width at either end
_SAMPLE = 96  # points that the search of the angle looks at


@kernel
def fit_slices(
    points: Floats32, start: Ints, stop: Ints, max_extent: float, sensor: Floats
) -> Floats:
    """Fit a rectangle to every slice of the points.

    Args:
        points: (3, P) finite float32, as `SegmentTree.points`: x, y and height above ground.
        start: (K,) slice k owns the columns start[k]:stop[k].
        stop: (K,).
        max_extent: Slices wider than this along x or y are not fitted; their row is NaN, as is that
            of slices with fewer than 3 points.
        sensor: (2,) x y.

    Returns:
        (K, 12) angle of the u axis, extents along u and v (metres, from the coordinates' origin),
        mean distance of the outline to the nearest edge, lowest and highest height above ground,
        and how high the two ends are that the sensor sees left and right, as a share of the top
        (wheels: low, a body: high), NaN for what looks narrow; shares of its points in the lower
        and in the upper third of its height, and its spread across as a share of that along.
    """
    result = np.full((len(start), 12), np.nan)
    longest = 0
    for k in range(len(start)):
        longest = max(longest, stop[k] - start[k])
    xy, sample = np.empty((2, longest), np.float32), np.empty((2, _SAMPLE), np.float32)
    box = np.empty(6, np.float32)
    for k in range(len(start)):
        n = stop[k] - start[k]
        if n < 3:
            continue
        x, y = points[0, start[k] : stop[k]], points[1, start[k] : stop[k]]
        height = points[2, start[k] : stop[k]]
        _bound(x, y, height, box)
        if max(box[1] - box[0], box[3] - box[2]) > max_extent:
            continue
        x0, y0 = np.float64(x[0]), np.float64(y[0])
        _shift(x, y, xy)
        x, y = xy[0, :n], xy[1, :n]
        m = min(n, _SAMPLE)
        for i in range(m):
            sample[0, i], sample[1, i] = x[i * n // m], y[i * n // m]
        angle = _best_angle(sample[0, :m], sample[1, :m])
        c, s = math.cos(angle), math.sin(angle)
        _bound_turned(x, y, c, s, box)
        u, v = c * x0 + s * y0, c * y0 - s * x0
        row = result[k]
        row[ANGLE] = angle
        row[U_LOW], row[U_HIGH], row[V_LOW], row[V_HIGH] = (
            u + box[0], u + box[1], v + box[2], v + box[3],
        )  # fmt: skip
        row[RESIDUAL] = _distance_to_edges(x, y, c, s, box) / n
        top = box[5]
        row[BOTTOM], row[TOP] = box[4], top
        ends = _ends(x, y, height, sensor[0] - x0, sensor[1] - y0)
        row[SHOULDER] = ends / top if ends >= 0 else np.nan
        row[LOWER] = _count_below(height, top / np.float32(3.0)) / n
        row[UPPER] = 1.0 - _count_up_to(height, np.float32(2.0) * top / np.float32(3.0)) / n
        row[THICKNESS] = _thickness(x, y)
    return result


@kernel
def _best_angle(x: Floats32, y: Floats32) -> float:
    best, highest = _FINE, -np.inf
    for step in range(_COARSE):
        at = _FINE + 3 * step
        score = _closeness(x, y, _COSINES[at], _SINES[at])
        if score > highest:
            best, highest = at, score
    middle = best
    for at in range(middle - _FINE, middle + _FINE + 1):
        score = _closeness(x, y, _COSINES[at], _SINES[at])
        if score > highest:
            best, highest = at, score
    return float(_ANGLES[best])


@simd_kernel
def _closeness(x: Floats32, y: Floats32, cosine: float, sine: float) -> float:
    c, s = np.float32(cosine), np.float32(sine)
    u = c * x[0] + s * y[0]
    v = c * y[0] - s * x[0]
    u0, u1, v0, v1 = u, u, v, v
    for i in range(len(x)):
        u = c * x[i] + s * y[i]
        v = c * y[i] - s * x[i]
        u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
    total = np.float32(0.0)
    for i in range(len(x)):
        u = c * x[i] + s * y[i]
        v = c * y[i] - s * x[i]
        near = min(min(u - u0, u1 - u), min(v - v0, v1 - v))
        total += np.divide(np.float32(1.0), max(near, _CLOSEST))
    # Among equal fits the smaller rectangle is the likelier one.
    area = np.float64(u1 - u0 + np.float32(0.1)) * np.float64(v1 - v0 + np.float32(0.1))
    return np.float64(total) / len(x) - 0.5 * area


@simd_kernel
def _bound(x: Floats32, y: Floats32, height: Floats32, box: Floats32) -> None:
    """Least and greatest x, y and height into box (6,)."""
    x0, x1, y0, y1, low, high = x[0], x[0], y[0], y[0], height[0], height[0]
    for i in range(len(x)):
        x0, x1, y0, y1 = min(x0, x[i]), max(x1, x[i]), min(y0, y[i]), max(y1, y[i])
        low, high = min(low, height[i]), max(high, height[i])
    box[0], box[1], box[2], box[3], box[4], box[5] = x0, x1, y0, y1, low, high


@simd_kernel
def _bound_turned(x: Floats32, y: Floats32, cosine: float, sine: float, box: Floats32) -> None:
    """Least and greatest coordinates along two axes into box[:4]."""
    c, s = np.float32(cosine), np.float32(sine)
    u0 = u1 = c * x[0] + s * y[0]
    v0 = v1 = c * y[0] - s * x[0]
    for i in range(len(x)):
        u = c * x[i] + s * y[i]
        v = c * y[i] - s * x[i]
        u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
    box[0], box[1], box[2], box[3] = u0, u1, v0, v1


@kernel
def _shift(x: Floats32, y: Floats32, xy: Floats32) -> None:
    """Write the points, from the first one, into xy (2, ≥n)."""
    for i in range(len(x)):
        xy[0, i], xy[1, i] = x[i] - x[0], y[i] - y[0]


@simd_kernel
def _distance_to_edges(
    x: Floats32, y: Floats32, cosine: float, sine: float, box: Floats32
) -> float:
    c, s = np.float32(cosine), np.float32(sine)
    u0, u1, v0, v1 = box[0], box[1], box[2], box[3]
    total = np.float32(0.0)
    for i in range(len(x)):
        u = c * x[i] + s * y[i]
        v = c * y[i] - s * x[i]
        total += min(min(u - u0, u1 - u), min(v - v0, v1 - v))
    return float(total)


@simd_kernel
def _ends(x: Floats32, y: Floats32, height: Floats32, sx: float, sy: float) -> float:
    """Mean height of the two ends as the sensor sees them, metres; −1 for what looks narrow."""
    n = len(x)
    mean_x, mean_y = np.float32(0.0), np.float32(0.0)
    for i in range(n):
        mean_x += x[i]
        mean_y += y[i]
    dx, dy = mean_x / n - sx, mean_y / n - sy
    reach = max(math.sqrt(dx * dx + dy * dy), 1e-6)
    a, b = np.float32(-dy / reach), np.float32(dx / reach)
    low = high = a * x[0] + b * y[0]
    for i in range(n):
        t = a * x[i] + b * y[i]
        low, high = min(low, t), max(high, t)
    width = high - low
    if width < _WIDE:
        return -1.0
    left_end, right_end = low + np.float32(_END) * width, high - np.float32(_END) * width
    left, right = np.float32(0.0), np.float32(0.0)
    for i in range(n):
        t = a * x[i] + b * y[i]
        left = max(left, height[i] if t < left_end else np.float32(0.0))
        right = max(right, height[i] if t > right_end else np.float32(0.0))
    return 0.5 * (float(left) + float(right))


@kernel
def _count_below(height: Floats32, limit: np.float32) -> int:
    count = np.int32(0)
    for i in range(len(height)):
        count += np.int32(height[i] < limit)
    return int(count)


@kernel
def _count_up_to(height: Floats32, limit: np.float32) -> int:
    count = np.int32(0)
    for i in range(len(height)):
        count += np.int32(height[i] <= limit)
    return int(count)


@simd_kernel
def _thickness(x: Floats32, y: Floats32) -> float:
    """Standard deviation across the principal axis as a share of that along it."""
    mean_x, mean_y = np.float32(0.0), np.float32(0.0)
    for i in range(len(x)):
        mean_x += x[i]
        mean_y += y[i]
    mean_x, mean_y = np.float32(mean_x / len(x)), np.float32(mean_y / len(x))
    xx, xy, yy = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for i in range(len(x)):
        dx, dy = x[i] - mean_x, y[i] - mean_y
        xx += dx * dx
        xy += dx * dy
        yy += dy * dy
    middle, half = 0.5 * (float(xx) + float(yy)), 0.5 * (float(xx) - float(yy))
    half = math.sqrt(half * half + float(xy) * float(xy))
    return math.sqrt(max(middle - half, 0.0) / max(middle + half, 1e-12))
