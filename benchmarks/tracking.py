"""Tracking: KITTI with PointRCNN's detections beside AB3DMOT, speed, a labelled drive disturbed.

KITTI is cross-validated, see `tracking_choice`: rules are chosen class by class on two thirds of
the sequences, and only the last third's results are kept. The rows join the three; no sequence is
scored with rules that it helped to choose. All other rules are at the package's defaults. Times are
of the processor, not of the clock on the wall.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lidar_label.benchmarks.disturbed_drive import drive_rows
from lidar_label.benchmarks.kitti_tracking import (
    CLASSES,
    Judge,
    Sequence3D,
    read_sequences,
    score,
)
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.benchmarks.tracking_choice import OFFLINE, ONLINE, Choice, agreed, follow
from lidar_label.cuboids import Cuboids
from lidar_label.errors import UsageError
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
    judge = Judge(data)
    for mode in ("online", "offline"):
        choice = Choice(sequences, judge, mode)
        for kind in CLASSES:
            options = ONLINE if mode == "online" else OFFLINE[kind]
            with tempfile.TemporaryDirectory() as place:
                picks = choice.held_out(options, kind, Path(place))
                figures = score(data, Path(place), kind, names)
            default = score(data, choice.results(()), kind, names)
            note = f"{mode} {kind}: chosen by fold: {agreed(picks)}"
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


def _speed_rows(sequences: Sequence[Sequence3D]) -> list[Row]:
    frames = sum(len(sequence.detections) for sequence in sequences)
    config = TrackerConfig()

    def pass_s(mode: str) -> float:
        start = time.process_time()
        for sequence in sequences:
            follow(sequence, config, mode)
        return time.process_time() - start

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
    crowd = _crowd(100)
    track(crowd[:2])  # compiled
    start = time.process_time()
    tracks = track(crowd)
    rate = len(crowd) / (time.process_time() - start)
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
