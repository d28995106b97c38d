"""Signals at any zoom: least and greatest values over blocks of 4, 16, 64 … samples.

Built once and kept beside the other caches, never in the recording; read through memory maps, so a
view touches only the blocks it shows.
"""

import contextlib
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import numpy as np

from lidar_label.arrays import Floats32, Ints
from lidar_label.binary_columns import Column, encode
from lidar_label.errors import InvalidSignal
from lidar_label.viewers.api.derived_channels import derived_channels

if TYPE_CHECKING:
    from lidar_label.datasets.recording import Recording

_FACTOR = 4
_BLOCKS_A_PIXEL = 2
_VERSION = 1


@dataclass(frozen=True, eq=False)
class SignalPyramid:
    """A signal and its blocks.

    Attributes:
        time_ns: (T,) int64.
        values: (T, C) float32.
        lows: (B, C) float32 least values of the blocks of all levels, one level after another.
        highs: (B, C) float32 greatest values; NaN where a block has no number.
        channels: C names.
        units: C units.
    """

    time_ns: Ints
    values: Floats32
    lows: Floats32
    highs: Floats32
    channels: tuple[str, ...]
    units: tuple[str, ...]

    def view(self, from_ns: int | None, to_ns: int | None, pixels: int) -> bytes:
        """What `pixels` columns of a screen show of a span, in the form of `binary_columns`.

        `value` where there are few samples, else `low` and `high` of blocks of `block` samples;
        `time` in seconds after the header's `start_ns`, of each block's first sample.
        """
        first, last = self._rows(from_ns, to_ns)
        level, block = 0, 1
        while (last - first) // block > _BLOCKS_A_PIXEL * pixels:
            level, block = level + 1, block * _FACTOR
        start = int(self.time_ns[first]) if last > first else int(from_ns or 0)
        if level == 0:
            time_ns = self.time_ns[first:last]
            columns = [Column("value", self.values[first:last])]
        else:
            begin, end = first // block, -(-last // block)
            time_ns = self.time_ns[begin * block : end * block : block]
            base = sum(-(-len(self.time_ns) // _FACTOR**k) for k in range(1, level))
            rows = slice(base + begin, base + end)
            columns = [Column("low", self.lows[rows]), Column("high", self.highs[rows])]
        seconds = ((time_ns - start) / 1e9).astype(np.float32)
        header = {
            "start_ns": str(start),
            "block": block,
            "total": len(self.time_ns),
            "from_ns": str(self.time_ns[0]) if len(self.time_ns) else None,
            "to_ns": str(self.time_ns[-1]) if len(self.time_ns) else None,
            "channels": self.channels,
            "units": self.units,
        }
        return encode(header, [Column("time", seconds), *columns])

    def _rows(self, from_ns: int | None, to_ns: int | None) -> tuple[int, int]:
        """The samples in the span and one on either side, so that lines reach the edges."""
        count = len(self.time_ns)
        first = 0 if from_ns is None else int(np.searchsorted(self.time_ns, from_ns, "left")) - 1
        last = count if to_ns is None else int(np.searchsorted(self.time_ns, to_ns, "right")) + 1
        return max(first, 0), max(min(last, count), max(first, 0))


def signal_pyramid(
    recording: "Recording", sensor: str, cache: Path, *, derived: bool = False
) -> SignalPyramid:
    """The pyramid of an inertial unit, or of what is derived from it, from the cache or built.

    Raises:
        InvalidSource: if the recording has no such unit.
        InvalidSignal: if its times go back.
    """
    from lidar_label.calibration.rig import Imu

    imu = recording.rig.get(sensor, Imu)
    name = hashlib.blake2b(sensor.encode(), digest_size=8).hexdigest()
    folder = cache / "signals" / f"{recording.content_hash}-{name}-{_VERSION}{'d' * derived}"
    if not folder.is_dir():
        _build(recording, sensor, folder, derived=derived)
    parts = {
        each: _mapped(folder / f"{each}.npy") for each in ("time_ns", "values", "lows", "highs")
    }
    channels, units = tuple(imu.channels), tuple(imu.units)
    if derived:
        none = np.empty((0, len(channels)))
        _, channels, units = derived_channels(parts["time_ns"][:0], none, channels, units)
    return SignalPyramid(**parts, channels=channels, units=units)


def _mapped(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _build(recording: "Recording", sensor: str, folder: Path, *, derived: bool) -> None:
    samples = recording.imu(sensor)
    if (np.diff(samples.time_ns) < 0).any():
        raise InvalidSignal(f"{recording.path}: times of {sensor} go back; import its source again")
    values = samples.values
    if derived:
        names, units = tuple(samples.channels), tuple(samples.units)
        values, _, _ = derived_channels(samples.time_ns, values, names, units)
    values = values.astype(np.float32)
    low = high = values
    lows, highs = [values[:0]], [values[:0]]
    while len(low) > _FACTOR:
        low, high = _blocks(low, np.fmin), _blocks(high, np.fmax)
        lows.append(low)
        highs.append(high)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(mkdtemp(dir=folder.parent, prefix=".partial-"))
    try:
        np.save(partial / "time_ns.npy", samples.time_ns)
        np.save(partial / "values.npy", values)
        np.save(partial / "lows.npy", np.concatenate(lows))
        np.save(partial / "highs.npy", np.concatenate(highs))
        with contextlib.suppress(OSError):  # another thread was quicker
            os.rename(partial, folder)  # noqa: PTH104  # Path.rename would replace on Windows
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _blocks(values: Floats32, extreme: np.ufunc) -> Floats32:
    """The extreme of every 4 rows, NaN only where all four are; the last block may have fewer."""
    missing = -len(values) % _FACTOR
    if missing:
        values = np.concatenate([values, np.repeat(values[-1:], missing, axis=0)])
    a, b, c, d = (values[k::_FACTOR] for k in range(_FACTOR))
    return extreme(extreme(a, b), extreme(c, d))
