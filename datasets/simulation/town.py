"""A town: houses, gardens, trees and street furniture placed along its roads, from one seed."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Floats, Transform
from lidar_label.datasets.simulation import buildings, curves, furniture, greenery
from lidar_label.datasets.simulation.assembly import Assembly, Parts, rotation
from lidar_label.datasets.simulation.materials import Material
from lidar_label.datasets.simulation.roads import STOP_LINE, Network, Road, RoadKind, make_network
from lidar_label.datasets.simulation.terrain import Terrain, make_terrain, occupied_ground
from lidar_label.kernels.height_field import height_at

_PIXEL = 0.25  # metres of the map of taken ground
_PIECE = 4.0  # metres of one piece of fence, wall, hedge or rail
_HouseMaker = Callable[[np.random.Generator], tuple[Assembly, float, float]]


@dataclass(frozen=True, eq=False)
class Town:
    """Everything that does not move.

    Attributes:
        network: roads and lanes.
        terrain: the ground.
        parts: what stands on it, world frame.
    """

    network: Network
    terrain: Terrain
    parts: Parts


@dataclass(frozen=True, eq=False)
class RoadSide:
    """One side of a road, seen so that it lies to the left of `centre`."""

    road: Road
    centre: Floats
    begins_at_crossing: bool

    @property
    def kind(self) -> RoadKind:
        """The cross-section."""
        return self.road.kind

    @property
    def back(self) -> float:
        """Metres from the centre line to the far edge of the pavement."""
        return self.kind.half_width + self.kind.sidewalk

    def frame(self, along: float, left: float) -> tuple[Floats, float]:
        """Place `along` metres from the begin and `left` of the centre; the road's heading."""
        here, there = curves.point_at(self.centre, np.array([along - 0.5, along + 0.5]))
        heading = float(np.arctan2(*(there - here)[::-1]))
        normal = np.array([-np.sin(heading), np.cos(heading)])
        return (here + there) / 2 + left * normal, heading


def road_sides(network: Network) -> Iterator[RoadSide]:
    """Both sides of every road."""
    for road in network.roads:
        for forward in (True, False):
            centre = road.centre if forward else road.centre[::-1]
            crossing = network.junctions[road.ends[0 if forward else 1]].is_crossing
            yield RoadSide(road, centre, crossing)


def make_town(rng: np.random.Generator) -> Town:
    """Build a town; everything in it follows from the state of `rng`."""
    network = make_network(rng)
    terrain = make_terrain(network, rng)
    builder = _Builder(network, terrain, rng)
    sides = list(road_sides(network))
    for side in sides:
        builder.houses(side)
    for side in sides:
        builder.border(side)
        builder.furniture(side)
    builder.country()
    return Town(network, terrain, Parts.concatenate(builder.placed))


