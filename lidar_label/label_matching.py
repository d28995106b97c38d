"""Which label is which truth: frames aligned, overlaps measured, pairs chosen greedily by score."""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Boxes, Floats, Ints
from lidar_label.cuboids import Cuboids
from lidar_label.kernels.boxes import iou_bev


@dataclass(frozen=True)
class FrameKeys:
    """Numbers that are equal where a label and a truth belong to the same moment.

    Attributes:
        labels: (N,) key of each label row.
        truth: (M,) key of each truth row.
        aligned_by: `frame` or `time`.
    """

    labels: Ints
    truth: Ints
    aligned_by: str


@dataclass(frozen=True)
class Overlaps:
    """P pairs of a label and a truth of the same frame that overlap seen from above.

    Attributes:
        label: (P,) row of the label.
        truth: (P,) row of the truth.
        bev: (P,) IoU of the rectangles seen from above.
        solid: (P,) IoU of the volumes.
        covered: (P,) share of the label's rectangle that lies in the truth's.
    """

    label: Ints
    truth: Ints
    bev: Floats
    solid: Floats
    covered: Floats


def align_frames(
    labels: Cuboids, truth: Cuboids, *, by: str = "auto", tolerance_ns: int = 20_000_000
) -> FrameKeys:
    """Bring label and truth frames together.

    By `frame` the indices are compared; by `time` each moment of the labels goes with the nearest
    moment of the truth when each is the other's nearest and they are at most `tolerance_ns` apart.
    `auto` takes frames, unless both sides give times and the same index means different times.
    """
    if by == "auto":
        by = "time" if _times_disagree(labels, truth, tolerance_ns) else "frame"
    if by == "frame":
        return FrameKeys(labels.frame.astype(np.int64), truth.frame.astype(np.int64), "frame")
    truth_times, truth_keys = np.unique(truth.time_ns, return_inverse=True)
    label_times, label_inverse = np.unique(labels.time_ns, return_inverse=True)
    key_of_time = len(truth_times) + np.arange(len(label_times))
    if len(truth_times) and len(label_times):
        forth = _nearest(truth_times, label_times)
        back = _nearest(label_times, truth_times)
        mutual = back[forth] == np.arange(len(label_times))
        near = np.abs(truth_times[forth] - label_times) <= tolerance_ns
        key_of_time = np.where(mutual & near, forth, key_of_time)
    return FrameKeys(key_of_time[label_inverse], truth_keys.astype(np.int64), "time")


def _times_disagree(labels: Cuboids, truth: Cuboids, tolerance_ns: int) -> bool:
    if not (labels.time_ns.any() and truth.time_ns.any()):
        return False
    label_frames, first_label = np.unique(labels.frame, return_index=True)
    truth_frames, first_truth = np.unique(truth.frame, return_index=True)
    common, a, b = np.intersect1d(label_frames, truth_frames, return_indices=True)
    if len(common) == 0:
        return True
    apart = labels.time_ns[first_label[a]] - truth.time_ns[first_truth[b]]
    return bool((np.abs(apart) > tolerance_ns).any())


def _nearest(sorted_values: Ints, wanted: Ints) -> Ints:
    """Index of the value of `sorted_values` (not empty) nearest to each wanted one."""
    right = np.searchsorted(sorted_values, wanted).clip(1, max(len(sorted_values) - 1, 1))
    right = np.minimum(right, len(sorted_values) - 1)
    left = np.maximum(right - 1, 0)
    nearer_left = wanted - sorted_values[left] <= sorted_values[right] - wanted
    return np.where(nearer_left, left, right).astype(np.int64)


