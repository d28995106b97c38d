"""Turn a signal upright or level, so that it does not matter how the sensor was put on."""

from dataclasses import replace

import numpy as np

from lidar_label.activity_features import sensor_columns
from lidar_label.arrays import Floats
from lidar_label.datasets.signals import EvenSignal
from lidar_label.errors import InvalidSignal
from lidar_label.kernels.orientation import attitude, rotate
from lidar_label.kernels.signal_features import window_moments, window_starts

_WINDOW_S = 2.0  # of motion whose mean is taken for gravity


def upright(signal: EvenSignal) -> EvenSignal:
    """The signal turned once: z along gravity while the wearer moves, x where gravity leans.

    Who walks is upright (Kunze & Lukowicz, UbiComp 2008, for the idea): the mean acceleration of
    windows of 2 s, each weighted by how much it moves, is taken for up. Forward is then where
    gravity leans in the mean over all windows, as it does while sitting or lying. However a sensor
    is fixed to the wearer, the result is the same.

    Raises:
        InvalidSignal: if there is no accelerometer with three axes.
    """
    acc, gyro, _ = _sensors(signal)
    length = max(min(round(_WINDOW_S * signal.rate_hz), len(signal.values)), 1)
    starts = window_starts(len(signal.values), length, length)
    moments = window_moments(signal.values[:, acc], starts, length)
    motion = np.sqrt((moments.deviation**2).sum(axis=1)) + 1e-6
    up = _unit((moments.mean * motion[:, None]).sum(axis=0))
    lean = moments.mean - (moments.mean @ up)[:, None] * up
    first = _unit((lean * np.linalg.norm(lean, axis=1, keepdims=True)).sum(axis=0))
    if not first.any():
        first = _unit(np.asarray(np.cross(up, np.eye(3)[int(np.abs(up).argmin())]), np.float64))
    turn = np.stack((first, np.cross(up, first), up)).astype(np.float32)
    values = signal.values.copy()
    for columns in (acc, gyro):
        if columns:
            values[:, columns] = signal.values[:, columns] @ turn.T
    return replace(signal, values=values)


def level(signal: EvenSignal) -> EvenSignal:
    """The signal turned at every sample: z up, with the heading that the sensor's turning leaves.

    An orientation filter finds up at every moment, so that the sensor may be turned on the way; its
    turning about up is taken out again, so that no heading is left but a constant, which is chosen
    from the motion: x along the strongest horizontal motion, in the sense of its heavier tail.
    Gravity stays in `acc_z` (see `gravity_free`). That a sitting wearer is not a lying one can no
    longer be seen: this is for motion, `upright` for postures.

    Raises:
        InvalidSignal: if there is no accelerometer or no gyroscope with three axes.
    """
    acc, gyro, _ = _sensors(signal)
    if not gyro:
        raise InvalidSignal("no gyro_x gyro_y gyro_z; a gyroscope is needed to level a signal")
    acceleration = signal.values[:, acc].astype(np.float64)
    turning = signal.values[:, gyro].astype(np.float64)
    gravity = float(np.median(np.linalg.norm(acceleration, axis=1)))
    level_from_sensor = attitude(acceleration, turning, signal.rate_hz, gravity=gravity)
    acceleration = rotate(level_from_sensor, acceleration)
    turning = rotate(level_from_sensor, turning)
    heading = np.cumsum(turning[:, 2]) / signal.rate_hz
    across = (acceleration[:, 0] + 1j * acceleration[:, 1]) * np.exp(-1j * heading)
    axis = np.exp(-0.5j * np.angle((across**2).mean()))
    sense = 1.0 if float(((across * axis).real ** 3).mean()) >= 0 else -1.0
    turn = np.exp(-1j * heading) * axis * sense
    values = signal.values.copy()
    for columns, vectors in ((acc, acceleration), (gyro, turning)):
        turned = (vectors[:, 0] + 1j * vectors[:, 1]) * turn
        values[:, columns] = np.column_stack((turned.real, turned.imag, vectors[:, 2]))
    return replace(signal, values=values)


def gravity_free(signal: EvenSignal) -> EvenSignal:
    """A level signal without gravity, as the median size of its acceleration.

    Raises:
        InvalidSignal: if there is no accelerometer with three axes.
    """
    acc, _, _ = _sensors(signal)
    values = signal.values.copy()
    values[:, acc[2]] -= np.median(np.linalg.norm(signal.values[:, acc], axis=1))
    return replace(signal, values=values)


def _sensors(signal: EvenSignal) -> tuple[list[int], list[int], list[int]]:
    acc, gyro, other = sensor_columns(signal)
    if not acc:
        raise InvalidSignal("no acc_x acc_y acc_z; an accelerometer is needed to find up")
    return acc, gyro, other


def _unit(direction: Floats) -> Floats:
    """(3,) of length 1, or zero where there is no direction."""
    length = float(np.linalg.norm(direction))
    return direction / length if length > 1e-9 else np.zeros(3)
