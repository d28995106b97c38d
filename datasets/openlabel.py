"""ASAM OpenLABEL 1.0 (JSON): labels with everything that they carry.

One object a track; a row without a track is an object of its own. A cuboid's `val` is x y z, the
quaternion x y z w, then the sizes x (length, along the heading), y (width), z (height), in the
coordinate system `ego` of its frame: x forward, y left, z up, metres. Score, number of points and
the like are the cuboid's attributes. The format has no sweeps; import the data they were made on.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from lidar_label import __version__
from lidar_label.arrays import Transform
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.transforms import from_quaternion
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.intake import Intake, Tally, read_text, texts
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.rotations import from_matrices, to_quaternions
from lidar_label.errors import InvalidSource

SUFFIX = ".openlabel.json"
EGO = "ego"
_NUMBERS = ("score", "num_points", "residual", "track_id")
_TEXTS = ("reason", "source_id", "attributes")
_NEUTRAL = {"score": math.nan, "num_points": -1, "residual": math.nan, "track_id": -1}
_PERIOD_NS, _NS_PER_S = 100_000_000, 1_000_000_000
Json = dict[str, Any]


def label_file(path: Path) -> Path | None:
    """The OpenLABEL file that a path is or holds."""
    if path.is_dir():
        found = sorted(path.glob("*" + SUFFIX))
        return found[0] if len(found) == 1 else None
    if path.suffix != ".json" or not path.is_file():
        return None
    with path.open("rb") as file:
        return path if b'"openlabel"' in file.read(200) else None


def document(cuboids: Cuboids, recording: Recording | None) -> Json:
    """The OpenLABEL document of labels; with a recording also its frames, rig and ego poses."""
    ids = _object_ids(cuboids)
    objects: Json = {}
    frames: Json = {}
    if recording is not None:
        poses = recording.frame_poses()
        for frame in recording.frames:
            pose = None if poses is None else poses[frame.index]
            frames[str(frame.index)] = {"frame_properties": _properties(frame.time_ns, pose)}
    turn = to_quaternions(cuboids.boxes[:, 6], cuboids.pitch, cuboids.roll)
    for row, uid in enumerate(ids):
        number = int(cuboids.frame[row])
        category = str(cuboids.category[row])
        objects.setdefault(uid, {"name": f"{category} {uid}".strip(), "type": category})
        time_ns = int(cuboids.time_ns[row])
        frame = frames.setdefault(str(number), {"frame_properties": _properties(time_ns, None)})
        data = frame.setdefault("objects", {}).setdefault(uid, {"object_data": {"cuboid": []}})
        data["object_data"]["cuboid"].append(_cuboid(cuboids, row, category, turn[row].tolist()))
    content: Json = {
        "metadata": {
            "schema_version": "1.0.0",
            "annotator": f"lidar-label {__version__}",
            "comment": "metres, radians; cuboids in the ego frame: x forward, y left, z up",
        },
        "coordinate_systems": _coordinate_systems(recording),
    }
    if recording is not None and len(recording.rig):
        content["streams"] = _streams(recording)
    content |= {"objects": objects, "frames": dict(sorted(frames.items(), key=_by_number))}
    if frames:
        numbers = [int(number) for number in frames]
        content["frame_intervals"] = [{"frame_start": min(numbers), "frame_end": max(numbers)}]
    return {"openlabel": content}


def read_openlabel_labels(root: Path, tally: Tally, times: Sequence[int] | None) -> Cuboids:
    """The cuboids of a file; frames are the places of `times`, or the numbers that it states.

    Raises:
        InvalidSource: if it is no OpenLABEL 1.0 document, or a cuboid is none.
    """
    path, content = _content(root)
    objects: Json = content.get("objects", {})
    places = None if times is None else {time_ns: i for i, time_ns in enumerate(times)}
    rows: list[Json] = []
    for number, frame in _frames(path, content):
        time_ns = _time_ns(frame, number)
        place = number if places is None else places.get(time_ns)
        found = [
            (uid, shape)
            for uid, entry in frame.get("objects", {}).items()
            for shape in entry.get("object_data", {}).get("cuboid", ())
        ]
        if place is None:
            tally.warn("{n} labels lie at moments without a sweep", len(found))
            continue
        for uid, shape in found:
            where = f"{path}, frame {number}, object {uid}"
            row = _row(shape, where)
            kept = objects.get(uid, {})
            kind = str(row.pop("category", kept.get("type", "")))
            rows.append({**row, "frame": place, "time_ns": time_ns, "category": kind, "uid": uid})
    try:
        return _as_cuboids(rows)
    except (OverflowError, ValueError, TypeError) as error:
        raise InvalidSource(f"{path}: a number is none or too large ({error})") from error


def read_openlabel(root: Path, intake: Intake) -> None:
    """Frames without points, for labels to stand on."""
    path, content = _content(root)
    frames = list(_frames(path, content))
    intake.frame_names = [str(number) for number, _ in frames]
    times = [_time_ns(frame, number) for number, frame in frames]
    intake.set_labels(read_openlabel_labels(root, intake, times))
    intake.add_lidar("lidar", np.eye(4))
    intake.warn("OpenLABEL has no sweeps: {n} frames without points", len(frames))
    for time_ns in times:
        intake.empty_frame("lidar", time_ns)


def _object_ids(cuboids: Cuboids) -> list[str]:
    """One uid a track, as the schema wants them: whole numbers.

    A row without a track is an object of its own, and so is a track's second box in one frame.
    """
    tracks = cuboids.track_id.tolist()
    free = max(tracks, default=-1) + 1
    seen: set[tuple[int, int]] = set()
    ids: list[str] = []
    for track, frame in zip(tracks, cuboids.frame.tolist(), strict=True):
        own = track < 0 or (track, frame) in seen
        seen.add((track, frame))
        ids.append(str(free if own else track))
        free += own
    return ids


def _cuboid(cuboids: Cuboids, row: int, category: str, turn: list[float]) -> Json:
    x, y, z, length, width, height, _ = cuboids.boxes[row].tolist()
    w, i, j, k = turn
    numbers = {name: getattr(cuboids, name)[row].item() for name in _NUMBERS}
    words = {name: str(getattr(cuboids, name)[row]) for name in _TEXTS}
    velocity = cuboids.velocity[row].tolist()
    attributes: Json = {
        "num": [
            {"name": name, "val": value}
            for name, value in numbers.items()
            if math.isfinite(value) and value != _NEUTRAL[name]
        ],
        "text": [
            {"name": "category", "val": category},
            *({"name": name, "val": value} for name, value in words.items() if value),
        ],
    }
    if all(map(math.isfinite, velocity)):
        attributes["vec"] = [{"name": "velocity", "val": velocity}]
    return {
        "name": "shape",
        "val": [x, y, z, i, j, k, w, length, width, height],
        "coordinate_system": EGO,
        "attributes": {key: rows for key, rows in attributes.items() if rows},
    }


def _properties(time_ns: int, world_from_ego: Transform | None) -> Json:
    seconds, nanoseconds = divmod(time_ns, _NS_PER_S)
    properties: Json = {"timestamp": f"{seconds}.{nanoseconds:09d}"}
    if world_from_ego is not None:
        matrix = {"matrix4x4": np.ravel(world_from_ego).tolist()}
        properties["transforms"] = {
            "ego_to_world": {"src": EGO, "dst": "world", "transform_src_to_dst": matrix}
        }
    return properties


def _coordinate_systems(recording: Recording | None) -> Json:
    sensors = [] if recording is None else list(recording.rig)
    systems: Json = {
        "world": {"type": "scene_cs", "parent": "", "children": [EGO]},
        EGO: {"type": "local_cs", "parent": "world", "children": [s.name for s in sensors]},
    }
    for sensor in sensors:
        pose = {"matrix4x4": np.ravel(sensor.ego_from_sensor).tolist()}
        systems[sensor.name] = {
            "type": "sensor_cs", "parent": EGO, "children": [], "pose_wrt_parent": pose,
        }  # fmt: skip
    return systems


def _streams(recording: Recording) -> Json:
    streams: Json = {}
    for sensor in recording.rig:
        kind = sensor.kind if sensor.kind in {"camera", "lidar", "radar"} else "other"
        streams[sensor.name] = {"type": kind, "description": sensor.model}
        if isinstance(sensor, Camera) and sensor.model == "pinhole":
            matrix = np.column_stack((sensor.intrinsics, np.zeros(3)))
            pinhole: Json = {
                "width_px": sensor.width,
                "height_px": sensor.height,
                "camera_matrix_3x4": np.ravel(matrix).tolist(),
            }
            if len(sensor.distortion) >= 4:
                pinhole["distortion_coeffs_1xN"] = list(sensor.distortion)
            streams[sensor.name]["stream_properties"] = {"intrinsics_pinhole": pinhole}
    return streams


def _by_number(item: tuple[str, Any]) -> int:
    return int(item[0])


def _content(root: Path) -> tuple[Path, Json]:
    path = label_file(root)
    if path is None:
        raise InvalidSource(f"{root}: no {SUFFIX} file, or several; name one")
    try:
        content: Any = json.loads(read_text(path))["openlabel"]
        version = str(content["metadata"]["schema_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidSource(f"{path}: no OpenLABEL document ({error}); export it again") from error
    if not version.startswith("1."):
        raise InvalidSource(f"{path}: schema_version {version}; we read 1.0.0")
    return path, cast(Json, content)


def _frames(path: Path, content: Json) -> Iterator[tuple[int, Json]]:
    frames: Any = content.get("frames", {})
    if not isinstance(frames, Mapping):
        raise InvalidSource(f"{path}: frames is no object of frames by number")
    frames = cast(Mapping[str, Any], frames)
    if not all(
        str(number).isdecimal() and int(number) < 2**31 and isinstance(f, Mapping)
        for number, f in frames.items()
    ):
        raise InvalidSource(f"{path}: a frame's key is no number, or the frame no object")
    for number in sorted(frames, key=int):
        yield int(number), cast(Json, frames[number])


def _time_ns(frame: Json, number: int) -> int:
    """The frame's time: seconds as text with nine decimals, or as a number; else 10 Hz."""
    stamp = frame.get("frame_properties", {}).get("timestamp")
    if stamp is None:
        return number * _PERIOD_NS
    whole, _, part = str(stamp).partition(".")
    try:
        if not part and len(whole) > 12:  # nanoseconds, as some tools write them
            return int(whole)
        return int(whole) * _NS_PER_S + int(part[:9].ljust(9, "0") or 0)
    except ValueError as error:
        raise InvalidSource(f"frame {number}: timestamp {stamp!r} is no time in seconds") from error


