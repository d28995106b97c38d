"""Rigid transforms `a_from_b`, (4, 4) float64, p_a = a_from_b · p_b; one or many at a time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyquaternion import Quaternion

from lidar_label.arrays import Floats, Transform
from lidar_label.errors import InvalidSource

# Calibration files print six or seven digits; a matrix further from orthonormal is a mistake.
FARTHEST_M = 1e9  # beyond it nothing that drives is
_ORTHONORMAL_TOLERANCE = 1e-3


def as_transform(matrix: NDArray[Any], what: str = "transform") -> Transform:
    """Return `matrix` as contiguous (4, 4) float64 after checking that it is rigid.

    Args:
        matrix: (4, 4), or (3, 4) without its last row.
        what: How an error names it, such as `ego_from_sensor of lidar top`.

    Raises:
        InvalidSource: if it is of another shape, not finite, or not a rotation and a shift.
    """
    array = np.asarray(matrix, dtype=np.float64)
    if array.shape == (3, 4):
        array = np.vstack((array, (0.0, 0.0, 0.0, 1.0)))
    if array.shape != (4, 4):
        raise InvalidSource(f"{what} has shape {array.shape}; give a (4, 4) matrix")
    if not (np.abs(array) < FARTHEST_M).all():
        raise InvalidSource(
            f"{what} holds a value that is not finite or no place; correct the calibration"
        )
    rotation = array[:3, :3]
    error = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
    if error > _ORTHONORMAL_TOLERANCE or np.linalg.det(rotation) < 0:
        raise InvalidSource(
            f"{what} is not a rotation (off by {error:.3g}, determinant "
            f"{np.linalg.det(rotation):.3g}); give a rigid transform without scale or mirror"
        )
    if np.abs(array[3] - (0.0, 0.0, 0.0, 1.0)).max() > 0:
        raise InvalidSource(f"{what} has last row {array[3].tolist()}; it must be 0 0 0 1")
    return np.ascontiguousarray(array)


def transform_points(a_from_b: Transform, points: NDArray[Any]) -> NDArray[Any]:
    """(N, 3) points of frame b in frame a; float32 stays float32, all else becomes float64.

    Float32 arithmetic is off by some 1e-7 of the largest coordinate, shift included.
    """
    dtype = np.float32 if points.dtype == np.float32 else np.float64
    rotation = np.ascontiguousarray(a_from_b[:3, :3].T, dtype=dtype)
    moved = np.asarray(points, dtype=dtype) @ rotation
    moved += a_from_b[:3, 3].astype(dtype)
    return moved


def invert(a_from_b: Transform) -> Transform:
    """b_from_a of one (4, 4) or many (…, 4, 4) rigid transforms."""
    matrix = np.asarray(a_from_b, dtype=np.float64)
    inverse = np.zeros_like(matrix)
    rotation = np.swapaxes(matrix[..., :3, :3], -1, -2)
    inverse[..., :3, :3] = rotation
    inverse[..., :3, 3] = -np.einsum("...ij,...j->...i", rotation, matrix[..., :3, 3])
    inverse[..., 3, 3] = 1.0
    return inverse


def orthonormal(a_from_b: Transform) -> Transform:
    """The rigid transform nearest to one (4, 4) that rounding has bent (polar decomposition).

    A product of many transforms and inverses needs it: what each is off is squared up, not lost.
    """
    matrix: Floats = np.array(a_from_b, dtype=np.float64)
    left, _, right = np.linalg.svd(matrix[:3, :3])
    matrix[:3, :3] = left @ right
    matrix[3] = (0.0, 0.0, 0.0, 1.0)
    return matrix


def from_quaternion(xyz: NDArray[Any], wxyz: NDArray[Any]) -> Transform:
    """Transforms of shifts (…, 3) and quaternions (…, 4) w x y z, which are normalised first."""
    shift = np.asarray(xyz, dtype=np.float64)
    q = np.asarray(wxyz, dtype=np.float64)
    w, x, y, z = np.moveaxis(q / np.linalg.norm(q, axis=-1, keepdims=True), -1, 0)
    matrix = np.zeros((*q.shape[:-1], 4, 4))
    matrix[..., 0, 0] = 1 - 2 * (y * y + z * z)
    matrix[..., 0, 1] = 2 * (x * y - w * z)
    matrix[..., 0, 2] = 2 * (x * z + w * y)
    matrix[..., 1, 0] = 2 * (x * y + w * z)
    matrix[..., 1, 1] = 1 - 2 * (x * x + z * z)
    matrix[..., 1, 2] = 2 * (y * z - w * x)
    matrix[..., 2, 0] = 2 * (x * z - w * y)
    matrix[..., 2, 1] = 2 * (y * z + w * x)
    matrix[..., 2, 2] = 1 - 2 * (x * x + y * y)
    matrix[..., :3, 3] = shift
    matrix[..., 3, 3] = 1.0
    return matrix


def to_quaternion(matrix: NDArray[Any]) -> Floats:
    """Unit quaternion w x y z, w ≥ 0, of one rotation (3, 3) or transform (4, 4)."""
    rotation = np.asarray(matrix, dtype=np.float64)[:3, :3]
    q = Quaternion(matrix=rotation, rtol=0, atol=_ORTHONORMAL_TOLERANCE).unit.elements
    return np.asarray(-q if q[0] < 0 else q, dtype=np.float64)


def pose7_to_matrix(pose: NDArray[Any]) -> Transform:
    """(…, 4, 4) transforms of poses (…, 7) x y z qw qx qy qz."""
    array = np.asarray(pose, dtype=np.float64)
    return from_quaternion(array[..., :3], array[..., 3:])


def matrix_to_pose7(matrix: NDArray[Any]) -> Floats:
    """(…, 7) poses x y z qw qx qy qz of transforms (…, 4, 4)."""
    array = np.asarray(matrix, dtype=np.float64)
    flat = array.reshape(-1, 4, 4)
    poses = np.empty((len(flat), 7))
    poses[:, :3] = flat[:, :3, 3]
    for row, transform in zip(poses, flat, strict=True):
        row[3:] = to_quaternion(transform)
    return poses.reshape((*array.shape[:-2], 7))


def from_yaw(xyz: NDArray[Any], yaw: NDArray[Any] | float) -> Transform:
    """Transforms that turn by `yaw` (…,) radians about +z and then shift by `xyz` (…, 3)."""
    half = np.asarray(yaw, dtype=np.float64) / 2
    zero = np.zeros_like(half)
    return from_quaternion(xyz, np.stack((np.cos(half), zero, zero, np.sin(half)), axis=-1))
