"""People and cycles followed by their points beyond the ends of their tracks.

Beams pass between limbs and spokes, so that no face says where such a box is. What says it is the
middle of its points: it keeps its place in the box from one frame to the next.
"""

import numpy as np

from lidar_label.arrays import Boxes, Floats, Floats32
from lidar_label.kernels.box_alignment import U, V
from lidar_label.point_following import NOWHERE, Followed, World, to_world

_INNER = 4  # frames before the end, from which the middle's place in the box is learned
_FEWEST = 3  # points that have a middle
_PRESENT = 2  # points that show that it is there
_HIDDEN_S = 0.5  # it is followed behind something for so long
_FARTHEST = 70.0  # metres; beyond, a person is one or two points
_MARGIN = 0.2  # metres around the box that are searched
_HALF = 12.0  # points whose middle counts as much as where it was expected
_SPEED_GAIN = 0.15
_JUMP = 0.5  # metres off the expected place that say that something else is being followed


def walk_on(world: World, boxes: Boxes, velocity: Floats, frame: int, step: int) -> Followed:
    """Follow a person or cycle from the end of its track on, until it is lost.

    Args:
        world: The recording.
        boxes: (K, 7) the track's boxes, world frame; the last is at `frame`, each other one frame
            further from the end.
        velocity: (2,) m/s at the end.
        frame: Where the track ends; the answer begins after it.
        step: 1 forwards, −1 backwards.

    Returns:
        Where it was, up to the last frame in which points showed it.
    """
    k = frame + step
    if not 0 <= k < len(world.seconds):
        return NOWHERE
    offset = _middle_in_box(world, boxes, velocity, frame, step)
    if offset is None:
        return NOWHERE
    box, speed = boxes[-1].copy(), velocity.copy()
    found: list[Floats] = []
    speeds: list[Floats] = []
    last, seen_s, off = 0, float(world.seconds[frame]), 0
    while 0 <= k < len(world.seconds):
        dt = float(world.seconds[k] - world.seconds[k - step])
        box[:2] += speed * dt
        if np.hypot(*world.ego_box(box, k)[:2]) > _FARTHEST:
            break
        points, _ = world.look(box, speed, k, _MARGIN)
        if len(points) >= _FEWEST:
            miss = to_world(_middle(points) - offset, box[6])
            off = off + 1 if np.hypot(*miss) > _JUMP else 0
            if off > 1:
                break
            gain = len(points) / (len(points) + _HALF)
            box[:2] += gain * miss
            speed = speed + _SPEED_GAIN * gain * miss / dt
        found.append(box.copy())
        speeds.append(speed)
        if _inside(points, box) >= _PRESENT:
            last, seen_s = len(found), float(world.seconds[k])
        elif abs(world.seconds[k] - seen_s) > _HIDDEN_S:
            break
        k += step
    return Followed.after(frame, step, found[:last], speeds[:last])


def _middle_in_box(
    world: World, boxes: Boxes, velocity: Floats, frame: int, step: int
) -> Floats | None:
    """(2,) where the middle of its points lies, along and across; None where it has too few."""
    middles: list[Floats] = []
    for back in range(min(len(boxes), _INNER)):
        points, _ = world.look(boxes[-1 - back], velocity, frame - step * back, _MARGIN)
        if len(points) >= _FEWEST:
            middles.append(_middle(points))
    return np.median(middles, axis=0) if middles else None


def _middle(points: Floats32) -> Floats:
    return np.median(points[:, [U, V]], axis=0).astype(np.float64)


def _inside(points: Floats32, box: Floats) -> int:
    within = (np.abs(points[:, U]) <= box[3] / 2) & (np.abs(points[:, V]) <= box[4] / 2)
    return int(within.sum())
