"""Follow the ground outward from the sensor: a Kalman filter over rings, coupled across sectors."""

import math

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints32
from lidar_label.kernels.ground_grid import CELLS, EMPTY, SECTORS, STEP, ring_radius
from lidar_label.kernels.jit import kernel

# How ground changes from place to place; variances per metre walked outward or across.
_ROUGHNESS = 0.003  # of height: kerbs, ruts
_BENDING = 2e-4  # of slope: crests and dips, 0.05 in 12 m
_ROUGHNESS_ACROSS = 0.006
_BENDING_ACROSS = 5e-4
_FIRST_HEIGHT, _FIRST_SLOPE = 0.1**2, 0.05**2  # variances of the plane under the sensor

# What the lowest point of a cell says of its ground.
_FLAT = 4  # a cell is flat when it has this many times more low points than points above them
_FLAT_VARIANCE, _TALL_VARIANCE = 0.03**2, 0.3**2
_FLAT_CHANCE, _TALL_CHANCE = 0.9, 0.5  # that it is ground at all
_OBJECTS, _REFLECTIONS = 0.8, 0.05  # density of other things above and below ground, per metre

# When a flat cell far from what was expected is ground all the same.
_SURPRISE = 4.0  # squared, in standard deviations
_STRIDE = 1.0  # metres: a bank is walked up in strides no longer
_STEEPEST, _KERB = 0.5, 0.05  # rise per metre of such a stride, and metres on top

_OVERLAP = 24  # sectors that a message walks before it counts, to close the circle


@kernel
def couple(mean: Floats, weight: Floats, noise: float, fused: Floats, sums: Floats) -> None:
    """Fuse each sector's estimate with its neighbours', `noise` variance a sector apart.

    Messages both ways round the circle, as on a chain of Gaussian variables (Weiss & Freeman,
    Neural Computation 2001).

    Args:
        mean: (SECTORS,).
        weight: (SECTORS,) inverse variances, > 0.
        noise: variance by which neighbours differ.
        fused: (SECTORS,) out: fused means.
        sums: (SECTORS,) out: fused weights.
    """
    n = len(mean)
    w = e = 0.0
    for step in range(n - _OVERLAP, 2 * n):
        j = step if step < n else step - n
        if step >= n:
            sums[j] = weight[j] + w
            fused[j] = weight[j] * mean[j] + e
        w += weight[j]
        e += weight[j] * mean[j]
        share = np.divide(1.0, 1.0 + noise * w)
        w *= share
        e *= share
    w = e = 0.0
    for step in range(n + _OVERLAP - 1, -1, -1):
        j = step if step < n else step - n
        if step < n:
            sums[j] += w
            fused[j] = np.divide(fused[j] + e, sums[j])
        w += weight[j]
        e += weight[j] * mean[j]
        share = np.divide(1.0, 1.0 + noise * w)
        w *= share
        e *= share


@kernel
def _spread(variance: Floats, covariance: Floats, noise: float) -> None:
    """Let no sector be less sure than a neighbour is, plus `noise` variance a sector between.

    Not the sum of their information: what neighbours know they heard from the same inner rings,
    and to add it again at every ring would make all of them sure of anything.
    """
    n = len(variance)
    for turn in range(2):
        best = 1e9
        for step in range(n - _OVERLAP, 2 * n):
            j = step if step < n else step - n
            if turn == 1:
                j = n - 1 - j
            best += noise
            if best < variance[j]:
                covariance[j] *= math.sqrt(np.divide(best, variance[j]))
                variance[j] = best
            best = min(best, variance[j])


