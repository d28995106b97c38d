"""Cut out of a sweep what is near a place, and what lies before and behind it for the sensor."""

import math

import numpy as np

from lidar_label.arrays import Floats, Floats32, Points
from lidar_label.kernels.jit import kernel

_AROUND_SENSOR_M = 6.0  # ground near the sensor, from which ground is followed outward
_EDGE_M = 1e-6  # a point on a face is inside, whatever the rounding
_NO, _NEAR, _FAR = 0, 1, 2


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
    sort = np.empty(len(points), np.uint8)
    near = far = 0
    for i in range(len(points)):
        px, py = points[i, 0], points[i, 1]
        sort[i] = _NO
        if not math.isfinite(px * 0.0 + py * 0.0 + points[i, 2]):
            continue
        ax, ay = px - x, py - y
        if ax * ax + ay * ay <= radius * radius:
            sort[i] = _NEAR
            near += 1
            continue
        sx, sy = px - sensor_x, py - sensor_y
        along, across = ux * sx + uy * sy, abs(ux * sy - uy * sx)
        if across <= slope * along or sx * sx + sy * sy <= _AROUND_SENSOR_M * _AROUND_SENSOR_M:
            sort[i] = _FAR
            far += 1
    near_step, far_step = near // most + 1, far // most + 1
    near_kept = (near + near_step - 1) // near_step
    result = np.empty((near_kept + (far + far_step - 1) // far_step, 3), np.float32)
    near_at, far_at, near_seen, far_seen = 0, near_kept, 0, 0
    for i in range(len(points)):
        if sort[i] == _NEAR:
            if near_seen % near_step == 0:
                result[near_at] = points[i, :3]
                near_at += 1
            near_seen += 1
        elif sort[i] == _FAR:
            if far_seen % far_step == 0:
                result[far_at] = points[i, :3]
                far_at += 1
            far_seen += 1
    return result


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
