"""A recording and its labels as a nuScenes table set that the official devkit loads.

Tables and files follow nuScenes' schema: https://www.nuscenes.org/nuscenes#data-format. One scene;
a frame is a sample, and all its data are key frames. results.json holds the labels as a detection
result beside them.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Ints, Transform
from lidar_label.calibration.rig import Camera, Lidar, Radar, Sensor
from lidar_label.calibration.transforms import from_quaternion, matrix_to_pose7
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.rotations import to_quaternions

VERSION, SCENE, SPLIT = "v1.0-lidar-label", "scene-0001", "all"
TABLES = (
    "category", "attribute", "visibility", "instance", "sensor", "calibrated_sensor", "ego_pose",
    "log", "scene", "sample", "sample_data", "sample_annotation", "map",
)  # fmt: skip
HELD = ("time_ns", "track_id", "source_id", "category", "pitch", "roll", "num_points")
RADAR_FIELDS = (
    *(("x", "<f4", 0), ("y", "<f4", 0), ("z", "<f4", 0), ("dyn_prop", "i1", 7), ("id", "<i2", 0)),
    *(("rcs", "<f4", 0), ("vx", "<f4", 0), ("vy", "<f4", 0), ("vx_comp", "<f4", 0)),
    *(("vy_comp", "<f4", 0), ("is_quality_valid", "i1", 1), ("ambig_state", "i1", 3)),
    *(("x_rms", "i1", 0), ("y_rms", "i1", 0), ("invalid_state", "i1", 0), ("pdh0", "i1", 0)),
    *(("vx_rms", "i1", 0), ("vy_rms", "i1", 0)),
)
# The classes of the detection challenge, and what else is called so.
DETECTION = {
    "car": "car", "van": "car", "regular_vehicle": "car", "truck": "truck", "bus": "bus",
    "trailer": "trailer", "construction_vehicle": "construction_vehicle",
    "pedestrian": "pedestrian", "person": "pedestrian", "motorcycle": "motorcycle",
    "bicycle": "bicycle", "cyclist": "bicycle", "traffic_cone": "traffic_cone",
    "barrier": "barrier",
    # nuScenes' own general classes
    "vehicle.car": "car", "vehicle.truck": "truck", "vehicle.bus.bendy": "bus",
    "vehicle.bus.rigid": "bus", "vehicle.trailer": "trailer",
    "vehicle.construction": "construction_vehicle", "vehicle.motorcycle": "motorcycle",
    "vehicle.bicycle": "bicycle", "human.pedestrian.adult": "pedestrian",
    "human.pedestrian.child": "pedestrian", "human.pedestrian.police_officer": "pedestrian",
    "human.pedestrian.construction_worker": "pedestrian",
    "movable_object.trafficcone": "traffic_cone", "movable_object.barrier": "barrier",
}  # fmt: skip
Row = dict[str, Any]


def token(*parts: object) -> str:
    """32 hexadecimal digits that follow from what they stand for."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def write_tables(cuboids: Cuboids, recording: Recording, place: Path) -> None:
    """Write the tables, the sweeps and the images."""
    tables: dict[str, list[Row]] = {name: [] for name in TABLES}
    scene = token("scene", recording.content_hash)
    frames = recording.frames
    samples = [token("sample", scene, frame.index) for frame in frames]
    for i, frame in enumerate(frames):
        before, after = samples[i - 1] if i else "", samples[i + 1] if i + 1 < len(frames) else ""
        tables["sample"].append(
            {"token": samples[i], "timestamp": frame.time_ns // 1000, "scene_token": scene,
             "prev": before, "next": after}
        )  # fmt: skip
    _write_scene(tables, recording, scene, samples, place)
    for sensor in recording.rig:
        if isinstance(sensor, Lidar | Radar | Camera):
            _write_sensor(tables, recording, sensor, samples, place)
    world_from_ego = _poses(recording, np.array([f.time_ns for f in frames], dtype=np.int64))
    _write_labels(tables, cuboids, recording, samples, world_from_ego)
    folder = place / VERSION
    folder.mkdir()
    for name, rows in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(rows, indent=0), encoding="utf-8")
    # Its scene as a split of its own, over which the devkit's evaluation can run.
    (folder / "splits.json").write_text(json.dumps({SPLIT: [SCENE]}), encoding="utf-8")
    result = detection_result(cuboids, samples, world_from_ego, recording.origin)
    (place / "results.json").write_text(json.dumps(result), encoding="utf-8")


