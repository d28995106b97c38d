"""Whatever a sweep holds: no crash, and the same answer whoever else computes."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lidar_label.kernels.boxes import fit_boxes, iou_bev, nms, points_in_boxes
from lidar_label.kernels.clustering import dbscan
from lidar_label.kernels.ground import ground_mask
from lidar_label.kernels.voxels import voxel_downsample
from lidar_label.one_click import fit_at
from lidar_label.proposals import propose

from .scanned_scene import scan, standing

SCENES = {
    "empty": np.zeros((0, 3), np.float32),
    "one point": np.array([[3, 2, 1]], np.float32),
    "all equal": np.full((4000, 3), 7.25, np.float32),
    "nan": np.full((50, 3), np.nan, np.float32),
    "infinite": np.full((50, 3), np.inf, np.float32),
    "huge": np.full((50, 3), np.finfo(np.float32).max, np.float32),
    "a million metres off": np.random.default_rng(0).normal(1e6, 30, (3000, 3)).astype(np.float32),
    "both far and near": np.array([[1e6, -1e6, 0], [1, 1, 0]] * 40, np.float32),
    "a vertical line": np.column_stack(
        (np.ones(900), np.ones(900), np.linspace(-2, 8, 900))
    ).astype(np.float32),
    "fewest digits": np.full((200, 3), 1e-42, np.float32),
}


@pytest.mark.parametrize("points", SCENES.values(), ids=SCENES)
def test_every_step_survives(points):
    mask = ground_mask(points)
    assert mask.shape == (len(points),)
    labels = dbscan(points, 0.5, 5)
    assert labels.shape == (len(points),)
    boxes = fit_boxes(points, labels)
    assert np.isfinite(boxes).all()
    assert points_in_boxes(points, boxes).shape == (len(boxes), len(points))
    assert len(nms(boxes, np.ones(len(boxes)), 0.5)) <= len(boxes)
    assert len(voxel_downsample(points, 0.2)) <= len(points)
    assert np.isfinite(propose(points).boxes).all()
    assert np.isfinite(fit_at(points, click=(1.0, 1.0, 0.0)).box).all()


@settings(max_examples=25)
@given(st.binary(min_size=0, max_size=2400))
def test_any_bytes_taken_as_points_survive(raw):
    """Fuzz: every bit pattern of float32, subnormal numbers and NaN payloads among them."""
    points = np.frombuffer(raw[: len(raw) // 12 * 12], np.float32).reshape(-1, 3)
    with np.errstate(all="ignore"):
        cuboids = propose(points)
        fit = fit_at(points, click=(0.0, 0.0, 0.0))
    assert np.isfinite(cuboids.boxes).all()
    assert np.isfinite(fit.box).all()


@pytest.fixture(scope="module")
def scene():
    return scan([standing(12, 3, 4.5, 1.8, 1.5, 0.2), standing(7, -6, 0.6, 0.6, 1.7)])


def test_threads_at_once_get_what_one_gets(scene):
    alone = propose(scene)
    clicked = fit_at(scene, click=(12, 3, 0.5))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(propose, [scene] * 12))
        clicks = list(pool.map(lambda p: fit_at(p, click=(12, 3, 0.5)).box, [scene] * 12))
    assert all(cuboids.equals(alone) for cuboids in together)
    assert all((box == clicked.box).all() for box in clicks)


def test_a_click_gives_one_box_whatever_the_order_of_points(scene):
    box = fit_at(scene, click=(12, 3, 0.5)).box
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(scene))
        other = fit_at(scene[order], click=(12, 3, 0.5)).box
        assert iou_bev(box[None], other[None])[0, 0] > 0.95


def test_points_are_left_as_they_were(scene):
    before = scene.copy()
    propose(scene)
    fit_at(scene, click=(12, 3, 0.5))
    np.testing.assert_array_equal(scene, before)
