"""Where our kernels and their peers differ, and that nothing else does."""

import numpy as np
import pytest

from lidar_label.benchmarks import kernels as peers
from lidar_label.kernels.boxes import count_points_in_boxes, iou_bev, nms


def _boxes(count: int, side: float, seed: int) -> np.ndarray:
    low, high = [-side, -side, -1, 0.6, 0.5, 1.4, -3], [side, side, 1, 12, 2.5, 3, 3]
    return np.random.default_rng(seed).uniform(low, high, (count, 7))


@pytest.mark.parametrize("seed", range(4))
def test_suppression_differs_from_opencv_by_nested_boxes_alone(seed: int) -> None:
    boxes, scores = _boxes(200, 15, seed), np.random.default_rng(seed + 9).random(200)
    exact = peers.greedy(iou_bev(boxes, boxes), scores)
    assert set(nms(boxes, scores, peers.NMS_IOU).tolist()) == exact
    nested = peers.greedy(peers.iou_with_nested_as_one(boxes), scores)
    assert peers.opencv_suppression(boxes, scores)() == nested != exact


def test_a_small_box_in_a_large_one_is_no_duplicate_to_us_and_one_to_opencv() -> None:
    boxes = np.array([[0, 0, 0, 10, 2.5, 3, 0], [1, 0.2, 0, 0.6, 0.6, 1.7, 0.5]], dtype=float)
    scores = np.array([0.9, 0.8])
    assert nms(boxes, scores, peers.NMS_IOU).tolist() == [0, 1]
    assert peers.opencv_suppression(boxes, scores)() == {0}


def test_counts_differ_from_open3d_on_faces_alone() -> None:
    boxes = _boxes(50, 8, 0)
    points = np.random.default_rng(1).uniform(-9, 9, (20_000, 3)).astype(np.float32)
    corner = boxes[:, :3] + np.column_stack((np.zeros((50, 2)), boxes[:, 5] / 2))
    on_top = corner.astype(np.float32)  # rounded to either side of the upper face
    both = np.concatenate((points, on_top))
    ours, theirs = count_points_in_boxes(both, boxes), peers.open3d_counts(both, boxes)()
    assert (ours >= theirs).all()
    assert (ours > theirs).any()
    assert (ours - theirs <= peers.count_on_faces(both, boxes)).all()
