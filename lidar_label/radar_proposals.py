"""Boxes of what moves, from radar alone: detections that go together in place and Doppler."""

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.cuboids import Cuboids
from lidar_label.kernels.boxes import nms
from lidar_label.kernels.clustering import dbscan
from lidar_label.ontology import Ontology, road_ontology
from lidar_label.radar_points import RadarPoints

_REACH_M = 2.0  # between detections of one object
_REACH_SPEED = 1.5  # m/s; limbs and turning bodies spread their Doppler by less
_WALKING = 3.0  # m/s; who is faster rides or drives
_BROAD_M = 1.6  # a group of detections this broad is a vehicle
_SPREAD_NEEDED = 0.02  # of lines of sight (as sin²); below it they tell only the speed along them
_LEAST = 3  # detections; fewer are mostly false alarms and ghosts (benchmark radar)
_SCORE, _SCORE_EACH, _SCORE_MOST = 0.3, 0.1, 0.9  # by detections


def propose_radar(points: RadarPoints, ontology: Ontology | None = None) -> Cuboids:
    """Boxes with velocity around moving detections, the likeliest first; ego frame, frame 0.

    Who crosses the line of sight does not show in Doppler, and the heading of a box is that of its
    velocity along the line of sight unless several lines cross it.
    """
    ontology = ontology or road_ontology()
    movers = points.select(points.moving)
    if not len(movers):
        return Cuboids.empty()
    scaled = movers.speed * (_REACH_M / _REACH_SPEED)
    place = np.column_stack((movers.xyz[:, :2], scaled)).astype(np.float32)
    cluster = dbscan(place, _REACH_M, _LEAST)
    rows = [_box(movers.select(cluster == k), ontology) for k in range(int(cluster.max()) + 1)]
    if not rows:
        return Cuboids.empty()
    boxes = np.array([box for box, *_ in rows])
    found = Cuboids.of(
        boxes,
        category=np.array([name for _, name, *_ in rows], dtype=object),
        velocity=np.array([velocity for *_, velocity, _ in rows]),
        num_points=np.array([count for *_, count in rows], dtype=np.int32),
        score=np.array(
            [min(_SCORE + _SCORE_EACH * (count - _LEAST), _SCORE_MOST) for *_, count in rows],
            dtype=np.float32,
        ),
        reason=np.array(
            [
                f"radar: {count} detections moving at {np.hypot(*velocity):.1f} m/s"
                for *_, velocity, count in rows
            ],
            dtype=object,
        ),
    )
    return found.select(nms(found.boxes, found.score, 0.1))


def _box(points: RadarPoints, ontology: Ontology) -> tuple[Floats, str, Floats, int]:
    """Box, class, velocity (2,) and number of detections of one group."""
    velocity = ground_velocity(points.toward[:, :2], points.speed)
    yaw = float(np.arctan2(velocity[1], velocity[0]))
    ahead = np.array([np.cos(yaw), np.sin(yaw)])
    speed = float(np.hypot(*velocity))
    extent = float(np.ptp(points.xyz[:, :2], axis=0).max())
    name = "car" if extent > _BROAD_M or speed > _WALKING else "pedestrian"
    label = ontology.find(name) or ontology.proposable()[0]
    length, width, height = label.size_mean
    sight = points.toward[:, :2].mean(axis=0)
    sight /= max(float(np.linalg.norm(sight)), 1e-9)
    # Radars see near faces: the box begins at the nearest detections and lies behind them.
    along = points.xyz[:, :2] @ sight
    across = abs(float(ahead @ sight))
    half = (length * across + width * np.sqrt(max(1 - across**2, 0.0))) / 2
    middle = points.xyz[:, :2].mean(axis=0)
    middle = middle + sight * (max(float(along.min()) + half, float(along.mean())) - along.mean())
    up = float(np.median(points.xyz[:, 2]))
    box = np.array([*middle, up, length, width, height, yaw])
    return box, label.name, velocity, len(points)


def ground_velocity(toward: Floats, speed: Floats) -> Floats:
    """(2,) m/s of a body from its detections' lines of sight (N, 2) and speeds along them (N,)."""
    sight = toward.mean(axis=0)
    sight /= max(float(np.linalg.norm(sight)), 1e-9)
    spread = 1 - (toward @ sight) ** 2
    if len(speed) >= 4 and float(spread.max()) > _SPREAD_NEEDED:
        return np.linalg.lstsq(toward, speed, rcond=1e-2)[0].astype(np.float64)
    return sight * float(np.median(speed / np.maximum(toward @ sight, 0.1)))
