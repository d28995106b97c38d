"""Boxes around clusters: the rectangle whose edges the points lie closest to (L-shape fitting).

Zhang, Xu, Dong and Dolan, "Efficient L-Shape Fitting for Vehicle Detection Using Laser Scanners",
IV 2017: search over the angle, closeness criterion. Coarse to fine here, on the means of the cells
that a cluster takes, so that its dense parts do not outvote the rest.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Floats32, Ints32, Points, as_boxes, as_points
from lidar_label.errors import InvalidBoxes, InvalidLabels
from lidar_label.kernels.jit import kernel, simd_kernel

_CELLS = 24  # a side of the grid over a cluster
_FEW = 128  # points up to which a cluster is searched as it is
_ANGLES = 18  # in a quarter turn: 5° apart
_ROUNDS = 3  # of refinement, each three times finer: down to 0.19°
_NOISE_M = 0.03  # distance to an edge below which points count alike
_AREA = 0.01  # weight of the area against the closeness: a few points are close at many angles
_BLUR = 0.5  # of the distance that the ends of the cluster move in one step of the angle


def fit_boxes(points: NDArray[Any], labels: NDArray[Any]) -> Boxes:
    """Fit an upright box to each cluster, around all its points.

    The height is from the lowest to the highest point: remove stray points before.

    Args:
        points: (N, ≥3) metres, z up. Non-finite points are left out.
        labels: (N,) integers, the cluster of each point; negative for none.

    Returns:
        (K, 7) float64, row k for label k, K = labels.max() + 1. length ≥ width, yaw in (−π/2, π/2].
        A label without points gives a row of zeros.

    Raises:
        InvalidPoints: if `points` is not (N, ≥3) or not numeric.
        InvalidLabels: if `labels` is not (N,) integers.
    """
    points, labels = as_points(points), _as_labels(labels, len(points))
    begins, order = _group(points, labels, int(labels.max(initial=-1)) + 1)
    return _fit_all(points, begins, order)


def fit_residuals(points: NDArray[Any], labels: NDArray[Any], boxes: NDArray[Any]) -> Floats:
    """Mean distance of a cluster's points to the nearest vertical face of its box.

    Args:
        points: (N, ≥3) metres. Non-finite points are left out.
        labels: (N,) integers, the row of `boxes` of each point; negative for none.
        boxes: (K, 7).

    Returns:
        (K,) float64 metres; 0 where there are no points.

    Raises:
        InvalidPoints: if `points` is not (N, ≥3) or not numeric.
        InvalidLabels: if `labels` is not (N,) integers.
        InvalidBoxes: if `boxes` is not (K, 7), or K is not above the highest label.
    """
    points, labels, boxes = as_points(points), _as_labels(labels, len(points)), as_boxes(boxes)
    highest = int(labels.max(initial=-1))
    if highest >= len(boxes):
        raise InvalidBoxes(f"there are {len(boxes)} boxes for labels up to {highest}")
    return _residuals(points, labels, boxes)


def _as_labels(labels: NDArray[Any], count: int) -> Ints32:
    array = np.asarray(labels)
    if array.size == 0 == count:
        return np.empty(0, np.int32)
    if array.shape != (count,) or array.dtype.kind not in "iu":
        raise InvalidLabels(
            f"labels have shape {array.shape} and type {array.dtype}; pass {count} integers"
        )
    return np.ascontiguousarray(array, dtype=np.int32)


@kernel
def _is_finite(points: Points, i: int) -> bool:
    return math.isfinite(points[i, 0] + points[i, 1] * 0.0 + points[i, 2] * 0.0)


@kernel
def _group(points: Points, labels: Ints32, clusters: int) -> tuple[Ints32, Ints32]:
    """First place of each cluster, and the indices of its finite points from there on."""
    begins = np.zeros(clusters + 2, np.int32)
    for i in range(len(labels)):
        if labels[i] >= 0 and _is_finite(points, i):
            begins[labels[i] + 2] += 1
    for k in range(2, clusters + 2):
        begins[k] += begins[k - 1]
    order = np.empty(begins[-1], np.int32)
    for i in range(len(labels)):
        if labels[i] >= 0 and _is_finite(points, i):
            order[begins[labels[i] + 1]] = i
            begins[labels[i] + 1] += 1
    return begins[:-1], order


@kernel
def _fit_all(points: Points, begins: Ints32, order: Ints32) -> Boxes:
    boxes = np.zeros((len(begins) - 1, 7))
    room = max(_FEW, _CELLS * _CELLS)
    x, y = np.empty(room, np.float32), np.empty(room, np.float32)
    sums, taken = np.empty((room, 3)), np.full(_CELLS * _CELLS, -1, np.int32)
    for k in range(len(boxes)):
        begin, end = begins[k], begins[k + 1]
        if begin == end:
            continue
        count = _outline(points, order, begin, end, x, y, sums, taken)
        _enclose(points, order, begin, end, _best_angle(x[:count], y[:count]), boxes[k])
    return boxes


@kernel
def _outline(
    points: Points,
    order: Ints32,
    begin: int,
    end: int,
    x: Floats32,
    y: Floats32,
    sums: Floats,
    taken: Ints32,
) -> int:
    """Write a cluster's points to x and y, or their means in cells where there are many."""
    x0, y0 = np.float64(points[order[begin], 0]), np.float64(points[order[begin], 1])
    x1, y1 = x0, y0
    for place in range(begin, end):
        at_x, at_y = np.float64(points[order[place], 0]), np.float64(points[order[place], 1])
        x0, x1, y0, y1 = min(x0, at_x), max(x1, at_x), min(y0, at_y), max(y1, at_y)
    middle_x, middle_y = 0.5 * (x0 + x1), 0.5 * (y0 + y1)
    if end - begin <= _FEW:
        for place in range(begin, end):
            x[place - begin] = points[order[place], 0] - middle_x
            y[place - begin] = points[order[place], 1] - middle_y
        return end - begin
    side = max(x1 - x0, y1 - y0)
    scale = _CELLS / side if side > 0.0 else 0.0
    count = 0
    for place in range(begin, end):
        at_x, at_y = np.float64(points[order[place], 0]), np.float64(points[order[place], 1])
        column, row = int((at_x - x0) * scale), int((at_y - y0) * scale)
        cell = min(row, _CELLS - 1) * _CELLS + min(column, _CELLS - 1)
        if taken[cell] < 0:
            taken[cell] = count
            sums[count, 0], sums[count, 1], sums[count, 2] = 0.0, 0.0, 0.0
            count += 1
        own = taken[cell]
        sums[own, 0] += at_x - middle_x
        sums[own, 1] += at_y - middle_y
        sums[own, 2] += 1.0
    for cell in range(len(taken)):
        taken[cell] = -1
    for own in range(count):
        x[own], y[own] = sums[own, 0] / sums[own, 2], sums[own, 1] / sums[own, 2]
    return count


