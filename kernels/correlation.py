"""The lag between two even series of which parts are missing, to a fraction of a sample.

Correlation over the samples that both have, for every lag at once by six Fourier transforms
(Padfield, "Masked object registration in the Fourier domain", IEEE TIP 2012).
"""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Floats, Mask
from lidar_label.errors import InvalidSignal

_TINY = 1e-9  # of the total variance: less in an overlap is rounding


@dataclass(frozen=True)
class Lag:
    """Where one series lies on another.

    Attributes:
        samples: Row of the first series at which row 0 of the second lies.
        correlation: Pearson's over what both have, in [−1, 1].
        runner_up: The best correlation elsewhere: near the first, the lag is not sure.
    """

    samples: float
    correlation: float
    runner_up: float


def best_lag(
    first: Floats,
    second: Floats,
    *,
    has_first: Mask,
    has_second: Mask,
    least: int,
    most: int,
    overlap: int,
    apart: int,
) -> Lag | None:
    """The lag of greatest correlation, refined by a parabola through its neighbours.

    Args:
        first: (N,) float.
        second: (M,) float at the same rate.
        has_first: (N,) bool, False where a sample is missing.
        has_second: (M,) bool.
        least: Least lag to look at, in samples; may be below 0.
        most: Greatest.
        overlap: Samples that both must have at a lag.
        apart: Samples from the best within which there is no runner-up.

    Returns:
        None where at no lag both have so many samples, or they do not vary there.

    Raises:
        InvalidSignal: if shapes do not fit.
    """
    if first.shape != has_first.shape or second.shape != has_second.shape or first.ndim != 1:
        raise InvalidSignal(
            f"series {first.shape} and {second.shape}, masks {has_first.shape} and "
            f"{has_second.shape}; pass (N,) and (M,) with a mask each"
        )
    least, most = max(least, 1 - len(second)), min(most, len(first) - 1)
    if least > most or not has_first.any() or not has_second.any():
        return None
    score = correlations(first, second, has_first, has_second, overlap)
    lags = np.arange(1 - len(second), len(first))
    score[(lags < least) | (lags > most)] = -np.inf
    best = int(np.argmax(score))
    if not np.isfinite(score[best]):
        return None
    away = np.abs(lags - lags[best]) > apart
    runner_up = float(max(score[away].max(initial=-1.0), -1.0))
    return Lag(float(lags[best]) + _peak(score, best), float(score[best]), runner_up)


def correlations(
    first: Floats, second: Floats, has_first: Mask, has_second: Mask, overlap: int
) -> Floats:
    """Pearson's correlation at the lags 1 − M … N − 1; −inf where it is not known.

    Returns:
        (N + M − 1,) float64.
    """
    a, b = _centred(first, has_first), _centred(second, has_second)
    wa, wb = has_first.astype(np.float64), has_second.astype(np.float64)
    size = 1 << (len(a) + len(b) - 2).bit_length()
    ahead = {name: np.fft.rfft(x, size) for name, x in (("a", a), ("aa", a * a), ("w", wa))}
    behind = {name: np.fft.rfft(x[::-1], size) for name, x in (("b", b), ("bb", b * b), ("w", wb))}

    def total(one: str, two: str) -> Floats:
        return np.fft.irfft(ahead[one] * behind[two], size)[: len(a) + len(b) - 1]

    count = np.rint(total("w", "w"))
    known = count >= max(overlap, 2)
    n = np.where(known, count, 1.0)
    sum_a, sum_b = total("a", "w"), total("w", "b")
    var_a = total("aa", "w") - sum_a * sum_a / n
    var_b = total("w", "bb") - sum_b * sum_b / n
    known &= (var_a > _TINY * (a @ a)) & (var_b > _TINY * (b @ b))
    scale = np.sqrt(np.where(known, var_a * var_b, 1.0))
    return np.where(known, (total("a", "b") - sum_a * sum_b / n) / scale, -np.inf)


def _centred(values: Floats, has: Mask) -> Floats:
    """Zero where missing, and about zero elsewhere, so that sums of squares keep their digits."""
    mean = float(values[has].mean()) if has.any() else 0.0
    return np.where(has, values - mean, 0.0).astype(np.float64)


def _peak(score: Floats, best: int) -> float:
    """How far the top of a parabola through three scores lies from the middle one."""
    if not 0 < best < len(score) - 1 or not np.isfinite(score[best - 1 : best + 2]).all():
        return 0.0
    before, top, after = score[best - 1 : best + 2].tolist()
    bend = before - 2 * top + after
    return 0.0 if bend >= 0 else min(max(0.5 * (before - after) / bend, -0.5), 0.5)
