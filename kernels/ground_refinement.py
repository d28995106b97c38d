"""Lay the surface that was followed outward through the points near it, and smooth it."""

import numpy as np

from lidar_label.arrays import Floats, Floats32
from lidar_label.kernels.ground_grid import CELLS, RINGS, SECTORS, STEP, ring_radius
from lidar_label.kernels.ground_growth import close_surface, couple
from lidar_label.kernels.jit import kernel

_BELOW, _ABOVE, _TALL = np.float32(-0.3), np.float32(0.2), np.float32(2.0)  # metres
_CLUTTER = 3.0  # how much a point on an object speaks against a point near the ground
_CELL_VARIANCE, _POINT_VARIANCE = 0.05**2, 0.05**2
_PRIOR = 2.0  # inverse variance with which the surface stays where it was
_ROUGHNESS = 0.001  # variance per metre by which the correction may differ
_HALF = np.float32(0.5)
_UNITS = np.float32(
    1024.0
)  # sums are of whole 1/1024 m, so they do not depend on the points' order


@kernel
def refine(
    rings: Floats32, sectors: Floats32, above: Floats32, used: int, surface: Floats32
) -> None:
    """Move the surface to the mean of the points near it.

    A cell full of an object's points counts little, so the surface under a car comes from the
    road beside it.

    Args:
        rings: (N,) of `locate`.
        sectors: (N,) likewise.
        above: (N,) metres above the surface, of `offsets`.
        used: number of rings with points.
        surface: (CELLS,) in and out.
    """
    sums = np.zeros((CELLS, 2), np.int64)  # points near + points over · 2³², offsets of those near
    for i in range(len(rings)):
        # No branches but this: points of all heights follow one another, no guess would hold.
        if rings[i] < 0:
            continue
        off = above[i]
        near = np.int64(off > _BELOW and off < _ABOVE)
        cell = int(rings[i]) * SECTORS + int(sectors[i])
        sums[cell, 0] += near | np.int64(off >= _ABOVE and off < _TALL) << 32
        sums[cell, 1] += near * int(np.floor(min(max(off, _BELOW), _ABOVE) * _UNITS + _HALF))
    weight, moment = np.empty((RINGS, SECTORS)), np.empty((RINGS, SECTORS))
    for i in range(used):
        for j in range(SECTORS):
            cell = i * SECTORS + j
            count, over = sums[cell, 0] & 0xFFFFFFFF, sums[cell, 0] >> 32
            n = max(count, 1)
            pure = np.divide(count, n + _CLUTTER * over)
            own = np.divide(pure * pure, _CELL_VARIANCE + np.divide(_POINT_VARIANCE, n))
            weight[i, j] = own + _PRIOR
            moment[i, j] = own * np.divide(sums[cell, 1], _UNITS * n)
    _smooth(weight, moment, used)
    for i in range(1, used):
        for j in range(SECTORS):
            surface[i * SECTORS + j] += moment[i, j]
    close_surface(surface, used)


@kernel
def _smooth(weight: Floats, moment: Floats, used: int) -> None:
    """Turn weights and weighted corrections into corrections shared along and across rings.

    Messages outward, inward, then around each ring: exact on the chains, not on the whole grid.
    """
    sum_weight, sum_moment = np.empty((RINGS, SECTORS)), np.empty((RINGS, SECTORS))
    for i in range(used):
        for j in range(SECTORS):
            sum_weight[i, j], sum_moment[i, j] = weight[i, j], moment[i, j]
    w, e = np.empty(SECTORS), np.empty(SECTORS)
    for way in range(2):
        for j in range(SECTORS):
            w[j] = e[j] = 0.0
        for step in range(1, used):
            i = step if way == 0 else used - step
            noise = _ROUGHNESS * ring_radius(i) * STEP
            for j in range(SECTORS):
                sum_weight[i, j] += w[j]
                sum_moment[i, j] += e[j]
                next_w, next_e = w[j] + weight[i, j], e[j] + moment[i, j]
                share = np.divide(1.0, 1.0 + noise * next_w)
                w[j], e[j] = next_w * share, next_e * share
    ahead, back = np.empty((2, SECTORS)), np.empty((2, SECTORS))
    for i in range(1, used):
        for j in range(SECTORS):
            sum_moment[i, j] = np.divide(sum_moment[i, j], sum_weight[i, j])
        noise = _ROUGHNESS * ring_radius(i) * STEP
        couple(sum_moment[i], sum_weight[i], noise, ahead, back, moment[i])
