"""Rows that describe moments of a signal, to find changes and to tell activities apart."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints
from lidar_label.datasets.signals import STANDARD_GRAVITY, EvenSignal
from lidar_label.errors import InvalidConfig
from lidar_label.kernels.signal_features import (
    motion_about_gravity,
    window_moments,
    window_starts,
)

_BANDS_HZ = ((0.3, 1.2), (1.2, 2.4), (2.4, 4.0), (4.0, 7.0), (7.0, 15.0))
_ACCELERATION_FLOOR_G = 0.01  # noise of a phone's accelerometer
_TURN_FLOOR = 0.03  # rad/s, noise of a phone's gyroscope
_BAND_FLOOR = np.array([1e-3] * 3 + [1e-2] * 3)
_BLOCK = 4096  # windows described at once, to bound memory


@dataclass(frozen=True)
class ChangeRows:
    """How a moment is described for the search of change points.

    The weights say how far one unit of each quantity moves the row; at a distance of about one the
    Gaussian kernel starts to see two moments as different.

    Attributes:
        window_s: Length of the window that a row describes.
        hop_s: From one row to the next.
        gravity_weight: Per unit of gravity's direction: a tilt of 15° is a distance of one.
        energy_weight: Per neper of the size of motion: 40 % more or less is a distance of one.
        turn_weight: Per rad/s of the mean turn rate.
        energy_floor_g: Motion smaller than this counts as rest (a held phone trembles by it).
        other_weight: Per standard deviation of a channel of unknown kind.
    """

    window_s: float = 1.0
    hop_s: float = 0.25
    gravity_weight: float = 4.0
    energy_weight: float = 3.0
    turn_weight: float = 1.0
    energy_floor_g: float = 0.1
    other_weight: float = 0.7


def change_rows(signal: EvenSignal, config: ChangeRows) -> tuple[Floats32, Floats]:
    """Rows for `kernels.changepoints.partition`.

    Returns:
        rows: (W, D) float32.
        samples: (W,) float64, the middle of each row's window, in samples.

    Raises:
        InvalidConfig: if the window is shorter than two samples.
    """
    length = round(config.window_s * signal.rate_hz)
    hop = max(round(config.hop_s * signal.rate_hz), 1)
    if length < 2:
        raise InvalidConfig(
            f"window_s = {config.window_s:g} is shorter than two samples at "
            f"{signal.rate_hz:g} Hz; make it longer"
        )
    starts = window_starts(len(signal.values), length, hop)
    acc, gyro, other = sensor_columns(signal)
    parts: list[Floats] = []
    if acc:
        moments = window_moments(_in_g(signal, acc), starts, length)
        size = 0.5 * np.log((moments.deviation**2).sum(axis=1) + config.energy_floor_g**2)
        parts += [_direction(moments.mean) * config.gravity_weight]
        parts += [size[:, None] * config.energy_weight]
    if gyro:
        moments = window_moments(signal.values[:, gyro], starts, length)
        parts.append(moments.mean * config.turn_weight)
    if other and not (acc or gyro):
        moments = window_moments(signal.values[:, other], starts, length)
        floor = 1e-3 * moments.deviation.mean(axis=0) + 1e-12
        described = np.hstack(
            (moments.mean, np.log(moments.deviation + floor), np.log(moments.roughness + floor))
        )
        spread = described.std(axis=0)
        centred = (described - described.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        parts.append(centred * config.other_weight)
    rows = np.hstack(parts).astype(np.float32)
    return rows, starts.astype(np.float64) + length / 2


def activity_rows(signal: EvenSignal, starts: Ints, length: int) -> Floats:
    """Rows for telling activities apart: gravity, motion about it in bands, skew, turning.

    Apart from the direction of gravity itself nothing changes when the sensor is turned about the
    vertical.

    Args:
        signal: An even signal with `acc_x acc_y acc_z`, with or without a gyroscope; channels of
            other kinds are described by their moments.
        starts: (W,) int64, first samples.
        length: Samples a window.

    Returns:
        (W, D) float64.
    """
    blocks = [
        _activity_block(*_stretch(signal, starts[i : i + _BLOCK], length), length)
        for i in range(0, max(len(starts), 1), _BLOCK)
    ]
    return np.concatenate(blocks)


def _stretch(signal: EvenSignal, starts: Ints, length: int) -> tuple[EvenSignal, Ints]:
    """The part of a signal that some windows lie in, and their starts in it."""
    low = int(starts.min(initial=len(signal.values)))
    high = int(starts.max(initial=low - length)) + length
    return replace(
        signal, values=signal.values[low:high], valid=signal.valid[low:high]
    ), starts - low


def sensor_columns(signal: EvenSignal) -> tuple[list[int], list[int], list[int]]:
    """Columns of the accelerometer, of the gyroscope, and all others (magnetometers left out)."""

    def triple(sensor: str) -> list[int]:
        names = [f"{sensor}_{axis}" for axis in "xyz"]
        present = all(name in signal.channels for name in names)
        return [signal.channels.index(name) for name in names] if present else []

    acc, gyro, mag = triple("acc"), triple("gyro"), triple("mag")
    return acc, gyro, [i for i in range(len(signal.channels)) if i not in {*acc, *gyro, *mag}]


def _in_g(signal: EvenSignal, acc: list[int]) -> Floats32:
    return (signal.values[:, acc] / STANDARD_GRAVITY).astype(np.float32)


def _direction(mean: Floats) -> Floats:
    size = np.sqrt((mean**2).sum(axis=1, keepdims=True))
    return mean / np.maximum(size, 1e-9)


def _activity_block(signal: EvenSignal, starts: Ints, length: int) -> Floats:
    acc, gyro, other = sensor_columns(signal)
    parts: list[Floats] = []
    if acc:
        parts += _motion_rows(signal, acc, gyro, starts, length)
    if gyro:
        parts.append(window_moments(signal.values[:, gyro], starts, length).mean)
    if other or not acc:
        moments = window_moments(signal.values[:, other or gyro], starts, length)
        parts += [moments.mean, np.log(moments.deviation + 1e-9), np.log(moments.roughness + 1e-9)]
    return np.hstack(parts)


def _motion_rows(
    signal: EvenSignal, acc: list[int], gyro: list[int], starts: Ints, length: int
) -> Iterator[Floats]:
    from scipy import fft

    acceleration = _in_g(signal, acc)
    turn_rate = signal.values[:, gyro] if gyro else np.zeros((0, 3), dtype=np.float32)
    yield _direction(window_moments(acceleration, starts, length).mean) * 6.0
    motion = motion_about_gravity(acceleration, turn_rate, starts, length)
    taper = np.hanning(length).astype(np.float32)
    spectrum = np.asarray(fft.rfft(motion * taper, axis=2))
    power = np.abs(spectrum) ** 2 * (128 / length) ** 2
    frequency = fft.rfftfreq(length, 1 / signal.rate_hz)
    bands = np.stack(
        [power[:, :, (frequency >= a) & (frequency < b)].sum(axis=2) for a, b in _BANDS_HZ], axis=2
    )
    width = bands.shape[1] * bands.shape[2]
    yield np.log(bands + _BAND_FLOOR[:, None]).reshape(len(starts), width)
    along = motion[:, 0].astype(np.float64)
    spread = np.percentile(along, [5, 25, 75, 95], axis=1).T if len(starts) else np.zeros((0, 4))
    yield np.sign(spread) * np.log1p(np.abs(spread) * 20)
    yield np.cbrt((along**3).mean(axis=1))[:, None]
    floors = np.array([_ACCELERATION_FLOOR_G] * 3 + [_TURN_FLOOR] * 3)
    yield np.log(motion.std(axis=2) + floors)
