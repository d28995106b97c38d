"""Convex solids: tapered boxes and cylinders, ellipsoids; and where a ray meets them."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats
from lidar_label.kernels.jit import kernel

BOX, CYLINDER, ELLIPSOID = 0, 1, 2
CURVED = 6  # face of a hit on a curved surface; 0 … 5 are +x −x +y −y +z −z
# Columns of the table that the kernels read; the map to unit coordinates is in the first twelve.
_TAPER, _FREE_PATH, _TRANSMISSION, _KIND, _BALL, _WIDTH = 12, 15, 16, 17, 18, 22
_PARALLEL = 1e-12


class Solids(NamedTuple):
    """P convex solids, each a unit shape seen through its own affine map.

    Unit shapes: BOX |x|, |y|, |z| ≤ 1 with sides drawn in towards the top (a hip or gable roof, a
    car's cabin); CYLINDER x² + y² ≤ 1, |z| ≤ 1, or a cone; ELLIPSOID x² + y² + z² ≤ 1.

    Attributes:
        kind: (P,) uint8 BOX, CYLINDER or ELLIPSOID.
        local: (P, 3, 4) float64, unit coordinates = local · (x, y, z, 1) in the solids' frame.
        taper: (P, 3) float64, how far the faces +x, −x and both ±y (of a cylinder the first: its
            radius) have moved in at the top, in half sizes; 0 is upright.
        free_path: (P,) float64 metres that a ray gets inside on average before something stops it
            (foliage); 0: stopped at the surface.
        transmission: (P,) float64, probability that a ray does not notice the solid (glass).
    """

    kind: NDArray[np.uint8]
    local: Floats
    taper: Floats
    free_path: Floats
    transmission: Floats


def solid_bounds(solids: Solids) -> Floats:
    """(P, 6) lower and upper corner of each solid in the solids' frame."""
    if not len(solids.kind):
        return np.zeros((0, 6))
    from_local = np.linalg.inv(solids.local[:, :, :3])
    centre = -np.einsum("pij,pj->pi", from_local, solids.local[:, :, 3])
    # Half extents of a box |A|·1, of an ellipsoid the row norms of A, of a cylinder both.
    box = np.abs(from_local).sum(axis=2)
    ball = np.linalg.norm(from_local, axis=2)
    tube = np.linalg.norm(from_local[:, :, :2], axis=2) + np.abs(from_local[:, :, 2])
    kind = solids.kind[:, None]
    half = np.where(kind == BOX, box, np.where(kind == CYLINDER, tube, ball))
    return np.hstack((centre - half, centre + half))


def solid_table(solids: Solids) -> Floats:
    """(P, 22) float64, all of `solids` in one array, and balls around them, for the kernels."""
    table = np.empty((len(solids.kind), _WIDTH))
    table[:, :_TAPER] = solids.local.reshape(-1, 12)
    table[:, _TAPER:_FREE_PATH] = solids.taper
    table[:, _FREE_PATH] = solids.free_path
    table[:, _TRANSMISSION] = solids.transmission
    table[:, _KIND] = solids.kind
    bounds = solid_bounds(solids)
    table[:, _BALL : _BALL + 3] = (bounds[:, :3] + bounds[:, 3:]) / 2
    table[:, _BALL + 3] = _radius(solids) ** 2 * (1 + 1e-9)
    return table


def _radius(solids: Solids) -> Floats:
    """(P,) metres from the middle of each solid to its farthest corner, or more."""
    if not len(solids.kind):
        return np.zeros(0)
    # Corners of the unit cube; a cylinder's and an ellipsoid's farthest points lie within it.
    half_axes = np.linalg.inv(solids.local[:, :, :3])
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = np.einsum("pij,kj->pki", half_axes, signs)
    return np.linalg.norm(corners, axis=2).max(axis=1)


def place_solids(solids: Solids, a_from_b: NDArray[Any]) -> Solids:
    """Solids given in frame b, in frame a; `a_from_b` is (4, 4) or one (P, 4, 4) each."""
    b_from_a = np.linalg.inv(np.broadcast_to(a_from_b, (len(solids.kind), 4, 4)))
    return solids._replace(local=np.ascontiguousarray(solids.local @ b_from_a))


@kernel
def _roots(a: float, b: float, c: float) -> tuple[float, float]:
    """Both t of a t² + 2 b t + c = 0, in order; (inf, −inf) where there is none."""
    inside = b * b - a * c
    if inside < 0.0:
        return math.inf, -math.inf
    q = -(b + math.copysign(math.sqrt(inside), b))
    first = q / a
    second = c / q if q != 0.0 else first
    return min(first, second), max(first, second)


@kernel
def _box_span(
    x: float, y: float, z: float, dx: float, dy: float, dz: float, a: float, b: float, c: float
) -> tuple[float, float, int]:
    """Where a ray is inside the tapered unit box, and the face at which it enters."""
    begin, end, face = -math.inf, math.inf, 0
    for side in range(6):
        # Half space n · p ≤ D of this face: n · direction, and D − n · origin.
        if side == 0:
            along, room = dx + 0.5 * a * dz, 1.0 - 0.5 * a - x - 0.5 * a * z
        elif side == 1:
            along, room = -dx + 0.5 * b * dz, 1.0 - 0.5 * b + x - 0.5 * b * z
        elif side == 2:
            along, room = dy + 0.5 * c * dz, 1.0 - 0.5 * c - y - 0.5 * c * z
        elif side == 3:
            along, room = -dy + 0.5 * c * dz, 1.0 - 0.5 * c + y - 0.5 * c * z
        elif side == 4:
            along, room = dz, 1.0 - z
        else:
            along, room = -dz, 1.0 + z
        if abs(along) < _PARALLEL:
            if room < 0.0:
                return math.inf, -math.inf, 0
        elif along < 0.0:
            t = room / along
            if t > begin:
                begin, face = t, side
        else:
            end = min(end, room / along)
        if begin > end:
            return math.inf, -math.inf, 0
    return begin, end, face


@kernel
def _cylinder_span(
    x: float, y: float, z: float, dx: float, dy: float, dz: float, taper: float
) -> tuple[float, float, int]:
    """Where a ray is inside the unit cylinder or cone, and the face at which it enters."""
    low, high = -math.inf, math.inf
    if abs(dz) >= _PARALLEL:
        low, high = (-1.0 - z) / dz, (1.0 - z) / dz
        if low > high:
            low, high = high, low
    elif abs(z) > 1.0:
        return math.inf, -math.inf, 0
    begin, end = low, high
    radius, grow = 1.0 - 0.5 * taper * (1.0 + z), -0.5 * taper * dz
    a = dx * dx + dy * dy - grow * grow
    b = x * dx + y * dy - radius * grow
    c = x * x + y * y - radius * radius
    if abs(a) < _PARALLEL:  # along the mantle of a cone, or the axis of a cylinder
        if abs(b) < _PARALLEL:
            if c > 0.0:
                return math.inf, -math.inf, 0
        elif b > 0.0:
            end = min(end, -0.5 * c / b)
        else:
            begin = max(begin, -0.5 * c / b)
    else:
        first, second = _roots(a, b, c)
        if a > 0.0:
            begin, end = max(begin, first), min(end, second)
        elif first <= second:  # steeper than the mantle: inside before the one or after the other
            if low <= first:
                end = min(end, first)
            else:
                begin = max(begin, second)
    if begin > end:
        return math.inf, -math.inf, 0
    return begin, end, (CURVED if begin > low else 4 if dz < 0.0 else 5)


@kernel
def solid_span(
    table: Floats, p: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float
) -> tuple[float, float, int]:
    """Where a ray is inside solid p, and the face at which it enters; (inf, −inf, 0) for never."""
    x = table[p, 0] * ox + table[p, 1] * oy + table[p, 2] * oz + table[p, 3]
    y = table[p, 4] * ox + table[p, 5] * oy + table[p, 6] * oz + table[p, 7]
    z = table[p, 8] * ox + table[p, 9] * oy + table[p, 10] * oz + table[p, 11]
    ex = table[p, 0] * dx + table[p, 1] * dy + table[p, 2] * dz
    ey = table[p, 4] * dx + table[p, 5] * dy + table[p, 6] * dz
    ez = table[p, 8] * dx + table[p, 9] * dy + table[p, 10] * dz
    kind = table[p, _KIND]
    if kind == BOX:
        return _box_span(
            x, y, z, ex, ey, ez, table[p, _TAPER], table[p, _TAPER + 1], table[p, _TAPER + 2]
        )
    if kind == CYLINDER:
        return _cylinder_span(x, y, z, ex, ey, ez, table[p, _TAPER])
    begin, end = _roots(
        ex * ex + ey * ey + ez * ez, x * ex + y * ey + z * ez, x * x + y * y + z * z - 1.0
    )
    return begin, end, CURVED


@kernel
def misses_ball(
    table: Floats,
    p: int,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    far: float,
) -> bool:
    """Whether a ray of unit direction and length `far` stays outside the ball around solid p."""
    x, y, z = table[p, _BALL] - ox, table[p, _BALL + 1] - oy, table[p, _BALL + 2] - oz
    along = x * dx + y * dy + z * dz
    beyond = max(0.0, along - far, -along)
    return x * x + y * y + z * z - along * along + beyond * beyond > table[p, _BALL + 3]


@kernel
def solid_chances(table: Floats, p: int) -> tuple[float, float]:
    """Free path and transmission of solid p."""
    return table[p, _FREE_PATH], table[p, _TRANSMISSION]


@kernel
def solid_normal(
    table: Floats, p: int, face: int, px: float, py: float, pz: float
) -> tuple[float, float, float]:
    """Outward unit normal, in the solids' frame, at a point on face `face` of solid p."""
    nx, ny, nz = 0.0, 0.0, 0.0
    if face == CURVED:
        nx = table[p, 0] * px + table[p, 1] * py + table[p, 2] * pz + table[p, 3]
        ny = table[p, 4] * px + table[p, 5] * py + table[p, 6] * pz + table[p, 7]
        nz = table[p, 8] * px + table[p, 9] * py + table[p, 10] * pz + table[p, 11]
        if table[p, _KIND] == CYLINDER:
            nz = 0.5 * table[p, _TAPER] * (1.0 - 0.5 * table[p, _TAPER] * (1.0 + nz))
    elif face == 0:
        nx, nz = 1.0, 0.5 * table[p, _TAPER]
    elif face == 1:
        nx, nz = -1.0, 0.5 * table[p, _TAPER + 1]
    elif face < 4:
        ny, nz = (1.0 if face == 2 else -1.0), 0.5 * table[p, _TAPER + 2]
    else:
        nz = 1.0 if face == 4 else -1.0
    wx = table[p, 0] * nx + table[p, 4] * ny + table[p, 8] * nz
    wy = table[p, 1] * nx + table[p, 5] * ny + table[p, 9] * nz
    wz = table[p, 2] * nx + table[p, 6] * ny + table[p, 10] * nz
    scale = 1.0 / math.sqrt(wx * wx + wy * wy + wz * wz)
    return wx * scale, wy * scale, wz * scale
