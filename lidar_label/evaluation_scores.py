"""The figures of matched labels: recall, precision, F1 and AP by group, and the errors of pairs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Ints, Mask, Strings, wrap_angle


@dataclass(frozen=True)
class Group:
    """One slice of labels and truths.

    Attributes:
        by: `all`, `class`, `distance` or `points`.
        name: Such as `car` or `20–40 m`.
        labels: (N,) the labels that belong to it when no truth claims them.
        truth: (M,) the truths that belong to it.
    """

    by: str
    name: str
    labels: Mask
    truth: Mask


@dataclass(frozen=True)
class Score:
    """How well labels and truth agree at one threshold, in one group.

    Attributes:
        measure: `bev` or `3d`.
        iou: The threshold.
        classes: `agnostic` or `aware`.
        by: What the groups are: `all`, `class`, `distance` or `points`.
        group: Name of the group.
        truth: Truths that count.
        labels: Labels that count: right or wrong.
        right: Labels with a truth.
        recall: right / truth; NaN without truth.
        precision: right / labels; NaN without labels.
        f1: Harmonic mean of the two; NaN without either.
        ap: Average precision, all-point interpolation; NaN without truth.
    """

    measure: str
    iou: float
    classes: str
    by: str
    group: str
    truth: int
    labels: int
    right: int
    recall: float
    precision: float
    f1: float
    ap: float


@dataclass(frozen=True)
class Spread:
    """One error over pairs: mean, median and 90th percentile of its size, and its signed mean."""

    mean: float
    median: float
    p90: float
    bias: float


@dataclass(frozen=True)
class PairErrors:
    """Label minus truth over the pairs of one group; metres and radians.

    Attributes:
        group: `all` or a class of the truth.
        pairs: How many.
        centre: Distance of the centres seen from above.
        centre_z: Difference of the centres' heights.
        length: Difference; a bias > 0 means labels are too long.
        width: Difference.
        height: Difference.
        heading: Difference of yaw modulo 2π, in (−π, π].
        heading_axis: Difference of yaw modulo π: the error where front and back are not told apart.
        reversed_share: Share of pairs whose headings differ by more than π/2.
    """

    group: str
    pairs: int
    centre: Spread
    centre_z: Spread
    length: Spread
    width: Spread
    height: Spread
    heading: Spread
    heading_axis: Spread
    reversed_share: float


def score_groups(
    match: Ints,
    certainty: Floats,
    counted: Mask,
    groups: list[Group],
    *,
    measure: str,
    iou: float,
    classes: str,
) -> list[Score]:
    """One row a group.

    Args:
        match: (N,) row of each label's truth, −1 wrong, less: not counted.
        certainty: (N,) scores.
        counted: (M,) truths that count.
        groups: The slices.
        measure: Copied into the rows.
        iou: Likewise.
        classes: Likewise.
    """
    order = np.argsort(-certainty, kind="stable")
    order = order[match[order] >= -1]
    owner, score = match[order], certainty[order]
    right = owner >= 0
    rows: list[Score] = []
    for group in groups:
        inside = group.labels[order]
        inside[right] = group.truth[owner[right]]
        hits = right[inside]
        truth = int((group.truth & counted).sum())
        labels, found = len(hits), int(hits.sum())
        rows.append(
            Score(
                measure=measure,
                iou=iou,
                classes=classes,
                by=group.by,
                group=group.name,
                truth=truth,
                labels=labels,
                right=found,
                recall=_ratio(found, truth),
                precision=_ratio(found, labels),
                f1=_ratio(2 * found, truth + labels),
                ap=average_precision(hits, score[inside], truth),
            )
        )
    return rows


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def average_precision(right: Mask, score: Floats, truth: int) -> float:
    """Area under the precision envelope, at every recall that is reached.

    Args:
        right: (N,) whether each label has a truth, by falling score.
        score: (N,) falling; equal scores enter together.
        truth: Number of truths to be found.
    """
    if truth == 0:
        return float("nan")
    if len(right) == 0:
        return 0.0
    ends = _last_of_equals(score)
    found = np.cumsum(right)[ends]
    precision = found / (ends + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(found, prepend=0) * envelope).sum() / truth)


def precision_recall(match: Ints, certainty: Floats, truth: int) -> tuple[Floats, Floats]:
    """Recall and precision after each distinct score, from the surest label on.

    Args:
        match: (N,) row of each label's truth, −1 wrong, less: not counted.
        certainty: (N,) scores.
        truth: Number of truths to be found, more than 0.
    """
    order = np.argsort(-certainty, kind="stable")
    order = order[match[order] >= -1]
    if len(order) == 0:
        return np.zeros(0), np.zeros(0)
    ends = _last_of_equals(certainty[order])
    found = np.cumsum(match[order] >= 0)[ends]
    return found / truth, found / (ends + 1)


def _last_of_equals(score: Floats) -> Ints:
    """Index of the last of each run of equal values."""
    return np.append(np.flatnonzero(np.diff(score)), len(score) - 1)


def pair_errors(labels: Boxes, truth: Boxes, truth_class: Strings) -> tuple[PairErrors, ...]:
    """The errors of K pairs, over all and by class of the truth; nothing for no pairs."""
    if len(labels) == 0:
        return ()
    names = sorted(set(truth_class.tolist()))
    slices = [("all", np.ones(len(labels), dtype=np.bool_))]
    slices += [(name, np.asarray(truth_class == name, dtype=np.bool_)) for name in names]
    difference = labels - truth
    heading = wrap_angle(difference[:, 6])
    axis = wrap_angle(2 * difference[:, 6]) / 2
    centre = np.hypot(difference[:, 0], difference[:, 1])
    return tuple(
        PairErrors(
            group=name,
            pairs=int(rows.sum()),
            centre=_spread(centre[rows]),
            centre_z=_spread(difference[rows, 2]),
            length=_spread(difference[rows, 3]),
            width=_spread(difference[rows, 4]),
            height=_spread(difference[rows, 5]),
            heading=_spread(heading[rows]),
            heading_axis=_spread(axis[rows]),
            reversed_share=float((np.abs(heading[rows]) > np.pi / 2).mean()),
        )
        for name, rows in slices
    )


def _spread(errors: NDArray[np.float64]) -> Spread:
    size = np.abs(errors)
    return Spread(
        mean=float(size.mean()),
        median=float(np.median(size)),
        p90=float(np.quantile(size, 0.9)),
        bias=float(errors.mean()),
    )
