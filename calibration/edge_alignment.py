"""Whether a camera sits where the rig says: do edges in depth lie on edges in the image?

After Levinson and Thrun, "Automatic Online Calibration of Cameras and Lasers" (RSS 2013): a right
place beats nearly all places turned a little away from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude
from scipy.spatial.transform import Rotation

from lidar_label.arrays import Floats, Mask, Points, Transform
from lidar_label.calibration.cameras import in_image, project
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.transforms import invert, transform_points

_BLUR, _AROUND = 1.5, 25.0  # pixels: an edge's width, and the surroundings that it stands out from
_JUMP_M, _JUMP_SHARE = 0.5, 0.05  # in range between neighbours of one scan line
_GAP = np.radians(1.5)  # neighbours are no further apart
_LINE = np.radians(0.4)  # height of a scan line where points have no ring
_TURN = np.radians(1.0)  # by which a place is disturbed about each axis


@dataclass(frozen=True, eq=False)
class View:
    """One image and what the LiDAR saw at its time.

    Attributes:
        edges: (H, W) how much each pixel is an edge, 1 on average.
        points: (N, 3) ego frame at the image's time.
        jump: (N,) whether the range jumps behind the point.
    """

    edges: Floats
    points: Points
    jump: Mask


@dataclass(frozen=True)
class Alignment:
    """How well depth and image agree at one place of the camera.

    Attributes:
        contrast: Edges at jumps of depth over edges at other points; 1 by chance.
        beaten: Share of the disturbed places that have a lower contrast.
        in_view: Points in the image, on average.
    """

    contrast: float
    beaten: float
    in_view: float


def image_edges(grey: NDArray[np.uint8]) -> Floats:
    """(H, W) strength of the edges of an image (H, W), relative to its surroundings."""
    strength = gaussian_gradient_magnitude(grey.astype(np.float64), _BLUR)
    return strength / (gaussian_filter(strength, _AROUND) + 1.0)


def depth_jumps(points_in_sensor: Points, ring: NDArray[np.uint16] | None) -> Mask:
    """(N,) True for points (N, 3) behind whose edge the next of their scan line is much further."""
    points = points_in_sensor.astype(np.float64)
    distance = np.linalg.norm(points, axis=1)
    azimuth = np.arctan2(points[:, 1], points[:, 0])
    if ring is None:
        line = np.round(np.arcsin(points[:, 2] / np.maximum(distance, 1e-6)) / _LINE)
    else:
        line = ring.astype(np.float64)
    order = np.lexsort((azimuth, line))
    step = np.diff(distance[order])
    beside = (np.diff(line[order]) == 0) & (np.diff(azimuth[order]) < _GAP)
    nearer = np.minimum(distance[order][1:], distance[order][:-1])
    beside &= np.abs(step) > np.maximum(_JUMP_M, _JUMP_SHARE * nearer)
    jump = np.zeros(len(points), dtype=np.bool_)
    jump[order[:-1][beside & (step > 0)]] = True
    jump[order[1:][beside & (step < 0)]] = True
    return jump


def align(camera: Camera, views: Sequence[View], ego_from_camera: Transform) -> Alignment:
    """How well a place of the camera agrees with the views."""
    contrast, in_view = _contrast(camera, views, ego_from_camera)
    turned = [
        _contrast(camera, views, ego_from_camera @ _turn(np.array(axes) * _TURN))[0]
        for axes in product((-1, 0, 1), repeat=3)
        if any(axes)
    ]
    return Alignment(contrast, float(np.mean(contrast > np.array(turned))), in_view)


def _turn(angles: Floats) -> Transform:
    turned = np.eye(4)
    turned[:3, :3] = Rotation.from_rotvec(angles).as_matrix()
    return turned


def _contrast(camera: Camera, views: Sequence[View], place: Transform) -> tuple[float, float]:
    """Mean edge at jumps over mean edge at the other points, and points in view."""
    at_jumps, everywhere = [np.zeros(0)], [np.zeros(0)]
    camera_from_ego = invert(place)
    for view in views:
        pixels, visible = project(camera, transform_points(camera_from_ego, view.points))
        shown = visible & in_image(camera, pixels)
        column, row = np.rint(pixels[shown]).astype(np.int64).T
        height, width = view.edges.shape
        edge = view.edges[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
        jump = view.jump[shown]
        at_jumps.append(edge[jump])
        everywhere.append(edge[~jump])
    jumps, points = np.concatenate(at_jumps), np.concatenate(everywhere)
    if not len(jumps) or not points.sum():
        return 0.0, len(points) / max(len(views), 1)
    return float(jumps.mean() / points.mean()), len(points) / len(views)
