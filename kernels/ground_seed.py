"""The plane under the sensor, from which the ground is followed outward."""

import math

import numpy as np

from lidar_label.arrays import Floats, Floats32
from lidar_label.kernels.ground_grid import EMPTY, FIRST_RADIUS, SECTORS, STEP, ring_radius
from lidar_label.kernels.jit import kernel, simd_kernel

_RADIUS = 8.0  # metres; nearer ground is bent little, and hidden little
_TRIALS = 96  # one of them is all ground, 99.9 % sure, where 40 % of the cells are
_STEEPEST = 0.3  # rise per metre
_CLOSE = np.float32(0.15)  # metres off the plane that still count for it
_UNKNOWN_HEIGHT = 0.3  # metres that a given sensor height may be wrong
_NEAR_RINGS = 2 + int(math.log(_RADIUS / FIRST_RADIUS) / STEP)
_CELL_RADIUS = np.repeat(
    np.array([ring_radius(ring) for ring in range(_NEAR_RINGS)], np.float32), SECTORS
)
_CELL_ANGLE = np.tile((np.arange(SECTORS, dtype=np.float32) + np.float32(0.5)) * STEP, _NEAR_RINGS)
_MULTIPLIER, _INCREMENT = np.uint64(6364136223846793005), np.uint64(1442695040888963407)


@simd_kernel
def _score(
    x: Floats32, y: Floats32, z: Floats32, weight: Floats32, a: float, b: float, c: float
) -> float:
    """Weigh how many cells lie close to a plane; those below it speak against it."""
    slope_x, slope_y, height = np.float32(a), np.float32(b), np.float32(c)
    score = np.float32(0.0)
    for k in range(len(x)):
        off = (z[k] - slope_x * x[k] - slope_y * y[k] - height) / _CLOSE
        close = np.float32(1.0) - off * off
        far = np.float32(-0.5) if off < 0 else np.float32(0.0)
        score += weight[k] * (close if close > 0 else far)
    return float(score)


@kernel
def _search(
    x: Floats32, y: Floats32, z: Floats32, weight: Floats32, known: bool, best: Floats
) -> None:
    """Replace `best` by the plane through three cells that scores best, if one scores better."""
    height = best[2]
    best_score = _score(x, y, z, weight, 0.0, 0.0, height)
    state, n = np.uint64(0x9E3779B97F4A7C15), np.uint64(len(x))
    for _ in range(_TRIALS):
        state = state * _MULTIPLIER + _INCREMENT
        p = np.int64((state >> np.uint64(33)) % n)
        state = state * _MULTIPLIER + _INCREMENT
        q = np.int64((state >> np.uint64(33)) % n)
        state = state * _MULTIPLIER + _INCREMENT
        r = np.int64((state >> np.uint64(33)) % n)
        ux, uy, uz = x[q] - x[p], y[q] - y[p], z[q] - z[p]
        vx, vy, vz = x[r] - x[p], y[r] - y[p], z[r] - z[p]
        det = ux * vy - uy * vx
        if abs(det) < 1.0:
            continue
        a, b = np.divide(uz * vy - vz * uy, det), np.divide(ux * vz - vx * uz, det)
        c = z[p] - a * x[p] - b * y[p]
        if a * a + b * b > _STEEPEST**2 or (known and abs(c - height) > _UNKNOWN_HEIGHT):
            continue
        score = _score(x, y, z, weight, a, b, c)
        if score > best_score:
            best_score = score
            best[0], best[1], best[2] = a, b, c


def seed_plane(lowest: Floats32, sensor_height: float | None) -> Floats:
    """Find the plane under the sensor by random sample consensus (Fischler & Bolles 1981).

    Deterministic: the samples come from a fixed sequence over the cells.

    Args:
        lowest: (CELLS,) lowest heights of the cells.
        sensor_height: known height of the origin above the ground; None when unknown.

    Returns:
        (3,) slope along x, slope along y, height at the origin.
    """
    near = lowest[: len(_CELL_RADIUS)]
    filled = near != EMPTY
    z, radius, angle = near[filled], _CELL_RADIUS[filled], _CELL_ANGLE[filled]
    plane = np.zeros(3)
    if sensor_height is not None:
        plane[2] = -sensor_height
    elif len(z) > 0:
        plane[2] = np.median(z)
    elif (lowest != EMPTY).any():
        plane[2] = np.median(lowest[lowest != EMPTY])
    if len(z) >= 3:
        x, y = radius * np.cos(angle), radius * np.sin(angle)
        _search(x, y, z, radius + np.float32(0.1), sensor_height is not None, plane)
    return plane