class _Builder:
    """Places things one by one on ground that is still free."""

    def __init__(self, network: Network, terrain: Terrain, rng: np.random.Generator) -> None:
        self.network, self.terrain, self.rng = network, terrain, rng
        self.placed: list[Parts] = []
        self._taken = np.asarray(occupied_ground(network, _PIXEL)) > 0

    def houses(self, side: RoadSide) -> None:
        """Houses along a road, where there is room."""
        rng = self.rng
        along = rng.uniform(1, 6)
        row = rng.uniform(0.5, 2.0)  # houses of a row share one line
        while along < side.road.length - 4:
            make, setback, gap = _house_style(side.kind, rng, row)
            if make is None:
                along += gap
                continue
            house, width, depth = make(rng)
            place, heading = side.frame(along + width / 2, side.back + setback)
            outline = (-width / 2, width / 2, -0.3, depth)
            if along + width < side.road.length - 2 and self._claim(place, heading, outline):
                height = height_at(self.terrain.field, place[None])[0]
                self._put(house, place, height, heading)
                along += width + gap
            else:
                along += 4.0

    def border(self, side: RoadSide) -> None:
        """Fences, walls and hedges behind the pavement; rails along a country road."""
        rng = self.rng
        if side.kind.sidewalk == 0:
            if rng.random() < 0.6:
                begin = rng.uniform(4, side.road.length * 0.4)
                end = min(begin + rng.uniform(24, 60), side.road.length - 4)
                self._pieces(side, begin, end, side.kind.half_width + 0.9, furniture.guard_rail)
            return
        along = rng.uniform(1, 8)
        while along < side.road.length - 6:
            end = min(along + rng.uniform(8, 24), side.road.length - 2)
            if rng.random() < 0.62:
                self._pieces(side, along, end, side.back + 0.35, _border_style(rng))
            along = end + rng.uniform(2, 6)

    def furniture(self, side: RoadSide) -> None:
        """Lamps, trees, signs and the like along the kerb and behind the pavement."""
        rng, kind = self.rng, side.kind
        kerb = kind.half_width + (0.45 if kind.sidewalk else 1.6)
        edge = side.back - 0.35 if kind.sidewalk else side.back + 2.2
        for along in np.arange(rng.uniform(8, 20), side.road.length - 6, rng.uniform(24, 34)):
            make = furniture.lamp if kind.sidewalk else furniture.utility_pole
            self._stand(side, make(rng), along, kerb if kind.sidewalk else edge)
        if kind.sidewalk > 3.4 and rng.random() < 0.7:
            step = rng.uniform(8, 14)
            for along in np.arange(step, side.road.length - 10, step):
                self._stand(side, greenery.broadleaf(rng, rng.uniform(4.5, 8)), along + 2, kerb)
        for _ in range(int(rng.integers(1, 4))):
            along = rng.uniform(7, side.road.length - 7)
            self._stand(side, furniture.traffic_sign(rng), along, kerb)
        if side.begins_at_crossing and kind.sidewalk:
            if kind.name in ("street", "avenue"):
                reach = kind.parking + 1.5 * kind.lane_width if kind.name == "avenue" else 0.0
                self._stand(side, furniture.signal(rng, reach), STOP_LINE - 0.6, kerb)
            else:
                self._stand(side, furniture.traffic_sign(rng), STOP_LINE, kerb)
            for along in np.arange(6.5, 6.5 + 1.6 * rng.integers(0, 6), 1.6):
                self._stand(side, furniture.bollard(), along, kerb)
        things: tuple[tuple[float, Callable[[], Assembly], float], ...] = (
            (0.5, lambda: furniture.bin_(rng), kerb),
            (0.4, furniture.cabinet, edge),
            (0.4, furniture.bench, edge),
            (0.3, lambda: furniture.bicycle_stand(rng), edge + 0.9),
            (0.25 if kind.sidewalk > 4 else 0.0, furniture.shelter, edge + 0.7),
        )
        for chance, make_thing, left in things:
            if kind.sidewalk and rng.random() < chance:
                self._stand(side, make_thing(), rng.uniform(12, side.road.length - 12), left)

    def country(self) -> None:
        """Trees and bushes in gardens and fields, denser towards the rim of the town."""
        rng, size = self.rng, self.network.size
        for _ in range(900):
            place = rng.uniform(3, size - 3, 2)
            rim = min(place.min(), (size - place).min()) < 45
            if not rim and rng.random() < 0.25:
                continue
            if not self._claim(place, 0.0, (-1.0, 1.0, -1.0, 1.0)):
                continue
            kind = rng.random()
            plant = (
                greenery.bush(rng)
                if kind < 0.45
                else greenery.conifer(rng)
                if kind < 0.6
                else greenery.broadleaf(rng)
            )
            self._put(plant, place, height_at(self.terrain.field, place[None])[0], 0.0)

    def _stand(self, side: RoadSide, thing: Assembly, along: float, left: float) -> None:
        place, heading = side.frame(along, left)
        self._put(thing, place, height_at(self.terrain.field, place[None])[0], heading)

    def _pieces(
        self,
        side: RoadSide,
        begin: float,
        end: float,
        left: float,
        make: Callable[[float], Assembly],
    ) -> None:
        """A row of pieces that follows the road and the slope."""
        marks = np.arange(begin, end, _PIECE)
        for a, b in itertools.pairwise(marks):
            p, heading = side.frame(a, left)
            q, _ = side.frame(b, left)
            length = float(np.linalg.norm(q - p))
            if side.kind.sidewalk and not self._claim(p, heading, (0, length, 0.0, 0.3)):
                continue
            heading = float(np.arctan2(*(q - p)[::-1]))
            low, high = height_at(self.terrain.field, np.vstack((p, q)))
            self._put(make(length), p, low, heading, float(-np.arctan2(high - low, length)))

    def _put(
        self, thing: Assembly, place: Floats, height: float, heading: float, pitch: float = 0.0
    ) -> None:
        pose: Transform = np.eye(4)
        pose[:3, :3] = rotation(heading, pitch)
        pose[:3, 3] = (*place, height)
        self.placed.append(thing.parts().placed(pose))

    def _claim(
        self, place: Floats, heading: float, outline: tuple[float, float, float, float]
    ) -> bool:
        """Take the ground x0 … x1, y0 … y1 about a place if all of it is free."""
        x0, x1, y0, y1 = outline
        x = np.linspace(x0, x1, int((x1 - x0) / 0.2) + 2)
        y = np.linspace(y0, y1, int((y1 - y0) / 0.2) + 2)
        spot = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2) @ rotation(heading)[:2, :2].T + place
        index = np.floor(spot / _PIXEL).astype(np.int64)
        if (index < 0).any() or (index >= len(self._taken)).any():
            return False
        if self._taken[index[:, 1], index[:, 0]].any():
            return False
        self._taken[index[:, 1], index[:, 0]] = True
        return True


def _house_style(
    kind: RoadKind, rng: np.random.Generator, row: float
) -> tuple[_HouseMaker | None, float, float]:
    """What to build next, how far back, and how much room to leave after it."""
    roll = rng.random()
    if kind.name == "country":
        if roll < 0.2:
            return buildings.detached_house, rng.uniform(6, 14), rng.uniform(10, 30)
        return None, 0.0, rng.uniform(6, 20)
    if roll < 0.12:
        return None, 0.0, rng.uniform(6, 16)
    if kind.name == "residential":
        if roll < 0.75:
            return buildings.detached_house, rng.uniform(3.5, 8), rng.uniform(3, 8)
        return buildings.town_house, 2.5 + row, 0.05
    if roll < 0.5:
        return buildings.town_house, row, 0.05
    if roll < 0.8:
        return buildings.apartments, rng.uniform(2.5, 6), rng.uniform(3, 9)
    return buildings.hall, rng.uniform(4, 9), rng.uniform(4, 9)


def _border_style(rng: np.random.Generator) -> Callable[[float], Assembly]:
    roll, height = rng.random(), rng.uniform(0.8, 1.9)
    if roll < 0.4:
        return lambda length: greenery.hedge(rng, length, height, 0.7)
    if roll < 0.6:
        return lambda length: furniture.wall(
            length, 0.5 + 0.7 * height, (176, 168, 154), Material.CONCRETE
        )
    wood = roll < 0.8
    return lambda length: furniture.fence(length, height, wood=wood)
