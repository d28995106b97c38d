"""Boxes fitted to clusters: exact on clean faces, as good as an exhaustive search on noisy ones."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lidar_label.errors import InvalidBoxes, InvalidLabels, InvalidPoints
from lidar_label.kernels.boxes import fit_boxes, fit_residuals, iou_bev, points_in_boxes


def two_faces(rng, length, width, yaw, noise=0.0, count=60, at=(0, 0, 0)):
    """Points on a long and a short side of a box, its corner on them, in random order."""
    u = np.concatenate([rng.uniform(-0.5, 0.5, count) * length, np.full(count, length / 2)])
    v = np.concatenate([np.full(count, width / 2), rng.uniform(-0.5, 0.5, count) * width])
    u[:2], v[-1] = [-length / 2, length / 2], -width / 2
    u, v = u + rng.normal(0, noise, 2 * count), v + rng.normal(0, noise, 2 * count)
    z = rng.uniform(-0.5, 0.5, 2 * count)
    z[:2] = [-0.5, 0.5]
    c, s = np.cos(yaw), np.sin(yaw)
    return rng.permutation(np.column_stack([c * u - s * v, s * u + c * v, z]) + at)


def turn_between(a, b):
    """Angle between the sides of two rectangles, radians."""
    return abs((a - b + np.pi / 4) % (np.pi / 2) - np.pi / 4)


@given(
    st.integers(0, 1000), st.floats(2.5, 12), st.floats(0.6, 2), st.floats(-4, 4),
    st.sampled_from([20, 60, 400]),
)  # fmt: skip
def test_two_clean_faces_give_the_box(seed, length, width, yaw, count):
    rng = np.random.default_rng(seed)
    points = two_faces(rng, length, width, yaw, count=count, at=(12, -30, 1)).astype(np.float32)
    box = fit_boxes(points, np.zeros(len(points), int))[0]
    truth = [12, -30, 1, length, width, 1, yaw]
    assert iou_bev([box], [truth])[0, 0] > 0.93
    assert turn_between(box[6], yaw) < np.radians(1)
    np.testing.assert_allclose(box[[2, 5]], [1, 1], atol=1e-5)


@pytest.mark.parametrize("count", [15, 60, 500])
def test_noisy_faces_are_fitted_as_well_as_by_all_angles(count):
    rng = np.random.default_rng(count)
    truth = np.column_stack(
        [rng.uniform(-40, 40, (20, 2)), np.zeros(20), rng.uniform(3.5, 5, 20),
         rng.uniform(1.5, 2, 20), np.ones(20), rng.uniform(-3, 3, 20)]
    )  # fmt: skip
    points = np.concatenate(
        [two_faces(rng, t[3], t[4], t[6], noise=0.02, count=count, at=t[:3]) for t in truth]
    )
    labels = np.repeat(np.arange(20), 2 * count)
    ours = np.diag(iou_bev(fit_boxes(points, labels), truth)).mean()
    assert ours > 0.9
    assert ours > np.diag(iou_bev(naive.fit_boxes(points, labels), truth)).mean() - 0.01


@given(st.integers(0, 1000))
def test_box_holds_its_points_and_keeps_the_convention(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(0, rng.uniform(0, 3, 3), (200, 3)).astype(np.float32) + np.float32(1e3)
    labels = rng.integers(-1, 5, 200)
    boxes = fit_boxes(points, labels)
    assert boxes.shape == (5, 7)
    assert (boxes[:, 3] >= boxes[:, 4]).all()
    assert (np.abs(boxes[:, 6]) <= np.pi / 2).all()
    inside = points_in_boxes(points, boxes)
    for k in range(5):
        assert inside[k, labels == k].all()
    np.testing.assert_allclose(
        fit_residuals(points, labels, boxes),
        naive.fit_residuals(points, labels, boxes),
        atol=1e-9,
    )


@pytest.mark.parametrize("yaw", [0.0, 0.4, np.pi / 2, 2.5])
def test_one_face_gives_a_thin_box_along_it(yaw):
    rng = np.random.default_rng(0)
    along, across = rng.uniform(-2, 2, 300), rng.normal(0, 0.02, 300)
    c, s = np.cos(yaw), np.sin(yaw)
    points = np.column_stack([c * along - s * across, s * along + c * across, along])
    box = fit_boxes(points, np.zeros(300, int))[0]
    assert abs((box[6] - yaw + np.pi / 2) % np.pi - np.pi / 2) < np.radians(1)
    assert box[4] < 0.2
    assert box[3] == pytest.approx(4, abs=0.1)


def test_box_does_not_depend_on_the_order_nor_on_other_clusters():
    rng = np.random.default_rng(1)
    points = rng.normal(0, 1, (900, 3)).astype(np.float32)
    labels = np.minimum(rng.integers(0, 40, 900), 2)  # two small clusters, a large one
    order = rng.permutation(900)
    boxes = fit_boxes(points, labels)
    np.testing.assert_allclose(fit_boxes(points[order], labels[order]), boxes, atol=1e-6)
    alone = labels == 2
    np.testing.assert_array_equal(fit_boxes(points[alone], labels[alone] - 2)[0], boxes[2])


def test_few_equal_missing_and_odd_points():
    points = [[1, 2, 3], [5, 5, 5], [5, 5, 5], [0, 0, 0], [3, 4, 1], [np.nan, 0, 0], [9, 9, 9]]
    boxes = fit_boxes(points, np.array([0, 1, 1, 3, 3, 3, -1]))
    np.testing.assert_array_equal(boxes[0], [1, 2, 3, 0, 0, 0, 0])
    np.testing.assert_array_equal(boxes[1], [5, 5, 5, 0, 0, 0, 0])
    np.testing.assert_array_equal(boxes[2], np.zeros(7))  # no point has label 2
    # Two points: a box without width along them, to the step of the angle.
    np.testing.assert_allclose(boxes[3, [0, 1, 2, 5]], [1.5, 2, 0.5, 1], atol=1e-9)
    assert boxes[3, 3] == pytest.approx(5, abs=1e-3)
    assert boxes[3, 4] < 0.02
    assert (fit_residuals(points, np.array([0, 1, 1, 3, 3, 3, -1]), boxes) < 1e-9).all()
    assert fit_boxes(np.empty((0, 3)), []).shape == (0, 7)
    assert fit_boxes(points, np.full(7, -1)).shape == (0, 7)
    assert fit_residuals(np.empty((0, 3)), [], []).shape == (0,)
    assert not fit_boxes(np.full((4, 3), np.inf), np.zeros(4, int)).any()


def test_bad_input_is_refused():
    points = np.zeros((4, 3))
    with pytest.raises(InvalidLabels):
        fit_boxes(points, np.zeros(3, int))
    with pytest.raises(InvalidLabels):
        fit_boxes(points, np.zeros(4))
    with pytest.raises(InvalidPoints):
        fit_boxes(np.zeros((4, 2)), np.zeros(4, int))
    with pytest.raises(InvalidBoxes, match="labels up to 3"):
        fit_residuals(points, np.arange(4), np.zeros((3, 7)))
