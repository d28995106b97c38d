"""A phone put on anyhow is turned upright, and a model of another way of wearing it serves."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from lidar_label.activities import as_even, change_points
from lidar_label.activity_classification import classify_windows, describe, fit_on
from lidar_label.activity_evaluation import evaluate_windows
from lidar_label.datasets.signals import EvenSignal
from lidar_label.datasets.windows import Windows
from lidar_label.errors import InvalidSignal
from lidar_label.signal_orientation import gravity_free, level, upright

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


@pytest.mark.parametrize("frame", [upright, level])
@pytest.mark.parametrize("seed", range(3))
def test_windows_stay_the_same_however_the_phone_is_turned(frame: Any, seed: int) -> None:
    signal, truth = people.day(seed)
    rotation = Rotation.random(random_state=seed).as_matrix()
    plain, other = frame(as_even(signal)), frame(turned(as_even(signal), rotation))
    np.testing.assert_allclose(other.values, plain.values, atol=2e-3)
    one, two = (classify_windows(s, people.few_tags(truth)) for s in (plain, other))
    assert one.category.tolist() == two.category.tolist()
    np.testing.assert_array_equal(one.start_ns, two.start_ns)
    np.testing.assert_array_equal(change_points(plain).time_ns, change_points(other).time_ns)


def test_a_walker_s_phone_may_be_turned_on_the_way() -> None:
    signal, _ = people.day(1)
    walk = as_even(signal)
    walk.values[:, :3] = np.random.default_rng(0).normal(scale=0.5, size=(len(walk.values), 3))
    walk.values[:, 2] += 9.81
    walk.values[:, 3:] = 0.0
    count = len(walk.values)
    keys = Rotation.concatenate([Rotation.identity(), Rotation.from_euler("xyz", [2.0, 0.4, 1.0])])
    share = np.clip((np.arange(count) - count / 2) / (1.0 * walk.rate_hz), 0, 1)  # within a second
    turns = Slerp([0, 1], keys)(share)
    spin = (turns[:-1].inv() * turns[1:]).as_rotvec() * walk.rate_hz
    values = walk.values.copy()
    values[:, :3] = turns.inv().apply(walk.values[:, :3])
    values[1:, 3:] = spin
    on_the_way = replace(walk, values=values.astype(np.float32))
    for found in (level(walk), level(on_the_way)):
        assert np.abs(found.values[:, 2].mean() - 9.81) < 0.1
        free = gravity_free(found).values[:, :3]
        quiet = np.abs(np.arange(count) - count / 2) > 3 * walk.rate_hz
        assert np.abs(free[quiet].mean(axis=0)).max() < 0.2
    assert len(change_points(on_the_way)) > len(change_points(level(on_the_way)))


def test_without_an_accelerometer_it_refuses() -> None:
    signal = EvenSignal(0, 50.0, np.zeros((100, 1), np.float32), np.ones(100, bool), ("audio_0",))
    for frame in (upright, level, gravity_free):
        with pytest.raises(InvalidSignal, match="accelerometer"):
            frame(signal)
    names = ("acc_x", "acc_y", "acc_z")
    silent = replace(signal, values=np.ones((100, 3), np.float32), channels=names)
    with pytest.raises(InvalidSignal, match="gyroscope"):
        level(silent)
