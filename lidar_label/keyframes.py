"""Few boxes that stand for a track, those between them, and the track after a person's change."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Ints, Mask, wrap_angle
from lidar_label.calibration.transforms import invert
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.errors import InvalidLabels
from lidar_label.kernels.jit import kernel
from lidar_label.refinement import DEFAULT_REFINEMENT, RefinementConfig, solve
from lidar_label.track_stream import as_poses, gather, move_boxes
from lidar_label.tracker_config import DEFAULT_CONFIG, TrackerConfig


def keyframes(
    track: Cuboids,
    world_from_ego: NDArray[Any] | None = None,
    *,
    metres: float = 0.05,
    radians: float = float(np.deg2rad(1.0)),
) -> Ints:
    """Choose the fewest boxes of one track from which `between` restores all the others.

    Args:
        track: One object, at most one row a frame.
        world_from_ego: (F, 4, 4) or (F, 7), pose of frame number i in row i; None: the ego stood.
        metres: How far a restored centre or size may be off.
        radians: How far a restored yaw may be off.

    Returns:
        (K,) rows, in order of frame; the first and the last are among them.
    """
    order = np.argsort(track.frame, kind="stable")
    moment = track.frame[order].astype(np.float64)
    if (np.diff(moment) <= 0).any():
        raise InvalidLabels("a track has two boxes in one frame; keep one of them")
    boxes = _in_world(track.select(order), world_from_ego)
    boxes[:, 6] = np.unwrap(boxes[:, 6])
    return order[fewest_knots(moment, boxes, metres, radians)].astype(np.int64)


def between(
    keys: Cuboids, frames: NDArray[Any], world_from_ego: NDArray[Any] | None = None
) -> Boxes:
    """(F', 7) boxes at `frames`, on straight lines in the world between the keys.

    Yaw turns the short way; before the first key and after the last the box stays where it is.
    """
    if len(keys) == 0:
        raise InvalidLabels("a track has no keyframes; give at least one")
    order = np.argsort(keys.frame, kind="stable")
    boxes = _in_world(keys.select(order), world_from_ego)
    boxes[:, 6] = np.unwrap(boxes[:, 6])
    moments = keys.frame[order].astype(np.float64)
    wanted = np.asarray(frames, dtype=np.int64)
    columns = [np.interp(wanted, moments, boxes[:, k]) for k in range(7)]
    restored = np.column_stack(columns)
    restored = move_boxes(invert(_poses_at(wanted, world_from_ego)), restored)
    restored[:, 6] = wrap_angle(restored[:, 6])
    return restored


def _poses_at(frames: Ints, world_from_ego: NDArray[Any] | None) -> NDArray[np.float64]:
    if world_from_ego is None:
        return np.broadcast_to(np.eye(4), (len(frames), 4, 4))
    poses = as_poses(world_from_ego, len(world_from_ego))
    if len(frames) and (frames.min() < 0 or frames.max() >= len(poses)):
        raise InvalidLabels(
            f"frames {frames.min()}…{frames.max()} have no pose; there are {len(poses)}"
        )
    return poses[frames]


def _in_world(track: Cuboids, world_from_ego: NDArray[Any] | None) -> Boxes:
    return move_boxes(_poses_at(track.frame.astype(np.int64), world_from_ego), track.boxes)


@kernel
def fewest_knots(moment: Floats, boxes: Boxes, metres: float, radians: float) -> Ints:
    """Fewest rows between which straight lines stay near all rows (shortest path, exact).

    Imai and Iri, "Polygonal approximations of a curve" (1988).
    """
    n = len(moment)
    steps = np.full(n, n + 1, dtype=np.int64)
    before = np.full(n, -1, dtype=np.int64)
    if n == 0:
        return before
    steps[0] = 0
    for b in range(1, n):
        for a in range(b - 1, -1, -1):
            if steps[a] + 1 >= steps[b]:
                continue
            near = True
            for k in range(a + 1, b):
                share = (moment[k] - moment[a]) / (moment[b] - moment[a])
                away = 0.0
                for c in range(7):
                    off = boxes[a, c] + share * (boxes[b, c] - boxes[a, c]) - boxes[k, c]
                    if c < 3:
                        away += off * off
                    elif c < 6:
                        near = near and abs(off) <= metres
                    else:
                        near = near and abs(off) <= radians
                if away > metres * metres or not near:
                    near = False
                    break
            if near:
                steps[b], before[b] = steps[a] + 1, a
    knots = np.empty(steps[n - 1] + 1, dtype=np.int64)
    k = n - 1
    for i in range(len(knots) - 1, -1, -1):
        knots[i] = k
        k = before[k]
    return knots


def solve_again(
    track: Cuboids,
    human: Mask,
    world_from_ego: NDArray[Any] | None = None,
    config: TrackerConfig = DEFAULT_CONFIG,
    refinement: RefinementConfig = DEFAULT_REFINEMENT,
) -> Cuboids:
    """Solve one track again after a person has changed some of its boxes.

    Args:
        track: One object in order of frame; the changed boxes in place.
        human: (N,) boxes that a person set. They come back exactly, and the others follow: the
            size is the person's, the path goes through the person's places.
        world_from_ego: (F, 4, 4) or (F, 7), pose of frame number i in row i; None: the ego stood.
        config: Rules of the classes.
        refinement: How to smooth.

    Returns:
        The same rows and columns; boxes and velocities solved.
    """
    human = np.asarray(human, dtype=np.bool_)
    if human.shape != (len(track),):
        raise InvalidLabels(
            f"human has shape {human.shape}; give one flag for each of {len(track)}"
        )
    if len(track) == 0:
        return track
    if (np.diff(track.frame) <= 0).any():
        raise InvalidLabels("frames of the track do not rise; sort them and keep one box a frame")
    frames = track.frame.astype(np.int64)
    rows = [track.select(np.array([i])) for i in range(len(track))]
    stream = gather(rows, _poses_at(frames, world_from_ego), config)
    boxes, velocity = solve(stream, human, config, refinement)
    boxes[human] = track.boxes[human]
    return track.replace(boxes=boxes, velocity=velocity)
