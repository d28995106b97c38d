"""What the beams saw through: a range image, and how the rays that meet a box end.

A box that rays pass through unhindered is wrong or hollow; one whose front stops them is solid
(free-space reasoning as in Thrun, Burgard and Fox, "Probabilistic Robotics", ch. 9, 2005).
"""

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Floats32, Points
from lidar_label.kernels.jit import kernel

COLUMNS = 900  # 0.4° of azimuth: twice the point spacing of common sensors, so that few stay empty
ROWS = 80
LOWEST = np.deg2rad(-32.0)
ROW_ANGLE = np.deg2rad(0.7)
# Columns of `look_through`.
HIT, THROUGH, HIDDEN, EMPTY = range(4)
_RAYS_ACROSS = 24
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
def range_image(points: Points, origin: Floats) -> Floats32:
    """Horizontal distance of the nearest return in each direction; infinite where there is none.

    Args:
        points: (N, 3) float32; non-finite ones are skipped.
        origin: (3,) the sensor.

    Returns:
        (COLUMNS, ROWS) float32 metres; columns by azimuth from −π, rows by elevation.
    """
    image = np.full((COLUMNS, ROWS), np.inf, dtype=np.float32)
    for i in range(len(points)):
        dx = points[i, 0] - origin[0]
        dy = points[i, 1] - origin[1]
        dz = points[i, 2] - origin[2]
        reach = np.sqrt(dx * dx + dy * dy)
        if not (reach > 0.5 and np.isfinite(dz)):
            continue
        row = int((quick_atan2(dz, reach) - LOWEST) / ROW_ANGLE)
        if row < 0 or row >= ROWS:
            continue
        column = int((quick_atan2(dy, dx) + np.pi) * (COLUMNS / (2 * np.pi))) % COLUMNS
        image[column, row] = min(image[column, row], reach)
    return image


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
    result = np.zeros((len(boxes), 4), dtype=np.float32)
    for b in range(len(boxes)):
        dx, dy = boxes[b, 0] - origin[0], boxes[b, 1] - origin[1]
        hl, hw = boxes[b, 3] / 2, boxes[b, 4] / 2
        ground = boxes[b, 2] - boxes[b, 5] / 2 - origin[2]
        bottom = ground + _CLEARANCE
        top = ground + min(max(_BONNET, 0.55 * boxes[b, 5]), boxes[b, 5] - 0.1)
        c, s = np.cos(boxes[b, 6]), np.sin(boxes[b, 6])
        distance = np.sqrt(dx * dx + dy * dy)
        if distance < np.sqrt(hl * hl + hw * hw) + 0.3:
            continue
        towards = np.arctan2(dy, dx)
        left, right = 0.0, 0.0
        for corner in range(4):
            u = hl if corner < 2 else -hl
            v = hw if corner % 2 == 0 else -hw
            angle = np.arctan2(dy + s * u + c * v, dx + c * u - s * v) - towards
            angle = (angle + np.pi) % (2 * np.pi) - np.pi
            left, right = max(left, angle), min(right, angle)
        count = int((left - right) / (2 * np.pi / COLUMNS)) + 1
        rays = min(count, _RAYS_ACROSS)
        for ray in range(rays):
            angle = towards + right + (ray + 0.5) * (left - right) / rays
            rx, ry = np.cos(angle), np.sin(angle)
            # The ray in the frame of the box, slab by slab.
            ox, oy = -(c * dx + s * dy), -(c * dy - s * dx)
            px, py = c * rx + s * ry, c * ry - s * rx
            enter, leave = 0.0, np.inf
            for axis in range(2):
                o, p, half = (ox, px, hl) if axis == 0 else (oy, py, hw)
                if abs(p) < 1e-9:
                    if abs(o) > half:
                        leave = -1.0
                    continue
                t0, t1 = (-half - o) / p, (half - o) / p
                enter, leave = max(enter, min(t0, t1)), min(leave, max(t0, t1))
            if leave <= enter + 0.02:
                continue
            column = int((angle + np.pi) * (COLUMNS / (2 * np.pi))) % COLUMNS
            first = int((np.arctan(bottom / enter) - LOWEST) / ROW_ANGLE) + 1
            last = int((np.arctan(top / enter) - LOWEST) / ROW_ANGLE)
            for row in range(max(first, 0), min(last, ROWS)):
                reach = image[column, row]
                if reach == np.inf:
                    result[b, EMPTY] += 1
                elif reach < enter - 0.5:
                    result[b, HIDDEN] += 1
                elif reach > leave + 0.3:
                    result[b, THROUGH] += 1
                else:
                    result[b, HIT] += 1
    return result


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
    bins = 720
    near = np.full(bins, np.inf)
    scale = bins / (2 * np.pi)
    for i in range(len(points)):
        if low < height[i] < high:
            dx, dy = points[i, 0] - sensor[0], points[i, 1] - sensor[1]
            b = int((quick_atan2(dy, dx) + np.pi) * scale) % bins
            near[b] = min(near[b], dx * dx + dy * dy)
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
            b = int((quick_atan2(dy, dx) + np.pi) * scale) % bins
            result[k, end] = np.sqrt(near[b]) < r - 1.0
    return result


_LOWEST_BEAM = np.deg2rad(
    25.0
)  # below the horizon; of the common roof sensors, within a few degrees
_USUAL_HEIGHTS_M = (1.4, 2.6)
_LOWEST_ORIGIN_M = 1.0


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


def _circle(places: Floats) -> tuple[float, float, float]:
    """Centre and radius by least squares (Kåsa, 1976), repeated without the outliers."""
    centre = np.median(places, axis=0)
    radius = 0.0
    for spread in (1.0, 0.5, 0.3, 0.2, 0.15, 0.1, 0.1, 0.1):
        distance = np.hypot(*(places - centre).T)
        usual = np.abs(distance - np.median(distance)) < spread * np.median(distance) + 0.1
        if usual.sum() < 5:
            break
        system = np.column_stack((2 * places[usual], np.ones(usual.sum())))
        a, b, c = np.linalg.lstsq(system, (places[usual] ** 2).sum(axis=1), rcond=None)[0]
        centre = np.array([a, b])
        radius = float(np.sqrt(max(c + a * a + b * b, 0.0)))
    return float(centre[0]), float(centre[1]), radius


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
    best = np.full(36, 15.0 * 15.0)
    result = np.full((36, 3), np.nan)
    for i in range(len(points)):
        if not abs(height[i]) < 0.15:
            continue
        x, y = points[i, 0], points[i, 1]
        reach = x * x + y * y
        if reach < 1.0:
            continue
        sector = int((np.arctan2(y, x) + np.pi) * (36 / (2 * np.pi))) % 36
        if reach < best[sector]:
            best[sector] = reach
            result[sector, 0], result[sector, 1], result[sector, 2] = x, y, points[i, 2]
    return result