def measure_overlaps(labels: Boxes, truth: Boxes, label_keys: Ints, truth_keys: Ints) -> Overlaps:
    """All overlapping pairs of equal keys (frames), sorted by label row, then truth row."""
    label_rows = _rows_by_key(labels, label_keys)
    truth_rows = _rows_by_key(truth, truth_keys)
    found: list[tuple[Ints, Ints, Floats]] = []
    for key, rows in label_rows.items():
        others = truth_rows.get(key)
        if others is None:
            continue
        iou = iou_bev(labels[rows], truth[others])
        i, j = np.nonzero(iou > 0)
        found.append((rows[i], others[j], iou[i, j].astype(np.float64)))
    if not found:
        none, nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
        return Overlaps(none, none, nothing, nothing, nothing)
    label, other, bev = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((other, label))
    label, other, bev = label[order], other[order], bev[order]
    a, b = labels[label], truth[other]
    area_a, area_b = a[:, 3] * a[:, 4], b[:, 3] * b[:, 4]
    shared = bev / (1 + bev) * (area_a + area_b)
    top = np.minimum(a[:, 2] + a[:, 5] / 2, b[:, 2] + b[:, 5] / 2)
    bottom = np.maximum(a[:, 2] - a[:, 5] / 2, b[:, 2] - b[:, 5] / 2)
    volume = shared * np.maximum(top - bottom, 0)
    union = area_a * a[:, 5] + area_b * b[:, 5] - volume
    solid = np.divide(volume, union, out=np.zeros_like(volume), where=union > 0)
    return Overlaps(label, other, bev, solid, shared / area_a)


def _rows_by_key(boxes: Boxes, keys: Ints) -> dict[int, Ints]:
    """Rows of finite boxes, by frame."""
    rows = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    rows = rows[np.argsort(keys[rows], kind="stable")]
    present, starts = np.unique(keys[rows], return_index=True)
    return dict(zip(present.tolist(), np.split(rows, starts[1:]), strict=True)) if len(rows) else {}


def match_greedily(
    label: Ints, truth: Ints, overlap: Floats, score: Floats, truth_count: int
) -> Ints:
    """Pair labels with truths: in order of score, each label takes the free truth it overlaps most.

    This is the rule of the PASCAL VOC (Everingham et al., IJCV 2010), KITTI (Geiger et al., CVPR
    2012) and COCO (Lin et al., ECCV 2014) evaluators. Of equal scores the larger overlap comes
    first, so labels without scores are paired by overlap. All frames are done at once as rounds of
    deferred acceptance (Gale and Shapley, 1962), which has the same result: labels ask for the
    truth they overlap most, a truth keeps the asker of highest score, the others ask on.

    Args:
        label: (P,) label row of each admissible pair.
        truth: (P,) truth row of each pair.
        overlap: (P,) of each pair.
        score: (N,) of all labels, no NaN.
        truth_count: Rows of the truth.

    Returns:
        (N,) the row of each label's truth; −1 for none.
    """
    result = np.full(len(score), -1, dtype=np.int64)
    choices = np.bincount(label, minlength=len(score))[label]
    rivals = np.bincount(truth, minlength=truth_count)[truth]
    alone = (choices == 1) & (rivals == 1)  # most pairs: nothing to decide, nothing to sort
    result[label[alone]] = truth[alone]
    label, truth, overlap = label[~alone], truth[~alone], overlap[~alone]
    preference = np.lexsort((truth, -overlap, label))
    label, truth, overlap = label[preference], truth[preference], overlap[preference]
    rank = np.empty(len(label), dtype=np.int64)  # of a pair in the order in which truths accept
    rank[np.lexsort((label, -overlap, -score[label]))] = np.arange(len(label))
    asking = np.flatnonzero(np.diff(label, prepend=-1))  # the first choice of every label
    while True:
        accepted = np.full(truth_count, len(label), dtype=np.int64)
        np.minimum.at(accepted, truth[asking], rank[asking])
        refused = rank[asking] != accepted[truth[asking]]
        if not refused.any():
            break
        following = np.minimum(asking + refused, len(label) - 1)
        has_more = ~refused | ((following > asking) & (label[following] == label[asking]))
        asking = following[has_more]
    result[label[asking]] = truth[asking]
    return result
