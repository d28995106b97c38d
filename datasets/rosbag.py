"""ROS bags as a recording: ROS 1 .bag, ROS 2 folders with .db3 or .mcap, single .mcap and .db3.

PointCloud2 becomes a LiDAR (a radar where its fields tell a Doppler velocity), Image and
CompressedImage with their CameraInfo a camera, Imu an IMU. Sensors sit where /tf_static puts them
on the base frame; ego poses come from Odometry or, without it, from /tf. A message's time is its
header's. The world is the odometry's frame, shifted to the first pose. Labels are
vision_msgs/Detection3DArray messages, see `rosbag_labels`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.arrays import Transform
from lidar_label.calibration.transforms import matrix_to_pose7
from lidar_label.datasets.bag_reader import Bag, open_bag
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.intake import Cloud, Intake, Tally, image_size
from lidar_label.datasets.point_fields import PointFile, points_from_fields
from lidar_label.datasets.point_folder import timed
from lidar_label.datasets.ros_messages import (
    IMU_CHANNELS,
    IMU_UNITS,
    FrameTree,
    camera_intrinsics,
    cloud_fields,
    frame_name,
    image_bytes,
    imu_row,
    pose_matrix,
    stamp_ns,
)
from lidar_label.datasets.rosbag_labels import MESSAGE, read_detections
from lidar_label.errors import InvalidSource

_META = "metadata.yaml"
_SUFFIXES = (".bag", ".mcap", ".db3")
_BASES = ("base_link", "base_footprint", "ego_vehicle", "vehicle", "base")
_DOPPLER = ("radial_velocity", "doppler", "doppler_velocity", "v_r", "velocity", "vr")
_COMPENSATED = ("v_r_compensated", "radial_velocity_compensated", "vr_compensated")
_RCS = ("rcs", "radar_cross_section")
_CLOUD, _IMU = "sensor_msgs/msg/PointCloud2", "sensor_msgs/msg/Imu"
_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
_INFO, _ODOMETRY = "sensor_msgs/msg/CameraInfo", "nav_msgs/msg/Odometry"
_TF = ("tf2_msgs/msg/TFMessage", "tf/msg/tfMessage")


def bag_files(path: Path) -> list[Path]:
    """What `rosbags` is to open of a path: a ROS 2 folder, or single files; none if it is none."""
    if path.is_dir():
        if (path / _META).is_file():
            return [path]
        inside = sorted(place.parent for place in path.glob("*/" + _META))
        if inside:
            return inside if len(inside) == 1 else []
        return sorted(p for p in path.iterdir() if p.suffix == ".bag")
    return [path] if path.suffix in _SUFFIXES and path.is_file() else []


@dataclass
class _Topic:
    """One sensor's topic: its name in the recording and the frame its messages are in."""

    topic: str
    kind: str
    name: str
    frame: str = ""
    last_ns: int = -1
    first: Any = None
    imu: list[tuple[int, list[float]]] = field(default_factory=list[tuple[int, list[float]]])


@dataclass
class _Survey:
    """What a first pass finds: the sensors, where they sit, what the cameras are like."""

    topics: dict[str, _Topic] = field(default_factory=dict[str, _Topic])
    tree: FrameTree = field(default_factory=FrameTree)
    infos: dict[str, Any] = field(default_factory=dict[str, Any])  # CameraInfo by frame and topic
    odometry: str | None = None
    messages: int = 0

    def base(self) -> str:
        """The frame that the ego is in."""
        sensors = [topic for topic in self.topics.values() if topic.kind in {"lidar", "radar"}]
        if not sensors:
            return next((topic.frame for topic in self.topics.values()), "")
        above = self.tree.root_path(sensors[0].frame)
        return next((name for name in _BASES if name in above), sensors[0].frame)


def read_rosbag(root: Path, intake: Intake) -> None:
    """Read a bag.

    Raises:
        InvalidSource: if it is damaged, or has neither clouds nor images nor IMU.
    """
    files = bag_files(root)
    if not files:
        raise InvalidSource(f"{root}: no .bag, .mcap or .db3; nothing to import")
    with open_bag(files, root) as bag:
        survey = _surveyed(bag, root)
        if not survey.topics:
            found = ", ".join(sorted({c.msgtype for c in bag.connections})) or "no messages"
            raise InvalidSource(f"{root}: no PointCloud2, Image or Imu in it; it has {found}")
        base = survey.base()
        times = _frame_times(bag, survey)
        labels = read_detections(bag, root, intake, times)
        if len(labels):
            intake.set_labels(labels)
        _add_sensors(survey, base, intake)
        intake.expected = survey.messages
        _stream(bag, survey, base, intake, root)
    for topic in survey.topics.values():
        if topic.imu:
            rows = sorted(topic.imu, key=lambda row: row[0])
            times = np.array([row[0] for row in rows], dtype=np.int64)
            intake.writer.append_imu(topic.name, times, np.array([row[1] for row in rows]))


