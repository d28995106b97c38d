"""Writes cuboids in a dataset's format, with its conventions and what it could not hold."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.datasets import (
    argoverse2_labels,
    kitti_export,
    nuscenes_export,
    openlabel,
    rosbag_export,
    rosbag_labels,
    sustechpoints,
    tables,
)
from lidar_label.datasets.cuboids import CONVENTIONS, Cuboids, save_cuboids
from lidar_label.datasets.export_folder import not_exported, write_folder
from lidar_label.datasets.frame_names import file_names, frame_names, numbered_names
from lidar_label.datasets.recording import Recording
from lidar_label.errors import InvalidLabels, UsageError

_SUSTECH_CONVENTIONS = """\
Format: SUSTechPOINTS, label/<frame>.json, one list of objects a frame.
Frame: the recording's ego frame, in which the scene's lidar/<frame>.pcd must be: x forward, y left,
  z up; calib/camera/<name>.json holds camera_from_ego.
Units: metres, radians.
psr.position: the box's centre. psr.scale: x length (along the heading), y width, z height.
psr.rotation: the angles of Rx(x) Ry(y) Rz(z), the order of three.js; z is the yaw of an upright
  box, about +z from +x.
obj_id: the source's id, else the track number; "" without a track.
Numbers: the shortest text that reads back as the same double; upright boxes come back bit for bit,
  the angles of tilted ones to 1e-12 rad.
A frame is a file, by its name; time_ns is not written, the frame tells it.
"""
_ARGOVERSE_CONVENTIONS = """\
Format: Argoverse 2, annotations.feather.
Frame: the recording's ego frame at timestamp_ns: x forward, y left, z up.
Units: metres; timestamp_ns is int64 nanoseconds.
tx_m ty_m tz_m: the box's centre. Sizes: length_m (along the heading), width_m, height_m.
qw qx qy qz: unit quaternion ego_from_box; yaw about +z from +x, then pitch about y, roll about x.
track_uuid: the source's id; a track number without one as 00000000-hhhh-8000-8000-llllllllllll
  (version 8, RFC 9562), and ffffffff-… for a row without a track. num_interior_pts: -1 unknown.
