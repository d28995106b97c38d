"""Which window to tag next, and why."""

from dataclasses import dataclass

import numpy as np

from lidar_label.activity_classification import (
    Moments,
    expected_covariance,
    fit_tags,
    tagged_rows,
)
from lidar_label.activity_features import activity_rows
from lidar_label.activity_model import ActivityModel
from lidar_label.arrays import Floats, Ints, Mask
from lidar_label.datasets.signals import EvenSignal
from lidar_label.datasets.windows import UNKNOWN, Windows
from lidar_label.errors import UsageError

_LEAST_WEIGHT = 0.3  # of a moment whose class is certain: the model may be wrong
_REACH = 1.5  # typical differences within a piece at which a tag explains little
_STRANGE = 0.3  # likeness to every tag below which a moment is like none of them
_MOST_PLACES = 2000  # moments that suggestions are weighed over; more are thinned evenly


@dataclass(frozen=True)
class Suggestion:
    """A window worth tagging.

    Attributes:
        start_ns: First moment.
        end_ns: First moment after.
        worth: The higher the more a tag is expected to teach; the first of a list has the most.
        reason: Why, in words.
        guess: The class that the model holds for likeliest; `UNKNOWN` without a model.
    """

    start_ns: int
    end_ns: int
    worth: float
    reason: str
    guess: str


def suggest_next(
    moments: Moments,
    tags: Windows,
    *,
    candidates: Windows | None = None,
    count: int = 1,
    model: ActivityModel | None = None,
) -> list[Suggestion]:
    """Choose windows to tag: those that most untagged, doubtful moments resemble.

    Greedy facility location (Wei et al., ICML 2015): a tag explains the moments near it, and the
    window is chosen that explains the most of what no tag explains yet, a moment counting more the
    smaller the margin of its two likeliest classes (Scheffer et al., IDA 2001). Near is measured
    in units of how moments differ within a piece between two changes, where the activity stays
    what it is (relevant components, Bar-Hillel et al., ICML 2003). Each further suggestion counts
    those before it as tagged, so that they differ.

    Args:
        moments: What `describe` made of the signal.
        tags: What is tagged already; may be empty.
        candidates: Windows to choose from; every moment of the signal when None.
        count: How many to suggest.
        model: What classifies now; fitted to the tags when None.

    Raises:
        UsageError: if nothing is left to suggest.
    """
    start_ns, end_ns, rows = _candidates(moments, candidates)
    free = _apart_from(start_ns, end_ns, tags)
    if not free.any():
        raise UsageError("every candidate overlaps a tagged window; nothing is left to suggest")
    start_ns, end_ns, rows = start_ns[free], end_ns[free], rows[free]
    known, _, _ = tagged_rows(moments, tags)
    if model is None and len(known):
        model = fit_tags(moments, tags)
    to_metric = _within_pieces(moments)
    places, taken = rows @ to_metric, known @ to_metric
    alike = _likeness(places, places)
    explained = _likeness(places, taken).max(axis=1, initial=0.0)
    margin, guesses = _margins(model, rows)
    weight = _LEAST_WEIGHT + (1 - margin)
    suggestions: list[Suggestion] = []
    open_ = np.ones(len(rows), dtype=np.bool_)
    while len(suggestions) < count and open_.any():
        gain = weight @ np.maximum(alike - explained[:, None], 0.0) / weight.sum()
        best = int(np.where(open_, gain, -np.inf).argmax())
        reason = _reason(float(explained[best]), float(margin[best]), guesses[best])
        suggestions.append(
            Suggestion(
                int(start_ns[best]),
                int(end_ns[best]),
                float(gain[best]),
                f"{reason}; stands for {gain[best]:.0%} of what is left",
                guesses[best][0],
            )
        )
        explained = np.maximum(explained, alike[:, best])
        open_ &= (end_ns <= start_ns[best]) | (start_ns >= end_ns[best])
    return suggestions


