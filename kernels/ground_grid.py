"""A log-polar grid over the ground: cells as wide as deep, growing with range as beams spread."""

import math

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints32, Points
from lidar_label.kernels.jit import kernel, simd_kernel

SECTORS = 180
FIRST_RADIUS = 1.5  # metres, middle of ring 1; ring 0 is the spot below the sensor
LAST_RADIUS = 250.0  # metres; all that is farther belongs to the last ring
STEP = 2 * math.pi / SECTORS  # a ring is STEP · radius deep, as its cells are wide
RINGS = int(math.log(LAST_RADIUS / FIRST_RADIUS) / STEP) + 3
CELLS = RINGS * SECTORS
EMPTY = np.float32(np.inf)  # lowest height of a cell without points

_RINGS_PER_OCTAVE = np.float32(0.5 * math.log(2) / STEP)  # of the squared radius
_FIRST_OCTAVE = np.float32(2 * math.log2(FIRST_RADIUS))
_FIRST_SQUARE = np.float32(FIRST_RADIUS**2)
_RINGS_PER_METRE = np.float32(1 / FIRST_RADIUS)
_SECTORS_PER_RADIAN = np.float32(1 / STEP)
_LAST_RING = np.float32(RINGS - 0.001)
_LAST_SECTOR = np.float32(SECTORS - 0.0001)
_FAR_SQUARE = np.float32(1e30)  # beyond it a square is no longer a number

# Least squares on [0, 1], both ends exact: the arc tangent to 2e-4 rad, log2(1 + f) to 2e-5.
_ATAN = (np.float32(-0.327622764), np.float32(0.15931422), np.float32(-0.0464964749))
_LOG = (
    np.float32(0.4417403),
    np.float32(-0.26602988),
    np.float32(0.14631434),
    np.float32(-0.04400469),
)


@kernel
def place(rings: Floats32, sectors: Floats32, heights: Floats32) -> None:
    """Turn x, y into grid coordinates in place; the loops are free of branches, so vectorised.

    Ring r + 0.5 is the middle of ring r: even in the logarithm of the radius from ring 1 on, even
    in the radius within it. The logarithm reads exponent and mantissa from the number's bits.

    Args:
        rings: (N,) x, metres; out: ring coordinate, −1 where a coordinate is not finite.
        sectors: (N,) y, metres; out: sector coordinate.
        heights: (N,) z, read to find what is not finite.
    """
    one, half = np.float32(1.0), np.float32(0.5)
    for i in range(len(rings)):
        x, y = rings[i], sectors[i]
        along, across = abs(x), abs(y)
        steep = across > along
        high, low = (across, along) if steep else (along, across)
        a = np.divide(low, high + np.float32(1e-12))  # unlike /, not checked for zero
        s = a * a
        angle = ((_ATAN[2] * s + _ATAN[1]) * s + _ATAN[0]) * s * a + a
        angle = np.float32(math.pi / 2) - angle if steep else angle
        angle = np.float32(math.pi) - angle if x < 0 else angle
        angle = np.float32(2 * math.pi) - angle if y < 0 else angle
        sector = angle * _SECTORS_PER_RADIAN
        sectors[i] = sector if sector < _LAST_SECTOR else _LAST_SECTOR
        rings[i] = x * x + y * y
    bits = rings.view(np.int32)
    for i in range(len(rings)):
        square = rings[i]
        f = np.float32(bits[i] & 0x7FFFFF) * np.float32(2.0**-23)
        log = f + f * (one - f) * (_LOG[0] + f * (_LOG[1] + f * (_LOG[2] + f * _LOG[3])))
        octave = np.float32(bits[i] >> 23) - np.float32(127.0) + log - _FIRST_OCTAVE
        ring = octave * _RINGS_PER_OCTAVE + half + one
        ring = half + math.sqrt(square) * _RINGS_PER_METRE if square < _FIRST_SQUARE else ring
        ring = ring if ring < _LAST_RING else _LAST_RING
        finite = square + heights[i] * heights[i] < _FAR_SQUARE
        rings[i] = ring if finite else -one


