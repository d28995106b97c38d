"""Ray casting: what a ray meets first, of the ground, standing solids and moving bodies."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints32
from lidar_label.errors import InvalidPoints
from lidar_label.kernels.height_field import HeightField, first_ground, ground_normal
from lidar_label.kernels.jit import kernel
from lidar_label.kernels.solids import (
    Solids,
    misses_ball,
    solid_bounds,
    solid_chances,
    solid_normal,
    solid_span,
    solid_table,
)
from lidar_label.kernels.volume_tree import MAX_DEPTH, Tree, build_tree

NOTHING, GROUND = -1, -2  # values of `Hits.target` that are no solid
_HUGE = 1e18


@dataclass(frozen=True, eq=False)
class Standing:
    """The ground and P solids that stand, ready to be cast at; world frame."""

    ground: HeightField
    table: Floats
    tree: Tree

    @classmethod
    def of(cls, ground: HeightField, solids: Solids) -> "Standing":
        """Take solids in the world frame."""
        return cls(ground, solid_table(solids), build_tree(solid_bounds(solids)))


@dataclass(frozen=True, eq=False)
class Moving:
    """B rigid bodies of solids that move evenly from phase 0 to phase 1, ready to be cast at.

    Attributes:
        table: (Q, 22) float64 of the parts, in the frame of their body.
        place: (2, B, 12) float64 at phase 0 and 1: x y z of the body's origin in the world and the
            rows of the rotation, body from world.
        extent: (B, 8) float64: bounds in its own frame, first part, end of its parts.
        tree: over the volumes that the bodies sweep, world frame.
    """

    table: Floats
    place: Floats
    extent: Floats
    tree: Tree

    @classmethod
    def of(cls, parts: Solids, first: NDArray[Any], world_from_body: NDArray[Any]) -> "Moving":
        """Make bodies of parts.

        Between its two ends a rotation is interpolated element by element: a turn of 0.2 rad
        shrinks the body by at most 0.5 %.

        Args:
            parts: solids in the frame of their body, body after body.
            first: (B + 1,) body b has the parts first[b]:first[b + 1], at least one.
            world_from_body: (2, B, 4, 4) at phase 0 and 1.
        """
        first = np.asarray(first, dtype=np.int64)
        poses = np.asarray(world_from_body, dtype=np.float64).reshape(2, len(first) - 1, 4, 4)
        centre, rotation = poses[:, :, :3, 3], poses[:, :, :3, :3]
        bounds = solid_bounds(parts)
        lower = np.minimum.reduceat(bounds[:, :3], first[:-1]) if len(bounds) else bounds[:, :3]
        upper = np.maximum.reduceat(bounds[:, 3:], first[:-1]) if len(bounds) else bounds[:, 3:]
        middle, half = (lower + upper) / 2, (upper - lower) / 2
        at = centre + np.einsum("tbij,bj->tbi", rotation, middle)
        reach = np.einsum("tbij,bj->tbi", np.abs(rotation), half)
        bulge = 0.02 * np.linalg.norm(np.abs(middle) + half, axis=1)[:, None]  # while it turns
        swept = (at - reach).min(axis=0) - bulge, (at + reach).max(axis=0) + bulge
        turned = rotation.transpose(0, 1, 3, 2).reshape(2, -1, 9)
        return cls(
            solid_table(parts),
            np.concatenate((centre, turned), axis=2),
            np.column_stack((lower, upper, first[:-1], first[1:])),
            build_tree(np.hstack(swept)),
        )

    @classmethod
    def none(cls) -> "Moving":
        """No body at all."""
        nothing = Solids(
            np.zeros(0, np.uint8), np.zeros((0, 3, 4)), np.zeros((0, 3)), np.zeros(0), np.zeros(0)
        )
        return cls.of(nothing, np.zeros(1, np.int64), np.zeros((2, 0, 4, 4)))


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
def _chance(seed: np.uint64, ray: int, solid: int) -> float:
    """A number in (0, 1] made of its arguments (SplitMix64, Steele et al., OOPSLA 2014)."""
    z = (
        seed
        + np.uint64(ray + 1) * np.uint64(0x9E3779B97F4A7C15)
        + np.uint64(solid + 1) * np.uint64(0xD1B54A32D192ED03)
    )
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float((z >> np.uint64(11)) + np.uint64(1)) * (1.0 / 9007199254740992.0)


@kernel
def _meet(
    table: Floats,
    p: int,
    name: int,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    near: float,
    far: float,
    seed: np.uint64,
    ray: int,
) -> tuple[float, int]:
    """Where a ray is stopped by solid p nearer than `far`, and at which face; inf for nowhere."""
    if misses_ball(table, p, ox, oy, oz, dx, dy, dz, far):
        return math.inf, 0
    begin, end, face = solid_span(table, p, ox, oy, oz, dx, dy, dz)
    if begin >= far or end <= near:
        return math.inf, 0
    path, through = solid_chances(table, p)
    if path > 0.0:
        t = max(begin, near) - path * math.log(_chance(seed, ray, name))
        return (t, face) if t < min(end, far) else (math.inf, 0)
    if begin <= near or (through > 0.0 and _chance(seed, ray, name) <= through):
        return math.inf, 0
    return begin, face


@kernel
def _enters(
    boxes: Floats,
    k: int,
    ox: float,
    oy: float,
    oz: float,
    ix: float,
    iy: float,
    iz: float,
    near: float,
    far: float,
) -> float:
    """Distance at which a ray (i = 1 / direction) enters a box; inf if not within [near, far]."""
    a0, a1 = (boxes[k, 0] - ox) * ix, (boxes[k, 3] - ox) * ix
    b0, b1 = (boxes[k, 1] - oy) * iy, (boxes[k, 4] - oy) * iy
    c0, c1 = (boxes[k, 2] - oz) * iz, (boxes[k, 5] - oz) * iz
    begin = max(max(min(a0, a1), min(b0, b1)), max(min(c0, c1), near))
    end = min(min(max(a0, a1), max(b0, b1)), min(max(c0, c1), far))
    return begin if begin <= end else math.inf


@kernel
def _inverse(value: float) -> float:
    return 1.0 / value if abs(value) > 1.0 / _HUGE else math.copysign(_HUGE, value)


@kernel
def _put_body(place: Floats, body: int, phase: float, frame: Floats) -> None:
    """Where a body is at a phase, into frame (12,): x y z, then the rows of body from world."""
    for k in range(12):
        frame[k] = (1.0 - phase) * place[0, body, k] + phase * place[1, body, k]


@kernel
def _meet_body(
    table: Floats,
    extent: Floats,
    frame: Floats,
    body: int,
    solids: int,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    near: float,
    far: float,
    seed: np.uint64,
    ray: int,
) -> tuple[float, int, int]:
    """As `_meet`, for the parts of a body that stands at `frame`: distance, part, face."""
    rx, ry, rz = ox - frame[0], oy - frame[1], oz - frame[2]
    x = frame[3] * rx + frame[4] * ry + frame[5] * rz
    y = frame[6] * rx + frame[7] * ry + frame[8] * rz
    z = frame[9] * rx + frame[10] * ry + frame[11] * rz
    ex = frame[3] * dx + frame[4] * dy + frame[5] * dz
    ey = frame[6] * dx + frame[7] * dy + frame[8] * dz
    ez = frame[9] * dx + frame[10] * dy + frame[11] * dz
    best, best_part, best_face = math.inf, -1, 0
    ix, iy, iz = _inverse(ex), _inverse(ey), _inverse(ez)
    if _enters(extent, body, x, y, z, ix, iy, iz, near, far) == math.inf:
        return best, best_part, best_face
    for part in range(int(extent[body, 6]), int(extent[body, 7])):
        t, face = _meet(
            table, part, solids + part, x, y, z, ex, ey, ez, near, min(best, far), seed, ray
        )
        if t < best:
            best, best_part, best_face = t, part, face
    return best, best_part, best_face


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
        ix, iy, iz = _inverse(dx), _inverse(dy), _inverse(dz)
        best, hit, face, owner = far, NOTHING, 0, -1
        t = first_ground(origin, heights, surfaces, levels, ox, oy, oz, dx, dy, dz, near, far)
        if t < best:
            best, hit = t, GROUND
        top = 0
        if solids and _enters(bounds, 0, ox, oy, oz, ix, iy, iz, near, best) < math.inf:
            waiting[0], when[0], top = 0, near, 1
        while top > 0:
            top -= 1
            if when[top] >= best:
                continue
            node = waiting[top]
            if links[node, 0] >= 0:
                left, right = node + 1, links[node, 0]
                a = _enters(bounds, left, ox, oy, oz, ix, iy, iz, near, best)
                b = _enters(bounds, right, ox, oy, oz, ix, iy, iz, near, best)
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
                t, side = _meet(table, p, p, ox, oy, oz, dx, dy, dz, near, best, seed, ray)
                if t < best:
                    best, hit, face = t, p, side
        if len(extent) and _enters(body_bounds, 0, ox, oy, oz, ix, iy, iz, near, best) < math.inf:
            waiting[0], when[0], top = 0, near, 1
        while top > 0:
            top -= 1
            if when[top] >= best:
                continue
            node = waiting[top]
            if body_links[node, 0] >= 0:
                left, right = node + 1, body_links[node, 0]
                a = _enters(body_bounds, left, ox, oy, oz, ix, iy, iz, near, best)
                b = _enters(body_bounds, right, ox, oy, oz, ix, iy, iz, near, best)
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
                _put_body(place, body, phases[ray], frame)
                t, p, side = _meet_body(
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
                _put_body(place, owner, phases[ray], frame)
                nx, ny, nz = _body_normal(body_table, frame, hit, face, px, py, pz)
            hit += solids
        distance[ray], target[ray] = best, hit
        normal[ray, 0], normal[ray, 1], normal[ray, 2] = nx, ny, nz


@kernel
def _body_normal(
    table: Floats, frame: Floats, part: int, face: int, px: float, py: float, pz: float
) -> tuple[float, float, float]:
    """Outward unit normal, world frame, at a world point on a part of a body that is at `frame`."""
    rx, ry, rz = px - frame[0], py - frame[1], pz - frame[2]
    nx, ny, nz = solid_normal(
        table, part, face,
        frame[3] * rx + frame[4] * ry + frame[5] * rz,
        frame[6] * rx + frame[7] * ry + frame[8] * rz,
        frame[9] * rx + frame[10] * ry + frame[11] * rz,
    )  # fmt: skip
    return (
        frame[3] * nx + frame[6] * ny + frame[9] * nz,
        frame[4] * nx + frame[7] * ny + frame[10] * nz,
        frame[5] * nx + frame[8] * ny + frame[11] * nz,
    )
