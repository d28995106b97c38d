"""KITTI tracking sequences with others' detections: read, written as results, scored outside.

The score comes from `mot_eval.py` beside the recordings, run as it is in a process of its own; for
choosing between many settings it is loaded, and each result file read once (`Judge`).
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from lidar_label.arrays import Transform
from lidar_label.calibration.rig import Camera
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.kitti_calibration import KittiCalibration, inverse, read_calibration
from lidar_label.datasets.kitti_export import seen_by
from lidar_label.datasets.kitti_labels import format_lines, kitti_attributes
from lidar_label.detections import read_kitti_detections
from lidar_label.errors import UsageError
from lidar_label.tracker_config import log_odds

CLASSES = ("Car", "Pedestrian", "Cyclist")
_IMAGE = (1242, 375)
_IOU = 0.25
Judged = dict[str, Any]  # by sequence: what the evaluator read


@dataclass(frozen=True, eq=False)
class Sequence3D:
    """One sequence.

    Attributes:
        name: Its number as text.
        calibration: Camera beside LiDAR.
        world_from_lidar: (F, 4, 4).
        detections: One entry a frame, LiDAR frame.
    """

    name: str
    calibration: KittiCalibration
    world_from_lidar: Transform
    detections: list[Cuboids]


def read_sequences(data: Path) -> list[Sequence3D]:
    """All sequences below `data`/kitti_tracking that have detections and poses.

    Raises:
        UsageError: if there is none.
    """
    root = data / "kitti_tracking"
    names = sorted(path.stem for path in (root / "poses").glob("*.json"))
    if not names:
        raise UsageError(f"{root}: no sequence with poses; give --data a folder that holds some")
    return [_read(root, name) for name in names]


def _read(root: Path, name: str) -> Sequence3D:
    calibration = read_calibration(root / "training" / "calib" / f"{name}.txt")
    if calibration.lidar_from_imu is None:
        raise UsageError(f"{root}/training/calib/{name}.txt: no Tr_imu_velo")
    imu = np.array(json.loads((root / "poses" / f"{name}.json").read_text(encoding="utf-8")))
    files = [root / "detections" / f"pointrcnn_{kind}" / f"{name}.txt" for kind in CLASSES]
    return Sequence3D(
        name=name,
        calibration=calibration,
        world_from_lidar=imu @ inverse(calibration.lidar_from_imu),
        detections=read_kitti_detections(files, calibration.lidar_from_rect, len(imu)),
    )


def write_results(tracks: Cuboids, sequence: Sequence3D, folder: Path) -> None:
    """Write NNNN.txt: the track's score as log-odds; the detection's 2D box, or the projected one.

    Predicted boxes that lie outside the image are left out: nobody labelled there.
    """
    lidar_from_camera, intrinsics = sequence.calibration.camera("image_2")
    camera = Camera(
        name="image_2",
        ego_from_sensor=lidar_from_camera,
        intrinsics=intrinsics,
        width=_IMAGE[0],
        height=_IMAGE[1],
    )
    has_box = np.array(["box_2d" in kitti_attributes(text) for text in tracks.attributes.tolist()])
    without = np.flatnonzero(~has_box)
    seen = dict(zip(without.tolist(), seen_by(camera, tracks.select(without)), strict=True))
    rows = [row for row in range(len(tracks)) if has_box[row] or seen[row] is not None]
    lines = format_lines(
        tracks.select(np.array(rows, dtype=np.int64)).replace(score=np.float32(np.nan)),
        sequence.calibration.rect_from_lidar,
        [seen.get(row) for row in rows],
        tracking=True,
    )
    certain = log_odds(tracks.score[rows].astype(np.float64)).tolist()
    (folder / f"{sequence.name}.txt").write_text(
        "".join(f"{line} {value:.6g}\n" for line, value in zip(lines, certain, strict=True)),
        encoding="utf-8",
    )


def score(data: Path, folder: Path, kind: str, names: Sequence[str]) -> dict[str, Any]:
    """Figures of one class over the named sequences, in percent: 3D IoU 0.25, default mode."""
    tool = _tool(data)
    ran = subprocess.run(
        [
            sys.executable,
            str(tool),
            *("--gt", str(data / "kitti_tracking" / "training" / "label_02")),
            *("--results", str(folder), "--class", kind, "--iou", str(_IOU)),
            *("--seqs", ",".join(names)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(ran.stdout)


def _tool(data: Path) -> Path:
    tool = data.parent / "tools" / "mot_eval.py"
    if not tool.is_file():
        raise UsageError(f"{tool}: missing; it scores the result files")
    return tool


class Judge:
    """The evaluator of `score` inside this process: the same figures over any of the sequences."""

    def __init__(self, data: Path) -> None:
        tool = _tool(data)
        spec = importlib.util.spec_from_file_location("mot_eval", tool)
        if spec is None or spec.loader is None:
            raise UsageError(f"{tool}: cannot be loaded")
        self._tool: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._tool)
        self._labels = data / "kitti_tracking" / "training" / "label_02"

    def read(self, folder: Path, kind: str, names: Sequence[str]) -> Judged:
        """Results of one class beside the labels, by sequence."""
        options = SimpleNamespace(
            gt=str(self._labels), results=str(folder), cls=kind, calib=None, person_neighbour=False
        )
        return {name: self._tool.load_sequence(name, options)[:2] for name in names}

    def figures(self, judged: Judged, names: Sequence[str]) -> dict[str, float]:
        """HOTA, MOTA and sAMOTA over the named sequences, in percent."""
        data = [judged[name] for name in names]
        swept = self._tool.sweep(data, _IOU)
        found = self._tool.report(swept)
        hota = 100 * float(self._tool.hota(data, swept["thr"])["HOTA"])
        return {"HOTA": hota, "MOTA": found["MOTA"], "sAMOTA": found["sAMOTA"]}
