"""Sets of cells cut where they are thin: people side by side, a car against a hedge."""

import numpy as np

from lidar_label.arrays import Floats, Ints, Ints32
from lidar_label.kernels.jit import kernel
from lidar_label.kernels.segment_grid import CELL

_NECK = 0.4  # share of the smaller flank below which a dip in a histogram of points is a neck
_SMALL = 12  # cells; up to there, where people may stand close together,
_SMALL_NECK = 0.8  # a shallower dip is one


@kernel
def split_at_necks(set_of: Ints32, by_set: Ints, mean: Floats, count: Ints32) -> Ints32:
    """Pieces of the sets of cells that have a neck, as a cell of each piece; wholes stay.

    Along the principal axis of the set a histogram of its points shows a neck where people walk
    side by side or a car stands against a hedge.
    """
    m = len(set_of)
    piece = set_of.copy()
    at = 0
    while at < m:
        end = at
        while end < m and set_of[by_set[end]] == set_of[by_set[at]]:
            end += 1
        _split(by_set[at:end], mean, count, piece, 3)
        at = end
    return piece


@kernel
def _split(members: Ints, mean: Floats, count: Ints32, piece: Ints32, rounds: int) -> None:
    for _ in range(rounds):
        current = piece[members[0]]
        total, x, y = 0.0, 0.0, 0.0
        for i in members:
            if piece[i] == current:
                total += count[i]
                x += count[i] * mean[i, 0]
                y += count[i] * mean[i, 1]
        x, y = x / total, y / total
        xx, xy, yy = 0.0, 0.0, 0.0
        for i in members:
            if piece[i] == current:
                dx, dy = mean[i, 0] - x, mean[i, 1] - y
                xx, xy, yy = (
                    xx + count[i] * dx * dx,
                    xy + count[i] * dx * dy,
                    yy + count[i] * dy * dy,
                )
        angle = 0.5 * np.arctan2(2 * xy, xx - yy)
        c, s = np.cos(angle), np.sin(angle)
        low, high = np.inf, -np.inf
        for i in members:
            if piece[i] == current:
                u = c * (mean[i, 0] - x) + s * (mean[i, 1] - y)
                low, high = min(low, u), max(high, u)
        bins = int((high - low) / CELL) + 1
        if bins < 4 or bins > 40:
            return
        histogram = np.zeros(bins)
        for i in members:
            if piece[i] == current:
                u = c * (mean[i, 0] - x) + s * (mean[i, 1] - y)
                histogram[int((u - low) / CELL)] += count[i]
        best, neck = _SMALL_NECK if bins <= _SMALL else _NECK, -1
        for b in range(1, bins - 1):
            flank = min(histogram[:b].max(), histogram[b + 1 :].max())
            if flank > 4 and histogram[b] < best * flank:
                best, neck = histogram[b] / flank, b
        if neck < 0:
            return
        other = -1
        stays = current
        for i in members:
            if piece[i] == current:
                u = c * (mean[i, 0] - x) + s * (mean[i, 1] - y)
                if int((u - low) / CELL) > neck and other < 0:
                    other = i
        # A piece is named by one of its own cells.
        for i in members:
            if (
                piece[i] == current
                and int((c * (mean[i, 0] - x) + s * (mean[i, 1] - y) - low) / CELL) <= neck
            ):
                stays = i
                break
        for i in members:
            if piece[i] == current:
                u = c * (mean[i, 0] - x) + s * (mean[i, 1] - y)
                piece[i] = other if int((u - low) / CELL) > neck else stays
