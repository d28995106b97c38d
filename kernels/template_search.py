"""Where a signal looks like a template: distance profiles over many channels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints, Mask
from lidar_label.errors import InvalidSignal
from lidar_label.kernels.jit import simd_kernel


def distance_profile(template: NDArray[Any], rows: NDArray[Any], *, normalised: bool = False) -> Floats:  # fmt: skip # noqa: E501
    """Root mean square distance of a template to every stretch of its length.

    Args:
        template: (M, D) float.
        rows: (N, D) float, N ≥ M.
        normalised: Compare shapes only: each channel of template and stretch less its mean, over
            its deviation, as matrix profiles do (Yeh et al., ICDM 2016).

    Returns:
        (N − M + 1,) float64, of the stretch that begins at each row; in units of the rows, or of
        deviations where normalised.

    Raises:
        InvalidSignal: if shapes do not fit or values are not finite.
    """
    template = np.ascontiguousarray(template, dtype=np.float32)
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    if template.ndim != 2 or rows.ndim != 2 or template.shape[1] != rows.shape[1]:
        raise InvalidSignal(
            f"template {template.shape} and rows {rows.shape} must be (M, D) and (N, D)"
        )
    if not 1 <= len(template) <= len(rows):
        raise InvalidSignal(
            f"a template of {len(template)} rows in a signal of {len(rows)}; it must fit in"
        )
    if not (np.isfinite(template).all() and np.isfinite(rows).all()):
        raise InvalidSignal("template or rows hold NaN or infinity; fill or cut the gaps first")
    if normalised:
        template = _standard(template)
        return _normalised_profile(template, rows)
    return _profile(template, rows)


def best_matches(profile: Floats, count: int, apart: int, allowed: Mask | None = None) -> Ints:
    """The lowest places of a profile, no two nearer than `apart` rows.

    Returns:
        (≤ count,) int64, best first.
    """
    left = np.where(allowed, profile, np.inf) if allowed is not None else profile.copy()
    found: list[int] = []
    while len(found) < count:
        best = int(left.argmin())
        if not np.isfinite(left[best]):
            break
        found.append(best)
        left[max(best - apart + 1, 0) : best + apart] = np.inf
    return np.array(found, dtype=np.int64)


def _standard(template: Floats32 | Floats) -> Floats32:
    template = template.astype(np.float64)  # in float32 a flat channel has a deviation
    deviation = template.std(axis=0)
    scale = np.where(deviation > _FLAT, deviation, np.inf)
    return ((template - template.mean(axis=0)) / scale).astype(np.float32)


_FLAT = 1e-6  # a channel that moves less has no shape


@simd_kernel
def _profile(template: Floats32, rows: Floats32) -> Floats:
    m, width = template.shape
    count = len(rows) - m + 1
    profile = np.zeros(count)
    for i in range(count):
        total = 0.0
        for j in range(m):
            for c in range(width):
                d = float(rows[i + j, c]) - template[j, c]
                total += d * d
        profile[i] = np.sqrt(total / (m * width))
    return profile


@simd_kernel
def _normalised_profile(template: Floats32, rows: Floats32) -> Floats:
    m, width = template.shape
    count = len(rows) - m + 1
    profile = np.zeros(count)
    for i in range(count):
        total = 0.0
        for c in range(width):
            mean = 0.0
            for j in range(m):
                mean += rows[i + j, c]
            mean /= m
            square = 0.0
            both = 0.0
            own = 0.0
            for j in range(m):
                d = rows[i + j, c] - mean
                square += d * d
                both += d * template[j, c]
                own += template[j, c] * template[j, c]
            deviation = np.sqrt(square / m)
            if deviation > 1e-6:
                total += own + m - 2 * both / deviation
            else:
                total += own
        profile[i] = np.sqrt(max(total, 0.0) / (m * width))
    return profile