Numbers are doubles: places and sizes come back bit for bit, angles to 1e-12 rad.
A frame is its time.
"""
_NUSCENES_CONVENTIONS = """\
Format: nuScenes tables (v1.0-lidar-label/*.json) with samples/, and the labels as results.json of
  the detection challenge (score 1 where there is none). num_lidar_pts: -1 unknown.
Frame: global, that is the recording's world plus its origin: metres; ego and LiDAR frames have
  x forward, y left, z up, other sensors as calibrated_sensor says.
translation: the box's centre. size: width, length (along the heading), height. rotation: unit
  quaternion w x y z, global_from_box; yaw about +z from +x (rad, through the quaternion).
instance_token: the source's token, else the track number. Times are whole microseconds.
Numbers are doubles: sizes come back bit for bit, places and angles to 1e-9 m and rad.
"""
_OPENLABEL_CONVENTIONS = """\
Format: ASAM OpenLABEL 1.0.0, labels.openlabel.json; one object a track.
Frame: the coordinate system `ego` of the label's frame: x forward, y left, z up; metres, radians.
val: centre x y z, unit quaternion x y z w (ego_from_box; yaw about +z from +x), sizes x length
  (along the heading), y width, z height.
Attributes of a cuboid: category, score, num_points, residual, velocity (m/s along ego x and y),
  reason, track_id, source_id, attributes. frame_properties.timestamp: seconds with nine decimals.
Numbers: the shortest text that reads back as the same double; angles come back to 1e-12 rad.
"""
_ROSBAG_CONVENTIONS = """\
Format: ROS bag with the recording's sweeps, images, IMU, rig (/tf_static), ego poses (/odometry),
  and on /labels one vision_msgs/Detection3DArray a frame.
Frame: base_link at the header's time: x forward, y left, z up (REP 103); sensors in their own.
Units: metres, radians (as unit quaternions), seconds and nanoseconds.
bbox.center: the box's centre and orientation, yaw about +z from +x. bbox.size: x length (along the
  heading), y width, z height. id: the source's id, else the track number; "" without a track.
results[0].hypothesis: class and score; NaN where there is none.
Numbers are doubles: places and sizes come back bit for bit, angles to 1e-12 rad.
"""


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


Writer = Callable[[Export, Path], tuple[str, list[str]]]


def export_labels(
    cuboids: Cuboids,
    recording: Recording | str | Path | None,
    format: str,  # noqa: A002  # the option's name
    directory: str | Path,
    *,
    force: bool = False,
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
            return export_labels(cuboids, opened, format, directory, force=force)
    count = _frame_count(cuboids, recording)
    if format != "parquet":
        _check_finite(cuboids)
    export = Export(cuboids, recording, count)
    return write_folder(
        Path(directory), lambda place: EXPORTERS[format](export, place), force=force
    )


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
    return _SUSTECH_CONVENTIONS, lost


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
    held = ("track_id", "source_id", "category", "pitch", "roll", "score", "num_points")
    lost = not_exported(cuboids, held)
    lost += _numbered_anew(cuboids)
    listed = set(argoverse2_labels.CLASSES)
    for name in sorted(set(cuboids.category.tolist()) - listed):
        lost.append(f"category {name!r}: written as it is, but Argoverse 2 has no such class")
    return _ARGOVERSE_CONVENTIONS, lost


def _rosbag(kind: str) -> Writer:
    def write(export: Export, place: Path) -> tuple[str, list[str]]:
        rosbag_export.write_bag(export.cuboids, export.recording, place / "recording", kind)
        lost = not_exported(export.cuboids, rosbag_labels.HELD)
        lost += _numbered_anew(export.cuboids)
        return _ROSBAG_CONVENTIONS, lost

    return write


def _openlabel(export: Export, place: Path) -> tuple[str, list[str]]:
    content = openlabel.document(export.cuboids, export.recording)
    _write_json(place / f"labels{openlabel.SUFFIX}", content)
    held = ("track_id", "source_id", "category", "pitch", "roll", "score", "num_points")
    held = (*held, "residual", "velocity", "reason", "attributes")
    return _OPENLABEL_CONVENTIONS, not_exported(export.cuboids, held)


def _nuscenes(export: Export, place: Path) -> tuple[str, list[str]]:
    if export.recording is None:
        raise UsageError("nuScenes' tables hold the sweeps too; give the recording (--recording)")
    nuscenes_export.write_tables(export.cuboids, export.recording, place)
    lost = not_exported(export.cuboids, nuscenes_export.HELD)
    if bool((export.cuboids.track_id < 0).any()):
        lost.append("track_id: rows without a track become instances of their own")
    lost += _numbered_anew(export.cuboids)
    names = set(export.cuboids.category.tolist())
    for name in sorted(n for n in names if n.lower() not in nuscenes_export.DETECTION):
        lost.append(f"category {name!r}: not in results.json, the challenge has no such class")
    return _NUSCENES_CONVENTIONS, lost


def _csv(export: Export, place: Path) -> tuple[str, list[str]]:
    tables.write_csv(export.cuboids, place / "labels.csv")
    extra = "CSV: numbers as the shortest text that reads back as the same float; nan is unknown."
    return _table_conventions("CSV, labels.csv") + extra, []


def _parquet(export: Export, place: Path) -> tuple[str, list[str]]:
    recording = export.recording
    provenance = {} if recording is None else {"recording": recording.content_hash}
    save_cuboids(export.cuboids, place / "labels.parquet", provenance)
    return _table_conventions("Parquet, labels.parquet"), []


def _numbered_anew(cuboids: Cuboids) -> list[str]:
    """What is lost where a format has one place for the id and the source's own stands there."""
    both = (cuboids.source_id != "") & (cuboids.track_id >= 0)
    if not bool(both.any()):
        return []
    return ["track_id: beside a source_id it is given anew when the export is read"]


def _table_conventions(what: str) -> str:
    lines = [f"Format: {what}; one row a cuboid and frame, every column, bit for bit."]
    return "\n".join((*lines, *(f"{key}: {text}" for key, text in CONVENTIONS.items()), ""))


def _write_json(path: Path, content: Sequence[object] | Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


EXPORTERS: dict[str, Writer] = {
    "kitti": _kitti_object,
    "kitti-tracking": _kitti_tracking,
    "sustechpoints": _sustechpoints,
    "argoverse2": _argoverse2,
    **{kind: _rosbag(kind) for kind in rosbag_export.KINDS},
    "nuscenes": _nuscenes,
    "openlabel": _openlabel,
    "csv": _csv,
    "parquet": _parquet,
}