def detection_result(
    cuboids: Cuboids, samples: Sequence[str], world_from_ego: Transform, origin: NDArray[Any]
) -> Row:
    """Labels as a result of the detection challenge; classes that it does not have are left out."""
    turn, centre, _ = _global(cuboids, world_from_ego, origin)
    results: dict[str, list[Row]] = {name: [] for name in samples}
    for row, name in enumerate(cuboids.category.tolist()):
        wanted = detection_class(name)
        if wanted is None:
            continue
        score = float(cuboids.score[row])
        velocity = _world_velocity(cuboids, world_from_ego, row)
        results[samples[int(cuboids.frame[row])]].append(
            {"sample_token": samples[int(cuboids.frame[row])], "translation": centre[row].tolist(),
             "size": cuboids.boxes[row, [4, 3, 5]].tolist(), "rotation": turn[row].tolist(),
             "velocity": velocity, "detection_name": wanted,
             "detection_score": score if np.isfinite(score) else 1.0, "attribute_name": ""}
        )  # fmt: skip
    uses = ("camera", "lidar", "radar", "map", "external")
    return {"meta": {f"use_{what}": what == "lidar" for what in uses}, "results": results}


def detection_class(category: str) -> str | None:
    """The class of the detection challenge that a class of any data set is, if one."""
    return DETECTION.get(category.lower().replace(" ", "_"))


def channel_of(sensor: Sensor, first_lidar: str) -> str:
    """The channel's name: as it is where it follows nuScenes, else with the kind before it."""
    prefix = {"lidar": "LIDAR", "radar": "RADAR", "camera": "CAM"}[sensor.kind]
    if sensor.name.startswith(prefix + "_"):
        return sensor.name
    return "LIDAR_TOP" if sensor.name == first_lidar else f"{prefix}_{sensor.name.upper()}"


def _write_scene(
    tables: dict[str, list[Row]], recording: Recording, scene: str, samples: list[str], place: Path
) -> None:
    from PIL import Image

    log = token("log", recording.content_hash)
    tables["log"].append(
        {"token": log, "logfile": recording.path.name, "vehicle": "", "date_captured": "",
         "location": ""}
    )  # fmt: skip
    tables["scene"].append(
        {"token": scene, "log_token": log, "nbr_samples": len(samples), "name": SCENE,
         "first_sample_token": samples[0] if samples else "",
         "last_sample_token": samples[-1] if samples else "", "description": recording.source}
    )  # fmt: skip
    (place / "maps").mkdir()
    mask = io.BytesIO()
    Image.new("L", (1, 1)).save(mask, "PNG")  # the devkit wants a map; there is none
    (place / "maps" / "none.png").write_bytes(mask.getvalue())
    tables["map"].append(
        {"token": token("map", log), "log_tokens": [log], "category": "semantic_prior",
         "filename": "maps/none.png"}
    )  # fmt: skip
    for level, text in enumerate(("v0-40", "v40-60", "v60-80", "v80-100"), start=1):
        tables["visibility"].append({"token": str(level), "level": text, "description": ""})


