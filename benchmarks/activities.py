"""Activity segmentation on labelled recordings: change points, few tags, other people, speed.

Windows that overlap a tagged one are never scored; whole people are left out where it says so; the
peers' penalty is tuned on other people than it is scored on, ours is the default. Peers classify
from the same rows as we do (MiniRocket from raw windows), raw and after a light hidden Markov
model; the better of the two is reported. None of the recordings' licences is free for a product:
no weights are shipped; constants are round figures with reasons from the method, which were
compared on these recordings while it was developed.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lidar_label.activities import change_points
from lidar_label.activity_classification import classify_windows, fit_on
from lidar_label.activity_evaluation import boundaries, boundary_f1, covering
from lidar_label.activity_learning import suggest_next
from lidar_label.arrays import Floats, Ints, Strings
from lidar_label.benchmarks.activity_peers import Classifier, Search, ruptures_search
from lidar_label.benchmarks.activity_recordings import (
    Labelled,
    Postures,
    classes_at,
    driving_recordings,
    gait_recordings,
    macro_f1,
    mean_and_spread,
    one_span,
    posture_recordings,
    postures,
    scattered,
)
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.datasets.signals import NS_PER_S, EvenSignal
from lidar_label.datasets.windows import Windows
from lidar_label.driving_motion import motion_from_signal
from lidar_label.driving_windows import STOP, DrivingConfig, driving_windows
from lidar_label.errors import UsageError

_DRAWS = 4
_CURVES = 2
_PENALTIES = tuple(np.geomspace(0.5, 2000, 25).tolist())
_CLASSIFIERS = ("ExtraTrees", "logistic regression", "MiniRocket")


def run(data: Path | None) -> list[Row]:
    """Every comparison on the recordings below `data`, then the speed on made-up ones.

    Raises:
        UsageError: if there are none.
    """
    recordings = posture_recordings(data) if data else []
    if data is None or not recordings:
        raise UsageError(f"{data}: no imu/hapt recordings; give --data a folder that holds some")
    described = [postures(recording) for recording in recordings]
    return [
        *_change_rows("HAPT", recordings),
        *_change_rows("gait", gait_recordings(data)),
        *_driving_rows(driving_recordings(data)),
        *_same_recording_rows(described),
        *_other_people_rows(described),
        *_adaptation_rows(described),
        _active_row(described),
        *_transition_rows(described),
        *_speed_rows(),
    ]


def _say(text: str) -> None:
    print(f"  {text} …", file=sys.stderr, flush=True)  # noqa: T201


# Change points


def _agreement(recording: Labelled, found_ns: Ints) -> tuple[float, float, float]:
    """F1 within 1 s, within 2 s, covering; over the span that the truth names."""
    edges = boundaries(recording.truth)
    start, end = int(edges[0]), int(edges[-1])
    inside = found_ns[(found_ns > start + NS_PER_S // 2) & (found_ns < end - NS_PER_S // 2)]
    return (
        boundary_f1(edges[1:-1], inside, 1.0),
        boundary_f1(edges[1:-1], inside, 2.0),
        covering(edges[1:-1], inside, start, end),
    )


def _change_rows(name: str, recordings: list[Labelled]) -> list[Row]:
    if not recordings:
        return []
    _say(f"change points, {name}")
    ours = np.array([_agreement(r, change_points(r.signal).time_ns) for r in recordings])
    peers: dict[str, Floats] = {}
    for title, kernel in (("PELT l2", "linear"), ("KernelCPD rbf", "rbf")):
        try:
            peers[f"{title} (ruptures)"] = _tuned(recordings, ruptures_search(kernel))
        except ImportError:
            continue
    rows: list[Row] = []
    for column, figure in enumerate(("F1 within 1 s", "F1 within 2 s", "covering")):
        mine, spread = mean_and_spread(ours[:, column])
        means = {peer: float(found[:, column].mean()) for peer, found in peers.items()}
        best = max(means, key=lambda peer: means[peer], default="")
        theirs = means.get(best)
        label = f"change points, {name}, {figure} ({spread})"
        rows.append(more_is_better(label, mine, best, theirs, ""))
    return rows


def _tuned(recordings: list[Labelled], search: Search) -> Floats:
    """(R, 3) agreement of a peer whose penalty was best on the other people."""
    grid = np.array([[_agreement(r, search(r.signal, p)) for p in _PENALTIES] for r in recordings])
    result = np.empty((len(recordings), 3))
    for i, recording in enumerate(recordings):
        others = [k for k, other in enumerate(recordings) if other.person != recording.person]
        best = int(grid[others, :, 0].mean(axis=0).argmax())
        result[i] = grid[i, best]
    return result


def _driving_rows(trips: list[Labelled]) -> list[Row]:
    if not trips:
        return []
    _say("driving")

    def harsh(trip: Labelled, config: DrivingConfig) -> float:
        found = driving_windows(motion_from_signal(trip.signal), config)
        edges = boundaries(found.select(found.category != STOP))
        return boundary_f1(boundaries(trip.truth), edges, 1.0)

    grid = [
        DrivingConfig(harsh=force, end_share=share, gentle=False)
        for force in (1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
        for share in (0.3, 0.4, 0.5, 0.6)
    ]
    scores = np.array([[harsh(trip, config) for config in grid] for trip in trips])
    left_out = [
        scores[i, int(np.delete(scores, i, axis=0).mean(axis=0).argmax())]
        for i in range(len(trips))
    ]
    try:
        theirs = float(_tuned(trips, ruptures_search("linear"))[:, 0].mean())
    except ImportError:
        theirs = None
    peer = "PELT l2 (ruptures)"
    default = [harsh(trip, DrivingConfig(gentle=False)) for trip in trips]
    rows: list[Row] = []
    for label, values in (("leave one trip out", left_out), ("defaults", default)):
        mine, _ = mean_and_spread(values)
        each = ", ".join(f"{value:.2f}" for value in values)
        name = f"driving events, F1 of ends within 1 s, {label} ({each})"
        rows.append(more_is_better(name, mine, peer, theirs, ""))
    return rows


# Few tags


def _best_peer(score: Callable[[Classifier], tuple[list[float], list[float]]]) -> tuple[str, float | None]:  # fmt: skip # noqa: E501
    """The best of the classifiers, each raw and smoothed, by mean macro-F1."""
    results: dict[str, float] = {}
    for name in _CLASSIFIERS:
        try:
            raw, smoothed = score(Classifier(name))
        except ImportError:
            continue
        results[name] = float(np.mean(raw))
        results[f"{name} + HMM"] = float(np.mean(smoothed))
    best = max(results, key=lambda name: results[name], default="")
    return best, results.get(best)


def _same_recording_rows(described: list[Postures]) -> list[Row]:
    rows: list[Row] = []
    for label, draw in (("one span", one_span), ("scattered", None)):
        _say(f"5 tags a class, {label}")
        draws: list[tuple[Postures, Ints]] = []
        for own in described:
            for seed in range(_DRAWS):
                rng = np.random.default_rng(seed)
                chosen = draw(own, 5, rng) if draw else scattered(own.category, 5, rng)
                draws.append((own, chosen))
        ours = [_our_score(own, chosen) for own, chosen in draws]
        mine, spread = mean_and_spread(ours)
        peer, theirs = _best_peer(lambda model, draws=draws: _peer_scores(model, draws))
        name = f"5 tags a class, {label}, macro-F1 ({spread})"
        rows.append(more_is_better(name, mine, peer, theirs, ""))
    return rows


def _our_score(own: Postures, chosen: Ints) -> float:
    found = classes_at(classify_windows(own.moments, own.tags(chosen)), own.middles())
    free = own.free_of(chosen)
    return macro_f1(found[free], own.category[free])


def _peer_scores(
    model: Classifier, draws: list[tuple[Postures, Ints]]
) -> tuple[list[float], list[float]]:
    raw: list[float] = []
    smoothed: list[float] = []
    for own, chosen in draws:
        model.fit([(own, chosen)])
        free = own.free_of(chosen)
        raw.append(macro_f1(model.raw(own)[free], own.category[free]))
        smoothed.append(macro_f1(model.smoothed(own)[free], own.category[free]))
    return raw, smoothed


# Other people


def _people(described: list[Postures]) -> list[str]:
    return sorted({own.recording.person for own in described})


def _others(described: list[Postures], person: str, count: int, seed: int) -> list[tuple[Postures, Ints]]:  # fmt: skip # noqa: E501
    """`count` windows a class in all, scattered over the recordings of other people."""
    others = [own for own in described if own.recording.person != person]
    category = np.concatenate([own.category for own in others])
    chosen = scattered(category, count, np.random.default_rng(seed))
    edges = np.concatenate(([0], np.cumsum([len(own.category) for own in others])))
    return [
        (own, chosen[(chosen >= a) & (chosen < b)] - a)
        for own, a, b in zip(others, edges[:-1], edges[1:], strict=True)
    ]


def _other_people_rows(described: list[Postures]) -> list[Row]:
    rows: list[Row] = []
    people = _people(described)
    for count in (5, 20):
        _say(f"{count} tags a class from other people")
        draws = [(p, _others(described, p, count, seed)) for p in people for seed in range(_DRAWS)]
        ours: list[float] = []
        for person, parts in draws:
            model = fit_on([(own.moments, own.tags(chosen)) for own, chosen in parts])
            for own in described:
                if own.recording.person == person:
                    windows = classify_windows(own.moments, Windows.empty(), model=model)
                    ours.append(macro_f1(classes_at(windows, own.middles()), own.category))
        mine, spread = mean_and_spread(ours)

        def peer(model: Classifier, draws: list[tuple[str, list[tuple[Postures, Ints]]]] = draws) -> tuple[list[float], list[float]]:  # fmt: skip # noqa: E501
            raw: list[float] = []
            smoothed: list[float] = []
            for person, parts in draws:
                model.fit([(own, chosen) for own, chosen in parts if len(chosen)])
                for own in described:
                    if own.recording.person == person:
                        raw.append(macro_f1(model.raw(own), own.category))
                        smoothed.append(macro_f1(model.smoothed(own), own.category))
            return raw, smoothed

        name = f"{count} tags a class from {len(people) - 1} other people, macro-F1 ({spread})"
        rows.append(more_is_better(name, mine, *_best_peer(peer), ""))
    return rows


def _adaptation_rows(described: list[Postures]) -> list[Row]:
    """A model of others with some tags of one's own, against the better of the two alone."""
    rows: list[Row] = []
    for count in (1, 3, 5):
        _say(f"adaptation with {count} tags a class")
        figures: dict[str, list[float]] = {"adapted": [], "others alone": [], "own tags alone": []}
        for person in _people(described):
            for seed in range(_DRAWS):
                parts = _others(described, person, 20, seed)
                foreign = [(own.moments, own.tags(chosen)) for own, chosen in parts]
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


