"""Cuboids looked up in their recording: the points they hold, the images they lie in."""

from collections.abc import Iterator

import numpy as np

from lidar_label.arrays import Ints, Mask
from lidar_label.calibration.cameras import in_image, project
from lidar_label.calibration.transforms import invert, transform_points
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.errors import InvalidLabels
from lidar_label.kernels.boxes import count_points_in_boxes


def count_points(cuboids: Cuboids, recording: Recording) -> Cuboids:
    """The same cuboids with `num_points` counted in the merged cloud of their frame.

    Raises:
        InvalidLabels: if a cuboid is in a frame that the recording does not have.
    """
    counts = np.zeros(len(cuboids), dtype=np.int32)
    for frame, rows in _by_frame(cuboids, recording):
        cloud = recording.frame_points(frame)
        counts[rows] = count_points_in_boxes(cloud.xyz, cuboids.boxes[rows])
    return cuboids.replace(num_points=counts)


def outside_image(cuboids: Cuboids, recording: Recording, camera: str) -> Mask:
    """(N,) True where a cuboid's centre is not in the camera's image of its frame.

    Raises:
        InvalidLabels: if a cuboid is in a frame that the recording does not have.
        InvalidSource: if the recording has no such camera.
    """
    model = recording.rig.camera(camera)
    camera_from_ego = invert(model.ego_from_sensor)
    outside = np.ones(len(cuboids), dtype=np.bool_)
    for frame, rows in _by_frame(cuboids, recording):
        if camera in recording.frames[frame].images:
            centres = transform_points(camera_from_ego, cuboids.boxes[rows, :3])
            pixels, visible = project(model, centres)
            outside[rows] = ~(visible & in_image(model, pixels))
    return outside


def _by_frame(cuboids: Cuboids, recording: Recording) -> Iterator[tuple[int, Ints]]:
    for frame in np.unique(cuboids.frame).tolist():
        if not 0 <= frame < recording.frame_count:
            raise InvalidLabels(
                f"frame {frame} is not in {recording.path}, which has {recording.frame_count}"
            )
        yield frame, np.flatnonzero(cuboids.frame == frame)
