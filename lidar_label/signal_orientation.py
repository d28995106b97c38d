"""Turn a signal upright, so that it does not matter how the sensor was put on."""

from dataclasses import replace

import numpy as np

from lidar_label.activity_features import sensor_columns
from lidar_label.arrays import Floats
from lidar_label.datasets.signals import EvenSignal
from lidar_label.errors import InvalidSignal
from lidar_label.kernels.signal_features import window_moments, window_starts


def upright(signal: EvenSignal) -> EvenSignal:
    """The signal with z along gravity as it is while the wearer moves.

    Who walks is upright (Kunze & Lukowicz, UbiComp 2008, for the idea): the mean acceleration of
    windows of 2 s, each weighted by how much it moves, is taken for up. Turning about the vertical
    stays as it was, as gravity cannot tell; the rows of activities hardly depend on it.

    Raises:
        InvalidSignal: if there is no accelerometer with three axes.
    """
    acc, gyro, _ = sensor_columns(signal)
    if not acc:
        raise InvalidSignal("no acc_x acc_y acc_z; an accelerometer is needed to find up")
    length = max(min(round(2 * signal.rate_hz), len(signal.values)), 1)
    starts = window_starts(len(signal.values), length, length)
    moments = window_moments(signal.values[:, acc], starts, length)
    motion = np.sqrt((moments.deviation**2).sum(axis=1)) + 1e-6
    up = (moments.mean * motion[:, None]).sum(axis=0)
    turn = _rotation_to_z(up).astype(np.float32)
    values = signal.values.copy()
    for columns in (acc, gyro):
        if columns:
            values[:, columns] = signal.values[:, columns] @ turn.T
    return replace(signal, values=values)


def _rotation_to_z(direction: Floats) -> Floats:
    """(3, 3) the smallest rotation that turns a direction into +z (Rodrigues)."""
    unit = direction / max(float(np.linalg.norm(direction)), 1e-12)
    x, y, z = unit.tolist()
    if z < -1 + 1e-9:
        return np.diag([1.0, -1.0, -1.0])
    cross = np.array([[0.0, 0.0, -x], [0.0, 0.0, -y], [x, y, 0.0]])
    return np.eye(3) + cross + cross @ cross / (1 + z)
