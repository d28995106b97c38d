"""A simulated person who makes labels right, and how many edits that takes.

A box is accepted when its 3D IoU with the truth is ≥ 0.7 (vehicles) or 0.5 (others) and its
heading is within 10°. By track: amid the first stretch of wrong boxes one is set right (one edit),
the track is solved again, and so on; a broken track joined, a false track deleted, a missing end
drawn, an end cut off: one edit each. By frame: each wrong, missing or false box is one edit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Ints, Mask, wrap_angle
from lidar_label.cuboids import Cuboids
from lidar_label.kernels.following import overlap_volumes
from lidar_label.keyframes import between, solve_again
from lidar_label.label_matching import measure_overlaps
from lidar_label.ontology import road_ontology

_VEHICLES = frozenset({"car", "van", "truck", "bus", "trailer"})
_IOU_VEHICLE, _IOU_OTHER = 0.7, 0.5
_HEADING = np.deg2rad(10.0)
_SAME = 0.1  # BEV IoU from which a label is of an object at all


@dataclass(frozen=True)
class Effort:
    """Edits by kind; `frames` true boxes were looked at."""

    frames: int
    corrected: int = 0
    drawn: int = 0
    joined: int = 0
    cut: int = 0
    deleted: int = 0

    def __add__(self, other: "Effort") -> "Effort":
        names = self.__dataclass_fields__
        return Effort(*(getattr(self, name) + getattr(other, name) for name in names))

    @property
    def edits(self) -> int:
        """All of them."""
        return self.corrected + self.drawn + self.joined + self.cut + self.deleted

    @property
    def rate(self) -> float:
        """Edits an object-frame."""
        return self.edits / max(self.frames, 1)

    def said(self) -> str:
        """In words."""
        return (
            f"{self.corrected} corrected, {self.drawn} drawn, {self.joined} joined, "
            f"{self.cut} cut, {self.deleted} deleted"
        )


def is_right(boxes: Boxes, truth: Boxes, category: NDArray[np.object_]) -> Mask:
    """(N,) which boxes a person accepts."""
    names, code = np.unique(category.astype(str), return_inverse=True)
    ontology = road_ontology()
    vehicle = np.array([ontology.canonical(name) in _VEHICLES for name in names])[code]
    needed = np.where(vehicle, _IOU_VEHICLE, _IOU_OTHER)
    turned = np.abs(wrap_angle(boxes[:, 6] - truth[:, 6]))
    return (overlap_volumes(boxes, truth) >= needed) & (turned <= _HEADING)


def annotate_by_frame(labels: Cuboids, truth: Cuboids, min_score: float = 0.3) -> Effort:
    """Every frame by itself; labels of a lower score are not shown to the person."""
    labels = labels.select(~(labels.score < min_score))
    pairs = pair_up(labels, truth)
    right = is_right(
        labels.boxes[pairs[:, 0]], truth.boxes[pairs[:, 1]], truth.category[pairs[:, 1]]
    )
    return Effort(
        frames=len(truth),
        corrected=int((~right).sum()),
        drawn=len(truth) - len(pairs),
        deleted=len(labels) - len(pairs),
    )


def annotate_by_track(
    labels: Cuboids, truth: Cuboids, world_from_ego: NDArray[np.float64]
) -> Effort:
    """Every object over all its frames."""
    pairs = pair_up(labels, truth)
    object_of = np.full(len(labels), -1)
    object_of[pairs[:, 0]] = truth.track_id[pairs[:, 1]]
    owner: dict[int, int] = {}
    for name in np.unique(labels.track_id):
        mine = object_of[labels.track_id == name]
        seen, count = np.unique(mine[mine >= 0], return_counts=True)
        if len(seen) and count.max() >= 0.3 * len(mine):
            owner[int(name)] = int(seen[count.argmax()])
    total = Effort(len(truth), deleted=len(np.unique(labels.track_id)) - len(owner))
    for name in np.unique(truth.track_id):
        rows = np.flatnonzero(truth.track_id == name)
        tracks = [track for track, of in owner.items() if of == name]
        own = labels.select(np.isin(labels.track_id, tracks))
        total += _finish(own, len(tracks), truth.select(rows), world_from_ego)
    return total


def _finish(
    own: Cuboids, tracks: int, truth: Cuboids, world_from_ego: NDArray[np.float64]
) -> Effort:
    """Edits until all boxes of one object are right."""
    own = own.select(np.unique(own.frame, return_index=True)[1])
    inside = (own.frame >= truth.frame[0]) & (own.frame <= truth.frame[-1])
    cut = int(bool((own.frame < truth.frame[0]).any())) + int(
        bool((own.frame > truth.frame[-1]).any())
    )
    own = own.select(inside)
    human = np.zeros(len(own), dtype=np.bool_)
    corrected = drawn = 0
    while True:
        held, boxes = _at(own, truth.frame.astype(np.int64), world_from_ego)
        right = is_right(boxes, truth.boxes, truth.category) & held
        if right.all():
            break
        wrong = next_wrong(right, held)
        row = truth.select(np.array([wrong]))
        present = np.flatnonzero(own.frame == row.frame[0])
        if len(present):
            fixed = own.boxes.copy()
            fixed[present[0]] = row.boxes[0]
            own = own.replace(boxes=fixed)
            human[present[0]] = True
            corrected += 1
        else:
            own = Cuboids.concatenate([own, row.replace(score=np.float32(np.nan))])
            order = np.argsort(own.frame, kind="stable")
            own, human = own.select(order), np.append(human, True)[order]
            drawn += 1
        own = solve_again(own, human, world_from_ego)
    return Effort(0, corrected, drawn, max(tracks - 1, 0), cut if tracks else 0)


def next_wrong(right: Mask, held: Mask) -> int:
    """The frame to set right: an end that is missing, or amid the first wrong stretch."""
    if not held[0]:
        return 0
    if not held[-1]:
        return len(held) - 1
    first = int(np.argmin(right))
    good = np.flatnonzero(right[first:])
    last = first + int(good[0]) if len(good) else len(right)
    return (first + last - 1) // 2


def _at(own: Cuboids, frames: Ints, poses: NDArray[np.float64]) -> tuple[Mask, Boxes]:
    """Which frames lie within the track, and its box there, between its rows on a straight line."""
    if not len(own):
        return np.zeros(len(frames), dtype=np.bool_), np.tile(
            [0.0, 0, 0, 1, 1, 1, 0], (len(frames), 1)
        )
    return (frames >= own.frame[0]) & (frames <= own.frame[-1]), between(own, frames, poses)


def pair_up(labels: Cuboids, truth: Cuboids) -> Ints:
    """(P, 2) label and true row, one to one, the greatest overlap first."""
    overlaps = measure_overlaps(
        labels.boxes, truth.boxes, labels.frame.astype(np.int64), truth.frame.astype(np.int64)
    )
    free_label = np.ones(len(labels), dtype=np.bool_)
    free_truth = np.ones(len(truth), dtype=np.bool_)
    chosen: list[tuple[int, int]] = []
    for k in np.argsort(-overlaps.bev, kind="stable"):
        a, b = int(overlaps.label[k]), int(overlaps.truth[k])
        if overlaps.bev[k] >= _SAME and free_label[a] and free_truth[b]:
            free_label[a] = free_truth[b] = False
            chosen.append((a, b))
    return np.array(chosen, dtype=np.int64).reshape(-1, 2)
