"""Tracking: KITTI with PointRCNN's detections beside AB3DMOT, speed, a labelled drive disturbed.

KITTI is cross-validated: the sequences are dealt into three folds; for each, the settings of
`_ONLINE` or `_OFFLINE` whose HOTA + MOTA + sAMOTA is highest on the other two are taken, class by
class, and only this fold's results are kept. The rows join the three; no sequence is scored with
settings that it helped to choose. Everything else is at the package's defaults.
"""

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.benchmarks.disturbed_drive import drive_rows
from lidar_label.benchmarks.kitti_tracking import (
    CLASSES,
    Sequence3D,
    read_sequences,
    score,
    write_results,
)
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.cuboids import Cuboids
from lidar_label.errors import UsageError
from lidar_label.refinement import track_offline
from lidar_label.tracker_config import TrackerConfig
from lidar_label.tracking import track

PEER = "AB3DMOT"
# With its own detections and these poses, same evaluator, all ten sequences (Weng et al. 2020;
# measured once, see the README of the recordings).
_PEER: dict[str, dict[str, float]] = {
    "Car": {"HOTA": 67.1, "sAMOTA": 88.1, "MOTA": 78.8},
    "Pedestrian": {"HOTA": 40.5, "sAMOTA": 68.2, "MOTA": 61.4},
    "Cyclist": {"HOTA": 44.4, "sAMOTA": 54.5, "MOTA": 37.6},
}
_PEER_FRAME_MS = 12.0
# Chosen from: what differs from the defaults.
_ONLINE: tuple[dict[str, float], ...] = ({"doubt": 3.0}, {"doubt": 20.0})
_OFFLINE: tuple[dict[str, float], ...] = (
    {"doubt": 3.0, "end_score": 0.5, "fill_s": 1.0},
    {"doubt": 3.0, "end_score": 0.7, "fill_s": 1.0},
    {"doubt": 20.0, "end_score": 0.7, "fill_s": 1.0},
    {"doubt": 3.0, "end_score": 0.7, "fill_s": 2.0},
    {"doubt": 20.0, "end_score": 0.7, "fill_s": 2.0},
)
_FOLDS = 3
_MANY = 1000  # tracks at once


def run(data: Path | None) -> list[Row]:
    """Measure.

    Raises:
        UsageError: if `data` does not hold the recordings.
    """
    if data is None:
        raise UsageError("tracking needs recordings; give --data a folder with kitti_tracking")
    data = data.resolve()
    sequences = read_sequences(data)
    rows = _kitti_rows(data, sequences)
    rows += _speed_rows(sequences)
    return rows + drive_rows(data)


def _kitti_rows(data: Path, sequences: Sequence[Sequence3D]) -> list[Row]:
    rows: list[Row] = []
    names = [sequence.name for sequence in sequences]
    for mode, settings in (("online", _ONLINE), ("offline", _OFFLINE)):
        with tempfile.TemporaryDirectory() as place:
            root = Path(place)
            for index, changes in enumerate(settings):
                _write_all(sequences, _folder(root, str(index)), _config(changes), mode)
            _write_all(sequences, _folder(root, "default"), TrackerConfig(), mode)
            chosen = _cross_validated(data, root, names, len(settings))
            for kind in CLASSES:
                figures = score(data, root / f"validated_{kind}", kind, names)
                default = score(data, root / "default", kind, names)
                picks = ", ".join(str(settings[index]) for index in chosen[kind])
                note = f"{mode} {kind}: settings chosen by fold {picks}"
                for name, peer in _PEER[kind].items():
                    title = f"KITTI {kind}, {mode}, {name}"
                    rows += [
                        more_is_better(
                            f"{title}, cross-validated", figures[name], PEER, peer, "%", note
                        ),
                        more_is_better(f"{title}, defaults", default[name], PEER, peer, "%"),
                    ]
                switches = f"KITTI {kind}, {mode}, switches with gaps"
                rows.append(Row(switches, figures["IDS_gap"], "", None, "", None))
    return rows


