"""Where one ray meets one thing: a volume's bounds, a solid, a body that has moved."""

import math

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.kernels.jit import kernel
from lidar_label.kernels.solids import misses_ball, solid_chances, solid_normal, solid_span

_HUGE = 1e18


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
def meet(
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
def enters(
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
def inverse(value: float) -> float:
    """1 / value, and a huge number of its sign where that is none."""
    return 1.0 / value if abs(value) > 1.0 / _HUGE else math.copysign(_HUGE, value)


@kernel
def put_body(place: Floats, body: int, phase: float, frame: Floats) -> None:
    """Where a body is at a phase, into frame (12,): x y z, then the rows of body from world."""
    for k in range(12):
        frame[k] = (1.0 - phase) * place[0, body, k] + phase * place[1, body, k]


@kernel
def meet_body(
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
    """As `meet`, for the parts of a body that stands at `frame`: distance, part, face."""
    rx, ry, rz = ox - frame[0], oy - frame[1], oz - frame[2]
    x = frame[3] * rx + frame[4] * ry + frame[5] * rz
    y = frame[6] * rx + frame[7] * ry + frame[8] * rz
    z = frame[9] * rx + frame[10] * ry + frame[11] * rz
    ex = frame[3] * dx + frame[4] * dy + frame[5] * dz
    ey = frame[6] * dx + frame[7] * dy + frame[8] * dz
    ez = frame[9] * dx + frame[10] * dy + frame[11] * dz
    best, best_part, best_face = math.inf, -1, 0
    ix, iy, iz = inverse(ex), inverse(ey), inverse(ez)
    if enters(extent, body, x, y, z, ix, iy, iz, near, far) == math.inf:
        return best, best_part, best_face
    for part in range(int(extent[body, 6]), int(extent[body, 7])):
        t, face = meet(
            table, part, solids + part, x, y, z, ex, ey, ez, near, min(best, far), seed, ray
        )
        if t < best:
            best, best_part, best_face = t, part, face
    return best, best_part, best_face


@kernel
def body_normal(
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
