"""Signals as they were sampled, gaps and all; and one even clock for analysis."""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Floats, Ints, Mask
from lidar_label.errors import InvalidSignal

NS_PER_S = 1_000_000_000
STANDARD_GRAVITY = 9.80665  # m/s², ISO 80000-3
_GAP_FACTOR = 4.0  # a pause of this many median sample times is a gap …
_SHORTEST_GAP_S = 0.2  # … if it lasts at least this long


@dataclass(frozen=True, eq=False)
class Signal:
    """Samples of some channels on one clock.

    Attributes:
        time_ns: (T,) int64, strictly rising nanoseconds of the signal's own clock.
        values: (T, C) float64, NaN where a sample is missing.
        channels: C names; `acc_x acc_y acc_z gyro_x …` where the sensor was recognised.
        units: C units as text: `m/s²`, `rad/s`, `µT`, or "" where unknown.
        source: The file it came from.
        notes: What the reader recognised or assumed, in words.
    """

    time_ns: Ints
    values: Floats
    channels: tuple[str, ...]
    units: tuple[str, ...]
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.time_ns), len(self.channels)):
            raise InvalidSignal(
                f"{self.source or 'signal'}: values have shape {self.values.shape}, but there are "
                f"{len(self.time_ns)} times and {len(self.channels)} channels"
            )
        if len(self.time_ns) > 1 and (np.diff(self.time_ns) <= 0).any():
            row = int(np.flatnonzero(np.diff(self.time_ns) <= 0)[0]) + 1
            raise InvalidSignal(
                f"{self.source or 'signal'}: time does not rise at sample {row}; sort the samples "
                "and drop duplicates"
            )

    def __len__(self) -> int:
        return len(self.time_ns)

    @property
    def rate_hz(self) -> float:
        """The median sampling rate; 0 for fewer than two samples."""
        if len(self) < 2:
            return 0.0
        return NS_PER_S / float(np.median(np.diff(self.time_ns)))

    @property
    def duration_s(self) -> float:
        """From the first sample to the last."""
        return 0.0 if len(self) < 2 else float(self.time_ns[-1] - self.time_ns[0]) / NS_PER_S

    @property
    def gaps(self) -> Ints:
        """(G, 2) int64: last time before and first time after each pause in the sampling."""
        if len(self) < 3:
            return np.zeros((0, 2), dtype=np.int64)
        steps = np.diff(self.time_ns)
        longest = max(_GAP_FACTOR * float(np.median(steps)), _SHORTEST_GAP_S * NS_PER_S)
        before = np.flatnonzero(steps > longest)
        return np.column_stack((self.time_ns[before], self.time_ns[before + 1]))

    def columns(self, sensor: str) -> tuple[int, ...]:
        """The three columns `sensor_x sensor_y sensor_z`, or none."""
        names = [f"{sensor}_{axis}" for axis in "xyz"]
        if any(name not in self.channels for name in names):
            return ()
        return tuple(self.channels.index(name) for name in names)


@dataclass(frozen=True, eq=False)
class EvenSignal:
    """A signal on an even clock, for kernels.

    Attributes:
        start_ns: Time of the first sample.
        rate_hz: Samples a second.
        values: (T, C) float32 without NaN; gaps are bridged by straight lines …
        valid: (T,) bool … and marked False here.
        channels: C names.
    """

    start_ns: int
    rate_hz: float
    values: np.ndarray
    valid: Mask
    channels: tuple[str, ...]

    def time_ns(self, sample: Floats | Ints | float) -> Ints:
        """Times of samples, whole or fractional, counted from 0."""
        return self.start_ns + np.rint(np.asarray(sample) * (NS_PER_S / self.rate_hz)).astype(
            np.int64
        )

    def sample(self, time_ns: Ints) -> Floats:
        """Fractional samples of times."""
        ahead = np.asarray(time_ns, dtype=np.int64) - self.start_ns
        return ahead.astype(np.float64) * (self.rate_hz / NS_PER_S)


def on_even_clock(signals: tuple[Signal, ...], *, rate_hz: float | None = None) -> EvenSignal:
    """Bring streams of several rates to one even clock over the span that all of them cover.

    Args:
        signals: Streams on the same clock.
        rate_hz: Samples a second; the lowest median rate of the streams when None.

    Raises:
        InvalidSignal: if there is no stream, a stream has < 2 samples, or they do not overlap.
    """
    if not signals:
        raise InvalidSignal("no signal was read; name a file with at least one numeric channel")
    short = [signal for signal in signals if len(signal) < 2]
    if short:
        raise InvalidSignal(f"{short[0].source}: fewer than 2 samples; nothing to segment")
    rate = rate_hz or min(signal.rate_hz for signal in signals)
    start = max(int(signal.time_ns[0]) for signal in signals)
    end = min(int(signal.time_ns[-1]) for signal in signals)
    if end <= start:
        raise InvalidSignal(
            f"{signals[0].source}: the streams do not overlap in time; check their clocks"
        )
    count = int((end - start) * rate / NS_PER_S) + 1
    clock_s = np.arange(count) / rate
    values = np.empty((count, sum(len(signal.channels) for signal in signals)), dtype=np.float32)
    valid = np.ones(count, dtype=np.bool_)
    column = 0
    for signal in signals:
        own_s = (signal.time_ns - start) / NS_PER_S
        for index in range(len(signal.channels)):
            channel = signal.values[:, index]
            known = np.isfinite(channel)
            if not known.any():
                raise InvalidSignal(
                    f"{signal.source}: channel {signal.channels[index]} holds no finite value; "
                    "leave it out"
                )
            values[:, column] = np.interp(clock_s, own_s[known], channel[known])
            column += 1
            for first, after in _missing(signal.time_ns, known):
                valid[_between(clock_s, first, after, start)] = False
        for first, after in signal.gaps:
            valid[_between(clock_s, first, after, start)] = False
    names = tuple(name for signal in signals for name in signal.channels)
    return EvenSignal(start, rate, values, valid, names)


def _between(clock_s: Floats, first_ns: int, after_ns: int, start_ns: int) -> slice:
    low = np.searchsorted(clock_s, (first_ns - start_ns) / NS_PER_S, side="right")
    high = np.searchsorted(clock_s, (after_ns - start_ns) / NS_PER_S, side="left")
    return slice(int(low), int(high))


def _missing(time_ns: Ints, known: Mask) -> list[tuple[int, int]]:
    """Spans of NaN at least as long as a gap, as (last known time, next known time)."""
    if known.all():
        return []
    kept = time_ns[known]
    steps = np.diff(kept)
    wide = np.flatnonzero(steps > _SHORTEST_GAP_S * NS_PER_S)
    return [(int(kept[i]), int(kept[i + 1])) for i in wide]