@kernel
def locate(
    points: Points,
    origin: Floats,
    rings: Floats32,
    sectors: Floats32,
    heights: Floats32,
    lowest: Floats32,
) -> None:
    """Give every point its place on the grid and every cell its lowest height.

    Args:
        points: (N, 3).
        origin: (3,) what is subtracted first.
        rings: (N,) out: ring coordinate; −1 where the point is not finite.
        sectors: (N,) out.
        heights: (N,) out: z above the origin's.
        lowest: (CELLS,) out, EMPTY where no point is.
    """
    ox, oy, oz = np.float32(origin[0]), np.float32(origin[1]), np.float32(origin[2])
    for i in range(len(points)):
        rings[i] = points[i, 0] - ox
        sectors[i] = points[i, 1] - oy
        heights[i] = points[i, 2] - oz
    place(rings, sectors, heights)
    for cell in range(CELLS):
        lowest[cell] = EMPTY
    for i in range(len(points)):
        if rings[i] >= 0:
            cell = int(rings[i]) * SECTORS + int(sectors[i])
            lowest[cell] = min(lowest[cell], heights[i])


@kernel
def level(
    points: Points,
    origin: Floats,
    plane: Floats,
    rings: Floats32,
    sectors: Floats32,
    heights: Floats32,
    lowest: Floats32,
    low: Ints32,
    middle: Ints32,
) -> None:
    """Turn heights above the origin into heights above a plane, in points and cells.

    Args:
        points: (N, 3).
        origin: (3,) as given to `locate`.
        plane: (3,) slope along x, along y, height at the origin.
        rings: (N,) of `locate`.
        sectors: (N,) likewise.
        heights: (N,) of `locate`; out: above the plane.
        lowest: (CELLS,) of `locate`; out: above the plane.
        low: (CELLS,) out: number of points within 0.3 m of a cell's lowest.
        middle: (CELLS,) out: number of points above those, up to 2 m.
    """
    former, counts = np.empty(CELLS, np.float32), np.zeros(CELLS, np.int64)
    for cell in range(CELLS):
        former[cell] = lowest[cell]
        lowest[cell] = EMPTY
    ox, oy = np.float32(origin[0]), np.float32(origin[1])
    a, b, c = np.float32(plane[0]), np.float32(plane[1]), np.float32(plane[2])
    for i in range(len(rings)):
        # No branches but this: points of all heights follow one another, no guess would hold.
        if rings[i] < 0:
            continue
        cell = int(rings[i]) * SECTORS + int(sectors[i])
        above = heights[i] - former[cell]
        is_low = np.int64(above < np.float32(0.3))
        counts[cell] += is_low | (np.int64(above < np.float32(2.0)) - is_low) << 32
        z = heights[i] - (a * (points[i, 0] - ox) + b * (points[i, 1] - oy) + c)
        heights[i] = z
        lowest[cell] = min(lowest[cell], z)
    for cell in range(CELLS):
        low[cell], middle[cell] = counts[cell] & 0xFFFFFFFF, counts[cell] >> 32


@kernel
def interpolate(surface: Floats32, ring: np.float32, sector: np.float32) -> np.float32:
    """Return the height of a surface, given at the cells' middles, at a place between them."""
    u = min(max(ring - np.float32(0.5), np.float32(0.0)), np.float32(RINGS - 1.001))
    v = sector - np.float32(0.5)
    v = v + np.float32(SECTORS) if v < 0 else v
    i, j = np.int32(u), np.int32(min(v, np.float32(SECTORS - 1)))
    a, b = u - np.float32(i), v - np.float32(j)
    # Unsigned: no place is looked at from the array's end, so no test for one is compiled.
    row, wide = np.uint64(i) * np.uint64(SECTORS), np.uint64(SECTORS)
    here = row + np.uint64(j)
    beside = here + np.uint64(1) if j < SECTORS - 1 else row
    inner = surface[here] + b * (surface[beside] - surface[here])
    here, beside = here + wide, beside + wide
    outer = surface[here] + b * (surface[beside] - surface[here])
    return inner + a * (outer - inner)


@simd_kernel
def offsets(
    rings: Floats32, sectors: Floats32, heights: Floats32, surface: Floats32, above: Floats32
) -> None:
    """Write how far each point lies above a surface; for `locate`'s finite points.

    Args:
        rings: (N,) of `locate`.
        sectors: (N,) likewise.
        heights: (N,) metres, of the points.
        surface: (CELLS,) metres, in the cells' middles.
        above: (N,) out, metres; may be `heights`.
    """
    for i in range(len(rings)):
        above[i] = heights[i] - interpolate(surface, rings[i], sectors[i])


@kernel
def ring_radius(ring: int) -> float:
    """Return the radius of the middle of a ring, metres."""
    return FIRST_RADIUS * math.exp((ring - 1) * STEP) if ring > 0 else 0.0


@kernel
def rings_in_use(lowest: Floats32) -> int:
    """Return the number of rings, from the middle, beyond which no cell has a point."""
    for cell in range(CELLS - 1, -1, -1):
        if lowest[cell] != EMPTY:
            return cell // SECTORS + 1
    return 0
