"""Proposals against people's labels and against the usual chain, in accuracy and in time.

The chain: Patchwork++ (ground) → Open3D DBSCAN(0.5, 10) → OpenCV minAreaRect, on the same sweeps.
Run it: `lidar-label benchmark proposals` for recall and precision by sensor and class, or
`python -m lidar_label.benchmarks.proposals [DATA] [--json] [--peers]` for calibration and time too;
without DATA on simulated towns that taught the scorer nothing.

How it counts. Targets are labelled objects with at least 10 points within 40 m. Class is ignored; a
box matches by bird's-eye IoU, the likeliest box first, each target once. Precision is given twice:
`strict` counts every box within 40 m and calls it right when it overlaps any labelled object;
`judged` leaves out boxes where nobody labelled (outside the camera's view in KITTI and View of
Delft) and boxes on labelled objects that are no targets (fewer points), and calls a second box on
one object wrong.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Floats32, Mask
from lidar_label.benchmarks.labelled_sweeps import LabelledSweep, given_sweeps, labelled_sweeps
from lidar_label.benchmarks.rows import Row, more_is_better
from lidar_label.benchmarks.simulated_sweeps import simulated_sweeps
from lidar_label.calibration.load_open3d import load_open3d
from lidar_label.kernels.boxes import iou_bev
from lidar_label.ontology import road_ontology
from lidar_label.proposals import propose

MIN_POINTS, MAX_RANGE_M = 10, 40.0
OTHER_TOWNS = tuple(range(60, 66))  # they neither taught nor calibrated nor chose anything
PEER = "Patchwork++ → Open3D DBSCAN → minAreaRect"
THRESHOLDS = (0.3, 0.5, 0.7)
Proposer = Callable[[Floats32], tuple[Boxes, Floats]]  # points → boxes and scores


@dataclass(frozen=True)
class SweepResult:
    """One sweep's boxes against its labels.

    Attributes:
        sensor: Which set-up.
        category: (T,) of the targets, by the ontology's names.
        found: IoU threshold → (T,) which targets were found.
        best_iou: (T,) of each target with any box.
        score: (M,) of the boxes within range.
        right: IoU threshold → (M,) which boxes found a target.
        judged: (M,) which boxes count.
        overlaps: (M,) which boxes overlap any labelled object at 0.3.
        seconds: Time of the sweep.
    """

    sensor: str
    category: tuple[str, ...]
    found: dict[float, Mask]
    best_iou: Floats
    score: Floats
    right: dict[float, Mask]
    judged: Mask
    overlaps: Mask
    seconds: float


def our_proposals(points: Floats32) -> tuple[Boxes, Floats]:
    """`propose` with its defaults."""
    cuboids = propose(points)
    return cuboids.boxes, cuboids.score.astype(np.float64)


def chain_proposals(points: Floats32) -> tuple[Boxes, Floats]:
    """Patchwork++ → Open3D DBSCAN → OpenCV minAreaRect; scored by their number of points."""
    import cv2

    o3d: Any = load_open3d()
    import pypatchworkpp

    parameters = pypatchworkpp.Parameters()
    parameters.verbose = False
    near = np.hypot(points[:, 0], points[:, 1]) < 15
    parameters.sensor_height = max(float(-np.percentile(points[near, 2], 10)), 0.3)
    patchwork = pypatchworkpp.patchworkpp(parameters)
    patchwork.estimateGround(np.ascontiguousarray(points[:, :4]))
    rest = points[patchwork.getNongroundIndices(), :3]
    rest = rest[np.hypot(rest[:, 0], rest[:, 1]) < MAX_RANGE_M + 10]
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(rest.astype(np.float64)))
    labels = np.asarray(cloud.cluster_dbscan(0.5, 10))
    boxes: list[list[float]] = []
    counts: list[float] = []
    for label in range(labels.max() + 1):
        members = rest[labels == label]
        (x, y), (length, width), angle = cv2.minAreaRect(np.ascontiguousarray(members[:, :2]))
        low, high = float(members[:, 2].min()), float(members[:, 2].max())
        boxes.append([x, y, (low + high) / 2, length, width, high - low, np.deg2rad(angle)])
        counts.append(float(len(members)))
    return np.array(boxes).reshape(-1, 7), np.array(counts)


def judge(sweep: LabelledSweep, boxes: Boxes, score: Floats, seconds: float) -> SweepResult:
    """Match the boxes of one sweep with its labels."""
    near = np.hypot(boxes[:, 0], boxes[:, 1]) <= MAX_RANGE_M
    boxes, score = boxes[near], score[near]
    reach = np.hypot(sweep.boxes[:, 0], sweep.boxes[:, 1])
    target = (sweep.num_points >= MIN_POINTS) & (reach <= MAX_RANGE_M)
    iou = iou_bev(boxes, sweep.boxes)
    on_target = iou[:, target]
    found: dict[float, Mask] = {}
    right: dict[float, Mask] = {}
    for threshold in THRESHOLDS:
        right[threshold], found[threshold] = _match(on_target, score, threshold)
    overlaps = iou.max(axis=1, initial=0.0) >= 0.3
    elsewhere = overlaps & (on_target.max(axis=1, initial=0.0) < 0.3)
    ontology = road_ontology()
    return SweepResult(
        sensor=sweep.sensor,
        category=tuple(ontology.canonical(str(name)) for name in sweep.category[target]),
        found=found,
        best_iou=on_target.max(axis=0, initial=0.0),
        score=score,
        right=right,
        judged=sweep.labelled(boxes[:, :3]) & ~elsewhere,
        overlaps=overlaps,
        seconds=seconds,
    )


def _match(iou: Floats, score: Floats, threshold: float) -> tuple[Mask, Mask]:
    right = np.zeros(iou.shape[0], dtype=bool)
    taken = np.zeros(iou.shape[1], dtype=bool)
    if iou.size:
        for row in np.argsort(-score, kind="stable"):
            free = np.where(taken, -1.0, iou[row])
            column = int(free.argmax())
            if free[column] >= threshold:
                right[row] = taken[column] = True
    return right, taken


def summarise(results: list[SweepResult]) -> dict[str, Any]:
    """Recall, precision, AP and mean IoU of several sweeps together."""
    targets = sum(len(result.category) for result in results)
    judged = np.concatenate([result.judged for result in results])
    overlaps = np.concatenate([result.overlaps for result in results])
    summary: dict[str, Any] = {"targets": targets, "boxes": len(judged)}
    for threshold in THRESHOLDS:
        found = np.concatenate([result.found[threshold] for result in results])
        summary[f"recall@{threshold}"] = float(found.sum() / max(targets, 1))
    for threshold in (0.3, 0.5):
        right = np.concatenate([result.right[threshold] for result in results])
        summary[f"precision@{threshold}"] = float(right[judged].sum() / max(judged.sum(), 1))
    summary["strict precision@0.3"] = float(overlaps.sum() / max(len(overlaps), 1))
    summary["AP@0.5"] = _average_precision(results, 0.5, targets)
    best = np.concatenate([result.best_iou for result in results])
    summary["mean IoU"] = float(best.sum() / max(targets, 1))
    return summary


def _average_precision(results: list[SweepResult], threshold: float, targets: int) -> float:
    score = np.concatenate([result.score[result.judged] for result in results])
    right = np.concatenate([result.right[threshold][result.judged] for result in results])
    right = right[np.argsort(-score, kind="stable")]
    if targets == 0 or len(right) == 0:
        return 0.0
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((envelope * right).sum() / targets)


def calibration(results: list[SweepResult]) -> list[dict[str, float]]:
    """By band of score: how many boxes, their mean score and the share that fits at IoU 0.5."""
    score = np.concatenate([result.score[result.judged] for result in results])
    right = np.concatenate([result.right[0.5][result.judged] for result in results])
    bands = ((0.0, 0.15), (0.15, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.85), (0.85, 1.01))
    return [
        {
            "boxes": int(band.sum()),
            "mean score": float(score[band].mean()),
            "share kept": float(right[band].mean()),
        }
        for low, high in bands
        if (band := (score >= low) & (score < high)).any()
    ]


def run(data: Path | None) -> list[Row]:
    """Recall, precision and average precision by sensor, recall by class.

    Raises:
        UsageError: if there is no labelled sweep below `data`.
    """
    sweeps = given_sweeps(data)
    ours = measure(sweeps, our_proposals)
    try:
        chain = measure(sweeps, chain_proposals)
    except ImportError:
        chain = None
    rows: list[Row] = []
    for sensor in ("all", *ours["sensors"]):
        mine, theirs = _part(ours, sensor), _part(chain, sensor) if chain else {}
        note = (
            f"{sensor}: {mine['targets']} objects of ≥ {MIN_POINTS} points, {mine['boxes']} boxes"
        )
        rows += [
            more_is_better(f"{sensor}: {name}", mine[name], PEER, theirs.get(name), "", note)
            for name in mine
            if name not in ("targets", "boxes")
        ]
    for name, found in ours["recall@0.5 by class"].items():
        share = [_share(side["recall@0.5 by class"][name]) for side in (ours, chain) if side]
        peer = share[1] if chain else None
        rows.append(more_is_better(f"{name}, {found}: recall@0.5", share[0], PEER, peer, ""))
    return rows


def _part(report: dict[str, Any], sensor: str) -> dict[str, Any]:
    return report["all"] if sensor == "all" else report["sensors"][sensor]


def _share(found: str) -> float:
    hits, of = found.split("/")
    return int(hits) / int(of)


def measure(
    sweeps: Iterable[LabelledSweep], proposer: Proposer, repeats: int = 1
) -> dict[str, Any]:
    """Run `proposer` over labelled sweeps."""
    results: list[SweepResult] = []
    names: list[str] = []
    for sweep in sweeps:
        proposer(sweep.points)  # warm
        times: list[float] = []
        boxes: NDArray[np.float64]
        boxes, score = np.zeros((0, 7)), np.zeros(0)
        for _ in range(repeats):
            start = time.perf_counter()
            boxes, score = proposer(sweep.points)
            times.append(time.perf_counter() - start)
        results.append(judge(sweep, boxes, score, min(times)))
        names.append(f"{sweep.name} ({len(sweep.points)} points)")
    sensors = sorted({result.sensor for result in results})
    classes = sorted({name for result in results for name in result.category})
    return {
        "all": summarise(results),
        "sensors": {
            sensor: summarise([result for result in results if result.sensor == sensor])
            for sensor in sensors
        },
        "recall@0.5 by class": {name: _class_recall(results, name) for name in classes},
        "calibration": calibration(results),
        "milliseconds": {
            name: 1e3 * result.seconds for name, result in zip(names, results, strict=True)
        },
    }


def _class_recall(results: list[SweepResult], name: str) -> str:
    hits = [
        bool(hit)
        for result in results
        for hit, category in zip(result.found[0.5], result.category, strict=True)
        if category == name
    ]
    return f"{sum(hits)}/{len(hits)}"


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peers", action="store_true", help="run the usual chain too")
    options = parser.parse_args(arguments)
    made = simulated_sweeps(OTHER_TOWNS, beams=(32, 64, 128), every=5.0, count=3)
    sweeps = list(labelled_sweeps(options.data) if options.data else made)
    report = {"ours": measure(sweeps, our_proposals, repeats=5)}
    if options.peers:
        report["chain"] = measure(sweeps, chain_proposals)
    if options.json:
        sys.stdout.write(json.dumps(report) + "\n")
        return 0
    for who, figures in report.items():
        for part, summary in {"all": figures["all"], **figures["sensors"]}.items():
            text = "  ".join(
                f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}"
                for key, value in summary.items()
            )
            sys.stdout.write(f"{who:6s}{part:8s} {text}\n")
        for key in ("recall@0.5 by class", "calibration", "milliseconds"):
            sys.stdout.write(f"{who:6s}{key}: {figures[key]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
