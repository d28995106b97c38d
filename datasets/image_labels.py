"""What cuboids look like in a recording's images: their 2D boxes over the frames of each camera.

An image is taken a little before or after its frame. A cuboid is shown where it was at the image's
time: the ego's motion in between is undone where there are ego poses, and a cuboid that has a
velocity moves on with it.
"""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Floats, Transform
from lidar_label.calibration.image_boxes import ImageBoxes, image_boxes
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.transforms import from_quaternion, invert
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.frame_names import file_names, frame_names
from lidar_label.datasets.recording import Frame, Recording
from lidar_label.datasets.rotations import to_quaternions

_NS_PER_S = 1e9
PLACES = 2  # decimals of pixels and shares as they are written


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """One image and the cuboids in it.

    Attributes:
        frame: Index of its frame.
        index: Index among the camera's images.
        time_ns: When it was taken.
        name: Of its file, without folders.
        cuboids: Those that are in it, in the order of `boxes`.
        boxes: Their 2D boxes.
    """

    frame: int
    index: int
    time_ns: int
    name: str
    cuboids: Cuboids
    boxes: ImageBoxes


def labelled_images(cuboids: Cuboids, recording: Recording, camera: str) -> list[LabelledImage]:
    """The images of one camera that belong to a frame, in order of the frames.

    Args:
        cuboids: Of any frames, ego frame.
        recording: Their recording.
        camera: The camera's name.
    """
    names = file_names(frame_names(recording), recording.frame_count)
    found: list[LabelledImage] = []
    for frame in recording.frames:
        if camera not in frame.images:
            continue
        index = frame.images[camera]
        own = cuboids.select(cuboids.frame == frame.index)
        boxes = boxes_in_image(own, recording.rig.camera(camera), recording, frame)
        found.append(
            LabelledImage(
                frame=frame.index,
                index=index,
                time_ns=int(recording.image_times(camera)[index]),
                name=names[frame.index] + image_ending(recording.image(camera, index)),
                cuboids=own.select(boxes.row),
                boxes=boxes,
            )
        )
    return found


def boxes_in_image(
    cuboids: Cuboids,
    camera: Camera,
    recording: Recording | None = None,
    frame: Frame | None = None,
    *,
    edge: float = 0.5,
) -> ImageBoxes:
    """The 2D boxes of one frame's cuboids.

    Args:
        cuboids: Of one frame, ego frame.
        camera: That sees them.
        recording: Tells when the image was taken; without it, or where the frame has no image of
            this camera, the image is one of the frame's own time.
        frame: The frame.
        edge: See `image_boxes`.
    """
    camera_from_ego, late_ns = invert(camera.ego_from_sensor), 0
    if recording is not None and frame is not None and camera.name in frame.images:
        taken_ns = int(recording.image_times(camera.name)[frame.images[camera.name]])
        late_ns = taken_ns - frame.time_ns
        if late_ns and recording.trajectory is not None:
            times = np.array([frame.time_ns, taken_ns], dtype=np.int64)
            before, at_image = recording.trajectory.at(times)
            camera_from_ego = camera_from_ego @ invert(at_image) @ before
    placed = camera_from_ego @ _ego_from_boxes(cuboids, late_ns / _NS_PER_S)
    return image_boxes(camera, placed, cuboids.boxes[:, 3:6], edge=edge)


def image_ending(data: bytes) -> str:
    """The ending of an image file's name, by its first bytes."""
    return ".png" if data.startswith(b"\x89PNG") else ".jpg"


def in_no_image(cuboids: Cuboids, seen: int) -> list[str]:
    """The line on cuboids that no image shows, for NOT_EXPORTED.txt; none if all are shown."""
    lost = len(cuboids) - seen
    return [f"cuboids: {lost} of {len(cuboids)} are in no image and left out"] if lost else []


def _ego_from_boxes(cuboids: Cuboids, late_s: float) -> Transform:
    """(N, 4, 4) of cuboids, moved on by their velocities where these are known."""
    moved: Floats = np.nan_to_num(cuboids.velocity.astype(np.float64)) * late_s
    centre = cuboids.boxes[:, :3].copy()
    centre[:, :2] += moved
    turn = to_quaternions(cuboids.boxes[:, 6], cuboids.pitch, cuboids.roll)
    return from_quaternion(centre, turn)