def _row(shape: Any, where: str) -> Json:
    try:
        values = [float(value) for value in shape["val"]]
        given = shape.get("attributes", {})
        named = [entry for kind in ("num", "text", "vec") for entry in given.get(kind, ())]
        attributes = {str(entry["name"]): entry["val"] for entry in named}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidSource(f"{where}: cuboid has no list of numbers `val` ({error})") from error
    if len(values) == 9:  # Euler angles about x, y, z: Rz · Ry · Rx, as the standard has them
        angles, sizes = values[3:6], values[6:]
        turn = to_quaternions(*(np.array([angle]) for angle in reversed(angles)))[0].tolist()
        w, i, j, k = turn
    elif len(values) == 10:
        (i, j, k, w), sizes = values[3:7], values[7:]
    else:
        raise InvalidSource(f"{where}: cuboid has {len(values)} values; give 9 or 10")
    length = math.hypot(w, i, j, k)
    if not all(map(math.isfinite, values)) or not 1e-6 < length < 1e6 or min(sizes) <= 0:
        raise InvalidSource(f"{where}: cuboid {values} is none; correct it")
    kept = {
        name: attributes[name]
        for name in (*_NUMBERS, *_TEXTS, "category", "velocity")
        if name in attributes
    }
    quaternion = [part / length for part in (w, i, j, k)]
    kept["ours"] = "category" in attributes  # no other tool says a cuboid's class twice
    return {**kept, "numbers": [*values[:3], *sizes], "turn": quaternion}


