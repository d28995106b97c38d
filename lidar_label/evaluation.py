"""Labels against the truth: recall, precision, AP and the errors of what was found.

The rules, in full:

- Frames are aligned by index, or by time where equal indices mean different times.
- A label is right when it is paired with a truth of IoU ≥ the threshold; pairs are made greedily
  by score as the VOC, KITTI and COCO evaluators do (see `label_matching`).
- Truths of an ignored class, with fewer than `min_points` points or beyond `max_range` neither
  count as missed nor make a label wrong (KITTI object benchmark: ignored ground truths). A label
  is set aside when nothing that counts is paired with it and it overlaps such a truth with
  IoU ≥ the threshold, lies by half or more in a region of an ignored class (KITTI: DontCare
  areas), lies beyond `max_range` itself or where nobody labelled, or is of an ignored class.
- Every other label without a truth is wrong, however few points it has.
- AP is the area under the precision envelope at every recall reached: all-point interpolation
  (PASCAL VOC since 2010). Labels of equal score enter together; without a score it is 1.
- Class-aware pairs have the same class after the ontology's synonyms; class-agnostic pairs ignore
  it.
- In a breakdown a paired label counts in its truth's group, an unpaired one in its own.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise, product
from typing import Any, Literal

import numpy as np

from lidar_label.arrays import Floats, Ints, Mask, Strings
from lidar_label.cuboids import Cuboids
from lidar_label.errors import InvalidConfig
from lidar_label.evaluation_scores import Group, PairErrors, Score, pair_errors, score_groups
from lidar_label.label_matching import Overlaps, align_frames, match_greedily, measure_overlaps
from lidar_label.ontology import Ontology, road_ontology

NOT_COUNTED = -2  # truth of a label that is set aside
WRONG = -1  # truth of a label that is wrong


@dataclass(frozen=True)
class EvaluationConfig:
    """What counts, and where the lines are drawn.

    Attributes:
        iou: Thresholds, for both measures.
        min_points: Truths known to hold fewer points are ignored; an unknown number counts. Truths
            without a point cannot be seen, as in nuScenes' detection task (Caesar et al. 2020).
        max_range: Metres from the ego origin seen from above; truths beyond are ignored.
        ignore_classes: Truths and labels to leave out, by their source's or the ontology's name.
        distance_edges: Edges of the distance bands, metres.
        point_edges: Edges of the bands by number of points.
        error_iou: BEV IoU from which a class-agnostic pair enters the error statistics.
        align: How frames are brought together: `auto`, `frame` or `time`.
        time_tolerance_ns: How far apart two moments may be that count as one.
        frames: `all`: labels in frames without truth are wrong; `truth`: such frames are left out.
        ontology: Whose synonyms hold; the package's road ontology when None.
    """

    iou: tuple[float, ...] = (0.3, 0.5, 0.7)
    min_points: int = 1
    max_range: float = float("inf")
    ignore_classes: tuple[str, ...] = ("DontCare",)
    distance_edges: tuple[float, ...] = (0.0, 20.0, 40.0, 60.0)
    point_edges: tuple[int, ...] = (0, 10, 50, 200)
    error_iou: float = 0.3
    align: Literal["auto", "frame", "time"] = "auto"
    time_tolerance_ns: int = 20_000_000
    frames: Literal["all", "truth"] = "all"
    ontology: Ontology | None = None

    def __post_init__(self) -> None:
        for value in (*self.iou, self.error_iou):
            if not 0 < value <= 1:
                raise InvalidConfig(f"IoU threshold {value} is outside (0, 1]")
        if not self.iou:
            raise InvalidConfig("iou is empty; give at least one threshold, like 0.5")
        for name, edges in (("distance", self.distance_edges), ("point", self.point_edges)):
            if not edges or list(edges) != sorted(set(edges)):
                raise InvalidConfig(f"{name}_edges {edges} must increase")


@dataclass(frozen=True)
class Counts:
    """What was compared and what was left out.

    Attributes:
        frames: Moments with labels or truth.
        frames_without_truth: Moments with labels only.
        labels: Labels compared.
        labels_left_out: Labels in frames without truth, when those are left out.
        truth: Truths that count.
        truth_ignored: Truths that do not, and why: by class, points, range.
        truth_points_unknown: Counted truths whose number of points is unknown.
        aligned_by: `frame` or `time`.
    """

    frames: int
    frames_without_truth: int
    labels: int
    labels_left_out: int
    truth: int
    truth_ignored: dict[str, int]
    truth_points_unknown: int
    aligned_by: str


@dataclass(frozen=True)
class Evaluation:
    """The figures of one comparison.

    Attributes:
        config: As used.
        counts: What was compared.
        scores: One row for each measure, threshold, treatment of classes and group.
        errors: Of pairs, over all and by class; see `EvaluationConfig.error_iou`.
        best_iou: Mean over counted truths of the best IoU with any label, `bev` and `3d`.
        confusion: (class of the truth, class of the label, pairs), of the same pairs as `errors`.
    """

    config: EvaluationConfig
    counts: Counts
    scores: tuple[Score, ...]
    errors: tuple[PairErrors, ...]
    best_iou: dict[str, float]
    confusion: tuple[tuple[str, str, int], ...]

    def find(
        self,
        iou: float,
        *,
        measure: str = "bev",
        classes: str = "agnostic",
        by: str = "all",
        group: str = "all",
    ) -> Score:
        """The one row of `scores`.

        Raises:
            InvalidConfig: if there is no such row.
        """
        for row in self.scores:
            if (row.measure, row.classes, row.by, row.group) == (measure, classes, by, group) and (
                abs(row.iou - iou) < 1e-9
            ):
                return row
        raise InvalidConfig(f"no figures for {measure} IoU {iou:g}, {classes}, {by} {group}")

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined (no truth, no labels) is null."""
        ontology = self.config.ontology or road_ontology()
        config = asdict(self.config) | {"ontology": f"{ontology.name} v{ontology.version}"}
        return _plain(
            {
                "config": config,
                "counts": asdict(self.counts),
                "scores": [asdict(row) for row in self.scores],
                "best_iou": self.best_iou,
                "errors": [asdict(row) for row in self.errors],
                "confusion": [{"truth": a, "label": b, "pairs": n} for a, b, n in self.confusion],
            }
        )


