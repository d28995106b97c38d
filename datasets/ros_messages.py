"""ROS messages as arrays: clouds, images, inertial samples, transforms; of ROS 1 and 2 alike.

Fields are those of sensor_msgs, geometry_msgs, nav_msgs and tf2_msgs. Messages are what `rosbags`
makes of their bytes: objects with the definition's names.
"""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Transform
from lidar_label.calibration.transforms import from_quaternion, invert
from lidar_label.errors import InvalidSource

_NS_PER_S = 1_000_000_000
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}  # PointField
# sensor_msgs/image_encodings: what Pillow is to make of the rows; Bayer patterns are kept grey.
_ENCODINGS = {
    "rgb8": ("RGB", "RGB", 3), "bgr8": ("RGB", "BGR", 3), "8UC3": ("RGB", "BGR", 3),
    "rgba8": ("RGB", "RGBX", 4), "bgra8": ("RGB", "BGRX", 4), "mono8": ("L", "L", 1),
    "8UC1": ("L", "L", 1), "mono16": ("I;16", "I;16", 2), "16UC1": ("I;16", "I;16", 2),
    "bayer_rggb8": ("L", "L", 1), "bayer_bggr8": ("L", "L", 1), "bayer_gbrg8": ("L", "L", 1),
    "bayer_grbg8": ("L", "L", 1),
}  # fmt: skip
IMU_CHANNELS = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
IMU_UNITS = ("m/s²", "m/s²", "m/s²", "rad/s", "rad/s", "rad/s")


def stamp_ns(message: Any, received_ns: int) -> tuple[int, bool]:
    """The header's time in nanoseconds; when it was received where the header has none."""
    stamp = message.header.stamp
    nanoseconds = stamp.nanosec if hasattr(stamp, "nanosec") else stamp.nsec
    time_ns = int(stamp.sec) * _NS_PER_S + int(nanoseconds)
    return (time_ns, True) if time_ns else (int(received_ns), False)


def cloud_fields(message: Any, where: str) -> dict[str, NDArray[Any]]:
    """The named columns of a PointCloud2, (N,) each; those of `count` above 1 are left out.

    Raises:
        InvalidSource: if the message is shorter than it says.
    """
    order = ">" if message.is_bigendian else "<"
    width, height = int(message.width), int(message.height)
    step, row = int(message.point_step), int(message.row_step)
    names, formats, offsets = [], [], []
    for entry in message.fields:
        kind = _TYPES.get(int(entry.datatype))
        size = np.dtype(kind).itemsize if kind else 0
        if kind and entry.name and int(entry.count) <= 1 and int(entry.offset) + size <= step:
            names.append(str(entry.name))
            formats.append(order + kind)
            offsets.append(int(entry.offset))
    if not {"x", "y", "z"} <= set(names):
        raise InvalidSource(f"{where}: fields {', '.join(names) or 'none'}; a cloud has x, y, z")
    dtype = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": step})
    data = np.asarray(message.data, dtype=np.uint8)
    row = row if height > 1 else width * step
    if len(data) < max(height - 1, 0) * row + width * step * min(height, 1):
        raise InvalidSource(f"{where}: {len(data)} bytes for {width} × {height} points; cut short")
    rows = [data[i * row : i * row + width * step] for i in range(height)]
    whole = np.concatenate(rows) if height != 1 else rows[0]
    points = np.frombuffer(whole.tobytes(), dtype=dtype)
    return {name: np.ascontiguousarray(points[name]) for name in names}


def image_bytes(message: Any) -> bytes | None:
    """A CompressedImage's JPEG or PNG as it is; an Image as PNG; None where it cannot be shown."""
    if not hasattr(message, "encoding"):
        return bytes(np.asarray(message.data, dtype=np.uint8).tobytes())
    from PIL import Image

    known = _ENCODINGS.get(str(message.encoding))
    width, height, step = int(message.width), int(message.height), int(message.step)
    data = np.asarray(message.data, dtype=np.uint8)
    if known is None or len(data) < height * step or step < width * known[2] or not width:
        return None
    mode, raw, _ = known
    if mode == "I;16" and message.is_bigendian:
        raw = "I;16B"
    picture = Image.frombuffer(mode, (width, height), data.tobytes(), "raw", raw, step, 1)
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def imu_row(message: Any) -> list[float]:
    """Acceleration and angular velocity, in the order of `IMU_CHANNELS`."""
    a, w = message.linear_acceleration, message.angular_velocity
    return [float(v) for v in (a.x, a.y, a.z, w.x, w.y, w.z)]


def camera_intrinsics(message: Any) -> tuple[str, Floats, tuple[float, ...], int, int]:
    """Model, (3, 3) intrinsics, distortion, width and height of a CameraInfo."""
    matrix = np.asarray(message.K if hasattr(message, "K") else message.k, dtype=np.float64)
    given = np.asarray(message.D if hasattr(message, "D") else message.d, dtype=np.float64)
    fisheye = str(message.distortion_model) in {"equidistant", "fisheye", "kannala_brandt"}
    taken = (0, 4) if fisheye else (0, 4, 5, 8)
    count = max(n for n in taken if n <= len(given))
    distortion = tuple(given[:count].tolist())
    model = "fisheye" if fisheye else "pinhole"
    return model, matrix.reshape(3, 3), distortion, int(message.width), int(message.height)


def pose_matrix(position: Any, orientation: Any) -> Transform:
    """(4, 4) of a geometry_msgs Pose's or Transform's two parts.

    Raises:
        InvalidSource: if a number is not finite or the quaternion has no length.
    """
    xyz = np.array([position.x, position.y, position.z], dtype=np.float64)
    turn = np.array([orientation.w, orientation.x, orientation.y, orientation.z], dtype=np.float64)
    length = float(np.linalg.norm(turn))
    if not np.isfinite(xyz).all() or not 1e-6 < length < 1e6:
        raise InvalidSource(f"pose {xyz.tolist()} with quaternion {turn.tolist()} is none")
    return from_quaternion(xyz, turn / length)


def frame_name(name: str) -> str:
    """A frame's id without the leading slash of old ROS 1."""
    return str(name).lstrip("/")


class FrameTree:
    """Where frames sit on their parents, from /tf_static and the first of each in /tf."""

    def __init__(self) -> None:
        """Start with no frames."""
        self._parent: dict[str, tuple[str, Transform]] = {}

    def add(self, transforms: Iterable[Any]) -> None:
        """Take in TransformStamped messages; the first of each child counts."""
        for entry in transforms:
            child = frame_name(entry.child_frame_id)
            if child not in self._parent:
                where = entry.transform
                matrix = pose_matrix(where.translation, where.rotation)
                self._parent[child] = (frame_name(entry.header.frame_id), matrix)

    def root_path(self, frame: str) -> Mapping[str, Transform]:
        """`ancestor_from_frame` of the frame itself and of all its ancestors."""
        path, here, matrix = {frame: np.eye(4)}, frame, np.eye(4)
        while here in self._parent and self._parent[here][0] not in path:
            parent, parent_from_here = self._parent[here]
            matrix = parent_from_here @ matrix
            path[parent], here = matrix, parent
        return path

    def between(self, target: str, source: str) -> Transform | None:
        """`target_from_source`, or None where the two have no common ancestor."""
        up, down = self.root_path(source), self.root_path(target)
        common = next((name for name in up if name in down), None)
        return None if common is None else invert(down[common]) @ up[common]
