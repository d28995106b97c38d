"""Rectangles along the principal axis, for what beams pass through: two-wheelers.

An L-shape is sought where faces stop the beams. The points of a bicycle lie about its middle plane,
not on its outline, so that the closest rectangle turns with every handlebar; the axis of the
largest spread (Pearson, "On Lines and Planes of Closest Fit", 1901) does not.
"""

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints
from lidar_label.kernels.jit import kernel
from lidar_label.kernels.rectangles import ANGLE, U_HIGH, U_LOW, V_HIGH, V_LOW


@kernel
def turn_to_axis(points: Floats32, start: Ints, stop: Ints, fits: Floats, longest: float) -> Floats:
    """The rectangles of `fit_slices`, those of short slices turned to the principal axis.

    Args:
        points: (3, P) float32, as `SegmentTree.points`: x, y and height above ground.
        start: (K,) slice k owns the columns start[k]:stop[k].
        stop: (K,).
        fits: (K, ≥5) rows of `fit_slices`, none NaN.
        longest: Metres; slices whose rectangle is longer keep it.

    Returns:
        (K, 5) angle in [0, π/2) and extents along u and v, columns as in `fits`.
    """
    result = fits[:, :5].copy()
    for k in range(len(start)):
        if max(fits[k, U_HIGH] - fits[k, U_LOW], fits[k, V_HIGH] - fits[k, V_LOW]) > longest:
            continue
        first = start[k]  # sums of small numbers, from there, are exact
        x0, y0 = float(points[0, first]), float(points[1, first])
        n = stop[k] - start[k]
        sx, sy, sxx, sxy, syy = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(start[k], stop[k]):
            x, y = points[0, i] - x0, points[1, i] - y0
            sx += x
            sy += y
            sxx += x * x
            sxy += x * y
            syy += y * y
        angle = 0.5 * np.arctan2(2 * (sxy - sx * sy / n), (sxx - sx * sx / n) - (syy - sy * sy / n))
        angle = angle % (np.pi / 2)
        c, s = np.cos(angle), np.sin(angle)
        u0, u1, v0, v1 = np.inf, -np.inf, np.inf, -np.inf
        for i in range(start[k], stop[k]):
            x, y = float(points[0, i]), float(points[1, i])
            u, v = c * x + s * y, c * y - s * x
            u0, u1 = min(u0, u), max(u1, u)
            v0, v1 = min(v0, v), max(v1, v)
        result[k, ANGLE] = angle
        result[k, U_LOW], result[k, U_HIGH] = u0, u1
        result[k, V_LOW], result[k, V_HIGH] = v0, v1
    return result