@kernel
def _best_angle(x: Floats32, y: Floats32) -> float:
    """Angle of the closest rectangle around points about 0, radians, coarse to fine.

    The criterion is blurred by how far points move within a step, so that no step misses its peak.
    """
    size = 0.0
    for i in range(len(x)):
        size = max(size, 2.0 * math.hypot(x[i], y[i]))
    step = 0.5 * math.pi / _ANGLES
    best, highest = 0.0, -np.inf
    for turn in range(_ANGLES):
        blur = max(_NOISE_M, _BLUR * size * step)
        closeness = _closeness(x, y, turn * step, blur, size)
        if closeness > highest:
            best, highest = turn * step, closeness
    for _ in range(_ROUNDS):
        step /= 3.0
        middle, highest = best, -np.inf
        blur = max(_NOISE_M, _BLUR * size * step)
        for turn in (0, -1, 1, -2, 2):  # of equals the middle, where nothing tells angles apart
            closeness = _closeness(x, y, middle + turn * step, blur, size)
            if closeness > highest:
                best, highest = middle + turn * step, closeness
    return best


@simd_kernel
def _closeness(x: Floats32, y: Floats32, angle: float, least: float, size: float) -> float:
    """Mean of least / distance to the nearer of the two edges that most points lie on."""
    c, s, d = np.float32(math.cos(angle)), np.float32(math.sin(angle)), np.float32(least)
    u = c * x[0] + s * y[0]
    v = c * y[0] - s * x[0]
    u0, u1, v0, v1 = u, u, v, v
    u_sum, v_sum = 0.0, 0.0
    for i in range(len(x)):
        u = c * x[i] + s * y[i]
        v = c * y[i] - s * x[i]
        u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
        u_sum += u
        v_sum += v
    # The edge with the smaller sum of squared distances is the one nearer to the mean.
    half = 0.5 * len(x)
    u_edge = u1 if u_sum > half * (u0 + u1) else u0
    v_edge = v1 if v_sum > half * (v0 + v1) else v0
    total = 0.0
    for i in range(len(x)):
        u = abs(c * x[i] + s * y[i] - u_edge)
        v = abs(c * y[i] - s * x[i] - v_edge)
        total += d / max(min(u, v), d)
    area = (u1 - u0) * (v1 - v0) / max(size * size, 1e-12)
    return total / len(x) - _AREA * area


