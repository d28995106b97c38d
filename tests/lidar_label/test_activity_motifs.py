"""A gesture made twice is found as a motif, one made once as a discord; gaps are neither."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lidar_label.activities import as_even
from lidar_label.activity_motifs import MotifConfig, find_discords, find_motifs
from lidar_label.datasets.signals import NS_PER_S, EvenSignal
from lidar_label.errors import InvalidConfig, InvalidSignal

_spec = importlib.util.spec_from_file_location("people", Path(__file__).with_name("people.py"))
people = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(people)


def resting(seconds: float = 120.0, seed: int = 0) -> EvenSignal:
    rng = np.random.default_rng(seed)
    count = round(seconds * 50)
    values = rng.normal(scale=0.05, size=(count, 6)).astype(np.float32)
    values[:, 2] += 9.81
    names = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
    return EvenSignal(7, 50.0, values, np.ones(count, bool), names)


def gesture(signal: EvenSignal, at_s: float, seed: int) -> None:
    """Four seconds of pushes and turns that only this seed makes."""
    rng = np.random.default_rng(seed)
    for channel in range(6):
        wave = np.repeat(rng.choice([-4.0, 4.0], size=8), 25)  # as strong from start to end
        signal.values[round(at_s * 50) : round(at_s * 50) + 200, channel] += wave


def seconds(windows_ns: np.ndarray) -> list[float]:
    return sorted(((windows_ns - 7) / NS_PER_S).tolist())


@pytest.mark.parametrize("seed", range(4))
def test_what_is_done_twice_is_a_motif_and_once_a_discord(seed: int) -> None:
    signal = resting(seed=seed)
    for at_s, which in ((20.0, 10 + seed), (50.0, 20 + seed), (85.0, 10 + seed)):
        gesture(signal, at_s, which)
    pair = find_motifs(signal, 1)[0]
    np.testing.assert_allclose(seconds(pair.start_ns), [20.0, 85.0], atol=2.0)
    assert "they differ by" in pair.reason[0]
    odd = find_discords(signal, 1)
    np.testing.assert_allclose(seconds(odd.start_ns), [50.0], atol=2.5)


def test_pairs_do_not_overlap_and_gaps_are_left_out() -> None:
    signal = resting()
    for at_s, which in ((20.0, 1), (50.0, 2), (85.0, 1), (105.0, 2)):
        gesture(signal, at_s, which)
    starts = np.concatenate([pair.start_ns for pair in find_motifs(signal, 2)])
    assert np.diff(np.sort(starts)).min() >= 3.9 * NS_PER_S
    signal.valid[20 * 50 : 24 * 50] = False
    gone = find_motifs(signal, 1)[0]
    np.testing.assert_allclose(seconds(gone.start_ns), [50.0, 105.0], atol=2.0)


def test_bad_input_is_refused() -> None:
    signal, _ = people.day(0)
    with pytest.raises(InvalidConfig):
        find_motifs(signal, config=MotifConfig(length_s=0.0))
    with pytest.raises(InvalidSignal, match="longer signal"):
        find_discords(as_even(signal), config=MotifConfig(length_s=1e4))
