"""Ray casting: what a ray meets first, of the ground, standing solids and moving bodies."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints32
from lidar_label.errors import InvalidPoints
from lidar_label.kernels.height_field import first_ground, ground_normal
from lidar_label.kernels.jit import kernel
from lidar_label.kernels.ray_meeting import (
    body_normal,
    enters,
    inverse,
    meet,
    meet_body,
    put_body,
)
from lidar_label.kernels.ray_targets import Moving, Standing
from lidar_label.kernels.solids import solid_chances, solid_normal
from lidar_label.kernels.volume_tree import MAX_DEPTH

NOTHING, GROUND = -1, -2  # values of `Hits.target` that are no solid


class Hits(NamedTuple):
    """What N rays met.

    Attributes:
        distance: (N,) float32 metres; +inf where nothing.
        target: (N,) int32: NOTHING, GROUND, or the index of a solid: first those that stand, then
            the parts of the bodies.
        normal: (N, 3) float32, unit, outward, world frame; against the ray in foliage, zero where
            nothing.
    """

    distance: Floats32
    target: Ints32
    normal: Floats32


def cast_rays(
    standing: Standing,
    moving: Moving,
    origins: NDArray[Any],
    directions: NDArray[Any],
    *,
    phase: NDArray[Any] | float = 0.0,
    near: float = 0.0,
    far: float = 200.0,
    seed: int = 0,
) -> Hits:
    """Find what each ray meets first.

    Args:
        standing: the ground and the solids that stand.
        moving: the bodies that move.
        origins: (N, 3) metres, world frame, or one (3,) for all.
        directions: (N, 3) of unit length, world frame.
        phase: (N,) or one number in [0, 1]: when, within the bodies' motion, each ray is sent.
        near: metres; a surface closer than this is not seen.
        far: metres; nor is what lies farther.
        seed: of the chances taken at foliage and glass. A ray's chances depend on this seed, the
            ray's index and the solid's index alone.

    Raises:
        InvalidPoints: if the directions are not (N, 3) finite numbers.
    """
    directions = np.ascontiguousarray(directions, dtype=np.float64)
    if directions.ndim != 2 or directions.shape[1] != 3 or not np.isfinite(directions).all():
        raise InvalidPoints(
            f"directions have shape {directions.shape}; pass (N, 3) finite unit vectors"
        )
    count = len(directions)
    origins = np.ascontiguousarray(np.broadcast_to(origins, (count, 3)), dtype=np.float64)
    phases = np.ascontiguousarray(np.broadcast_to(phase, (count,)), dtype=np.float64)
    hits = Hits(
        np.full(count, np.inf, np.float32),
        np.full(count, NOTHING, np.int32),
        np.zeros((count, 3), np.float32),
    )
    _cast(
        *standing.ground, standing.table, *standing.tree,
        moving.table, moving.place, moving.extent, *moving.tree,
        origins, directions, phases, float(near), float(far),
        np.uint64(seed & 0xFFFFFFFFFFFFFFFF), *hits,
    )  # fmt: skip
    return hits


@kernel
def _cast(
    origin: Floats,
    heights: Floats32,
    surfaces: Floats32,
    levels: NDArray[np.int64],
    table: Floats,
    bounds: Floats,
    links: Ints32,
    order: Ints32,
    body_table: Floats,
    place: Floats,
    extent: Floats,
    body_bounds: Floats,
    body_links: Ints32,
    body_order: Ints32,
    origins: Floats,
    directions: Floats,
    phases: Floats,
    near: float,
    far: float,
    seed: np.uint64,
    distance: Floats32,
    target: Ints32,
    normal: Floats32,
) -> None:
    """Fill distance, target and normal, ray by ray."""
    waiting, when = np.empty(MAX_DEPTH + 4, np.int32), np.empty(MAX_DEPTH + 4)
    frame = np.empty(12)
    solids = len(table)
    for ray in range(len(directions)):
        ox, oy, oz = origins[ray, 0], origins[ray, 1], origins[ray, 2]
        dx, dy, dz = directions[ray, 0], directions[ray, 1], directions[ray, 2]
        ix, iy, iz = inverse(dx), inverse(dy), inverse(dz)
        best, hit, face, owner = far, NOTHING, 0, -1
        t = first_ground(origin, heights, surfaces, levels, ox, oy, oz, dx, dy, dz, near, far)
        if t < best:
            best, hit = t, GROUND
        top = 0
        if solids and enters(bounds, 0, ox, oy, oz, ix, iy, iz, near, best) < math.inf:
            waiting[0], when[0], top = 0, near, 1
        while top > 0:
            top -= 1
            if when[top] >= best:
                continue
            node = waiting[top]
            if links[node, 0] >= 0:
                left, right = node + 1, links[node, 0]
                a = enters(bounds, left, ox, oy, oz, ix, iy, iz, near, best)
                b = enters(bounds, right, ox, oy, oz, ix, iy, iz, near, best)
                if a > b:
                    left, right, a, b = right, left, b, a
                if b < math.inf:
                    waiting[top], when[top] = right, b
                    top += 1
                if a < math.inf:
                    waiting[top], when[top] = left, a
                    top += 1
                continue
            for i in range(links[node, 1], links[node, 2]):
                p = order[i]
                t, side = meet(table, p, p, ox, oy, oz, dx, dy, dz, near, best, seed, ray)
                if t < best:
                    best, hit, face = t, p, side
        if len(extent) and enters(body_bounds, 0, ox, oy, oz, ix, iy, iz, near, best) < math.inf:
            waiting[0], when[0], top = 0, near, 1
        while top > 0:
            top -= 1
            if when[top] >= best:
                continue
            node = waiting[top]
            if body_links[node, 0] >= 0:
                left, right = node + 1, body_links[node, 0]
                a = enters(body_bounds, left, ox, oy, oz, ix, iy, iz, near, best)
                b = enters(body_bounds, right, ox, oy, oz, ix, iy, iz, near, best)
                if a > b:
                    left, right, a, b = right, left, b, a
                if b < math.inf:
                    waiting[top], when[top] = right, b
                    top += 1
                if a < math.inf:
                    waiting[top], when[top] = left, a
                    top += 1
                continue
            for i in range(body_links[node, 1], body_links[node, 2]):
                body = body_order[i]
                put_body(place, body, phases[ray], frame)
                t, p, side = meet_body(
                    body_table, extent, frame, body, solids, ox, oy, oz, dx, dy, dz, near, best,
                    seed, ray,
                )  # fmt: skip
                if t < best:
                    best, hit, face, owner = t, p, side, body
        if hit == NOTHING:
            continue
        px, py, pz = ox + best * dx, oy + best * dy, oz + best * dz
        nx, ny, nz = -dx, -dy, -dz
        if hit == GROUND:
            nx, ny, nz = ground_normal(origin, heights, px, py)
        elif owner < 0:
            if solid_chances(table, hit)[0] == 0.0:
                nx, ny, nz = solid_normal(table, hit, face, px, py, pz)
        else:
            if solid_chances(body_table, hit)[0] == 0.0:
                put_body(place, owner, phases[ray], frame)
                nx, ny, nz = body_normal(body_table, frame, hit, face, px, py, pz)
            hit += solids
        distance[ray], target[ray] = best, hit
        normal[ray, 0], normal[ray, 1], normal[ray, 2] = nx, ny, nz
