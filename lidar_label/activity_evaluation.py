"""How well windows agree with the truth: over time, by segments, by boundaries."""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Floats, Ints, Mask, Strings
from lidar_label.datasets.signals import NS_PER_S
from lidar_label.datasets.windows import UNKNOWN, Windows
from lidar_label.errors import InvalidLabels

_OVERLAPS = (0.10, 0.25, 0.50)
_STEP_NS = 20_000_000  # time is compared every 20 ms


@dataclass(frozen=True)
class ActivityEvaluation:
    """Agreement of windows with the truth over the time that the truth names.

    Attributes:
        accuracy: Share of named time whose class is right.
        macro_f1: Mean over the truth's classes of the F1 of time.
        class_f1: F1 of time by class.
        class_precision: Share of the time found to be of the class that truly is.
        class_recall: Share of the class's time that was found.
        class_seconds: True seconds by class.
        segment_f1: F1 of segments by least overlap (IoU) 10/25/50 % (Lea et al., CVPR 2017).
        segment_f1_1s: F1 of segments of the right class with both ends within 1 s.
        edit_score: 1 − normalised edit distance of the class sequences (Lea et al., ECCV 2016).
        boundary_f1: F1 of boundaries within 1 s.
        boundary_f1_2s: Likewise within 2 s.
        boundary_error_s: Median distance of boundaries matched within 2 s.
        covering: Mean best overlap of the truth's segments, by length (Arbeláez et al., PAMI 2011).
    """

    accuracy: float
    macro_f1: float
    class_f1: dict[str, float]
    class_precision: dict[str, float]
    class_recall: dict[str, float]
    class_seconds: dict[str, float]
    segment_f1: dict[str, float]
    segment_f1_1s: float
    edit_score: float
    boundary_f1: float
    boundary_f1_2s: float
    boundary_error_s: float
    covering: float