def _write_sensor(
    tables: dict[str, list[Row]],
    recording: Recording,
    sensor: Lidar | Radar | Camera,
    samples: list[str],
    place: Path,
) -> None:
    first = recording.lidars[0] if recording.lidars else ""
    channel = channel_of(sensor, first)
    calibrated = token("calibrated_sensor", recording.content_hash, channel)
    tables["sensor"].append(
        {"token": token("sensor", channel), "channel": channel, "modality": sensor.kind}
    )
    pose = matrix_to_pose7(sensor.ego_from_sensor)
    is_camera = isinstance(sensor, Camera)
    tables["calibrated_sensor"].append(
        {"token": calibrated, "sensor_token": token("sensor", channel),
         "translation": pose[:3].tolist(), "rotation": pose[3:].tolist(),
         "camera_intrinsic": sensor.intrinsics.tolist() if is_camera else []}
    )  # fmt: skip
    folder = place / "samples" / channel
    folder.mkdir(parents=True)
    rows: list[Row] = []
    for frame in recording.frames:
        index = frame.images.get(sensor.name) if is_camera else frame.sweeps.get(sensor.name)
        if index is None:
            continue
        times = (
            recording.image_times(sensor.name) if is_camera else recording.sweep_times(sensor.name)
        )
        time_ns = int(times[index])
        data, ending = _file(recording, sensor, index)
        name = f"samples/{channel}/{SCENE}__{channel}__{time_ns // 1000}{ending}"
        (place / name).write_bytes(data)
        key = token("sample_data", recording.content_hash, channel, index, frame.index)
        world_from_ego = _poses(recording, np.array([time_ns], dtype=np.int64))[0]
        where = matrix_to_pose7(world_from_ego)
        tables["ego_pose"].append(
            {"token": key, "timestamp": time_ns // 1000, "rotation": where[3:].tolist(),
             "translation": (where[:3] + recording.origin).tolist()}
        )  # fmt: skip
        rows.append(
            {"token": key, "sample_token": samples[frame.index], "ego_pose_token": key,
             "calibrated_sensor_token": calibrated, "timestamp": time_ns // 1000,
             "fileformat": ending.lstrip(".").partition(".")[0], "is_key_frame": True,
             "height": sensor.height if is_camera else 0,
             "width": sensor.width if is_camera else 0, "filename": name}
        )  # fmt: skip
    _chain(rows)
    tables["sample_data"] += rows


def _file(recording: Recording, sensor: Sensor, index: int) -> tuple[bytes, str]:
    if isinstance(sensor, Camera):
        data = recording.image(sensor.name, index)
        return data, ".png" if data.startswith(b"\x89PNG") else ".jpg"
    if isinstance(sensor, Radar):
        return _radar_file(recording, sensor.name, index), ".pcd"
    sweep = recording.sweep(sensor.name, index)
    table = np.zeros((len(sweep.xyz), 5), dtype="<f4")
    table[:, :3] = sweep.xyz
    if sweep.intensity is not None:
        table[:, 3] = sweep.intensity
    if sweep.ring is not None:
        table[:, 4] = sweep.ring
    return table.tobytes(), ".pcd.bin"


def _radar_file(recording: Recording, name: str, index: int) -> bytes:
    """The 18 fields of a nuScenes radar; speeds lie along the beam, all that we know of them."""
    sweep = recording.radar_sweep(name, index)
    rows = np.zeros(len(sweep.xyz), dtype=[(key, kind) for key, kind, _ in RADAR_FIELDS])
    for key, _, value in RADAR_FIELDS:
        rows[key] = value
    rows["x"], rows["y"], rows["z"] = sweep.xyz.T
    rows["rcs"] = 0 if sweep.rcs is None else sweep.rcs
    away = sweep.xyz[:, :2] / np.maximum(np.linalg.norm(sweep.xyz[:, :2], axis=1), 1e-6)[:, None]
    given = (("", sweep.radial_velocity), ("_comp", sweep.radial_velocity_compensated))
    for ending, speed in given:
        if speed is not None:
            rows["vx" + ending], rows["vy" + ending] = (away * speed[:, None]).T
    kinds = {"<f4": ("4", "F"), "<i2": ("2", "I"), "i1": ("1", "I")}
    count = len(rows)
    lines = (
        "# .PCD v0.7 - Point Cloud Data file format", "VERSION 0.7",
        "FIELDS " + " ".join(key for key, _, _ in RADAR_FIELDS),
        "SIZE " + " ".join(kinds[kind][0] for _, kind, _ in RADAR_FIELDS),
        "TYPE " + " ".join(kinds[kind][1] for _, kind, _ in RADAR_FIELDS),
        "COUNT " + " ".join("1" for _ in RADAR_FIELDS), f"WIDTH {count}", "HEIGHT 1",
        "VIEWPOINT 0 0 0 1 0 0 0", f"POINTS {count}", "DATA binary", "",
    )  # fmt: skip
    return "\n".join(lines).encode() + rows.tobytes()