def read_rosbag_labels(root: Path, tally: Tally, times: Sequence[int] | None) -> Cuboids:
    """The labels of a bag, from its Detection3DArray messages."""
    with open_bag(bag_files(root), root) as bag:
        return read_detections(bag, root, tally, times)


def _surveyed(bag: Bag, root: Path) -> _Survey:
    survey = _Survey()
    kinds = {_CLOUD: "lidar", _IMU: "imu", **dict.fromkeys(_IMAGES, "camera")}
    looked = [*kinds, _INFO, _ODOMETRY, *_TF]
    wanted = [c for c in bag.connections if c.msgtype in looked and c.msgcount]
    survey.messages = sum(c.msgcount for c in wanted if c.msgtype in kinds)
    waiting = {c.topic for c in wanted if c.msgtype not in _TF}
    moving = any(c.msgtype in _TF for c in wanted)
    for connection, _, message in bag.messages(wanted):
        is_tf = connection.msgtype in _TF
        if not is_tf and connection.topic not in waiting:
            if not waiting and not moving:
                break
            continue
        if is_tf:
            survey.tree.add(message.transforms)
            continue
        waiting.discard(connection.topic)
        frame = frame_name(message.header.frame_id)
        if connection.msgtype == _INFO:
            survey.infos[frame] = survey.infos[_stem(connection.topic)] = message
        elif connection.msgtype == _ODOMETRY:
            survey.odometry = survey.odometry or connection.topic
        else:
            name = connection.topic.strip("/").replace("/", "_") or "sensor"
            kind = kinds[connection.msgtype]
            if kind == "lidar" and _is_radar(message, f"{root}, {connection.topic}"):
                kind = "radar"
            survey.topics[connection.topic] = _Topic(
                connection.topic, kind, name, frame, first=message
            )
    return survey


def _frame_times(bag: Bag, survey: _Survey) -> list[int]:
    """Times of the first LiDAR's sweeps that will be kept, if there are labels to place."""
    first = next((topic.topic for topic in survey.topics.values() if topic.kind == "lidar"), None)
    if first is None or not any(c.msgtype == MESSAGE for c in bag.connections):
        return []
    times: list[int] = []
    wanted = [c for c in bag.connections if c.topic == first]
    for _, received, message in bag.messages(wanted):
        time_ns, _ = stamp_ns(message, received)
        if not times or time_ns > times[-1]:
            times.append(time_ns)
    return times


def _stem(topic: str) -> str:
    """The camera's name space: `/cam/front` of `/cam/front/image_raw` and `…/camera_info`."""
    return topic.removesuffix("/compressed").rpartition("/")[0]


def _is_radar(message: Any, where: str) -> bool:
    names = {name.lower() for name in cloud_fields(message, where)}
    return bool(names & set(_DOPPLER)) and "ring" not in names


def _add_sensors(survey: _Survey, base: str, intake: Intake) -> None:
    for topic in list(survey.topics.values()):
        placed = survey.tree.between(base, topic.frame)
        if placed is None:
            intake.warn(f"{topic.name}: no transform from {topic.frame} to {base}; placed at it")
            placed = np.eye(4)
        if topic.kind == "lidar":
            intake.add_lidar(topic.name, placed)
        elif topic.kind == "radar":
            intake.writer.add_radar(topic.name, placed)
        elif topic.kind == "imu":
            intake.writer.add_imu(topic.name, placed, IMU_CHANNELS, IMU_UNITS)
        elif not _add_camera(survey, topic, placed, intake):
            del survey.topics[topic.topic]
        topic.first = None


def _add_camera(survey: _Survey, topic: _Topic, placed: Transform, intake: Intake) -> bool:
    info = survey.infos.get(_stem(topic.topic), survey.infos.get(topic.frame))
    if info is None:
        intake.warn(f"{topic.name}: no CameraInfo of it; its images are left out")
        return False
    model, matrix, distortion, width, height = camera_intrinsics(info)
    if not (width and height):
        data = image_bytes(topic.first)
        width, height = image_size(data) if data else (0, 0)
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or not (width and height):
        intake.warn(f"{topic.name}: its CameraInfo has no focal length; its images are left out")
        return False
    intake.writer.add_camera(
        topic.name, placed, model,
        intrinsics=matrix, distortion=distortion, width=width, height=height,
    )  # fmt: skip
    return True


