"""Array types used everywhere, and the checks that public functions make once at their door."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lidar_label.errors import InvalidBoxes, InvalidPoints

Points: TypeAlias = NDArray[np.float32]  # (N, 3) x y z, metres
Boxes: TypeAlias = NDArray[np.float64]  # (N, 7) x y z length width height yaw
Mask: TypeAlias = NDArray[np.bool_]  # (N,)
Floats: TypeAlias = NDArray[np.float64]
Floats32: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Ints32: TypeAlias = NDArray[np.int32]
Strings: TypeAlias = NDArray[np.object_]  # str elements
Transform: TypeAlias = NDArray[np.float64]  # (4, 4) homogeneous, p_a = a_from_b · p_b


def as_points(points: NDArray[Any]) -> Points:
    """Return the first three columns as contiguous (N, 3) float32; no copy when they are already.

    Raises:
        InvalidPoints: if `points` is not (N, ≥3) or not of a real number type.
    """
    array = np.asarray(points)
    if array.ndim != 2 or array.shape[1] < 3:
        raise InvalidPoints(f"points have shape {array.shape}; pass an array of (N, 3) or wider")
    if array.dtype.kind not in "fiu":
        raise InvalidPoints(f"points have type {array.dtype}; pass floats")
    return np.ascontiguousarray(array[:, :3], dtype=np.float32)


def finite_rows(rows: NDArray[Any]) -> Mask:
    """Which rows of (N, C) hold finite numbers only; quick where all do, as in most sweeps."""
    finite = np.isfinite(rows)
    return np.asarray(np.ones(len(rows), np.bool_) if finite.all() else finite.all(axis=1))


def as_boxes(boxes: NDArray[Any]) -> Boxes:
    """Return boxes as contiguous (N, 7) float64; an empty sequence becomes (0, 7).

    Raises:
        InvalidBoxes: if `boxes` is not (N, 7), not numeric, or has a negative size.
    """
    array = np.asarray(boxes)
    if array.size == 0:
        return np.zeros((0, 7))
    if array.ndim != 2 or array.shape[1] != 7:
        raise InvalidBoxes(
            f"boxes have shape {array.shape}; pass (N, 7): x y z length width height yaw"
        )
    if array.dtype.kind not in "fiu":
        raise InvalidBoxes(f"boxes have type {array.dtype}; pass floats")
    result = np.ascontiguousarray(array, dtype=np.float64)
    if (result[:, 3:6] < 0).any():
        raise InvalidBoxes("boxes have a negative size; length, width and height are ≥ 0")
    return result


def wrap_angle(angle: Floats) -> Floats:
    """Wrap radians into (−π, π], element by element; values inside come back unchanged."""
    angle = np.asarray(angle, dtype=np.float64)
    inside = (angle > -np.pi) & (angle <= np.pi)
    return np.where(inside, angle, np.pi - np.mod(np.pi - angle, 2 * np.pi))
