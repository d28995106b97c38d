"""Rectangles around many slices of points at once, and what the grid shows in and around boxes.

The angle is searched over a quarter turn by the closeness of points to the edges (Zhang et al.,
"Efficient L-Shape Fitting for Vehicle Detection Using Laser Scanners", IV 2017), coarse, then fine.
"""

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Ints32, Points
from lidar_label.kernels.jit import kernel
from lidar_label.kernels.segment_grid import CELL, GROUND, TALL

# Columns of `fit_slices`.
(ANGLE, U_LOW, U_HIGH, V_LOW, V_HIGH, RESIDUAL, BOTTOM, TOP, SHOULDER, LOWER, UPPER,
 THICKNESS) = range(12)  # fmt: skip
# Columns of `surroundings`.
(IN_GROUND, IN_OWN, IN_OTHER, IN_UNSEEN, RING_GROUND, RING_OWN, RING_OTHER, RING_TALL,
 RING_UNSEEN, PATCHES) = range(10)  # fmt: skip
_PATCH = 5  # cells along one side of a patch
_COARSE = 15  # angles in a quarter turn
_WIDE = 1.1  # metres; from there on something has two ends
_END = 0.18  # share of the width at either end
_LARGE = 4.0  # square metres
_SAMPLE = 96  # points that the search of the angle looks at


@kernel
def _extent(x: Floats, y: Floats, angle: float) -> tuple[float, float, float, float]:
    c, s = np.cos(angle), np.sin(angle)
    u0, u1, v0, v1 = np.inf, -np.inf, np.inf, -np.inf
    for i in range(len(x)):
        u = c * x[i] + s * y[i]
        v = c * y[i] - s * x[i]
        u0, u1 = min(u0, u), max(u1, u)
        v0, v1 = min(v0, v), max(v1, v)
    return u0, u1, v0, v1


@kernel
def _closeness(x: Floats, y: Floats, angle: float) -> float:
    u0, u1, v0, v1 = _extent(x, y, angle)
    c, s = np.cos(angle), np.sin(angle)
    total = 0.0
    for i in range(len(x)):
        u = c * x[i] + s * y[i]
        v = c * y[i] - s * x[i]
        d = min(min(u - u0, u1 - u), min(v - v0, v1 - v))
        total += 1.0 / max(d, 0.04)
    # Among equal fits the smaller rectangle is the likelier one.
    return float(total / len(x) - 0.5 * (u1 - u0 + 0.1) * (v1 - v0 + 0.1))


@kernel
def _shoulder(
    x: Floats, y: Floats, height: Floats32, points: Ints, top: float, sx: float, sy: float
) -> float:
    dx, dy = x.mean() - sx, y.mean() - sy
    reach = max(np.sqrt(dx * dx + dy * dy), 1e-6)
    across_x, across_y = -dy / reach, dx / reach
    low, high = np.inf, -np.inf
    for i in range(len(x)):
        t = across_x * x[i] + across_y * y[i]
        low, high = min(low, t), max(high, t)
    width = high - low
    if width < _WIDE:
        return np.nan
    left, right = 0.0, 0.0
    for i in range(len(x)):
        t = across_x * x[i] + across_y * y[i]
        if t < low + _END * width:
            left = max(left, height[points[i]])
        elif t > high - _END * width:
            right = max(right, height[points[i]])
    return float((left + right) / (2 * top))


@kernel
def _thickness(x: Floats, y: Floats) -> float:
    """Standard deviation across the principal axis as a share of that along it."""
    mean_x, mean_y = x.mean(), y.mean()
    xx, xy, yy = 0.0, 0.0, 0.0
    for i in range(len(x)):
        dx, dy = x[i] - mean_x, y[i] - mean_y
        xx += dx * dx
        xy += dx * dy
        yy += dy * dy
    middle = 0.5 * (xx + yy)
    half = np.sqrt(0.25 * (xx - yy) * (xx - yy) + xy * xy)
    return float(np.sqrt(max(middle - half, 0.0) / max(middle + half, 1e-12)))


