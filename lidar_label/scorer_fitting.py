"""Fit a scorer's trees to lessons, calibrate it, mix it with another one, and judge its scores.

The trees are boosted (Friedman, "Greedy Function Approximation", Annals of Statistics 2001).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lidar_label.errors import InvalidLabels
from lidar_label.kernels.forest import LEAF
from lidar_label.lessons import KEPT_IOU, Lesson, is_enough
from lidar_label.scoring import Scorer

_MOST_DROPPED = 60_000


@dataclass(frozen=True)
class Growth:
    """How trees are grown.

    Attributes:
        trees: How many.
        depth: Questions from root to leaf.
        rate: Share of its gain that each tree adds.
        worthless: Bird's-eye IoU up to which a reading counts as wrong.
        perfect: IoU from which on it counts as right.
    """

    trees: int = 120
    depth: int = 4
    rate: float = 0.12
    worthless: float = 0.3
    perfect: float = 0.7


def fit_scorer(
    lesson: Lesson, *, origin: str = "", growth: Growth = Growth(), seed: int = 0
) -> Scorer:
    """Fit boosted trees to how well readings fit; log-odds are of a box that a person keeps.

    Between worthless and perfect a reading counts in part for either side, so that of two right
    readings of one object the closer one scores higher.

    Args:
        lesson: Right and wrong readings.
        origin: What they are from, in words.
        growth: How the trees are grown.
        seed: Of the sampling.

    Raises:
        InvalidLabels: if the lesson holds right or wrong readings only.
    """
    from sklearn.ensemble import GradientBoostingClassifier

    if not is_enough(lesson, least=1):
        raise InvalidLabels("a scorer needs right and wrong readings; the lesson has one sort only")
    worth = (lesson.quality - growth.worthless) / (growth.perfect - growth.worthless)
    worth = np.clip(worth, 0.0, 1.0)
    kept, dropped = np.flatnonzero(worth > 0), np.flatnonzero(worth < 1)
    weight = 1.0 - worth[dropped]
    if len(dropped) > _MOST_DROPPED:  # wrong readings abound; a sample of them weighs for all
        sample = np.random.default_rng(seed).permutation(len(dropped))[:_MOST_DROPPED]
        weight = weight[sample] * (len(dropped) / _MOST_DROPPED)
        dropped = dropped[sample]
    model = GradientBoostingClassifier(
        n_estimators=growth.trees, max_depth=growth.depth, learning_rate=growth.rate, subsample=0.4,
        max_features=0.4, min_samples_leaf=20, random_state=seed,
    )  # fmt: skip
    model.fit(
        np.concatenate((lesson.values[kept], lesson.values[dropped])),
        np.concatenate((np.ones(len(kept)), np.zeros(len(dropped)))),
        sample_weight=np.concatenate((worth[kept], weight)),
    )
    share = float(worth[kept].sum() / (worth[kept].sum() + weight.sum()))
    trees = [row[0].tree_ for row in model.estimators_]
    return _flat(trees, growth.rate, float(np.log(share / (1 - share))), lesson.features, origin)


def calibrated(scorer: Scorer, lesson: Lesson) -> Scorer:
    """The scorer with the slope and offset at which its scores of a lesson come true (Platt 1999).

    Args:
        scorer: Fitted to other frames than the lesson's.
        lesson: Readings as they would be proposed, so without the many that lose to better ones.
    """
    from sklearn.linear_model import LogisticRegression

    kept = lesson.quality >= KEPT_IOU
    if kept.all() or not kept.any():
        return scorer
    raw = replace(scorer, slope=1.0, offset=0.0).log_odds(lesson.values, lesson.first)
    fit = LogisticRegression(C=1e3).fit(raw[:, None], kept)
    return replace(scorer, slope=float(fit.coef_[0, 0]), offset=float(fit.intercept_[0]))


def surprise(scorer: Scorer, lesson: Lesson) -> float:
    """Mean of −log of the probability that the scores gave to what people did; less is better."""
    if len(lesson.quality) == 0:
        return 0.0
    score = np.clip(scorer.score(lesson.values, lesson.first), 1e-6, 1 - 1e-6)
    kept = lesson.quality >= KEPT_IOU
    return float(-np.log(np.where(kept, score, 1 - score)).mean())


def mixed(first: Scorer, second: Scorer, share: float) -> Scorer:
    """One scorer whose log-odds are `share` of the first's and the rest of the second's."""
    weights = (share, 1.0 - share)
    pairs = tuple(zip((first, second), weights, strict=True))
    slope = sum(scorer.slope * weight for scorer, weight in pairs)
    shift = len(first.split)
    return Scorer(
        features=first.features,
        roots=np.concatenate((first.roots, second.roots + np.int32(shift))),
        split=np.concatenate((first.split, second.split)),
        threshold=np.concatenate((first.threshold, second.threshold)),
        below=np.concatenate((first.below, second.below + np.int32(shift))),
        value=np.concatenate(
            [scorer.value * np.float32(weight * scorer.slope / slope) for scorer, weight in pairs]
        ),
        base=sum(scorer.base * scorer.slope * weight for scorer, weight in pairs) / slope,
        slope=slope,
        offset=sum(scorer.offset * weight for scorer, weight in pairs),
        origin=f"{first.origin} and {second.origin}",
    )


def _flat(
    trees: Sequence[Any], rate: float, base: float, features: tuple[str, ...], origin: str
) -> Scorer:
    """Scikit-learn's trees as flat arrays in which the two children of a node are neighbours."""
    roots: list[int] = []
    split: list[int] = []
    threshold: list[float] = []
    below: list[int] = []
    value: list[float] = []

    def new_node() -> int:
        split.append(LEAF)
        for column in (threshold, value):
            column.append(0.0)
        below.append(0)
        return len(split) - 1

    for tree in trees:
        roots.append(new_node())
        waiting = [(0, roots[-1])]
        while waiting:
            node, place = waiting.pop()
            if tree.children_left[node] < 0:
                value[place] = rate * float(tree.value[node, 0, 0])
                continue
            split[place] = int(tree.feature[node])
            threshold[place] = float(tree.threshold[node])
            below[place] = new_node()
            waiting.append((int(tree.children_left[node]), below[place]))
            waiting.append((int(tree.children_right[node]), new_node()))
    return Scorer(
        features,
        np.array(roots, np.int32),
        np.array(split, np.int32),
        np.array(threshold, np.float32),
        np.array(below, np.int32),
        np.array(value, np.float32),
        base,
        origin=origin,
    )
