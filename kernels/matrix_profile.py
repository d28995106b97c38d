"""Matrix profile: how far every stretch of a signal is from the nearest other, and where it is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints
from lidar_label.errors import InvalidSignal
from lidar_label.kernels.jit import simd_kernel

_FLAT = 1e-6  # a channel that moves less has no shape


def matrix_profile(
    rows: NDArray[Any],
    length: int,
    *,
    apart: int | None = None,
    normalised: bool = False,
    share: float = 1.0,
    seed: int = 0,
) -> tuple[Floats, Ints]:
    """Distance of every stretch to its nearest neighbour, over all channels together.

    Pairs are walked along diagonals, where the next sum of squares or products follows from the
    last in O(1) whatever the length (STOMP, Zhu et al., ICDM 2016), and the diagonals come in a
    random order, so that a share of them approximates the whole (SCRIMP, Zhu et al., ICDM 2018).

    Args:
        rows: (N, D) float, finite.
        length: Rows a stretch.
        apart: Stretches nearer than this are no neighbours; half the length when None.
        normalised: Compare shapes only, each channel of each stretch less its mean, over its
            deviation; else the rows as they are, as `template_search.distance_profile` does.
        share: Of the diagonals, within (0, 1]; the profile is never too low.
        seed: Of their order.

    Returns:
        distance: (N − length + 1,) float64 root mean square over rows and channels, ∞ where there
            is no neighbour.
        neighbour: (N − length + 1,) int64, where the nearest begins; −1 where there is none.

    Raises:
        InvalidSignal: if rows are not (N, D), not finite, shorter than a stretch, or a setting is
            out of range.
    """
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    if rows.ndim != 2 or not 1 <= length <= len(rows):
        raise InvalidSignal(f"stretches of {length} in rows {rows.shape}; pass (N, D), N ≥ length")
    if not np.isfinite(rows).all():
        raise InvalidSignal("rows hold NaN or infinity; fill or cut the gaps first")
    apart = max(length // 2, 1) if apart is None else apart
    if apart < 1 or not 0 < share <= 1:
        raise InvalidSignal("apart must be ≥ 1 and share within (0, 1]")
    count = len(rows) - length + 1
    square = np.full(count, np.inf)
    neighbour = np.full(count, -1, dtype=np.int64)
    diagonals = np.random.default_rng(seed).permutation(np.arange(apart, count, dtype=np.int64))
    diagonals = diagonals[: int(np.ceil(share * len(diagonals)))]
    if normalised:
        centred = rows - rows.mean(axis=0)  # keeps the products small
        mean, inverse = _means_and_inverse_deviations(centred, length)
        _shape_diagonals(centred, length, mean, inverse, diagonals, square, neighbour)
    else:
        _diagonals(rows, length, diagonals, square, neighbour)
    return np.sqrt(np.maximum(square, 0.0) / (length * rows.shape[1])), neighbour


def _means_and_inverse_deviations(rows: Floats32, length: int) -> tuple[Floats, Floats]:
    """(W, D) of every stretch; the inverse is zero where a channel is flat."""
    stretches = np.lib.stride_tricks.sliding_window_view(rows.astype(np.float64), length, axis=0)
    mean, deviation = stretches.mean(axis=2), stretches.std(axis=2)
    inverse = np.where(deviation > _FLAT, 1.0 / np.maximum(deviation, _FLAT), 0.0)
    return np.ascontiguousarray(mean), np.ascontiguousarray(inverse)


@simd_kernel
def _diagonals(
    rows: Floats32, length: int, diagonals: Ints, square: Floats, neighbour: Ints
) -> None:
    width = rows.shape[1]
    count = len(square)
    steps = np.empty(len(rows))  # squared distances of single rows, along one diagonal
    for k in diagonals:
        pairs = len(rows) - k
        for i in range(pairs):
            total = 0.0
            for c in range(width):
                d = float(rows[i, c]) - rows[i + k, c]
                total += d * d
            steps[i] = total
        run = 0.0
        for i in range(length):
            run += steps[i]
        for i in range(count - k):
            if i > 0:
                run += steps[i + length - 1] - steps[i - 1]
            if run < square[i]:
                square[i] = run
                neighbour[i] = i + k
            if run < square[i + k]:
                square[i + k] = run
                neighbour[i + k] = i


@simd_kernel
def _shape_diagonals(
    rows: Floats32,
    length: int,
    mean: Floats,
    inverse: Floats,
    diagonals: Ints,
    square: Floats,
    neighbour: Ints,
) -> None:
    width = rows.shape[1]
    count = len(square)
    product = np.empty(width)
    for k in diagonals:
        for c in range(width):
            product[c] = 0.0
            for i in range(length):
                product[c] += float(rows[i, c]) * rows[i + k, c]
        for i in range(count - k):
            run = 0.0
            for c in range(width):
                if i > 0:
                    product[c] += float(rows[i + length - 1, c]) * rows[i + k + length - 1, c]
                    product[c] -= float(rows[i - 1, c]) * rows[i + k - 1, c]
                a, b = inverse[i, c], inverse[i + k, c]
                if a > 0.0 and b > 0.0:
                    covariance = product[c] / length - mean[i, c] * mean[i + k, c]
                    run += 2.0 * length * (1.0 - covariance * a * b)
                elif a > 0.0 or b > 0.0:
                    run += length
            if run < square[i]:
                square[i] = run
                neighbour[i] = i + k
            if run < square[i + k]:
                square[i + k] = run
                neighbour[i + k] = i
