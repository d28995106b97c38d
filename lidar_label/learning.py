"""Learn from corrected cuboids: a scorer of proposals and the sizes of the classes.

What the machine read into each segment is compared with what people left there (`lessons`); trees
learn which readings are kept (`scorer_fitting`). A new scorer or size is adopted only where it does
no worse on frames that were held back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lidar_label.arrays import Boxes, Floats, Ints32
from lidar_label.errors import InvalidLabels
from lidar_label.kernels.boxes import count_points_in_boxes, iou_bev
from lidar_label.lessons import (
    FEWEST_KEPT,
    KEPT_IOU,
    CorrectedFrame,
    Lesson,
    is_enough,
    join_lessons,
    read_lesson,
    read_proposed,
)
from lidar_label.ontology import LabelClass, Ontology, road_ontology
from lidar_label.proposals import ProposalConfig, propose
from lidar_label.scorer_fitting import calibrated, fit_scorer, mixed, surprise
from lidar_label.scoring import Scorer, usual_scorer

_FEWEST_POINTS = 5  # in a corrected cuboid that a proposal could have found
_FORMER = 60.0  # frames that the scorer there was counts for
_FEWEST_JUDGES = 15  # cuboids in the frames held back: fewer tell no gain from luck
_MEASURED = 8.0  # how many corrected cuboids weigh as much as the ontology's size


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
    if is_enough(lesson):
        scorer = _widened(config, pupils, lesson, seed)
        scored = replace(config, scorer=scorer)
        result = outcome(judges, scored)
        scorer_adopted = _no_worse(result, best)
        said.append(_said("scorer", scorer_adopted, best, result))
        if scorer_adopted:
            config, best = scored, result
    else:
        said.append(f"scorer kept: fewer than {FEWEST_KEPT} readings were right, or wrong")
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
            if best >= 0 and free[best] >= KEPT_IOU:
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


def _said(what: str, adopted: bool, old: Outcome, new: Outcome) -> str:
    verdict = "adopted" if adopted else "not adopted"
    return (
        f"{what} {verdict}: average precision {old.average_precision:.3f} → "
        f"{new.average_precision:.3f} on held-back frames"
    )
