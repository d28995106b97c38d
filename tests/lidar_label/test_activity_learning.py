"""What to tag next, more like this, and models that serve only while they are the best."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lidar_label.activities import as_even
from lidar_label.activity_classification import classify_windows, describe
from lidar_label.activity_evaluation import evaluate_windows
from lidar_label.activity_learning import suggest_next
from lidar_label.activity_search import find_similar
from lidar_label.datasets.signals import NS_PER_S
from lidar_label.datasets.windows import UNKNOWN, Windows
from lidar_label.errors import InvalidLabels, InvalidSignal, UsageError
from lidar_label.model_shelf import ModelShelf

_spec = importlib.util.spec_from_file_location("people", Path(__file__).with_name("people.py"))
people = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(people)


def class_of(truth: Windows, time_ns: int) -> str:
    return truth.category[int(np.searchsorted(truth.start_ns, time_ns, side="right")) - 1]


def tag(tags: Windows, truth: Windows, start: int, end: int) -> Windows:
    name = class_of(truth, (start + end) // 2)
    return Windows.of(
        np.append(tags.start_ns, start),
        np.append(tags.end_ns, end),
        category=np.array([*tags.category, name, None], dtype=object)[:-1],
    )


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_suggestions_meet_every_class_soon(seed: int) -> None:
    signal, truth = people.day(seed)
    moments = describe(signal)
    tags = Windows.empty()
    for _ in range(len(set(truth.category)) + 1):
        best = suggest_next(moments, tags)[0]
        assert best.reason
        tags = tag(tags, truth, best.start_ns, best.end_ns)
    assert set(tags.category) == set(truth.category)
    assert evaluate_windows(classify_windows(moments, tags), truth).macro_f1 > 0.8


def test_several_suggestions_differ_and_avoid_the_tags() -> None:
    signal, truth = people.day(1)
    moments, tags = describe(signal), people.few_tags(truth)
    several = suggest_next(moments, tags, count=5)
    starts = np.array([s.start_ns for s in several])
    ends = np.array([s.end_ns for s in several])
    overlap = (starts[:, None] < ends[None]) & (ends[:, None] > starts[None])
    assert overlap.sum() == 5
    apart = (starts[:, None] >= tags.end_ns[None]) | (ends[:, None] <= tags.start_ns[None])
    assert apart.all()
    assert [s.worth for s in several] == sorted((s.worth for s in several), reverse=True)
    assert all(s.guess in set(truth.category) for s in several)


def test_what_is_unlike_all_tags_comes_first() -> None:
    signal, truth = people.day(0, bouts=16)
    tags = people.few_tags(truth)
    best = suggest_next(describe(signal), tags.select(tags.category != "lying"))[0]
    assert class_of(truth, (best.start_ns + best.end_ns) // 2) == "lying"
    assert "unlike" in best.reason


def test_candidates_limit_the_choice() -> None:
    signal, truth = people.day(2)
    moments = describe(signal)
    some = Windows.of(truth.start_ns[:3] + NS_PER_S, truth.start_ns[:3] + 3 * NS_PER_S)
    best = suggest_next(moments, Windows.empty(), candidates=some)[0]
    assert best.start_ns in some.start_ns
    assert best.guess == UNKNOWN
    with pytest.raises(UsageError, match="nothing is left"):
        suggest_next(moments, some, candidates=some)


def test_more_like_this() -> None:
    signal, truth = people.day(3)
    walking = np.flatnonzero(truth.category == "walking")
    start = int(truth.start_ns[walking[0]]) + 2 * NS_PER_S
    found = find_similar(signal, start, start + 4 * NS_PER_S, count=4, category="walking")
    middle = (found.start_ns + found.end_ns) // 2
    assert [class_of(truth, int(t)) for t in middle] == ["walking"] * 4
    assert (np.diff(found.score) <= 0).all()
    assert (np.abs(found.start_ns - start) >= 3.9 * NS_PER_S).all()
    with pytest.raises(InvalidSignal):
        find_similar(signal, start, start)
    with pytest.raises(InvalidSignal):
        find_similar(signal, int(signal.time_ns[-1]), int(signal.time_ns[-1]) + NS_PER_S)


def tags_of(truth: Windows, each: int) -> Windows:
    """Windows of 2 s throughout each bout."""
    starts, names = [], []
    for i in range(len(truth)):
        for k in range(each):
            starts.append(int(truth.start_ns[i]) + (1 + 2 * k) * NS_PER_S)
            names.append(truth.category[i])
    begin = np.array(starts)
    category = np.array([*names, None], dtype=object)[:-1]
    return Windows.of(begin, begin + 2 * NS_PER_S, category=category)


def test_a_model_is_adopted_only_when_it_is_better(tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path)
    assert shelf.current("ann") is None
    signal, truth = people.day(5)
    moments, tags = describe(signal), tags_of(truth, 3)
    first = shelf.offer("ann", [(moments, tags)])
    assert (first.adopted, first.version) == (True, 1)
    wrong = np.roll(tags.category, 1)
    confused = Windows.of(tags.start_ns, tags.end_ns, category=wrong)
    held = shelf.offer("ann", [(moments, tags)])
    assert not held.adopted  # no better than itself
    assert shelf.versions("ann") == (1,)
    second = shelf.offer("ann", [(moments, confused)])
    assert second.candidate < 0.9
    model = shelf.current("ann")
    assert model is not None
    assert model.to_json() == shelf.load("ann", shelf.versions("ann")[-1]).to_json()
    assert [d.adopted for d in shelf.decisions("ann")][:2] == [True, False]
    assert shelf.versions("bob") == ()


def test_the_shelf_refuses_what_it_cannot_judge(tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path)
    signal, truth = people.day(5)
    with pytest.raises(InvalidLabels, match="tag more"):
        shelf.offer("ann", [(describe(signal), people.few_tags(truth))])
    with pytest.raises(UsageError):
        shelf.current("../ann")
    with pytest.raises(UsageError, match="no such model"):
        shelf.load("ann", 3)
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "1.json").write_text("{}")
    with pytest.raises(InvalidLabels, match=r"1\.json"):
        shelf.current("ann")


def test_gaps_are_not_suggested() -> None:
    signal, _ = people.day(1)
    even = as_even(signal)
    even.valid[1000:2000] = False
    for one in suggest_next(describe(even), Windows.empty(), count=20):
        low, high = even.sample(np.array([one.start_ns, one.end_ns]))
        assert high <= 1000 or low >= 2000
