"""nuScenes: the tables of one scene with its sweeps, radars, images, ego poses and annotations.

Annotations are in the global frame (x east, y north, z up), sizes width, length, height, rotations
w x y z; they are taken into the ego frame at their sample's LiDAR sweep. The world is the global
frame shifted to the first ego pose. Times are whole microseconds. A frame is a sweep of the first
LiDAR, so that between two samples there are frames without labels. Schema: https://www.nuscenes.org/nuscenes#data-format.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from lidar_label.arrays import Transform
from lidar_label.calibration.transforms import from_quaternion, invert, matrix_to_pose7
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.intake import Intake, Tally, choose, read_cloud, read_text, texts
from lidar_label.datasets.nuscenes_export import track_number
from lidar_label.datasets.pcd import read_pcd
from lidar_label.datasets.point_files import PointFile
from lidar_label.datasets.rotations import from_matrices
from lidar_label.datasets.track_numbers import track_numbers
from lidar_label.errors import InvalidSource

_COLUMNS = ("x", "y", "z", "intensity", "ring")
_TABLES = {  # table: what we use of it
    "sensor": ("channel", "modality"),
    "calibrated_sensor": ("sensor_token", "translation", "rotation"),
    "ego_pose": ("translation", "rotation"),
    "scene": ("name",),
    "sample": ("timestamp", "scene_token"),
    "sample_data": (
        *("sample_token", "ego_pose_token", "calibrated_sensor_token", "timestamp", "filename"),
    ),
    "instance": ("category_token",),
    "category": ("name",),
    "attribute": ("name",),
    "sample_annotation": ("sample_token", "instance_token", "translation", "size", "rotation"),
}
Row = dict[str, Any]


def find_tables(path: Path) -> Path | None:
    """The folder of the tables: the one given, or the only `v1.0-…` in it."""
    if (path / "sample_data.json").is_file():
        return path
    found = sorted(path.glob("v*/sample_data.json")) if path.is_dir() else []
    return found[0].parent if len(found) == 1 else None


class Scene:
    """One scene's rows, looked up by token."""

    def __init__(self, root: Path, sequence: str | None) -> None:
        """Read the tables.

        Raises:
            InvalidSource: if a table is missing or damaged.
            UsageError: if there are several scenes and none is chosen.
        """
        place = find_tables(root)
        if place is None:
            raise InvalidSource(f"{root}: no v1.0-… folder of tables, or several; name one")
        self.place, self.files = place, place.parent
        self._tables = {name: self._read(name) for name in _TABLES}
        scenes = {str(row["name"]): row for row in self._tables["scene"].values()}
        self.name = choose(sorted(scenes), sequence, root)
        scene = scenes[self.name]["token"]
        samples = [row for row in self._tables["sample"].values() if row["scene_token"] == scene]
        self.samples = {str(row["token"]): row for row in samples}
        self.channels: dict[str, list[Row]] = {}
        self.modality: dict[str, str] = {}
        for row in self._tables["sample_data"].values():
            if row["sample_token"] in self.samples:
                calibrated = self.get("calibrated_sensor", row["calibrated_sensor_token"])
                sensor = self.get("sensor", calibrated["sensor_token"])
                self.channels.setdefault(str(sensor["channel"]), []).append(row)
                self.modality[str(sensor["channel"])] = str(sensor["modality"])
        for rows in self.channels.values():
            rows.sort(key=lambda row: int(row["timestamp"]))

    def _read(self, name: str) -> dict[str, Row]:
        path = self.place / f"{name}.json"
        try:
            rows = cast(list[Row], json.loads(read_text(path)))
            found = {str(row["token"]): row for row in rows}
            for row in rows:
                for key in _TABLES[name]:
                    row[key] = int(row[key]) if key == "timestamp" else row[key]
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            what = f"a row lacks {error}" if isinstance(error, KeyError) else "no list of rows"
            raise InvalidSource(f"{path}: {what}; copy it again") from error
        return found

    def get(self, table: str, token: object) -> Row:
        """A row by its token.

        Raises:
            InvalidSource: if there is none.
        """
        row = self._tables[table].get(str(token))
        if row is None:
            raise InvalidSource(f"{self.place / table}.json: no row {token}; copy the whole set")
        return row

    def of_kind(self, modality: str) -> list[str]:
        """Channels of one modality, by name."""
        return sorted(name for name, kind in self.modality.items() if kind == modality)

    def annotations(self) -> list[Row]:
        """Annotations of the scene, in order of time."""
        rows = [
            row
            for row in self._tables["sample_annotation"].values()
            if row["sample_token"] in self.samples
        ]
        return sorted(rows, key=lambda row: int(self.samples[row["sample_token"]]["timestamp"]))

    def reference(self) -> str:
        """The channel whose sweeps are the frames: the LiDAR, else the first radar or camera."""
        names = [*self.of_kind("lidar"), *self.of_kind("radar"), *self.of_kind("camera")]
        if not names:
            raise InvalidSource(f"{self.place}: scene {self.name} has no data; copy the whole set")
        return names[0]

    def global_from_ego(self, row: Row) -> Transform:
        """(4, 4) ego pose of a sample_data row."""
        return self.pose(self.get("ego_pose", row["ego_pose_token"]), "ego_pose")

    def pose(self, row: Row, table: str) -> Transform:
        """(4, 4) of a row with translation and rotation.

        Raises:
            InvalidSource: if they are not finite or the quaternion has no length.
        """
        try:
            xyz = np.array(row["translation"], dtype=np.float64)
            turn = np.array(row["rotation"], dtype=np.float64)
            length = float(np.linalg.norm(turn))
            if xyz.shape != (3,) or turn.shape != (4,) or not np.isfinite(xyz).all():
                raise ValueError
            if not 1e-6 < length < 1e6:
                raise ValueError
        except (KeyError, ValueError, TypeError) as error:
            where = f"{self.place / table}.json, row {row.get('token')}"
            raise InvalidSource(f"{where}: translation or rotation is no pose") from error
        return from_quaternion(xyz, turn / length)