def untagged_pieces(even: EvenSignal, change_ns: Ints, tags: Windows, least_ns: int) -> Windows:
    """The stretches between changes, less what is tagged or was not sampled, as candidates.

    Args:
        even: The signal.
        change_ns: (K,) int64, where it changes.
        tags: What is tagged already; may be empty.
        least_ns: Shorter ones are left out.
    """
    edge = np.flatnonzero(np.diff(even.valid.astype(np.int8), prepend=1, append=1))
    gaps = even.time_ns(edge).reshape(-1, 2)
    end = even.time_ns(float(len(even.values)))
    cuts = np.concatenate((change_ns, gaps.ravel(), tags.start_ns, tags.end_ns))
    edges = np.unique(np.concatenate(([even.start_ns], cuts, [end]))).astype(np.int64)
    edges = edges[(edges >= even.start_ns) & (edges <= end)]
    first, last = edges[:-1], edges[1:]
    taken = np.concatenate((gaps, np.column_stack((tags.start_ns, tags.end_ns))))
    covered = ((first[:, None] < taken[:, 1]) & (last[:, None] > taken[:, 0])).any(axis=1)
    kept = ~covered & (last - first >= least_ns)
    return Windows.of(first[kept], last[kept])


def _candidates(moments: Moments, candidates: Windows | None) -> tuple[Ints, Ints, Floats]:
    """Starts, ends and rows of the windows to choose from; without gaps, of a moment's length."""
    if candidates is None:
        whole = np.flatnonzero(moments.whole)
        whole = whole[:: max(len(whole) // _MOST_PLACES, 1)]
        starts = moments.starts[whole]
        ends = moments.even.time_ns(starts + moments.length)
        return moments.even.time_ns(starts), ends, moments.rows[whole]
    middle = moments.even.sample((candidates.start_ns + candidates.end_ns) // 2)
    last = len(moments.even.values) - moments.length
    starts = np.clip(np.rint(middle - moments.length / 2).astype(np.int64), 0, max(last, 0))
    rows = activity_rows(moments.even, starts, moments.length)
    return candidates.start_ns, candidates.end_ns, rows


def _apart_from(start_ns: Ints, end_ns: Ints, tags: Windows) -> Mask:
    overlap = (start_ns[:, None] < tags.end_ns[None]) & (end_ns[:, None] > tags.start_ns[None])
    return np.asarray(~overlap.any(axis=1))


def _within_pieces(moments: Moments) -> Floats:
    """(D, D) turns rows so that differences within a piece have unit spread."""
    noise = np.diag(0.05 * moments.rows.var(axis=0) + 1e-9)
    covariance = 2 * expected_covariance(moments) + noise
    variance, directions = np.linalg.eigh(covariance)
    return directions / np.sqrt(variance * len(variance))


def _likeness(places: Floats, others: Floats) -> Floats:
    """(N, M) exp(−d² / 2), d in typical differences within a piece."""
    square = (places**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None]
    return np.exp(-np.maximum(square - 2 * places @ others.T, 0.0) / (2 * _REACH**2))


def _margins(model: ActivityModel | None, rows: Floats) -> tuple[Floats, list[tuple[str, str]]]:
    """(N,) likeliest less next class's probability, and the names of the two."""
    if model is None:
        return np.ones(len(rows)), [(UNKNOWN, "")] * len(rows)
    probability = np.exp(model.log_probability(rows))
    if len(model.classes) < 2:
        only: tuple[str, str] = (next(iter(model.classes)), "")
        return np.ones(len(rows)), [only] * len(rows)
    order = np.argsort(probability, axis=1)[:, ::-1]
    row = np.arange(len(rows))
    margin = probability[row, order[:, 0]] - probability[row, order[:, 1]]
    pairs = zip(order[:, 0].tolist(), order[:, 1].tolist(), strict=True)
    names: list[str] = list(model.classes)
    return margin, [(names[a], names[b]) for a, b in pairs]


def _reason(explained: float, margin: float, names: tuple[str, str]) -> str:
    if names[0] == UNKNOWN:
        return "nothing is tagged yet"
    if explained < _STRANGE:
        return "unlike everything tagged so far"
    if names[1] and margin < 0.5:
        return f"could be {names[0]} or {names[1]} (margin {margin:.2f})"
    return f"probably {names[0]}, but far from the tags of it"
