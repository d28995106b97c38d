"""Writes labels as KITTI's object set (label_2, calib) or tracking set (label_02, calib).

The label frame is that of a rectified camera: `image_0` of a KITTI recording, else the camera that
looks most nearly forward, as it is if it is level and straight to 0.02 rad, or else a level and
straight frame at its place whose calibration says so; without such a camera the axes permutation
x right = −y, y down = −z, z forward = x. The calibration that is written beside the labels is the
one they were written with, so that the folder and the ego frame's points belong together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lidar_label.arrays import Floats, Transform
from lidar_label.calibration.rig import Camera
from lidar_label.datasets import view_of_delft
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.export_folder import not_exported
from lidar_label.datasets.image_labels import PLACES, boxes_in_image
from lidar_label.datasets.kitti_calibration import KittiCalibration, inverse, write_calibration
from lidar_label.datasets.kitti_labels import (
    OCCLUDED_FROM,
    Seen,
    as_word,
    format_lines,
    kitti_attributes,
)
from lidar_label.datasets.recording import Recording

AXES = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
_STRAIGHT = 0.02  # radians; KITTI's own camera is level to 0.010
_FORWARD = np.cos(np.radians(45))
_HELD = ("category", "score")
_KEPT_KEYS = ("truncated", "occluded", "alpha", "box_2d")
_OBJECT_COLUMNS = (
    "Columns: type truncated occluded alpha left top right bottom h w l x y z rotation_y"
)
_FRAME_IS_A_FILE = "\nA frame is a file, by its number; time_ns is not written, the frame tells it."
_CONVENTIONS = """\
Format: {what}.
Frame: {frame}
  x right, y down, z forward. "Velodyne" in calib/ is the recording's ego frame: x forward, y left,
  z up; its points, named by these frames, belong into velodyne/.
Units: metres, radians, pixels.
Position x y z: the centre of the box's BOTTOM face. Sizes in the order height width length.
rotation_y: about the camera's +y (down), 0 where the object heads along +x (right), in [-pi, pi];
  yaw = -rotation_y - pi/2 (about +z up, from x forward), upright on the ego frame's z axis.
{columns}
truncated, occluded, alpha and the 2D box are those of the labels' attributes where they have them.
  Else alpha = rotation_y - atan2(x, z), and the 2D box (left top right bottom) bounds the part of
  the projected cuboid that lies in the image, at the image's time; truncated is the share of the
  whole 2D box's area cut off; occluded is 0, 1 or 2 (visible, partly, largely) where nearer cuboids
  hide less than a tenth, up to half, or more of it: what is hidden by things without a cuboid does
  not count. All are -1 where {camera} does not see it.
