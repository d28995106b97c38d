"""Few boxes that stand for a track, those between them, and the track after a person's change."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Ints, wrap_angle
from lidar_label.calibration.transforms import invert
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.errors import InvalidLabels
from lidar_label.kernels.jit import kernel
from lidar_label.track_stream import as_poses, move_boxes, turn_back

_STILL_M = 1.0  # a path within this stands still
_END_ROWS = 5  # that say how a path goes on
_FADES_S = 3.0  # what a person's box says of a moving object's others, beyond the last one


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
    human: NDArray[Any],
    world_from_ego: NDArray[Any] | None = None,
    *,
    before: Boxes | None = None,
) -> Cuboids:
    """Solve one track again after a person has changed some of its boxes; for the editor.

    The machine's path keeps its shape and is bent to go through the person's boxes: what they
    differ from it is carried on in the world, on straight lines from one to the next. Before the
    first and after the last it is kept for what stands still and fades for what moves. A person
    who turns a box round turns the track.

    Args:
        track: One object in order of frame, at most one row a frame, as `annotate` or this function
            made it, with the person's boxes put in place.
        human: (N,) True where a person set the box (all such keyframes, not only the newest).
        world_from_ego: (F, 4, 4) or (F, 7), pose of frame number i in row i; None: the ego stood.
        before: (N, 7) the boxes of a person through which the path goes since it was last solved,
            NaN in all other rows. So a box that is moved in ten steps gives what one step gives.

    Returns:
        The same rows and columns; boxes and velocities solved. Boxes of a person come back exactly;
        all others have one size, the mean of the person's.

    Raises:
        InvalidLabels: if `human` does not fit, frames do not rise, or a frame has no pose.
    """
    certain = np.asarray(human, dtype=np.bool_)
    if certain.shape != (len(track),):
        raise InvalidLabels(
            f"human has shape {certain.shape}; give one flag for each of {len(track)}"
        )
    if (np.diff(track.frame) <= 0).any():
        raise InvalidLabels("frames of the track do not rise; sort them and keep one box a frame")
    keys, rest = np.flatnonzero(certain), np.flatnonzero(~certain)
    if len(keys) == 0 or len(rest) == 0:
        return track
    poses = _poses_at(track.frame.astype(np.int64), world_from_ego)
    world = move_boxes(poses, track.boxes)
    moment = _moments(track)
    passed = None if before is None else move_boxes(poses, before)
    path = _machine_path(world, moment, keys, rest, passed)
    missing = world[keys] - path[keys]
    missing[:, 6] = wrap_angle(missing[:, 6])
    still = float(np.ptp(world[rest, :2], axis=0).max()) < _STILL_M
    share = 1.0 if still else np.exp(-_beyond(moment, moment[keys]) / _FADES_S)
    carried = np.column_stack(
        [np.interp(moment, moment[keys], missing[:, column]) for column in range(7)]
    )
    carried[:, [0, 1, 2, 6]] *= np.reshape(share, (-1, 1))
    solved = path + carried
    solved[:, 3:6] = track.boxes[keys, 3:6].mean(axis=0)
    boxes = move_boxes(invert(poses), solved)
    boxes[:, 6] = wrap_angle(boxes[:, 6])
    boxes[keys] = track.boxes[keys]
    return track.replace(boxes=boxes, velocity=turn_back(poses, _velocity(solved, moment)))


def _moments(track: Cuboids) -> Floats:
    """(N,) seconds; 10 Hz where the track has no times."""
    times = track.time_ns.astype(np.float64)
    rises = (np.diff(times) > 0).all()
    return np.asarray((times - times[0]) / 1e9 if rises else track.frame * 0.1, dtype=np.float64)


def _machine_path(
    world: Boxes, moment: Floats, keys: Ints, rest: Ints, passed: Boxes | None
) -> Boxes:
    """(N, 7) the machine's boxes, bridged where a person's stand, facing as the person says.

    Where `passed` is finite the path goes through it.
    """
    path = world.copy()
    path[:, 6] = np.unwrap(path[:, 6])
    path[rest, 6] = np.unwrap(world[rest, 6])
    for column in range(7):
        path[keys, column] = np.interp(moment[keys], moment[rest], path[rest, column])
    for end, inner in ((rest[0], rest[:_END_ROWS][-1]), (rest[-1], rest[-_END_ROWS:][0])):
        if end != inner:  # it moves on as it does at its end
            outside = keys[keys < end] if end < inner else keys[keys > end]
            slope = (path[end] - path[inner]) / (moment[end] - moment[inner])
            ahead = (moment[outside] - moment[end])[:, None]
            path[outside] = path[end] + ahead * slope
    if passed is not None:
        known = keys[np.isfinite(passed[keys, 0])]
        turn = wrap_angle(passed[known, 6] - path[known, 6])
        path[known, :6], path[known, 6] = passed[known, :6], path[known, 6] + turn
    reversed_keys = np.cos(world[keys, 6] - path[keys, 6]) < 0
    if reversed_keys[-1] and reversed_keys.mean() >= 0.5:
        path[:, 6] += np.pi
    return path


def _beyond(moment: Floats, keys: Floats) -> Floats:
    """(N,) seconds before the first or after the last key; 0 between."""
    return np.maximum(np.maximum(keys[0] - moment, moment - keys[-1]), 0.0)


def _velocity(path: Boxes, moment: Floats) -> Floats:
    """(N, 2) m/s of the centres, over a second."""
    late = np.minimum(moment + 0.5, moment[-1])
    early = np.maximum(moment - 0.5, moment[0])
    at = [
        np.column_stack([np.interp(t, moment, path[:, k]) for k in range(2)]) for t in (late, early)
    ]
    return (at[0] - at[1]) / np.maximum(late - early, 1e-3)[:, None]
