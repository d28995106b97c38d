"""An object's points of all its frames in one cloud, laid over each other by its cuboids.

For a parked car that is the fused scan of the car; for one that drives, its points along the track.
"""

import numpy as np

from lidar_label.arrays import Boxes, Points
from lidar_label.binary_columns import Column, encode
from lidar_label.calibration.transforms import from_yaw, invert, transform_points
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.errors import NotFound
from lidar_label.kernels.boxes import points_in_boxes
from lidar_label.viewers.api.frame_clouds import quantised

_MARGIN_M = 0.5  # around the cuboid: what it leaves out shows too
_MOST_FRAMES = 60
_MOST_POINTS = 200_000


def encode_fused(recording: Recording, track: Cuboids, frame: int) -> bytes:
    """The points about a track's cuboids, in the ego frame of `frame`, as its cuboid lies there.

    Args:
        recording: Their recording.
        track: The cuboids of one track.
        frame: One of its frames.

    Raises:
        NotFound: if the track has no cuboid in that frame.
    """
    here = np.flatnonzero(track.frame == frame)
    if len(here) == 0:
        raise NotFound(f"the track has no cuboid in frame {frame}")
    ego_from_object = _pose(track.boxes[here[0]])
    nearest = np.argsort(np.abs(track.frame - frame), kind="stable")[:_MOST_FRAMES]
    clouds: list[Points] = []
    sources: list[int] = []
    room = _MOST_POINTS
    for row in nearest:
        near = _near(recording, int(track.frame[row]), track.boxes[row])[:room]
        object_from_ego = invert(_pose(track.boxes[row]))
        clouds.append(transform_points(ego_from_object @ object_from_ego, near))
        sources += [int(track.frame[row])] * len(near)
        room -= len(near)
    xyz = np.ascontiguousarray(np.concatenate(clouds), dtype=np.float32)
    column, origin = quantised(xyz)
    header = {
        "frame": frame,
        "total": len(xyz),
        "level": 0,
        "origin": origin,
        "frames": sorted(set(map(int, track.frame[nearest]))),
        "sensors": recording.lidars,
    }
    return encode(header, [column, Column("frame", np.array(sources, dtype=np.uint16))])


def _near(recording: Recording, frame: int, box: Boxes) -> Points:
    cloud = recording.frame_points(frame)
    grown = box + np.array([0, 0, 0, 1, 1, 1, 0]) * 2 * _MARGIN_M
    return cloud.xyz[points_in_boxes(cloud.xyz, grown[None])[0]]


def _pose(box: Boxes) -> np.ndarray:
    return from_yaw(box[:3], float(box[6]))
