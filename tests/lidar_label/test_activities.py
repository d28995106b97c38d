"""Changes are found where they are; a few tags name the rest; what was never tagged is unknown."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lidar_label.activities import ChangePointConfig, change_points, windows_between
from lidar_label.activity_classification import (
    ActivityConfig,
    classify_windows,
    describe,
    fit_on,
    fit_tags,
)
from lidar_label.activity_evaluation import (
    boundaries,
    boundary_f1,
    evaluate_windows,
    match_boundaries,
)
from lidar_label.activity_model import ActivityModel
from lidar_label.datasets.signals import NS_PER_S, Signal
from lidar_label.datasets.windows import UNKNOWN, Windows
from lidar_label.errors import InvalidConfig, InvalidLabels, InvalidSignal

_spec = importlib.util.spec_from_file_location("people", Path(__file__).with_name("people.py"))
people = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(people)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_changes_stand_where_the_motion_changes(seed: int) -> None:
    signal, truth = people.day(seed)
    changes = change_points(signal)
    edges = boundaries(truth)[1:-1]
    assert boundary_f1(edges, changes.time_ns, 1.0) >= 0.9
    assert (changes.low_ns <= changes.time_ns).all()
    assert (changes.time_ns <= changes.high_ns).all()
    assert (np.diff(changes.time_ns) > 0).all()
    assert (changes.gain > 0).all()


def test_a_lower_penalty_finds_no_fewer() -> None:
    signal, _ = people.day(3)
    counts = [len(change_points(signal, ChangePointConfig(penalty=p))) for p in (1.0, 3.0, 9.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_turning_the_sensor_about_the_vertical_moves_no_change() -> None:
    signal, _ = people.day(4)
    values = signal.values.copy()
    values[:, [0, 1]] = values[:, [1, 0]] * (-1, 1)
    values[:, [3, 4]] = values[:, [4, 3]] * (-1, 1)
    turned = Signal(signal.time_ns, values, signal.channels, signal.units)
    a, b = change_points(signal).time_ns, change_points(turned).time_ns
    assert boundary_f1(a, b, 1.0) >= 0.9


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_refinement_finds_the_sample(seed: int) -> None:
    signal, truth = people.day(seed)
    edges = boundaries(truth)[1:-1]
    coarse = match_boundaries(edges, change_points(signal).time_ns, 1.0)
    changes = change_points(signal, ChangePointConfig(refine_s=0.75))
    fine = match_boundaries(edges, changes.time_ns, 1.0)
    assert np.median(coarse) > 0.1
    assert np.median(fine) <= 0.021  # one sample at 50 Hz
    assert (changes.low_ns < changes.time_ns).all()
    assert (changes.time_ns < changes.high_ns).all()


def test_windows_between_changes_cover_the_signal() -> None:
    signal, _ = people.day(5)
    windows = windows_between(signal, change_points(signal))
    assert (windows.start_ns[1:] == windows.end_ns[:-1]).all()
    assert windows.start_ns[0] == signal.time_ns[0]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_one_tag_a_class_names_the_rest(seed: int) -> None:
    signal, truth = people.day(seed)
    windows = classify_windows(signal, people.few_tags(truth))
    agreement = evaluate_windows(windows, truth)
    assert agreement.accuracy >= 0.9
    assert agreement.macro_f1 >= 0.88
    assert (windows.start_ns[1:] == windows.end_ns[:-1]).all()
    named = windows.category != UNKNOWN
    assert ((windows.score[named] > 0) & (windows.score[named] <= 1)).all()


def test_a_class_never_tagged_is_unknown() -> None:
    signal, truth = people.day(0, bouts=16)
    tags = people.few_tags(truth)
    tags = tags.select(tags.category != "lying")
    windows = classify_windows(signal, tags)
    right = evaluate_windows(windows, truth.select(truth.category != "lying"))
    assert right.accuracy >= 0.85
    lying = truth.select(truth.category == "lying")
    middle = (lying.start_ns + lying.end_ns) // 2
    at = np.searchsorted(windows.start_ns, middle, side="right") - 1
    assert (windows.category[at] == UNKNOWN).mean() >= 0.75


def test_retraining_reuses_what_is_known_of_the_signal() -> None:
    signal, truth = people.day(1)
    tags = people.few_tags(truth)
    assert classify_windows(describe(signal), tags).equals(classify_windows(signal, tags))


def test_a_model_of_another_person_serves_without_tags() -> None:
    models = [
        (describe(signal), people.few_tags(truth)) for signal, truth in map(people.day, (6, 7))
    ]
    signal, truth = people.day(8)
    windows = classify_windows(signal, Windows.empty(), model=fit_on(models))
    assert evaluate_windows(windows, truth).accuracy >= 0.9


def test_a_model_survives_its_text() -> None:
    signal, truth = people.day(2)
    moments = describe(signal)
    model = fit_tags(moments, people.few_tags(truth))
    again = ActivityModel.from_json(model.to_json())
    assert np.array_equal(again.log_probability(moments.rows), model.log_probability(moments.rows))
    with pytest.raises(InvalidLabels):
        ActivityModel.from_json("{}")
    with pytest.raises(InvalidLabels, match="version 99"):
        ActivityModel.from_json(model.to_json().replace('"version": 1', '"version": 99'))


def test_a_gap_is_unknown_not_guessed() -> None:
    signal, truth = people.day(1)
    start = signal.time_ns[0] + 60 * NS_PER_S
    kept = (signal.time_ns < start) | (signal.time_ns > start + 12 * NS_PER_S)
    torn = Signal(signal.time_ns[kept], signal.values[kept], signal.channels, signal.units)
    windows = classify_windows(torn, people.few_tags(truth))
    at = np.searchsorted(windows.start_ns, start + 6 * NS_PER_S, side="right") - 1
    assert windows.category[at] == UNKNOWN


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda s, _: classify_windows(s, Windows.empty()), InvalidLabels),
        (lambda s, _: change_points(s, ChangePointConfig(penalty=0)), InvalidConfig),
        (lambda s, t: classify_windows(s, t, ActivityConfig(hop_s=-1)), InvalidConfig),
        (lambda s, _: change_points([]), InvalidSignal),
        (
            lambda s, _: change_points(Signal(s.time_ns[:1], s.values[:1], s.channels, s.units)),
            InvalidSignal,
        ),
    ],
)
def test_bad_input_is_refused(make: object, error: type[Exception]) -> None:
    signal, truth = people.day(0)
    with pytest.raises(error):
        make(signal, people.few_tags(truth))  # type: ignore[operator]


@pytest.mark.parametrize("length", [2, 5, 60])
def test_a_short_signal_is_one_stretch(length: int) -> None:
    signal, _ = people.day(0)
    short = Signal(signal.time_ns[:length], signal.values[:length], signal.channels, signal.units)
    assert len(change_points(short)) == 0


def test_real_posture_recordings(shared: Path) -> None:
    from lidar_label.datasets.signal_presets import read_signals

    file = shared / "imu" / "hapt" / "RawData" / "acc_exp01_user01.txt"
    recording = read_signals((file,))
    assert recording.windows is not None
    span = boundaries(recording.windows)
    changes = change_points(recording.signals).time_ns
    inside = changes[(changes > span[0] + NS_PER_S) & (changes < span[-1] - NS_PER_S)]
    assert boundary_f1(span[1:-1], inside, 1.0) > 0.63  # PELT l2 on the whole set, its README
