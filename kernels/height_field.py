"""A height field and where a ray first meets it.

The walk goes from coarse to fine as on maximum mipmaps (Tevs, Ihrke and Seidel, "Maximum mipmaps
for fast, accurate, and scalable dynamic height field rendering", I3D 2008), but the coarse levels
are sloped patches that bound the fine ones: on a slope, a ray close to the ground is below maxima.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32
from lidar_label.errors import InvalidPoints
from lidar_label.kernels.jit import kernel

_FLAT = 1e-12
_LEVELS, _SHIFT = 3, 3  # patches of 1, 8, 64 cells


class HeightField(NamedTuple):
    """Heights on a grid, bilinear between its nodes, and two coarser grids that bound it above.

    Attributes:
        origin: (3,) float64, x and y of node [0, 0] and the spacing of nodes, metres.
        heights: (Y, X) float32 metres.
        surfaces: (M,) float32, the nodes of the grid, then those of two coarser ones, whose patches
            of 8 and 64 cells nowhere lie below the first.
        levels: (3, 2) int64, each grid's start in `surfaces` and its nodes in a row.
    """

    origin: Floats
    heights: Floats32
    surfaces: Floats32
    levels: NDArray[np.int64]


def make_height_field(heights: NDArray[Any], x0: float, y0: float, cell: float) -> HeightField:
    """A height field whose node [row, column] stands at (x0 + column·cell, y0 + row·cell).

    Raises:
        InvalidPoints: if the heights are not a grid of at least 2 × 2 finite numbers.
    """
    heights = np.ascontiguousarray(heights, dtype=np.float32)
    if heights.ndim != 2 or min(heights.shape) < 2 or not np.isfinite(heights).all():
        raise InvalidPoints(
            f"heights have shape {heights.shape}; pass a grid of ≥ 2 × 2 finite numbers"
        )
    grids = [heights]
    grids += [_envelope(heights, 1 << (_SHIFT * level)) for level in range(1, _LEVELS)]
    starts = np.cumsum([0, *(grid.size for grid in grids)])
    return HeightField(
        np.array([x0, y0, cell], dtype=np.float64),
        heights,
        np.concatenate([grid.ravel() for grid in grids]),
        np.array([(start, grid.shape[1]) for start, grid in zip(starts[:-1], grids, strict=True)]),
    )


def _envelope(heights: Floats32, block: int) -> Floats32:
    """Nodes at every `block`-th node, such that the patches between them bound the heights above.

    A coarse patch through the heights at its corners differs from the fine ones by a function
    that is bilinear in each fine cell and so is greatest at a node. Each corner is raised by the
    greatest such difference in the patches around it.
    """
    fine = np.pad(heights, [(0, (1 - n) % block) for n in heights.shape], mode="edge")
    rows, columns = ((n - 1) // block for n in fine.shape)
    nodes = fine[::block, ::block].astype(np.float64)
    weight = (np.arange(block) / block)[None, :, None]
    across = nodes[:-1, None] * (1 - weight) + nodes[1:, None] * weight
    across = np.vstack((across.reshape(rows * block, -1), nodes[-1:]))
    excess = np.zeros((rows, columns))
    for k in range(block + 1):  # column k of every patch
        share = k / block
        base = across[:, :-1] * (1 - share) + across[:, 1:] * share
        over = fine[:, k : columns * block + k : block] - base
        over_rows = over[:-1].reshape(rows, block, columns).max(axis=1)
        excess = np.maximum(excess, np.maximum(over_rows, over[block::block]))
    around = np.pad(excess, 1, mode="edge")
    corner = np.maximum(
        np.maximum(around[:-1, :-1], around[1:, :-1]), np.maximum(around[:-1, 1:], around[1:, 1:])
    )
    return (nodes + corner + 1e-5 * (1 + np.abs(nodes))).astype(np.float32)


def height_at(field: HeightField, xy: NDArray[Any]) -> Floats:
    """Heights (N,) under (N, 2) places; outside the grid those of its nearest edge."""
    x0, y0, cell = field.origin
    rows, columns = field.heights.shape
    u = np.clip((np.asarray(xy, dtype=np.float64)[:, 0] - x0) / cell, 0, columns - 1)
    v = np.clip((np.asarray(xy, dtype=np.float64)[:, 1] - y0) / cell, 0, rows - 1)
    i = np.minimum(u.astype(np.int64), columns - 2)
    j = np.minimum(v.astype(np.int64), rows - 2)
    u, v, h = u - i, v - j, field.heights
    return (h[j, i] * (1 - u) + h[j, i + 1] * u) * (1 - v) + (
        h[j + 1, i] * (1 - u) + h[j + 1, i + 1] * u
    ) * v


@kernel
def _patch_hit(
    surfaces: Floats32,
    corner: int,
    row: int,
    u: float,
    v: float,
    z: float,
    du: float,
    dv: float,
    dz: float,
    begin: float,
    end: float,
) -> float:
    """First t in [begin, end] on or below a patch; u, v in cells from the patch's corner node."""
    h00 = float(surfaces[corner])
    h10 = float(surfaces[corner + 1]) - h00
    h01 = float(surfaces[corner + row]) - h00
    h11 = float(surfaces[corner + row + 1]) - h00 - h10 - h01
    # gap(t) = z − h = c + b t + a t², exact for a bilinear patch.
    c = z - (h00 + h10 * u + h01 * v + h11 * u * v)
    b = dz - (h10 * du + h01 * dv + h11 * (u * dv + v * du))
    a = -h11 * du * dv
    before, after = c + begin * (b + begin * a), c + end * (b + end * a)
    if before <= 0.0:
        return begin
    # Between its ends a parabola dips below the lower one by less than this.
    if min(before, after) > 0.25 * abs(a) * (end - begin) * (end - begin):
        return math.inf
    if abs(a) < _FLAT:
        if b >= 0.0:
            return math.inf
        t = -c / b
        return t if t <= end else math.inf
    root = b * b - 4.0 * a * c
    if root < 0.0:
        return math.inf
    q = -0.5 * (b + math.copysign(math.sqrt(root), b))
    first, second = q / a, (c / q if q != 0.0 else math.inf)
    if first > second:
        first, second = second, first
    if begin <= first <= end:
        return first
    if begin <= second <= end:
        return second
    return math.inf


