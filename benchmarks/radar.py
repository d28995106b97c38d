"""Radar against truth: what moves, how fast, boxes from radar alone, and headings by Doppler.

On simulated drives, and on the two frames of View of Delft, whose licence allows no more than such
figures. A detection's truth is the box that it lies in, 0.5 m of margin allowed.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from lidar_label.annotation import AnnotationConfig, propose_frame
from lidar_label.arrays import Floats, Mask, wrap_angle
from lidar_label.benchmarks.rows import Row, less_is_better
from lidar_label.calibration.doppler import own_velocity, velocity_by_poses
from lidar_label.cuboids import Cuboids, load_cuboids
from lidar_label.datasets.formats import import_source
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.simulation.drive import simulate
from lidar_label.datasets.simulation.suite import SimulationConfig
from lidar_label.doppler_hints import hint_by_doppler
from lidar_label.kernels.boxes import iou_bev, points_in_boxes
from lidar_label.radar_points import MOVES, RadarPoints, radar_points
from lidar_label.radar_proposals import propose_radar

_SEEDS, _SECONDS, _EVERY = range(3), 15.0, 5
_MARGIN_M, _REACH_M, _NEAR_M = 0.5, 2.5, 60.0
_DIRECTED = {"cyclist", "car", "van", "truck", "bus", "motorcyclist", "rider"}
_VOD = "view_of_delft"
_Counts: TypeAlias = tuple[int, int, int]


def run(data: Path | None) -> list[Row]:
    """Simulated drives, and View of Delft where it is there."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        tally = Tally()
        for seed in _SEEDS:
            path = Path(folder) / f"{seed}.h5"
            simulate(path, SimulationConfig(seconds=_SECONDS, seed=seed, beams=(64,), cameras=0))
            tally.add(path, path.with_suffix(".labels.parquet"), _EVERY)
        rows += tally.rows(f"{len(_SEEDS)} simulated drives")
        if data is not None and (data / _VOD).is_dir():
            path, tally = Path(folder) / "vod.h5", Tally()
            import_source(data / _VOD, path)
            tally.add(path, path.with_suffix(".labels.parquet"), 1)
            rows += tally.heading_rows("View of Delft, 2 frames")
    return rows