def read_nuscenes(root: Path, intake: Intake, sequence: str | None) -> None:
    """Read one scene.

    Raises:
        InvalidSource: if a table or file is missing or damaged.
        UsageError: if there are several scenes and none is chosen.
    """
    scene = Scene(root, sequence)
    reference = scene.reference()
    present = {name: _present(scene, name, intake) for name in scene.channels}
    times = [_time_ns(row) for row in present[reference]]
    intake.frame_names = [_frame_name(row) for row in present[reference]]
    labels = _labels(scene, present[reference], intake, times)
    if scene.modality[reference] == "lidar":
        intake.set_labels(labels)
    intake.expected = sum(map(len, present.values()))
    for name in (*scene.of_kind("lidar"), *scene.of_kind("radar"), *scene.of_kind("camera")):
        _write_channel(scene, name, present[name], intake)
    _write_poses(scene, present, reference, intake)


def read_nuscenes_labels(
    root: Path, tally: Tally, times: Sequence[int] | None, sequence: str | None = None
) -> Cuboids:
    """Labels of a scene without its sweeps; frames are the places of `times`."""
    scene = Scene(root, sequence)
    rows = scene.channels[scene.reference()]
    own = [_time_ns(row) for row in rows]
    return _labels(scene, rows, tally, own if times is None else times)


def _frame_name(row: Row) -> str:
    """A sample's token, by which results are filed; between samples that of the sweep."""
    return str(row["sample_token"] if row.get("is_key_frame") else row["token"])


def _time_ns(row: Row) -> int:
    return row["timestamp"] * 1000


def _present(scene: Scene, channel: str, intake: Intake) -> list[Row]:
    """Rows of a channel whose file is there, each time once."""
    rows = scene.channels[channel]
    found = [row for row in rows if (scene.files / str(row["filename"])).is_file()]
    intake.warn(f"{channel}: {{n}} files are missing and are left out", len(rows) - len(found))
    first = {_time_ns(row): row for row in reversed(found)}
    intake.warn(f"{channel}: {{n}} have the time of another", len(found) - len(first))
    return [first[time_ns] for time_ns in sorted(first)]


def _write_channel(scene: Scene, name: str, rows: list[Row], intake: Intake) -> None:
    if not rows:
        return
    calibrated = scene.get("calibrated_sensor", rows[0]["calibrated_sensor_token"])
    placed = scene.pose(calibrated, "calibrated_sensor")
    kind = scene.modality[name]
    if kind == "lidar":
        intake.add_lidar(name, placed, compensated=True)
        for row in rows:
            path = scene.files / str(row["filename"])
            intake.sweep(name, _time_ns(row), read_cloud(path, _COLUMNS))
    elif kind == "radar":
        intake.writer.add_radar(name, placed)
        for row in rows:
            points = _radial(read_pcd(scene.files / str(row["filename"]), origin=np.zeros(3)))
            intake.radar_sweep(name, _time_ns(row), points)
    else:
        matrix = np.array(calibrated.get("camera_intrinsic", ()), dtype=np.float64)
        size = [int(rows[0].get(side, 0)) for side in ("width", "height")]
        if matrix.shape != (3, 3) or min(size) < 1:
            intake.warn(f"{name}: no intrinsics or size; its {{n}} images are left out", len(rows))
            return
        intake.writer.add_camera(name, placed, intrinsics=matrix, width=size[0], height=size[1])
        for row in rows:
            intake.image(name, _time_ns(row), scene.files / str(row["filename"]))


