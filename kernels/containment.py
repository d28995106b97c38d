"""Which points lie in which boxes, by a grid over the boxes so that far points cost nothing."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Ints32, Mask, Points, as_boxes, as_points
from lidar_label.kernels.jit import kernel

_EDGE = 1e-6  # metres; a point on a face is inside, whatever the rounding of the rotation
_CELL = 2.0  # metres, or more: the grid has no more cells than points
_LEAST_CELLS = 64


def points_in_boxes(points: NDArray[Any], boxes: NDArray[Any]) -> Mask:
    """Mark the points in each box, its faces included; pitch and roll count as 0.

    Args:
        points: (N, ≥3) metres.
        boxes: (M, 7) in the frame of the points.

    Returns:
        (M, N) bool. Points and boxes that are not finite are in and hold nothing.

    Raises:
        InvalidPoints: if `points` is not (N, ≥3) or not numeric.
        InvalidBoxes: if `boxes` is not (M, 7), not numeric, or has a negative size.
    """
    points, boxes = as_points(points), as_boxes(boxes)
    inside = np.zeros((len(boxes), len(points)), dtype=np.bool_)
    _visit(points, boxes, np.empty(0, np.int32), inside)
    return inside


def count_points_in_boxes(points: NDArray[Any], boxes: NDArray[Any]) -> Ints32:
    """Count the points in each box; (M,) int32, see `points_in_boxes`."""
    points, boxes = as_points(points), as_boxes(boxes)
    counts = np.zeros(len(boxes), dtype=np.int32)
    _visit(points, boxes, counts, np.empty((0, 0), np.bool_))
    return counts


@kernel
def _reaches(boxes: Boxes) -> Floats:
    """(M, 4) bounds x0 x1 y0 y1 of the boxes; NaN for those that are not finite."""
    reaches = np.empty((len(boxes), 4))
    for m in range(len(boxes)):
        void = 0.0
        for k in range(7):
            void += boxes[m, k] * 0.0
        cosine, sine = abs(math.cos(boxes[m, 6])), abs(math.sin(boxes[m, 6]))
        x = 0.5 * (cosine * boxes[m, 3] + sine * boxes[m, 4]) + 2.0 * _EDGE + void
        y = 0.5 * (sine * boxes[m, 3] + cosine * boxes[m, 4]) + 2.0 * _EDGE + void
        reaches[m, 0], reaches[m, 1] = boxes[m, 0] - x, boxes[m, 0] + x
        reaches[m, 2], reaches[m, 3] = boxes[m, 1] - y, boxes[m, 1] + y
    return reaches


@kernel
def _sort_into_cells(
    points: Points, x0: float, y0: float, cell: float, columns: int, rows: int
) -> tuple[Ints32, Ints32]:
    """First place of each cell, and the points on the grid sorted by cell."""
    place = np.full(len(points), -1, np.int32)
    begins = np.zeros(columns * rows + 1, np.int32)
    for i in range(len(points)):
        x, y = (points[i, 0] - x0) / cell, (points[i, 1] - y0) / cell
        if 0.0 <= x < columns and 0.0 <= y < rows:
            place[i] = int(y) * columns + int(x)
            begins[place[i] + 1] += 1
    for k in range(columns * rows):
        begins[k + 1] += begins[k]
    order = np.empty(begins[-1], np.int32)
    free = begins.copy()
    for i in range(len(points)):
        if place[i] >= 0:
            order[free[place[i]]] = i
            free[place[i]] += 1
    return begins, order


@kernel
def _visit(points: Points, boxes: Boxes, counts: Ints32, inside: NDArray[np.bool_]) -> None:
    """Fill `counts` (M,) or `inside` (M, N), whichever is not empty."""
    reaches = _reaches(boxes)
    x0, x1, y0, y1 = np.inf, -np.inf, np.inf, -np.inf
    for m in range(len(boxes)):
        if reaches[m, 0] <= reaches[m, 1] and reaches[m, 2] <= reaches[m, 3]:
            x0, x1 = min(x0, reaches[m, 0]), max(x1, reaches[m, 1])
            y0, y1 = min(y0, reaches[m, 2]), max(y1, reaches[m, 3])
    if not (x1 - x0 < np.inf and y1 - y0 < np.inf):
        return
    # No more cells than points, however far apart the boxes are.
    most = float(max(len(points), _LEAST_CELLS))
    cell = max(_CELL, (x1 - x0) / most * 4.0, (y1 - y0) / most * 4.0)
    cell = max(cell, 2.0 * math.sqrt((x1 - x0) / most) * math.sqrt(y1 - y0))
    columns, rows = int((x1 - x0) / cell) + 1, int((y1 - y0) / cell) + 1
    begins, order = _sort_into_cells(points, x0, y0, cell, columns, rows)
    for m in range(len(boxes)):
        if not (reaches[m, 0] <= reaches[m, 1] and reaches[m, 2] <= reaches[m, 3]):
            continue
        cosine, sine = math.cos(boxes[m, 6]), math.sin(boxes[m, 6])
        half_length, half_width = 0.5 * boxes[m, 3] + _EDGE, 0.5 * boxes[m, 4] + _EDGE
        half_height = 0.5 * boxes[m, 5] + _EDGE
        first = max(int((reaches[m, 0] - x0) / cell), 0)
        last = min(int((reaches[m, 1] - x0) / cell), columns - 1)
        for row in range(
            max(int((reaches[m, 2] - y0) / cell), 0),
            min(int((reaches[m, 3] - y0) / cell), rows - 1) + 1,
        ):
            begin, end = begins[row * columns + first], begins[row * columns + last + 1]
            for place in range(begin, end):
                i = order[place]
                x, y = points[i, 0] - boxes[m, 0], points[i, 1] - boxes[m, 1]
                if (
                    abs(points[i, 2] - boxes[m, 2]) <= half_height
                    and abs(cosine * x + sine * y) <= half_length
                    and abs(cosine * y - sine * x) <= half_width
                ):
                    if len(counts):
                        counts[m] += 1
                    else:
                        inside[m, i] = True
