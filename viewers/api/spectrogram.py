"""Which frequencies a channel holds over a span of time, as a screen shows it."""

import numpy as np

from lidar_label.arrays import Ints
from lidar_label.binary_columns import Column, encode
from lidar_label.errors import InvalidSignal
from lidar_label.viewers.api.signal_pyramid import SignalPyramid

_WINDOW_S = 2.56
_WINDOW_ROWS = (32, 2048)
_MOST_WINDOWS = 4  # a column: what lies between them is not seen
_RANGE_DB = 70.0
_SAMPLES = 100_000  # to know the channel's own spread
_LATE = 1.5  # times as long as its rows should take, a window lies across a gap


def spectrogram(
    signal: SignalPyramid, channel: str, from_ns: int, to_ns: int, pixels: int
) -> bytes:
    """`power` (columns, bins) bytes in the form of `binary_columns`: 0 is a gap, 255 the strongest.

    Each column is the mean of up to four Hann windows of 2.56 s within it. The scale is decibels
    below the channel's variance, so that it is the same in every view; the header says from which
    time (`start_ns`) how far apart (`step_ns`) and up to which frequency (`high_hz`).

    Raises:
        InvalidSignal: if there is no such channel, or too few samples.
    """
    if channel not in signal.channels:
        raise InvalidSignal(f"no channel {channel!r}; there are {', '.join(signal.channels)}")
    times, values = signal.time_ns, signal.values[:, signal.channels.index(channel)]
    if len(times) < _WINDOW_ROWS[0] or to_ns <= from_ns:
        raise InvalidSignal(f"{channel}: too few samples for a spectrogram; look at the samples")
    step_s = float(np.median(np.diff(times[:: max(len(times) // _SAMPLES, 1)][:_SAMPLES])))
    step_s = max(step_s / max(len(times) // _SAMPLES, 1) / 1e9, 1e-9)
    rows = int(np.clip(2 ** round(np.log2(_WINDOW_S / step_s)), *_WINDOW_ROWS))
    rows = min(rows, len(times))
    apart = (to_ns - from_ns) / pixels
    each = int(np.clip(np.ceil(apart / (rows * step_s * 1e9)), 1, _MOST_WINDOWS))
    middles = from_ns + (np.arange(pixels * each) + 0.5) * (apart / each)
    power, known = _power(times, values, middles.astype(np.int64), rows, step_s)
    weight = known.reshape(pixels, each).sum(axis=1)
    mean = (power * known[:, None]).reshape(pixels, each, -1).sum(axis=1)
    mean /= np.maximum(weight, 1)[:, None]
    spread = np.nanvar(values[:: max(len(values) // _SAMPLES, 1)].astype(np.float64))
    level = 1 + (10 * np.log10(np.maximum(mean / max(spread, 1e-12), 1e-12))) / _RANGE_DB
    shown = np.clip(np.rint(1 + 254 * level), 1, 255) * (weight > 0)[:, None]
    header = {
        "start_ns": str(from_ns),
        "step_ns": apart,
        "high_hz": 0.5 / step_s,
        "channel": channel,
    }
    return encode(header, [Column("power", shown.astype(np.uint8))])


def _power(
    times: Ints, values: np.ndarray, middles: Ints, rows: int, step_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """(M, bins) share of the variance in each bin, and (M,) whether a window is whole."""
    first = np.searchsorted(times, middles) - rows // 2
    inside = (first >= 0) & (first + rows <= len(times))
    first = np.clip(first, 0, len(times) - rows)
    taken = first[:, None] + np.arange(rows)
    pieces = np.asarray(values[taken], dtype=np.float64)
    late = times[first + rows - 1] - times[first] > _LATE * rows * step_s * 1e9
    near = np.abs(times[first + rows // 2] - middles) < rows * step_s * 1e9
    known = inside & ~late & near & np.isfinite(pieces).all(axis=1)
    pieces = np.where(known[:, None], pieces, 0.0)
    pieces -= pieces.mean(axis=1, keepdims=True)
    hann = np.hanning(rows)
    spectrum = np.abs(np.fft.rfft(pieces * hann, axis=1)) ** 2
    return 2 * spectrum / (hann.sum() ** 2), known
