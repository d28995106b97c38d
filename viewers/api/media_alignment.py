"""Where a film or sound lies on a signal's clock, found by what both show of the same movement.

How much moves in the picture, or how loud it is, is laid along how much the signal changes. The
offset is that of the greatest correlation; the drift is a line through the offsets of pieces
(Theil–Sen, so that pieces in which nothing happens do not bend it).
"""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Floats, Mask
from lidar_label.datasets.signals import EvenSignal
from lidar_label.errors import InvalidSignal
from lidar_label.kernels.correlation import Lag, best_lag

RATE_HZ = 50.0
_PIECE_S = 20.0
_MOST_PIECES = 40
_FEWEST_PIECES = 4
_PIECE_REACH_S = 1.0  # a piece lies so near to where the whole does
_LEAST_CORRELATION = 0.4  # of a piece that says something
_LEAST_OVERLAP_S = 5.0
_APART_S = 1.0


@dataclass(frozen=True)
class FoundAlignment:
    """What correlation says.

    Attributes:
        start_ns: The beginning of the film or sound on the signal's clock.
        drift_ppm: How much slower its clock runs, in millionths; 0 where too short to say.
        correlation: Over the whole, at the offset.
        runner_up: The best one elsewhere.
        pieces: How many pieces the drift is from.
    """

    start_ns: int
    drift_ppm: float
    correlation: float
    runner_up: float
    pieces: int


def movement(signal: EvenSignal) -> tuple[Floats, Mask]:
    """How much a signal changes, (T,) at `RATE_HZ`, and where it is known.

    Every channel counts by its own spread, so that units do not matter.
    """
    values = signal.values.astype(np.float64)
    spread = values[signal.valid].std(axis=0) if signal.valid.any() else np.ones(values.shape[1])
    change = np.abs(np.diff(values, axis=0, prepend=values[:1])) / np.maximum(spread, 1e-9)
    count = int(len(values) / signal.rate_hz * RATE_HZ)
    edges = np.minimum(np.arange(count) * (signal.rate_hz / RATE_HZ), len(values) - 1).astype(int)
    total = np.add.reduceat(change.sum(axis=1), edges) if count else np.zeros(0)
    known = np.minimum.reduceat(signal.valid, edges) if count else np.zeros(0, np.bool_)
    return total, known


def align(
    signal: EvenSignal, curve: Floats, curve_rate_hz: float, curve_start_s: float = 0.0
) -> FoundAlignment:
    """Lay a film's or sound's curve along a signal.

    Args:
        signal: On an even clock.
        curve: (M,) how much moves or how loud it is; NaN where not known.
        curve_rate_hz: Its values a second.
        curve_start_s: Second of the film or sound that the first value is of.

    Raises:
        InvalidSignal: if they have too little in common to say.
    """
    first, has_first = movement(signal)
    middle_s = 0.5 / RATE_HZ - 1 / signal.rate_hz  # of the changes in a step, after its beginning
    second, has_second = _at_rate(curve, curve_rate_hz)
    first, second = _evened(first, has_first), _evened(second, has_second)
    whole = best_lag(
        first, second, has_first=has_first, has_second=has_second,
        least=-len(second), most=len(first),
        overlap=round(min(_LEAST_OVERLAP_S * RATE_HZ, len(second) / 2)),
        apart=round(_APART_S * RATE_HZ),
    )  # fmt: skip
    if whole is None:
        raise InvalidSignal("the film or sound has too little in common with the signal to align")
    lag, slope, pieces = _drift(first, has_first, second, has_second, whole)
    seconds = lag / RATE_HZ + middle_s - curve_start_s * (1 + slope)
    start_ns = signal.start_ns + round(seconds * 1e9)
    return FoundAlignment(start_ns, slope * 1e6, whole.correlation, whole.runner_up, pieces)


def _drift(
    first: Floats, has_first: Mask, second: Floats, has_second: Mask, whole: Lag
) -> tuple[float, float, int]:
    """The lag at the second's row 0, how many rows a row it drifts, and from how many pieces."""
    length = max(round(_PIECE_S * RATE_HZ), len(second) // _MOST_PIECES)
    reach = round(_PIECE_REACH_S * RATE_HZ)
    middles: list[float] = []
    lags: list[float] = []
    for start in range(0, len(second) - length + 1, length):
        piece = slice(start, start + length)
        low = max(round(whole.samples) + start - reach, 0)
        near = slice(low, max(low, round(whole.samples) + start + length + reach))
        found = best_lag(
            first[near], second[piece], has_first=has_first[near], has_second=has_second[piece],
            least=0, most=2 * reach, overlap=length // 2, apart=length,
        )  # fmt: skip
        if found is not None and found.correlation >= _LEAST_CORRELATION:
            middles.append(start + length / 2)
            lags.append(found.samples + low - start)
    if len(lags) < _FEWEST_PIECES:
        return whole.samples, 0.0, 0
    x, y = np.array(middles), np.array(lags)
    i, j = np.triu_indices(len(x), 1)
    slope = float(np.median((y[j] - y[i]) / (x[j] - x[i])))
    return float(np.median(y - slope * x)), slope, len(lags)


def _at_rate(curve: Floats, rate_hz: float) -> tuple[Floats, Mask]:
    """The curve at `RATE_HZ` by straight lines, and where it is known."""
    known = np.isfinite(curve)
    if known.sum() < 2:
        raise InvalidSignal("nothing moves or sounds in it that could be aligned")
    place = np.arange(int((len(curve) - 1) / rate_hz * RATE_HZ) + 1) * (rate_hz / RATE_HZ)
    rows = np.arange(len(curve))
    near = np.minimum(np.rint(place).astype(int), len(curve) - 1)
    return np.interp(place, rows[known], curve[known]), known[near]


def _evened(values: Floats, has: Mask) -> Floats:
    """Logarithms, so that one knock does not outweigh all else."""
    usual = float(np.median(values[has])) if has.any() else 0.0
    return np.log(np.maximum(values, 0.0) + max(usual, 1e-6))