def _write_labels(
    tables: dict[str, list[Row]],
    cuboids: Cuboids,
    recording: Recording,
    samples: list[str],
    world_from_ego: Transform,
) -> None:
    for name in sorted(set(cuboids.category.tolist())):
        tables["category"].append(
            {"token": token("category", name), "name": name, "description": "", "index": 0}
        )
    turn, centre, instances = _global(cuboids, world_from_ego, recording.origin)
    classes = dict(zip(instances, cuboids.category.tolist(), strict=True))
    chains: dict[str, list[Row]] = {}
    for row in np.argsort(cuboids.frame, kind="stable").tolist():
        annotation = {
            "token": token("sample_annotation", samples[int(cuboids.frame[row])], row),
            "sample_token": samples[int(cuboids.frame[row])], "instance_token": instances[row],
            "visibility_token": "", "attribute_tokens": [], "translation": centre[row].tolist(),
            "size": cuboids.boxes[row, [4, 3, 5]].tolist(), "rotation": turn[row].tolist(),
            "num_lidar_pts": int(cuboids.num_points[row]), "num_radar_pts": 0,
        }  # fmt: skip
        chains.setdefault(instances[row], []).append(annotation)
        tables["sample_annotation"].append(annotation)
    for instance, rows in chains.items():
        _chain(rows)
        tables["instance"].append(
            {"token": instance, "category_token": token("category", classes[instance]),
             "nbr_annotations": len(rows), "first_annotation_token": rows[0]["token"],
             "last_annotation_token": rows[-1]["token"]}
        )  # fmt: skip


def _global(
    cuboids: Cuboids, world_from_ego: Transform, origin: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Quaternions and centres in the global frame, and the instance of each row."""
    boxes = cuboids.boxes
    own = to_quaternions(boxes[:, 6], cuboids.pitch, cuboids.roll)
    placed = world_from_ego[cuboids.frame] @ from_quaternion(boxes[:, :3], own)
    poses = matrix_to_pose7(placed) if len(boxes) else np.zeros((0, 7))
    tracks = zip(
        cuboids.source_id.tolist(), cuboids.track_id.tolist(), cuboids.category.tolist(),
        strict=True,
    )  # fmt: skip
    instances = [
        source if is_token(source) else _instance(source, track, category, row)
        for row, (source, track, category) in enumerate(tracks)
    ]
    return poses[:, 3:], poses[:, :3] + origin, instances


def is_token(text: str) -> bool:
    """Whether an id can stand in the tables as it is: 32 hexadecimal digits."""
    return len(text) == 32 and set(text) <= set("0123456789abcdef")


def _instance(source: str, track: int, category: str, row: int) -> str:
    """An instance has one class, so a track that changes its class is several."""
    if source:
        return token("instance", source, category)
    mark, number = (_NUMBERED, track) if track >= 0 else (_UNTRACKED, row)
    return f"{mark}{number:016x}" + token(category)[:8]


# Before our own track numbers, and before those of rows without a track, so that they come back.
_NUMBERED, _UNTRACKED = "00000001", "00000002"


def track_number(instance: str) -> int | None:
    """The track number of an instance that we named, −1 of a row without; None of another's."""
    if not is_token(instance) or instance[:8] not in (_NUMBERED, _UNTRACKED):
        return None
    return -1 if instance.startswith(_UNTRACKED) else int(instance[8:24], 16)


def _world_velocity(cuboids: Cuboids, world_from_ego: Transform, row: int) -> list[float]:
    velocity = np.append(cuboids.velocity[row].astype(np.float64), 0.0)
    if not np.isfinite(velocity).all():
        return [0.0, 0.0]
    turned: NDArray[np.float64] = world_from_ego[int(cuboids.frame[row]), :3, :3] @ velocity
    return turned[:2].tolist()


def _poses(recording: Recording, times: Ints) -> Transform:
    if recording.trajectory is None:
        return np.tile(np.eye(4), (len(times), 1, 1))
    return recording.trajectory.at(times)


def _chain(rows: Iterable[Row]) -> None:
    """Say of each row which comes before and after it."""
    listed = list(rows)
    for i, row in enumerate(listed):
        row["prev"] = listed[i - 1]["token"] if i else ""
        row["next"] = listed[i + 1]["token"] if i + 1 < len(listed) else ""