def _folder(root: Path, name: str) -> Path:
    (root / name).mkdir()
    return root / name


def _config(changes: dict[str, float]) -> TrackerConfig:
    groups = TrackerConfig().groups
    return TrackerConfig(tuple(replace(group, **changes) for group in groups))


def _follow(sequence: Sequence3D, config: TrackerConfig, mode: str) -> Cuboids:
    tracker = track if mode == "online" else track_offline
    return tracker(sequence.detections, sequence.world_from_lidar, config)


def _write_all(
    sequences: Sequence[Sequence3D], folder: Path, config: TrackerConfig, mode: str
) -> None:
    for sequence in sequences:
        write_results(_follow(sequence, config, mode), sequence, folder)


def _cross_validated(
    data: Path, root: Path, names: Sequence[str], count: int
) -> dict[str, list[int]]:
    """Fill root/validated_CLASS with each fold's results by the others' settings."""
    folds = [list(names[k::_FOLDS]) for k in range(_FOLDS)]
    tasks = [(kind, fold, index) for kind in CLASSES for fold in range(_FOLDS)
             for index in range(count)]  # fmt: skip

    def judge(task: tuple[str, int, int]) -> float:
        kind, fold, index = task
        others = [name for k, part in enumerate(folds) if k != fold for name in part]
        figures: dict[str, Any] = score(data, root / str(index), kind, others)
        return figures["HOTA"] + figures["MOTA"] + figures["sAMOTA"]

    with ThreadPoolExecutor(2) as pool:
        value = dict(zip(tasks, pool.map(judge, tasks), strict=True))
    chosen: dict[str, list[int]] = {}
    for kind in CLASSES:
        folder = _folder(root, f"validated_{kind}")
        best = [
            max(range(count), key=lambda index, fold=fold: value[kind, fold, index])
            for fold in range(_FOLDS)
        ]
        for part, index in zip(folds, best, strict=True):
            for name in part:
                text = (root / str(index) / f"{name}.txt").read_text(encoding="utf-8")
                (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        chosen[kind] = best
    return chosen


def _speed_rows(sequences: Sequence[Sequence3D]) -> list[Row]:
    frames = sum(len(sequence.detections) for sequence in sequences)
    config = TrackerConfig()

    def pass_s(mode: str) -> float:
        start = time.perf_counter()
        for sequence in sequences:
            _follow(sequence, config, mode)
        return time.perf_counter() - start

    rows: list[Row] = []
    for mode in ("online", "offline"):
        best = min(pass_s(mode) for _ in range(3))
        rows.append(
            less_is_better(
                f"three classes together, {mode}, a frame",
                best / frames * 1e3,
                PEER,
                _PEER_FRAME_MS,
                "ms",
                "AB3DMOT's time was measured on another day on such a machine",
            )
        )
    crowd, start = _crowd(100), time.perf_counter()
    tracks = track(crowd)
    rate = len(crowd) / (time.perf_counter() - start)
    at_once = int(np.bincount(tracks.frame).max())
    rows.append(Row(f"{at_once} tracks at once", rate, "", None, "fps", None))
    return rows


def _crowd(frames: int) -> list[Cuboids]:
    """`_MANY` cars that drive side by side."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(40) * 9.0, np.arange(_MANY // 40) * 5.0), -1)
    speed = rng.uniform(0, 15, _MANY // 40).repeat(40)
    parts: list[Cuboids] = []
    for frame in range(frames):
        boxes = np.tile([0.0, 0, 0.8, 4.4, 1.8, 1.6, 0], (_MANY, 1))
        boxes[:, :2] = grid.reshape(-1, 2) + rng.normal(0, 0.1, (_MANY, 2))
        boxes[:, 0] += speed * frame * 0.1
        parts.append(
            Cuboids.of(boxes, frame=frame, time_ns=frame * 10**8, category="car", score=0.9)
        )
    return parts
