"""2D boxes projected from KITTI's cuboids against the 2D boxes that KITTI labelled."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.benchmarks.rows import Row
from lidar_label.calibration.rig import Camera
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.image_labels import boxes_in_image
from lidar_label.datasets.intake import Tally, folder
from lidar_label.datasets.kitti import first_image_size, read_object_labels
from lidar_label.datasets.kitti_calibration import KittiCalibration, read_calibration
from lidar_label.datasets.kitti_labels import kitti_attributes
from lidar_label.datasets.kitti_sequences import read_tracking_labels
from lidar_label.errors import UsageError

_CAMERA, _SIZE = "image_2", (1242, 375)  # of most of the drives; the sequences come without images
_THEIRS = "KITTI's own 2D boxes"


def run(data: Path | None) -> list[Row]:
    """IoU of each labelled object's 2D box with ours, by class; an object not seen counts 0.

    Raises:
        UsageError: if there are no labels.
    """
    sets = [] if data is None else [("object", _object(data)), ("tracking", _tracking(data))]
    rows: list[Row] = []
    for name, found in sets:
        overlaps = [(c, iou) for labels, camera in found for c, iou in _overlaps(labels, camera)]
        classes = sorted({category for category, _ in overlaps})
        for category in (*classes, "all") if overlaps else ():
            own = np.array([iou for c, iou in overlaps if category in (c, "all")])
            what = f"KITTI {name}, {category}, {len(own)} boxes"
            for statistic, value in (
                ("mean IoU", own.mean()),
                ("median IoU", np.median(own)),
                ("IoU ≥ 0.7", (own >= 0.7).mean()),
            ):
                rows.append(Row(f"{what}: {statistic}", float(value), _THEIRS, None, "", None))
    if not rows:
        raise UsageError("no labels of KITTI's object or tracking set; give --data their folder")
    return rows


def _object(data: Path) -> Iterator[tuple[Cuboids, Camera]]:
    base = data / "kitti_object" / "training"
    if not base.is_dir():
        return
    files = folder(base / "label_2", (".txt",))
    labels = read_object_labels(base, Tally(), None)
    for frame, path in enumerate(files):
        calibration = read_calibration(base / "calib" / path.name)
        size = first_image_size(base / _CAMERA) or _SIZE
        yield labels.select(labels.frame == frame), _camera(calibration, size)


def _tracking(data: Path) -> Iterator[tuple[Cuboids, Camera]]:
    base = data / "kitti_tracking" / "training"
    for path in folder(base / "label_02", (".txt",)):
        labels = read_tracking_labels(path, Tally(), None, None)
        camera = _camera(read_calibration(base / "calib" / path.name), _SIZE)
        for frame in np.unique(labels.frame).tolist():
            yield labels.select(labels.frame == frame), camera


def _camera(calibration: KittiCalibration, size: tuple[int, int]) -> Camera:
    lidar_from_camera, intrinsics = calibration.camera(_CAMERA)
    return Camera(_CAMERA, lidar_from_camera, intrinsics=intrinsics, width=size[0], height=size[1])


def _overlaps(labels: Cuboids, camera: Camera) -> Iterator[tuple[str, float]]:
    found = boxes_in_image(labels, camera, edge=0.0)
    ours = dict(zip(found.row.tolist(), found.box, strict=True))
    for row, text in enumerate(labels.attributes.tolist()):
        theirs = np.array(kitti_attributes(text)["box_2d"], dtype=np.float64)
        yield str(labels.category[row]), _iou(ours[row], theirs) if row in ours else 0.0


def _iou(a: Floats, b: Floats) -> float:
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared))
