"""A sound as a screen shows it and as it is aligned: least and greatest values of blocks of 1 ms.

Worked out once from the WAV, a stretch at a time, and kept beside the other caches.
"""

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32
from lidar_label.binary_columns import Column, encode
from lidar_label.errors import InvalidSignal

_BLOCKS_HZ = 1000
_STRETCH_BLOCKS = 60_000
_VERSION = 1


@dataclass(frozen=True, eq=False)
class AudioEnvelope:
    """A sound in blocks.

    Attributes:
        rate_hz: Blocks a second.
        low: (B,) float32 least value of each, full scale is 1.
        high: (B,) float32 greatest.
    """

    rate_hz: float
    low: Floats32
    high: Floats32

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return len(self.low) / self.rate_hz

    def view(self, from_s: float, to_s: float, pixels: int) -> bytes:
        """What so many columns of a screen show of a span, in the form of `binary_columns`.

        `low` and `high` of groups of blocks; the header's `start_s` and `step_s` say when.
        """
        first = min(max(int(from_s * self.rate_hz), 0), len(self.low))
        last = min(max(int(np.ceil(to_s * self.rate_hz)), first), len(self.low))
        group = max((last - first) // (2 * pixels), 1)
        first -= first % group
        starts = np.arange(first, last, group) - first
        low, high = self.low[first:last], self.high[first:last]
        if len(starts):
            low, high = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
        header = {
            "start_s": first / self.rate_hz,
            "step_s": group / self.rate_hz,
            "duration_s": self.duration_s,
        }
        return encode(header, [Column("low", low), Column("high", high)])

    def loudness(self, rate_hz: float) -> Floats:
        """How loud it is at an even rate: the mean height of the blocks in each step."""
        step = max(round(self.rate_hz / rate_hz), 1)
        height = (self.high - self.low).astype(np.float64)
        whole = len(height) // step * step
        return height[:whole].reshape(-1, step).mean(axis=1)


def audio_envelope(path: Path, content_hash: str, cache: Path) -> AudioEnvelope:
    """The envelope of a WAV, from the cache or worked out into it; channels are laid together.

    Raises:
        InvalidSignal: naming the file, if it is no WAV that can be read.
    """
    kept = cache / "sounds" / f"{content_hash}-{_VERSION}.npz"
    if not kept.exists():
        rate, low, high = _worked_out(path)
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}.partial.npz")
        np.savez(partial, rate=rate, low=low, high=high)
        partial.replace(kept)
    with np.load(kept, allow_pickle=False) as found:
        return AudioEnvelope(float(found["rate"]), found["low"], found["high"])


def _worked_out(path: Path) -> tuple[float, Floats32, Floats32]:
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            try:
                rate, samples = wavfile.read(path, mmap=True)
            except ValueError:  # 24 bits cannot be mapped
                rate, samples = wavfile.read(path)
    except (ValueError, EOFError, OSError) as error:
        raise InvalidSignal(f"{path.name}: not a WAV that can be read ({error})") from error
    block = max(round(rate / _BLOCKS_HZ), 1)
    ends = [(part.min(axis=1), part.max(axis=1)) for part in _stretches(samples, block)]
    if not ends:
        raise InvalidSignal(f"{path.name}: shorter than a millisecond; record it again")
    low, high = (np.concatenate(side) for side in zip(*ends, strict=True))
    return rate / block, low, high


def _stretches(samples: NDArray[np.generic], block: int) -> Iterator[Floats32]:
    """(blocks, block) float32 of all channels' mean, a minute at a time."""
    size = _STRETCH_BLOCKS * block
    for start in range(0, len(samples) // block * block, size):
        part = np.asarray(samples[start : start + size])
        part = part[: len(part) // block * block]
        values = part.astype(np.float32)
        if part.dtype.kind == "u":  # bytes about 128
            values = (values - np.float32(128)) / np.float32(128)
        elif part.dtype.kind == "i":
            values /= np.float32(2 ** (8 * part.dtype.itemsize - 1))
        mono = values if values.ndim == 1 else values.mean(axis=1, dtype=np.float32)
        yield mono.reshape(-1, block)
