"""Find more like this: our template search beside z-normalised shapes, and the matrix profile."""

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lidar_label.activity_features import change_rows, sensor_columns
from lidar_label.activity_motifs import MotifConfig
from lidar_label.activity_search import find_similar
from lidar_label.arrays import Ints, Mask
from lidar_label.benchmarks.activity_recordings import Labelled, mean_and_spread
from lidar_label.benchmarks.activity_speed import made_up
from lidar_label.benchmarks.progress import say
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.datasets.signals import NS_PER_S
from lidar_label.datasets.windows import Windows
from lidar_label.kernels.matrix_profile import matrix_profile
from lidar_label.kernels.template_search import best_matches, distance_profile

_LENGTH_NS = 4 * NS_PER_S

Search = Callable[[Labelled, int, int, int], Ints]  # recording, start, end, count → starts found


def similar_rows(recordings: list[Labelled]) -> list[Row]:
    """Of as many finds as the class has room for, the share that are of it."""
    say("find more like this")
    ours = _precision(recordings, _by_rows)
    shapes = _precision(recordings, _by_shape)
    mine, spread = mean_and_spread(ours)
    name = f"more like 4 s of a bout, share of finds of its class ({spread})"
    theirs = float(np.mean(shapes))
    rows = [more_is_better(name, mine, "z-normalised shapes (MASS)", theirs, "")]
    plain, shape = (
        [_same_class_as_nearest(recording, normalised=normalised) for recording in recordings]
        for normalised in (False, True)
    )
    mine, spread = mean_and_spread(plain)
    name = f"nearest neighbour in the matrix profile is of the same class ({spread})"
    rows.append(more_is_better(name, mine, "z-normalised", float(np.mean(shape)), ""))
    return [*rows, _speed_row()]


def _precision(recordings: list[Labelled], search: Search) -> list[float]:
    """Of the middle of each bout; asked for are as many finds as its class has room for."""
    scores: list[float] = []
    for recording in recordings:
        truth = recording.truth
        for i in range(len(truth)):
            same = truth.category == truth.category[i]
            room = (truth.end_ns - truth.start_ns) // _LENGTH_NS
            count = int(room[same].sum()) - 1
            if room[i] < 1 or same.sum() < 2 or count < 1:
                continue
            start = int(truth.start_ns[i] + truth.end_ns[i] - _LENGTH_NS) // 2
            found = search(recording, start, start + _LENGTH_NS, count)
            row = _named(truth, found + _LENGTH_NS // 2)
            scores.append(float(same[row[row >= 0]].sum()) / count)
    return scores


def _by_rows(recording: Labelled, start: int, end: int, count: int) -> Ints:
    return find_similar(recording.signal, start, end, count=count).start_ns


def _by_shape(recording: Labelled, start: int, end: int, count: int) -> Ints:
    signal = recording.signal
    acc, gyro, _ = sensor_columns(signal)
    values = signal.values[:, [*acc, *gyro]]
    first, last = np.rint(signal.sample(np.array([start, end]))).astype(np.int64).tolist()
    profile = distance_profile(values[first:last], values, normalised=True)
    allowed: Mask = np.abs(np.arange(len(profile)) - first) >= last - first
    return signal.time_ns(best_matches(profile, count, last - first, allowed))


def _same_class_as_nearest(recording: Labelled, *, normalised: bool) -> float:
    """Over stretches whose middle is named, and whose neighbour's is."""
    config = MotifConfig(length_s=_LENGTH_NS / NS_PER_S)
    rows, samples = change_rows(recording.signal, config.rows)
    length = round(config.length_s / config.rows.hop_s)
    _, neighbour = matrix_profile(rows, length, apart=length, normalised=normalised)
    middle = recording.signal.time_ns(samples[: len(neighbour)]) + _LENGTH_NS // 2
    own, theirs = _named(recording.truth, middle), _named(recording.truth, middle[neighbour])
    both = (own >= 0) & (theirs >= 0)
    names = recording.truth.category
    return float((names[own[both]] == names[theirs[both]]).mean())


def _named(truth: Windows, time_ns: Ints) -> Ints:
    """(N,) row of the window that holds each moment; −1 where none does."""
    row = np.searchsorted(truth.start_ns, time_ns, side="right") - 1
    return np.where((row >= 0) & (time_ns < truth.end_ns[row]), row, -1)


def _speed_row() -> Row:
    rows, _ = change_rows(made_up(1.0), MotifConfig().rows)
    rows = rows[:14_400]
    matrix_profile(rows[:200], 40, normalised=True)
    start = time.process_time()
    matrix_profile(rows, 40, normalised=True)
    ours = time.process_time() - start
    try:
        stumpy: Any = importlib.import_module("stumpy")
    except ImportError:
        theirs = None
    else:
        series = np.ascontiguousarray(rows.T, dtype=np.float64)
        stumpy.mstump(series[:, :200], 40)
        start = time.process_time()
        stumpy.mstump(series, 40)
        theirs = time.process_time() - start
    name = f"matrix profile of {len(rows)} rows of {rows.shape[1]}, z-normalised, CPU"
    return less_is_better(name, ours, "mstump (stumpy)", theirs, "s")
