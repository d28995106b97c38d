"""Overlap, suppression and containment agree with shapely and the slow twins."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lidar_label.errors import InvalidBoxes, InvalidConfig, InvalidPoints
from lidar_label.kernels.boxes import (
    count_points_in_boxes,
    iou_3d,
    iou_bev,
    nms,
    points_in_boxes,
)

sizes = st.floats(0.05, 12)
places = st.floats(-4, 4)
angles = st.floats(-7, 7)
some_box = st.tuples(places, places, places, sizes, sizes, sizes, angles)


def random_boxes(count, seed, spread=5.0):
    rng = np.random.default_rng(seed)
    return np.column_stack(
        [
            rng.uniform(-spread, spread, (count, 3)),
            rng.uniform(0.3, 6, (count, 3)),
            rng.uniform(-7, 7, count),
        ]
    )


def naive_pairs(a, b, in_space):
    return np.array([[naive.iou(p, q, in_space) for q in b] for p in a]).reshape(len(a), len(b))


@pytest.mark.parametrize("seed", range(4))
def test_iou_is_that_of_shapely(seed):
    a, b = random_boxes(40, seed), random_boxes(30, seed + 100)
    np.testing.assert_allclose(iou_bev(a, b), naive_pairs(a, b, False), atol=1e-12)
    np.testing.assert_allclose(iou_3d(a, b), naive_pairs(a, b, True), atol=1e-12)


@given(some_box, some_box)
def test_iou_of_any_pair(a, b):
    a, b = np.array([a]), np.array([b])
    assert iou_bev(a, b)[0, 0] == pytest.approx(naive.iou(a[0], b[0], False), abs=1e-9)
    assert iou_3d(a, b)[0, 0] == pytest.approx(naive.iou(a[0], b[0], True), abs=1e-9)
    assert iou_bev(a, b)[0, 0] == pytest.approx(iou_bev(b, a)[0, 0], abs=1e-12)


@given(some_box, angles, st.floats(-1e6, 1e6))
def test_a_box_covers_itself_however_it_is_turned_and_placed(box, turn, far):
    a = np.array([box])
    a[0, :2] += far
    b = a.copy()
    b[0, 6] += np.pi  # the same rectangle, looking back
    assert iou_bev(a, a)[0, 0] == pytest.approx(1, abs=1e-12)
    assert iou_3d(a, b)[0, 0] == pytest.approx(1, abs=1e-9)
    swapped = b.copy()
    swapped[0, 3:5], swapped[0, 6] = b[0, [4, 3]], b[0, 6] + np.pi / 2
    assert iou_3d(a, swapped)[0, 0] == pytest.approx(1, abs=1e-9)


def test_iou_by_hand():
    a = [[0, 0, 0, 4, 2, 2, 0]]
    b = [[1, 0, 1, 4, 2, 2, 0], [4, 0, 0, 4, 2, 2, 0], [0, 0, 2, 4, 2, 2, 0], [0, 0, 0, 2, 4, 2, 0]]
    np.testing.assert_allclose(iou_bev(a, b), [[6 / 10, 0, 1, 4 / 12]], atol=1e-15)
    np.testing.assert_allclose(iou_3d(a, b), [[6 / 26, 0, 0, 8 / 24]], atol=1e-15)
    diamond = [[0, 0, 0, np.sqrt(2), np.sqrt(2), 2, np.pi / 4]]
    np.testing.assert_allclose(iou_bev([[0, 0, 0, 1, 1, 2, 0]], diamond), [[1 / 2]], atol=1e-15)


def test_boxes_without_size_or_not_finite_give_zero():
    good = [0, 0, 0, 4, 2, 2, 0.3]
    odd = np.array([good] * 9)
    odd[0, 3], odd[1, 4], odd[2, 5] = 0, 0, 0
    odd[3, 0], odd[4, 6], odd[5, 3], odd[6, 5] = np.nan, np.inf, np.inf, np.nan
    odd[7, 3:6], odd[8, 3:6] = 1e-170, 1e200
    for pairs in (iou_3d([good], odd), iou_3d(odd, [good]), iou_3d(odd, odd), iou_bev(odd, odd)):
        assert (pairs >= 0).all()
        assert (pairs <= 1).all()
    assert (iou_3d([good], odd)[0, :7] == 0).all()
    assert iou_bev([good], odd)[0, 2] == pytest.approx(1)  # no height is no matter from above


def test_no_boxes():
    assert iou_bev(np.zeros((0, 7)), random_boxes(3, 0)).shape == (0, 3)
    assert iou_3d(random_boxes(3, 0), []).shape == (3, 0)
    assert nms([], [], 0.5).shape == (0,)
    assert points_in_boxes(np.zeros((5, 3)), []).shape == (0, 5)
    assert points_in_boxes(np.empty((0, 3)), random_boxes(3, 0)).shape == (3, 0)
    assert count_points_in_boxes(np.empty((0, 3)), random_boxes(3, 0)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.5, 1.0])
def test_nms_is_that_of_the_twin(threshold):
    boxes = random_boxes(60, 3)
    scores = np.random.default_rng(1).integers(0, 8, 60) / 8  # many ties
    kept = nms(boxes, scores, threshold)
    assert kept.dtype == np.int64
    assert kept.tolist() == naive.nms(boxes, scores, threshold)


def test_nms_puts_scores_that_are_not_numbers_last():
    boxes = np.repeat([[0.0, 0, 0, 4, 2, 2, 0]], 3, axis=0)
    assert nms(boxes, [np.nan, 0.1, 0.2], 0.5).tolist() == [2]
    assert nms(boxes, [np.nan, -np.inf, np.nan], 1.0).tolist() == [1, 0, 2]


@pytest.mark.parametrize("seed", range(4))
def test_containment_is_that_of_the_twin(seed):
    boxes = random_boxes(12, seed, spread=10.0 ** (seed - 1))
    boxes[3, 3:6] = 0
    points = np.random.default_rng(seed).normal(0, 10.0 ** (seed - 1), (300, 3))
    points = np.concatenate([points, boxes[:, :3]]).astype(np.float32)
    inside = points_in_boxes(points, boxes)
    np.testing.assert_array_equal(inside, naive.points_in_boxes(points, boxes))
    np.testing.assert_array_equal(count_points_in_boxes(points, boxes), inside.sum(axis=1))


@given(st.integers(0, 10_000))
def test_corners_are_inside_and_just_outside_is_outside(seed):
    boxes = random_boxes(5, seed)
    boxes[:, :3] = np.round(boxes[:, :3])
    for m, box in enumerate(boxes):
        top, bottom = box[2] + box[5] / 2, box[2] - box[5] / 2
        for scale, expected in ((0.9999, True), (1.0001, False)):
            grown = box.copy()
            grown[3:5] *= scale
            edge = np.column_stack([naive.corners(grown), np.full(4, box[2])])
            assert (points_in_boxes(edge, boxes)[m] == expected).all()
        above = [[box[0], box[1], top + 1e-3], [box[0], box[1], bottom - 1e-3]]
        assert not points_in_boxes(above, boxes)[m].any()


def test_faces_are_inside():
    points = [[2, 1, 1], [-2, -1, -1], [2, 0, 0], [0, 1, 0], [0, 0, -1], [2.001, 0, 0]]
    for yaw in (0, np.pi / 2, np.pi, -np.pi / 2):
        turned = np.array(points) @ [
            [np.cos(yaw), np.sin(yaw), 0],
            [-np.sin(yaw), np.cos(yaw), 0],
            [0, 0, 1],
        ]
        inside = points_in_boxes(turned, [[0, 0, 0, 4, 2, 2, yaw]])[0]
        assert inside.tolist() == [True] * 5 + [False]


def test_points_and_boxes_that_are_not_finite_hold_nothing():
    points = np.array([[0, 0, 0], [np.nan, 0, 0], [0, np.inf, 0], [0, 0, -np.inf]])
    boxes = np.array([[0, 0, 0, 4, 2, 2, 0.1]] * 4)
    boxes[1, 0], boxes[2, 6], boxes[3, 5] = np.nan, np.inf, np.inf
    assert count_points_in_boxes(points, boxes).tolist() == [1, 0, 0, 0]


def test_boxes_far_apart_and_far_away():
    boxes = np.array([[1e6, -1e6, 0, 4, 2, 2, 0.1], [-1e9, 1e12, 0, 4, 2, 2, 0.1]])
    points = np.array([[1e6, -1e6, 0.5], [1e6 + 3, -1e6, 0], [0, 0, 0]])
    assert count_points_in_boxes(points, boxes).tolist() == [1, 0]


def test_bad_input_is_refused():
    boxes = random_boxes(3, 0)
    for function in (iou_bev, iou_3d):
        with pytest.raises(InvalidBoxes):
            function(boxes[:, :6], boxes)
        with pytest.raises(InvalidBoxes):
            function(boxes, -boxes)
    with pytest.raises(InvalidBoxes, match="scores"):
        nms(boxes, [1.0], 0.5)
    with pytest.raises(InvalidConfig, match="iou_threshold"):
        nms(boxes, np.ones(3), float("nan"))
    with pytest.raises(InvalidPoints):
        points_in_boxes(np.zeros(3), boxes)
