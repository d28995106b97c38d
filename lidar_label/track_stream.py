"""Detections of all frames in one world frame, as the tracking kernels take them, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Transform
from lidar_label.calibration.transforms import pose7_to_matrix
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.errors import InvalidLabels
from lidar_label.ontology import road_ontology
from lidar_label.tracker_config import GroupRules, TrackerConfig, log_odds

_FRAME_S = 0.1  # where labels have no times: LiDARs turn at 10 Hz
_NS_PER_S = 1e9


@dataclass(frozen=True, eq=False)
class Stream:
    """Detections of all frames in one world, ready for the kernels.

    Attributes:
        detections: All rows, in order of frame.
        frames: (F,) number of each frame, as written in `Cuboids.frame`.
        start: (F + 1,) rows of frame f are start[f]:start[f + 1].
        seconds: (F,) since the first frame.
        time_ns: (F,) of each frame.
        world_from_ego: (F, 4, 4).
        boxes: (N, 7) world frame.
        log_odds: (N,) of the scores.
        group: (N,) index of the rules.
        deviation: (N,) factor on a detection's noise.
        rules: One for each group.
    """

    detections: Cuboids
    frames: Ints
    start: Ints
    seconds: Floats
    time_ns: Ints
    world_from_ego: Transform
    boxes: Boxes
    log_odds: Floats
    group: Ints
    deviation: Floats
    rules: tuple[GroupRules, ...]


def as_poses(world_from_ego: NDArray[Any] | None, frames: int) -> Transform:
    """(F, 4, 4) poses; the identity where there are none.

    Raises:
        InvalidLabels: if they are not (F, 4, 4) or (F, 7), not finite, or not one a frame.
    """
    if world_from_ego is None:
        return np.broadcast_to(np.eye(4), (frames, 4, 4)).copy()
    poses = np.asarray(world_from_ego, dtype=np.float64)
    if poses.ndim == 2 and poses.shape[1] == 7:
        poses = pose7_to_matrix(poses)
    if poses.ndim != 3 or poses.shape[1:] != (4, 4):
        raise InvalidLabels(f"poses have shape {poses.shape}; give (F, 4, 4) or (F, 7)")
    if len(poses) != frames:
        raise InvalidLabels(f"{len(poses)} poses for {frames} frames; give one a frame")
    if not np.isfinite(poses).all():
        raise InvalidLabels("a pose is not finite; repair the trajectory")
    return np.ascontiguousarray(poses)


def move_boxes(a_from_b: Transform, boxes: Boxes) -> Boxes:
    """(N, 7) boxes of frame b in frame a, with a transform (N, 4, 4) for each."""
    moved = boxes.copy()
    moved[:, :3] = np.einsum("nij,nj->ni", a_from_b[:, :3, :3], boxes[:, :3]) + a_from_b[:, :3, 3]
    cos, sin = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    ahead_x = a_from_b[:, 0, 0] * cos + a_from_b[:, 0, 1] * sin
    ahead_y = a_from_b[:, 1, 0] * cos + a_from_b[:, 1, 1] * sin
    moved[:, 6] = np.arctan2(ahead_y, ahead_x)
    return moved


def turn_back(world_from_ego: Transform, velocity: Floats) -> Floats32:
    """(N, 2) velocities of the world along the ego's x and y, with a transform for each."""
    x = world_from_ego[:, 0, 0] * velocity[:, 0] + world_from_ego[:, 1, 0] * velocity[:, 1]
    y = world_from_ego[:, 0, 1] * velocity[:, 0] + world_from_ego[:, 1, 1] * velocity[:, 1]
    return np.column_stack((x, y)).astype(np.float32)


def gather(
    detections: Sequence[Cuboids], world_from_ego: NDArray[Any] | None, config: TrackerConfig
) -> Stream:
    """Bring all detections into one world."""
    poses = as_poses(world_from_ego, len(detections))
    every = Cuboids.concatenate(detections)
    counts = np.array([len(part) for part in detections], dtype=np.int64)
    start = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    frames, time_ns = _moments(detections)
    seconds = (time_ns - time_ns[0]) / _NS_PER_S if len(time_ns) else np.zeros(0)
    ontology = config.ontology or road_ontology()
    group_of = {name: config.group_of(name, ontology) for name in set(every.category.tolist())}
    score = np.where(np.isnan(every.score), 1.0, every.score)  # a person's box is certain
    return Stream(
        detections=every,
        frames=frames,
        start=start,
        seconds=seconds,
        time_ns=time_ns,
        world_from_ego=poses,
        boxes=move_boxes(np.repeat(poses, counts, axis=0), every.boxes),
        log_odds=log_odds(score),
        group=np.array([group_of[name] for name in every.category.tolist()], dtype=np.int64),
        deviation=np.ones(len(every)),
        rules=config.groups,
    )


def _moments(detections: Sequence[Cuboids]) -> tuple[Ints, Ints]:
    """Number and time of each frame; empty frames are counted on from their neighbours.

    Raises:
        InvalidLabels: if rows of one entry belong to several frames, or frames do not rise.
    """
    count = len(detections)
    known = np.array([i for i, part in enumerate(detections) if len(part)], dtype=np.int64)
    if len(known) == 0:
        return np.arange(count), (np.arange(count) * _FRAME_S * _NS_PER_S).astype(np.int64)
    for part in detections:
        if len(part) and (part.frame != part.frame[0]).any():
            raise InvalidLabels("detections of several frames in one entry; give one entry a frame")
    number = np.array([detections[i].frame[0] for i in known], dtype=np.int64)
    if not number.any():
        number = known
    if (np.diff(number) <= 0).any():
        raise InvalidLabels("frames of the detections do not rise; sort them")
    frames = _fill(known, number.astype(np.float64), count, 1.0)
    times = np.array([detections[i].time_ns[0] for i in known], dtype=np.int64)
    if (np.diff(times) <= 0).any() or not times.any():
        return frames, (frames * _FRAME_S * _NS_PER_S).astype(np.int64)
    return frames, times[0] + _fill(known, times - times[0], count, _FRAME_S * _NS_PER_S)


def _fill(known: Ints, value: NDArray[Any], count: int, pitch: float) -> Ints:
    """Values of all places 0…count − 1 from those of the known ones, straight lines between."""
    if len(known) > 1:
        pitch = float(np.median(np.diff(value) / np.diff(known)))
    place = np.arange(count)
    filled = np.interp(place, known, value)
    filled = np.where(place < known[0], value[0] + (place - known[0]) * pitch, filled)
    filled = np.where(place > known[-1], value[-1] + (place - known[-1]) * pitch, filled)
    return np.rint(filled).astype(np.int64)