@dataclass
class Tally:
    """Sums over frames; state lives only while a benchmark runs."""

    split: list[tuple[int, int, int]] = field(
        default_factory=list[tuple[int, int, int]]
    )  # hits, found, true
    own: list[float] = field(default_factory=list[float])  # m/s
    boxes: list[tuple[int, int, int]] = field(
        default_factory=list[tuple[int, int, int]]
    )  # hits, found, true
    speed: list[float] = field(default_factory=list[float])  # m/s, of radar boxes
    hinted: list[float] = field(default_factory=list[float])  # m/s, of LiDAR boxes
    heading: list[tuple[float, float]] = field(
        default_factory=list[tuple[float, float]]
    )  # radians, without and with

    def add(self, recording_path: Path, labels_path: Path, every: int) -> None:
        """Count every n-th frame of a recording."""
        labels = load_cuboids(labels_path)
        config = AnnotationConfig(radar=False)
        with Recording(recording_path) as recording:
            for frame in recording.frames[::every]:
                truth = labels.select(labels.frame == frame.index)
                points = radar_points(recording, frame)
                moving = _moving(truth)
                if len(points) and np.isfinite(truth.velocity).any():
                    self._count_split(radar_points(recording, frame, 0), truth, moving)
                    self._count_boxes(propose_radar(points), points, truth.select(moving))
                    self._count_own(recording, frame.sweeps)
                found = propose_frame(recording, frame.index, config)
                self._count_headings(found, points, truth)

    def _count_split(self, points: RadarPoints, truth: Cuboids, moving: Mask) -> None:
        grown = _grown(truth.boxes)
        inside = points_in_boxes(points.xyz.astype(np.float32), grown)
        true = inside[moving].any(axis=0)
        found = points.moving
        self.split.append((int((true & found).sum()), int(found.sum()), int(true.sum())))

    def _count_own(self, recording: Recording, sweeps: Mapping[str, int]) -> None:
        assert recording.trajectory is not None
        for name in recording.radars:
            if name in sweeps:
                sweep = recording.radar_sweep(name, sweeps[name])
                if sweep.radial_velocity is None:
                    continue
                found = own_velocity(sweep.xyz, sweep.radial_velocity)
                if found is not None:
                    place = recording.rig[name].ego_from_sensor
                    true = velocity_by_poses(recording.trajectory, sweep.time_ns, place)
                    self.own.append(float(np.linalg.norm((found.velocity - true)[:2])))

    def _count_boxes(self, found: Cuboids, points: RadarPoints, movers: Cuboids) -> None:
        """Against those who move along the line of sight and were met by a detection."""
        near = np.hypot(*movers.boxes[:, :2].T) < _NEAR_M
        sight = movers.boxes[:, :2] / np.maximum(
            np.linalg.norm(movers.boxes[:, :2], axis=1, keepdims=True), 1e-9
        )
        along = np.abs((sight * movers.velocity).sum(axis=1)) > MOVES
        met = points_in_boxes(points.xyz.astype(np.float32), _grown(movers.boxes)).any(axis=1)
        wanted = near & along & met
        found = found.select(np.hypot(*found.boxes[:, :2].T) < _NEAR_M)
        pairs = _pairs(found.boxes, movers.boxes)
        hits = {j for _, j in pairs if wanted[j]}
        self.boxes.append((len(hits), len(found) - len([j for _, j in pairs if not wanted[j]]),
                           int(wanted.sum())))  # fmt: skip
        for i, j in pairs:
            if wanted[j]:
                radial = found.velocity[i] @ sight[j] - movers.velocity[j] @ sight[j]
                self.speed.append(abs(float(radial)))

    def _count_headings(self, found: Cuboids, points: RadarPoints, truth: Cuboids) -> None:
        """Of LiDAR proposals on things with a front that detections say are moving."""
        if not len(found) or not len(truth):
            return
        hinted = hint_by_doppler(found, points)
        overlap = iou_bev(found.boxes, truth.boxes)
        for i in range(len(found)):
            j = int(np.argmax(overlap[i]))
            name = truth.category[j].lower()
            if (
                overlap[i, j] < 0.2
                or name not in _DIRECTED
                or not np.isfinite(hinted.velocity[i, 0])
            ):
                continue
            yaw = truth.boxes[j, 6]
            off = [
                abs(float(wrap_angle(box[6] - yaw))) for box in (found.boxes[i], hinted.boxes[i])
            ]
            self.heading.append((off[0], off[1]))
            if np.isfinite(truth.velocity[j, 0]):
                true = np.hypot(*truth.velocity[j])
                self.hinted.append(abs(float(np.hypot(*hinted.velocity[i]) - true)))

    def rows(self, name: str) -> list[Row]:
        """All that was counted."""
        rows: list[Row] = []
        for what, counts in (
            ("detections moving", self.split),
            ("boxes by radar alone", self.boxes),
        ):
            hits, found, true = np.sum(counts, axis=0).tolist()
            precision, recall = hits / max(found, 1), hits / max(true, 1)
            rows += [
                Row(f"{what}, precision, {name}", precision, "", None, "", None),
                Row(f"{what}, recall, {name}", recall, "", None, "", None),
                Row(f"{what}, F1, {name}", 2 * precision * recall / max(precision + recall, 1e-9),
                    "", None, "", None),
            ]  # fmt: skip
        rows += [
            _median("own speed by Doppler, error", self.own, name),
            _median("speed of radar boxes along the line of sight, error", self.speed, name),
            _median("speed of LiDAR boxes by Doppler, error", self.hinted, name),
        ]
        return rows + self.heading_rows(name)

    def heading_rows(self, name: str) -> list[Row]:
        """Headings of LiDAR boxes on moving things, with and without Doppler."""
        if not self.heading:
            return []
        before, after = np.array(self.heading).T
        where = f"{len(before)} moving LiDAR boxes, {name}"
        back = [float((off > np.pi / 2).mean()) * 100 for off in (after, before)]
        mean = [float(np.degrees(off.mean())) for off in (after, before)]
        return [
            less_is_better(f"heading backwards, {where}", back[0], "no Doppler", back[1], "%"),
            less_is_better(f"heading error, {where}", mean[0], "no Doppler", mean[1], "°"),
        ]


def _median(what: str, values: Sequence[float], name: str) -> Row:
    middle = float(np.median(values)) if values else float("nan")
    return Row(f"{what}, {name}", middle, "", None, "m/s", None)


def _moving(truth: Cuboids) -> Mask:
    return np.asarray(np.hypot(*np.nan_to_num(truth.velocity).T) > MOVES)


def _grown(boxes: Floats) -> Floats:
    grown = boxes + np.array([0, 0, 0, 1, 1, 0, 0]) * 2 * _MARGIN_M
    grown[:, 5] = 10.0
    return grown


def _pairs(found: Floats, true: Floats) -> list[tuple[int, int]]:
    """Pairs of boxes whose centres are near, the nearest first, each once."""
    if not len(found) or not len(true):
        return []
    apart = np.linalg.norm(found[:, None, :2] - true[None, :, :2], axis=2)
    pairs: list[tuple[int, int]] = []
    for flat in np.argsort(apart, axis=None, kind="stable").tolist():
        i, j = divmod(flat, len(true))
        if apart[i, j] > _REACH_M:
            break
        if all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return pairs