# Which window to tag next


def _active_row(described: list[Postures], tags: int = 24) -> Row:
    """Tags that our choice needs for the macro-F1 that random choice reaches with 24."""
    _say("active choice")
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
            end = own.start_ns[left] + 2_560_000_000
            candidates = Windows.of(own.start_ns[left], end)
            best = suggest_next(own.moments, own.tags(rows), candidates=candidates)[0]
            chosen.append(int(left[np.flatnonzero(own.start_ns[left] == best.start_ns)[0]]))
        else:
            chosen.append(int(rng.choice(left)))
    return curve


# Short activities


def _transition_rows(described: list[Postures]) -> list[Row]:
    """How many of the 3–5 s transitions between postures survive, all 12 classes from others."""
    _say("transitions")
    caught: list[bool] = []
    exact: list[bool] = []
    for person in _people(described):
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


# Speed


def _made_up(hours: float) -> EvenSignal:
    """Six axes at 100 Hz: rest and motion of several sizes in turn."""
    rng = np.random.default_rng(0)
    count = int(hours * 360_000)
    values = np.empty((count, 6), dtype=np.float32)
    for first in range(0, count, 6000):
        size = rng.choice([0.02, 0.5, 2.0, 5.0])
        part = values[first : first + 6000]
        part[:] = rng.normal(scale=size, size=part.shape)
        part[:, 2] += 9.81
    channels = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
    return EvenSignal(0, 100.0, values, np.ones(count, dtype=np.bool_), channels)


def _speed_rows() -> list[Row]:
    _say("speed")
    hour = _made_up(1.0)
    change_points(hour)
    ours = min(_seconds(lambda: change_points(hour)) for _ in range(5))
    try:
        search = ruptures_search("linear")
        theirs = _seconds(lambda: search(hour, 200.0))
    except ImportError:
        theirs = None
    name = "an hour of six axes at 100 Hz to change points"
    rows = [less_is_better(name, ours, "PELT l2 (ruptures)", theirs, "s")]
    day = _made_up(24.0)
    before = _peak_mb()
    seconds = _seconds(lambda: change_points(day))
    note = f"peak memory {_peak_mb():.0f} MB, of which {before:.0f} MB before it began"
    return [*rows, Row("a day of the same", seconds, "", None, "s", None, note)]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
