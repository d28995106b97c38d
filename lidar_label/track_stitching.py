"""Which pieces of tracks are one object: broken tracks joined, doubled ones found."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lidar_label.arrays import Floats, Ints, Mask
from lidar_label.kernels.assignment import assign
from lidar_label.kernels.following import overlap_volumes
from lidar_label.track_smoothing import Paths


@dataclass(frozen=True)
class StitchingConfig:
    """When two pieces are taken for one object.

    Attributes:
        max_gap_s: Longest time between the end of one and the start of the next.
        tolerance: Metres that both may miss each other by when they stand.
        tolerance_per_s: Metres more for each second of gap, for what moves and turns unseen.
        double_overlap: Two tracks of one group that overlap by this (3D IoU, mean over the frames
            they share) for most of the shorter one are one object.
    """

    max_gap_s: float = 2.5
    tolerance: float = 0.8
    tolerance_per_s: float = 1.5
    double_overlap: float = 0.3


def renumber(track_of: Ints) -> Ints:
    """Tracks 0…T − 1 without holes, in the order of their first detection; −1 stays."""
    kept = track_of >= 0
    names, first = np.unique(track_of[kept], return_index=True)
    order = np.empty(len(names), dtype=np.int64)
    order[np.argsort(first)] = np.arange(len(names))
    result = np.full(len(track_of), -1, dtype=np.int64)
    result[kept] = order[np.searchsorted(names, track_of[kept])]
    return result


def stitch(paths: Paths, seconds: Floats, config: StitchingConfig) -> Ints:
    """(T,) the track that each one continues to be, itself where it begins.

    The end of one is moved on and the start of the other moved back to the middle of the gap, each
    by its own smoothed velocity; the pairs of least total distance are joined.
    """
    count = len(paths.group)
    first, last = paths.start[:-1], paths.start[1:] - 1
    begin_s, end_s = seconds[paths.place[first]], seconds[paths.place[last]]
    gap = begin_s[None, :] - end_s[:, None]
    possible = (gap > 0) & (gap <= config.max_gap_s)
    possible &= paths.group[:, None] == paths.group[None, :]
    a, b = np.nonzero(possible)
    half = gap[a, b, None] / 2
    there = paths.boxes[last[a], :2] + paths.velocity[last[a]] * half
    back = paths.boxes[first[b], :2] - paths.velocity[first[b]] * half
    apart = np.hypot(*(there - back).T)
    speed = np.maximum(np.hypot(*paths.velocity[last[a]].T), np.hypot(*paths.velocity[first[b]].T))
    unsure = np.minimum(config.tolerance_per_s, 0.3 + 0.3 * speed) * gap[a, b]
    cost = apart / (config.tolerance + unsure)
    near = cost < 1
    chosen = assign(a[near], b[near], cost[near], count, count, limit=1.0)
    root = np.arange(count)
    for t in np.argsort(begin_s, kind="stable"):  # earlier pieces are settled first
        following = chosen[t]
        if following >= 0:
            root[following] = root[t]
    return root


def doubles(paths: Paths, strength: Floats, config: StitchingConfig) -> Mask:
    """(T,) weaker tracks that lie in a stronger one of their group for most of their life."""
    count = len(paths.group)
    track = paths.track
    order = np.argsort(paths.place, kind="stable")
    bounds = np.flatnonzero(np.diff(paths.place[order], prepend=-1, append=-1))
    one, two = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for low, high in pairwise(bounds.tolist()):
        rows = order[low:high]
        centre = paths.boxes[rows, :2]
        reach = np.hypot(paths.boxes[rows, 3], paths.boxes[rows, 4]) / 2
        away = np.hypot(*(centre[:, None] - centre[None]).transpose(2, 0, 1))
        i, j = np.nonzero(np.triu(away < reach[:, None] + reach[None], 1))
        one.append(rows[i])
        two.append(rows[j])
    a, b = np.concatenate(one), np.concatenate(two)
    same = paths.group[track[a]] == paths.group[track[b]]
    a, b = a[same], b[same]
    overlap = overlap_volumes(paths.boxes[a], paths.boxes[b])
    key = np.minimum(track[a], track[b]) * count + np.maximum(track[a], track[b])
    pairs, code = np.unique(key, return_inverse=True)
    shared = np.bincount(code, minlength=len(pairs))
    mean = np.bincount(code, overlap, minlength=len(pairs)) / np.maximum(shared, 1)
    length = np.diff(paths.start)
    gone = np.zeros(count, dtype=np.bool_)
    for pair, frames, value in zip(pairs.tolist(), shared.tolist(), mean.tolist(), strict=True):
        low, high = divmod(pair, count)
        weak = low if strength[low] < strength[high] else high
        if value > config.double_overlap and frames > length[weak] / 2:
            gone[weak] = True
    return gone
