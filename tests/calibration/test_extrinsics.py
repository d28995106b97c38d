"""Places of LiDARs and cameras: a disturbed one comes back, and edges tell a right camera."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lidar_label.calibration.edge_alignment import View, align, depth_jumps, image_edges
from lidar_label.calibration.extrinsics import (
    difference,
    measure,
    refine,
    surfaces_of,
    thinned,
)
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.transforms import from_yaw, invert, transform_points

TRUTH = from_yaw(np.array([2.0, 0.1, 0.8]), 0.05)


def room(seed: int, count: int = 30_000) -> np.ndarray:
    """Ground, two slanted walls and boxes around the ego, as points."""
    rng = np.random.default_rng(seed)
    ground = np.column_stack((rng.uniform(-30, 30, (count // 2, 2)), np.zeros(count // 2)))
    along, up = rng.uniform(-30, 30, count // 8), rng.uniform(0, 5, count // 8)
    walls = [
        np.column_stack((along, 9 + 0.1 * along, up)),
        np.column_stack((15 - 0.2 * along, along, up)),
    ]
    box = rng.uniform(-1, 1, (count // 4, 3))
    face = rng.integers(0, 3, len(box))
    box[np.arange(len(box)), face] = np.sign(box[np.arange(len(box)), face])
    centre = rng.uniform(-15, 15, (6, 2))[rng.integers(0, 6, len(box))]
    boxes = box * [2, 1, 0.8] + np.column_stack((centre, np.full(len(box), 0.8)))
    return np.concatenate((ground, *walls, boxes)) + rng.normal(0, 0.01, (1, 3))


def scans(count: int = 3) -> tuple[list, list]:
    """What the reference saw (ego frame) and what the sensor at TRUTH saw (its own frame)."""
    surfaces, clouds = [], []
    for seed in range(count):
        world, rng = room(seed), np.random.default_rng(seed)
        seen, other = rng.random((2, len(world))) < 0.6
        noise = rng.normal(0, 0.01, world.shape)
        surfaces.append(surfaces_of((world + noise)[seen]))
        own = transform_points(invert(TRUTH), (world - noise)[other])
        clouds.append(thinned(own, 0.5))
    return surfaces, clouds


@pytest.mark.parametrize("seed", range(2))
def test_a_disturbed_place_comes_back(seed: int) -> None:
    surfaces, clouds = scans()
    rng = np.random.default_rng(seed)
    axis, way = rng.normal(size=(2, 3))
    wrong = np.eye(4)
    wrong[:3, :3] = Rotation.from_rotvec(np.radians(2) * axis / np.linalg.norm(axis)).as_matrix()
    wrong[:3, 3] = 0.1 * way / np.linalg.norm(way)
    start = TRUTH @ wrong
    found = refine(surfaces, clouds, start)
    metres, turn = difference(TRUTH, found.ego_from_sensor)
    assert metres < 0.01
    assert turn < np.radians(0.05)
    before = measure(surfaces, clouds, start)
    assert found.on_surface > before.on_surface + 0.3
    assert found.residual < before.residual / 3


def test_nothing_in_common_is_no_place() -> None:
    surfaces, clouds = scans(1)
    far = [cloud + 500.0 for cloud in clouds]
    found = refine(surfaces, far, TRUTH)
    assert found.points == 0
    assert found.on_surface == 0
    assert np.isinf(found.spread[0])


def test_jumps_are_on_the_nearer_side() -> None:
    azimuth = np.radians(np.arange(-30, 30, 0.2))
    distance = np.where(np.abs(azimuth) < np.radians(5), 8.0, 20.0)
    points = np.column_stack((distance * np.cos(azimuth), distance * np.sin(azimuth), 0 * azimuth))
    for ring in (None, np.zeros(len(points), dtype=np.uint16)):
        jump = depth_jumps(points.astype(np.float32), ring)
        assert jump.sum() == 2
        assert (distance[jump] == 8.0).all()


def test_the_right_place_of_a_camera_beats_all_turned_ones() -> None:
    """Bright boards before a dark wall, seen by a LiDAR at the camera's place."""
    intrinsics = np.array([[300.0, 0, 320], [0, 300, 200], [0, 0, 1]])
    place = np.eye(4)
    place[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
    camera = Camera("front", place, intrinsics=intrinsics, width=640, height=400)
    row, column = np.mgrid[0:400, 0:640]
    board = ((column // 64) % 2 == 0) & ((row // 80) % 2 == 0)
    image = np.where(board, 220, 30).astype(np.uint8)
    azimuth, elevation = np.meshgrid(
        np.radians(np.arange(-45, 45, 0.2)), np.radians(np.arange(-30, 30, 0.8))
    )
    ray = np.stack((np.ones_like(azimuth), np.tan(azimuth), np.tan(elevation)), axis=-1)
    u = np.clip(np.rint(320 - 300 * ray[..., 1]).astype(int), 0, 639)
    v = np.clip(np.rint(200 - 300 * ray[..., 2]).astype(int), 0, 399)
    depth = np.where(board[v, u], 10.0, 25.0)[..., None]
    points = (ray * depth).reshape(-1, 3).astype(np.float32)
    ring = np.repeat(np.arange(azimuth.shape[0]), azimuth.shape[1]).astype(np.uint16)
    view = View(image_edges(image), points, depth_jumps(points, ring))
    right = align(camera, [view], place)
    assert right.beaten == 1.0
    assert right.contrast > 1.5
    turned = place @ from_yaw(np.zeros(3), np.radians(3.0))
    assert align(camera, [view], turned).contrast < right.contrast
    assert align(camera, [view], invert(place)).contrast < right.contrast