Numbers: sizes and scores as the shortest text that reads back as the same float, places with ten
  decimals, angles with twelve (KITTI's own files have two; its readers take more). Read back, sizes
  are the same bit for bit, places to 1e-9 m and angles to 1e-12 rad.
"""


@dataclass(frozen=True, eq=False)
class LabelFrame:
    """The camera frame that labels are written in.

    Attributes:
        calibration: As it is written; its LiDAR frame is the ego frame.
        camera: For 2D boxes, or None.
        words: What the frame is, for people.
    """

    calibration: KittiCalibration
    camera: Camera | None
    words: str


def label_frame(recording: Recording | None) -> LabelFrame:
    """Choose the frame; see this module's first lines."""
    cameras = {} if recording is None else {n: recording.rig.camera(n) for n in recording.cameras}
    kitti = {f"image_{name[-1]}": c for name, c in cameras.items() if name in _kitti_names()}
    if kitti:
        reference = kitti.get("image_0") or next(iter(kitti.values()))
        rect_from_ego = inverse(reference.ego_from_sensor)
        words = f"the recording's camera {reference.name}."
        seeing = kitti.get("image_2") or reference
    else:
        found = forward_camera(list(cameras.values()))
        if found is None:
            words = "no camera looks forward: the ego frame with its axes renamed."
            return LabelFrame(KittiCalibration(AXES.copy()), None, words)
        seeing, kitti = found, {"image_2": found}
        rect_from_ego = inverse(found.ego_from_sensor)
        words = f"the recording's camera {found.name}."
        if _angle(rect_from_ego[:3, :3] @ AXES[:3, :3].T) > _STRAIGHT:
            rect_from_ego = AXES.copy()
            rect_from_ego[:3, 3] = -AXES[:3, :3] @ found.ego_from_sensor[:3, 3]
            words = f"level and straight at the place of the camera {found.name}."
    projections = {name: _projection(camera, rect_from_ego) for name, camera in kitti.items()}
    return LabelFrame(KittiCalibration(rect_from_ego, projections), seeing, words)


def write_object(
    cuboids: Cuboids, recording: Recording | None, names: Sequence[str], place: Path
) -> tuple[str, list[str]]:
    """Write label_2/ and calib/, a file for each frame; empty for frames without labels."""
    frame = _write_frames(cuboids, recording, names, place)
    columns = _OBJECT_COLUMNS + (" score" if _scored(cuboids) else "") + _FRAME_IS_A_FILE
    return _conventions("KITTI object set (label_2)", frame, columns), _losses(cuboids, _HELD)


def write_view_of_delft(
    cuboids: Cuboids, recording: Recording | None, names: Sequence[str], place: Path
) -> tuple[str, list[str]]:
    """Write lidar/training/label_2/ and calib/ as View-of-Delft lays them."""
    base = place / "lidar" / "training"
    base.mkdir(parents=True)
    five_digits = [f"{int(name):05d}" for name in names]
    frame = _write_frames(cuboids.replace(score=np.float32(1)), recording, five_digits, base)
    columns = _OBJECT_COLUMNS + " 1 (always)" + _FRAME_IS_A_FILE
    words = _conventions("View-of-Delft, labels in KITTI's columns", frame, columns)
    lost = _losses(cuboids, ("category",))
    listed = set(view_of_delft.CLASSES)
    for name in sorted({as_word(name) for name in cuboids.category.tolist()} - listed):
        lost.append(f"category {name!r}: written as it is, but View-of-Delft has no such class")
    return words, lost


def _write_frames(
    cuboids: Cuboids, recording: Recording | None, names: Sequence[str], place: Path
) -> LabelFrame:
    frame = label_frame(recording)
    for folder in ("label_2", "calib"):
        (place / folder).mkdir()
    seen = seen_by(frame.camera, cuboids, recording)
    for i, name in enumerate(names):
        rows = np.flatnonzero(cuboids.frame == i)
        lines = format_lines(
            cuboids.select(rows),
            frame.calibration.rect_from_lidar,
            [seen[row] for row in rows.tolist()],
            tracking=False,
        )
        (place / "label_2" / f"{name}.txt").write_text(_joined(lines), encoding="utf-8")
        write_calibration(place / "calib" / f"{name}.txt", frame.calibration)
    return frame


def write_tracking(
    cuboids: Cuboids, recording: Recording | None, names: Sequence[str], place: Path
) -> tuple[str, list[str]]:
    """Write label_02/0000.txt and calib/0000.txt; rows in order of frame."""
    frame = label_frame(recording)
    for folder in ("label_02", "calib"):
        (place / folder).mkdir()
    own = cuboids.select(np.argsort(cuboids.frame, kind="stable"))
    numbers = np.array([int(name) for name in names], dtype=np.int32)
    lines = format_lines(
        own.replace(frame=numbers[own.frame]),
        frame.calibration.rect_from_lidar,
        seen_by(frame.camera, own, recording),
        tracking=True,
    )
    (place / "label_02" / "0000.txt").write_text(_joined(lines), encoding="utf-8")
    write_calibration(place / "calib" / "0000.txt", frame.calibration)
    columns = (
        "Columns: frame track_id type truncated occluded alpha left top right bottom h w l x y z "
        "rotation_y" + (" score" if _scored(cuboids) else "") + "\n"
        "track_id -1: no track. time_ns is not written, the frame tells it."
    )
    words = _conventions("KITTI tracking set (label_02), sequence 0000", frame, columns)
    return words, _losses(cuboids, (*_HELD, "track_id"))


def seen_by(
    camera: Camera | None, cuboids: Cuboids, recording: Recording | None = None
) -> list[Seen | None]:
    """What the camera sees of each cuboid; those of one frame hide each other."""
    seen: list[Seen | None] = [None] * len(cuboids)
    if camera is None:
        return seen
    for frame in np.unique(cuboids.frame).tolist():
        rows = np.flatnonzero(cuboids.frame == frame)
        moment = None if recording is None else recording.frames[frame]
        found = boxes_in_image(cuboids.select(rows), camera, recording, moment, edge=0.0)
        for i, row in enumerate(rows[found.row].tolist()):
            level = int(np.searchsorted(OCCLUDED_FROM, found.hidden[i], side="right"))
            box_2d = tuple(found.box[i].round(PLACES).tolist())
            seen[row] = Seen(box_2d, round(float(found.truncated[i]), PLACES), level)
    return seen


def _kitti_names() -> set[str]:
    return {f"image_{i}" for i in range(4)} | {f"image_{i:02d}" for i in range(4)}


def forward_camera(cameras: Sequence[Camera]) -> Camera | None:
    """The camera whose axis is nearest to the ego's x, if within 45°."""
    best = max(cameras, key=lambda camera: camera.ego_from_sensor[0, 2], default=None)
    return best if best is not None and best.ego_from_sensor[0, 2] > _FORWARD else None


def _angle(rotation: Floats) -> float:
    return float(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))


def _projection(camera: Camera, rect_from_ego: Transform) -> Floats:
    camera_from_rect = inverse(camera.ego_from_sensor) @ inverse(rect_from_ego)
    return camera.intrinsics @ camera_from_rect[:3]


def _conventions(what: str, frame: LabelFrame, columns: str) -> str:
    camera = "the image" if frame.camera is None else f"the camera {frame.camera.name}"
    if frame.camera is not None and frame.camera.distortion:
        columns += "\nThe lens distortion is in the 2D boxes, but calib/ has no place for it."
    return _CONVENTIONS.format(what=what, frame=frame.words, columns=columns, camera=camera)


def _scored(cuboids: Cuboids) -> bool:
    return bool(np.isfinite(cuboids.score).any())


def _losses(cuboids: Cuboids, held: Sequence[str]) -> list[str]:
    lines = not_exported(cuboids, held, _KEPT_KEYS)
    respelled = [name for name in cuboids.category.tolist() if as_word(name) != name]
    for name in sorted(set(respelled)):
        lines.append(f"category {name!r}: written as {as_word(name)}, {respelled.count(name)} rows")
    ignored = int((cuboids.category == "DontCare").sum())
    if ignored:
        lines.append(f"category 'DontCare': {ignored} rows; KITTI's readers ignore them")
    odd = sum(
        bool(text) and "box_2d" not in kitti_attributes(text) and '"box_2d"' in text
        for text in cuboids.attributes.tolist()
    )
    if odd:
        lines.append(f"attribute 'box_2d': {odd} rows hold no four numbers; projected instead")
    return lines


def _joined(lines: Sequence[str]) -> str:
    return "".join(line + "\n" for line in lines)
