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
def couple(
    mean: Floats, weight: Floats, noise: float, ahead: Floats, back: Floats, fused: Floats
) -> None:
    """Fuse each sector's estimate with its neighbours', `noise` variance a sector apart.

    Messages both ways round the circle, as on a chain of Gaussian variables (Weiss & Freeman,
    Neural Computation 2001). Both ways at once: each step waits for a division of the one before
    it, and a processor that has two such chains works on one while it waits for the other.

    Args:
        mean: (SECTORS,).
        weight: (SECTORS,) inverse variances, > 0.
        noise: variance by which neighbours differ.
        ahead: (2, SECTORS) scratch.
        back: (2, SECTORS) scratch.
        fused: (SECTORS,) out: fused means.
    """
    n = len(mean)
    w = e = back_w = back_e = 0.0
    for step in range(-_OVERLAP, n):
        j = step if step >= 0 else step + n
        k = n - 1 - j
        ahead[0, j], ahead[1, j] = w, e
        back[0, k], back[1, k] = back_w, back_e
        w += weight[j]
        e += weight[j] * mean[j]
        back_w += weight[k]
        back_e += weight[k] * mean[k]
        share = np.divide(1.0, 1.0 + noise * w)
        back_share = np.divide(1.0, 1.0 + noise * back_w)
        w *= share
        e *= share
        back_w *= back_share
        back_e *= back_share
    for j in range(n):
        total = weight[j] + ahead[0, j] + back[0, j]
        fused[j] = np.divide(weight[j] * mean[j] + ahead[1, j] + back[1, j], total)


@kernel
def couple_both(
    mean: Floats, weight: Floats, noise: Floats, ahead: Floats, back: Floats, fused: Floats
) -> None:
    """Do `couple` for two estimates a sector; (2, …) but for the scratch, which is (4, SECTORS)."""
    n = mean.shape[1]
    w = e = back_w = back_e = 0.0
    v = f = back_v = back_f = 0.0
    first, second = noise[0], noise[1]
    for step in range(-_OVERLAP, n):
        j = step if step >= 0 else step + n
        k = n - 1 - j
        ahead[0, j], ahead[1, j], ahead[2, j], ahead[3, j] = w, e, v, f
        back[0, k], back[1, k], back[2, k], back[3, k] = back_w, back_e, back_v, back_f
        w += weight[0, j]
        e += weight[0, j] * mean[0, j]
        v += weight[1, j]
        f += weight[1, j] * mean[1, j]
        back_w += weight[0, k]
        back_e += weight[0, k] * mean[0, k]
        back_v += weight[1, k]
        back_f += weight[1, k] * mean[1, k]
        share, back_share = np.divide(1.0, 1.0 + first * w), np.divide(1.0, 1.0 + first * back_w)
        w *= share
        e *= share
        back_w *= back_share
        back_e *= back_share
        share, back_share = np.divide(1.0, 1.0 + second * v), np.divide(1.0, 1.0 + second * back_v)
        v *= share
        f *= share
        back_v *= back_share
        back_f *= back_share
    for part in range(2):
        for j in range(n):
            total = weight[part, j] + ahead[2 * part, j] + back[2 * part, j]
            moment = weight[part, j] * mean[part, j] + ahead[2 * part + 1, j]
            fused[part, j] = np.divide(moment + back[2 * part + 1, j], total)


@kernel
def spread(
    variance: Floats, covariance: Floats, noise: Floats, ahead: Floats, back: Floats
) -> None:
    """Let no sector be less sure than a neighbour is, plus `noise` variance a sector between.

    Not the sum of their information: what neighbours know they heard from the same inner rings,
    and to add it again at every ring would make all of them sure of anything.

    Args:
        variance: (2, SECTORS) in and out, of two estimates.
        covariance: (SECTORS,) of the two, in and out: their correlation stays.
        noise: (2,) of each.
        ahead: (≥2, SECTORS) scratch.
        back: (≥2, SECTORS) scratch.
    """
    n = len(covariance)
    a = b = back_a = back_b = 1e9
    for step in range(-_OVERLAP, n):
        j = step if step >= 0 else step + n
        k = n - 1 - j
        a, b = min(a + noise[0], variance[0, j]), min(b + noise[1], variance[1, j])
        back_a = min(back_a + noise[0], variance[0, k])
        back_b = min(back_b + noise[1], variance[1, k])
        ahead[0, j], ahead[1, j], back[0, k], back[1, k] = a, b, back_a, back_b
    for j in range(n):
        height, slope = min(ahead[0, j], back[0, j]), min(ahead[1, j], back[1, j])
        share = np.divide(height * slope, variance[0, j] * variance[1, j])
        covariance[j] *= math.sqrt(share)
        variance[0, j], variance[1, j] = height, slope


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
    state, variance = np.zeros((2, SECTORS)), np.empty((2, SECTORS))
    weight, fused = np.empty((2, SECTORS)), np.empty((2, SECTORS))
    height, slope, hh, ss = state[0], state[1], variance[0], variance[1]
    hs, last, last_radius = np.zeros(SECTORS), np.zeros(SECTORS), np.full(SECTORS, 1e-3)
    hh[:], ss[:] = _FIRST_HEIGHT, _FIRST_SLOPE
    ahead, back, noise = np.empty((4, SECTORS)), np.empty((4, SECTORS)), np.empty(2)
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
            doubt = _FLAT_VARIANCE if flat else _TALL_VARIANCE
            total = hh[j] + doubt
            if flat and off * off > _SURPRISE * total:
                stride = radius - last_radius[j]
                climbs = stride < _STRIDE and abs(z - last[j]) < _STEEPEST * stride + _KERB
                sight = eye + (last[j] - eye) * np.divide(radius, last_radius[j])
                if climbs or (off < 0 and z > sight):
                    hh[j] = max(hh[j], off * off)
                    ss[j] = max(ss[j], 0.1**2)
                    total = hh[j] + doubt
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
        for part in range(2):
            for j in range(SECTORS):
                weight[part, j] = np.divide(1.0, variance[part, j])
        noise[0], noise[1] = _ROUGHNESS_ACROSS * width, _BENDING_ACROSS * width
        couple_both(state, weight, noise, ahead, back, fused)
        for j in range(SECTORS):
            height[j], slope[j] = fused[0, j], fused[1, j]
            surface[i * SECTORS + j] = fused[0, j]
        spread(variance, hs, noise, ahead, back)
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
