"""Bird's-eye cells of a sweep: where only ground was hit, where something stands, and how high."""

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints32, Points
from lidar_label.kernels.jit import kernel

CELL = 0.2  # metres; below the gap between two people side by side, above the point spacing
_DEEPEST = -1.0  # metres above ground; what lies deeper is an echo
_GROUND_TOP = 0.2  # metres
_TALLEST = 6.0  # metres above ground; nothing that is labelled on a road is higher
# Metres between the band and points above it that still belong together, and its growth with
# distance as the beams spread (a little over one beam of 32).
_TALL_GAP = 0.35
_TALL_GAP_PER_METRE = 0.012
# What a cell shows.
UNSEEN, GROUND, LOW, TALL = 0, 1, 2, 3


@kernel
def rasterise(
    points: Points, height: Floats32, low: float, high: float, cx: float, cy: float, side: int
) -> tuple[Ints32, Ints32, NDArray[np.uint8], Ints32, Ints32, Floats, Floats32, Floats32, Floats32]:
    """Sum up the points of each cell in a slot of its own, so that empty cells cost nothing."""
    n = len(points)
    slot_of = np.full(n, -1, dtype=np.int32)
    slot = np.full(side * side, -1, dtype=np.int32)
    state = np.zeros(side * side, dtype=np.uint8)
    most = min(n, side * side)
    cell_of = np.empty(most, dtype=np.int32)
    count = np.empty(most, dtype=np.int32)
    mean = np.empty((most, 2))
    low_z = np.empty(most, dtype=np.float32)
    high_z = np.empty(most, dtype=np.float32)
    tall_low = np.empty(most, dtype=np.float32)
    tall_high = np.empty(most, dtype=np.float32)
    used = 0
    half = side / 2
    for i in range(n):
        h = height[i]
        if not (h > _DEEPEST and h < _TALLEST):
            continue
        gx = (points[i, 0] - cx) / CELL + half
        gy = (points[i, 1] - cy) / CELL + half
        if not (gx >= 0 and gy >= 0 and gx < side and gy < side):
            continue
        cell = int(gx) * side + int(gy)
        if h < low:
            if state[cell] == UNSEEN and h < _GROUND_TOP:
                state[cell] = GROUND
            continue
        k = slot[cell]
        if k < 0:
            k = used
            used += 1
            slot[cell] = k
            cell_of[k], count[k] = cell, 0
            mean[k, 0], mean[k, 1] = 0.0, 0.0
            low_z[k], high_z[k], tall_low[k], tall_high[k] = np.inf, -np.inf, np.inf, 0.0
        if h <= high:
            slot_of[i] = k
            count[k] += 1
            mean[k, 0] += points[i, 0]
            mean[k, 1] += points[i, 1]
            low_z[k] = min(low_z[k], h)
            high_z[k] = max(high_z[k], h)
        else:
            tall_low[k] = min(tall_low[k], h)
            tall_high[k] = max(tall_high[k], h)
    tops = np.zeros(used, dtype=np.float32)
    for k in range(used):
        if count[k] == 0:
            continue
        mean[k, 0] /= count[k]
        mean[k, 1] /= count[k]
        cell = cell_of[k]
        state[cell] = LOW
        reach = np.hypot(mean[k, 0] - cx, mean[k, 1] - cy)
        limit = high_z[k] + _TALL_GAP + _TALL_GAP_PER_METRE * reach
        # Sparse beams rarely hit the same cell above and below: the neighbours count too.
        row, column = cell // side, cell % side
        for r in range(max(row - 1, 0), min(row + 2, side)):
            for c in range(max(column - 1, 0), min(column + 2, side)):
                near = slot[r * side + c]
                if near >= 0 and tall_low[near] < limit:
                    tops[k] = max(tops[k], tall_high[near])
        if tops[k] > 0:
            state[cell] = TALL
    return (
        slot_of,
        slot,
        state,
        cell_of[:used],
        count[:used],
        mean[:used],
        low_z[:used],
        high_z[:used],
        tops,
    )
