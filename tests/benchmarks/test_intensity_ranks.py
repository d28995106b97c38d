"""Ranks of intensity know neither the sensor's unit nor the range."""

import numpy as np

from lidar_label.benchmarks.intensity_ranks import by_class, ranks
from lidar_label.benchmarks.labelled_sweeps import LabelledSweep


def test_ranks_are_within_a_ring_and_free_of_units() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-20, 20, (400, 4)).astype(np.float32)
    points[:, 3] = rng.permutation(400)
    far = points.copy()
    far[np.hypot(far[:, 0], far[:, 1]) > 15, 3] *= 0.01
    np.testing.assert_allclose(ranks(points), ranks(points * [1, 1, 1, 7]))
    ring = np.hypot(points[:, 0], points[:, 1]) // 5
    np.testing.assert_allclose(ranks(far)[ring >= 3], ranks(points)[ring >= 3])
    for number in np.unique(ring):
        members = ring == number
        assert abs(ranks(points)[members].mean() - (0.5 - 0.5 / members.sum())) < 1e-9


def test_equal_intensities_share_a_rank() -> None:
    points = np.zeros((6, 4), np.float32)
    points[:, 3] = [1, 1, 5, 5, 5, 9]
    np.testing.assert_allclose(ranks(points) * 6, [0.5, 0.5, 3, 3, 3, 5])


def test_objects_are_told_apart_by_class_and_sensor() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(-10, 10, (3000, 4)).astype(np.float32)
    points[:, 2] = rng.uniform(0, 1, 3000)
    boxes = np.array([[4, 4, 0.5, 4, 2, 2, 0.3], [-4, -4, 0.5, 4, 2, 2, 0]], dtype=np.float64)
    on_first = np.hypot(points[:, 0] - 4, points[:, 1] - 4) < 2.5
    points[on_first, 3] += 100
    sweep = LabelledSweep(
        "one", "made-64", points, boxes, np.array(["Car", "Van"], object), lambda p: p[:, 0] > -99
    )
    found = by_class([sweep])
    assert set(found) == {("car", "made"), ("van", "made")}
    assert found["car", "made"][0, 0] > 0.8 > found["van", "made"][0, 0]
