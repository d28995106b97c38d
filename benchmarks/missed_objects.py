"""Why objects are missed at IoU 0.5: every missed target, put down to the first step that lost it.

Run it: `python -m lidar_label.benchmarks.missed_objects [DATA] [--json]`; without DATA on simulated
towns that taught the scorer nothing. Targets as in `proposals`. A step loses a target when
everything after it can no longer find it:

| sort | the target has |
|---|---|
| too few points | no segment with 3 of its points: low, sparse or taken for ground |
| merged | its best segment is mostly something else's points |
| split | its best segment holds less than 60 % of its points |
| wrong yaw | the right segment; the best reading, turned to the label's yaw, would fit |
| partial view | the right segment, which shows less than 60 % of its length or width |
| wrong size | the right segment, seen whole, and no reading that fits |
| scored too low | a reading that fits, whose score is below `min_score` |
| lost to another | a reading that fits and scores enough, and a likelier box in its place |
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lidar_label.arrays import Boxes, Floats, Ints, as_points
from lidar_label.benchmarks.labelled_sweeps import LabelledSweep, labelled_sweeps
from lidar_label.benchmarks.proposals import MAX_RANGE_M, MIN_POINTS
from lidar_label.benchmarks.scorer import MEASURE
from lidar_label.benchmarks.simulated_sweeps import simulated_sweeps
from lidar_label.kernels.boxes import iou_bev, points_in_boxes
from lidar_label.ontology import road_ontology
from lidar_label.proposals import ProposalConfig, Readings, best_rows, read_sweep
from lidar_label.scoring import usual_scorer

FITS_IOU = 0.5
_FEW = 0.5  # share of `min_points` that some segment has to hold
_OWN = 0.6  # share of a segment's points that are the target's, and of the target's in it
_SEEN = 0.6  # share of length and width that a segment shows of what is seen whole
SORTS = (
    "too few points", "merged", "split", "wrong yaw", "partial view", "wrong size",
    "scored too low", "lost to another",
)  # fmt: skip


@dataclass(frozen=True)
class Miss:
    """One missed target.

    Attributes:
        sensor: Which set-up.
        category: By the ontology's name.
        sort: One of `SORTS`.
        best_iou: Of any reading with it.
        best_score: The highest score of a reading that fits; 0: none fits.
        num_points: In the labelled box.
    """

    sensor: str
    category: str
    sort: str
    best_iou: float
    best_score: float
    num_points: int


def misses(sweep: LabelledSweep, config: ProposalConfig) -> tuple[list[Miss], int]:
    """The missed targets of a sweep, and the number of its targets."""
    points = as_points(sweep.points)
    points = np.ascontiguousarray(points[np.isfinite(points).all(axis=1)])
    reach = np.hypot(sweep.boxes[:, 0], sweep.boxes[:, 1])
    targets = np.flatnonzero((sweep.num_points >= MIN_POINTS) & (reach <= MAX_RANGE_M))
    readings = read_sweep(points, config)
    if readings is None or len(targets) == 0:
        return [], len(targets)
    score = readings.score(config.scorer or usual_scorer())
    rows = best_rows(readings, score, config.min_score)
    truth = sweep.boxes[targets]
    iou = iou_bev(readings.boxes, truth)
    missed = np.flatnonzero(iou[rows].max(axis=0, initial=0.0) < FITS_IOU)
    inside = points_in_boxes(points, truth[missed])
    canonical = road_ontology().canonical
    found: list[Miss] = []
    for which, of in enumerate(missed):
        fits = iou[:, of] >= FITS_IOU
        best = float(score[fits].max(initial=0.0))
        if not fits.any():
            sort = _lost_before(readings, truth[of], np.flatnonzero(inside[which]), config)
        else:
            sort = "scored too low" if best < config.min_score else "lost to another"
        found.append(
            Miss(
                sweep.sensor,
                canonical(str(sweep.category[targets[of]])),
                sort,
                float(iou[:, of].max()),
                best,
                int(sweep.num_points[targets[of]]),
            )
        )
    return found, len(targets)


def _lost_before(readings: Readings, truth: Floats, own: Ints, config: ProposalConfig) -> str:
    """Which step before the score lost a target that no reading fits."""
    tree = readings.tree
    mine = np.zeros(int(max(tree.order.max(initial=0), own.max(initial=0))) + 1, dtype=bool)
    mine[own] = True
    seen = np.concatenate(([0], np.cumsum(mine[tree.order])))
    shared = (seen[tree.stop] - seen[tree.start]).astype(np.float64)
    if shared.max(initial=0.0) < _FEW * config.min_points:
        return "too few points"
    standing = float(seen[-1])
    size = (tree.stop - tree.start).astype(np.float64)
    node = int((shared / (size + standing - shared)).argmax())
    if shared[node] < _OWN * size[node]:
        return "merged"
    if shared[node] < _OWN * standing:
        return "split"
    at = np.flatnonzero(readings.nodes == node)
    rows = np.flatnonzero(readings.hypotheses.node == at[0]) if len(at) else at
    if len(rows) == 0:
        return "wrong size"
    boxes = readings.boxes[rows]
    if _turned(boxes, truth).max() >= FITS_IOU:
        return "wrong yaw"
    hypotheses = readings.hypotheses
    completed = hypotheses.across[rows] + hypotheses.behind[rows]
    return "partial view" if completed.min() > 1.0 - _SEEN else "wrong size"


def _turned(boxes: Boxes, truth: Floats) -> Floats:
    """(M,) IoU with the truth of boxes that are turned to its yaw around their middle."""
    turned = boxes.copy()
    across = np.abs(np.sin(boxes[:, 6] - truth[6])) > np.sqrt(0.5)
    turned[across, 3], turned[across, 4] = boxes[across, 4], boxes[across, 3]
    turned[:, 6] = truth[6]
    return iou_bev(turned, truth[None])[:, 0]


def table(sweeps: Iterable[LabelledSweep]) -> dict[str, dict[str, int]]:
    """Sort of miss → "all", sensor or class → number; "targets" are all that could be missed."""
    counts: dict[str, Counter[str]] = {sort: Counter() for sort in ("targets", *SORTS)}
    for sweep in sweeps:
        found, targets = misses(sweep, ProposalConfig())
        for part in ("all", sweep.sensor):
            counts["targets"][part] += targets
        for miss in found:
            for part in ("all", miss.sensor, miss.category):
                counts[miss.sort][part] += 1
    return {sort: dict(parts) for sort, parts in counts.items()}


def main(arguments: list[str] | None = None) -> int:
    """Count and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    made = simulated_sweeps(MEASURE, beams=(32, 64, 128), every=5.0, count=3)
    report = table(labelled_sweeps(options.data) if options.data else made)
    if options.json:
        sys.stdout.write(json.dumps(report) + "\n")
        return 0
    for sort, parts in report.items():
        text = "  ".join(f"{part} {count}" for part, count in sorted(parts.items()))
        sys.stdout.write(f"{sort:16s} {text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
