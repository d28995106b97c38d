"""Learn from corrected cuboids: a scorer of proposals and the sizes of the classes.

What the machine read into each segment is compared with what people left there; boosted trees
(Friedman, "Greedy Function Approximation", Annals of Statistics 2001) learn which readings are
kept. A new scorer or size is adopted only where it does no worse on frames that were held back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Ints32, Points, Strings
from lidar_label.errors import InvalidLabels
from lidar_label.kernels.boxes import count_points_in_boxes, iou_bev
from lidar_label.kernels.forest import LEAF
from lidar_label.ontology import LabelClass, Ontology, road_ontology
from lidar_label.proposals import ProposalConfig, best_rows, propose, read_sweep
from lidar_label.scoring import Scorer, usual_scorer

_KEPT_IOU = 0.5  # bird's-eye; from there on a person keeps a box
_WORTHLESS_IOU, _PERFECT_IOU = 0.3, 0.7
_FEWEST_POINTS = 5  # in a corrected cuboid that a proposal could have found
_FEWEST_KEPT = 20  # readings of either sort to learn from
_FORMER = 60.0  # frames that the scorer there was counts for
_MOST_DROPPED = 40_000
_TREES, _DEPTH, _RATE = 120, 4, 0.12
_FEWEST_JUDGES = 15  # cuboids in the frames held back: fewer tell no gain from luck
_MEASURED = 8.0  # how many corrected cuboids weigh as much as the ontology's size


@dataclass(frozen=True, eq=False)
class CorrectedFrame:
    """One sweep with the cuboids that people left.

    Attributes:
        points: (N, ≥3) frame of the boxes.
        boxes: (T, 7).
        category: (T,).
    """

    points: Points
    boxes: Boxes
    category: Strings


@dataclass(frozen=True, eq=False)
class Lesson:
    """What the machine read into frames, and how well each reading fits what people left.

    Attributes:
        features: Names of the columns.
        values: (M, F) float32.
        first: (M,) first log-odds of each reading.
        quality: (M,) bird's-eye IoU with the best cuboid.
        frame: (M,) index of the frame.
    """

    features: tuple[str, ...]
    values: Floats32
    first: Floats
    quality: Floats
    frame: Ints


@dataclass(frozen=True)
class Outcome:
    """How proposals do on held-back frames.

    Attributes:
        average_precision: At bird's-eye IoU 0.5, of cuboids with at least 5 points.
        recall: Of the proposals from the usual least score on.
        precision: Of the same.
    """

    average_precision: float
    recall: float
    precision: float


@dataclass(frozen=True, eq=False)
class Learned:
    """What was adopted.

    Attributes:
        scorer: The new one, or the one before where that did better.
        ontology: With learned sizes, or the one before.
        scorer_adopted: Whether `scorer` is new.
        sizes_adopted: Whether `ontology` is new.
        scores_adjusted: Whether the scores were calibrated anew.
        before: Outcome on the held-back frames with what there was.
        after: Outcome with what was adopted.
        reason: In words.
    """

    scorer: Scorer
    ontology: Ontology
    scorer_adopted: bool
    sizes_adopted: bool
    scores_adjusted: bool
    before: Outcome
    after: Outcome
    reason: str

    @property
    def config(self) -> ProposalConfig:
        """Proposals with what was learned."""
        return ProposalConfig(scorer=self.scorer, ontology=self.ontology)


def learn(
    frames: Sequence[CorrectedFrame],
    config: ProposalConfig,
    *,
    former: Lesson | None = None,
    seed: int = 0,
) -> Learned:
    """Learn from corrected frames; every fourth is held back and judges.

    Args:
        frames: At least two.
        config: What proposes now.
        former: Readings of other places to learn from as well.
        seed: Of the trees.

    Raises:
        InvalidLabels: if there are fewer than two frames or no cuboid that points show.
    """
    if len(frames) < 2:
        raise InvalidLabels(f"{len(frames)} corrected frames; learning needs two or more")
    held = [i for i in range(len(frames)) if i % 4 == 1]
    judges = [frames[i] for i in held]
    pupils = [frame for i, frame in enumerate(frames) if i not in held]
    before = best = outcome(judges, config)
    judged = sum(int((_points_in(frame) >= _FEWEST_POINTS).sum()) for frame in judges)
    if judged < _FEWEST_JUDGES:
        return _nothing_learned(config, before, f"{judged} cuboids held back are too few to judge")
    said: list[str] = []
    ontology = learn_sizes(pupils, config.ontology or road_ontology())
    sized = replace(config, ontology=ontology)
    result = outcome(judges, sized)
    sizes_adopted = _no_worse(result, best)
    if sizes_adopted:
        config, best = sized, result
    said.append(_said("sizes", sizes_adopted, before, result))
    lesson = read_lesson(pupils, config)
    lesson = lesson if former is None else join_lessons((lesson, former))
    scorer = None
    scorer_adopted = False
    if _is_enough(lesson):
        scorer = _widened(config, pupils, lesson, seed)
        scored = replace(config, scorer=scorer)
        result = outcome(judges, scored)
        scorer_adopted = _no_worse(result, best)
        said.append(_said("scorer", scorer_adopted, best, result))
        if scorer_adopted:
            config, best = scored, result
    else:
        said.append(f"scorer kept: fewer than {_FEWEST_KEPT} readings were right, or wrong")
    adjusted = calibrated(config.scorer or usual_scorer(), read_proposed(pupils, config))
    proposed = read_proposed(judges, config)
    scores_adjusted = surprise(adjusted, proposed) < surprise(
        config.scorer or usual_scorer(), proposed
    )
    if scores_adjusted:
        config = replace(config, scorer=adjusted)
        best = outcome(judges, config)
    said.append(f"scores {'calibrated anew' if scores_adjusted else 'kept'}")
    return Learned(
        config.scorer or usual_scorer(),
        config.ontology or road_ontology(),
        scorer_adopted,
        sizes_adopted,
        scores_adjusted,
        before,
        best,
        "; ".join(said),
    )


def surprise(scorer: Scorer, lesson: Lesson) -> float:
    """Mean of −log of the probability that the scores gave to what people did; less is better."""
    if len(lesson.quality) == 0:
        return 0.0
    score = np.clip(scorer.score(lesson.values, lesson.first), 1e-6, 1 - 1e-6)
    kept = lesson.quality >= _KEPT_IOU
    return float(-np.log(np.where(kept, score, 1 - score)).mean())


def _nothing_learned(config: ProposalConfig, before: Outcome, why: str) -> Learned:
    scorer, ontology = config.scorer or usual_scorer(), config.ontology or road_ontology()
    return Learned(scorer, ontology, False, False, False, before, before, why)


def _points_in(frame: CorrectedFrame) -> Ints32:
    return count_points_in_boxes(frame.points, frame.boxes)


def _widened(
    config: ProposalConfig, pupils: Sequence[CorrectedFrame], lesson: Lesson, seed: int
) -> Scorer:
    """The scorer there was, mixed with one fitted to the pupils, by the number of their frames."""
    former = config.scorer or usual_scorer()
    fresh = fit_scorer(lesson, origin=f"{len(pupils)} corrected frames", seed=seed)
    fresh = calibrated(fresh, read_proposed(pupils, replace(config, scorer=fresh)))
    return mixed(former, fresh, _FORMER / (_FORMER + len(pupils)))


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


def read_lesson(frames: Sequence[CorrectedFrame], config: ProposalConfig) -> Lesson:
    """Read all segments of the frames and compare each reading with the corrected cuboids."""
    parts: list[Lesson] = []
    for index, corrected in enumerate(frames):
        readings = read_sweep(corrected.points, config)
        if readings is None:
            continue
        seen = corrected.boxes[count_points_in_boxes(corrected.points, corrected.boxes) > 0]
        quality = iou_bev(readings.boxes, seen).max(axis=1, initial=0.0)
        at = np.full(len(quality), index, dtype=np.int64)
        evidence = readings.evidence
        parts.append(Lesson(evidence.names, evidence.values, evidence.first, quality, at))
    return _stacked(parts)


def join_lessons(lessons: Sequence[Lesson]) -> Lesson:
    """Several as one; frames are numbered on."""
    first = np.cumsum([0, *(int(x.frame.max(initial=-1)) + 1 for x in lessons)])[:-1]
    return _stacked(
        [replace(x, frame=x.frame + n) for x, n in zip(lessons, first, strict=True) if len(x.frame)]
    )


def _stacked(parts: Sequence[Lesson]) -> Lesson:
    if not parts:
        none = np.zeros(0)
        return Lesson((), np.zeros((0, 0), np.float32), none, none, np.zeros(0, np.int64))
    return Lesson(
        parts[0].features,
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.first for part in parts]),
        np.concatenate([part.quality for part in parts]),
        np.concatenate([part.frame for part in parts]),
    )


def fit_scorer(lesson: Lesson, *, origin: str = "", trees: int = _TREES, seed: int = 0) -> Scorer:
    """Fit boosted trees to how well readings fit; log-odds are of a box that a person keeps.

    Between worthless (IoU 0.3) and perfect (0.7) a reading counts in part for either side, so that
    of two right readings of one object the closer one scores higher.

    Raises:
        InvalidLabels: if the lesson holds right or wrong readings only.
    """
    from sklearn.ensemble import GradientBoostingClassifier

    if not _is_enough(lesson, least=1):
        raise InvalidLabels("a scorer needs right and wrong readings; the lesson has one sort only")
    worth = (lesson.quality - _WORTHLESS_IOU) / (_PERFECT_IOU - _WORTHLESS_IOU)
    worth = np.clip(worth, 0.0, 1.0)
    kept, dropped = np.flatnonzero(worth > 0), np.flatnonzero(worth < 1)
    weight = 1.0 - worth[dropped]
    if len(dropped) > _MOST_DROPPED:  # wrong readings abound; a sample of them weighs for all
        sample = np.random.default_rng(seed).permutation(len(dropped))[:_MOST_DROPPED]
        weight = weight[sample] * (len(dropped) / _MOST_DROPPED)
        dropped = dropped[sample]
    model = GradientBoostingClassifier(
        n_estimators=trees, max_depth=_DEPTH, learning_rate=_RATE, subsample=0.4,
        max_features=0.4, min_samples_leaf=20, random_state=seed,
    )  # fmt: skip
    model.fit(
        np.concatenate((lesson.values[kept], lesson.values[dropped])),
        np.concatenate((np.ones(len(kept)), np.zeros(len(dropped)))),
        sample_weight=np.concatenate((worth[kept], weight)),
    )
    share = float(worth[kept].sum() / (worth[kept].sum() + weight.sum()))
    return _flat(
        [row[0].tree_ for row in model.estimators_],
        float(np.log(share / (1 - share))),
        lesson.features,
        origin,
    )


def calibrated(scorer: Scorer, lesson: Lesson) -> Scorer:
    """The scorer with the slope and offset at which its scores of a lesson come true (Platt 1999).

    Args:
        scorer: Fitted to other frames than the lesson's.
        lesson: Readings as they would be proposed, so without the many that lose to better ones.
    """
    from sklearn.linear_model import LogisticRegression

    kept = lesson.quality >= _KEPT_IOU
    if kept.all() or not kept.any():
        return scorer
    raw = replace(scorer, slope=1.0, offset=0.0).log_odds(lesson.values, lesson.first)
    fit = LogisticRegression(C=1e3).fit(raw[:, None], kept)
    return replace(scorer, slope=float(fit.coef_[0, 0]), offset=float(fit.intercept_[0]))


def read_proposed(frames: Sequence[CorrectedFrame], config: ProposalConfig) -> Lesson:
    """`read_lesson` of the readings alone that would be proposed, however low their score."""
    scorer = config.scorer or usual_scorer()
    parts: list[Lesson] = []
    for index, corrected in enumerate(frames):
        readings = read_sweep(corrected.points, config)
        if readings is None:
            continue
        rows = best_rows(readings, readings.score(scorer), 0.0)
        seen = corrected.boxes[count_points_in_boxes(corrected.points, corrected.boxes) > 0]
        quality = iou_bev(readings.boxes[rows], seen).max(axis=1, initial=0.0)
        at = np.full(len(quality), index, dtype=np.int64)
        evidence = readings.evidence
        values, first = evidence.values[rows], evidence.first[rows]
        parts.append(Lesson(evidence.names, values, first, quality, at))
    return _stacked(parts)


def learn_sizes(frames: Sequence[CorrectedFrame], ontology: Ontology) -> Ontology:
    """The ontology with the sizes that corrected cuboids show, weighed against those it had."""
    sizes: dict[str, list[Boxes]] = {}
    for frame in frames:
        seen = count_points_in_boxes(frame.points, frame.boxes) >= _FEWEST_POINTS
        for box, name in zip(frame.boxes[seen], frame.category[seen], strict=True):
            sizes.setdefault(ontology.canonical(str(name)), []).append(box[3:6])
    classes = tuple(
        _resized(label, np.array(sizes[label.name])) if label.name in sizes else label
        for label in ontology.classes
    )
    return replace(ontology, classes=classes)


def _resized(label: LabelClass, sizes: Floats) -> LabelClass:
    """Mean and spread of a normal-gamma posterior that counts the ontology as some cuboids."""
    n = len(sizes)
    mean, sd = np.array(label.size_mean), np.array(label.size_sd)
    middle = sizes.mean(axis=0)
    both = (_MEASURED * mean + n * middle) / (_MEASURED + n)
    spread = (
        _MEASURED * sd**2
        + ((sizes - middle) ** 2).sum(axis=0)
        + _MEASURED * n / (_MEASURED + n) * (middle - mean) ** 2
    ) / (_MEASURED + n)
    a, b, c = both.tolist()
    d, e, f = np.sqrt(spread).tolist()
    return replace(label, size_mean=(a, b, c), size_sd=(d, e, f))


def outcome(frames: Sequence[CorrectedFrame], config: ProposalConfig) -> Outcome:
    """Propose on frames and compare with what people left there; class is ignored."""
    scores: list[Floats] = []
    right: list[Floats] = []
    targets = found = 0
    for frame in frames:
        cuboids = propose(frame.points, replace(config, min_score=0.02))
        seen = count_points_in_boxes(frame.points, frame.boxes) >= _FEWEST_POINTS
        iou = iou_bev(cuboids.boxes, frame.boxes)
        taken = np.zeros(len(frame.boxes), dtype=bool)
        hit = np.zeros(len(iou))
        counts = np.ones(len(iou), dtype=bool)
        for row in range(len(iou)):  # the likeliest first
            free = np.where(taken, 0.0, iou[row])
            best = int(free.argmax()) if len(free) else -1
            if best >= 0 and free[best] >= _KEPT_IOU:
                taken[best] = True
                hit[row], counts[row] = 1.0, seen[best]
        scores.append(cuboids.score[counts].astype(np.float64))
        right.append(hit[counts])
        targets += int(seen.sum())
        found += int(hit[counts & (cuboids.score >= config.min_score)].sum())
    score, hits = np.concatenate(scores), np.concatenate(right)
    hits = hits[np.argsort(-score, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    proposed = int((score >= config.min_score).sum())
    return Outcome(
        float((envelope * hits).sum() / max(targets, 1)),
        found / max(targets, 1),
        found / max(proposed, 1),
    )


def _no_worse(new: Outcome, old: Outcome) -> bool:
    return new.average_precision >= old.average_precision


def _is_enough(lesson: Lesson, least: int = _FEWEST_KEPT) -> bool:
    kept = int((lesson.quality >= _KEPT_IOU).sum())
    return kept >= least and len(lesson.quality) - kept >= least


def _said(what: str, adopted: bool, old: Outcome, new: Outcome) -> str:
    verdict = "adopted" if adopted else "not adopted"
    return (
        f"{what} {verdict}: average precision {old.average_precision:.3f} → "
        f"{new.average_precision:.3f} on held-back frames"
    )


def _flat(trees: Sequence[Any], base: float, features: tuple[str, ...], origin: str) -> Scorer:
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
                value[place] = _RATE * float(tree.value[node, 0, 0])
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
