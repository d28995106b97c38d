"""What was driven, against labelled trips: ends of events, and events by class."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from lidar_label.activity_evaluation import boundaries, boundary_f1
from lidar_label.arrays import Floats
from lidar_label.benchmarks.activity_changes import peer_settings
from lidar_label.benchmarks.activity_recordings import Labelled
from lidar_label.benchmarks.rows import Row, more_is_better
from lidar_label.datasets.windows import Windows
from lidar_label.driving_motion import DrivingMotion, motion_from_signal
from lidar_label.driving_windows import (
    ACCELERATE,
    BRAKE,
    LANE_CHANGE_LEFT,
    LANE_CHANGE_RIGHT,
    STOP,
    TURN_LEFT,
    TURN_RIGHT,
    DrivingConfig,
    driving_windows,
)

# The trips' names; their calm manoeuvres are of no class, so to call one harsh is wrong.
_CLASSES = {
    "aceleracao_agressiva": ACCELERATE,
    "freada_agressiva": BRAKE,
    "curva_direita_agressiva": TURN_RIGHT,
    "curva_esquerda_agressiva": TURN_LEFT,
    "troca_faixa_direita_agressiva": LANE_CHANGE_RIGHT,
    "troca_faixa_esquerda_agressiva": LANE_CHANGE_LEFT,
}
_OVERLAP = 0.5  # IoU of an event found and a true one of its class


def driving_rows(trips: list[Labelled]) -> list[Row]:
    """Harsh events, with settings that were chosen on the other trips, and with the defaults."""
    if not trips:
        return []
    settings = [DrivingConfig(gentle=False)]
    settings += [
        DrivingConfig(harsh=force, end_share=share, gentle=False)
        for force, share in product((1.5, 2.0, 2.5, 3.0, 3.5, 4.0), (0.3, 0.4, 0.5, 0.6))
    ]
    motions = [motion_from_signal(trip.signal) for trip in trips]
    found = [[_harsh(motion, one) for motion in motions] for one in settings]
    return [*_end_rows(trips, found), *_class_rows(trips, found)]


def _harsh(motion: DrivingMotion, settings: DrivingConfig) -> Windows:
    windows = driving_windows(motion, settings)
    return windows.select(windows.category != STOP)


def _best_elsewhere(scores: Floats) -> list[int]:
    """Of each trip, the setting that was best on the others; scores are (settings, trips)."""
    trips = range(scores.shape[1])
    return [int(np.delete(scores, i, axis=1).mean(axis=1).argmax()) for i in trips]


def _end_rows(trips: list[Labelled], found: list[list[Windows]]) -> list[Row]:
    truth = [boundaries(trip.truth) for trip in trips]
    scores = np.array(
        [
            [boundary_f1(ends, boundaries(w), 1.0) for ends, w in zip(truth, row, strict=True)]
            for row in found
        ]
    )
    left_out = [float(scores[best, i]) for i, best in enumerate(_best_elsewhere(scores))]
    try:
        peers = peer_settings(trips, "linear")[:, :, 0]
        theirs = float(np.mean([peers[best, i] for i, best in enumerate(_best_elsewhere(peers))]))
    except ImportError:
        theirs = None
    rows: list[Row] = []
    for label, values in (("leave one trip out", left_out), ("defaults", scores[0].tolist())):
        each = ", ".join(f"{value:.2f}" for value in values)
        name = f"driving events, F1 of ends within 1 s, {label} ({each})"
        rows.append(more_is_better(name, float(np.mean(values)), "PELT l2 (ruptures)", theirs, ""))
    return rows


def _class_rows(trips: list[Labelled], found: list[list[Windows]]) -> list[Row]:
    counts = np.array(
        [[_counts(t.truth, w) for t, w in zip(trips, row, strict=True)] for row in found]
    )
    scores = np.array([[_macro_f1(one)[0] for one in row] for row in counts])
    chosen = np.array([counts[best, i] for i, best in enumerate(_best_elsewhere(scores))])
    rows: list[Row] = []
    for label, each in (("leave one trip out", chosen), ("defaults", counts[0])):
        mean, classes = _macro_f1(each.sum(axis=0))
        shown = ", ".join(f"{name} {value:.2f}" for name, value in classes.items())
        name = f"driving events, macro-F1 at overlap {_OVERLAP:g}, {label}"
        rows.append(Row(name, mean, "", None, "", None, f"{name}: {shown}"))
    return rows


def _counts(truth: Windows, found: Windows) -> list[tuple[int, int, int]]:
    """Hits, found and true events of each class."""
    counts: list[tuple[int, int, int]] = []
    for name, ours in _CLASSES.items():
        true, said = truth.select(truth.category == name), found.select(found.category == ours)
        shared = np.minimum(true.end_ns[:, None], said.end_ns) - np.maximum(
            true.start_ns[:, None], said.start_ns
        )
        length = (true.end_ns - true.start_ns)[:, None] + (said.end_ns - said.start_ns)
        overlap = np.maximum(shared, 0) / np.maximum(length - shared, 1)
        # At least half shared: no event can be matched twice, as neither side overlaps itself.
        counts.append((int((overlap > _OVERLAP).sum()), len(said), len(true)))
    return counts


def _macro_f1(counts: Sequence[Sequence[int]]) -> tuple[float, dict[str, float]]:
    """Mean over the classes that there truly are, and each."""
    scores = {
        ours: 2 * hits / (said + true)
        for ours, (hits, said, true) in zip(_CLASSES.values(), counts, strict=True)
        if true
    }
    return float(np.mean(list(scores.values()))), scores
