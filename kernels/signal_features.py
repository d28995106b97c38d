"""What a short window of a signal looks like: moments, and motion along and across gravity."""

from typing import NamedTuple

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints
from lidar_label.errors import InvalidSignal
from lidar_label.kernels.jit import kernel


class Moments(NamedTuple):
    """Per window and channel, each (W, C) float64."""

    mean: Floats
    deviation: Floats
    roughness: Floats  # mean |difference| of neighbouring samples


def window_starts(samples: int, length: int, hop: int) -> Ints:
    """(W,) int64, first samples of all whole windows.

    Raises:
        InvalidSignal: if length or hop is < 1.
    """
    if length < 1 or hop < 1:
        raise InvalidSignal(f"window of {length} samples every {hop}; both must be ≥ 1")
    return np.arange(0, max(samples - length + 1, 0), hop, dtype=np.int64)


def window_moments(values: Floats32, starts: Ints, length: int) -> Moments:
    """Mean, standard deviation and roughness of windows.

    Args:
        values: (T, C) float32, finite.
        starts: (W,) int64, first samples.
        length: Samples a window.
    """
    values = np.ascontiguousarray(values, dtype=np.float32)
    shape = (len(starts), values.shape[1])
    moments = Moments(np.empty(shape), np.empty(shape), np.empty(shape))
    _moments(values, starts, length, *moments)
    return moments


def motion_about_gravity(
    acceleration: Floats32, turn_rate: Floats32, starts: Ints, length: int
) -> Floats32:
    """Six motions in each window that say how, not which way up, the sensor moves.

    The mean acceleration of a window stands for gravity (Mizell, ISWC 2003); its motion along that
    axis, the size across it, the size of all of it, and the turn rate about the axis, across it
    and in all do not change when the sensor is turned about the vertical.

    Args:
        acceleration: (T, 3) float32.
        turn_rate: (T, 3) float32; (0, 3) where there is none.
        starts: (W,) int64, first samples.
        length: Samples a window.

    Returns:
        (W, 6, length) float32, each less its mean; the last three are zero without a turn rate.
    """
    acceleration = np.ascontiguousarray(acceleration, dtype=np.float32)
    turn_rate = np.ascontiguousarray(turn_rate, dtype=np.float32)
    motion = np.zeros((len(starts), 6, length), dtype=np.float32)
    _motion(acceleration, turn_rate, starts, length, motion)
    return motion


@kernel
def _moments(
    values: Floats32, starts: Ints, length: int, mean: Floats, deviation: Floats, roughness: Floats
) -> None:
    channels = values.shape[1]
    for w in range(len(starts)):
        first = starts[w]
        for c in range(channels):
            total = 0.0
            rough = 0.0
            for i in range(first, first + length):
                total += values[i, c]
                if i > first:
                    rough += abs(values[i, c] - values[i - 1, c])
            centre = total / length
            spread = 0.0
            for i in range(first, first + length):
                d = values[i, c] - centre
                spread += d * d
            mean[w, c] = centre
            deviation[w, c] = np.sqrt(spread / length)
            roughness[w, c] = rough / max(length - 1, 1)


@kernel
def _motion(
    acceleration: Floats32, turn_rate: Floats32, starts: Ints, length: int, motion: Floats32
) -> None:
    turning = len(turn_rate) > 0
    for w in range(len(starts)):
        first = starts[w]
        gx = gy = gz = 0.0
        for i in range(first, first + length):
            gx += acceleration[i, 0]
            gy += acceleration[i, 1]
            gz += acceleration[i, 2]
        gx /= length
        gy /= length
        gz /= length
        gravity = max(np.sqrt(gx * gx + gy * gy + gz * gz), 1e-9)
        ux, uy, uz = gx / gravity, gy / gravity, gz / gravity
        for i in range(length):
            ax = acceleration[first + i, 0]
            ay = acceleration[first + i, 1]
            az = acceleration[first + i, 2]
            along = ax * ux + ay * uy + az * uz
            size = ax * ax + ay * ay + az * az
            motion[w, 0, i] = along
            motion[w, 1, i] = np.sqrt(max(size - along * along, 0.0))
            motion[w, 2, i] = np.sqrt(size)
            if turning:
                rx = turn_rate[first + i, 0]
                ry = turn_rate[first + i, 1]
                rz = turn_rate[first + i, 2]
                about = rx * ux + ry * uy + rz * uz
                spin = rx * rx + ry * ry + rz * rz
                motion[w, 3, i] = about
                motion[w, 4, i] = np.sqrt(max(spin - about * about, 0.0))
                motion[w, 5, i] = np.sqrt(spin)
        for k in range(6):
            total = 0.0
            for i in range(length):
                total += motion[w, k, i]
            total /= length
            for i in range(length):
                motion[w, k, i] -= total
