"""Constants are chosen on some people and reported on the others, over every way to halve them."""

from itertools import combinations

import numpy as np

from lidar_label.arrays import Floats


def halves(people: list[str]) -> list[frozenset[str]]:
    """The people to choose on, of every split in two halves.

    The rest are reported; an odd one is reported.
    """
    distinct = sorted(set(people))
    return [frozenset(chosen) for chosen in combinations(distinct, len(distinct) // 2)]


def chosen_elsewhere(scores: Floats, people: list[str]) -> Floats:
    """Figures under the settings that were best on other people.

    Args:
        scores: (C, R, F) figures of each setting on each recording; the first figure decides.
        people: R names, whose recording it is.

    Returns:
        (S, F) mean over the reported recordings of each split.
    """
    rows: list[Floats] = []
    for half in halves(people):
        tuning = np.array([person in half for person in people])
        best = int(scores[:, tuning, 0].mean(axis=1).argmax())
        rows.append(scores[best, ~tuning].mean(axis=0))
    return np.array(rows)


def as_given(scores: Floats, people: list[str]) -> Floats:
    """(S, F) means of one setting's (R, F) figures over the reported recordings of each split."""
    reported = [np.array([person not in half for person in people]) for half in halves(people)]
    return np.array([scores[rows].mean(axis=0) for rows in reported])
