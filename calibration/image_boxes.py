"""Cuboids as a camera sees them: tight 2D boxes, cut at the image's edge, hidden by nearer ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Ints, Mask, Transform
from lidar_label.calibration.cameras import project_box_edges, unproject
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.transforms import invert

_RAYS = 24  # rays a side that look whether an object is hidden: shares to 1/576
_EDGE = 0.5  # pixels from the centre of the outermost pixel to the image's edge


@dataclass(frozen=True, eq=False)
class ImageBoxes:
    """Those of the cuboids that are in the image.

    Attributes:
        row: (M,) int64 which of the cuboids, rising.
        box: (M, 4) float64 left top right bottom, pixels; (0, 0) is the centre of the first pixel.
        truncated: (M,) float64 share of the whole 2D box's area that lies beyond the image.
        hidden: (M,) float64 share of what lies in the image that nearer cuboids hide.
    """

    row: Ints
    box: Floats
    truncated: Floats
    hidden: Floats

    def __len__(self) -> int:
        return len(self.row)


def image_boxes(
    camera: Camera, camera_from_box: Transform, size: NDArray[np.float64], *, edge: float = _EDGE
) -> ImageBoxes:
    """The 2D boxes of cuboids that stand before a camera.

    A box bounds the part of the cuboid's silhouette that lies in the image. What is behind the
    camera is cut off first; a cuboid that the camera is inside of is not seen.

    Args:
        camera: The camera.
        camera_from_box: (N, 4, 4), metres; a cuboid's own frame has its centre and x along its
            heading.
        size: (N, 3) length, width, height, metres.
        edge: Pixels by which the image reaches beyond the centres of its outermost pixels; KITTI's
            boxes end at the centres: 0.
    """
    low = np.full(2, -edge)
    high = np.array([camera.width - 1, camera.height - 1]) + edge
    corners = unproject(
        camera, np.array([[x, y] for x in (low[0], high[0]) for y in (low[1], high[1])])
    )
    rows: list[int] = []
    found: list[tuple[Floats, float]] = []
    for row, (placed, extent) in enumerate(zip(camera_from_box, size, strict=True)):
        seen = _seen(camera, placed, extent, (low, high), corners)
        if seen is not None:
            rows.append(row)
            found.append(seen)
    row_array = np.array(rows, dtype=np.int64)
    box = np.array([box for box, _ in found]).reshape(-1, 4)
    return ImageBoxes(
        row=row_array,
        box=box,
        truncated=np.array([cut for _, cut in found], dtype=np.float64),
        hidden=_hidden(camera, camera_from_box[row_array], size[row_array], box),
    )


def _seen(
    camera: Camera,
    camera_from_box: Transform,
    size: Floats,
    image: tuple[Floats, Floats],
    corner_rays: Floats,
) -> tuple[Floats, float] | None:
    """The 2D box (4,) of one cuboid and the share of it that is cut off; None if not in the image.

    The silhouette's border consists of edges, so its part in the image is bounded by the edges'
    parts in the image and by the image's corners that it covers.
    """
    low, high = image
    box_from_camera = invert(camera_from_box)
    if (np.abs(box_from_camera[:3, 3]) <= size / 2).all():
        return None
    segments = project_box_edges(camera, camera_from_box, np.array([0.0, 0, 0, *size, 0]))
    if not len(segments):
        return None
    inside = _cut_to_image(segments, low, high)
    covered = np.isfinite(_distances(box_from_camera[None], size[None], corner_rays)[0])
    image_corners = np.array([[x, y] for x in (low[0], high[0]) for y in (low[1], high[1])])
    points = np.concatenate((inside, image_corners[covered]))
    if not len(points):
        return None
    left_top, right_bottom = points.min(axis=0), points.max(axis=0)
    extent = right_bottom - left_top
    if (extent <= 0).any():
        return None
    whole = np.ptp(segments.reshape(-1, 2), axis=0)
    cut = 1 - float(np.prod(extent / np.maximum(whole, extent)))
    return np.concatenate((left_top, right_bottom)), cut


def _cut_to_image(segments: Floats, low: Floats, high: Floats) -> Floats:
    """(K, 2) ends of the parts of segments (E, 2, 2) in a rectangle (Liang and Barsky, 1984)."""
    start, along = segments[:, 0], segments[:, 1] - segments[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        to_low, to_high = (low - start) / along, (high - start) / along
    beside = (along == 0) & ((start < low) | (start > high))
    entry = np.where(along == 0, 0.0, np.minimum(to_low, to_high)).max(axis=1).clip(min=0)
    leave = np.where(along == 0, 1.0, np.maximum(to_low, to_high)).min(axis=1).clip(max=1)
    kept = (entry <= leave) & ~beside.any(axis=1)
    ends = [start[kept] + along[kept] * share[kept, None] for share in (entry, leave)]
    return np.concatenate(ends).clip(low, high)


def _hidden(camera: Camera, camera_from_box: Transform, size: Floats, box: Floats) -> Floats:
    """(M,) share of each cuboid's rays that meet another cuboid first."""
    box_from_camera = np.array([invert(placed) for placed in camera_from_box]).reshape(-1, 4, 4)
    steps = (np.arange(_RAYS) + 0.5) / _RAYS
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    hidden = np.zeros(len(box))
    for i, own in enumerate(box):
        beside = ((box[:, :2] >= own[2:]) | (box[:, 2:] <= own[:2])).any(axis=1)
        others = np.flatnonzero(~beside & (np.arange(len(box)) != i))
        if not len(others):
            continue
        rays = unproject(camera, own[:2] + grid * (own[2:] - own[:2]))
        distance = _distances(box_from_camera[i][None], size[i][None], rays)[0]
        rays, distance = rays[np.isfinite(distance)], distance[np.isfinite(distance)]
        if len(rays):
            nearest = _distances(box_from_camera[others], size[others], rays).min(axis=0)
            hidden[i] = float((nearest < distance).mean())
    return hidden


def _distances(box_from_camera: Transform, size: Floats, rays: Floats) -> Floats:
    """(B, R) metres along unit rays (R, 3) from the camera to each cuboid, inf where they miss it.

    Slabs: Kay and Kajiya, SIGGRAPH 1986.
    """
    origin = box_from_camera[:, None, :3, 3]
    along = np.einsum("bij,rj->bri", box_from_camera[:, :3, :3], rays)
    half = size[:, None] / 2
    flat = np.abs(along) < 1e-12
    along = np.where(flat, 1.0, along)
    one, other = (-half - origin) / along, (half - origin) / along
    outside = flat & (np.abs(origin) > half)
    entry = np.where(flat, -np.inf, np.minimum(one, other)).max(axis=2)
    leave = np.where(flat, np.inf, np.maximum(one, other)).min(axis=2)
    met: Mask = (entry <= leave) & (leave > 0) & ~outside.any(axis=2)
    return np.where(met, np.maximum(entry, 0.0), np.inf)
