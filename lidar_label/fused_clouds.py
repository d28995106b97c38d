"""An object's points of many sweeps in one cloud, laid over each other as it moved.

What stands still is laid by the ego's poses alone, so that its cuboids' errors do not blur it.
What moves is laid by its cuboids, each point at its own time: a sweep takes a tenth of a second,
in which a car drives a metre.
"""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Boxes, Floats, Ints32, Points, Transform
from lidar_label.calibration.transforms import from_yaw, invert, transform_points
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.sweeps import FramePoints
from lidar_label.errors import NotFound
from lidar_label.kernels.boxes import points_in_boxes

_STANDS_M = 0.5  # all its centres lie so near to their middle, in the world


@dataclass(frozen=True)
class FusionConfig:
    """What goes into the cloud.

    Attributes:
        margin: Around the cuboid, metres: what it leaves out shows too.
        most_frames: The nearest in time to the wanted one.
        most_points: Of them all.
        sensors: Names of the LiDARs; all when empty.
    """

    margin: float = 0.5
    most_frames: int = 60
    most_points: int = 200_000
    sensors: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class FusedCloud:
    """The points of one object.

    Attributes:
        xyz: (N, 3) float32 metres, ego frame of the wanted frame, where its cuboid lies.
        frame: (N,) int32, where each point is from.
        sensor: (N,) uint8, index into the recording's `lidars`.
        frames: All frames that were looked at.
        standing: Whether it was laid by the ego's poses.
    """

    xyz: Points
    frame: Ints32
    sensor: np.ndarray
    frames: tuple[int, ...]
    standing: bool


def fuse_track(
    recording: Recording, track: Cuboids, frame: int, config: FusionConfig = FusionConfig()
) -> FusedCloud:
    """The points about a track's cuboids, as its cuboid lies in one of its frames.

    Args:
        recording: Their recording.
        track: The cuboids of one track, one a frame.
        frame: One of its frames.
        config: What goes in.

    Raises:
        NotFound: if the track has no cuboid in that frame.
        InvalidSource: if a sensor is unknown.
    """
    here = np.flatnonzero(track.frame == frame)
    if len(here) == 0:
        raise NotFound(f"the track has no cuboid in frame {frame}")
    box = track.boxes[here[0]]
    poses = recording.frame_poses()
    centres = None if poses is None else _centres(track, poses)
    standing = centres is not None and _stands(centres)
    velocity = np.zeros((len(track), 3)) if standing else _velocities(track, centres, poses)
    nearest = np.argsort(np.abs(track.frame - frame), kind="stable")[: config.most_frames]
    clouds, frames, sensors = [], [], []
    room = config.most_points
    for row in nearest.tolist():
        index = int(track.frame[row])
        if standing and poses is not None:
            here_from_there = invert(poses[frame]) @ poses[index]
        else:
            here_from_there = _pose(box) @ invert(_pose(track.boxes[row]))
        cloud = recording.frame_points(index, sensors=config.sensors)
        xyz = _at_frame_time(cloud, recording.frames[index].time_ns, velocity[row])
        xyz = transform_points(here_from_there, xyz)
        kept = np.flatnonzero(points_in_boxes(xyz, _grown(box, config.margin)[None])[0])[:room]
        clouds.append(xyz[kept])
        frames.append(np.full(len(kept), index, dtype=np.int32))
        sensors.append(cloud.sensor[kept])
        room -= len(kept)
    return FusedCloud(
        np.ascontiguousarray(np.concatenate(clouds), dtype=np.float32),
        np.concatenate(frames),
        np.concatenate(sensors),
        tuple(sorted({int(index) for index in track.frame[nearest]})),
        standing,
    )


def _centres(track: Cuboids, poses: Transform) -> Floats:
    """(N, 3) the cuboids' centres in the world."""
    of = poses[track.frame]
    return np.einsum("nij,nj->ni", of[:, :3, :3], track.boxes[:, :3]) + of[:, :3, 3]


def _stands(centres: Floats) -> bool:
    apart = np.linalg.norm((centres - np.median(centres, axis=0))[:, :2], axis=1)
    return bool(apart.max() < _STANDS_M)


def _velocities(track: Cuboids, centres: Floats | None, poses: Transform | None) -> Floats:
    """(N, 3) m/s over ground along each frame's ego axes, from neighbouring cuboids."""
    velocity = np.zeros((len(track), 3))
    order = np.argsort(track.time_ns, kind="stable")
    seconds = (track.time_ns[order] - track.time_ns[order[0]]) / 1e9
    if centres is None or poses is None or len(order) < 2 or not (np.diff(seconds) > 0).all():
        return velocity
    over_ground = np.gradient(centres[order], seconds, axis=0)
    turned = np.einsum("nji,nj->ni", poses[track.frame[order], :3, :3], over_ground)
    velocity[order] = turned
    return velocity


def _at_frame_time(cloud: FramePoints, time_ns: int, velocity: Floats) -> Points:
    """The points where a thing of that velocity, on which they lie, is at the frame's time."""
    if not velocity.any():
        return cloud.xyz
    late = ((cloud.point_time_ns - time_ns) / 1e9).astype(np.float32)
    return (cloud.xyz - late[:, None] * velocity).astype(np.float32)


def _grown(box: Boxes, margin: float) -> Boxes:
    return box + np.array([0, 0, 0, 1, 1, 1, 0]) * 2 * margin


def _pose(box: Boxes) -> Transform:
    return from_yaw(box[:3], float(box[6]))