def evaluate_windows(windows: Windows, truth: Windows) -> ActivityEvaluation:
    """Compare windows with the truth; time that the truth does not name is left out.

    Raises:
        InvalidLabels: if the truth names no time.
    """
    if len(truth) == 0 or int(truth.end_ns.max()) - int(truth.start_ns.min()) < _STEP_NS:
        raise InvalidLabels("the truth holds no window of some length; nothing to compare with")
    windows, truth = _sorted(windows), _sorted(truth)
    start, end = int(truth.start_ns.min()), int(truth.end_ns.max())
    clock = np.arange(start + _STEP_NS // 2, end, _STEP_NS, dtype=np.int64)
    found, right = _classes_at(windows, clock), _classes_at(truth, clock)
    named = right != ""
    names: list[str] = sorted(set(truth.category.tolist()))
    hits = {name: int(((found == name) & (right == name)).sum()) for name in names}
    said = {name: int(((found == name) & named).sum()) for name in names}
    true = {name: int((right == name).sum()) for name in names}
    class_f1 = {name: _f1(hits[name], said[name], true[name]) for name in names}
    segments = _judged_segments(windows, clock, named)
    truth_edges = boundaries(truth)[1:-1]
    edges = boundaries(windows)
    edges = edges[(edges > start + NS_PER_S // 2) & (edges < end - NS_PER_S // 2)]
    within_2s = match_boundaries(truth_edges, edges, 2.0)
    return ActivityEvaluation(
        accuracy=float((found == right)[named].mean()),
        macro_f1=float(np.mean(list(class_f1.values()))),
        class_f1=class_f1,
        class_precision={name: hits[name] / max(said[name], 1) for name in names},
        class_recall={name: hits[name] / max(true[name], 1) for name in names},
        class_seconds={name: true[name] * _STEP_NS / NS_PER_S for name in names},
        segment_f1={
            f"{overlap:.2f}": _matched_f1(_segment_iou(segments, truth), overlap)
            for overlap in _OVERLAPS
        },
        segment_f1_1s=_matched_f1(_ends_near(segments, truth, 1.0), 0.5),
        edit_score=_edit_score(_sequence(found[named]), _sequence(right[named])),
        boundary_f1=boundary_f1(truth_edges, edges, 1.0),
        boundary_f1_2s=boundary_f1(truth_edges, edges, 2.0),
        boundary_error_s=float(np.median(within_2s)) if len(within_2s) else float("nan"),
        covering=covering(truth_edges, edges, start, end),
    )


def boundaries(windows: Windows) -> Ints:
    """All distinct starts and ends, rising."""
    return np.unique(np.concatenate((windows.start_ns, windows.end_ns)))


def match_boundaries(truth_ns: Ints, found_ns: Ints, tolerance_s: float) -> Floats:
    """Seconds between boundaries matched one to one: most pairs, then the nearest."""
    from scipy.optimize import linear_sum_assignment

    if len(truth_ns) == 0 or len(found_ns) == 0:
        return np.zeros(0)
    apart = np.abs(truth_ns[:, None] - found_ns[None]) / NS_PER_S
    cost = np.where(apart <= tolerance_s, apart - 1e6, 0.0)
    rows, columns = linear_sum_assignment(cost)
    paired = apart[rows, columns]
    return paired[paired <= tolerance_s]


def boundary_f1(truth_ns: Ints, found_ns: Ints, tolerance_s: float) -> float:
    """F1 of boundaries matched one to one within the tolerance."""
    hits = len(match_boundaries(truth_ns, found_ns, tolerance_s))
    return _f1(hits, len(found_ns), len(truth_ns))


def covering(truth_ns: Ints, found_ns: Ints, start_ns: int, end_ns: int) -> float:
    """Mean over the truth's segments of the best IoU with a found one, weighted by length."""
    true_edges = np.concatenate(([start_ns], truth_ns, [end_ns])).astype(np.float64)
    found_edges = np.concatenate(([start_ns], found_ns, [end_ns])).astype(np.float64)
    overlap = _overlap(true_edges[:-1], true_edges[1:], found_edges[:-1], found_edges[1:])
    weight = np.diff(true_edges)
    return float(weight @ overlap.max(axis=1) / weight.sum())


def _sorted(windows: Windows) -> Windows:
    return windows.select(np.argsort(windows.start_ns, kind="stable"))


def _classes_at(windows: Windows, clock: Ints) -> Strings:
    names = np.full(len(clock), "", dtype=object)
    for i in range(len(windows)):
        low, high = np.searchsorted(clock, (windows.start_ns[i], windows.end_ns[i]))
        names[low:high] = windows.category[i]
    return names


def _overlap(a0: Floats, a1: Floats, b0: Floats, b1: Floats) -> Floats:
    shared = np.maximum(np.minimum(a1[:, None], b1[None]) - np.maximum(a0[:, None], b0[None]), 0.0)
    return shared / np.maximum((a1 - a0)[:, None] + (b1 - b0)[None] - shared, 1e-9)


def _judged_segments(windows: Windows, clock: Ints, named: Mask) -> Windows:
    """Windows with a class, at least half of which lies in time that the truth names."""
    counts = np.concatenate(([0], np.cumsum(named)))
    low = np.searchsorted(clock, windows.start_ns)
    high = np.searchsorted(clock, windows.end_ns)
    length = (windows.end_ns - windows.start_ns) / _STEP_NS
    inside = counts[high] - counts[low] >= 0.5 * length
    return windows.select(inside & (windows.category != UNKNOWN))


def _segment_iou(windows: Windows, truth: Windows) -> Floats:
    """(T, W) overlap of segments of the same class."""
    iou = _overlap(
        truth.start_ns.astype(np.float64), truth.end_ns.astype(np.float64),
        windows.start_ns.astype(np.float64), windows.end_ns.astype(np.float64),
    )  # fmt: skip
    return np.where(truth.category[:, None] == windows.category[None], iou, 0.0)


def _ends_near(windows: Windows, truth: Windows, tolerance_s: float) -> Floats:
    """(T, W) 1 where the class is the same and both ends are near."""
    reach = tolerance_s * NS_PER_S
    starts = np.abs(truth.start_ns[:, None] - windows.start_ns[None]) <= reach
    ends = np.abs(truth.end_ns[:, None] - windows.end_ns[None]) <= reach
    same = truth.category[:, None] == windows.category[None]
    return (starts & ends & same).astype(np.float64)


def _matched_f1(agreement: Floats, least: float) -> float:
    taken = np.zeros(len(agreement), dtype=np.bool_)
    for column in range(agreement.shape[1]):
        best = int(np.where(taken, -1.0, agreement[:, column]).argmax())
        if not taken[best] and agreement[best, column] >= least:
            taken[best] = True
    return _f1(int(taken.sum()), agreement.shape[1], len(taken))


def _sequence(classes: Strings) -> list[str]:
    kept = np.concatenate(([True], classes[1:] != classes[:-1]))
    return classes[kept].tolist()


def _edit_score(found: list[str], right: list[str]) -> float:
    row = list(range(len(right) + 1))
    for i, a in enumerate(found, start=1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return 1.0 - row[-1] / max(len(found), len(right), 1)


def _f1(hits: int, found: int, true: int) -> float:
    return 2 * hits / (found + true) if found + true else 0.0
