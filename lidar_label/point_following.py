"""One box followed through the frames by the points of its object, with no detection to help.

For what the machine missed: a person draws one box, the points say where it was before and after;
and for the ends of tracks, where detectors give up before the beams do.
"""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Transform, wrap_angle
from lidar_label.calibration.transforms import invert
from lidar_label.kernels import box_alignment as at
from lidar_label.track_stream import move_boxes
from lidar_label.track_surroundings import Surroundings, rows_in

_FEWEST = 2  # points that show that an object is there
_ALIGNED = 8  # points that say where it is
_HIDDEN_S = 1.0  # what moves is followed behind something for so long
_STILL = 0.35  # m/s below which something stands
_GAIN, _SPEED_GAIN = 0.6, 0.35  # of the place and the speed (alpha–beta filter, Kalata 1984)
_YAW_GAIN = 0.3
_SURE_SD, _UNSURE_SD = 0.15, 0.4  # metres, of a predicted place: following, at the beginning
_YAW_SD = 0.05
_MARGIN, _RING = 0.4, 0.3  # metres around a box: that is searched; that should be empty
_SPEEDS = np.arange(-8.0, 25.1, 0.5)  # m/s along the heading that a drawn box may have
_WALKING = 2.5  # m/s, the most in any direction of what walks
_LOOK_S = 0.35  # seconds about a drawn box from which its speed is found
_RATHER_SLOW = 0.01  # roots of points that a m/s has to be worth
_NEAR = 1.0  # m/s about the best speed where it is looked for more finely
_JUMP = 0.45  # metres off the predicted place that say that something else is being followed


@dataclass(frozen=True, eq=False)
class World:
    """All that following needs to know of a recording.

    Attributes:
        surroundings: Points of all frames.
        world_from_ego: (F, 4, 4).
        seconds: (F,) of the frames.
        sensor: (2,) where the sensors sit, ego frame.
    """

    surroundings: Surroundings
    world_from_ego: Transform
    seconds: Floats
    sensor: Floats

    def ego_box(self, box: Floats, frame: int) -> Floats:
        """(7,) a box of the world in the ego frame of a frame."""
        return move_boxes(invert(self.world_from_ego[frame])[None], box[None])[0]

    def look(self, box: Floats, velocity: Floats, frame: int, margin: float) -> Floats32:
        """(K, 5) the points of a frame in and about a box (7,) of the world, as it sees them."""
        own = self.ego_box(box, frame)
        xyz, height, late_s = self.surroundings.frame(frame)
        turn = self.world_from_ego[frame][:2, :2].T
        _, rows = rows_in(xyz, own[None], np.full((1, 2), margin))
        return at.turn_into(xyz, height, late_s, own, turn @ velocity, self.sensor, rows)


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


def follow_box(world: World, box: Floats, frame: int, *, solid: bool) -> Followed:
    """Follow one box, as a person drew it, backwards and forwards.

    Args:
        world: The recording.
        box: (7,) world frame; its size is kept.
        frame: The one it was drawn in.
        solid: Beams stop on it (vehicles); else they lie about its middle (people, cycles).
    """
    box = np.asarray(box, dtype=np.float64)
    velocity = first_velocity(world, box, frame, walks=not solid and box[3] < 1.4)
    back = follow_on(world, box, velocity, frame, -1, solid=solid)
    ahead = follow_on(world, box, velocity, frame, 1, solid=solid)
    return Followed(
        np.concatenate((back.frame[::-1], [frame], ahead.frame)).astype(np.int64),
        np.concatenate((back.boxes[::-1], box[None], ahead.boxes)),
        np.concatenate((back.velocity[::-1], velocity[None], ahead.velocity)),
    )


def first_velocity(world: World, box: Floats, frame: int, *, walks: bool) -> Floats:
    """(2,) m/s at which a box moved on keeps its points inside and its surroundings empty."""
    near = np.flatnonzero(np.abs(world.seconds - world.seconds[frame]) <= _LOOK_S)
    near = near[near != frame]
    ahead = np.array([np.cos(box[6]), np.sin(box[6])])
    if walks:
        steps = np.arange(-_WALKING, _WALKING + 0.01, 0.25)
        candidates = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    else:
        candidates = _SPEEDS[:, None] * ahead
    ages = [_Age(world, box, int(k), frame, candidates) for k in near]
    if not ages:
        return np.zeros(2)
    like = _Age(world, box, frame, frame, np.zeros((1, 2))).counts(np.zeros((1, 2)))
    value = np.sum([age.value(candidates, like) for age in ages], axis=0)
    value -= _RATHER_SLOW * len(ages) * np.hypot(*candidates.T)
    best = candidates[int(value.argmax())]
    if np.hypot(*best) < _STILL:
        return np.zeros(2)
    if walks:
        return best
    finer = best + np.arange(-_NEAR, _NEAR + 0.01, 0.1)[:, None] * ahead
    value = np.sum([age.value(finer, like) for age in ages], axis=0)
    return np.asarray(finer[int(value.argmax())])