@kernel
def _over_grid(
    at: float, along: float, limit: float, span: tuple[float, float]
) -> tuple[float, float]:
    """The part of a span of t in which at + t · along lies in [0, limit]."""
    if abs(along) < _FLAT:
        return span if 0.0 <= at <= limit else (math.inf, -math.inf)
    a, b = -at / along, (limit - at) / along
    return max(span[0], min(a, b)), min(span[1], max(a, b))


@kernel
def first_ground(
    origin: Floats,
    heights: Floats32,
    surfaces: Floats32,
    levels: NDArray[np.int64],
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    near: float,
    far: float,
) -> float:
    """Distance at which a ray meets a height field (its arrays) from above; +inf for nowhere."""
    per_metre = 1.0 / origin[2]
    u, v = (ox - origin[0]) * per_metre, (oy - origin[1]) * per_metre
    du, dv = dx * per_metre, dy * per_metre
    last_row, last_column = heights.shape[0] - 2, heights.shape[1] - 2
    t, end = _over_grid(u, du, float(last_column + 1), (near, far))
    t, end = _over_grid(v, dv, float(last_row + 1), (t, end))
    if t >= end:
        return math.inf
    inv_u = 1.0 / du if abs(du) > _FLAT else math.inf
    inv_v = 1.0 / dv if abs(dv) > _FLAT else math.inf
    ahead_u, ahead_v = (1 if du > 0.0 else 0), (1 if dv > 0.0 else 0)
    # A step this long across a border of cells makes sure that the next cell is looked up.
    nudge = 1e-6 / max(abs(du), abs(dv), 1e-3)
    level, shift = _LEVELS - 1, _SHIFT * (_LEVELS - 1)
    column = min(max(int(u + (t + nudge) * du), 0), last_column)
    row = min(max(int(v + (t + nudge) * dv), 0), last_row)
    while t < end:
        large_column, large_row = column >> shift, row >> shift
        leave = end
        if inv_u != math.inf:
            leave = min(leave, (((large_column + ahead_u) << shift) - u) * inv_u)
        if inv_v != math.inf:
            leave = min(leave, (((large_row + ahead_v) << shift) - v) * inv_v)
        if leave <= t:
            leave = min(t + nudge, end)
        scale = 1.0 / (1 << shift)
        hit = _patch_hit(
            surfaces,
            levels[level, 0] + large_row * levels[level, 1] + large_column,
            levels[level, 1],
            u * scale - large_column,
            v * scale - large_row,
            oz,
            du * scale,
            dv * scale,
            dz,
            t,
            leave,
        )
        if hit == math.inf:
            t = leave
            old_column, old_row = column, row
            column = min(max(int(u + (t + nudge) * du), 0), last_column)
            row = min(max(int(v + (t + nudge) * dv), 0), last_row)
            # Up only where the ray has left the larger cell too: the rest of that one is in reach.
            while level < _LEVELS - 1 and (
                column >> (shift + _SHIFT) != old_column >> (shift + _SHIFT)
                or row >> (shift + _SHIFT) != old_row >> (shift + _SHIFT)
            ):
                level += 1
                shift += _SHIFT
        elif level == 0:
            return hit
        else:
            t = hit
            level -= 1
            shift -= _SHIFT
            column = min(max(int(u + (t + nudge) * du), 0), last_column)
            row = min(max(int(v + (t + nudge) * dv), 0), last_row)
    return math.inf


@kernel
def ground_normal(
    origin: Floats, heights: Floats32, x: float, y: float
) -> tuple[float, float, float]:
    """Unit normal of a height field at a place over its grid."""
    u, v = (x - origin[0]) / origin[2], (y - origin[1]) / origin[2]
    i = min(max(int(u), 0), heights.shape[1] - 2)
    j = min(max(int(v), 0), heights.shape[0] - 2)
    u, v = u - i, v - j
    a, b = float(heights[j, i]), float(heights[j, i + 1])
    c, d = float(heights[j + 1, i]), float(heights[j + 1, i + 1])
    nx = -((b - a) * (1.0 - v) + (d - c) * v) / origin[2]
    ny = -((c - a) * (1.0 - u) + (d - b) * u) / origin[2]
    scale = 1.0 / math.sqrt(nx * nx + ny * ny + 1.0)
    return nx * scale, ny * scale, scale
