"""What a turned phone costs: every recording turned at random, in each frame."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from lidar_label.activities import change_points
from lidar_label.activity_classification import classify_windows, fit_on
from lidar_label.activity_features import sensor_columns
from lidar_label.arrays import Floats32
from lidar_label.benchmarks.activity_changes import agreement
from lidar_label.benchmarks.activity_recordings import (
    Labelled,
    Postures,
    classes_at,
    macro_f1,
    mean_and_spread,
    postures,
)
from lidar_label.benchmarks.activity_tags import DRAWS, people_of, tags_of_others
from lidar_label.benchmarks.progress import say
from lidar_label.benchmarks.rows import Row, more_is_better
from lidar_label.datasets.signals import EvenSignal
from lidar_label.datasets.windows import Windows
from lidar_label.signal_orientation import level, upright

_FRAMES: dict[str, Callable[[EvenSignal], EvenSignal]] = {"upright": upright, "level": level}


def orientation_rows(recordings: list[Labelled]) -> list[Row]:
    """20 tags a class of other people, and change points; each recording turned in its own way."""
    say("turned phones")
    turned = [
        replace(recording, signal=_turned(recording.signal, i))
        for i, recording in enumerate(recordings)
    ]
    sensor, sensor_changes = _figures(turned)
    rows: list[Row] = []
    for name, frame in _FRAMES.items():
        right, changes = _figures([replace(r, signal=frame(r.signal)) for r in turned])
        mine, spread = mean_and_spread(right)
        title = f"phones turned at random, 20 tags a class of others, {name} ({spread})"
        rows.append(more_is_better(title, mine, "sensor's own axes", float(np.mean(sensor)), ""))
        title = f"phones turned at random, change points, F1 within 1 s, {name}"
        rows.append(more_is_better(title, changes, "sensor's own axes", sensor_changes, ""))
    return rows


def _turned(signal: EvenSignal, seed: int) -> EvenSignal:
    from scipy.spatial.transform import Rotation

    draw: Any = Rotation.random  # its keyword for the seed changed with scipy 1.15
    turn = draw(None, seed).as_matrix()
    values: Floats32 = signal.values.copy()
    for columns in sensor_columns(signal)[:2]:
        values[:, columns] = signal.values[:, columns] @ turn.T
    return replace(signal, values=values)


def _figures(recordings: list[Labelled]) -> tuple[list[float], float]:
    """Macro-F1 of every draw, and the mean F1 of change points."""
    changes = [agreement(r, change_points(r.signal).time_ns)[0] for r in recordings]
    described: list[Postures] = [postures(recording) for recording in recordings]
    scores: list[float] = []
    for person in people_of(described):
        for seed in range(DRAWS):
            parts = tags_of_others(described, person, 20, seed)
            model = fit_on([(described[i].moments, described[i].tags(rows)) for i, rows in parts])
            for own in described:
                if own.recording.person == person:
                    windows = classify_windows(own.moments, Windows.empty(), model=model)
                    scores.append(macro_f1(classes_at(windows, own.middles()), own.category))
    return scores, float(np.mean(changes))
