"""Where points and boxes appear in a camera's image: pinhole with Brown–Conrady, and fisheye."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Mask, Transform, as_boxes
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.transforms import from_yaw, transform_points

_NEAR = 0.05  # metres in front of a pinhole; nearer points are not projected
_BEND_PIECES = 12  # pieces of a box's edge, which distortion bends
_LARGEST_TANGENT = 20.0  # 87° off the axis
# Corners of a box in halves of length, width and height, the front's first, and its edges.
_FACE = ((1, 1), (-1, 1), (-1, -1), (1, -1))  # left above, right above, right below, left below
_CORNERS = np.array([(x, y, z) for x in (1, -1) for y, z in _FACE], dtype=np.float64)
BOX_EDGES = (
    *((0, 1), (1, 2), (2, 3), (3, 0)),  # front
    *((4, 5), (5, 6), (6, 7), (7, 4)),  # back
    *((0, 4), (1, 5), (2, 6), (3, 7)),  # along
)


def project(camera: Camera, points_in_camera: NDArray[Any]) -> tuple[Floats, Mask]:
    """Pixels of points.

    Args:
        camera: The camera.
        points_in_camera: (N, 3) metres, camera frame: x right, y down, z forward.

    Returns:
        (N, 2) float64 pixels, x right, y down, NaN where there are none; and (N,) bool, True for
        points in front of the lens, within the angle for which its distortion is defined. Such a
        point may still lie beside the image.
    """
    points = np.asarray(points_in_camera, dtype=np.float64).reshape(-1, 3)
    if camera.model == "fisheye":
        plane, visible = _fisheye(points, camera.distortion)
    else:
        plane, visible = _pinhole(points, camera.distortion)
    k = camera.intrinsics
    pixels = np.empty((len(points), 2))
    pixels[:, 0] = k[0, 0] * plane[:, 0] + k[0, 1] * plane[:, 1] + k[0, 2]
    pixels[:, 1] = k[1, 1] * plane[:, 1] + k[1, 2]
    pixels[~visible] = np.nan
    return pixels, visible


def unproject(camera: Camera, pixels: NDArray[Any]) -> Floats:
    """Where pixels look: the inverse of `project`.

    Args:
        camera: The camera.
        pixels: (N, 2), x right, y down, inside or near the image.

    Returns:
        (N, 3) float64 unit vectors, camera frame.
    """
    k = camera.intrinsics
    seen = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
    bent = np.empty_like(seen)
    bent[:, 1] = (seen[:, 1] - k[1, 2]) / k[1, 1]
    bent[:, 0] = (seen[:, 0] - k[0, 2] - k[0, 1] * bent[:, 1]) / k[0, 0]
    if camera.model == "fisheye":
        return _unbend_fisheye(bent, camera.distortion)
    plane = _unbend_pinhole(bent, camera.distortion)
    rays = np.column_stack((plane, np.ones(len(plane))))
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def _unbend_pinhole(bent: Floats, distortion: tuple[float, ...]) -> Floats:
    """(N, 2) tangents whose distorted images are `bent`, by repeated substitution (as OpenCV)."""
    if not distortion:
        return bent
    k1, k2, p1, p2, k3, k4, k5, k6 = (*distortion, *(0.0,) * (8 - len(distortion)))
    plane = bent.copy()
    for _ in range(40):
        x, y = plane[:, 0], plane[:, 1]
        r2 = x * x + y * y
        shift = np.column_stack(
            (
                2 * p1 * x * y + p2 * (r2 + 2 * x * x),
                p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
            )
        )
        plane = (bent - shift) / _radial(r2, (k1, k2, k3, k4, k5, k6))[:, None]
    return plane


def _unbend_fisheye(bent: Floats, distortion: tuple[float, ...]) -> Floats:
    """(N, 3) unit rays; the angle by Newton's method."""
    k = distortion or (0.0, 0.0, 0.0, 0.0)
    radius = np.linalg.norm(bent, axis=1)
    angle = np.minimum(radius, np.pi)
    for _ in range(20):
        slope = (_fisheye_radius(angle + 1e-6, k) - _fisheye_radius(angle - 1e-6, k)) / 2e-6
        angle = np.clip(angle - (_fisheye_radius(angle, k) - radius) / slope, 0, np.pi)
    side = bent / np.where(radius > 0, radius, 1.0)[:, None]
    return np.column_stack((side * np.sin(angle)[:, None], np.cos(angle)))


def in_image(camera: Camera, pixels: Floats) -> Mask:
    """(N,) True for pixels (N, 2) inside the camera's image; NaN is outside."""
    x, y = pixels[:, 0], pixels[:, 1]
    return (x >= -0.5) & (x < camera.width - 0.5) & (y >= -0.5) & (y < camera.height - 0.5)


def box_corners(box: NDArray[Any]) -> Floats:
    """(8, 3) corners of a box (7,).

    Of its front left above, right above, right below, left below; then the same of its back.
    """
    box = as_boxes(np.asarray(box)[None])[0]
    return transform_points(from_yaw(box[:3], box[6]), _CORNERS * (box[3:6] / 2))


