"""Adapting to a person, choosing what to tag, and what becomes of short activities."""

import numpy as np

from lidar_label.activity_classification import classify_windows, fit_on
from lidar_label.activity_learning import suggest_next
from lidar_label.arrays import Strings
from lidar_label.benchmarks.activity_recordings import (
    TAG_NS,
    Postures,
    classes_at,
    macro_f1,
    mean_and_spread,
    one_span,
)
from lidar_label.benchmarks.activity_tags import DRAWS, people_of, tags_of_others
from lidar_label.benchmarks.progress import say
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.datasets.windows import Windows

_CURVES = 2


def adaptation_rows(described: list[Postures]) -> list[Row]:
    """A model of others with some tags of one's own, against the better of the two alone."""
    rows: list[Row] = []
    for count in (1, 3, 5):
        say(f"adaptation with {count} tags a class")
        figures: dict[str, list[float]] = {"adapted": [], "others alone": [], "own tags alone": []}
        for person in people_of(described):
            for seed in range(DRAWS):
                foreign = [
                    (described[i].moments, described[i].tags(rows))
                    for i, rows in tags_of_others(described, person, 20, seed)
                ]
                model = fit_on(foreign)
                for own in described:
                    if own.recording.person != person:
                        continue
                    chosen = one_span(own, count, np.random.default_rng(seed))
                    tags, free = own.tags(chosen), own.free_of(chosen)
                    both = fit_on([*foreign, (own.moments, tags)], own=len(foreign))
                    for name, windows in (
                        ("adapted", classify_windows(own.moments, tags, model=both)),
                        ("others alone", classify_windows(own.moments, tags, model=model)),
                        ("own tags alone", classify_windows(own.moments, tags)),
                    ):
                        found = classes_at(windows, own.middles())
                        figures[name].append(macro_f1(found[free], own.category[free]))
        mine, spread = mean_and_spread(figures["adapted"])
        best = max(("others alone", "own tags alone"), key=lambda name: np.mean(figures[name]))
        name = f"20 a class of others + {count} of one's own, macro-F1 ({spread})"
        rows.append(more_is_better(name, mine, best, float(np.mean(figures[best])), ""))
    return rows


def active_row(described: list[Postures], tags: int = 24) -> Row:
    """Tags that our choice needs for the macro-F1 that random choice reaches with 24."""
    say("active choice")
    ours, random = (
        np.array(
            [
                _learning_curve(own, tags, seed, active=active)
                for own in described
                for seed in range(_CURVES)
            ]
        ).mean(axis=0)
        for active in (True, False)
    )
    enough = np.flatnonzero(ours >= random[-1])
    needed = float(enough[0] + 1) if len(enough) else float("nan")
    at = f"{random[-1]:.3f}; after 6, 12, 24 tags " + ", ".join(
        f"{ours[i - 1]:.2f} ({random[i - 1]:.2f})" for i in (6, 12, 24)
    )
    return less_is_better(
        f"tags to macro-F1 {at}", needed, "windows chosen at random", float(tags), "tags"
    )


def _learning_curve(own: Postures, tags: int, seed: int, *, active: bool) -> list[float]:
    rng = np.random.default_rng(seed)
    pool = np.arange(len(own.category))
    chosen = [int(rng.choice(pool))]
    curve: list[float] = []
    while len(curve) < tags:
        rows = np.array(chosen)
        found = classes_at(classify_windows(own.moments, own.tags(rows)), own.middles())
        free = own.free_of(rows)
        curve.append(macro_f1(found[free], own.category[free]))
        left = pool[free]
        if active:
            end = own.start_ns[left] + TAG_NS
            candidates = Windows.of(own.start_ns[left], end)
            best = suggest_next(own.moments, own.tags(rows), candidates=candidates)[0]
            chosen.append(int(left[np.flatnonzero(own.start_ns[left] == best.start_ns)[0]]))
        else:
            chosen.append(int(rng.choice(left)))
    return curve


def transition_rows(described: list[Postures]) -> list[Row]:
    """How many of the 3–5 s transitions between postures survive, all 12 classes from others."""
    say("transitions")
    caught: list[bool] = []
    exact: list[bool] = []
    for person in people_of(described):
        parts = [
            (own.moments, own.recording.truth)
            for own in described
            if own.recording.person != person
        ]
        model = fit_on(parts)
        for own in described:
            if own.recording.person != person:
                continue
            windows = classify_windows(own.moments, Windows.empty(), model=model)
            truth = own.recording.truth
            short = truth.select(np.array(["_to_" in name for name in truth.category]))
            found: Strings = classes_at(windows, (short.start_ns + short.end_ns) // 2)
            caught += ["_to_" in name for name in found]
            exact += (found == short.category).tolist()
    return [
        Row(f"transitions of 3–5 s of people left out, {label} (of {len(caught)})",
            float(np.mean(values)), "", None, "", None)
        for label, values in (("found as some transition", caught), ("as the right one", exact))
    ]  # fmt: skip
