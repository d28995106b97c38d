"""Plane curves as points at even spacing: offsets, joins, smoothing, curvature."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from lidar_label.arrays import Floats

SPACING = 0.5  # metres between the points of a curve


def hermite(start: Floats, start_tangent: Floats, end: Floats, end_tangent: Floats) -> Floats:
    """(K, 2) cubic curve from start to end with the given derivatives, evenly spaced."""
    t = np.linspace(0, 1, 201)[:, None]
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * start_tangent
        + (-2 * t**3 + 3 * t**2) * end
        + (t**3 - t**2) * end_tangent
    )
    return resample(curve)


def resample(curve: Floats, spacing: float = SPACING) -> Floats:
    """The same curve by points evenly spaced by about `spacing`, at least two."""
    along = arc_length(curve)
    count = max(round(along[-1] / spacing) + 1, 2)
    at = np.linspace(0, along[-1], count)
    return np.column_stack([np.interp(at, along, curve[:, k]) for k in range(2)])


def arc_length(curve: Floats) -> Floats:
    """(K,) metres along the curve to each of its points."""
    steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    return np.concatenate(([0.0], np.cumsum(steps)))


def length_of(curve: Floats) -> float:
    """Metres from one end to the other."""
    return float(arc_length(curve)[-1])


def headings(curve: Floats) -> Floats:
    """(K,) direction of travel at each point, unwrapped."""
    steps = np.gradient(curve, axis=0)
    return np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))


def normals(curve: Floats) -> Floats:
    """(K, 2) unit vectors to the left."""
    heading = headings(curve)
    return np.column_stack((-np.sin(heading), np.cos(heading)))


def offset(curve: Floats, left: float | Floats) -> Floats:
    """The curve moved to the left by `left` metres, one number or one a point."""
    return curve + normals(curve) * np.reshape(left, (-1, 1))


def point_at(curve: Floats, along: Floats | float) -> Floats:
    """(N, 2) places `along` metres from the start of an evenly spaced curve."""
    spacing = length_of(curve) / (len(curve) - 1)
    at = np.atleast_1d(along) / spacing
    index = np.arange(len(curve))
    return np.column_stack([np.interp(at, index, curve[:, k]) for k in range(2)])


def cut(curve: Floats, begin: float, end: float) -> Floats:
    """The part of the curve from `begin` to `end` metres along it, evenly spaced."""
    along = arc_length(curve)
    count = max(round((end - begin) / SPACING) + 1, 2)
    at = np.linspace(begin, end, count)
    return np.column_stack([np.interp(at, along, curve[:, k]) for k in range(2)])


def smooth(curve: Floats, sigma: float) -> Floats:
    """Round off corners and jumps of curvature (Gaussian, `sigma` metres); the ends stay."""
    if len(curve) < 4:
        return curve
    width = sigma / SPACING
    reach = int(4 * width) + 1
    # Odd reflection about the ends keeps them, and their direction, in place.
    head = 2 * curve[0] - curve[1 : reach + 1][::-1]
    tail = 2 * curve[-1] - curve[-reach - 1 : -1][::-1]
    padded = gaussian_filter1d(np.vstack((head, curve, tail)), width, axis=0, mode="nearest")
    return padded[len(head) : len(head) + len(curve)]


def curvature(curve: Floats, spacing: float = SPACING) -> Floats:
    """(K,) 1/m, positive to the left."""
    return np.gradient(headings(curve)) / spacing
