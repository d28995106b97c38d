"""Where the sensor of a sweep sits, from the circle of ground that it cannot see."""

import math

import numpy as np

from lidar_label.arrays import Floats, Floats32, Points
from lidar_label.kernels.free_space import quick_atan2
from lidar_label.kernels.jit import kernel

_LOWEST_BEAM = np.deg2rad(
    25.0
)  # below the horizon; of the common roof sensors, within a few degrees
_USUAL_HEIGHTS_M = (1.4, 2.6)
_LOWEST_ORIGIN_M = 1.0
_FURTHEST_GROUND = 15.0  # metres


def find_sensor(points: Points, height: Floats32) -> tuple[float, float, float]:
    """Where the sensor sits: at the frame's origin, unless that is too close to the ground.

    In a vehicle frame the origin lies near the ground below the sensor. There the nearest ground
    that was hit lies on a circle around the sensor, whose radius gives its height through the angle
    of the lowest beam.

    Args:
        points: (N, 3) float32.
        height: (N,) height above ground.

    Returns:
        x y z in the frame of the points, metres.
    """
    if not -_ground_below(points, height) < _LOWEST_ORIGIN_M:
        return 0.0, 0.0, 0.0
    nearest = nearest_ground(points, height)
    nearest = nearest[np.isfinite(nearest[:, 0])]
    if len(nearest) < 8:
        return 0.0, 0.0, 0.0
    ground = float(np.median(nearest[:, 2]))
    x, y, radius = _circle(nearest[:, :2])
    low, high = _USUAL_HEIGHTS_M
    return x, y, ground + min(max(radius * np.tan(_LOWEST_BEAM), low), high)


@kernel
def _circle(places: Floats) -> tuple[float, float, float]:
    """Centre and radius by least squares (Kåsa, 1976), repeated without the outliers."""
    x, y, radius = np.median(places[:, 0]), np.median(places[:, 1]), 0.0
    distance = np.empty(len(places))
    for spread in (1.0, 0.5, 0.3, 0.2, 0.15, 0.1, 0.1, 0.1):
        for i in range(len(places)):
            distance[i] = math.hypot(places[i, 0] - x, places[i, 1] - y)
        middle = np.median(distance)
        # |p|² = 2 a x + 2 b y + c around the circle so far: normal equations of 3 unknowns.
        system, right, count = np.zeros((3, 3)), np.zeros(3), 0
        for i in range(len(places)):
            if abs(distance[i] - middle) >= spread * middle + 0.1:
                continue
            row = (2 * (places[i, 0] - x), 2 * (places[i, 1] - y), 1.0)
            for j in range(3):
                right[j] += row[j] * distance[i] * distance[i]
                for k in range(3):
                    system[j, k] += row[j] * row[k]
            count += 1
        if count < 5 or abs(np.linalg.det(system)) < 1e-9:
            break
        a, b, c = np.linalg.solve(system, right)
        x, y, radius = x + a, y + b, math.sqrt(max(c + a * a + b * b, 0.0))
    return x, y, radius


@kernel
def _ground_below(points: Points, height: Floats32) -> float:
    """Mean z of the ground under the points within 8 m of the frame's origin; NaN: none."""
    total, count = 0.0, 0
    for i in range(len(points)):
        x, y = points[i, 0], points[i, 1]
        if x * x + y * y < 64.0:
            total += points[i, 2] - height[i]
            count += 1
    return total / count if count > 0 else np.nan


@kernel
def nearest_ground(points: Points, height: Floats32) -> Floats:
    """(36, 3) nearest ground point in each sector of 10° around the frame's origin; NaN: none."""
    best = np.full(36, _FURTHEST_GROUND**2)
    result = np.full((36, 3), np.nan)
    for i in range(len(points)):
        if not abs(height[i]) < 0.15:
            continue
        x, y = points[i, 0], points[i, 1]
        reach = x * x + y * y
        if not 1.0 <= reach < _FURTHEST_GROUND**2:
            continue
        sector = int((quick_atan2(y, x) + np.pi) * (36 / (2 * np.pi))) % 36
        if reach < best[sector]:
            best[sector] = reach
            result[sector, 0], result[sector, 1], result[sector, 2] = x, y, points[i, 2]
    return result
