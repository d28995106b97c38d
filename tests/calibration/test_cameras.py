"""Projection: the same pixels as OpenCV's, no ghosts from beside, boxes cut at the lens."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lidar_label.calibration.cameras import (
    box_corners,
    in_image,
    project,
    project_box_edges,
    unproject,
)
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.transforms import from_yaw, invert

K = np.array([[700.0, 0, 621], [0, 710, 187], [0, 0, 1]])
# camera x right, y down, z forward; ego x forward, y left, z up
EGO_FROM_CAMERA = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
CAMERA_FROM_EGO = invert(EGO_FROM_CAMERA)


def camera(model: str = "pinhole", distortion: tuple[float, ...] = ()) -> Camera:
    return Camera(
        "front",
        EGO_FROM_CAMERA,
        model=model,
        intrinsics=K,
        distortion=distortion,
        width=1242,
        height=375,
    )


def points_ahead(seed: int, widest: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    depth = rng.uniform(1, 80, 200)
    return np.column_stack((rng.uniform(-widest, widest, (200, 2)) * depth[:, None], depth))


@pytest.mark.parametrize(
    "distortion",
    [
        (),
        (-0.3, 0.1, 0.001, -0.0005),
        (-0.37, 0.2, 1e-3, 2e-3, -0.07),
        (0.1, -0.05, 1e-3, 2e-3, 0.01, 0.12, -0.04, 0.005),
    ],
)
@given(seed=st.integers(0, 1000))
def test_pinhole_agrees_with_opencv(distortion: tuple[float, ...], seed: int) -> None:
    points = points_ahead(seed, 0.6)
    pixels, visible = project(camera(distortion=distortion), points)
    assert visible.all()
    theirs, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), K, np.array(distortion))
    np.testing.assert_allclose(pixels, theirs[:, 0], atol=1e-6)


@given(seed=st.integers(0, 1000))
def test_fisheye_agrees_with_opencv(seed: int) -> None:
    distortion = (0.05, -0.01, 0.002, -0.0004)
    points = points_ahead(seed, 2.0)
    pixels, visible = project(camera("fisheye", distortion), points)
    assert visible.all()
    theirs, _ = cv2.fisheye.projectPoints(
        points[:, None], np.zeros(3), np.zeros(3), K, np.array(distortion)
    )
    np.testing.assert_allclose(pixels, theirs[:, 0], atol=1e-6)


def test_points_behind_a_pinhole_have_no_pixel() -> None:
    pixels, visible = project(camera(), np.array([[0.0, 0, -5], [0, 0, 0], [0, 0, 5]]))
    assert visible.tolist() == [False, False, True]
    assert np.isnan(pixels[:2]).all()
    assert pixels[2].tolist() == [621, 187]
    assert in_image(camera(), pixels).tolist() == [False, False, True]


def test_a_fisheye_sees_beyond_a_right_angle() -> None:
    pixels, visible = project(camera("fisheye"), np.array([[1.0, 0, -0.2], [0, 0, -1], [0, 0, 1]]))
    assert visible.tolist() == [True, False, True]
    angle = np.pi / 2 + np.arctan(0.2)
    np.testing.assert_allclose(pixels[0], [621 + 700 * angle, 187])


def test_points_far_beside_do_not_fold_back_into_the_image() -> None:
    barrel = camera(distortion=(-0.3, 0.0, 0.0, 0.0))  # x (1 − 0.3 x²) turns back at x = 1.05
    points = np.array([[1.0, 0, 1], [1.7, 0, 1]])
    pixels, visible = project(barrel, points)
    assert visible.tolist() == [True, False]
    theirs, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), K, np.array([-0.3, 0, 0, 0]))
    assert 0 < theirs[1, 0, 0] < 1242  # the ghost that a bare polynomial puts into the picture
    assert np.isnan(pixels[1]).all()


def test_image_borders_are_those_of_its_pixels() -> None:
    edge = np.array([[-0.5, -0.5], [-0.6, 0], [1241.4, 374.4], [1241.5, 0], [0, 374.5]])
    assert in_image(camera(), edge).tolist() == [True, False, True, False, False]


def test_corners_turn_with_the_box() -> None:
    box = np.array([10.0, 5, 1, 4, 2, 1.5, np.pi / 2])
    corners = box_corners(box)
    np.testing.assert_allclose(corners[:4].mean(axis=0), [10, 7, 1], atol=1e-12)  # front
    np.testing.assert_allclose(corners[0], [9, 7, 1.75], atol=1e-12)  # left above
    np.testing.assert_allclose(corners.mean(axis=0), box[:3], atol=1e-12)


def test_a_box_ahead_has_twelve_edges_between_its_corners() -> None:
    box = np.array([20.0, 1, 0, 4, 2, 1.5, 0.3])
    segments = project_box_edges(camera(), CAMERA_FROM_EGO, box)
    assert segments.shape == (12, 2, 2)
    in_camera = (CAMERA_FROM_EGO @ np.column_stack((box_corners(box), np.ones(8))).T).T[:, :3]
    corners, _ = project(camera(), in_camera)
    ends = {tuple(np.round(p, 6)) for p in segments.reshape(-1, 2)}
    assert ends == {tuple(np.round(p, 6)) for p in corners}


def test_a_box_through_the_lens_is_cut_and_one_behind_is_gone() -> None:
    around = project_box_edges(camera(), CAMERA_FROM_EGO, np.array([0.0, 2, 0, 10, 2, 2, 0]))
    # The front's four edges, and the four along it up to the lens.
    assert around.shape == (8, 2, 2)
    assert np.isfinite(around).all()
    front = around[:4].reshape(-1, 2)
    assert (np.abs(front[:, 0] - 621 + 700 * 2 / 5) <= 700 * 1 / 5 + 1e-9).all()
    assert (around[4:, :, 0].min(axis=1) < -1000).all()  # they leave the picture on the left
    behind = project_box_edges(camera(), CAMERA_FROM_EGO, np.array([-20.0, 0, 0, 4, 2, 2, 0]))
    assert behind.shape == (0, 2, 2)


@given(st.floats(-np.pi, np.pi), st.floats(-8, 8), st.floats(-8, 8))
def test_a_box_anywhere_gives_finite_lines(yaw: float, x: float, y: float) -> None:
    box = np.array([x, y, 0.2, 4.5, 1.9, 1.6, yaw])
    for lens in (
        camera(),
        camera(distortion=(-0.3, 0.1, 0, 0)),
        camera("fisheye", (0.02, 0, 0, 0)),
    ):
        segments = project_box_edges(lens, CAMERA_FROM_EGO @ from_yaw(np.zeros(3), 0.1), box)
        assert np.isfinite(segments).all()
        assert segments.shape[1:] == (2, 2)


def test_bent_edges_follow_the_lens() -> None:
    box = np.array([6.0, 0, 0, 1, 6, 2, 0])
    bent = project_box_edges(camera(distortion=(-0.3, 0.1, 0, 0)), CAMERA_FROM_EGO, box)
    assert len(bent) > 100
    top_front = bent[:12, :, 1]  # the front's upper edge, straight in the world
    assert np.ptp(top_front) > 2  # pixels
    assert (np.hypot(*(bent[1:12, 0] - bent[:11, 1]).T) < 1e-9).all()  # pieces join


@pytest.mark.parametrize(
    ("model", "distortion"),
    [
        ("pinhole", ()),
        ("pinhole", (-0.2, 0.05, 0.001, -0.002)),
        ("pinhole", (-0.3, 0.1, 0.001, 0.0005, -0.01)),
        ("fisheye", ()),
        ("fisheye", (0.02, -0.004, 0.001, 0.0)),
    ],
)
def test_unproject_is_the_inverse(model: str, distortion: tuple[float, ...]) -> None:
    lens = camera(model, distortion)
    x, y = np.meshgrid(np.linspace(0, 1241, 21), np.linspace(0, 374, 11))
    pixels = np.column_stack((x.ravel(), y.ravel()))
    rays = unproject(lens, pixels)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=1), 1)
    again, visible = project(lens, rays * 7)
    assert visible.all()
    np.testing.assert_allclose(again, pixels, atol=1e-6)
