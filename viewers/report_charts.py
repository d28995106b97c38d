"""The report's charts: what was found, how sure the machine was, when, and how right."""

from collections import Counter

import numpy as np
from markupsafe import Markup

from lidar_label.annotation import Annotation
from lidar_label.arrays import Ints
from lidar_label.cuboids import Cuboids
from lidar_label.evaluation import Comparison, certainty
from lidar_label.evaluation_scores import precision_recall
from lidar_label.ontology import Ontology
from lidar_label.viewers.charts import (
    Series,
    Span,
    bars,
    columns,
    curves,
    histogram,
    timeline,
)

_UNKNOWN = "#9ca3af"
_CURVES = (("0.3", "#22c55e"), ("0.5", "#3b82f6"), ("0.7", "#a855f7"))


def draw(
    labels: Cuboids,
    frames: int,
    verdict: Ints,
    comparison: Comparison | None,
    annotation: Annotation | None,
    ontology: Ontology,
    most_tracks: int,
) -> dict[str, Markup]:
    """Charts by name; those with nothing to show are absent."""
    colours = {
        name: known.colour if (known := ontology.find(name)) else _UNKNOWN
        for name in set(labels.category.tolist())
    }
    charts: dict[str, str] = {}
    if len(labels):
        counts = Counter(labels.category.tolist())
        charts["classes"] = bars(
            dict(counts.most_common(12)), colours, "number of cuboids by class"
        )
    known = np.isfinite(labels.score)
    if known.any():
        charts["scores"] = histogram(
            _score_series(labels, verdict), 0, 1, 20, "score", "cuboids by score"
        )
    spans = _spans(labels, colours, most_tracks)
    if spans:
        charts["tracks"] = timeline(spans, frames, "tracks over the frames")
    if comparison is not None and (~comparison.ignored).any():
        charts["precision"] = curves(
            [_curve(comparison, float(iou), f"BEV IoU {iou}", colour) for iou, colour in _CURVES],
            "precision over recall",
        )
    if annotation is not None and np.isfinite(annotation.frame_seconds).any():
        charts["time"] = columns(annotation.frame_seconds * 1e3, "ms", "time of each frame")
    return {name: Markup(svg) for name, svg in charts.items()}  # noqa: S704  # we made and escaped it


def _score_series(labels: Cuboids, verdict: Ints) -> list[Series]:
    score = labels.score.astype(np.float64)
    if (verdict == -2).all():
        return [Series("cuboids", "var(--accent)", score)]
    return [
        Series("right", "var(--good)", score[verdict >= 0]),
        Series("wrong", "var(--bad)", score[verdict == -1]),
        Series("not judged", "var(--soft)", score[verdict == -2]),
    ]


def _spans(labels: Cuboids, colours: dict[str, str], most: int) -> list[Span]:
    """The longest tracks, in order of their beginning."""
    tracked = np.flatnonzero(labels.track_id >= 0)
    if len(tracked) == 0:
        return []
    names, counts = np.unique(labels.track_id[tracked], return_counts=True)
    kept = names[np.argsort(-counts, kind="stable")[:most]]
    spans: list[Span] = []
    for name in kept.tolist():
        rows = tracked[labels.track_id[tracked] == name]
        kind = Counter(labels.category[rows].tolist()).most_common(1)[0][0]
        spans.append(
            Span(
                f"{kind or 'unnamed'} {name}",
                colours.get(kind, _UNKNOWN),
                labels.frame[rows].astype(np.int64),
                certainty(labels.select(rows)),
            )
        )
    return sorted(spans, key=lambda span: (int(span.frames.min()), span.name))


def _curve(comparison: Comparison, iou: float, name: str, colour: str) -> tuple[Series, np.ndarray]:
    recall, precision = precision_recall(
        comparison.match("bev", iou), certainty(comparison.labels), int((~comparison.ignored).sum())
    )
    return Series(name, colour, precision), recall