@kernel
def _enclose(
    points: Points, order: Ints32, begin: int, end: int, angle: float, box: Floats
) -> None:
    """Write the box at an angle around a cluster's points."""
    c, s = math.cos(angle), math.sin(angle)
    x0, y0 = np.float64(points[order[begin], 0]), np.float64(points[order[begin], 1])
    z0 = np.float64(points[order[begin], 2])
    u0, u1, v0, v1, low, high = 0.0, 0.0, 0.0, 0.0, z0, z0
    for place in range(begin, end):
        i = order[place]
        x, y, z = points[i, 0] - x0, points[i, 1] - y0, np.float64(points[i, 2])
        u, v = c * x + s * y, c * y - s * x
        u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
        low, high = min(low, z), max(high, z)
    u, v = 0.5 * (u0 + u1), 0.5 * (v0 + v1)
    box[0], box[1], box[2] = x0 + c * u - s * v, y0 + s * u + c * v, 0.5 * (low + high)
    box[3], box[4], box[5] = u1 - u0, v1 - v0, high - low
    if box[4] > box[3]:
        box[3], box[4] = box[4], box[3]
        angle += 0.5 * math.pi
    box[6] = angle - math.pi if angle > 0.5 * math.pi else angle


@kernel
def _residuals(points: Points, labels: Ints32, boxes: Boxes) -> Floats:
    sums, counts = np.zeros(len(boxes)), np.zeros(len(boxes), np.int64)
    turns = np.empty((len(boxes), 2))
    for k in range(len(boxes)):
        turns[k, 0], turns[k, 1] = math.cos(boxes[k, 6]), math.sin(boxes[k, 6])
    for i in range(len(points)):
        k = labels[i]
        if k < 0 or not _is_finite(points, i):
            continue
        x, y = points[i, 0] - boxes[k, 0], points[i, 1] - boxes[k, 1]
        u = abs(turns[k, 0] * x + turns[k, 1] * y) - 0.5 * boxes[k, 3]
        v = abs(turns[k, 0] * y - turns[k, 1] * x) - 0.5 * boxes[k, 4]
        if u <= 0.0 and v <= 0.0:
            sums[k] += min(-u, -v)
        else:
            sums[k] += math.hypot(max(u, 0.0), max(v, 0.0))
        counts[k] += 1
    for k in range(len(boxes)):
        if counts[k]:
            sums[k] /= counts[k]
    return sums
