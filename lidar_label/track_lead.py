"""Tracks carried back before their first detection, where that lies at the detector's reach.

What comes nearer was there before it was near enough to be detected; known from behind, its path
is carried back over that time as in offline multi-object labelling (Fan et al., "Once Detected,
Never Lost", ICCV 2023, track it in both directions).
"""

from dataclasses import replace

import numpy as np

from lidar_label.track_smoothing import Paths
from lidar_label.track_stream import Stream


def led_in(paths: Paths, stream: Stream) -> Paths:
    """The paths with rows before the first of each track that begins far away and comes nearer.

    Args:
        paths: Of T tracks, world frame.
        stream: Their detections; its rules say how far away (`far_m`) and for how long (`lead_s`).

    Returns:
        Rows are added at the velocity of the track's first row, without detections; never before
        the first frame.
    """
    first = paths.start[:-1]
    if len(first) == 0:
        return paths
    place, velocity = paths.place[first], paths.velocity[first]
    lead_s = np.array([rule.lead_s for rule in stream.rules])[paths.group]
    far_m = np.array([rule.far_m for rule in stream.rules])[paths.group]
    ego = stream.world_from_ego[:, :2, 3]
    earliest = np.searchsorted(stream.seconds, stream.seconds[place] - lead_s - 1e-6)
    away = np.hypot(*(paths.boxes[first, :2] - ego[place]).T)
    earlier_s = stream.seconds[place] - stream.seconds[earliest]
    back = paths.boxes[first, :2] - velocity * earlier_s[:, None]
    comes = np.hypot(*(back - ego[earliest]).T) > away
    added = np.where((away >= far_m) & comes, place - earliest, 0)
    if not added.any():
        return paths
    track = np.repeat(np.arange(len(first)), added)
    start = np.concatenate(([0], np.cumsum(np.diff(paths.start) + added)))
    own = np.repeat(start[:-1] + added - first, np.diff(paths.start)) + np.arange(len(paths.place))
    new = np.setdiff1d(np.arange(start[-1]), own)
    lead = place[track] - added[track] + new - start[track]
    boxes = paths.boxes[first[track]]
    late_s = stream.seconds[place[track]] - stream.seconds[lead]
    boxes[:, :2] -= velocity[track] * late_s[:, None]
    order = np.empty(start[-1], dtype=np.int64)
    order[own] = np.arange(len(own))
    order[new] = len(own) + np.arange(len(new))
    nothing = np.full(len(new), -1)
    return replace(
        paths,
        start=start.astype(np.int64),
        place=np.concatenate((paths.place, lead))[order],
        detection=np.concatenate((paths.detection, nothing))[order],
        boxes=np.concatenate((paths.boxes, boxes))[order],
        velocity=np.concatenate((paths.velocity, velocity[track]))[order],
    )
