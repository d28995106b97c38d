"""Cut out of a sweep what is near a place, and what lies before and behind it for the sensor."""

import math

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Points
from lidar_label.kernels.free_space import take_apart
from lidar_label.kernels.jit import kernel

_AROUND_SENSOR_M = 6.0  # ground near the sensor, from which ground is followed outward
_EDGE_M = 1e-6  # a point on a face is inside, whatever the rounding
_NO, _NEAR, _FAR = np.uint8(0), np.uint8(1), np.uint8(2)
_BLOCK = 1024  # points at once: what is computed of them stays in the first-level cache


@kernel
def wedge(
    points: Floats32, x: float, y: float, radius: float, sensor_x: float, sensor_y: float, most: int
) -> Points:
    """Finite points within `radius` of a place, and those in the wedge from the sensor around it.

    Args:
        points: (N, ≥3) float32.
        x: of the place.
        y: of the place.
        radius: metres around the place.
        sensor_x: of the sensor.
        sensor_y: of the sensor.
        most: Of either sort; of more every second, third, … is taken.

    Returns:
        (M, 3) float32, those near the place in front.
    """
    dx, dy = x - sensor_x, y - sensor_y
    distance = math.sqrt(dx * dx + dy * dy)
    if distance > radius:
        ux, uy = dx / distance, dy / distance
        slope = radius / math.sqrt(distance * distance - radius * radius)
    else:
        ux, uy, slope = 1.0, 0.0, np.inf
    near, far = np.empty(len(points), np.int32), np.empty(len(points), np.int32)
    near_count = far_count = 0
    px, py = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.float32)
    pz, sort = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.uint8)
    nowhere = np.zeros(3)
    place = x, y, radius * radius
    ray = sensor_x, sensor_y, ux, uy, slope
    for begin in range(0, len(points), _BLOCK):
        count = take_apart(points, begin, nowhere, px, py, pz)
        _sort(px, py, pz, place, ray, sort)
        for i in range(count):  # no branches: the points of a sweep follow no order that holds
            near[near_count], far[far_count] = begin + i, begin + i
            near_count += sort[i] == _NEAR
            far_count += sort[i] == _FAR
    near_step, far_step = near_count // most + 1, far_count // most + 1
    near_kept = (near_count + near_step - 1) // near_step
    result = np.empty((near_kept + (far_count + far_step - 1) // far_step, 3), np.float32)
    for k in range(len(result)):
        i = near[k * near_step] if k < near_kept else far[(k - near_kept) * far_step]
        for axis in range(3):
            result[k, axis] = points[i, axis]
    return result


@kernel
def _sort(
    px: Floats32,
    py: Floats32,
    pz: Floats32,
    place: tuple[float, float, float],
    ray: tuple[float, float, float, float, float],
    sort: NDArray[np.uint8],
) -> None:
    """Sort points by what they are: near a place, seen past it or by the sensor, or neither."""
    x, y, reach = place
    sensor_x, sensor_y, ux, uy, slope = ray
    for i in range(len(px)):
        finite = (px[i] * 0 + py[i] * 0 + pz[i] * 0) == 0
        ax, ay = px[i] - x, py[i] - y
        sx, sy = px[i] - sensor_x, py[i] - sensor_y
        along, across = ux * sx + uy * sy, abs(ux * sy - uy * sx)
        seen = (across <= slope * along) | (sx * sx + sy * sy <= _AROUND_SENSOR_M**2)
        kind = _FAR if seen else _NO
        kind = _NEAR if ax * ax + ay * ay <= reach else kind
        sort[i] = kind if finite else _NO


@kernel
def count_inside(points: Floats32, box: Floats) -> int:
    """How many of the (N, ≥3) points lie in a box (7,)."""
    c, s = math.cos(box[6]), math.sin(box[6])
    count = 0
    for i in range(len(points)):
        x, y = points[i, 0] - box[0], points[i, 1] - box[1]
        count += (
            abs(c * x + s * y) <= box[3] / 2 + _EDGE_M
            and abs(c * y - s * x) <= box[4] / 2 + _EDGE_M
            and abs(points[i, 2] - box[2]) <= box[5] / 2 + _EDGE_M
        )
    return count
