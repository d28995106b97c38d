"""Simulated drives with exact truth: what laying tracks against points mends, and a person's edits.

`--data` is a folder of drives as `lidar-label simulate` writes them, NAME.h5 with
NAME.labels.parquet beside it. Boxes before and after are the same tracks without and with points;
only pairs that both have are compared. Edits are also those on what `annotate` makes, where frames
judge each other's proposals. Objects that count: of frames with a point on them, within 60 m, at
least ten.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lidar_label.annotation import AnnotationConfig, annotate
from lidar_label.arrays import Boxes, Floats, Ints, Mask, wrap_angle
from lidar_label.benchmarks.annotator import Effort, annotate_by_frame, annotate_by_track
from lidar_label.benchmarks.disturbed_drive import Drive, effort_rows, visible
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.cuboids import Cuboids, load_cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.detections import split
from lidar_label.errors import UsageError
from lidar_label.kernels.following import overlap_volumes
from lidar_label.label_matching import measure_overlaps
from lidar_label.refinement import track_offline

_RANGE_M = 60.0
_FEWEST_POINTS, _FEWEST_ROWS = 5, 30  # of a box, of a kind
_SAME = 0.1  # BEV IoU from which a label is of an object at all


@dataclass(frozen=True, eq=False)
class Labelled:
    """One drive's truth, and what was made of its proposals."""

    drive: Drive
    proposed: Cuboids
    without_points: Cuboids
    with_points: Cuboids
    judged: Cuboids


def run(data: Path | None) -> list[Row]:
    """Measure.

    Raises:
        UsageError: if `data` holds no simulated drive.
    """
    paths = sorted(data.glob("*.h5")) if data else []
    paths = [path for path in paths if path.with_suffix(".labels.parquet").is_file()]
    if not paths:
        raise UsageError("give --data a folder of simulated drives with their labels")
    drives = [_label(path) for path in paths]
    return _box_rows(drives) + _edit_rows(drives)


def _label(path: Path) -> Labelled:
    config = AnnotationConfig(track=False)
    with Recording(path) as recording:
        poses = recording.frame_poses()
        if poses is None:
            raise UsageError(f"{path}: no ego poses")
        times = np.array([frame.time_ns for frame in recording.frames], dtype=np.int64)
        proposed = annotate(recording, config).cuboids
        frames = split(proposed, np.arange(len(times)), times)
        with_points = annotate(recording, detections=frames).cuboids
        judged = annotate(recording).cuboids
    without = track_offline(frames, poses, config.tracking, config.refinement)
    truth = load_cuboids(path.with_suffix(".labels.parquet"))
    return Labelled(
        Drive(truth, times, poses), proposed, without, _tracked(with_points), _tracked(judged)
    )


def _tracked(labels: Cuboids) -> Cuboids:
    return labels.select(labels.track_id >= 0)


def _box_rows(drives: list[Labelled]) -> list[Row]:
    """Errors of the boxes by class and whether the object moves, all drives together."""
    true, before, after, kind = [], [], [], []
    for drive in drives:
        truth = drive.drive.truth
        near = np.hypot(truth.boxes[:, 0], truth.boxes[:, 1]) < _RANGE_M
        truth = truth.select(near & (truth.num_points >= _FEWEST_POINTS))
        first, second = _paired(drive.without_points, truth), _paired(drive.with_points, truth)
        both = (first >= 0) & (second >= 0)
        true.append(truth.boxes[both])
        before.append(drive.without_points.boxes[first[both]])
        after.append(drive.with_points.boxes[second[both]])
        moving = np.array(['"moving": true' in text for text in truth.attributes[both]])
        kind += [
            f"{name}, {'moving' if moves else 'standing'}"
            for name, moves in zip(truth.category[both], moving, strict=True)
        ]
    kinds, truth_boxes = np.array(kind), np.concatenate(true)
    rows: list[Row] = []
    for name in np.unique(kinds):
        own = kinds == name
        if own.sum() < _FEWEST_ROWS:
            continue
        was = _errors(np.concatenate(before)[own], truth_boxes[own])
        now = _errors(np.concatenate(after)[own], truth_boxes[own])
        title = f"simulated, {name} ({own.sum()})"
        peer = "without points"
        for key, unit in (("centre", "m"), ("size", "m"), ("yaw", "°")):
            rows.append(less_is_better(f"{title}: {key} error", now[key], peer, was[key], unit))
        rows.append(more_is_better(f"{title}: 3D IoU", now["iou"], peer, was["iou"], ""))
    return rows


def _paired(labels: Cuboids, truth: Cuboids) -> Ints:
    """(N,) the label of each true row that overlaps it most, −1 for none."""
    pairs = measure_overlaps(
        labels.boxes, truth.boxes, labels.frame.astype(np.int64), truth.frame.astype(np.int64)
    )
    best = np.full(len(truth), -1, dtype=np.int64)
    for k in np.argsort(pairs.bev, kind="stable"):
        if pairs.bev[k] > _SAME:
            best[pairs.truth[k]] = pairs.label[k]
    return best


def _errors(boxes: Boxes, truth: Boxes) -> dict[str, float]:
    """Medians of the centre's (seen from above) and yaw's error, rms of the sizes', mean IoU."""
    off = boxes - truth
    return {
        "centre": float(np.median(np.hypot(off[:, 0], off[:, 1]))),
        "size": float(np.sqrt((off[:, 3:6] ** 2).mean())),
        "yaw": float(np.rad2deg(np.median(np.abs(wrap_angle(off[:, 6]))))),
        "iou": float(overlap_volumes(boxes, truth).mean()),
    }


def _edit_rows(drives: list[Labelled]) -> list[Row]:
    """A person's edits: of all that is true, and of what counts."""
    rows: list[Row] = []
    for name, choose in (("all objects", _everything), ("seen within 60 m", _near)):
        judged, tracked, plain, single = Effort(0), Effort(0), Effort(0), Effort(0)
        for drive in drives:
            poses = drive.drive.world_from_ego
            truth = visible(drive.drive) if choose is _near else drive.drive.truth
            judged += annotate_by_track(_kept(drive.judged, choose), truth, poses)
            tracked += annotate_by_track(_kept(drive.with_points, choose), truth, poses)
            plain += annotate_by_track(_kept(drive.without_points, choose), truth, poses)
            single += annotate_by_frame(_kept(drive.proposed, choose), truth)
        title = f"simulated, {name}"
        rows += effort_rows(title, judged, single)
        for peer, effort in (("not judged", tracked), ("without points", plain)):
            rows.append(
                less_is_better(
                    f"{title}: edits an object-frame", judged.rate, peer, effort.rate, "",
                    effort.said(),
                )
            )  # fmt: skip
    return rows


def _kept(labels: Cuboids, choose: Callable[[Boxes], Mask]) -> Cuboids:
    return labels.select(choose(labels.boxes))


def _everything(boxes: Boxes) -> Mask:
    return np.ones(len(boxes), dtype=np.bool_)


def _near(boxes: Boxes) -> Mask:
    away: Floats = np.hypot(boxes[:, 0], boxes[:, 1])
    return away < _RANGE_M