def _radial(points: PointFile) -> PointFile:
    """A nuScenes radar states speeds along x and y; along the beam they are what was measured."""
    xy = points.xyz[:, :2].astype(np.float64)
    away = xy / np.maximum(np.linalg.norm(xy, axis=1), 1e-6)[:, None]
    fields: dict[str, Any] = {"rcs": points.fields["rcs"]} if "rcs" in points.fields else {}
    for wanted, ending in (("v_r", ""), ("v_r_compensated", "_comp")):
        x, y = points.fields.get("vx" + ending), points.fields.get("vy" + ending)
        if x is not None and y is not None:
            fields[wanted] = (away[:, 0] * x + away[:, 1] * y).astype(np.float32)
    return replace(points, fields=fields)


def _labels(scene: Scene, rows: list[Row], tally: Tally, times: Sequence[int]) -> Cuboids:
    key = {str(row["sample_token"]): row for row in rows if row.get("is_key_frame")}
    places = {time_ns: place for place, time_ns in enumerate(times)}
    found: list[tuple[Row, int, int]] = []
    poses: list[Transform] = []
    for row in scene.annotations():
        data = key.get(str(row["sample_token"]))
        place = None if data is None else places.get(_time_ns(data))
        if data is None or place is None:
            tally.warn("{n} labels lie at moments without a sweep")
            continue
        box = scene.pose(row, "sample_annotation")
        poses.append(invert(scene.global_from_ego(data)) @ box)
        found.append((row, place, _time_ns(data)))
    if not found:
        return Cuboids.empty()
    sizes = np.array([row["size"] for row, _, _ in found], dtype=np.float64)
    if sizes.shape != (len(found), 3) or not (sizes > 0).all():
        raise InvalidSource(f"{scene.place}/sample_annotation.json: a size is not three lengths")
    matrices = np.array(poses)
    yaw, pitch, roll = from_matrices(matrices[:, :3, :3])
    track_id, source_id = track_numbers(
        [str(row["instance_token"]) for row, _, _ in found], track_number
    )
    instances = [scene.get("instance", row["instance_token"]) for row, _, _ in found]
    return Cuboids.of(
        np.column_stack((matrices[:, :3, 3], sizes[:, 1], sizes[:, 0], sizes[:, 2], yaw)),
        pitch=pitch,
        roll=roll,
        frame=np.array([place for _, place, _ in found]),
        time_ns=np.array([time_ns for _, _, time_ns in found], dtype=np.int64),
        track_id=track_id,
        source_id=source_id,
        category=texts(str(scene.get("category", i["category_token"])["name"]) for i in instances),
        num_points=np.array([int(row.get("num_lidar_pts", -1)) for row, _, _ in found]),
        attributes=texts(_attributes(scene, row) for row, _, _ in found),
    )


def _attributes(scene: Scene, row: Row) -> str:
    names = [str(scene.get("attribute", t)["name"]) for t in row.get("attribute_tokens") or ()]
    kept: Row = {"attribute": names[0] if len(names) == 1 else names} if names else {}
    if row.get("visibility_token"):
        kept["visibility"] = str(row["visibility_token"])
    return json.dumps(kept) if kept else ""


def _write_poses(
    scene: Scene, present: dict[str, list[Row]], reference: str, intake: Intake
) -> None:
    """Ego poses of all data, each time once; where two differ the reference's counts."""
    rows = [row for name, listed in present.items() if name != reference for row in listed]
    poses = {_time_ns(row): row for row in (*rows, *present[reference])}
    times = sorted(poses)
    if not times:
        return
    matrices = np.array([scene.global_from_ego(poses[time_ns]) for time_ns in times])
    origin = matrices[0, :3, 3].copy()
    matrices[:, :3, 3] -= origin
    intake.writer.set_origin(origin)
    intake.writer.append_ego(np.array(times, dtype=np.int64), matrix_to_pose7(matrices))
