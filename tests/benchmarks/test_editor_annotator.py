"""Which tracks the simulated annotator is given, and that its hands reach what they aim at."""

import math

import numpy as np
import pytest

from lidar_label.benchmarks.annotator import is_right
from lidar_label.benchmarks.editor_annotator import tasks
from lidar_label.benchmarks.editor_hands import Hands
from lidar_label.cuboids import Cuboids


def cars(y: float, track: int, frames: int = 20) -> Cuboids:
    boxes = np.tile([0.0, y, 0.8, 4.4, 1.8, 1.6, 0.0], (frames, 1))
    boxes[:, 0] = np.arange(frames) * 0.8
    return Cuboids.of(boxes, frame=np.arange(frames), track_id=track, category="car", score=0.9)


def test_tracks_that_are_wrong_are_tasks_and_others_are_not():
    truth = Cuboids.concatenate([cars(-5.0, 10), cars(5.0, 11), cars(15.0, 12)])
    right, slipped, ghost = cars(-5.0, 1), cars(5.7, 2), cars(40.0, 3)
    found = tasks(Cuboids.concatenate([right, slipped, ghost]), truth)
    assert [int(task.labels.track_id[0]) for task in found] == [2]
    assert int(found[0].truth.track_id[0]) == 11
    assert (found[0].labels.frame == found[0].truth.frame).all()


@pytest.mark.parametrize("yaw", [0.0, 0.7, -2.9])
def test_hands_set_a_box_right(yaw):
    truth = np.array([10.0, 2.0, 0.8, 4.4, 1.8, 1.6, yaw])
    start = np.array([10.6, 1.5, 1.1, 4.0, 2.2, 1.4, yaw + math.radians(15)])
    hands = PaperHands(start)
    hands.set_right(truth)
    one = np.array(["car"], dtype=object)
    assert is_right(hands.box[None], truth[None], one).all()
    assert np.abs(hands.box[:6] - truth[:6]).max() < 0.1
    assert hands.effort.clicks == 5  # heading, two corners, top, bottom


class PaperHands(Hands):
    """Hands whose drags change a box as the editor's views do, without a browser."""

    def __init__(self, box):
        super().__init__(page=None)
        self.box = np.array(box)

    def numbers(self):
        return self.box.copy()

    def saved(self):
        pass

    def _turn(self, truth):
        self.box[6] = truth[6]
        self.effort.clicks += 1

    def _pull(self, view, grip, metres):
        self.effort.clicks += 1
        ahead, left, up = (
            (metres[1], -metres[0], 0.0) if view == "top" else (metres[0], 0.0, metres[1])
        )
        kind, *sides = grip.split()
        right_side, up_side = (int(one) for one in sides) if sides else (0, 0)
        if view == "top":
            moves = np.array([ahead * abs(up_side), left * abs(right_side), 0.0])
            growth = np.array([ahead * up_side, -left * right_side, 0.0])
        else:
            moves, growth = np.array([0.0, 0.0, up]), np.array([0.0, 0.0, up * up_side])
        moves = np.array([ahead, left, up]) if kind == "middle" else moves / 2
        cos, sin = math.cos(self.box[6]), math.sin(self.box[6])
        self.box[:3] += [cos * moves[0] - sin * moves[1], sin * moves[0] + cos * moves[1], moves[2]]
        self.box[3:6] += growth if kind != "middle" else 0.0