def _as_cuboids(rows: list[Json]) -> Cuboids:
    if not rows:
        return Cuboids.empty()
    numbers = np.array([row["numbers"] for row in rows], dtype=np.float64)
    turn = from_quaternion(numbers[:, :3], np.array([row["turn"] for row in rows]))
    yaw, pitch, roll = from_matrices(turn[:, :3, :3])
    columns: Json = {
        name: np.array([row.get(name, _NEUTRAL[name]) for row in rows]) for name in _NUMBERS
    }
    if not any(row["ours"] for row in rows):  # another tool's: an object is a track
        order = {uid: i for i, uid in enumerate(dict.fromkeys(row["uid"] for row in rows))}
        columns["track_id"] = np.array([order[row["uid"]] for row in rows])
    columns |= {name: texts(str(row.get(name, "")) for row in rows) for name in _TEXTS}
    return Cuboids.of(
        np.column_stack((numbers, yaw)),
        pitch=pitch,
        roll=roll,
        frame=np.array([row["frame"] for row in rows]),
        time_ns=np.array([row["time_ns"] for row in rows], dtype=np.int64),
        category=texts(row["category"] for row in rows),
        velocity=np.array([row.get("velocity", (math.nan,) * 2) for row in rows], dtype=np.float32),
        **columns,
    )
