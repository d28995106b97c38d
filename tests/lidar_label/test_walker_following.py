"""People are followed by the middle of their points, which is not the middle of their box."""

from typing import cast

import numpy as np
import pytest

from lidar_label.calibration.transforms import from_yaw
from lidar_label.kernels.box_alignment import LOOK, U, V
from lidar_label.point_following import World
from lidar_label.walker_following import walk_on

FRAMES = 40
SIZE = (0.8, 0.7, 1.8)


class Scene:
    """A world of one walker: he turns after frame 15 and shows nothing in the frames `gone`."""

    def __init__(self, gone: range = range(0), points: int = 15) -> None:
        self.boxes = np.zeros((FRAMES, 7))
        self.boxes[:, 3:6] = SIZE
        self.boxes[:, 2] = 0.9
        step = np.full((FRAMES, 2), (0.13, 0.0))
        step[16:] = (0.12, 0.05)
        self.boxes[:, :2] = np.cumsum(step, axis=0) + np.array([8.0, 4.0])
        self.seconds = 0.1 * np.arange(FRAMES)
        self._gone, self._points = gone, points

    def world(self) -> World:
        return cast(World, self)

    def ego_box(self, box: np.ndarray, _frame: int) -> np.ndarray:
        return box

    def look(
        self, box: np.ndarray, _velocity: np.ndarray, frame: int, margin: float
    ) -> tuple[np.ndarray, float]:
        """As `World.look`: what lies in and about a box, along and across it."""
        rng = np.random.default_rng(frame)
        count = 0 if frame in self._gone else self._points
        own = rng.normal(0, 0.08, (count, 2)) + self.boxes[frame, :2]
        own -= 0.15 * self.boxes[frame, :2] / np.hypot(*self.boxes[frame, :2])  # his near side
        wall = np.column_stack((np.linspace(0, 20, 200), np.full(200, 9.0)))
        at = np.vstack((own, wall)) - box[:2]
        turned = at @ from_yaw(np.zeros(3), box[6])[:2, :2]
        inside = (np.abs(turned) < box[3:5] / 2 + margin).all(axis=1)
        seen = np.zeros((int(inside.sum()), LOOK), dtype=np.float32)
        seen[:, [U, V]] = turned[inside]
        return seen, 0.0


@pytest.mark.parametrize("step", [1, -1])
def test_a_walker_is_followed_to_the_end_though_he_turns(step: int) -> None:
    scene = Scene()
    known = np.arange(10) if step > 0 else np.arange(FRAMES - 1, FRAMES - 11, -1)
    speed = np.array([1.3, 0.0]) if step > 0 else np.array([1.2, 0.5])
    found = walk_on(scene.world(), scene.boxes[known], speed, int(known[-1]), step)
    assert found.frame.tolist() == list(
        range(10, FRAMES) if step > 0 else range(FRAMES - 11, -1, -1)
    )
    off = np.hypot(*(found.boxes[:, :2] - scene.boxes[found.frame, :2]).T)
    assert off.max() < 0.3  # straight on he would be 1.2 m off
    assert np.median(off) < 0.15
    assert (found.boxes[:, 3:6] == SIZE).all()


def test_he_is_given_up_where_no_points_are() -> None:
    scene = Scene(gone=range(20, FRAMES))
    found = walk_on(scene.world(), scene.boxes[:10], np.array([1.3, 0.0]), 9, 1)
    assert found.frame.tolist() == list(range(10, 20))


def test_he_is_followed_behind_something_for_a_moment() -> None:
    scene = Scene(gone=range(12, 15))
    found = walk_on(scene.world(), scene.boxes[:10], np.array([1.3, 0.0]), 9, 1)
    assert found.frame[-1] == FRAMES - 1


def test_a_track_that_never_had_points_is_not_followed() -> None:
    scene = Scene(points=0)
    assert len(walk_on(scene.world(), scene.boxes[:10], np.array([1.3, 0.0]), 9, 1).frame) == 0
