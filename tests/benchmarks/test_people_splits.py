"""Settings are judged only on people that they were not chosen on."""

import numpy as np

from lidar_label.benchmarks.people_splits import as_given, chosen_elsewhere, halves

PEOPLE = ["a", "a", "b", "c", "d"]


def test_every_half_once() -> None:
    found = halves(PEOPLE)
    assert len(found) == 6
    assert all(len(half) == 2 for half in found)
    assert len(set(found)) == 6
    assert halves(["x", "y"]) == [frozenset("x"), frozenset("y")]


def test_what_is_good_for_some_is_reported_on_the_others() -> None:
    suits = {"a": 0, "b": 0, "c": 1, "d": 1}  # which of two settings is right for whom
    scores = np.array([[[float(suits[p] == s)] for p in PEOPLE] for s in (0, 1)])
    found = dict(zip(halves(PEOPLE), chosen_elsewhere(scores, PEOPLE)[:, 0], strict=True))
    assert found[frozenset("ab")] == 0.0  # chosen on them, wrong for c and d
    assert found[frozenset("cd")] == 0.0
    given = as_given(scores[0], PEOPLE)[:, 0]
    assert given[halves(PEOPLE).index(frozenset("cd"))] == 1.0
