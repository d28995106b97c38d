"""Yaw, pitch and roll of a cuboid, and the quaternions and Euler orders that formats spell them in.

A cuboid's rotation is R = Rz(yaw) · Ry(pitch) · Rx(roll): ego_from_box, intrinsic z–y′–x″
(ISO 8855); a positive pitch lowers the front, a positive roll lifts the left side.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, wrap_angle


def to_matrices(yaw: Floats, pitch: Floats, roll: Floats) -> Floats:
    """(N, 3, 3) rotations Rz(yaw) · Ry(pitch) · Rx(roll)."""
    return _about_z(yaw) @ _about_y(pitch) @ _about_x(roll)


def from_matrices(rotations: Floats) -> tuple[Floats, Floats, Floats]:
    """Yaw, pitch in [−π/2, π/2] and roll of (N, 3, 3) rotations."""
    r = np.asarray(rotations, dtype=np.float64)
    yaw = np.arctan2(r[:, 1, 0], r[:, 0, 0])
    pitch = np.arctan2(-r[:, 2, 0], np.hypot(r[:, 0, 0], r[:, 1, 0]))
    roll = np.arctan2(r[:, 2, 1], r[:, 2, 2])
    # −0.0 and 0.0 are the same angle; the neutral value of the columns is +0.0.
    return wrap_angle(yaw), pitch + 0.0, roll + 0.0


def to_quaternions(yaw: Floats, pitch: Floats, roll: Floats) -> Floats:
    """(N, 4) unit quaternions w x y z."""
    cz, sz = np.cos(yaw / 2), np.sin(yaw / 2)
    cy, sy = np.cos(pitch / 2), np.sin(pitch / 2)
    cx, sx = np.cos(roll / 2), np.sin(roll / 2)
    return np.stack(
        (
            cz * cy * cx + sz * sy * sx,
            cz * cy * sx - sz * sy * cx,
            cz * sy * cx + sz * cy * sx,
            sz * cy * cx - cz * sy * sx,
        ),
        axis=-1,
    )


def from_xyz_order(x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
    """Yaw, pitch, roll of Rx(x) · Ry(y) · Rz(z), the order of three.js and SUSTechPOINTS.

    An upright box (x = y = 0) keeps the bits of its yaw.
    """
    yaw, pitch, roll = from_matrices(_about_x(x) @ _about_y(y) @ _about_z(z))
    upright = (x == 0) & (y == 0)
    return (
        np.where(upright, wrap_angle(z), yaw),
        np.where(upright, 0.0, pitch),
        np.where(upright, 0.0, roll),
    )


def to_xyz_order(yaw: Floats, pitch: Floats, roll: Floats) -> tuple[Floats, Floats, Floats]:
    """The angles x, y, z with Rx(x) · Ry(y) · Rz(z) = Rz(yaw) · Ry(pitch) · Rx(roll)."""
    r = to_matrices(yaw, pitch, roll)
    x = np.arctan2(-r[:, 1, 2], r[:, 2, 2])
    y = np.arctan2(r[:, 0, 2], np.hypot(r[:, 0, 0], r[:, 0, 1]))
    z = np.arctan2(-r[:, 0, 1], r[:, 0, 0])
    upright = (pitch == 0) & (roll == 0)
    return (
        np.where(upright, 0.0, x),
        np.where(upright, 0.0, y),
        np.where(upright, yaw, z),
    )


def _about_x(angle: NDArray[Any]) -> Floats:
    return _about(angle, 1, 2)


def _about_y(angle: NDArray[Any]) -> Floats:
    return _about(angle, 2, 0)


def _about_z(angle: NDArray[Any]) -> Floats:
    return _about(angle, 0, 1)


def _about(angle: NDArray[Any], i: int, j: int) -> Floats:
    """Rotations in the plane from axis i to axis j."""
    angle = np.asarray(angle, dtype=np.float64)
    rotation = np.tile(np.eye(3), (len(angle), 1, 1))
    rotation[:, i, i] = rotation[:, j, j] = np.cos(angle)
    rotation[:, j, i] = np.sin(angle)
    rotation[:, i, j] = -np.sin(angle)
    return rotation