def _stream(bag: Bag, survey: _Survey, base: str, intake: Intake, root: Path) -> None:
    poses: dict[int, Transform] = {}
    moving = [survey.odometry] if survey.odometry else []
    wanted = [
        c for c in bag.connections
        if c.topic in survey.topics or c.topic in moving or (not moving and c.msgtype in _TF)
    ]  # fmt: skip
    names: dict[str, list[str]] = {}
    for connection, received, message in bag.messages(wanted):
        if connection.msgtype in _TF:
            for entry in message.transforms:
                if frame_name(entry.child_frame_id) == base:
                    where = entry.transform
                    time_ns, _ = stamp_ns(entry, received)
                    poses[time_ns] = pose_matrix(where.translation, where.rotation)
            continue
        time_ns, stamped = stamp_ns(message, received)
        if connection.topic in moving:
            child = survey.tree.between(frame_name(message.child_frame_id) or base, base)
            pose = message.pose.pose
            own = pose_matrix(pose.position, pose.orientation)
            poses[time_ns] = own if child is None else own @ child
            continue
        topic = survey.topics[connection.topic]
        if not stamped:
            intake.warn(f"{topic.name}: {{n}} messages without a time; taken as when received")
        if time_ns <= topic.last_ns and topic.kind != "imu":
            intake.warn(f"{topic.name}: {{n}} messages are not after the one before; left out")
            intake.advance()
            continue
        topic.last_ns = time_ns
        where = f"{root}, {topic.topic} at {time_ns}"
        _write(topic, message, time_ns, where, intake)
        names.setdefault(topic.name, []).append(str(time_ns))
    first = next((t.name for t in survey.topics.values() if t.kind == "lidar"), None)
    intake.frame_names = names.get(first, []) if first else []
    _write_poses(poses, intake)


def _write(topic: _Topic, message: Any, time_ns: int, where: str, intake: Intake) -> None:
    if topic.kind == "imu":
        topic.imu.append((time_ns, imu_row(message)))
        intake.advance()
    elif topic.kind == "camera":
        _write_image(topic, message, time_ns, intake)
    else:
        fields = cloud_fields(message, where)
        points = points_from_fields(Path(where), fields, origin=np.zeros(3))
        for line in points.warnings:
            intake.warn_file(line)
        if topic.kind == "radar":
            intake.radar_sweep(topic.name, time_ns, _as_radar(points))
        else:
            intake.sweep(topic.name, time_ns, _timed(points, time_ns))


def _timed(points: PointFile, time_ns: int) -> Cloud:
    """Points with times: absolute ones as they are, others counted from the sweep's stamp."""
    _, cloud = timed(points, time_ns, use_points=False)
    if points.time_is_absolute and cloud.point_time_ns is not None:
        return replace(cloud, point_time_ns=points.point_time_ns)
    return cloud


def _as_radar(points: PointFile) -> PointFile:
    """The radar's columns under the names that the intake takes."""
    by_name = {name.lower(): rows for name, rows in points.fields.items()}
    given = (("rcs", _RCS), ("v_r", _DOPPLER), ("v_r_compensated", _COMPENSATED))
    fields = {
        wanted: by_name[name]
        for wanted, others in given
        for name in [next((n for n in others if n in by_name), "")]
        if name
    }
    return replace(points, fields=fields)


def _write_image(topic: _Topic, message: Any, time_ns: int, intake: Intake) -> None:
    data = image_bytes(message)
    try:
        image_size(data or b"")
    except OSError:
        intake.missing_image(topic.name)
    else:
        intake.writer.append_image(topic.name, time_ns, data or b"")
        intake.images += 1
    intake.advance()


def _write_poses(poses: dict[int, Transform], intake: Intake) -> None:
    """Ego poses in the odometry's axes, shifted so that the first lies at the origin."""
    if len(poses) < 2:
        return
    times = np.array(sorted(poses), dtype=np.int64)
    matrices = np.array([poses[int(time_ns)] for time_ns in times])
    matrices[:, :3, 3] -= matrices[0, :3, 3]
    intake.writer.append_ego(times, matrix_to_pose7(matrices))
