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
_THIN = 0.25  # opacity below which the points lie about the middle plane, not on the outline
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
    thin_fits: Floats,
    tops: Floats,
    hidden: Mask,
    thin_hidden: Mask,
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
        thin_fits: (K, 5) rows of `turn_to_axis`, for classes that beams pass through.
        tops: (K,) height of each segment's top above ground.
        hidden: (K, 4) rows of `hidden_ends`.
        thin_hidden: (K, 4) the same for `thin_fits`.
        sensor: (2,) x y.
        size_mean: (C, 3) length, width, height.
        size_sd: (C, 3).
        opaque: (C,) 1 where the unseen part lies beyond the seen one, 0 where around it.
        keep: Readings kept per segment.
        worst_fit: Readings with a lower log-likelihood are dropped.
    """
    thin = opaque < _THIN
    views = (_view(fits, hidden, sensor), _view(thin_fits, thin_hidden, sensor))
    size = np.empty((len(fits), 2, len(size_mean), 2))  # node, heading, class, (length, width)
    centre = np.empty_like(size)  # along (length axis, width axis)
    fit = np.empty((len(fits), 2, len(size_mean)))
    for view, group in zip(views, (~thin, thin), strict=True):
        size[:, :, group], centre[:, :, group], fit[:, :, group] = _complete(
            view, size_mean[group], size_sd[group], opaque[group]
        )
    distance_slack = 0.012 * views[0].distance[:, None]
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
    by_axis = thin[kind]
    angle = np.where(by_axis, views[1].angle[node], views[0].angle[node])
    c, s = np.cos(angle), np.sin(angle)
    boxes = np.column_stack(
        (
            c * u - s * v,
            s * u + c * v,
            height / 2,
            length,
            width,
            height,
            angle + heading * np.pi / 2,
        )
    )
    extent = np.where(by_axis[:, None], views[1].extent[node], views[0].extent[node])
    facing = np.where(by_axis[:, None], views[1].facing[node], views[0].facing[node])
    turned = heading[:, None] == np.array([[1, 1]])
    share = np.clip(np.where(turned, extent[:, ::-1], extent) / boxes[:, 3:5], 0.0, 1.0)
    depth = np.where(turned, facing[:, ::-1], facing)
    across = ((1 - share) * (1 - depth)).sum(axis=1)
    behind = ((1 - share) * depth).sum(axis=1)
    faces = (facing > 0.1).sum(axis=1)
    return Hypotheses(node, kind, boxes, flat[node, choice], faces, across, behind)


@dataclass(frozen=True)
class _View:
    """K rectangles as the sensor sees them; the second axis of (K, 2) is u, v.

    Attributes:
        angle: (K,) of the u axis.
        distance: (K,) metres from the sensor to the middle.
        low: (K, 2) extents, metres.
        high: (K, 2).
        extent: (K, 2).
        facing: (K, 2) sine of the angle at which the face across the axis is seen.
        trust: (K, 2) how far the extent is measured: 0 where an end was not seen.
        away: (K, 2) +1: what was not seen lies towards high, −1: towards low, 0: both.
        cut_off: (K, 2) the same for ends that something hides.
    """

    angle: Floats
    distance: Floats
    low: Floats
    high: Floats
    extent: Floats
    facing: Floats
    trust: Floats
    away: Floats
    cut_off: Floats


def _view(fits: Floats, hidden: Mask, sensor: Floats) -> _View:
    angle = fits[:, ANGLE]
    c, s = np.cos(angle), np.sin(angle)
    low = fits[:, [U_LOW, V_LOW]]
    high = fits[:, [U_HIGH, V_HIGH]]
    at = np.column_stack((c * sensor[0] + s * sensor[1], c * sensor[1] - s * sensor[0]))
    below, above = low - at, at - high  # > 0 where the sensor is beyond that end
    gap = np.maximum(np.maximum(below, above), 0.0)
    distance = np.maximum(np.hypot(*((low + high) / 2 - at).T), 1e-3)
    facing = gap / distance[:, None]
    hidden_low, hidden_high = hidden[:, [0, 2]], hidden[:, [1, 3]]
    trust = np.clip((facing[:, ::-1] - 0.05) / 0.15, 0.0, 1.0)
    trust = np.where(hidden_low | hidden_high, 0.0, trust)
    away = np.where(below > above, 1.0, -1.0) * np.clip(facing / 0.1, 0.0, 1.0)
    cut_off = hidden_high.astype(np.float64) - hidden_low
    return _View(angle, distance, low, high, high - low, facing, trust, away, cut_off)


def _complete(
    view: _View, size_mean: Floats, size_sd: Floats, opaque: Floats
) -> tuple[Floats, Floats, Floats]:
    """Sizes, centres (K, 2 headings, C, length and width) and log-likelihoods (K, 2, C)."""
    count = len(view.angle)
    size = np.empty((count, 2, len(size_mean), 2))
    centre = np.empty_like(size)
    fit = np.zeros((count, 2, len(size_mean)))
    for heading in (0, 1):
        for side in (0, 1):  # length, width
            axis = side if heading == 0 else 1 - side
            e, t = view.extent[:, axis, None], view.trust[:, axis, None]
            mean, sd = size_mean[None, :, side], size_sd[None, :, side]
            unseen = np.maximum((1 - t) * 0.6 * mean, (1 - opaque) * _LIMBS_SD)
            unsure = _MEASUREMENT_SD + np.where(e < mean, unseen, 0.0)
            estimate = (e * sd**2 + mean * unsure**2) / (sd**2 + unsure**2)
            full = np.maximum(e, estimate)
            size[:, heading, :, side] = full
            fit[:, heading] -= np.minimum((e - mean) ** 2 / (sd**2 + unsure**2), 50.0) / 2
            middle = (view.low[:, axis, None] + view.high[:, axis, None]) / 2
            growth = np.where(
                view.cut_off[:, axis, None] != 0,
                view.cut_off[:, axis, None],
                view.away[:, axis, None] * opaque[None],
            )
            centre[:, heading, :, side] = middle + growth * (full - e) / 2
    return size, centre, fit