@kernel
def fit_slices(
    points: Points,
    height: Floats32,
    order: Ints,
    start: Ints,
    stop: Ints,
    max_extent: float,
    sensor: Floats,
) -> Floats:
    """Fit a rectangle to every slice of `order`.

    Args:
        points: (N, 3) float32.
        height: (N,) height above ground.
        order: Indices of points; node k owns order[start[k]:stop[k]].
        start: (K,).
        stop: (K,).
        max_extent: Slices wider than this are not fitted; their row is NaN.
        sensor: (2,) x y.

    Returns:
        (K, 12) angle of the u axis, extents along u and v (metres, from the coordinates' origin),
        mean distance of the outline to the nearest edge, lowest and highest height above ground,
        and how high the two ends are that the sensor sees left and right, as a share of the top
        (wheels: low, a body: high), NaN for what looks narrow; shares of its points in the lower
        and in the upper third of its height, and its spread across as a share of that along.
    """
    result = np.full((len(start), 12), np.nan)
    buffer_x = np.empty(_SAMPLE)
    buffer_y = np.empty(_SAMPLE)
    for k in range(len(start)):
        n = stop[k] - start[k]
        x = np.empty(n)
        y = np.empty(n)
        bottom, top = np.inf, -np.inf
        for i in range(n):
            p = order[start[k] + i]
            x[i], y[i] = points[p, 0], points[p, 1]
            bottom, top = min(bottom, height[p]), max(top, height[p])
        u0, u1, v0, v1 = _extent(x, y, 0.0)
        if n < 3 or max(u1 - u0, v1 - v0) > max_extent:
            continue
        m = min(n, _SAMPLE)
        for i in range(m):
            j = i * n // m
            buffer_x[i], buffer_y[i] = x[j], y[j]
        sx, sy = buffer_x[:m], buffer_y[:m]
        best, best_angle = -np.inf, 0.0
        step = np.pi / 2 / _COARSE
        for a in range(_COARSE):
            score = _closeness(sx, sy, a * step)
            if score > best:
                best, best_angle = score, a * step
        middle = best_angle
        for a in range(-2, 3):
            score = _closeness(sx, sy, middle + a * step / 3)
            if score > best:
                best, best_angle = score, middle + a * step / 3
        u0, u1, v0, v1 = _extent(x, y, best_angle)
        c, s = np.cos(best_angle), np.sin(best_angle)
        residual = 0.0
        for i in range(n):
            u = c * x[i] + s * y[i]
            v = c * y[i] - s * x[i]
            residual += min(min(u - u0, u1 - u), min(v - v0, v1 - v))
        result[k, 0] = best_angle
        result[k, 1], result[k, 2], result[k, 3], result[k, 4] = u0, u1, v0, v1
        result[k, 5] = residual / n
        result[k, 6], result[k, 7] = bottom, top
        result[k, SHOULDER] = _shoulder(
            x, y, height, order[start[k] : stop[k]], float(top), sensor[0], sensor[1]
        )
        lower, upper = 0, 0
        for i in range(n):
            h = height[order[start[k] + i]]
            lower += 3.0 * h < top
            upper += 3.0 * h > 2.0 * top
        result[k, LOWER], result[k, UPPER] = lower / n, upper / n
        result[k, THICKNESS] = _thickness(x, y)
    return result


@kernel
def surroundings(
    boxes: Boxes,
    rank_from: Ints,
    rank_to: Ints,
    state: NDArray[np.uint8],
    rank: Ints32,
    centre: Floats,
    patches: NDArray[np.bool_],
) -> Floats32:
    """Count what the cells of the grid show inside each box and in a ring around it.

    Args:
        boxes: (M, 7).
        rank_from: (M,) first rank of the cells that the box's own segment holds.
        rank_to: (M,) one past the last.
        state: (side, side) what each cell shows.
        rank: (side, side) place of each cell in the tree.
        centre: (2,) of the grid.
        patches: From `ground_patches`.

    Returns:
        (M, 10) float32, as shares of the inner cells: ground, own, other, unseen; of the ring's:
        ground, own, other, tall, unseen; and the share of the patches around with ground in them.
    """
    side = state.shape[0]
    result = np.zeros((len(boxes), 10), dtype=np.float32)
    ring_width = 0.6
    shrink = 0.15
    for b in range(len(boxes)):
        x, y, length, width, yaw = boxes[b, 0], boxes[b, 1], boxes[b, 3], boxes[b, 4], boxes[b, 6]
        c, s = np.cos(yaw), np.sin(yaw)
        hl, hw = length / 2, width / 2
        rl, rw = hl + ring_width, hw + ring_width
        ex, ey = abs(c) * rl + abs(s) * rw, abs(s) * rl + abs(c) * rw
        gx0 = max(int((x - ex - centre[0]) / CELL + side / 2), 0)
        gx1 = min(int((x + ex - centre[0]) / CELL + side / 2) + 1, side)
        gy0 = max(int((y - ey - centre[1]) / CELL + side / 2), 0)
        gy1 = min(int((y + ey - centre[1]) / CELL + side / 2) + 1, side)
        inner, ring = 0, 0
        stride = 2 if length * width > _LARGE else 1  # shares of many cells need not all of them
        for gx in range(gx0, gx1, stride):
            for gy in range(gy0, gy1, stride):
                dx = (gx + 0.5 - side / 2) * CELL + centre[0] - x
                dy = (gy + 0.5 - side / 2) * CELL + centre[1] - y
                u, v = abs(c * dx + s * dy), abs(c * dy - s * dx)
                if u > rl or v > rw:
                    continue
                inside = u <= max(hl - shrink, 0.1) and v <= max(hw - shrink, 0.1)
                if not inside and u < hl + 0.1 and v < hw + 0.1:
                    continue  # the rim belongs to neither
                what = state[gx, gy]
                place = rank[gx, gy]
                if inside:
                    inner += 1
                    if place >= 0:
                        if rank_from[b] <= place < rank_to[b]:
                            result[b, IN_OWN] += 1
                        else:
                            result[b, IN_OTHER] += 1
                    elif what == GROUND:
                        result[b, IN_GROUND] += 1
                    else:
                        result[b, IN_UNSEEN] += 1
                else:
                    ring += 1
                    if place >= 0:
                        if what == TALL:
                            result[b, RING_TALL] += 1
                        if rank_from[b] <= place < rank_to[b]:
                            result[b, RING_OWN] += 1
                        else:
                            result[b, RING_OTHER] += 1
                    elif what == GROUND:
                        result[b, RING_GROUND] += 1
                    else:
                        result[b, RING_UNSEEN] += 1
        if inner > 0:
            result[b, :RING_GROUND] /= inner
        if ring > 0:
            result[b, RING_GROUND:PATCHES] /= ring
        result[b, PATCHES] = _patch_share(patches, boxes[b], centre)
    return result


