"""One box followed through the frames by the points of its object, with no detection to help.

For the ends of tracks, where detectors give up before the beams do.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Transform, wrap_angle
from lidar_label.calibration.transforms import invert
from lidar_label.kernels import box_alignment as at
from lidar_label.kernels.packed_points import percentiles
from lidar_label.track_stream import move_boxes
from lidar_label.track_surroundings import Surroundings

_FEWEST = 2  # points that show that what stands is there
_ALIGNED = 8  # points that say where what moves is
_HIDDEN_S = 0.5  # what moves is followed behind something for so long
_STILL = 0.35  # m/s below which something stands
# Of the place, and of that the speed (alpha–beta filter, Kalata 1984).
_GAIN, _SPEED_GAIN = 0.6, 0.35
_YAW_GAIN = 0.3
_HEIGHT_GAIN = 0.3
_FARTHEST = 110.0  # metres
_SURE_SD, _UNSURE_SD = 0.15, 0.4  # metres, of a predicted place: following, at the beginning
_YAW_SD = 0.05
_MARGIN = 0.4  # metres around a box that is searched
_LEAVES = 0.25  # metres off its place, frame by frame, that show that what stood drives off
_JUMP = 0.45  # metres off the predicted place that say that something else is being followed


@dataclass(frozen=True, eq=False)
class World:
    """All that following needs to know of a recording.

    Attributes:
        surroundings: Points of all frames.
        world_from_ego: (F, 4, 4).
        seconds: (F,) of the frames.
    """

    surroundings: Surroundings
    world_from_ego: Transform
    seconds: Floats

    @cached_property
    def _ego_from_world(self) -> Transform:
        return invert(self.world_from_ego)

    def ego_box(self, box: Floats, frame: int) -> Floats:
        """(7,) a box of the world in the ego frame of a frame."""
        return move_boxes(self._ego_from_world[frame : frame + 1], box[None])[0]

    def look(
        self, box: Floats, velocity: Floats, frame: int, margin: float
    ) -> tuple[Floats32, float]:
        """(K, 5) the points of a frame in and about a box (7,) of the world, as it sees them.

        And metres from its bottom up to the ground below them, 0 where there are none.
        """
        own = self.ego_box(box, frame)
        turned = self.world_from_ego[frame, :2, :2].T @ velocity
        waist = at.WAIST * own[5:6]
        start, seen, ground = self.surroundings.look(
            frame, own[None], np.full(1, margin), waist, turned[None]
        )
        if len(seen) == 0:
            return seen, 0.0
        middle = percentiles(start, ground, 50.0)[0]
        return seen, float(middle) - float(own[2] - own[5] / 2)


@dataclass(frozen=True, eq=False)
class Followed:
    """Where an object was, in order of frame; world frame.

    Attributes:
        frame: (K,) without gaps, from the first to the last in which it was seen.
        boxes: (K, 7).
        velocity: (K, 2) m/s.
    """

    frame: Ints
    boxes: Boxes
    velocity: Floats

    @classmethod
    def after(cls, frame: int, step: int, boxes: list[Floats], velocity: list[Floats]) -> Self:
        """In the frames that come next, a box (7,) and a velocity (2,) for each."""
        return cls(
            frame + step * np.arange(1, len(boxes) + 1, dtype=np.int64),
            np.array(boxes).reshape(-1, 7),
            np.array(velocity).reshape(-1, 2),
        )


def to_world(along_across: Floats, yaw: float) -> Floats:
    """(2,) a shift along and across a box, in the frame in which its yaw is."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    u, v = along_across
    return np.array([cos * u - sin * v, sin * u + cos * v])


def follow_on(world: World, box: Floats, velocity: Floats, frame: int, step: int) -> Followed:
    """Follow a box from a frame on, forwards (`step` 1) or backwards (−1), until it is lost.

    Args:
        world: The recording.
        box: (7,) world frame.
        velocity: (2,) m/s; below walking pace it stands until its points move off.
        frame: Where the box is known; the answer begins after it.
        step: 1 or −1.
    """
    follower = _Follower(world, box, velocity, frame)
    boxes: list[Floats] = []
    speeds: list[Floats] = []
    last, seen_s = 0, world.seconds[frame]
    k = frame + step
    while 0 <= k < len(world.seconds):
        present = follower.go(k, float(world.seconds[k] - world.seconds[k - step]))
        if follower.lost:
            break
        boxes.append(follower.box.copy())
        speeds.append(np.zeros(2) if follower.stands else follower.velocity.copy())
        if present:
            last, seen_s = len(boxes), world.seconds[k]
        elif not follower.stands and abs(world.seconds[k] - seen_s) > _HIDDEN_S:
            break
        k += step
    return Followed.after(frame, step, boxes[:last], speeds[:last])


NOWHERE = Followed(np.zeros(0, dtype=np.int64), np.zeros((0, 7)), np.zeros((0, 2)))


class _Follower:
    """A box on its way through the frames."""

    def __init__(self, world: World, box: Floats, velocity: Floats, frame: int) -> None:
        self.box, self.velocity = box.copy(), velocity.copy()
        self.stands = float(np.hypot(*velocity)) < _STILL
        self.lost = False
        self._world = world
        self._off = 0  # frames in a row in which it was not where it was expected
        self._place_sd = _UNSURE_SD
        _, self._ground = world.look(box, velocity, frame, _MARGIN)

    def go(self, frame: int, dt: float) -> bool:
        """Move on to the next frame; True where points show the object."""
        if not self.stands:
            self.box[:2] += self.velocity * dt
        if np.hypot(*self._world.ego_box(self.box, frame)[:2]) > _FARTHEST:
            self.lost = True
            return False
        points, ground = self._world.look(self.box, self.velocity, frame, _MARGIN)
        if len(points) < (_FEWEST if self.stands else _ALIGNED):
            return False
        turn = self._measure(points)
        away = float(np.hypot(*turn[:2]))
        if self.stands:
            leaving = away > _LEAVES and len(points) >= _ALIGNED
            self._off = self._off + 1 if leaving else 0
            self.stands = self._off < 3
        else:
            self._off = self._off + 1 if away > _JUMP else 0
            self.lost = self._off > 1
        if not self.stands:
            self._correct(turn, ground, dt)
        return True

    def _measure(self, points: Floats32) -> Floats:
        """(3,) how far along, across and round the box is off."""
        start = np.array([0, len(points)], dtype=np.int64)
        size = self.box[None, 3:5].copy()
        extent = at.extents(start, points, at.WAIST * self.box[5:6])
        return at.align(start, points, size, self._place_sd, _YAW_SD, extent)[0]

    def _correct(self, turn: Floats, ground: float, dt: float) -> None:
        shift = to_world(turn[:2], self.box[6])
        self.box[:2] += _GAIN * shift
        self.box[2] += _HEIGHT_GAIN * float(np.clip(ground - self._ground, -0.3, 0.3))
        self.velocity = self.velocity + _SPEED_GAIN * _GAIN * shift / dt
        self.box[6] = wrap_angle(np.asarray(self.box[6] + _YAW_GAIN * turn[2]))
        self._place_sd = _SURE_SD
