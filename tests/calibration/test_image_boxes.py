"""2D boxes of cuboids: numbers by hand, and a dense sample of the cuboid's surface."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lidar_label.calibration.cameras import in_image, project
from lidar_label.calibration.image_boxes import image_boxes
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.transforms import from_quaternion, from_yaw, transform_points

LENS = np.array([[100, 0, 50], [0, 100, 40], [0, 0, 1.0]])
# x forward, y left, z up → x right, y down, z forward.
CAMERA_FROM_EGO = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])


def camera(**changes: object) -> Camera:
    fields: dict[str, object] = {"intrinsics": LENS, "width": 100, "height": 80}
    return Camera("c", np.eye(4), **(fields | changes))  # type: ignore[arg-type]


def placed(*centres: tuple[float, float, float], yaw: float = 0.0) -> np.ndarray:
    return np.array([CAMERA_FROM_EGO @ from_yaw(np.array(c), yaw) for c in centres])


def cubes(count: int, side: float = 2.0) -> np.ndarray:
    return np.full((count, 3), side)


def test_by_hand() -> None:
    """Ahead; half beyond the left edge; behind; around the camera."""
    boxes = image_boxes(
        camera(), placed((10, 0, 0), (10, 5, 0), (-10, 0, 0), (0.5, 0, 0)), cubes(4), edge=0
    )
    assert boxes.row.tolist() == [0, 1]
    # The near face at 9 m spans 50 ± 100/9, 40 ± 100/9.
    np.testing.assert_allclose(
        boxes.box[0], [50 - 100 / 9, 40 - 100 / 9, 50 + 100 / 9, 40 + 100 / 9]
    )
    # From 50 − 100·6/9, cut at 0, to 50 − 100·4/11: its part of the whole width is in the image.
    np.testing.assert_allclose(boxes.box[1][[0, 2]], [0, 50 - 400 / 11])
    np.testing.assert_allclose(
        boxes.truncated, [0, 1 - (50 - 400 / 11) / (600 / 9 - 400 / 11)], atol=1e-12
    )
    with_border = image_boxes(camera(), placed((10, 5, 0)), cubes(1))
    assert with_border.box[0, 0] == -0.5


def test_a_box_that_reaches_behind_the_camera() -> None:
    """A wall to the left from 8 m behind to 12 m ahead ends where its far end is seen."""
    boxes = image_boxes(camera(), placed((2, 3, 0)), np.array([[20.0, 1.0, 40.0]]), edge=0)
    # Its right side is at y = 2.5 m, seen under 45° left at 2.5 m, at x = 12 m at 50 − 250/12.
    np.testing.assert_allclose(boxes.box[0], [0, 0, 50 - 250 / 12, 79])
    assert boxes.truncated[0] > 0.9


def test_a_box_that_fills_the_image() -> None:
    boxes = image_boxes(camera(), placed((4, 0, 0)), np.array([[1.0, 50, 50]]))
    np.testing.assert_array_equal(boxes.box[0], [-0.5, -0.5, 99.5, 79.5])


def test_only_what_lies_in_the_image_bounds_the_box() -> None:
    """A rod that rises to the left at 45° leaves the image at its top, half way."""
    roll = np.array([np.cos(np.pi / 8), np.sin(np.pi / 8), 0, 0])
    rod = CAMERA_FROM_EGO @ from_quaternion(np.array([10.0, 2, 4]), roll)
    found = image_boxes(camera(), rod[None], np.array([[1e-6, 8.0, 1e-6]]), edge=0)
    # Pixels are 50 − 10 y, 40 − 10 z; the right end is at y = 2 − √8, z = 4 − √8; z = 4 is the top.
    right, low = 50 - 10 * (2 - np.sqrt(8)), 40 - 10 * (4 - np.sqrt(8))
    np.testing.assert_allclose(found.box[0], [30, 0, right, low], atol=1e-4)


def test_nearer_cuboids_hide() -> None:
    """The right half of a cube at 20 m is behind a post of half its width at 10 m."""
    sizes = np.array([[0.01, 2.0, 2.0], [0.01, 0.5, 4.0], [2.0, 2.0, 2.0]])
    boxes = image_boxes(camera(), placed((20, 0, 0), (10, -0.25, 0), (20, 8, 0)), sizes)
    np.testing.assert_allclose(boxes.hidden, [0.5, 0, 0], atol=0.03)
    behind = image_boxes(camera(), placed((20, 0, 0), (5, 0, 0)), cubes(2))
    assert behind.hidden.tolist() == [1, 0]


LENSES = {
    "pinhole": camera(),
    "Brown": camera(distortion=(-0.2, 0.05, 0.001, -0.001, 0.0)),
    "fisheye": camera(
        model="fisheye", intrinsics=np.array([[30, 0, 50], [0, 30, 40], [0, 0, 1.0]]),
        distortion=(0.01, -0.002, 0.0, 0.0),
    ),
}  # fmt: skip


def surface(size: np.ndarray, steps: int = 60) -> np.ndarray:
    """Points all over a cuboid, its edges among them, in its own frame."""
    line = np.linspace(-0.5, 0.5, steps)
    a, b = (grid.ravel() for grid in np.meshgrid(line, line))
    faces = [np.insert(np.column_stack((a, b)), axis, side, axis=1)
             for axis in range(3) for side in (-0.5, 0.5)]  # fmt: skip
    return np.concatenate(faces) * size


@pytest.mark.parametrize("lens", LENSES)
@given(
    centre=st.tuples(st.floats(-4, 25), st.floats(-12, 12), st.floats(-3, 3)),
    size=st.tuples(*[st.floats(0.5, 8)] * 3),
    yaw=st.floats(-3, 3),
)
def test_the_box_bounds_the_visible_surface(
    lens: str, centre: tuple[float, ...], size: tuple[float, ...], yaw: float
) -> None:
    """The naive twin: all points of the surface that land in the image, and no more than them."""
    seeing = LENSES[lens]
    extent = np.array(size)
    pose = placed(centre, yaw=yaw)  # type: ignore[arg-type]
    found = image_boxes(seeing, pose, extent[None])
    pixels, visible = project(seeing, transform_points(pose[0], surface(extent)))
    pixels = pixels[visible]
    pixels = pixels[in_image(seeing, pixels)]
    own = np.abs(np.linalg.inv(pose[0])[:3, 3])
    if (own <= extent / 2 + 0.1).all():  # the camera is in it
        return
    if not len(found):
        assert len(pixels) == 0
        return
    if len(pixels):
        assert (pixels.min(axis=0) >= found.box[0, :2] - 0.35).all()
        assert (pixels.max(axis=0) <= found.box[0, 2:] + 0.35).all()
    far = np.linalg.norm(centre) > np.linalg.norm(size) + 2
    if far and len(pixels) > 500:  # near ones are sampled too coarsely
        assert (pixels.min(axis=0) <= found.box[0, :2] + 3).all()
        assert (pixels.max(axis=0) >= found.box[0, 2:] - 3).all()
