"""A recording and its labels as a ROS bag: version 1, version 2 with SQLite, or MCAP.

Topics: /lidar/NAME (PointCloud2), /radar/NAME, /camera/NAME/image/compressed with camera_info,
/imu/NAME, /tf_static, /odometry, and /labels. What a bag says comes back by `rosbag`.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Transform
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.transforms import matrix_to_pose7
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.ros_messages import IMU_CHANNELS
from lidar_label.datasets.rosbag_labels import DEFINITIONS, TOPIC, detection_array

KINDS = ("ros1", "ros2", "mcap")
BASE, WORLD = "base_link", "odom"
_FLOAT32, _UINT16, _INT32 = 7, 4, 5  # sensor_msgs/PointField
_TF, _NS_PER_S = "tf2_msgs/msg/TFMessage", 1_000_000_000


class BagWriter:
    """Writes messages of one version of ROS; made by `bag_writer`."""

    def __init__(self, writer: Any, store: Any, version: int) -> None:
        """Take a `rosbags` writer that is open."""
        self._writer, self._store, self._version = writer, store, version
        self._connections: dict[str, Any] = {}
        self._sequence = 0

    def make(self, name: str, /, **fields: Any) -> Any:
        """A message of a type."""
        return self._store.types[name](**fields)

    @property
    def types(self) -> Mapping[str, Any]:
        """The classes of all message types."""
        return self._store.types

    @property
    def is_ros1(self) -> bool:
        """Whether names are those of ROS 1."""
        return self._version == 1

    def header(self, time_ns: int, frame: str) -> Any:
        """A std_msgs/Header."""
        seconds, nanoseconds = divmod(int(time_ns), _NS_PER_S)
        fields: dict[str, Any] = {
            "stamp": self.make("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds),
            "frame_id": frame,
        }
        if self.is_ros1:
            self._sequence += 1
            fields["seq"] = self._sequence
        return self.make("std_msgs/msg/Header", **fields)

    def write(self, topic: str, message: Any, time_ns: int) -> None:
        """Write one message, its type declared at its topic's first."""
        name = message.__msgtype__
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(
                topic, name, typestore=self._store
            )
        pack = self._store.serialize_ros1 if self.is_ros1 else self._store.serialize_cdr
        self._writer.write(self._connections[topic], int(time_ns), bytes(pack(message, name)))


@contextmanager
def bag_writer(place: Path, kind: str) -> Generator[BagWriter]:
    """A bag being written: `place`.bag of ROS 1, or the folder `place` of ROS 2."""
    from rosbags.rosbag1 import Writer as Writer1
    from rosbags.rosbag2 import StoragePlugin
    from rosbags.rosbag2 import Writer as Writer2
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    version = 1 if kind == "ros1" else 2
    store = get_typestore(Stores.ROS1_NOETIC if version == 1 else Stores.ROS2_HUMBLE)
    definitions = {**DEFINITIONS, _TF: "geometry_msgs/TransformStamped[] transforms\n"}
    for name, text in definitions.items():
        if name not in store.types:
            store.register(get_types_from_msg(text, name))
    plugin = StoragePlugin.MCAP if kind == "mcap" else StoragePlugin.SQLITE3
    opened: Any = (
        Writer1(place.with_suffix(".bag"))
        if version == 1
        else Writer2(place, version=8, storage_plugin=plugin)
    )
    with opened as writer:
        yield BagWriter(writer, store, version)


def write_bag(cuboids: Cuboids, recording: Recording | None, place: Path, kind: str) -> None:
    """Write everything in order of time; the labels alone where there is no recording."""
    with bag_writer(place, kind) as bag:
        if recording is None:
            for time_ns in sorted(set(cuboids.time_ns.tolist())):
                rows = cuboids.select(cuboids.time_ns == time_ns)
                _write_labels(bag, rows, time_ns)
            return
        start = recording.frames[0].time_ns if recording.frame_count else 0
        _write_rig(bag, recording, start)
        jobs = [*_sweep_jobs(recording), *_image_jobs(recording), *_label_jobs(recording)]
        for time_ns, what, name, index in sorted(jobs):
            if what == "label":
                _write_labels(bag, cuboids.select(cuboids.frame == index), time_ns)
            elif what == "camera":
                _write_image(bag, recording, name, index, time_ns)
            else:
                _write_sweep(bag, recording, what, name, index, time_ns)
        _write_imus(bag, recording)
        _write_odometry(bag, recording)


