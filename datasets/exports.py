"""Writes cuboids in a dataset's format, with its conventions and what it could not hold."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.datasets import (
    argoverse2_labels,
    cloud_export,
    coco_export,
    cvat_export,
    kitti_export,
    kitti_raw_export,
    nuscenes_export,
    openlabel,
    rosbag_export,
    rosbag_labels,
    sustechpoints,
    tables,
)
from lidar_label.datasets import export_conventions as conventions
from lidar_label.datasets.cuboids import Cuboids, save_cuboids
from lidar_label.datasets.export_folder import not_exported, write_folder
from lidar_label.datasets.frame_names import file_names, frame_names, numbered_names
from lidar_label.datasets.recording import Recording
from lidar_label.errors import InvalidLabels, UsageError


@dataclass(frozen=True, eq=False)
class Export:
    """What is written.

    Attributes:
        cuboids: The labels.
        recording: The recording they are of, or None.
        count: Number of frames.
    """

    cuboids: Cuboids
    recording: Recording | None
    count: int

    @property
    def names(self) -> list[str] | None:
        """What the source calls the frames."""
        return None if self.recording is None else frame_names(self.recording)


_ONLY_2D = ("x y z length width height yaw: a 2D format; each cuboid is its box in the image",)
Writer = Callable[[Export, Path], tuple[str, list[str]]]


def export_labels(
    cuboids: Cuboids,
    recording: Recording | str | Path | None,
    format: str,  # noqa: A002  # the option's name
    directory: str | Path,
    *,
    force: bool = False,
    notes: Sequence[str] = (),
) -> list[Path]:
    """Write labels into a folder, whole or not at all, with CONVENTIONS.txt and NOT_EXPORTED.txt.

    Args:
        cuboids: Labels in the ego frame.
        recording: What they label: its rig, times and names of frames are used. Without it frames
            are named by their index, KITTI's frame has the ego's axes renamed, and Argoverse 2
            takes `time_ns` as it is.
        format: One of `EXPORTERS`.
        directory: The folder.
        force: Replace a former export in it.
        notes: Lines on what the labels had lost before, put first into NOT_EXPORTED.txt.

    Returns:
        The files written.

    Raises:
        UsageError: if the format is unknown or the folder may not be replaced.
        InvalidLabels: if labels are of frames that the recording does not have, or not finite.
    """
    if format not in EXPORTERS:
        raise UsageError(f"no export format {format}; there are {', '.join(EXPORTERS)}")
    if recording is not None and not isinstance(recording, Recording):
        with Recording(recording) as opened:
            return export_labels(cuboids, opened, format, directory, force=force, notes=notes)
    count = _frame_count(cuboids, recording)
    if format != "parquet":
        _check_finite(cuboids)
    export = Export(cuboids, recording, count)

    def fill(place: Path) -> tuple[str, list[str]]:
        words, lost = EXPORTERS[format](export, place)
        return words, [*notes, *lost]

    return write_folder(Path(directory), fill, force=force)


def _frame_count(cuboids: Cuboids, recording: Recording | None) -> int:
    first, last = (int(cuboids.frame.min()), int(cuboids.frame.max())) if len(cuboids) else (0, -1)
    if first < 0:
        raise InvalidLabels(f"a cuboid is in frame {first}; frames count from 0")
    if recording is None:
        return last + 1
    if last >= recording.frame_count:
        raise InvalidLabels(
            f"a cuboid is in frame {last}, but {recording.path} has {recording.frame_count}; "
            "are these the labels of another recording?"
        )
    return recording.frame_count


def _check_finite(cuboids: Cuboids) -> None:
    angles = np.isfinite(cuboids.pitch) & np.isfinite(cuboids.roll)
    bad = ~(np.isfinite(cuboids.boxes).all(axis=1) & angles)
    if bad.any():
        row = int(np.argmax(bad))
        raise InvalidLabels(
            f"cuboid {row} in frame {cuboids.frame[row]} is {cuboids.boxes[row].tolist()}; "
            "correct or remove it"
        )


def _kitti_object(export: Export, place: Path) -> tuple[str, list[str]]:
    names = numbered_names(export.names, export.count)
    return kitti_export.write_object(export.cuboids, export.recording, names, place)


def _kitti_tracking(export: Export, place: Path) -> tuple[str, list[str]]:
    names = numbered_names(export.names, export.count)
    return kitti_export.write_tracking(export.cuboids, export.recording, names, place)


def _kitti_raw(export: Export, place: Path) -> tuple[str, list[str]]:
    recording = _with_sweeps(export, "a KITTI raw drive holds")
    return conventions.KITTI_RAW, kitti_raw_export.write_raw(export.cuboids, recording, place)


def _view_of_delft(export: Export, place: Path) -> tuple[str, list[str]]:
    names = numbered_names(export.names, export.count)
    return kitti_export.write_view_of_delft(export.cuboids, export.recording, names, place)


def _coco(export: Export, place: Path) -> tuple[str, list[str]]:
    recording = _with_images(export, "COCO")
    lost = coco_export.write_coco(export.cuboids, recording, place)
    return conventions.COCO, [*not_exported(export.cuboids, coco_export.HELD), *_ONLY_2D, *lost]


def _cvat(export: Export, place: Path) -> tuple[str, list[str]]:
    recording = _with_images(export, "CVAT")
    lost = cvat_export.write_cvat(export.cuboids, recording, place)
    return conventions.CVAT, [*not_exported(export.cuboids, cvat_export.HELD), *_ONLY_2D, *lost]


def _with_images(export: Export, name: str) -> Recording:
    if export.recording is None or not export.recording.cameras:
        raise UsageError(f"{name} labels images; give a recording with cameras (--recording)")
    return export.recording


def _with_sweeps(export: Export, what: str) -> Recording:
    if export.recording is None:
        raise UsageError(f"{what} the sweeps too; give the recording (--recording)")
    return export.recording


def _sustechpoints(export: Export, place: Path) -> tuple[str, list[str]]:
    (place / "label").mkdir()
    for i, name in enumerate(file_names(export.names, export.count)):
        objects = sustechpoints.label_objects(export.cuboids.select(export.cuboids.frame == i))
        _write_json(place / "label" / f"{name}.json", objects)
    cameras = () if export.recording is None else export.recording.cameras
    if export.recording is not None and cameras:
        (place / "calib" / "camera").mkdir(parents=True)
        for name in cameras:
            calibration = sustechpoints.camera_calibration(export.recording.rig.camera(name))
            _write_json(place / "calib" / "camera" / f"{name}.json", calibration)
    held = ("track_id", "source_id", "category", "pitch", "roll")
    lost = not_exported(export.cuboids, held, sustechpoints.KEPT)
    lost += _numbered_anew(export.cuboids)
    return conventions.SUSTECHPOINTS, lost


def _argoverse2(export: Export, place: Path) -> tuple[str, list[str]]:
    cuboids = export.cuboids
    if export.recording is not None:
        times = np.array([frame.time_ns for frame in export.recording.frames], dtype=np.int64)
        cuboids = cuboids.replace(time_ns=times[cuboids.frame])
    elif len(np.unique(cuboids.time_ns)) < len(np.unique(cuboids.frame)):
        raise InvalidLabels(
            "several frames have one time, and Argoverse 2 knows frames by their times; "
            "give the recording too"
        )
    argoverse2_labels.write_annotations(cuboids, place / "annotations.feather")
    held = ("time_ns", "track_id", "source_id", "category", "pitch", "roll", "score", "num_points")
    lost = not_exported(cuboids, held)
    lost += _numbered_anew(cuboids)
    listed = set(argoverse2_labels.CLASSES)
    for name in sorted(set(cuboids.category.tolist()) - listed):
        lost.append(f"category {name!r}: written as it is, but Argoverse 2 has no such class")
    return conventions.ARGOVERSE2, lost


def _rosbag(kind: str) -> Writer:
    def write(export: Export, place: Path) -> tuple[str, list[str]]:
        rosbag_export.write_bag(export.cuboids, export.recording, place / "recording", kind)
        lost = not_exported(export.cuboids, rosbag_labels.HELD)
        lost += _numbered_anew(export.cuboids)
        return conventions.ROSBAG, lost

    return write


def _openlabel(export: Export, place: Path) -> tuple[str, list[str]]:
    content = openlabel.document(export.cuboids, export.recording)
    _write_json(place / f"labels{openlabel.SUFFIX}", content)
    held = ("time_ns", "track_id", "source_id", "category", "pitch", "roll", "score", "num_points")
    held = (*held, "residual", "velocity", "reason", "attributes")
    return conventions.OPENLABEL, not_exported(export.cuboids, held)


def _nuscenes(export: Export, place: Path) -> tuple[str, list[str]]:
    nuscenes_export.write_tables(
        export.cuboids, _with_sweeps(export, "nuScenes' tables hold"), place
    )
    lost = not_exported(export.cuboids, nuscenes_export.HELD)
    lost += _numbered_anew(export.cuboids)
    sources = export.cuboids.source_id.tolist()
    foreign = sum(source != "" and not nuscenes_export.is_token(source) for source in sources)
    if foreign:
        lost.append(f"source_id: {foreign} are no tokens of nuScenes, which are written for them")
    cut = int((export.cuboids.time_ns % 1000 != 0).sum())
    if cut:
        lost.append(f"time_ns: in whole microseconds; {cut} rows lose the rest")
    names = set(export.cuboids.category.tolist())
    for name in sorted(n for n in names if nuscenes_export.detection_class(n) is None):
        lost.append(f"category {name!r}: not in results.json, the challenge has no such class")
    return conventions.NUSCENES, lost


def _clouds(kind: str) -> Writer:
    def write(export: Export, place: Path) -> tuple[str, list[str]]:
        recording = _with_sweeps(export, f"{kind} files hold")
        lost = cloud_export.write_clouds(recording, kind, place)
        tables.write_csv(export.cuboids, place / cloud_export.LABELS)
        return conventions.clouds(kind, recording.lidars), lost

    return write


def _csv(export: Export, place: Path) -> tuple[str, list[str]]:
    tables.write_csv(export.cuboids, place / "labels.csv")
    extra = "CSV: numbers as the shortest text that reads back as the same float; nan is unknown."
    return conventions.table_conventions("CSV, labels.csv") + extra, []


def _parquet(export: Export, place: Path) -> tuple[str, list[str]]:
    recording = export.recording
    provenance = {} if recording is None else {"recording": recording.content_hash}
    save_cuboids(export.cuboids, place / "labels.parquet", provenance)
    return conventions.table_conventions("Parquet, labels.parquet"), []


def _numbered_anew(cuboids: Cuboids) -> list[str]:
    """What is lost where a format has one place for the id and the source's own stands there."""
    both = (cuboids.source_id != "") & (cuboids.track_id >= 0)
    if not bool(both.any()):
        return []
    return ["track_id: beside a source_id it is given anew when the export is read"]


def _write_json(path: Path, content: Sequence[object] | Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


EXPORTERS: dict[str, Writer] = {
    "kitti": _kitti_object,
    "kitti-tracking": _kitti_tracking,
    "kitti-raw": _kitti_raw,
    "view-of-delft": _view_of_delft,
    "sustechpoints": _sustechpoints,
    "argoverse2": _argoverse2,
    **{kind: _rosbag(kind) for kind in rosbag_export.KINDS},
    "nuscenes": _nuscenes,
    "openlabel": _openlabel,
    "coco": _coco,
    "cvat": _cvat,
    **{kind: _clouds(kind) for kind in cloud_export.CLOUD_FORMATS},
    "csv": _csv,
    "parquet": _parquet,
}