def project_box_edges(camera: Camera, camera_from_ego: Transform, box: NDArray[Any]) -> Floats:
    """Line segments of a box's edges in the image, cut at the lens's plane.

    Args:
        camera: The camera.
        camera_from_ego: (4, 4).
        box: (7,) x y z length width height yaw, ego frame.

    Returns:
        (E, 2, 2) pixels of start and end; none if the whole box is behind. Edges that a lens bends
        come in pieces. Segments may reach beyond the image.
    """
    corners = transform_points(camera_from_ego, box_corners(box))
    starts, ends = (corners[[edge[i] for edge in BOX_EDGES]] for i in (0, 1))
    if camera.model == "pinhole":
        starts, ends = _cut_at_near(starts, ends)
    pieces = _BEND_PIECES if camera.distortion else 1
    share = np.linspace(0, 1, pieces + 1)[None, :, None]
    lines = starts[:, None] * (1 - share) + ends[:, None] * share
    pixels, visible = project(camera, lines.reshape(-1, 3))
    pixels, visible = pixels.reshape(-1, pieces + 1, 2), visible.reshape(-1, pieces + 1)
    segments = np.stack((pixels[:, :-1], pixels[:, 1:]), axis=2).reshape(-1, 2, 2)
    return segments[(visible[:, :-1] & visible[:, 1:]).ravel()]


def _cut_at_near(starts: Floats, ends: Floats) -> tuple[Floats, Floats]:
    """The parts of lines (E, 3) beyond the near plane."""
    near = 1.001 * _NEAR
    kept = (starts[:, 2] > near) | (ends[:, 2] > near)
    starts, ends = starts[kept], ends[kept]
    depth = ends[:, 2] - starts[:, 2]
    share = (near - starts[:, 2]) / np.where(depth == 0, 1.0, depth)
    cut = starts + share[:, None] * (ends - starts)
    cut[:, 2] = near
    behind = near - 1e-12
    return (
        np.where(starts[:, 2:] < behind, cut, starts),
        np.where(ends[:, 2:] < behind, cut, ends),
    )


def _pinhole(points: Floats, distortion: tuple[float, ...]) -> tuple[Floats, Mask]:
    """Brown (1971) in the rational form of OpenCV: k1 k2 p1 p2 k3 k4 k5 k6."""
    visible = points[:, 2] > _NEAR
    depth = np.where(visible, points[:, 2], 1.0)
    plane = points[:, :2] / depth[:, None]
    if not distortion:
        return plane, visible
    k1, k2, p1, p2, k3, k4, k5, k6 = (*distortion, *(0.0,) * (8 - len(distortion)))
    visible &= np.einsum("ij,ij->i", plane, plane) < _widest_tangent((k1, k2, k3, k4, k5, k6)) ** 2
    plane[~visible] = 0.0
    x, y = plane[:, 0], plane[:, 1]
    r2 = x * x + y * y
    radial = _radial(r2, (k1, k2, k3, k4, k5, k6))
    bent = np.empty_like(plane)
    bent[:, 0] = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    bent[:, 1] = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return bent, visible


def _radial(r2: Floats, k: tuple[float, ...]) -> Floats:
    upper = 1 + r2 * (k[0] + r2 * (k[1] + r2 * k[2]))
    return upper / (1 + r2 * (k[3] + r2 * (k[4] + r2 * k[5])))


def _widest_tangent(k: tuple[float, ...]) -> float:
    """The tangent of the widest angle up to which the image of a ray moves outwards with it.

    Beyond it the polynomial, which was fitted within the image, turns back, and points far beside
    the camera would appear in the middle of its picture.
    """
    tangents = np.linspace(0, _LARGEST_TANGENT, 4001)
    image = tangents * _radial(tangents**2, k)
    falls = np.nonzero(~(np.diff(image) > 0))[0]
    return float(tangents[falls[0]]) if len(falls) else np.inf


def _fisheye(points: Floats, distortion: tuple[float, ...]) -> tuple[Floats, Mask]:
    """Kannala and Brandt (2006) as in OpenCV: θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸)."""
    k = distortion or (0.0, 0.0, 0.0, 0.0)
    side = np.hypot(points[:, 0], points[:, 1])
    angle = np.arctan2(side, points[:, 2])
    visible = (angle < _widest_angle(k)) & (side + np.abs(points[:, 2]) > 1e-9)
    share = _fisheye_radius(angle, k) / np.where(side > 0, side, 1.0)
    return points[:, :2] * share[:, None], visible


def _fisheye_radius(angle: Floats, k: tuple[float, ...]) -> Floats:
    t2 = angle * angle
    return angle * (1 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3]))))


def _widest_angle(k: tuple[float, ...]) -> float:
    """The angle up to which the image of a ray moves outwards with it, at most 180°."""
    angles = np.linspace(0, np.pi, 2001)
    falls = np.nonzero(~(np.diff(_fisheye_radius(angles, k)) > 0))[0]
    return float(angles[falls[0]]) if len(falls) else np.pi
