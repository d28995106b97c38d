"""What a segment may be: boxes of every class and both headings, completed where nothing was seen.

A LiDAR sees the near faces only. Along an axis whose face was seen at a fair angle the extent is
measured; along the others the class's size prior fills in, away from the sensor or towards what
hides the rest.
"""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Boxes, Floats, Ints, Mask
from lidar_label.kernels.rectangles import ANGLE, BOTTOM, U_HIGH, U_LOW, V_HIGH, V_LOW

_FAR_WORSE = 3.0  # of the log-likelihood: a twentieth of the best reading's
_MEASUREMENT_SD = 0.10  # metres, of an extent between two seen ends
_LIMBS_SD = 0.25  # metres more, of limbs, bars and spokes that beams pass: a box holds all of them


@dataclass(frozen=True)
class Hypotheses:
    """M boxes, each one reading of one segment.

    Attributes:
        node: (M,) index of the segment.
        kind: (M,) index of the class.
        boxes: (M, 7); z is set on the ground's height by the caller, here 0 at the ground.
        fit: (M,) log-likelihood of the sizes, 0 is the best.
        faces: (M,) how many of the two near faces were seen at a fair angle.
        across: (M,) what was completed across the line of sight, as shares of length and width.
        behind: (M,) the same along the line of sight, where the object hides itself.
    """

    node: Ints
    kind: Ints
    boxes: Boxes
    fit: Floats
    faces: Ints
    across: Floats
    behind: Floats


def hypothesise(
    fits: Floats,
    tops: Floats,
    hidden: Mask,
    sensor: Floats,
    size_mean: Floats,
    size_sd: Floats,
    opaque: Floats,
    *,
    keep: int = 4,
    worst_fit: float = -10.0,
) -> Hypotheses:
    """All readings of all rectangles that some class's size allows.

    Args:
        fits: (K, ≥9) rows of `fit_slices`, none NaN.
        tops: (K,) height of each segment's top above ground.
        hidden: (K, 4) rows of `hidden_ends`.
        sensor: (2,) x y.
        size_mean: (C, 3) length, width, height.
        size_sd: (C, 3).
        opaque: (C,) 1 where the unseen part lies beyond the seen one, 0 where around it.
        keep: Readings kept per segment.
        worst_fit: Readings with a lower log-likelihood are dropped.
    """
    angle = fits[:, ANGLE]
    c, s = np.cos(angle), np.sin(angle)
    low = fits[:, [U_LOW, V_LOW]]
    high = fits[:, [U_HIGH, V_HIGH]]
    at = np.column_stack((c * sensor[0] + s * sensor[1], c * sensor[1] - s * sensor[0]))
    extent = high - low
    below, above = low - at, at - high  # > 0 where the sensor is beyond that end
    gap = np.maximum(np.maximum(below, above), 0.0)
    distance = np.maximum(np.hypot(*((low + high) / 2 - at).T), 1e-3)
    facing = gap / distance[:, None]  # sine of the angle at which the face across the axis is seen
    hidden_low, hidden_high = hidden[:, [0, 2]], hidden[:, [1, 3]]
    trust = np.clip((facing[:, ::-1] - 0.05) / 0.15, 0.0, 1.0)
    trust = np.where(hidden_low | hidden_high, 0.0, trust)
    # +1: grows towards high, −1: towards low, 0: both.
    away = np.where(below > above, 1.0, -1.0) * np.clip(facing / 0.1, 0.0, 1.0)
    cut_off = np.where(hidden_low & ~hidden_high, -1.0, np.where(hidden_high & ~hidden_low, 1.0, 0))

    size = np.empty((len(fits), 2, len(size_mean), 2))  # node, heading, class, (length, width)
    fit = np.zeros((len(fits), 2, len(size_mean)))
    centre = np.empty_like(size)  # along (length axis, width axis)
    for heading in (0, 1):
        for side in (0, 1):  # length, width
            axis = side if heading == 0 else 1 - side
            e, t = extent[:, axis, None], trust[:, axis, None]
            mean, sd = size_mean[None, :, side], size_sd[None, :, side]
            short = e < mean
            unseen = np.maximum((1 - t) * 0.6 * mean, (1 - opaque) * _LIMBS_SD)
            unsure = _MEASUREMENT_SD + np.where(short, unseen, 0.0)
            estimate = (e * sd**2 + mean * unsure**2) / (sd**2 + unsure**2)
            full = np.maximum(e, estimate)
            size[:, heading, :, side] = full
            fit[:, heading] -= np.minimum((e - mean) ** 2 / (sd**2 + unsure**2), 50.0) / 2
            middle = (low[:, axis, None] + high[:, axis, None]) / 2
            growth = np.where(
                cut_off[:, axis, None] != 0,
                cut_off[:, axis, None],
                away[:, axis, None] * opaque[None],
            )
            centre[:, heading, :, side] = middle + growth * (full - e) / 2
    distance_slack = 0.012 * distance[:, None]
    excess = tops[:, None] - size_mean[None, :, 2]
    height_sd = np.hypot(size_sd[None, :, 2], np.where(excess < 0, 0.05 + distance_slack, 0.05))
    fit -= np.minimum((excess / height_sd) ** 2, 50.0)[:, None] / 2
    lifted = np.maximum(fits[:, BOTTOM] - 0.5 - distance_slack[:, 0], 0.0) / 0.25
    fit -= np.minimum(lifted**2, 50.0)[:, None, None] / 2

    flat = fit.reshape(len(fits), -1)
    best = np.argsort(-flat, axis=1, kind="stable")[:, :keep]
    node = np.repeat(np.arange(len(fits)), best.shape[1])
    choice = best.ravel()
    least = np.maximum(flat.max(axis=1) - _FAR_WORSE, worst_fit)
    chosen = flat[node, choice] > least[node]
    node, choice = node[chosen], choice[chosen]
    heading, kind = np.divmod(choice, len(size_mean))
    length, width = size[node, heading, kind].T
    along, across = centre[node, heading, kind].T
    u = np.where(heading == 0, along, across)
    v = np.where(heading == 0, across, along)
    height = np.maximum(tops[node], 0.4)
    boxes = np.column_stack(
        (
            c[node] * u - s[node] * v,
            s[node] * u + c[node] * v,
            height / 2,
            length,
            width,
            height,
            angle[node] + heading * np.pi / 2,
        )
    )
    turned = heading[:, None] == np.array([[1, 1]])
    share = np.clip(np.where(turned, extent[node][:, ::-1], extent[node]) / boxes[:, 3:5], 0.0, 1.0)
    depth = np.where(turned, facing[node][:, ::-1], facing[node])
    across = ((1 - share) * (1 - depth)).sum(axis=1)
    behind = ((1 - share) * depth).sum(axis=1)
    faces = (facing[node] > 0.1).sum(axis=1)
    return Hypotheses(node, kind, boxes, flat[node, choice], faces, across, behind)
