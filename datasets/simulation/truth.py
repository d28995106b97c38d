"""The exact truth: where each road user is at a frame, how much of it is seen, how often hit."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Ints, Strings, Transform
from lidar_label.calibration.transforms import invert
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.simulation.actors import Actor
from lidar_label.datasets.simulation.materials import Category
from lidar_label.datasets.simulation.stage import Shot

_STANDS = 0.2  # m/s, slower is standing
_SPOTS = np.stack(np.meshgrid((-0.8, -0.4, 0.0, 0.4, 0.8), (-0.7, 0.0, 0.7), (-0.6, 0.0, 0.6)), -1)


@dataclass(frozen=True, eq=False)
class FrameTruth:
    """Road users about the ego at one frame, A of them.

    Attributes:
        track: (A,) int64.
        boxes: (A, 7) x y z length width height yaw, ego frame.
        tilt: (A, 2) pitch and roll, ego frame.
        velocity: (A, 2) m/s over ground along the ego's x and y.
        visible: (A,) share of the lines of sight to it that nothing else blocks; NaN unknown.
    """

    track: Ints
    boxes: Boxes
    tilt: Floats
    velocity: Floats
    visible: Floats


def frame_truth(
    shot: Shot,
    actors: tuple[Actor, ...],
    time: float,
    world_from_ego: Transform,
    eye: Floats,
    reach: float,
) -> FrameTruth:
    """The truth at one time.

    Args:
        shot: what there is at that time, with panes that stop rays.
        actors: by their track.
        time: seconds.
        world_from_ego: (4, 4).
        eye: (3,) from where visibility is judged, world frame.
        reach: metres within which road users are listed.
    """
    near = [
        actor
        for actor in actors
        if np.linalg.norm(actor.motion.at(time)[:2] - world_from_ego[:2, 3]) < reach
    ]
    if not near:
        nothing = np.zeros(0, np.int64)
        return FrameTruth(
            nothing, np.zeros((0, 7)), np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)
        )
    poses = invert(world_from_ego) @ np.stack([actor.motion.poses(time) for actor in near])
    sizes = np.stack([actor.body.box for actor in near])
    centres = poses[:, :3, 3] + poses[:, :3, 2] * sizes[:, :1]
    yaw, pitch, roll = _angles(poses)
    speed = np.stack([actor.motion.at(time, 1)[:3] for actor in near]) @ world_from_ego[:3, :3]
    track = np.array([actor.track for actor in near], dtype=np.int64)
    return FrameTruth(
        track,
        np.column_stack((centres, sizes[:, 1:], yaw)),
        np.column_stack((pitch, roll)),
        speed[:, :2],
        _visible(shot, track, world_from_ego @ poses, sizes, eye),
    )


def _angles(poses: Transform) -> tuple[Floats, Floats, Floats]:
    """Yaw, pitch and roll of Rz(yaw) · Ry(pitch) · Rx(roll)."""
    yaw = np.arctan2(poses[:, 1, 0], poses[:, 0, 0])
    pitch = -np.arcsin(np.clip(poses[:, 2, 0], -1.0, 1.0))
    return yaw, pitch, np.arctan2(poses[:, 2, 1], poses[:, 2, 2])


def _visible(shot: Shot, track: Ints, poses: Transform, sizes: Floats, eye: Floats) -> Floats:
    """(A,) of rays from the eye to spots in each box that meet anything there, how many meet it."""
    unit = _SPOTS.reshape(-1, 3)
    local = unit * (sizes[:, None, 1:] / 2)
    local[:, :, 2] += sizes[:, :1]
    spots = np.einsum("aij,akj->aki", poses[:, :3, :3], local) + poses[:, None, :3, 3]
    toward = spots - eye
    length = np.linalg.norm(toward, axis=2)
    rays = (toward / length[:, :, None]).reshape(-1, 3)
    hits = shot.cast(eye, rays, phase=0.5, near=0.3, far=400.0, seed=0)
    distance = hits.distance.reshape(len(track), -1)
    met = np.where(hits.target >= 0, shot.track[np.maximum(hits.target, 0)], -1)
    own = met.reshape(len(track), -1) == track[:, None]
    # Blocked: something else lies well before the spot. Farther than it the ray has missed all.
    blocked = ~own & (distance < length - 0.3)
    asked = (own | blocked).sum(axis=1)
    return np.where(asked > 0, own.sum(axis=1) / np.maximum(asked, 1), np.nan)


def cuboids_of(
    frames: list[FrameTruth], counts: list[Ints], times: Ints, actors: tuple[Actor, ...]
) -> Cuboids:
    """All frames' cuboids; a track runs from the first to the last frame that has a point of it.

    Args:
        frames: truth of each frame.
        counts: of each frame the LiDAR points on each actor, by track.
        times: (F,) int64 of the frames.
        actors: by their track.
    """
    seen = np.greater(np.stack(counts), 0)
    ever: NDArray[np.bool_] = np.any(seen, axis=0).reshape(-1)
    first = seen.argmax(axis=0)
    last = len(seen) - 1 - seen[::-1].argmax(axis=0)
    parts: list[Cuboids] = []
    for k, frame in enumerate(frames):
        t = frame.track
        kept = np.flatnonzero(ever[t] & (first[t] <= k) & (k <= last[t]))
        t = t[kept]
        parts.append(
            Cuboids.of(
                frame.boxes[kept],
                frame=k,
                time_ns=int(times[k]),
                track_id=t,
                category=_texts(actors[i].body.category.label for i in t),
                pitch=frame.tilt[kept, 0],
                roll=frame.tilt[kept, 1],
                velocity=frame.velocity[kept],
                num_points=counts[k][t],
                attributes=_texts(
                    _attributes(actors[i], frame, int(j)) for i, j in zip(t, kept, strict=True)
                ),
            )
        )
    return Cuboids.concatenate(parts)


def _texts(values: Iterable[str]) -> Strings:
    """A column of texts, also of none."""
    return np.array([*values, None], dtype=object)[:-1]


def _attributes(actor: Actor, frame: FrameTruth, row: int) -> str:
    """What else is known of a row, as JSON."""
    found: dict[str, object] = {}
    if actor.body.category in (Category.CAR, Category.VAN, Category.TRUCK, Category.BUS):
        found["parked"] = actor.motion.is_still
    found["moving"] = bool(np.hypot(*frame.velocity[row]) > _STANDS)
    if np.isfinite(frame.visible[row]):
        found["visible"] = round(float(frame.visible[row]), 2)
    return json.dumps(found)
