"""Which way up a sensor is at every sample, from its gyroscope and accelerometer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats
from lidar_label.errors import InvalidSignal
from lidar_label.kernels.jit import kernel


def attitude(
    acceleration: NDArray[Any],
    turn_rate: NDArray[Any],
    rate_hz: float,
    *,
    gravity: float,
    gain: float = 0.5,
    trust: float = 1.0,
) -> Floats:
    """Rotations from the sensor to a level frame: the complementary filter of Mahony et al.

    The turn rate is integrated, and the error of the vertical, a × up, is fed back to it (Mahony,
    Hamel & Pflimlin, IEEE TAC 2008, eq. 48, without the bias). What is not as large as gravity is
    hardly gravity: the gain falls with the excess as a Gaussian of width `trust`. Turning the
    sensor turns every step alike, so the level frame differs by a heading only. The heading itself
    is the integral of the turn rate and drifts.

    Args:
        acceleration: (T, 3) float, m/s², with gravity.
        turn_rate: (T, 3) float, rad/s.
        rate_hz: Samples a second.
        gravity: Size of gravity as this sensor measures it, m/s².
        gain: Of the feedback, 1/s: its inverse is how long the gyroscope is believed.
        trust: m/s².

    Returns:
        (T, 4) float64 unit quaternions w x y z, level_from_sensor; z is up.

    Raises:
        InvalidSignal: if shapes do not fit or values are not finite.
    """
    acceleration = np.ascontiguousarray(acceleration, dtype=np.float64)
    turn_rate = np.ascontiguousarray(turn_rate, dtype=np.float64)
    if acceleration.ndim != 2 or acceleration.shape[1:] != (3,):
        raise InvalidSignal(f"acceleration has shape {acceleration.shape}; pass (T, 3)")
    if turn_rate.shape != acceleration.shape:
        raise InvalidSignal(f"turn rate has shape {turn_rate.shape}, not {acceleration.shape}")
    if not (np.isfinite(acceleration).all() and np.isfinite(turn_rate).all()):
        raise InvalidSignal("acceleration or turn rate hold NaN or infinity; fill the gaps first")
    result = np.zeros((len(acceleration), 4))
    if len(result):
        first = acceleration[: max(round(rate_hz), 1)].mean(axis=0)
        result[0] = _shortest_to_z(first)
        _filter(acceleration, turn_rate, 1.0 / rate_hz, gravity, gain, trust, result)
    return result


def rotate(quaternions: Floats, vectors: NDArray[Any]) -> Floats:
    """(T, 3) vectors turned, each by its quaternion (T, 4) w x y z."""
    w, xyz = quaternions[:, :1], quaternions[:, 1:]
    across = 2.0 * np.cross(xyz, vectors)
    return vectors + w * across + np.cross(xyz, across)


def _shortest_to_z(direction: Floats) -> Floats:
    """(4,) the smallest rotation that turns a direction into +z."""
    x, y, z = (direction / max(float(np.linalg.norm(direction)), 1e-12)).tolist()
    if z < -1 + 1e-9:
        return np.array([0.0, 1.0, 0.0, 0.0])
    turn = np.array([1 + z, y, -x, 0.0])
    return turn / np.linalg.norm(turn)


@kernel
def _filter(
    acceleration: Floats,
    turn_rate: Floats,
    step_s: float,
    gravity: float,
    gain: float,
    trust: float,
    result: Floats,
) -> None:
    w, x, y, z = result[0, 0], result[0, 1], result[0, 2], result[0, 3]
    for i in range(1, len(acceleration)):
        ax, ay, az = acceleration[i, 0], acceleration[i, 1], acceleration[i, 2]
        size = np.sqrt(ax * ax + ay * ay + az * az)
        ux = 2.0 * (x * z - w * y)  # up, as the sensor would see it
        uy = 2.0 * (y * z + w * x)
        uz = w * w - x * x - y * y + z * z
        excess = (size - gravity) / trust
        pull = gain * np.exp(-0.5 * excess * excess) / max(size, 1e-9)
        px = turn_rate[i, 0] + pull * (ay * uz - az * uy)
        py = turn_rate[i, 1] + pull * (az * ux - ax * uz)
        pz = turn_rate[i, 2] + pull * (ax * uy - ay * ux)
        angle = np.sqrt(px * px + py * py + pz * pz) * step_s
        half = 0.5 * step_s * (np.sin(0.5 * angle) / (0.5 * angle) if angle > 1e-12 else 1.0)
        c = np.cos(0.5 * angle)
        dx, dy, dz = px * half, py * half, pz * half
        w, x, y, z = (
            w * c - x * dx - y * dy - z * dz,
            w * dx + x * c + y * dz - z * dy,
            w * dy - x * dz + y * c + z * dx,
            w * dz + x * dy - y * dx + z * c,
        )
        length = np.sqrt(w * w + x * x + y * y + z * z)
        w, x, y, z = w / length, x / length, y / length, z / length
        result[i, 0], result[i, 1], result[i, 2], result[i, 3] = w, x, y, z
