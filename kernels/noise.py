"""Smooth pseudo-random values in space: lattice noise (Perlin, "An image synthesizer", 1985)."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32
from lidar_label.kernels.jit import kernel


def lattice_noise(points: NDArray[Any], spacing: float, seed: int = 0) -> Floats32:
    """(N,) float32 in [0, 1): random at the nodes of a lattice, blended smoothly between them.

    Args:
        points: (N, 3) metres; at most ±1e6 spacings from the origin.
        spacing: metres from node to node.
        seed: another seed, other values.
    """
    places = np.ascontiguousarray(points, dtype=np.float64)
    values = np.empty(len(places), np.float32)
    _fill(places, 1.0 / spacing, np.uint64(seed & 0xFFFFFFFF), values)
    return values


@kernel
def _node(x: int, y: int, z: int, seed: np.uint64) -> float:
    """A number in [0, 1) made of its arguments (mixing of SplitMix64, OOPSLA 2014)."""
    h = (
        seed * np.uint64(0x9E3779B97F4A7C15)
        + np.uint64(x + 1073741824) * np.uint64(0xD1B54A32D192ED03)
        + np.uint64(y + 1073741824) * np.uint64(0xABC98388FB8FAC03)
        + np.uint64(z + 1073741824) * np.uint64(0x8CB92BA72F3D8DD7)
    )
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return float((h ^ (h >> np.uint64(31))) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@kernel
def _fill(points: Floats, scale: float, seed: np.uint64, values: Floats32) -> None:
    for i in range(len(points)):
        x, y, z = points[i, 0] * scale, points[i, 1] * scale, points[i, 2] * scale
        fx, fy, fz = math.floor(x), math.floor(y), math.floor(z)
        u, v, w = x - fx, y - fy, z - fz
        u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
        a, b, c = int(fx), int(fy), int(fz)
        total = 0.0
        for k in range(8):
            dx, dy, dz = k & 1, (k >> 1) & 1, k >> 2
            weight = (u if dx else 1 - u) * (v if dy else 1 - v) * (w if dz else 1 - w)
            if weight > 0.0:
                total += weight * _node(a + dx, b + dy, c + dz, seed)
        values[i] = total