@dataclass(frozen=True)
class Comparison:
    """Labels and truth brought together once, to be matched under any threshold.

    Attributes:
        labels: As compared: frames without truth may be left out.
        truth: All of it.
        label_class: (N,) canonical names.
        truth_class: (M,) canonical names.
        overlaps: All overlapping pairs.
        ignored: (M,) truths that do not count.
        dont_care: (M,) those of an ignored class.
        forgiven: (N,) labels that are never wrong: of an ignored class, beyond the range, or where
            nobody labelled.
        counts: What was compared.
    """

    labels: Cuboids
    truth: Cuboids
    label_class: Strings
    truth_class: Strings
    overlaps: Overlaps
    ignored: Mask
    dont_care: Mask
    forgiven: Mask
    counts: Counts

    def match(self, measure: str, iou: float, *, class_aware: bool = False) -> Ints:
        """(N,) row of each label's truth; `WRONG` where it has none, `NOT_COUNTED` if set aside."""
        pairs = self.overlaps
        value = pairs.bev if measure == "bev" else pairs.solid
        fits = value >= iou
        if class_aware:
            fits &= self.label_class[pairs.label] == self.truth_class[pairs.truth]
        counted = fits & ~self.ignored[pairs.truth]
        result = match_greedily(
            pairs.label[counted],
            pairs.truth[counted],
            value[counted],
            certainty(self.labels),
            len(self.truth),
        )
        aside = self.forgiven.copy()
        aside[pairs.label[fits & self.ignored[pairs.truth]]] = True
        aside[pairs.label[(pairs.covered >= 0.5) & self.dont_care[pairs.truth]]] = True
        result[aside & (result == WRONG)] = NOT_COUNTED
        return result


def certainty(labels: Cuboids) -> Floats:
    """(N,) scores, 1 where there is none: a person's label is certain."""
    score = labels.score.astype(np.float64)
    return np.where(np.isnan(score), 1.0, score)


def compare(
    labels: Cuboids,
    truth: Cuboids,
    config: EvaluationConfig = EvaluationConfig(),
    *,
    unlabelled: Mask | None = None,
) -> Comparison:
    """Align frames, measure all overlaps and decide what counts.

    Args:
        labels: To be judged.
        truth: To judge by.
        config: What counts.
        unlabelled: (N,) labels in places where nobody looked for truth, such as outside the image
            that KITTI's labels end at; they may be right but are never wrong.
    """
    ontology = config.ontology or road_ontology()
    keys = align_frames(labels, truth, by=config.align, tolerance_ns=config.time_tolerance_ns)
    has_truth = np.isin(keys.labels, keys.truth)
    frames = np.union1d(keys.labels, keys.truth)
    frames_without_truth = len(np.setdiff1d(keys.labels, keys.truth))
    left_out = 0
    label_keys = keys.labels
    if config.frames == "truth":
        left_out = int((~has_truth).sum())
        labels, label_keys = labels.select(has_truth), label_keys[has_truth]
        unlabelled = None if unlabelled is None else unlabelled[has_truth]
    label_class, truth_class = canonical(labels, ontology), canonical(truth, ontology)
    unlooked = np.zeros(len(labels), dtype=np.bool_) if unlabelled is None else unlabelled
    ignored_names = {_spelled(name) for name in config.ignore_classes}

    dont_care = _is_named(truth.category, truth_class, ignored_names)
    few = (truth.num_points >= 0) & (truth.num_points < config.min_points)
    far = ranges(truth) > config.max_range
    ignored = dont_care | few | far
    counts = Counts(
        frames=len(frames) - (frames_without_truth if config.frames == "truth" else 0),
        frames_without_truth=frames_without_truth,
        labels=len(labels),
        labels_left_out=left_out,
        truth=int((~ignored).sum()),
        truth_ignored={
            "class": int(dont_care.sum()),
            "points": int((few & ~dont_care).sum()),
            "range": int((far & ~few & ~dont_care).sum()),
        },
        truth_points_unknown=int(((truth.num_points < 0) & ~ignored).sum()),
        aligned_by=keys.aligned_by,
    )
    return Comparison(
        labels=labels,
        truth=truth,
        label_class=label_class,
        truth_class=truth_class,
        overlaps=measure_overlaps(labels.boxes, truth.boxes, label_keys, keys.truth),
        ignored=ignored,
        dont_care=dont_care,
        forgiven=_is_named(labels.category, label_class, ignored_names)
        | (ranges(labels) > config.max_range)
        | unlooked,
        counts=counts,
    )


