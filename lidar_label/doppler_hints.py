"""Heading and speed of LiDAR boxes from the radar detections in them."""

import numpy as np

from lidar_label.arrays import Floats, wrap_angle
from lidar_label.cuboids import Cuboids
from lidar_label.kernels.boxes import points_in_boxes
from lidar_label.radar_points import MOVES, RadarPoints

_MARGIN_M = 0.5  # about a box: a radar's error of place
_TALL_M = 4.0  # detections are taken at any height: radars hardly tell it
_ALONG = 0.35  # cosine of heading and line of sight; below it Doppler says nothing of the heading
_SQUARE = 1.5  # length over width; below it the long side is no evidence of the heading


def hint_by_doppler(cuboids: Cuboids, points: RadarPoints) -> Cuboids:
    """The cuboids, turned to where their detections move, with their velocity.

    A box that is about as long as broad is turned to the side along which it moves; a long one only
    from back to front. Boxes whose detections stand, or cross the line of sight, stay as they are.

    Args:
        cuboids: Of one frame, ego frame.
        points: The radar detections of that frame.
    """
    if not len(cuboids) or not len(points):
        return cuboids
    boxes = cuboids.boxes.copy()
    grown = boxes + np.array([0, 0, 0, 2, 2, 0, 0]) * _MARGIN_M
    grown[:, 5] = 2 * _TALL_M
    inside = points_in_boxes(points.xyz.astype(np.float32), grown)
    velocity = cuboids.velocity.copy()
    for row in np.flatnonzero((inside & points.moving).any(axis=1)).tolist():
        movers = points.select(inside[row] & points.moving)
        if 2 * len(movers) < int(inside[row].sum()) and len(movers) < 3:
            continue  # most of what is there stands
        turned, speed = _heading(boxes[row], movers)
        if speed > MOVES:
            boxes[row] = turned
            ahead = np.array([np.cos(turned[6]), np.sin(turned[6])])
            velocity[row] = speed * ahead
    return cuboids.replace(boxes=boxes, velocity=velocity)


def _heading(box: Floats, movers: RadarPoints) -> tuple[Floats, float]:
    """The box turned to go forward, and its speed in m/s; 0 where Doppler does not tell."""
    sides = [0.0, np.pi] if box[3] > _SQUARE * box[4] else [0.0, np.pi / 2, np.pi, -np.pi / 2]
    sight = movers.toward[:, :2].mean(axis=0)
    going = float(np.median(movers.speed))
    best = max(sides, key=lambda side: going * float(_ahead(box[6] + side) @ sight))
    along = movers.toward[:, :2] @ _ahead(box[6] + best)
    if abs(float(along.mean())) < _ALONG:
        return box, 0.0
    turned = box.copy()
    turned[6] = float(wrap_angle(np.array(box[6] + best)))
    if best in (np.pi / 2, -np.pi / 2):
        turned[3], turned[4] = box[4], box[3]
    return turned, float(along @ movers.speed / (along @ along))


def _ahead(yaw: float) -> Floats:
    return np.array([np.cos(yaw), np.sin(yaw)])