@kernel
def grow(
    lowest: Floats32, low: Ints32, middle: Ints32, eye: float, rings: int, surface: Floats32
) -> None:
    """Follow the ground outward; heights are above the plane under the sensor.

    State of a sector: height and slope of the ground along the ray. A cell's lowest point moves it
    as far as it is believed to be ground rather than an object above or a reflection below
    (probabilistic data association, Bar-Shalom & Tse, Automatica 1975). A flat cell that comes as
    a surprise is taken all the same where ground leads up to it in small strides (a bank), or
    where it lies above the line of sight over the last ground seen (beyond an edge).

    Args:
        lowest: (CELLS,) lowest height of each cell.
        low: (CELLS,) number of low points in it, see `level`.
        middle: (CELLS,) number of points above those.
        eye: height of the sensor, taken to be at the origin.
        rings: number of rings with points.
        surface: (CELLS,) out: the ground's height in every cell's middle.
    """
    height, slope = np.zeros(SECTORS), np.zeros(SECTORS)
    hh, hs, ss = np.empty(SECTORS), np.empty(SECTORS), np.empty(SECTORS)
    last, last_radius = np.empty(SECTORS), np.empty(SECTORS)
    for j in range(SECTORS):
        hh[j], hs[j], ss[j] = _FIRST_HEIGHT, 0.0, _FIRST_SLOPE
        last[j], last_radius[j] = 0.0, 1e-3
    fused, weight, sums = np.empty(SECTORS), np.empty(SECTORS), np.empty(SECTORS)
    radius = ring_radius(1)
    for i in range(1, rings):
        dr = ring_radius(i) - radius
        radius += dr
        width = radius * STEP
        for j in range(SECTORS):
            height[j] += slope[j] * dr
            hh[j] += 2 * dr * hs[j] + dr * dr * ss[j] + _ROUGHNESS * dr
            hs[j] += dr * ss[j]
            ss[j] += _BENDING * dr
            cell = i * SECTORS + j
            z = lowest[cell]
            if z == EMPTY:
                continue
            flat = middle[cell] * _FLAT <= low[cell]
            off = z - height[j]
            noise = _FLAT_VARIANCE if flat else _TALL_VARIANCE
            total = hh[j] + noise
            if flat and off * off > _SURPRISE * total:
                stride = radius - last_radius[j]
                climbs = stride < _STRIDE and abs(z - last[j]) < _STEEPEST * stride + _KERB
                sight = eye + (last[j] - eye) * np.divide(radius, last_radius[j])
                if climbs or (off < 0 and z > sight):
                    hh[j] = max(hh[j], off * off)
                    ss[j] = max(ss[j], 0.1**2)
                    total = hh[j] + noise
            if off * off > 16 * total:
                continue
            chance = _FLAT_CHANCE if flat else _TALL_CHANCE
            other = (1 - chance) * (_OBJECTS if off > 0 else _REFLECTIONS)
            fit = math.exp(-0.5 * np.divide(off * off, total))
            ground = np.divide(chance * fit, math.sqrt(2 * math.pi * total))
            belief = np.divide(ground, ground + other)
            gain, slope_gain = np.divide(belief * hh[j], total), np.divide(belief * hs[j], total)
            height[j] += gain * off
            slope[j] += slope_gain * off
            ss[j] -= slope_gain * hs[j]
            hs[j] -= gain * hs[j]
            hh[j] -= gain * hh[j]
            if flat and belief > 0.5:
                last[j], last_radius[j] = z, radius
        for j in range(SECTORS):
            weight[j] = np.divide(1.0, hh[j])
        couple(height, weight, _ROUGHNESS_ACROSS * width, fused, sums)
        for j in range(SECTORS):
            height[j] = fused[j]
            surface[i * SECTORS + j] = fused[j]
            weight[j] = np.divide(1.0, ss[j])
        couple(slope, weight, _BENDING_ACROSS * width, fused, sums)
        for j in range(SECTORS):
            slope[j] = fused[j]
        _spread(hh, hs, _ROUGHNESS_ACROSS * width)
        _spread(ss, hs, _BENDING_ACROSS * width)
    close_surface(surface, rings)


@kernel
def close_surface(surface: Floats32, rings: int) -> None:
    """Give ring 0, which is one spot, the mean of ring 1, and unseen rings the last seen one."""
    total = 0.0
    if rings > 1:
        for j in range(SECTORS):
            total += surface[SECTORS + j]
    for j in range(SECTORS):
        surface[j] = total / SECTORS
    for cell in range(rings * SECTORS, CELLS):
        surface[cell] = surface[cell - SECTORS]