class _Age:
    """The points of one frame near all the places that a box may have come to."""

    def __init__(
        self, world: World, box: Floats, frame: int, since: int, candidates: Floats
    ) -> None:
        self._seconds = world.seconds[frame] - world.seconds[since]
        reach = float(np.abs(self._seconds) * np.hypot(*candidates.T).max())
        self._points = world.look(box, np.zeros(2), frame, reach + _RING)
        cos, sin = np.cos(box[6]), np.sin(box[6])
        self._turn = np.array([[cos, sin], [-sin, cos]])
        self._half = box[3:5] / 2

    def value(self, velocity: Floats, like: Floats) -> Floats:
        """(C,) how alike the points are at each velocity (C, 2) to `like` (1, 2) of `counts`."""
        return -(np.abs(self.counts(velocity) - like) @ np.array([1.0, 0.5]))

    def counts(self, velocity: Floats) -> Floats:
        """(C, 2) roots of the numbers of points in the box and around it at each velocity."""
        place = self._seconds * (velocity @ self._turn.T)
        off = np.abs(self._points[None, :, :2] - place[:, None])
        inside = (off < self._half + 0.05).all(axis=2).sum(axis=1)
        around = (off < self._half + _RING).all(axis=2).sum(axis=1) - inside
        return np.sqrt(np.column_stack((inside, around)))


def follow_on(
    world: World, box: Floats, velocity: Floats, frame: int, step: int, *, solid: bool
) -> Followed:
    """Follow a box from a frame on, forwards (`step` 1) or backwards (−1), until it is lost.

    Args:
        world: The recording.
        box: (7,) world frame.
        velocity: (2,) m/s; below walking pace it stands, and stays where it is.
        frame: Where the box is known; the answer begins after it.
        step: 1 or −1.
        solid: See `follow_box`.
    """
    still = float(np.hypot(*velocity)) < _STILL
    state, speed = box.copy(), velocity.copy()
    boxes: list[Floats] = []
    speeds: list[Floats] = []
    last, seen_s, jumps = 0, world.seconds[frame], 0
    k, place_sd = frame + step, _UNSURE_SD
    usual = _middle(world.look(state, speed, frame, 0.1))
    while 0 <= k < len(world.seconds):
        dt = world.seconds[k] - world.seconds[k - step]
        if still:
            own = world.ego_box(state, k)
            if np.hypot(*own[:2]) > 110.0:
                break
            inside = len(world.look(state, speed, k, 0.05))
            present = inside >= _FEWEST
            if present and inside < _LEFT * len(world.look(state, speed, k, _MARGIN)):
                leaves += 1
                if leaves > 1:
                    still = False
            else:
                leaves = 0
        if not still:
            state[:2] += speed * dt
            points = world.look(state, speed, k, _MARGIN if solid else 0.15)
            present = len(points) >= _FEWEST
            if present:
                turn, away = _measured(points, state, place_sd, usual, solid=solid)
                jumps = jumps + 1 if np.hypot(*turn[:2]) > _JUMP else 0
                if jumps > 1:
                    break
                gain = _GAIN if len(points) >= _ALIGNED else _GAIN / 2
                cos, sin = np.cos(state[6]), np.sin(state[6])
                shift = np.array([cos * turn[0] - sin * turn[1], sin * turn[0] + cos * turn[1]])
                state[:2] += gain * shift
                speed = speed + _SPEED_GAIN * gain * shift / dt
                state[6] = wrap_angle(state[6] + _YAW_GAIN * turn[2])
                usual = 0.9 * usual + 0.1 * away if np.isfinite(usual).all() else away
                place_sd = _SURE_SD
                if not solid and np.hypot(*speed) > 1.0:
                    way = np.arctan2(speed[1], speed[0])
                    off = wrap_angle(2 * (way - state[6])) / 2  # it may go backwards
                    state[6] = wrap_angle(state[6] + _YAW_GAIN * off)
        boxes.append(state.copy())
        speeds.append(np.zeros(2) if still else speed.copy())
        if present:
            last, seen_s = len(boxes), world.seconds[k]
        elif not still and abs(world.seconds[k] - seen_s) > _HIDDEN_S:
            break
        k += step
    return Followed(
        frame + step * np.arange(1, last + 1, dtype=np.int64),
        np.array(boxes[:last]).reshape(-1, 7),
        np.array(speeds[:last]).reshape(-1, 2),
    )


def _middle(points: Floats32) -> Floats:
    """(2,) of a look's points along and across; NaN of none."""
    if len(points) == 0:
        return np.full(2, np.nan)
    return np.asarray(points[:, :2].astype(np.float64).mean(axis=0))


def _measured(
    points: Floats32, box: Floats, place_sd: float, usual: Floats, *, solid: bool
) -> tuple[Floats, Floats]:
    """(3,) how far along, across and round the box is off; (2,) the middle of its points then."""
    if solid:
        start = np.array([0, len(points)], dtype=np.int64)
        extent = at.extents(start, points)
        moved = at.align(start, points, box[None, 3:5].copy(), place_sd, _YAW_SD, extent)[0]
        return moved, np.zeros(2)
    middle = _middle(points)
    off = middle - np.where(np.isfinite(usual), usual, middle)
    return np.array([off[0], off[1], 0.0]), middle - off
