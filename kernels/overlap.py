"""Overlap of upright boxes: exact IoU from above and in space, and non-maximum suppression."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Ints, Mask, as_boxes
from lidar_label.errors import InvalidBoxes, InvalidConfig
from lidar_label.kernels.jit import kernel


def iou_bev(a: NDArray[Any], b: NDArray[Any]) -> Floats:
    """Intersection over union of the rectangles that boxes cover from above.

    Args:
        a: (N, 7) boxes.
        b: (M, 7) boxes.

    Returns:
        (N, M) float64 in [0, 1]; 0 where a box has no area or is not finite.

    Raises:
        InvalidBoxes: if a or b is not (N, 7), not numeric, or has a negative size.
    """
    return _pairwise(as_boxes(a), as_boxes(b), False)


def iou_3d(a: NDArray[Any], b: NDArray[Any]) -> Floats:
    """Intersection over union of the volumes of boxes; pitch and roll count as 0.

    Args:
        a: (N, 7) boxes, z is the centre's.
        b: (M, 7) boxes.

    Returns:
        (N, M) float64 in [0, 1]; 0 where a box has no volume or is not finite.

    Raises:
        InvalidBoxes: if a or b is not (N, 7), not numeric, or has a negative size.
    """
    return _pairwise(as_boxes(a), as_boxes(b), True)


def nms(boxes: NDArray[Any], scores: NDArray[Any], iou_threshold: float) -> Ints:
    """Keep the best of the boxes that overlap from above (greedy non-maximum suppression).

    Args:
        boxes: (N, 7).
        scores: (N,), higher is better; of equal scores the first box is better, NaN is worst.
        iou_threshold: A box goes when its BEV IoU with a kept one is above this.

    Returns:
        (K,) int64 indices of the kept boxes, best first.

    Raises:
        InvalidBoxes: if the boxes are not (N, 7), or the scores not (N,).
        InvalidConfig: if the threshold is not a number.
    """
    boxes, scores = as_boxes(boxes), np.asarray(scores, dtype=np.float64)
    if scores.shape != (len(boxes),):
        raise InvalidBoxes(f"scores have shape {scores.shape}; pass one for each of {len(boxes)}")
    if math.isnan(iou_threshold):
        raise InvalidConfig("iou_threshold is NaN; pass a number from 0 to 1")
    order = np.argsort(-scores, kind="stable")  # NaN last
    return order[_survivors(boxes[order], float(iou_threshold))]


@kernel
def _radii(boxes: Boxes) -> Floats:
    """Radius of the circle around each rectangle; NaN for boxes without area or not finite."""
    radii = np.empty(len(boxes))
    for i in range(len(boxes)):
        total = 0.0
        for k in range(7):
            total += boxes[i, k] * 0.0
        radius = 0.5 * math.hypot(boxes[i, 3], boxes[i, 4])
        radii[i] = radius + total if boxes[i, 3] * boxes[i, 4] > 0.0 else np.nan
    return radii


@kernel
def _clip(corners: Floats, clipped: Floats, count: int, axis: int, limit: float) -> int:
    """Cut a convex polygon to coordinate · sign(limit) ≤ |limit| (Sutherland and Hodgman, 1974)."""
    sign = 1.0 if limit > 0.0 else -1.0
    limit = abs(limit)
    made = 0
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        here = limit - sign * corners[i, axis]
        there = limit - sign * corners[j, axis]
        if here >= 0.0:
            clipped[made, 0], clipped[made, 1] = corners[i, 0], corners[i, 1]
            made += 1
        if (here > 0.0 > there) or (here < 0.0 < there):
            part = here / (here - there)
            for k in range(2):
                clipped[made, k] = corners[i, k] + part * (corners[j, k] - corners[i, k])
            made += 1
    return made


@kernel
def _shared_area(a: Boxes, i: int, b: Boxes, j: int, polygon: Floats, spare: Floats) -> float:
    """Area that two rectangles share: b's corners in the frame of a, cut to a's four sides."""
    cosine, sine = math.cos(a[i, 6]), math.sin(a[i, 6])
    x, y = b[j, 0] - a[i, 0], b[j, 1] - a[i, 1]
    x, y = cosine * x + sine * y, cosine * y - sine * x
    turn = b[j, 6] - a[i, 6]
    along_x, along_y = 0.5 * b[j, 3] * math.cos(turn), 0.5 * b[j, 3] * math.sin(turn)
    across_x, across_y = -0.5 * b[j, 4] * math.sin(turn), 0.5 * b[j, 4] * math.cos(turn)
    for corner in range(4):
        u = 1.0 if corner in (0, 3) else -1.0
        v = 1.0 if corner < 2 else -1.0
        polygon[corner, 0] = x + u * along_x + v * across_x
        polygon[corner, 1] = y + u * along_y + v * across_y
    count = _clip(polygon, spare, 4, 0, 0.5 * a[i, 3])
    count = _clip(spare, polygon, count, 0, -0.5 * a[i, 3])
    count = _clip(polygon, spare, count, 1, 0.5 * a[i, 4])
    count = _clip(spare, polygon, count, 1, -0.5 * a[i, 4])
    area = 0.0
    for k in range(1, count - 1):
        ux, uy = polygon[k, 0] - polygon[0, 0], polygon[k, 1] - polygon[0, 1]
        vx, vy = polygon[k + 1, 0] - polygon[0, 0], polygon[k + 1, 1] - polygon[0, 1]
        area += ux * vy - uy * vx
    return max(0.5 * area, 0.0)


@kernel
def _ratio(shared: float, first: float, second: float) -> float:
    union = first + second - shared
    ratio = shared / union if union > 0.0 else 0.0
    return min(ratio, 1.0) if ratio > 0.0 else 0.0  # also 0 for NaN


@kernel
def _pairwise(a: Boxes, b: Boxes, in_space: bool) -> Floats:
    result = np.zeros((len(a), len(b)))
    a_radii, b_radii = _radii(a), _radii(b)
    polygon, spare = np.empty((16, 2)), np.empty((16, 2))
    for i in range(len(a)):
        for j in range(len(b)):
            x, y = b[j, 0] - a[i, 0], b[j, 1] - a[i, 1]
            reach = a_radii[i] + b_radii[j]
            if not x * x + y * y < reach * reach:
                continue
            height = 1.0
            if in_space:
                top = min(a[i, 2] + 0.5 * a[i, 5], b[j, 2] + 0.5 * b[j, 5])
                height = top - max(a[i, 2] - 0.5 * a[i, 5], b[j, 2] - 0.5 * b[j, 5])
                if height <= 0.0:
                    continue
            shared = _shared_area(a, i, b, j, polygon, spare) * height
            first, second = a[i, 3] * a[i, 4], b[j, 3] * b[j, 4]
            if in_space:
                first, second = first * a[i, 5], second * b[j, 5]
            result[i, j] = _ratio(shared, first, second)
    return result


@kernel
def _survivors(boxes: Boxes, threshold: float) -> Mask:
    """Which boxes, best first, no better one suppresses."""
    kept = np.ones(len(boxes), np.bool_)
    radii = _radii(boxes)
    polygon, spare = np.empty((16, 2)), np.empty((16, 2))
    for i in range(len(boxes)):
        if not kept[i]:
            continue
        for j in range(i + 1, len(boxes)):
            x, y = boxes[j, 0] - boxes[i, 0], boxes[j, 1] - boxes[i, 1]
            reach = radii[i] + radii[j]
            if kept[j] and x * x + y * y < reach * reach:
                shared = _shared_area(boxes, i, boxes, j, polygon, spare)
                first, second = boxes[i, 3] * boxes[i, 4], boxes[j, 3] * boxes[j, 4]
                kept[j] = _ratio(shared, first, second) <= threshold
    return kept
