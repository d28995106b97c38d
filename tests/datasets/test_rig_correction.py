"""Axes and places put right at an import: sensors, poses and labels stay together."""

import numpy as np
import pytest

from lidar_label.calibration.rig import Camera, Lidar
from lidar_label.calibration.transforms import from_yaw, invert, pose7_to_matrix, transform_points
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.rig_correction import RigCorrection
from lidar_label.errors import UsageError

QUARTER = from_yaw(np.zeros(3), np.pi / 2)
UPRIGHT = np.eye(4)[[2, 0, 1, 3]]  # x left, y up, z forward


def test_a_turn_moves_points_boxes_and_poses_alike():
    correction = RigCorrection(QUARTER)
    lidar = Lidar("top", from_yaw(np.array([1.0, 2.0, 1.8]), 0.3))
    place = np.array([[10.0, 3.0, 0.0]])
    seen = transform_points(lidar.ego_from_sensor, place)
    turned = transform_points(correction.placed(lidar).ego_from_sensor, place)
    box = np.array([[*seen[0], 4.0, 2.0, 1.5, 3.0]])
    labels = correction.labelled(Cuboids.of(box, frame=0, velocity=[[1.0, 0.0]]))
    assert labels.boxes[0, :3] == pytest.approx(turned[0])
    assert labels.boxes[0, 6] == pytest.approx(3.0 + np.pi / 2 - 2 * np.pi)
    assert labels.velocity[0] == pytest.approx([0.0, 1.0])
    pose = np.array([[5.0, 1.0, 0.0, np.cos(0.2), 0.0, 0.0, np.sin(0.2)]])
    world = pose7_to_matrix(correction.moved(pose))[0]
    before = transform_points(pose7_to_matrix(pose)[0], seen)
    assert transform_points(world, turned) == pytest.approx(transform_points(QUARTER, before))


def test_a_place_stated_the_wrong_way_round_is_inverted():
    place = from_yaw(np.array([1.0, 2.0, 3.0]), 0.5)
    camera = Camera("front", place, intrinsics=np.eye(3), width=10, height=10, model="pinhole")
    correction = RigCorrection(UPRIGHT, frozenset({"front"}))
    assert correction.placed(camera).ego_from_sensor == pytest.approx(UPRIGHT @ invert(place))
    assert RigCorrection().placed(camera).ego_from_sensor == pytest.approx(place)


def test_labels_stay_upright_and_a_turn_is_a_rotation():
    labels = Cuboids.of(np.ones((1, 7)), frame=0)
    with pytest.raises(UsageError, match="way is up"):
        RigCorrection(UPRIGHT).labelled(labels)
    for bad in (np.diag([1.0, 1, -1, 1]), np.eye(3), 2 * np.eye(4)):
        with pytest.raises(UsageError, match="no rotation"):
            RigCorrection(bad)
