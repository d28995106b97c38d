"""Ego poses corrected by what stands still: all of it must keep its place in the world.

Poses from visual odometry or GPS drift, and then parked cars seem to creep. Every standing track is
a landmark; frames and landmarks are solved together (object-level bundle adjustment, after Yang and
Scherer, "CubeSLAM", IEEE T-RO 2019, here planar, linear and with the given poses as odometry).
"""

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import spsolve

from lidar_label.arrays import Floats, Ints, Mask
from lidar_label.calibration.transforms import from_yaw
from lidar_label.kernels.motion import POSITION
from lidar_label.track_smoothing import deviations
from lidar_label.track_stream import Stream, move_boxes
from lidar_label.tracker_config import noise_of

# Poses go wrong slowly (scale, heading), so that from one to the next they are better than their
# drift over seconds, seen as a random walk, says.
_STEADY = 0.3
_LEAST_DRIFT = 0.2  # m/√s: a slow one is lost in the detections' noise
_LEVER = 20.0  # m: a pose that drifts by so much to the side also turns by that over this distance
_ROUNDS = 4  # of reweighting
_HUBER = 2.0  # standard deviations from which a detection counts less
_HELD = 1e-3  # m and rad: the first pose stays where it is
_FEWEST = 2  # detections of a landmark


def with_corrected_poses(stream: Stream, track_of: Ints, still: Mask, drift: float) -> Stream:
    """The same detections in a world in which standing tracks stay where they are.

    Args:
        stream: Detections of all frames.
        track_of: (N,) track 0…T − 1 of each, −1 for none.
        still: (T,) tracks that stand still.
        drift: m/√s by which the poses drift, as far as is known.
    """
    rows = np.flatnonzero(track_of >= 0)
    rows = rows[still[track_of[rows]]] if len(still) else rows
    counts = np.bincount(track_of[rows], minlength=len(still))
    rows = rows[counts[track_of[rows]] >= _FEWEST]
    frames = len(stream.frames)
    if len(rows) == 0 or frames < 2:
        return stream
    _, landmark = np.unique(track_of[rows], return_inverse=True)
    place = np.searchsorted(stream.start, rows, side="right") - 1
    noise = noise_of(stream.rules)[stream.group[rows], POSITION] * deviations(stream)[rows]
    shift = _solve(
        stream.boxes[rows, :2],
        stream.world_from_ego[:, :2, 3],
        place,
        landmark,
        noise,
        np.maximum(np.diff(stream.seconds), 1e-3),
        _STEADY * max(drift, _LEAST_DRIFT),
    )
    turn = from_yaw(np.zeros((frames, 3)), shift[:, 2])
    poses = stream.world_from_ego.copy()
    poses[:, :3, :3] = turn[:, :3, :3] @ poses[:, :3, :3]
    poses[:, :2, 3] += shift[:, :2]
    every = np.repeat(poses, np.diff(stream.start), axis=0)
    return replace(stream, world_from_ego=poses, boxes=move_boxes(every, stream.detections.boxes))


def _solve(
    seen: Floats,
    ego: Floats,
    place: Ints,
    landmark: Ints,
    noise: Floats,
    seconds: Floats,
    drift: float,
) -> Floats:
    """(F, 3) shift x y (metres) and turn (radians, about the ego) of each frame.

    Args:
        seen: (K, 2) world places of the detections by the given poses.
        ego: (F, 2) world places of the ego.
        place: (K,) frame of each.
        landmark: (K,) which landmark.
        noise: (K,) metres.
        seconds: (F − 1,) between frames.
        drift: m/√s.
    """
    frames, count, marks = len(ego), len(seen), int(landmark.max()) + 1
    arm = seen - ego[place]
    row = np.arange(count)
    column = np.concatenate(
        [np.column_stack((3 * place + axis, 3 * place + 2, 3 * frames + 2 * landmark + axis))
         for axis in range(2)]
    )  # fmt: skip
    value = np.concatenate(
        [np.column_stack((np.ones(count), (-arm[:, 1], arm[:, 0])[axis], -np.ones(count)))
         for axis in range(2)]
    )  # fmt: skip
    steps = 3 * (frames - 1)
    odometry = np.column_stack((np.arange(steps) + 3, np.arange(steps)))
    stiff = 1 / (np.sqrt(seconds)[:, None] * np.array([drift, drift, drift / _LEVER])).ravel()
    held = np.full(3, 1 / _HELD)
    weight = np.ones(count)
    answer = np.zeros(3 * frames + 2 * marks)
    for _ in range(_ROUNDS):
        both = np.tile(np.sqrt(weight) / noise, 2)
        entries = np.concatenate(
            ((value * both[:, None]).ravel(), np.column_stack((stiff, -stiff)).ravel(), held)
        )
        rows = np.concatenate(
            (np.repeat(np.concatenate((row, row + count)), 3),
             np.repeat(np.arange(steps) + 2 * count, 2),
             np.arange(3) + 2 * count + steps)
        )  # fmt: skip
        columns = np.concatenate((column.ravel(), odometry.ravel(), np.arange(3)))
        shape = (2 * count + steps + 3, len(answer))
        system = csr_matrix((entries, (rows, columns)), shape=shape)
        right = np.zeros(shape[0])
        right[: 2 * count] = -both * seen.T.ravel()
        normal = (system.T @ system).tocsc()
        answer = np.asarray(spsolve(normal, system.T @ right), dtype=np.float64)
        shift = answer[: 3 * frames].reshape(-1, 3)
        mark = answer[3 * frames :].reshape(-1, 2)
        turned = np.column_stack((-arm[:, 1], arm[:, 0])) * shift[place, 2:]
        off = np.hypot(*(seen + shift[place, :2] + turned - mark[landmark]).T) / noise
        weight = np.minimum(1.0, _HUBER / np.maximum(off, 1e-9))
    return answer[: 3 * frames].reshape(-1, 3)
