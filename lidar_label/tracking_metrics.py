"""How good tracks are: CLEAR-MOT, sAMOTA and AMOTA, HOTA, switches, fragments, jitter.

- CLEAR-MOT (Bernardin and Stiefelhagen, 2008): in each frame as many pairs as possible at or above
  the IoU threshold and, among those, the highest total IoU. A switch is a change of the track
  between two successive frames of the object; with gaps, also across frames where it was missed.
- AMOTA and sAMOTA (Weng et al., "AB3DMOT", IROS 2020): over the scores at which recall passes
  k/40, a track's score being the mean of its rows'.
- HOTA (Luiten et al., IJCV 2021), as TrackEval does it: IoU thresholds 0.05 … 0.95, one pairing a
  frame that prefers tracks that go together over the whole recording.
- Truth that is ignored is neither found nor missed; a label paired with it, or forgiven, is not
  wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from lidar_label.arrays import Floats, Ints, Mask, wrap_angle
from lidar_label.cuboids import Cuboids
from lidar_label.evaluation import EvaluationConfig, canonical, certainty, compare
from lidar_label.kernels.assignment import assign_sparse
from lidar_label.ontology import road_ontology

_RECALLS = 40
_ALPHAS = np.arange(1, 20) * 0.05


@dataclass(frozen=True, eq=False)
class Scene:
    """Tracks and true objects of one recording and all their overlaps.

    Attributes:
        truth_frame: (M,) frame of each true row.
        truth_id: (M,) object.
        ignored: (M,) does not count.
        label_frame: (N,) frame of each label row.
        label_id: (N,) track.
        score: (N,) of each row; a track's is their mean.
        forgiven: (N,) not wrong when unpaired.
        truth: (P,) true row of each overlapping pair of one frame.
        label: (P,) its label row.
        iou: (P,) of the volumes.
    """

    truth_frame: Ints
    truth_id: Ints
    ignored: Mask
    label_frame: Ints
    label_id: Ints
    score: Floats
    forgiven: Mask
    truth: Ints
    label: Ints
    iou: Floats

    def track_scores(self) -> Floats:
        """(N,) mean score of the track of each label row."""
        _, code = np.unique(self.label_id, return_inverse=True)
        total = np.bincount(code, self.score)
        return (total / np.maximum(np.bincount(code), 1))[code] if len(code) else np.zeros(0)


@dataclass(frozen=True)
class ClearMot:
    """Counts at one threshold of the score; `mota` and `motp` follow from them."""

    truth: int = 0
    found: int = 0
    found_ignored: int = 0
    wrong: int = 0
    missed: int = 0
    switches: int = 0
    switches_with_gaps: int = 0
    fragments: int = 0
    overlap: float = 0.0

    def __add__(self, other: "ClearMot") -> "ClearMot":
        return ClearMot(
            *(getattr(self, name) + getattr(other, name) for name in ClearMot.__dataclass_fields__)
        )

    @property
    def mota(self) -> float:
        """1 − (wrong + missed + switches) / truth."""
        return 1 - (self.wrong + self.missed + self.switches) / max(self.truth, 1)

    @property
    def motp(self) -> float:
        """Mean IoU of the pairs."""
        return self.overlap / max(self.found + self.found_ignored, 1)


def pair_rows(scene: Scene, iou: float, kept: Mask) -> Ints:
    """(M,) label row of each true row, −1 for none: most pairs first, then the highest IoU."""
    usable = np.flatnonzero((scene.iou >= iou) & kept[scene.label])
    order = usable[np.argsort(scene.truth[usable], kind="stable")]
    count = len(scene.truth_id)
    start = np.searchsorted(scene.truth[order], np.arange(count + 1)).astype(np.int64)
    labels = len(scene.label_id)
    # Rows of different frames share no labels, so that one assignment serves all frames.
    return assign_sparse(start, scene.label[order], 1.0 - scene.iou[order], labels, 1e4)


def clear_mot(scene: Scene, iou: float, score: float = -np.inf) -> tuple[ClearMot, Ints]:
    """Counts with the tracks whose score reaches `score`, and (M,) label row of each true row."""
    kept = scene.track_scores() >= score
    label = pair_rows(scene, iou, kept)
    found = label >= 0
    free = kept.copy()
    free[label[found]] = False
    overlap = _overlap_of(scene, label)
    switches = gaps = fragments = 0
    order = np.lexsort((scene.truth_frame, scene.truth_id))
    bounds = np.flatnonzero(np.diff(scene.truth_id[order], prepend=-(2**62), append=2**62))
    ids = np.where(found, scene.label_id[label] if len(scene.label_id) else 0, -1)
    for low, high in pairwise(bounds.tolist()):
        rows = order[low:high]
        a, b, c = _changes(ids[rows].tolist(), found[rows].tolist(), scene.ignored[rows].tolist())
        switches, gaps, fragments = switches + a, gaps + b, fragments + c
    counts = ClearMot(
        truth=int((~scene.ignored).sum()),
        found=int((found & ~scene.ignored).sum()),
        found_ignored=int((found & scene.ignored).sum()),
        wrong=int((free & ~scene.forgiven).sum()),
        missed=int((~found & ~scene.ignored).sum()),
        switches=switches,
        switches_with_gaps=gaps,
        fragments=fragments,
        overlap=float(overlap.sum()),
    )
    return counts, label


def _overlap_of(scene: Scene, label: Ints) -> Floats:
    """(K,) IoU of the chosen pairs."""
    chosen = label[scene.truth] == scene.label
    return scene.iou[chosen]


def _changes(ids: list[int], found: list[bool], ignored: list[bool]) -> tuple[int, int, int]:
    """Switches between successive frames, switches across gaps, fragments (KITTI's counts)."""
    if all(ignored) or not any(found):
        return 0, 0, 0
    switches = gaps = fragments = 0
    held = ids[0] if found[0] else None
    ever = held if not ignored[0] else None
    last = len(ids) - 1
    for k in range(1, len(ids)):
        now = ids[k] if found[k] else None
        before = ids[k - 1] if found[k - 1] else None
        if ignored[k]:
            held = None
            continue
        if now is None:
            continue
        gaps += ever is not None and now != ever
        ever = now
        if held is not None:
            switches += before is not None and now != held
            fragments += k < last and now != before and found[k + 1]
        fragments += k == last and now != before
        held = now
    return switches, gaps, fragments


def recall_scores(scores: Sequence[float], truth: int) -> list[tuple[float, float]]:
    """(score, recall) where the recall of the paired labels comes nearest to k / 40."""
    ranked = sorted(scores, reverse=True)
    chosen: list[tuple[float, float]] = []
    step = 0
    for i, score in enumerate(ranked):
        goal = step / _RECALLS
        is_last = i == len(ranked) - 1
        if not is_last and (i + 2) / truth - goal < goal - (i + 1) / truth:
            continue
        chosen.append((score, goal))
        step += 1
    return chosen[1:]


def hota(
    scenes: Sequence[Scene], score: float = -np.inf, aside_iou: float = 0.25
) -> dict[str, float]:
    """HOTA, DetA, AssA and LocA of all scenes together, means over the thresholds."""
    steps = len(_ALPHAS)
    tp, fp, fn, located, associated = (np.zeros(steps) for _ in range(5))
    for scene in scenes:
        _, label = clear_mot(scene, aside_iou, score)
        live = scene.track_scores() >= score
        paired = np.zeros(len(live), dtype=np.bool_)
        paired[label[label >= 0]] = True
        left_out = np.zeros(len(live), dtype=np.bool_)
        left_out[label[(label >= 0) & scene.ignored]] = True
        live &= ~left_out & ~(scene.forgiven & ~paired)
        counted = ~scene.ignored
        truth_ids, g = np.unique(scene.truth_id, return_inverse=True)
        label_ids, t = np.unique(scene.label_id, return_inverse=True)
        truth_length = np.bincount(g[counted], minlength=len(truth_ids))
        label_length = np.bincount(t[live], minlength=len(label_ids))
        use = counted[scene.truth] & live[scene.label]
        truth, row, iou = scene.truth[use], scene.label[use], scene.iou[use]
        by_truth = np.bincount(truth, iou, minlength=len(g))
        by_label = np.bincount(row, iou, minlength=len(t))
        share = iou / np.maximum(by_truth[truth] + by_label[row] - iou, 1e-12)
        together = np.zeros((len(truth_ids), len(label_ids)))
        np.add.at(together, (g[truth], t[row]), share)
        alike = together / np.maximum(truth_length[:, None] + label_length[None] - together, 1e-12)
        both = np.zeros((steps, len(truth_ids), len(label_ids)))
        order = np.argsort(scene.truth_frame[truth], kind="stable")
        bounds = np.flatnonzero(
            np.diff(scene.truth_frame[truth[order]], prepend=-(2**62), append=2**62)
        )
        matched = np.zeros(steps)
        for low, high in pairwise(bounds.tolist()):
            pairs = order[low:high]
            i_of, i = np.unique(truth[pairs], return_inverse=True)
            j_of, j = np.unique(row[pairs], return_inverse=True)
            overlap = np.zeros((len(i_of), len(j_of)))
            overlap[i, j] = iou[pairs]
            i, j = linear_sum_assignment(-alike[np.ix_(g[i_of], t[j_of])] * overlap)
            fits = overlap[i, j][None] >= _ALPHAS[:, None] - 1e-9
            both[:, g[i_of[i]], t[j_of[j]]] += fits
            located += (fits * overlap[i, j]).sum(axis=1)
            matched += fits.sum(axis=1)
        tp += matched
        fn += counted.sum() - matched
        fp += live.sum() - matched
        union = truth_length[:, None] + label_length[None] - both
        associated += (both * both / np.maximum(union, 1)).sum(axis=(1, 2))
    detection = tp / np.maximum(tp + fp + fn, 1)
    association = associated / np.maximum(tp, 1)
    return {
        "HOTA": float(np.sqrt(detection * association).mean()),
        "DetA": float(detection.mean()),
        "AssA": float(association.mean()),
        "LocA": float(np.where(tp > 0, located / np.maximum(tp, 1), 1.0).mean()),
    }


def score_scenes(scenes: Sequence[Scene], iou: float) -> dict[str, Any]:
    """All figures: CLEAR-MOT and HOTA at the score of the highest MOTA, and the averages."""
    full, hits = ClearMot(), list[float]()
    for scene in scenes:
        counts, label = clear_mot(scene, iou)
        full += counts
        hits += scene.track_scores()[label[label >= 0]].tolist()
    best, best_score = full, -np.inf
    amota = samota = amotp = 0.0
    top = 0.0
    for score, recall in recall_scores(hits, full.found + full.found_ignored + full.missed):
        counts = sum((clear_mot(scene, iou, score)[0] for scene in scenes), ClearMot())
        errors = counts.wrong + counts.missed + counts.switches
        scaled = 1 - (errors - (1 - recall) * counts.truth) / max(recall * counts.truth, 1e-9)
        samota += min(1.0, max(0.0, scaled)) / _RECALLS
        amota += counts.mota / _RECALLS
        amotp += counts.motp / _RECALLS
        if counts.mota > top:
            top, best, best_score = counts.mota, counts, score
    return {
        "iou": iou,
        "sAMOTA": samota,
        "AMOTA": amota,
        "AMOTP": amotp,
        "MOTA": best.mota,
        "MOTP": best.motp,
        "truth": best.truth,
        "false_positives": best.wrong,
        "missed": best.missed,
        "switches": best.switches,
        "switches_with_gaps": best.switches_with_gaps,
        "fragments": best.fragments,
        **hota(scenes, best_score),
        "score": None if np.isinf(best_score) else float(best_score),
    }


def evaluate_tracking(
    labels: Cuboids,
    truth: Cuboids,
    config: EvaluationConfig | None = None,
    *,
    iou: float = 0.25,
) -> dict[str, Any]:
    """Compare tracks with the true ones, class by class and over all classes whatever their name.

    Args:
        labels: With `track_id`; rows of −1 are left out.
        truth: With `track_id`; rows of −1 are never missed.
        config: What counts, see `evaluation`.
        iou: 3D IoU from which a label is a find.

    Returns:
        Plain values: `all` and one entry a class in `classes`, each with the figures and `jitter`.
    """
    config = config or EvaluationConfig()
    labels = labels.select(labels.track_id >= 0)
    ontology = config.ontology or road_ontology()
    result: dict[str, Any] = {"iou": iou, "classes": {}}
    result["all"] = _figures(labels, truth, config, iou)
    of_label, of_truth = canonical(labels, ontology), canonical(truth, ontology)
    ignored = {ontology.canonical(name) for name in config.ignore_classes}
    for name in sorted(set(of_truth.tolist()) - ignored):
        rows = (of_truth == name) | np.isin(of_truth, list(ignored))
        result["classes"][name] = _figures(
            labels.select(of_label == name), truth.select(rows), config, iou
        )
    return result


def _figures(
    labels: Cuboids, truth: Cuboids, config: EvaluationConfig, iou: float
) -> dict[str, Any]:
    comparison = compare(labels, truth, config)
    labels, overlaps = comparison.labels, comparison.overlaps
    _, moment = np.unique(truth.frame, return_inverse=True)
    frame_of_label = labels.frame.astype(np.int64)
    in_dont_care = np.zeros(len(labels), dtype=np.bool_)
    covering = (overlaps.covered >= 0.5) & comparison.dont_care[overlaps.truth]
    in_dont_care[overlaps.label[covering]] = True
    solid = ~comparison.dont_care[overlaps.truth] & (overlaps.solid > 0)
    scene = Scene(
        truth_frame=moment.astype(np.int64),
        truth_id=truth.track_id,
        ignored=comparison.ignored | (truth.track_id < 0),
        label_frame=frame_of_label,
        label_id=labels.track_id,
        score=certainty(labels),
        forgiven=comparison.forgiven | in_dont_care,
        truth=overlaps.truth[solid],
        label=overlaps.label[solid],
        iou=overlaps.solid[solid],
    )
    return score_scenes([scene], iou) | {"jitter": jitter(labels)}


def jitter(labels: Cuboids) -> dict[str, float]:
    """How unsteady tracks are: what each box differs from the mean of its neighbours in time.

    Returns:
        Root mean squares of length, width, height (metres) and yaw (radians) over all rows with
        both neighbours in the frames just before and after; and `flips`, the number of turns by
        more than 90° from one frame to the next.
    """
    order = np.lexsort((labels.frame, labels.track_id))
    boxes, frame, name = labels.boxes[order], labels.frame[order], labels.track_id[order]
    follows = (name[1:] == name[:-1]) & (frame[1:] == frame[:-1] + 1) & (name[1:] >= 0)
    turn = wrap_angle(np.diff(boxes[:, 6]))
    flips = int((np.abs(turn[follows]) > np.pi / 2).sum())
    inner = follows[1:] & follows[:-1]
    figures: dict[str, float] = {"flips": flips}
    for column, key in ((3, "length"), (4, "width"), (5, "height")):
        second = boxes[2:, column] - 2 * boxes[1:-1, column] + boxes[:-2, column]
        figures[key] = _rms(second[inner] / 2)
    figures["yaw"] = _rms((turn[1:] - turn[:-1])[inner] / 2)
    return figures


def _rms(values: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else 0.0
