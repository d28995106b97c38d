"""From a few tagged windows to every moment: classify, smooth over time, snap to change points."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lidar_label.activities import AnySignal, ChangePointConfig, as_even, change_points
from lidar_label.activity_decoding import decode, learn_durations
from lidar_label.activity_features import activity_rows
from lidar_label.activity_model import ActivityModel, fit_activity_model
from lidar_label.arrays import Floats, Ints, Mask, Strings
from lidar_label.datasets.signals import EvenSignal
from lidar_label.datasets.windows import UNKNOWN, Windows
from lidar_label.errors import InvalidConfig, InvalidLabels
from lidar_label.kernels.signal_features import window_starts


@dataclass(frozen=True)
class ActivityConfig:
    """Settings of the classification.

    Attributes:
        window_s: Length of the moments that are classified.
        hop_s: Time from one to the next.
        correlation_s: Moments closer than this say the same thing again, and count once.
        switch_cost: What a change of activity costs, in nats.
        piece_penalty: Slider of the change points that activities snap to; low, so that few
            true boundaries are missed.
        unknown_reach: A piece whose distance from every class is beyond this many times the
            tags' own reach is of a class never seen; infinity forces a class.
        changes: Settings of the change points.
    """

    window_s: float = 2.56
    hop_s: float = 0.64
    correlation_s: float = 2.56
    switch_cost: float = 2.0
    piece_penalty: float = 0.5
    unknown_reach: float = 6.0
    changes: ChangePointConfig = field(default_factory=ChangePointConfig)


@dataclass(frozen=True, eq=False)
class Moments:
    """What is known of a signal before anyone tags it; computed once, used at every retraining.

    Attributes:
        even: The signal on an even clock.
        starts: (W,) int64, first samples of the moments.
        length: Samples a moment.
        rows: (W, D) their description.
        whole: (W,) bool, False where a moment touches a gap.
        edges: (P + 1,) float64, samples at which pieces begin and end.
        bands_ns: (P + 1,) int64, half-widths of the bands about these edges.
        piece: (W,) int64, the piece that holds the middle of each moment.
    """

    even: EvenSignal
    starts: Ints
    length: int
    rows: Floats
    whole: Mask
    edges: Floats
    bands_ns: Ints
    piece: Ints


def describe(signal: AnySignal, config: ActivityConfig | None = None) -> Moments:
    """Describe a signal for `classify`.

    Raises:
        InvalidSignal: if there are no or too few samples.
        InvalidConfig: if a setting is out of range.
    """
    config = config or ActivityConfig()
    if min(config.window_s, config.hop_s, config.correlation_s) <= 0:
        raise InvalidConfig("window_s, hop_s and correlation_s must be > 0")
    even = as_even(signal)
    length = min(max(round(config.window_s * even.rate_hz), 4), max(len(even.values), 1))
    starts = window_starts(len(even.values), length, max(round(config.hop_s * even.rate_hz), 1))
    changes = change_points(even, replace(config.changes, penalty=config.piece_penalty))
    inside = even.sample(changes.time_ns)
    edges = np.concatenate(([0.0], inside, [float(len(even.values))]))
    bands = np.concatenate(([0], (changes.high_ns - changes.low_ns) // 2, [0]))
    middle = starts + length / 2
    piece = np.clip(np.searchsorted(edges, middle, side="right") - 1, 0, len(edges) - 2)
    gaps = np.concatenate(([0], np.cumsum(~even.valid)))
    whole = gaps[starts + length] == gaps[starts]
    rows = activity_rows(even, starts, length)
    return Moments(even, starts, length, rows, whole, edges, bands, piece)


def tagged_rows(moments: Moments, tags: Windows) -> tuple[Floats, Strings, Ints]:
    """Rows, classes and tag numbers of the moments that tags cover.

    A tag shorter than a moment is described by the moment about its middle; unknown tags are left
    out.
    """
    even, length = moments.even, moments.length
    last = len(even.values) - length
    starts: list[int] = []
    tag_of: list[int] = []
    hop = int(moments.starts[1] - moments.starts[0]) if len(moments.starts) > 1 else length
    for i in range(len(tags)):
        low, high = even.sample(np.array([tags.start_ns[i], tags.end_ns[i]]))
        if tags.category[i] == UNKNOWN or high < 0 or low > len(even.values):
            continue
        begin = round(float(low)) if high - low >= length - 1 else round((low + high - length) / 2)
        inside = range(begin, max(round(float(high)) - length, begin) + 1, hop)
        kept = [min(max(start, 0), last) for start in inside]
        starts += kept
        tag_of += [i] * len(kept)
    numbers = np.array(tag_of, dtype=np.int64)
    rows = activity_rows(even, np.array(starts, dtype=np.int64), length)
    return rows, tags.category[numbers], numbers


def expected_covariance(moments: Moments) -> Floats:
    """(D, D) how rows vary within one activity, from neighbouring moments of one piece.

    Between two changes the activity stays what it is, so this needs no tag (relevant component
    analysis, Bar-Hillel et al., ICML 2003).
    """
    rows = moments.rows
    apart = max(round(moments.length / max(int(np.diff(moments.starts[:2]).sum()), 1)), 1)
    both = moments.whole[apart:] & moments.whole[:-apart]
    same = (moments.piece[apart:] == moments.piece[:-apart]) & both
    if same.sum() < 2:
        return np.diag(rows.var(axis=0) + 1e-9)
    step = rows[apart:][same] - rows[:-apart][same]
    return 0.5 * step.T @ step / len(step)


def fit_tags(moments: Moments, tags: Windows) -> ActivityModel:
    """Fit a model to the tags of one signal.

    Raises:
        InvalidLabels: if no tag lies on the signal.
    """
    return fit_activity_model(*tagged_rows(moments, tags), expected=expected_covariance(moments))


def classify_windows(
    signal: AnySignal | Moments,
    tags: Windows,
    config: ActivityConfig | None = None,
    *,
    model: ActivityModel | None = None,
) -> Windows:
    """Classify every moment of a signal from a few tagged windows.

    Shrunk linear discriminants learn from the tags; a semi-Markov model with durations learned
    from this signal smooths their verdicts over the pieces between change points, so boundaries
    stand on change points. What is like no class is `UNKNOWN`.

    Args:
        signal: The signal, or what `describe` made of it, which makes retraining quick.
        tags: Windows tagged by a person on the signal's clock; may be empty when a model is given.
        config: Settings.
        model: A model from other recordings to use as it is; fitted to the tags when None.

    Returns:
        Windows that cover the signal without overlap, with probability, band and reason.

    Raises:
        InvalidLabels: if there are no tags and no model.
    """
    config = config or ActivityConfig()
    moments = signal if isinstance(signal, Moments) else describe(signal, config)
    if model is None:
        model = fit_tags(moments, tags)
    return _as_windows(moments, model, *_decide(moments, model, config))


def fit_on(
    recordings: Sequence[tuple[Moments, Windows]],
    *,
    own: int | None = None,
    own_weight: float = 5.0,
) -> ActivityModel:
    """Fit one model to the tags of several recordings; a person's own tags may weigh more.

    Args:
        recordings: What `describe` made of each signal, and its tags.
        own: Index of the recording whose tags weigh `own_weight` times the others'.
        own_weight: That factor.

    Raises:
        InvalidLabels: if no recording has a tag on its signal.
    """
    rows: list[Floats] = []
    classes: list[Strings] = []
    groups: list[Ints] = []
    weights: list[Floats] = []
    for i, (moments, tags) in enumerate(recordings):
        tagged, names, numbers = tagged_rows(moments, tags)
        rows.append(tagged)
        classes.append(names)
        groups.append(numbers + i * 1_000_000)
        weights.append(np.full(len(tagged), own_weight if i == own else 1.0))
    if not rows:
        raise InvalidLabels("no recording was given to learn from")
    return fit_activity_model(
        np.concatenate(rows),
        np.concatenate(classes),
        np.concatenate(groups),
        weights=np.concatenate(weights),
        expected=np.mean([expected_covariance(moments) for moments, _ in recordings], axis=0),
    )


def _decide(
    moments: Moments, model: ActivityModel, config: ActivityConfig
) -> tuple[Ints, Floats, Mask]:
    """Class of each piece, log evidence (P, K) for it, and whether it is like no class."""
    pieces = len(moments.edges) - 1
    log_probability = np.maximum(model.log_probability(moments.rows), -12.0)
    usable = moments.whole
    count = np.bincount(moments.piece[usable], minlength=pieces).astype(np.float64)
    total = np.zeros((pieces, len(model.classes)))
    np.add.at(total, moments.piece[usable], log_probability[usable])
    mean = total / np.maximum(count, 1)[:, None]
    seconds = np.diff(moments.edges) / moments.even.rate_hz
    looks = np.maximum(seconds / config.correlation_s, 0.3) * (count > 0)
    evidence = mean * looks[:, None]
    flat = np.tile([np.log(20.0), 3.0], (len(model.classes), 1))
    labels = decode(evidence, seconds, config.switch_cost, flat)
    for _ in range(2):
        learned = learn_durations(labels, seconds, len(model.classes))
        labels = decode(evidence, seconds, config.switch_cost, learned)
    nearest = model.distances(moments.rows).min(axis=1)
    far = np.zeros(pieces)
    np.add.at(far, moments.piece[usable], nearest[usable])
    strange = (far / np.maximum(count, 1) > model.reach * config.unknown_reach) & (count > 0)
    return labels, evidence, strange | (count == 0)


def _as_windows(
    moments: Moments, model: ActivityModel, labels: Ints, evidence: Floats, strange: Mask
) -> Windows:
    """Join neighbouring pieces of one class, and say how sure and why."""
    code = np.where(strange, -1, labels)
    first = np.concatenate(([0], np.flatnonzero(np.diff(code)) + 1))
    after = np.concatenate((first[1:], [len(code)]))
    edges_ns = moments.even.time_ns(moments.edges)
    seconds = np.diff(moments.edges)
    names: list[str] = []
    scores: list[float] = []
    reasons: list[str] = []
    for a, b in zip(first.tolist(), after.tolist(), strict=True):
        share = seconds[a:b] / seconds[a:b].sum()
        odds = np.exp(evidence[a:b] - evidence[a:b].max(axis=1, keepdims=True))
        probability = share @ (odds / odds.sum(axis=1, keepdims=True))
        if code[a] < 0:
            names.append(UNKNOWN)
            scores.append(float("nan"))
            reasons.append("unlike every tagged class, or a gap in the signal")
            continue
        k = int(code[a])
        names.append(model.classes[k])
        scores.append(float(probability[k]))
        rival = int(np.argsort(probability)[-2]) if len(model.classes) > 1 else k
        reasons.append(
            f"closest to {model.classes[k]} over {b - a} pieces"
            + (f"; next {model.classes[rival]} {probability[rival]:.2f}" if rival != k else "")
        )
    return Windows.of(
        edges_ns[first],
        edges_ns[after],
        category=np.array([*names, None], dtype=object)[:-1],
        score=np.array(scores, dtype=np.float32),
        start_uncertainty_ns=moments.bands_ns[first],
        end_uncertainty_ns=moments.bands_ns[after],
        reason=np.array([*reasons, None], dtype=object)[:-1],
    )
