"""A few tags name the rest: of the same recording, and of other people; ours and the peers'."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from lidar_label.activity_classification import (
    ActivityConfig,
    classify_windows,
    describe,
    fit_on,
    fit_tags,
)
from lidar_label.arrays import Floats, Ints
from lidar_label.benchmarks.activity_peers import CLASSIFIERS, STAYS, Classifier
from lidar_label.benchmarks.activity_recordings import (
    Postures,
    classes_at,
    macro_f1,
    mean_and_spread,
    one_span,
    scattered,
)
from lidar_label.benchmarks.people_splits import as_given, chosen_elsewhere
from lidar_label.benchmarks.progress import say
from lidar_label.benchmarks.rows import Row, more_is_better
from lidar_label.datasets.windows import Windows

DRAWS = 4
_PIECES = (0.5, 0.35, 0.7)  # sliders of the pieces; the default first


@dataclass(frozen=True, eq=False)
class Draw:
    """What may be learned from, and the recording that is judged.

    Attributes:
        parts: Recordings with the rows of their tagged windows.
        judged: The recording whose other windows are scored.
        own: Rows of its tagged windows, which are not scored.
    """

    parts: list[tuple[int, Ints]]
    judged: int
    own: Ints


def tag_rows(described: list[Postures]) -> list[Row]:
    """5 tags a class of the same recording; 5 and 20 of other people."""
    rows: list[Row] = []
    for label, draw in (("one span", one_span), ("scattered", None)):
        say(f"5 tags a class, {label}")
        draws: list[Draw] = []
        for i, own in enumerate(described):
            for seed in range(DRAWS):
                rng = np.random.default_rng(seed)
                chosen = draw(own, 5, rng) if draw else scattered(own.category, 5, rng)
                draws.append(Draw([(i, chosen)], i, chosen))
        rows += _compared(f"5 tags a class, {label}", described, draws)
    for count in (5, 20):
        say(f"{count} tags a class from other people")
        draws = []
        for person in people_of(described):
            for seed in range(DRAWS):
                parts = tags_of_others(described, person, count, seed)
                none = np.zeros(0, dtype=np.int64)
                draws += [
                    Draw(parts, i, none)
                    for i, own in enumerate(described)
                    if own.recording.person == person
                ]
        others = len(people_of(described)) - 1
        rows += _compared(f"{count} tags a class from {others} other people", described, draws)
    return rows


def people_of(described: list[Postures]) -> list[str]:
    """Everyone, once."""
    return sorted({own.recording.person for own in described})


def tags_of_others(
    described: list[Postures], person: str, count: int, seed: int
) -> list[tuple[int, Ints]]:
    """`count` windows a class in all, scattered over the recordings of other people."""
    others = [i for i, own in enumerate(described) if own.recording.person != person]
    category = np.concatenate([described[i].category for i in others])
    chosen = scattered(category, count, np.random.default_rng(seed))
    edges = np.concatenate(([0], np.cumsum([len(described[i].category) for i in others])))
    return [
        (i, chosen[(chosen >= a) & (chosen < b)] - a)
        for i, a, b in zip(others, edges[:-1], edges[1:], strict=True)
    ]


def _compared(name: str, described: list[Postures], draws: list[Draw]) -> list[Row]:
    people = [described[draw.judged].recording.person for draw in draws]
    ours = _our_scores(described, draws)
    best, theirs = "", None
    for title in CLASSIFIERS:
        try:
            figures = _peer_scores(Classifier(title), described, draws)
        except ImportError:
            continue
        raw = float(as_given(figures[0], people).mean())
        smoothed = float(chosen_elsewhere(figures[1:], people).mean())
        for label, value in ((title, raw), (f"{title} + HMM", smoothed)):
            if theirs is None or value > theirs:
                best, theirs = label, value
    each = [float(value) for value in ours[0, :, 0]]
    default, spread = mean_and_spread(each)
    chosen, splits = mean_and_spread(chosen_elsewhere(ours, people)[:, 0])
    return [
        more_is_better(f"{name}, macro-F1, defaults ({spread})", default, best, theirs, ""),
        more_is_better(f"{name}, constants of other people ({splits})", chosen, best, theirs, ""),
    ]


def _our_scores(described: list[Postures], draws: list[Draw]) -> Floats:
    """(C, D, 1) macro-F1 of every setting on every draw; the default is the first setting."""
    columns: list[Floats] = []
    for pieces in _PIECES:
        config = ActivityConfig(piece_penalty=pieces)
        again = described
        if pieces != ActivityConfig().piece_penalty:
            again = [
                replace(own, moments=describe(own.recording.signal, config)) for own in described
            ]
        settings = [
            replace(config, switch_cost=cost, correlation_s=correlation)
            for cost, correlation in product((2.0, 1.0, 4.0), (2.56, 1.28, 5.12))
        ]
        columns.append(np.array([_scores_of_draw(again, draw, settings) for draw in draws]).T)
    return np.concatenate(columns)[:, :, None]


def _scores_of_draw(
    described: list[Postures], draw: Draw, settings: Sequence[ActivityConfig]
) -> list[float]:
    own = described[draw.judged]
    if len(draw.own):
        model = fit_tags(own.moments, own.tags(draw.own))
    else:
        parts = [(described[i].moments, described[i].tags(rows)) for i, rows in draw.parts]
        model = fit_on(parts)
    free = own.free_of(draw.own)
    scores: list[float] = []
    for config in settings:
        windows = classify_windows(own.moments, Windows.empty(), config, model=model)
        scores.append(macro_f1(classes_at(windows, own.middles())[free], own.category[free]))
    return scores


def _peer_scores(model: Classifier, described: list[Postures], draws: list[Draw]) -> Floats:
    """(1 + H, D, 1) macro-F1 of a peer: raw, then smoothed by each of the hidden Markov models."""
    scores = np.empty((1 + len(STAYS), len(draws), 1))
    for column, draw in enumerate(draws):
        own, free = described[draw.judged], described[draw.judged].free_of(draw.own)
        model.fit([(described[i], rows) for i, rows in draw.parts if len(rows)])
        found = [model.raw(own), *model.smoothed(own)]
        scores[:, column, 0] = [macro_f1(one[free], own.category[free]) for one in found]
    return scores
