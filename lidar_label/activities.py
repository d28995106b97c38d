"""Activity segmentation: where a signal changes, and what each stretch of it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lidar_label.activity_features import ChangeRows, change_rows, sensor_columns
from lidar_label.arrays import Floats, Floats32, Ints
from lidar_label.datasets.signals import EvenSignal, Signal, on_even_clock
from lidar_label.datasets.windows import Windows
from lidar_label.errors import InvalidConfig
from lidar_label.kernels.changepoints import level_and_spread_cost, partition, two_sided_gain

_HORIZON = 2400  # rows, ten minutes: a longer stretch without a change keeps only its best start
_SAMPLED_ROWS = 4000  # enough to know their covariance
_REST_ACCELERATION = 0.1  # m/s², noise of a phone at rest
_REST_TURN = 0.03  # rad/s, likewise
_CHI_SQUARED_95 = 3.84  # one degree of freedom: the place of the boundary
_PER_LOG_ROW = 2 / 3  # neighbouring rows share most of their window and say the same thing twice

AnySignal = EvenSignal | Signal | Sequence[Signal]


@dataclass(frozen=True)
class ChangePointConfig:
    """Settings of the search.

    Attributes:
        penalty: The slider, 1 by default: twice as much finds only changes that are twice as
            clear. One more change must save penalty · ⅔ · ln(n) rows, the information criterion of
            Schwarz (Annals of Statistics 1978) for n rows, or for the ten minutes that the search
            looks back where there are more.
        shortest_s: No two changes are closer.
        harmonics: Random Fourier features of the Gaussian kernel; more is closer to exact.
        kept_variance: Share of their variance whose principal components are searched.
        seed: Of those features; the same seed gives the same changes.
        refine_s: How far a change may be moved to the sample at which level and spread break. Of
            a machine's or a simulated change this finds the sample; hand-made labels of people
            follow no such break, so it is off (0).
        rows: How a moment is described.
    """

    penalty: float = 1.0
    shortest_s: float = 1.2
    harmonics: int = 64
    kept_variance: float = 0.99
    seed: int = 1
    refine_s: float = 0.0
    rows: ChangeRows = field(default_factory=ChangeRows)


@dataclass(frozen=True, eq=False)
class ChangePoints:
    """Where a signal changes.

    Attributes:
        time_ns: (M,) int64, rising.
        low_ns: (M,) int64, start of the band that holds the true boundary.
        high_ns: (M,) int64, its end.
        gain: (M,) float64, what the change saves, in penalties: the higher, the clearer.
    """

    time_ns: Ints
    low_ns: Ints
    high_ns: Ints
    gain: Floats

    def __len__(self) -> int:
        return len(self.time_ns)


def change_points(signal: AnySignal, config: ChangePointConfig | None = None) -> ChangePoints:
    """Find the moments at which the kind of motion changes.

    The signal is described every `hop_s` by gravity's direction, the size of motion and turning;
    the penalised search of `kernels.changepoints` over a Gaussian kernel of these rows gives the
    changes, whose band is where the split could stand at little cost.

    Raises:
        InvalidSignal: if there are no or too few samples.
        InvalidConfig: if a setting is out of range.
    """
    config = config or ChangePointConfig()
    if config.penalty <= 0 or config.harmonics < 1 or config.shortest_s <= 0:
        raise InvalidConfig("penalty, shortest_s and harmonics must be > 0")
    even = as_even(signal)
    rows, samples = change_rows(even, config.rows)
    if len(rows) < 2:
        none = np.zeros(0, dtype=np.int64)
        return ChangePoints(none, none, none, np.zeros(0))
    embedded = principal(embed(rows, config.harmonics, config.seed), config.kept_variance)
    shortest = max(round(config.shortest_s / config.rows.hop_s), 1)
    price = config.penalty * _PER_LOG_ROW * float(np.log(min(len(rows), _HORIZON)))
    found = partition(embedded, price, min_length=shortest, horizon=_HORIZON)
    changes = _with_bands(even, embedded, samples, found, price)
    return _refined(even, changes, config.refine_s) if config.refine_s > 0 else changes


def as_even(signal: AnySignal) -> EvenSignal:
    """Any kind of signal on an even clock."""
    if isinstance(signal, EvenSignal):
        return signal
    return on_even_clock((signal,) if isinstance(signal, Signal) else tuple(signal))


def embed(rows: Floats32, harmonics: int, seed: int) -> Floats32:
    """Random Fourier features (Rahimi & Recht, NIPS 2007) of the kernel exp(−|a − b|² / 2).

    Their directions are orthogonal in blocks, which halves the error (Yu et al., NIPS 2016).

    Returns:
        (W, 2·harmonics) float32; inner products approximate the kernel.
    """
    frequencies = _orthogonal(rows.shape[1], harmonics, np.random.default_rng(seed))
    phases = rows @ frequencies.astype(np.float32)
    waves = np.empty((len(rows), 2 * harmonics), dtype=np.float32)
    np.cos(phases, out=waves[:, :harmonics])
    np.sin(phases, out=waves[:, harmonics:])
    waves /= np.sqrt(harmonics)
    return waves


def principal(rows: Floats32, kept: float) -> Floats32:
    """(W, C) rows on their first principal components, which hold `kept` of the variance."""
    sample = rows[:: max(len(rows) // _SAMPLED_ROWS, 1)]
    centre = sample.mean(axis=0)
    spread = sample - centre
    variance, directions = np.linalg.eigh(spread.T @ spread)
    share = np.cumsum(variance[::-1]) / max(float(variance.sum()), 1e-12)
    count = int(np.searchsorted(share, kept)) + 1
    return np.ascontiguousarray((rows - centre) @ directions[:, ::-1][:, :count], dtype=np.float32)


def _orthogonal(width: int, count: int, rng: np.random.Generator) -> Floats:
    """(width, count) Gaussian directions, orthogonal within each block of `width`."""
    blocks: list[Floats] = []
    for _ in range(-(-count // width)):
        turned = np.linalg.qr(rng.normal(size=(width, width)))[0]
        lengths = np.linalg.norm(rng.normal(size=(width, width)), axis=1)
        blocks.append(turned * lengths)
    return np.hstack(blocks)[:, :count]


def _with_bands(
    even: EvenSignal, rows: Floats32, samples: Floats, found: Ints, penalty: float
) -> ChangePoints:
    """Time, band and gain of each change, each weighed between its neighbours."""
    edges = np.concatenate(([0], found, [len(rows)]))
    time = np.empty(len(found))
    band = np.empty((len(found), 2))
    gain = np.empty(len(found))
    hop = samples[1] - samples[0]
    for i in range(len(found)):
        first, last = int(edges[i]), int(edges[i + 2])
        profile = two_sided_gain(rows, first, last)
        best = int(profile.argmax())
        near = profile >= profile[best] - 0.1 * penalty
        left = right = best
        while left > 1 and near[left - 1]:
            left -= 1
        while right < len(profile) - 2 and near[right + 1]:
            right += 1
        at = int(found[i])
        time[i] = (samples[at - 1] + samples[at]) / 2
        gain[i] = profile[at - first] / penalty
        band[i] = (
            min(samples[first + left - 1], time[i] - hop / 2),
            max(samples[min(first + right, len(samples) - 1)], time[i] + hop / 2),
        )
    return ChangePoints(
        even.time_ns(time), even.time_ns(band[:, 0]), even.time_ns(band[:, 1]), gain
    )


def _refined(even: EvenSignal, changes: ChangePoints, reach_s: float) -> ChangePoints:
    """Move changes to the sample at which level and spread break; the band is 95 % likely."""
    acc, gyro, other = sensor_columns(even)
    columns = [*acc, *gyro] or other
    values = even.values[:, columns]
    quiet = np.full(len(columns), 1e-3) * (values.std(axis=0) + 1e-9)
    quiet[: len(acc)] = _REST_ACCELERATION
    quiet[len(acc) : len(acc) + len(gyro)] = _REST_TURN
    at = even.sample(changes.time_ns)
    edges = np.concatenate(([0.0], at, [float(len(values))]))
    middle = (edges[1:] + edges[:-1]) / 2
    reach = reach_s * even.rate_hz
    moved, low, high = at.copy(), at - 0.5, at + 0.5
    for i in range(len(at)):
        first = int(max(middle[i], at[i] - 4 * reach, 0))
        last = int(min(middle[i + 1], at[i] + 4 * reach, len(values)))
        start = int(max(at[i] - reach - first, 2))
        end = int(min(at[i] + reach - first, last - first - 2))
        if end - start < 2:
            continue
        cost = level_and_spread_cost(values[first:last], start, end, quiet)
        likely = np.flatnonzero(cost <= cost.min() + _CHI_SQUARED_95)
        moved[i] = first + start + int(cost.argmin())
        low[i], high[i] = first + start + likely[0] - 0.5, first + start + likely[-1] + 0.5
    order = np.argsort(moved, kind="stable")
    return ChangePoints(
        even.time_ns(moved[order]),
        even.time_ns(low[order]),
        even.time_ns(high[order]),
        changes.gain[order],
    )


def windows_between(signal: AnySignal, changes: ChangePoints) -> Windows:
    """The stretches between change points as windows without a class."""
    even = as_even(signal)
    end = even.time_ns(float(len(even.values)))
    edges = np.concatenate(([even.start_ns], changes.time_ns, [end])).astype(np.int64)
    bands = np.concatenate(([0], (changes.high_ns - changes.low_ns) // 2, [0]))
    return Windows.of(
        edges[:-1],
        edges[1:],
        start_uncertainty_ns=bands[:-1],
        end_uncertainty_ns=bands[1:],
        reason="between two changes of motion",
    )
