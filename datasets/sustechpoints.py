"""SUSTechPOINTS scenes: lidar/*.pcd, camera/<name>/*, calib/camera/<name>.json, label/*.json.

Frame: that of the LiDAR's points, as they are, is the ego frame. The tool knows no vehicle, so x
need not point where it drives (in its example scene the front camera looks along −y). A label's
psr is the box's centre, its full sizes along its own x (length), y (width) and z (height), and the
angles of Rx(x) · Ry(y) · Rz(z), the order of three.js (`util.js` of the tool); we keep them as
yaw, pitch and roll of Rz · Ry · Rx. Yaw is about +z from +x. An `extrinsic` is camera_from_lidar.
`obj_id` is a track's: a plain number becomes track_id, any other text source_id with a track_id
of its own. Times are those of the points where the PCD has any, else 0.1 s apart by the name.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from lidar_label.arrays import Floats, Transform
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.transforms import as_transform
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.file_times import times_from_names
from lidar_label.datasets.intake import Intake, Tally, folder, read_text, texts
from lidar_label.datasets.kitti import IMAGE_SUFFIXES, first_image_size
from lidar_label.datasets.kitti_calibration import inverse
from lidar_label.datasets.point_files import read_points
from lidar_label.datasets.point_folder import LIDAR, has_own_time, timed
from lidar_label.datasets.rotations import from_xyz_order, to_xyz_order
from lidar_label.datasets.track_numbers import plain_number, track_numbers
from lidar_label.errors import InvalidSource

KEPT = ("obj_attr", "annotator", "follows")  # what else the tool itself writes


def scene_folder(root: Path) -> Path | None:
    """The scene: the root, or the only folder in it that has lidar/*.pcd or label/*.json."""
    if is_scene(root):
        return root
    below = [child for child in sorted(root.iterdir()) if child.is_dir() and is_scene(child)]
    return below[0] if len(below) == 1 else None


def is_scene(root: Path) -> bool:
    """Whether the folder has point files in lidar/, or labels as the tool lays them."""
    return bool(folder(root / "lidar", (".pcd",)) or folder(root / "label", (".json",)))


def read_sustechpoints(root: Path, intake: Intake) -> None:
    """Read one scene.

    Raises:
        InvalidSource: if a file is damaged.
    """
    scene = scene_folder(root) or root
    files = folder(scene / "lidar", (".pcd",))
    label_files = folder(scene / "label", (".json",))
    if not files and not label_files:
        raise InvalidSource(f"{scene}: no lidar/*.pcd and no label/*.json; nothing to import")
    names = [path.stem for path in files or label_files]
    intake.frame_names = names
    if label_files:
        intake.set_labels(read_labels(scene, intake, names))
    intake.add_lidar(LIDAR, np.eye(4))
    cameras = _add_cameras(scene, intake)
    intake.expected = len(files) * (1 + len(cameras))
    assumed = Tally()
    times = times_from_names(files or label_files, assumed)
    own_times: bool | None = None
    for i, path in enumerate(files):
        points = read_points(path, origin=np.zeros(3))
        for line in points.warnings:
            intake.warn_file(line)
        if own_times is None and len(points):
            own_times = has_own_time(points)
        time_ns, cloud = timed(points, times[i], use_points=bool(own_times))
        intake.sweep(LIDAR, time_ns, cloud)
    if not files:
        intake.warn("no lidar folder: {n} frames without points", len(names))
        for time_ns in times:
            intake.empty_frame(LIDAR, time_ns)
    for line in () if own_times else assumed.warnings():
        intake.warn(line)
    _write_images(scene, cameras, intake)


def _write_images(scene: Path, cameras: Sequence[str], intake: Intake) -> None:
    for camera in cameras:
        images = {path.stem: path for path in folder(scene / "camera" / camera, IMAGE_SUFFIXES)}
        for name, time_ns in zip(intake.frame_names, intake.frame_times, strict=True):
            if name in images:
                intake.image(camera, time_ns, images[name])
            else:
                intake.missing_image(camera)


def read_labels(
    scene: Path,
    tally: Tally,
    names: Sequence[str] | None = None,
) -> Cuboids:
    """Labels of a scene; frames are the places of `names`, or of the label files when None.

    Raises:
        InvalidSource: naming file, object and field of a label that is incomplete.
    """
    files = folder(scene / "label", (".json",))
    places = {name: i for i, name in enumerate(names or [path.stem for path in files])}
    found: list[tuple[int, dict[str, Any]]] = []
    for path in files:
        objects = _objects(path)
        if path.stem in places:
            found += [(places[path.stem], item) for item in objects]
        else:
            tally.warn("{n} labels belong to frames without a sweep and are left out", len(objects))
    unlabelled = len(set(places) - {path.stem for path in files})
    tally.warn("{n} sweeps have no label file and count as unlabelled", unlabelled)
    if not found:
        return Cuboids.empty()
    frame = np.array([i for i, _ in found], dtype=np.int32)
    psr = np.array([item["psr"] for _, item in found])
    yaw, pitch, roll = from_xyz_order(*psr[:, 6:].T)
    tracks, sources = track_numbers([item["id"] for _, item in found], plain_number)
    return Cuboids.of(
        np.column_stack((psr[:, :6], yaw)),
        frame=frame,
        track_id=tracks,
        source_id=sources,
        category=texts([item["type"] for _, item in found]),
        pitch=pitch,
        roll=roll,
        attributes=texts([item["attributes"] for _, item in found]),
    )


def label_objects(cuboids: Cuboids) -> list[dict[str, Any]]:
    """Objects of one frame as the tool writes them."""
    x, y, z = to_xyz_order(cuboids.boxes[:, 6], cuboids.pitch, cuboids.roll)
    objects: list[dict[str, Any]] = []
    for i, box in enumerate(cuboids.boxes.tolist()):
        track = int(cuboids.track_id[i])
        angles = (float(x[i]), float(y[i]), float(z[i]))
        item: dict[str, Any] = {
            "psr": {
                "position": dict(zip("xyz", box[:3], strict=True)),
                "scale": dict(zip("xyz", box[3:6], strict=True)),
                "rotation": dict(zip("xyz", angles, strict=True)),
            },
            "obj_type": cuboids.category[i],
            "obj_id": cuboids.source_id[i] or (str(track) if track >= 0 else ""),
        }
        objects.append(item | kept_attributes(cuboids.attributes[i]))
    return objects


def kept_attributes(text: str) -> dict[str, Any]:
    """Those of a row's attributes that the tool keeps too."""
    try:
        found = json.loads(text) if text else {}
    except json.JSONDecodeError:
        return {}
    return {key: found[key] for key in KEPT if key in found} if isinstance(found, dict) else {}


def camera_calibration(camera: Camera) -> dict[str, list[float]]:
    """A camera's calib/camera/<name>.json."""
    return {
        "extrinsic": inverse(camera.ego_from_sensor).ravel().tolist(),
        "intrinsic": camera.intrinsics.ravel().tolist(),
    }


def _add_cameras(scene: Path, intake: Intake) -> list[str]:
    """Add the cameras that have images and a calibration."""
    added: list[str] = []
    place = scene / "camera"
    for images in sorted(place.iterdir()) if place.is_dir() else ():
        size = first_image_size(images)
        calibration = scene / "calib" / "camera" / f"{images.name}.json"
        if size is None:
            continue
        if not calibration.is_file():
            intake.warn(f"no calib/camera/{images.name}.json: its images are left out")
            continue
        camera_from_lidar, intrinsics = read_camera_calibration(calibration)
        intake.writer.add_camera(
            images.name,
            inverse(camera_from_lidar),
            intrinsics=intrinsics,
            width=size[0],
            height=size[1],
        )
        added.append(images.name)
    return added


def read_camera_calibration(path: Path) -> tuple[Transform, Floats]:
    """`camera_from_lidar` (4, 4) and the intrinsics (3, 3).

    Raises:
        InvalidSource: if a matrix is missing or of another length.
    """
    found = _json(path)
    matrices: list[Floats] = []
    for key, shape in (("extrinsic", (4, 4)), ("intrinsic", (3, 3))):
        try:
            matrix = np.array(found[key], dtype=np.float64).reshape(shape)
        except (KeyError, TypeError, ValueError):
            raise InvalidSource(
                f"{path}: no {key} of {shape[0] * shape[1]} numbers; correct the calibration"
            ) from None
        matrices.append(matrix)
    camera_from_lidar = as_transform(matrices[0], f"{path}: extrinsic")
    return camera_from_lidar, matrices[1]


def _objects(path: Path) -> list[dict[str, Any]]:
    """Parsed objects of one label file: psr as nine numbers, type, id, attributes."""
    found = _json(path)
    if isinstance(found, dict):  # newer versions of the tool wrap the list
        found = cast(dict[str, Any], found).get("objs")
    if not isinstance(found, list):
        raise InvalidSource(f"{path}: not a list of objects; is it a label of SUSTechPOINTS?")
    return [
        _object(item, f"{path}, object {number}")
        for number, item in enumerate(cast(list[Any], found), start=1)
    ]


def _object(item: Any, place: str) -> dict[str, Any]:
    numbers: list[float] = []
    for part in ("position", "scale", "rotation"):
        for axis in "xyz":
            try:
                value = float(item["psr"][part][axis])
            except (KeyError, TypeError, ValueError):
                raise InvalidSource(
                    f"{place}: psr.{part}.{axis} is missing or no number; complete the label"
                ) from None
            if not np.isfinite(value):
                raise InvalidSource(f"{place}: psr.{part}.{axis} is {value}; give a finite number")
            numbers.append(value)
    if min(numbers[3:6]) < 0:
        raise InvalidSource(f"{place}: psr.scale is {numbers[3:6]}; sizes are ≥ 0")
    kept = {key: item[key] for key in KEPT if item.get(key) not in (None, "")}
    return {
        "psr": numbers,
        "type": str(item.get("obj_type", "")),
        "id": str(item.get("obj_id", "") or ""),
        "attributes": json.dumps(kept) if kept else "",
    }


def _json(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise InvalidSource(f"{path}: not a JSON file ({error}); correct it") from error
