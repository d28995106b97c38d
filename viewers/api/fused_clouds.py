"""The fused cloud of a track in the form of `binary_columns`."""

import numpy as np

from lidar_label.binary_columns import Column, encode
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.fused_clouds import fuse_track
from lidar_label.viewers.api.frame_clouds import quantised


def encode_fused(recording: Recording, track: Cuboids, frame: int) -> bytes:
    """The points about a track's cuboids; see `fuse_track`.

    Raises:
        NotFound: if the track has no cuboid in that frame.
    """
    cloud = fuse_track(recording, track, frame)
    column, origin = quantised(cloud.xyz)
    header = {
        "frame": frame,
        "total": len(cloud.xyz),
        "level": 0,
        "origin": origin,
        "frames": cloud.frames,
        "sensors": recording.lidars,
    }
    return encode(header, [column, Column("frame", cloud.frame.astype(np.uint16))])
