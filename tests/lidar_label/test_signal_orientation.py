"""A phone put on anyhow is turned upright, and a model of another way of wearing it serves."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lidar_label.activities import as_even
from lidar_label.activity_classification import classify_windows, describe, fit_on
from lidar_label.activity_evaluation import evaluate_windows
from lidar_label.datasets.signals import EvenSignal
from lidar_label.datasets.windows import Windows
from lidar_label.errors import InvalidSignal
from lidar_label.signal_orientation import upright

_spec = importlib.util.spec_from_file_location("people", Path(__file__).with_name("people.py"))
people = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(people)


def turned(signal: EvenSignal, rotation: np.ndarray) -> EvenSignal:
    values = signal.values.copy()
    for k in (0, 3):
        values[:, k : k + 3] = signal.values[:, k : k + 3] @ rotation.T
    return replace(signal, values=values.astype(np.float32))


TURNS = {
    "upside down": np.diag([1.0, -1.0, -1.0]),
    "on its side": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
}


@pytest.mark.parametrize("name", TURNS)
def test_gravity_of_a_walker_points_along_z(name: str) -> None:
    signal, truth = people.day(0)
    found = upright(turned(as_even(signal), TURNS[name]))
    walking = np.flatnonzero(truth.category == "walking")[0]
    low, high = found.sample(np.array([truth.start_ns[walking], truth.end_ns[walking]]))
    mean = found.values[int(low) : int(high), :3].mean(axis=0)
    assert mean[2] / np.linalg.norm(mean) > 0.99
    before = np.linalg.norm(as_even(signal).values[:, :3], axis=1)
    assert np.allclose(np.linalg.norm(found.values[:, :3], axis=1), before, atol=1e-3)


def test_a_model_serves_however_the_phone_is_worn() -> None:
    models = []
    for seed in (6, 7):
        signal, truth = people.day(seed)
        models.append((describe(upright(as_even(signal))), people.few_tags(truth)))
    model = fit_on(models)
    signal, truth = people.day(8)
    worn = turned(as_even(signal), TURNS["upside down"])
    plain, righted = (
        evaluate_windows(classify_windows(s, Windows.empty(), model=model), truth).accuracy
        for s in (worn, upright(worn))
    )
    assert righted > 0.7
    assert righted > plain + 0.2


def test_without_an_accelerometer_it_refuses() -> None:
    signal = EvenSignal(0, 50.0, np.zeros((100, 1), np.float32), np.ones(100, bool), ("audio_0",))
    with pytest.raises(InvalidSignal, match="accelerometer"):
        upright(signal)