def _write_labels(bag: BagWriter, cuboids: Cuboids, time_ns: int) -> None:
    bag.write(TOPIC, detection_array(bag.types, bag.header(time_ns, BASE), cuboids), time_ns)


def _sweep_jobs(recording: Recording) -> Iterator[tuple[int, str, str, int]]:
    for kind, names in (("lidar", recording.lidars), ("radar", recording.radars)):
        for name in names:
            for i, time_ns in enumerate(recording.sweep_times(name).tolist()):
                yield time_ns, kind, name, i


def _image_jobs(recording: Recording) -> Iterator[tuple[int, str, str, int]]:
    for name in recording.cameras:
        for i, time_ns in enumerate(recording.image_times(name).tolist()):
            yield time_ns, "camera", name, i


def _label_jobs(recording: Recording) -> Iterator[tuple[int, str, str, int]]:
    for frame in recording.frames:
        yield frame.time_ns, "label", "", frame.index


def _write_rig(bag: BagWriter, recording: Recording, time_ns: int) -> None:
    transforms = [
        bag.make(
            "geometry_msgs/msg/TransformStamped",
            header=bag.header(time_ns, BASE),
            child_frame_id=sensor.name,
            transform=bag.make(
                "geometry_msgs/msg/Transform",
                translation=_vector(bag, matrix_to_pose7(sensor.ego_from_sensor)),
                rotation=_quaternion(bag, matrix_to_pose7(sensor.ego_from_sensor)),
            ),
        )
        for sensor in recording.rig
    ]
    bag.write("/tf_static", bag.make(_TF, transforms=transforms), time_ns)


def _vector(bag: BagWriter, pose: Floats, name: str = "Vector3") -> Any:
    x, y, z = (float(v) for v in pose[:3])
    return bag.make(f"geometry_msgs/msg/{name}", x=x, y=y, z=z)