@kernel
def _patch_share(patches: NDArray[np.bool_], box: Floats, centre: Floats) -> float:
    side = patches.shape[0]
    size = CELL * _PATCH
    c, s = np.cos(box[6]), np.sin(box[6])
    hl, hw = box[3] / 2, box[4] / 2
    reach = np.sqrt(hl * hl + hw * hw) + 1.5
    gx, gy = (box[0] - centre[0]) / size + side / 2, (box[1] - centre[1]) / size + side / 2
    wide = reach / size
    seen, total = 0, 0
    for i in range(max(int(gx - wide), 0), min(int(gx + wide) + 1, side)):
        for j in range(max(int(gy - wide), 0), min(int(gy + wide) + 1, side)):
            dx = (i + 0.5 - side / 2) * size + centre[0] - box[0]
            dy = (j + 0.5 - side / 2) * size + centre[1] - box[1]
            u, v = abs(c * dx + s * dy), abs(c * dy - s * dx)
            if u > hl + 1.5 or v > hw + 1.5 or (u < hl and v < hw):
                continue
            total += 1
            seen += patches[i, j]
    return seen / max(total, 1)


@kernel
def ground_patches(state: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(side/5, side/5) which square patches of the grid show ground anywhere."""
    side = state.shape[0] // _PATCH
    result = np.zeros((side, side), dtype=np.bool_)
    for i in range(side * _PATCH):
        for j in range(side * _PATCH):
            if state[i, j] == GROUND:
                result[i // _PATCH, j // _PATCH] = True
    return result


def usual_patch_share(patches: NDArray[np.bool_], bin_width: float) -> Floats:
    """Share of patches with ground at each distance where the view is free.

    The upper quartile over 24 sectors of each ring of `bin_width` metres: what this sensor shows of
    open ground at that distance, whatever its number of beams.
    """
    shares = np.sort(_sector_shares(patches, bin_width), axis=1)
    return np.maximum(shares[:, 18], 0.05)


@kernel
def _sector_shares(patches: NDArray[np.bool_], bin_width: float) -> Floats:
    """(rings, 24) share of patches with ground in each sector of each ring."""
    side = patches.shape[0]
    size = CELL * _PATCH
    rings = int(side * size / 2 / bin_width) + 1
    seen = np.zeros((rings, 24))
    total = np.zeros((rings, 24))
    for i in range(side):
        for j in range(side):
            dx, dy = (i + 0.5 - side / 2) * size, (j + 0.5 - side / 2) * size
            ring = int(np.sqrt(dx * dx + dy * dy) / bin_width)
            if ring < rings:
                sector = int((np.arctan2(dy, dx) + np.pi) * 24 / (2 * np.pi)) % 24
                total[ring, sector] += 1
                seen[ring, sector] += patches[i, j]
    return seen / np.maximum(total, 1)
