"""Tracks carried on before their first and after their last detection, while points show them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from lidar_label.arrays import Boxes, Floats, Ints, Mask
from lidar_label.kernels.following import overlap_volumes
from lidar_label.point_following import Followed, World, follow_on
from lidar_label.track_smoothing import Paths
from lidar_label.walker_following import walk_on

_TAKEN = 0.1  # IoU as volumes with another track's box from which it is that one's object


def carried_on(paths: Paths, world: World, solid: Mask) -> Paths:
    """The paths with rows before and after, without detections.

    Args:
        paths: Of T tracks.
        world: The recording.
        solid: (T,) beams stop on its faces.
    """
    by_frame = _boxes_of_frames(paths, len(world.seconds))
    parts: list[tuple[Ints, Ints, Boxes, Floats]] = []
    counts: list[int] = []
    for t in range(len(paths.group)):
        rows = slice(int(paths.start[t]), int(paths.start[t + 1]))
        place, boxes, velocity = paths.place[rows], paths.boxes[rows], paths.velocity[rows]
        sides: list[Followed] = []
        for step, end in ((-1, 0), (1, -1)):
            if solid[t]:
                found = follow_on(world, boxes[end], velocity[end], int(place[end]), step)
            else:
                inward = boxes if step > 0 else boxes[::-1]
                found = walk_on(world, inward, velocity[end], int(place[end]), step)
            sides.append(_until_taken(found, by_frame))
        back, ahead = sides
        parts.append(
            (
                np.concatenate((back.frame[::-1], place, ahead.frame)),
                np.concatenate(
                    (np.full(len(back.frame), -1), paths.detection[rows],
                     np.full(len(ahead.frame), -1))
                ),
                np.concatenate((back.boxes[::-1], boxes, ahead.boxes)),
                np.concatenate((back.velocity[::-1], velocity, ahead.velocity)),
            )
        )  # fmt: skip
        counts.append(len(parts[-1][0]))
    if not parts:
        return paths
    place, detection, boxes, velocity = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    start = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return replace(
        paths, start=start, place=place, detection=detection, boxes=boxes, velocity=velocity
    )


def _boxes_of_frames(paths: Paths, frames: int) -> list[Boxes]:
    order = np.argsort(paths.place, kind="stable")
    bounds = np.searchsorted(paths.place[order], np.arange(frames + 1))
    return [paths.boxes[order[a:b]] for a, b in pairwise(bounds.tolist())]


def _until_taken(found: Followed, by_frame: list[Boxes]) -> Followed:
    """Up to where it runs into what another track already holds."""
    for k, frame in enumerate(found.frame.tolist()):
        others = by_frame[frame]
        own = np.repeat(found.boxes[k : k + 1], len(others), axis=0)
        if (overlap_volumes(own, others) > _TAKEN).any():
            return Followed(found.frame[:k], found.boxes[:k], found.velocity[:k])
    return found