def _quaternion(bag: BagWriter, pose: Floats) -> Any:
    w, x, y, z = (float(v) for v in pose[3:])
    return bag.make("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w)


def _write_sweep(
    bag: BagWriter, recording: Recording, kind: str, name: str, index: int, time_ns: int
) -> None:
    columns: dict[str, tuple[int, NDArray[Any] | None]]
    if kind == "lidar":
        sweep = recording.sweep(name, index)
        times = sweep.point_time_ns
        since = None if times is None else (times - time_ns).astype("<i4")
        columns = {
            "intensity": (_FLOAT32, sweep.intensity),
            "ring": (_UINT16, sweep.ring),
            "offset_ns": (_INT32, since),  # from the header's time
        }
        xyz = sweep.xyz
    else:
        radar = recording.radar_sweep(name, index)
        columns = {
            "rcs": (_FLOAT32, radar.rcs),
            "v_r": (_FLOAT32, radar.radial_velocity),
            "v_r_compensated": (_FLOAT32, radar.radial_velocity_compensated),
        }
        xyz = radar.xyz
    given = {key: (code, rows) for key, (code, rows) in columns.items() if rows is not None}
    kinds = {_FLOAT32: "<f4", _UINT16: "<u2", _INT32: "<i4"}
    dtype = np.dtype(
        [(axis, "<f4") for axis in "xyz"] + [(key, kinds[code]) for key, (code, _) in given.items()]
    )
    packed = np.empty(len(xyz), dtype)
    for i, axis in enumerate("xyz"):
        packed[axis] = xyz[:, i]
    for key, (_, rows) in given.items():
        packed[key] = rows
    codes = dict.fromkeys("xyz", _FLOAT32) | {key: code for key, (code, _) in given.items()}
    offsets: dict[str, int] = {key: place[1] for key, place in (dtype.fields or {}).items()}
    fields = [
        bag.make(
            "sensor_msgs/msg/PointField",
            name=key, offset=offsets[key], datatype=code, count=1,
        )
        for key, code in codes.items()
    ]  # fmt: skip
    message = bag.make(
        "sensor_msgs/msg/PointCloud2",
        header=bag.header(time_ns, name), height=1, width=len(xyz), fields=fields,
        is_bigendian=False, point_step=dtype.itemsize, row_step=dtype.itemsize * len(xyz),
        data=np.frombuffer(packed.tobytes(), dtype=np.uint8), is_dense=True,
    )  # fmt: skip
    bag.write(f"/{kind}/{name}", message, time_ns)


def _write_image(bag: BagWriter, recording: Recording, name: str, i: int, time_ns: int) -> None:
    data = recording.image(name, i)
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    message = bag.make(
        "sensor_msgs/msg/CompressedImage",
        header=bag.header(time_ns, name), format=kind, data=np.frombuffer(data, dtype=np.uint8),
    )  # fmt: skip
    bag.write(f"/camera/{name}/image/compressed", message, time_ns)
    if i == 0:
        info = _camera_info(bag, recording.rig.camera(name), time_ns)
        bag.write(f"/camera/{name}/image/camera_info", info, time_ns)


def _camera_info(bag: BagWriter, camera: Camera, time_ns: int) -> Any:
    names = ("D", "K", "R", "P") if bag.is_ros1 else ("d", "k", "r", "p")
    projection = np.column_stack((camera.intrinsics, np.zeros(3)))
    values = (np.array(camera.distortion), camera.intrinsics, np.eye(3), projection)
    model = "equidistant" if camera.model == "fisheye" else "plumb_bob"
    region = bag.make(
        "sensor_msgs/msg/RegionOfInterest",
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False,
    )  # fmt: skip
    return bag.make(
        "sensor_msgs/msg/CameraInfo",
        header=bag.header(time_ns, camera.name), height=camera.height, width=camera.width,
        distortion_model=model, binning_x=0, binning_y=0, roi=region,
        **{key: np.ravel(v).astype(np.float64) for key, v in zip(names, values, strict=True)},
    )  # fmt: skip


def _write_imus(bag: BagWriter, recording: Recording) -> None:
    unknown = np.concatenate(([-1.0], np.zeros(8)))  # the covariance of what is not measured
    for name in recording.imus:
        samples = recording.imu(name)
        columns = [
            samples.channels.index(c) if c in samples.channels else None for c in IMU_CHANNELS
        ]
        if any(column is None for column in columns):
            continue
        rows = samples.values[:, [int(c) for c in columns if c is not None]]
        for time_ns, row in zip(samples.time_ns.tolist(), rows, strict=True):
            message = bag.make(
                "sensor_msgs/msg/Imu",
                header=bag.header(time_ns, name),
                orientation=_quaternion(bag, np.array([0.0, 0, 0, 1, 0, 0, 0])),
                orientation_covariance=unknown,
                angular_velocity=_vector(bag, row[3:]), angular_velocity_covariance=np.zeros(9),
                linear_acceleration=_vector(bag, row[:3]),
                linear_acceleration_covariance=np.zeros(9),
            )  # fmt: skip
            bag.write(f"/imu/{name}", message, time_ns)


def _write_odometry(bag: BagWriter, recording: Recording) -> None:
    trajectory = recording.trajectory
    if trajectory is None:
        return
    still = bag.make(
        "geometry_msgs/msg/TwistWithCovariance",
        twist=bag.make(
            "geometry_msgs/msg/Twist",
            linear=_vector(bag, np.zeros(3)), angular=_vector(bag, np.zeros(3)),
        ),
        covariance=np.zeros(36),
    )  # fmt: skip
    poses: Transform = trajectory.world_from_ego
    for time_ns, pose in zip(trajectory.time_ns.tolist(), poses, strict=True):
        message = bag.make(
            "nav_msgs/msg/Odometry",
            header=bag.header(time_ns, WORLD), child_frame_id=BASE, twist=still,
            pose=bag.make(
                "geometry_msgs/msg/PoseWithCovariance",
                pose=bag.make(
                    "geometry_msgs/msg/Pose",
                    position=_vector(bag, pose, "Point"), orientation=_quaternion(bag, pose),
                ),
                covariance=np.zeros(36),
            ),
        )  # fmt: skip
        bag.write("/odometry", message, time_ns)
