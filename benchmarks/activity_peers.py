"""The peers of the activity benchmark: ruptures, ExtraTrees, logistic regression, MiniRocket."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from lidar_label.activity_features import activity_rows, sensor_columns
from lidar_label.arrays import Floats, Ints, Strings
from lidar_label.benchmarks.activity_recordings import Postures
from lidar_label.datasets.signals import EvenSignal
from lidar_label.kernels.signal_features import window_moments, window_starts

_HOP_S = 0.24
_WINDOW_S = 1.0
STAYS = (0.95, 0.9, 0.98, 0.995)  # chance to stay, of the light hidden Markov models
CLASSIFIERS = ("ExtraTrees", "logistic regression", "MiniRocket")

Search = Callable[[EvenSignal, float], Ints]  # signal, penalty → times of changes


def ruptures_search(kernel: str) -> Search:
    """KernelCPD of ruptures over mean, log deviation, log roughness; `linear` is PELT's l2.

    Raises:
        ImportError: if ruptures is not installed.
    """
    import ruptures

    def search(signal: EvenSignal, penalty: float) -> Ints:
        length = round(_WINDOW_S * signal.rate_hz)
        starts = window_starts(len(signal.values), length, round(_HOP_S * signal.rate_hz))
        acc, gyro, _ = sensor_columns(signal)
        moments = window_moments(signal.values[:, [*acc, *gyro]], starts, length)
        rows = np.hstack(
            (moments.mean, np.log(moments.deviation + 1e-3), np.log(moments.roughness + 1e-3))
        )
        rows = (rows - rows.mean(axis=0)) / np.maximum(rows.std(axis=0), 1e-9)
        algorithm: Any = ruptures.KernelCPD(kernel=kernel, min_size=4).fit(rows)
        found = np.array(algorithm.predict(pen=penalty)[:-1], dtype=np.int64)
        return signal.time_ns((starts[np.clip(found, 1, None)] + starts[found - 1] + length) / 2)

    return search


class Classifier:
    """A peer that learns from tagged windows and names others, on its own or over time."""

    def __init__(self, name: str, seed: int = 0) -> None:
        """Raises ImportError if the peer is not installed."""
        self.name = name
        self._rows = _raw_windows if name == "MiniRocket" else _our_rows
        self._model: Any = _make(name, seed)

    def fit(self, parts: list[tuple[Postures, Ints]]) -> None:
        """Learn from some windows of some recordings."""
        rows = [self._rows(own.recording.signal, *_some(own, chosen)) for own, chosen in parts]
        names = [own.category[chosen] for own, chosen in parts]
        self._model.fit(np.concatenate(rows), np.concatenate(names).astype(str))

    def raw(self, own: Postures) -> Strings:
        """The class of every window, each on its own."""
        rows = self._rows(own.recording.signal, *own.window_samples())
        return np.asarray(self._model.predict(rows)).astype(object)

    def smoothed(self, own: Postures) -> list[Strings]:
        """The class at every window's middle after a light hidden Markov model, one a stay."""
        moments = own.moments
        rows = self._rows(own.recording.signal, moments.starts, moments.length)
        log_probability = np.log(np.maximum(self._scores(rows), 1e-4))
        middle = own.recording.signal.sample(own.middles())
        nearest = np.abs((moments.starts + moments.length / 2)[None] - middle[:, None]).argmin(1)
        classes = np.asarray(self._model.classes_).astype(object)
        return [classes[_viterbi(log_probability, stay)[nearest]] for stay in STAYS]

    def _scores(self, rows: Floats) -> Floats:
        if hasattr(self._model, "predict_proba"):
            return np.asarray(self._model.predict_proba(rows))
        odds = np.exp(np.asarray(self._model.decision_function(rows)))
        return odds / odds.sum(axis=1, keepdims=True)


def _some(own: Postures, chosen: Ints) -> tuple[Ints, int]:
    first, length = own.window_samples()
    return first[chosen], length


def _our_rows(signal: EvenSignal, starts: Ints, length: int) -> Floats:
    return activity_rows(signal, starts, length)


def _raw_windows(signal: EvenSignal, starts: Ints, length: int) -> Floats:
    acc, gyro, _ = sensor_columns(signal)
    values = signal.values[:, [*acc, *gyro]]
    windows = np.stack([values[start : start + length].T for start in starts.tolist()])
    return windows.astype(np.float64)


def _make(name: str, seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name == "ExtraTrees":
        return ExtraTreesClassifier(300, random_state=seed)
    if name == "logistic regression":
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return _MiniRocket(seed)


class _MiniRocket:
    """MiniRocket (Dempster et al., KDD 2021) of sktime, with its ridge classifier."""

    def __init__(self, seed: int) -> None:
        from sklearn.linear_model import RidgeClassifierCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        rockets: Any = importlib.import_module("sktime.transformations.panel.rocket")
        self._rocket: Any = rockets.MiniRocketMultivariate(num_kernels=2000, random_state=seed)
        ridge = RidgeClassifierCV(alphas=np.logspace(-3, 3, 10))
        self._ridge: Any = make_pipeline(StandardScaler(), ridge)

    def fit(self, windows: Floats, names: Strings) -> None:
        self._ridge.fit(np.asarray(self._rocket.fit_transform(windows)), names)
        self.classes_ = self._ridge.classes_

    def predict(self, windows: Floats) -> Strings:
        return self._ridge.predict(np.asarray(self._rocket.transform(windows)))

    def decision_function(self, windows: Floats) -> Floats:
        return self._ridge.decision_function(np.asarray(self._rocket.transform(windows)))


def _viterbi(log_probability: Floats, stay: float) -> Ints:
    classes = log_probability.shape[1]
    switch = np.full((classes, classes), np.log((1 - stay) / max(classes - 1, 1)))
    np.fill_diagonal(switch, np.log(stay))
    best = log_probability[0]
    came = np.zeros(log_probability.shape, dtype=np.int64)
    for i in range(1, len(log_probability)):
        through = best[:, None] + switch
        came[i] = through.argmax(axis=0)
        best = through.max(axis=0) + log_probability[i]
    path = np.empty(len(log_probability), dtype=np.int64)
    path[-1] = int(best.argmax())
    for i in range(len(path) - 1, 0, -1):
        path[i - 1] = came[i, path[i]]
    return path
