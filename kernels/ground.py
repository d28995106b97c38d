"""Points on the ground, and its height anywhere, by following it outward from the sensor."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints32, Mask, Points, as_points
from lidar_label.errors import InvalidConfig, InvalidPoints
from lidar_label.kernels.ground_grid import (
    CELLS,
    EMPTY,
    LAST_RADIUS,
    interpolate,
    level,
    locate,
    offsets,
    place,
    rings_in_use,
)
from lidar_label.kernels.ground_growth import grow
from lidar_label.kernels.ground_refinement import refine
from lidar_label.kernels.ground_seed import seed_plane
from lidar_label.kernels.jit import kernel


@dataclass(frozen=True)
class GroundConfig:
    """How far from the ground's surface a point still belongs to it.

    Attributes:
        above: metres above the surface; more takes grass and kerbs, less keeps feet and tyres.
        below: metres below it.
    """

    above: float = 0.2
    below: float = 0.3

    def __post_init__(self) -> None:
        for name, value in (("above", self.above), ("below", self.below)):
            if not 0 < value < 10:
                raise InvalidConfig(f"ground: {name} is {value}; set metres in (0, 10)")


@dataclass(frozen=True, eq=False)
class Ground:
    """The ground of one sweep.

    Attributes:
        mask: (N,) the points on it.
        height: (N,) float32 metres of each point above it; NaN where a point is not finite.
        sensor_height: metres of the frame's origin above the ground below it.
        origin: (3,) middle of the grid in the frame of the points, metres.
        plane: (3,) slope along x, along y and height above `origin` of the plane under the sensor.
        surface: (cells,) height above `plane` in the middle of each cell of the grid.
    """

    mask: Mask
    height: Floats32
    sensor_height: float
    origin: Floats = field(repr=False)
    plane: Floats = field(repr=False)
    surface: Floats32 = field(repr=False)

    def height_at(self, xy: NDArray[Any]) -> Floats:
        """Return z of the ground under any place.

        Args:
            xy: (M, ≥2) metres, in the frame of the points.

        Returns:
            (M,) metres, finite everywhere: interpolated where no point was seen.
        """
        places = np.asarray(xy, dtype=np.float64)
        if places.ndim != 2 or places.shape[1] < 2:
            raise InvalidPoints(f"places have shape {places.shape}; pass (M, 2): x y")
        return _heights_at(places, self.origin, self.plane, self.surface)


def ground_mask(
    points: NDArray[Any],
    *,
    sensor_height: float | None = None,
    config: GroundConfig = GroundConfig(),
) -> Mask:
    """Mark the points that lie on the ground.

    Args:
        points: (N, ≥3) metres, z up, the sensor near the origin.
        sensor_height: metres of the origin above the ground; estimated from the points when None.
        config: how far from the surface a point still belongs to it.

    Returns:
        (N,) bool. Non-finite points are never ground; without a surface that most of the flat
        places share (a wall, a cloud of leaves, a handful of points) none is.

    Raises:
        InvalidPoints: if `points` is not (N, ≥3) numbers.
        InvalidConfig: if `sensor_height` is not finite.
    """
    return estimate_ground(points, sensor_height=sensor_height, config=config).mask


def estimate_ground(
    points: NDArray[Any],
    *,
    sensor_height: float | None = None,
    config: GroundConfig = GroundConfig(),
) -> Ground:
    """Find the ground of a sweep; the arguments are those of `ground_mask`."""
    cloud = as_points(points)
    if sensor_height is not None and not math.isfinite(sensor_height):
        raise InvalidConfig(f"sensor_height is {sensor_height}; give metres, or None to estimate")
    origin = _middle(cloud)
    rings, sectors, heights = np.empty((3, len(cloud)), np.float32)
    lowest = np.empty(CELLS, np.float32)
    locate(cloud, origin, rings, sectors, heights, lowest)
    plane = seed_plane(lowest, None if sensor_height is None else sensor_height + float(origin[2]))
    low, middle = np.empty((2, CELLS), np.int32)
    level(cloud, origin, plane, rings, sectors, heights, lowest, low, middle)
    used = rings_in_use(lowest)
    surface = np.zeros(CELLS, np.float32)
    grow(lowest, low, middle, -float(plane[2]), used, surface)
    above = np.empty(len(cloud), np.float32)
    offsets(rings, sectors, heights, surface, above)
    refine(rings, sectors, above, used, surface)
    mask = np.empty(len(cloud), np.bool_)
    offsets(rings, sectors, heights, surface, heights)
    _mark(rings, heights, config.below, config.above, mask)
    if not _is_ground(lowest, low, middle, surface):
        mask[:] = False
    below = _heights_at(np.zeros((1, 2)), origin, plane, surface)
    return Ground(mask, heights, -float(below[0]), origin, plane, surface)


def _middle(points: Points) -> Floats:
    """Return where to put the grid's middle: the frame's origin, unless the points lie far off."""
    sample = points[:: max(1, len(points) // 1000)]
    sample = sample[np.isfinite(sample).all(axis=1)]
    middle = np.zeros(3)
    if len(sample) == 0:
        return middle
    typical = np.median(sample.astype(np.float64), axis=0)
    if np.hypot(typical[0], typical[1]) > LAST_RADIUS:
        finite = points[np.isfinite(points).all(axis=1), :2].astype(np.float64)
        middle[:2] = (finite.min(axis=0) + finite.max(axis=0)) / 2
    middle[2] = round(float(typical[2]) / 256) * 256.0
    return middle


@kernel
def _mark(rings: Floats32, heights: Floats32, below: float, above: float, mask: Mask) -> None:
    lowest, highest = np.float32(-below), np.float32(above)
    for i in range(len(rings)):
        height = heights[i] if rings[i] >= 0 else np.float32(np.nan)
        heights[i] = height
        mask[i] = (height >= lowest) & (height <= highest)


@kernel
def _is_ground(lowest: Floats32, low: Ints32, middle: Ints32, surface: Floats32) -> bool:
    """Tell a ground from chance: flat cells on the surface, enough of them and of all cells."""
    cells = on_it = 0
    for cell in range(CELLS):
        if lowest[cell] != EMPTY:
            cells += 1
            flat = middle[cell] * 4 <= low[cell]
            on_it += flat and abs(lowest[cell] - surface[cell]) < 0.2
    return on_it >= 20 and on_it >= 0.1 * cells


def _heights_at(places: Floats, origin: Floats, plane: Floats, surface: Floats32) -> Floats:
    xy = places[:, :2] - origin[:2]
    near = np.abs(xy) < 1e12
    xy[~(near[:, 0] & near[:, 1])] = 0.0
    rings, sectors = np.ascontiguousarray(xy.T, dtype=np.float32)
    place(rings, sectors, np.zeros(len(xy), np.float32))
    heights = np.empty(len(xy))
    _interpolate(rings, sectors, surface, heights)
    return heights + xy @ plane[:2] + (plane[2] + origin[2])


@kernel
def _interpolate(rings: Floats32, sectors: Floats32, surface: Floats32, heights: Floats) -> None:
    for i in range(len(rings)):
        heights[i] = interpolate(surface, rings[i], sectors[i])
