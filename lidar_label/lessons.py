"""What the machine read into corrected frames, beside what people left there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Points, Strings
from lidar_label.kernels.boxes import count_points_in_boxes, iou_bev
from lidar_label.proposals import ProposalConfig, best_rows, read_sweep
from lidar_label.scoring import usual_scorer

KEPT_IOU = 0.5  # bird's-eye; from there on a person keeps a box
FEWEST_KEPT = 20  # readings of either sort to learn from


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


def is_enough(lesson: Lesson, least: int = FEWEST_KEPT) -> bool:
    """Whether a lesson holds at least so many right readings, and as many wrong ones."""
    kept = int((lesson.quality >= KEPT_IOU).sum())
    return kept >= least and len(lesson.quality) - kept >= least