def evaluate(
    labels: Cuboids,
    truth: Cuboids,
    config: EvaluationConfig = EvaluationConfig(),
    *,
    unlabelled: Mask | None = None,
) -> Evaluation:
    """Compare labels with the truth by the rules at the top of this module; see `compare`."""
    comparison = compare(labels, truth, config, unlabelled=unlabelled)
    groups = _groups(comparison, config)
    scores: list[Score] = []
    for classes, measure in product(("agnostic", "aware"), ("bev", "3d")):
        for iou in config.iou:
            scores += score_groups(
                comparison.match(measure, iou, class_aware=classes == "aware"),
                certainty(comparison.labels),
                ~comparison.ignored,
                groups,
                measure=measure,
                iou=iou,
                classes=classes,
            )
    pairs = comparison.match("bev", config.error_iou)
    rows = np.flatnonzero(pairs >= 0)
    found = pairs[rows]
    confusion = Counter(
        zip(comparison.truth_class[found], comparison.label_class[rows], strict=True)
    )
    return Evaluation(
        config=config,
        counts=comparison.counts,
        scores=tuple(scores),
        errors=pair_errors(
            comparison.labels.boxes[rows], truth.boxes[found], comparison.truth_class[found]
        ),
        best_iou=_best_iou(comparison),
        confusion=tuple((*names, n) for names, n in sorted(confusion.items())),
    )


def _best_iou(comparison: Comparison) -> dict[str, float]:
    pairs, counted = comparison.overlaps, ~comparison.ignored
    means: dict[str, float] = {}
    for measure, value in (("bev", pairs.bev), ("3d", pairs.solid)):
        best = np.zeros(len(counted))
        np.maximum.at(best, pairs.truth, value)
        means[measure] = float(best[counted].mean()) if counted.any() else float("nan")
    return means


def ranges(cuboids: Cuboids) -> Floats:
    """(N,) metres from the ego origin to the centres, seen from above."""
    return np.hypot(cuboids.boxes[:, 0], cuboids.boxes[:, 1])


def canonical(cuboids: Cuboids, ontology: Ontology) -> Strings:
    """(N,) the ontology's names of the classes; names it does not know stay."""
    known = {name: ontology.canonical(name) for name in set(cuboids.category.tolist())}
    return np.array([known[name] for name in cuboids.category.tolist()], dtype=object)


def _spelled(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _is_named(category: Strings, canonical_class: Strings, wanted: set[str]) -> Mask:
    """(N,) rows whose class is wanted, by the name it came with or the ontology's."""
    pairs = set(zip(category.tolist(), canonical_class.tolist(), strict=True))
    named = {own for own, name in pairs if {_spelled(own), _spelled(name)} & wanted}
    return np.array([own in named for own in category.tolist()], dtype=np.bool_)


def _groups(comparison: Comparison, config: EvaluationConfig) -> list[Group]:
    labels, truth = comparison.labels, comparison.truth
    groups = [Group("all", "all", np.ones(len(labels), np.bool_), np.ones(len(truth), np.bool_))]
    classes = set(comparison.label_class.tolist()) | set(
        comparison.truth_class[~comparison.dont_care].tolist()
    )
    for name in sorted(classes):
        in_labels, in_truth = comparison.label_class == name, comparison.truth_class == name
        groups.append(Group("class", name, np.asarray(in_labels), np.asarray(in_truth)))
    label_range, truth_range = ranges(labels), ranges(truth)
    for low, high, name in _bands(config.distance_edges, " m"):
        groups.append(
            Group(
                "distance",
                name,
                (label_range >= low) & (label_range < high),
                (truth_range >= low) & (truth_range < high),
            )
        )
    for low, high, name in [*_bands(config.point_edges, ""), (-np.inf, 0, "unknown")]:
        in_labels = (labels.num_points >= low) & (labels.num_points < high)
        in_truth = (truth.num_points >= low) & (truth.num_points < high)
        if name != "unknown" or in_labels.any() or in_truth.any():
            groups.append(Group("points", name, in_labels, in_truth))
    return groups


def _bands(edges: Sequence[float], unit: str) -> list[tuple[float, float, str]]:
    bands = [(a, b, f"{a:g}–{b:g}{unit}") for a, b in pairwise(edges)]
    return [*bands, (edges[-1], np.inf, f"≥ {edges[-1]:g}{unit}")]


def _plain(value: Any) -> Any:
    """JSON has neither NaN nor infinity: both become null."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
