"""Cuboids as ROS messages: vision_msgs/Detection3DArray, one message a frame, on /labels.

A detection's frame is the ego's (`base_link`); its box is centre, size x length (along the heading)
y width z height, and orientation; its id is the source's id or the track number; its hypothesis is
the class, its score NaN where there is none.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.calibration.transforms import from_quaternion
from lidar_label.datasets.bag_reader import Bag
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.intake import Tally, texts
from lidar_label.datasets.ros_messages import stamp_ns
from lidar_label.datasets.rotations import from_matrices, to_quaternions
from lidar_label.datasets.track_numbers import plain_number, track_numbers
from lidar_label.errors import InvalidSource

TOPIC, MESSAGE = "/labels", "vision_msgs/msg/Detection3DArray"
# The definitions of vision_msgs 4 (ROS 2 Humble on), which the standard type stores do not have.
DEFINITIONS = {
    "vision_msgs/msg/BoundingBox3D": "geometry_msgs/Pose center\ngeometry_msgs/Vector3 size\n",
    "vision_msgs/msg/ObjectHypothesis": "string class_id\nfloat64 score\n",
    "vision_msgs/msg/ObjectHypothesisWithPose": (
        "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose\n"
    ),
    "vision_msgs/msg/Detection3D": (
        "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
        "vision_msgs/BoundingBox3D bbox\nstring id\n"
    ),
    MESSAGE: "std_msgs/Header header\nvision_msgs/Detection3D[] detections\n",
}
HELD = ("time_ns", "track_id", "source_id", "category", "pitch", "roll", "score")


def detection_array(types: Any, header: Any, cuboids: Cuboids) -> Any:
    """The message of one frame's cuboids; `types` are the type store's classes."""
    made: list[Any] = []
    boxes = cuboids.boxes
    turn = to_quaternions(boxes[:, 6], cuboids.pitch, cuboids.roll).tolist()
    pose, point = types["geometry_msgs/msg/Pose"], types["geometry_msgs/msg/Point"]
    quaternion = types["geometry_msgs/msg/Quaternion"]
    for row, (x, y, z, length, width, height, _) in enumerate(boxes.tolist()):
        w, i, j, k = turn[row]
        centre = pose(position=point(x=x, y=y, z=z), orientation=quaternion(x=i, y=j, z=k, w=w))
        result = types["vision_msgs/msg/ObjectHypothesisWithPose"](
            hypothesis=types["vision_msgs/msg/ObjectHypothesis"](
                class_id=str(cuboids.category[row]),
                score=float(cuboids.score[row]),
            ),
            pose=types["geometry_msgs/msg/PoseWithCovariance"](
                pose=centre, covariance=np.zeros(36)
            ),
        )
        track = int(cuboids.track_id[row])
        made.append(
            types["vision_msgs/msg/Detection3D"](
                header=header,
                results=[result],
                bbox=types["vision_msgs/msg/BoundingBox3D"](
                    center=centre,
                    size=types["geometry_msgs/msg/Vector3"](x=length, y=width, z=height),
                ),
                id=str(cuboids.source_id[row]) or (str(track) if track >= 0 else ""),
            )
        )
    return types[MESSAGE](header=header, detections=made)


def read_detections(bag: Bag, root: Path, tally: Tally, times: Sequence[int] | None) -> Cuboids:
    """The cuboids of all Detection3DArray messages; frames are the places of `times`.

    Args:
        bag: The open bag.
        root: Its path, for messages.
        tally: Counts messages at other times.
        times: Of the frames, nanoseconds; those of the messages when None.
    """
    found: list[tuple[int, Any]] = []
    wanted = [c for c in bag.connections if c.msgtype == MESSAGE]
    for _, received, message in bag.messages(wanted):
        found.append((stamp_ns(message, received)[0], message))
    moments = sorted({time_ns for time_ns, _ in found}) if times is None else list(times)
    places = {time_ns: place for place, time_ns in enumerate(moments)}
    rows: list[tuple[Any, ...]] = []
    for time_ns, message in found:
        if time_ns not in places:
            tally.warn("{n} labels lie at moments without a sweep", len(message.detections))
            continue
        rows += [_row(d, places[time_ns], time_ns, root) for d in message.detections]
    if not rows:
        return Cuboids.empty()
    numbers = np.array([row[:6] for row in rows], dtype=np.float64)
    turn = np.array([row[6] for row in rows], dtype=np.float64)
    matrices = from_quaternion(numbers[:, :3], turn)
    yaw, pitch, roll = from_matrices(matrices[:, :3, :3])
    tracks, sources = track_numbers([str(row[9]) for row in rows], plain_number)
    return Cuboids.of(
        np.column_stack((numbers, yaw)),
        pitch=pitch,
        roll=roll,
        frame=np.array([row[7] for row in rows]),
        time_ns=np.array([row[8] for row in rows], dtype=np.int64),
        track_id=tracks,
        source_id=sources,
        category=texts(row[10] for row in rows),
        score=np.array([row[11] for row in rows], dtype=np.float32),
    )


def _row(detection: Any, frame: int, time_ns: int, root: Path) -> tuple[Any, ...]:
    centre, size = detection.bbox.center, detection.bbox.size
    at, q = centre.position, centre.orientation
    numbers = (at.x, at.y, at.z, size.x, size.y, size.z)
    turn = np.array([q.w, q.x, q.y, q.z], dtype=np.float64)
    length = float(np.linalg.norm(turn))
    whole = np.isfinite(numbers).all() and 1e-6 < length < 1e6 and min(numbers[3:]) > 0
    if not whole:
        raise InvalidSource(f"{root}: {TOPIC} at {time_ns}: box {numbers} is none; correct it")
    result = detection.results[0].hypothesis if len(detection.results) else None
    category = "" if result is None else str(result.class_id)
    score = np.nan if result is None else float(result.score)
    return (*numbers, turn / length, frame, time_ns, str(detection.id), category, score)
