"""Ways that road users follow: lanes, links and walks, and which of them conflict."""

from dataclasses import dataclass, replace

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.datasets.simulation import curves
from lidar_label.datasets.simulation.roads import CROSSING, STOP_LINE, Junction, Network, Road
from lidar_label.datasets.simulation.terrain import corner

_CROSSING_MIDDLE = sum(CROSSING) / 2
_KEEP_RIGHT = 0.72  # metres that walkers keep from the middle of their walk
_CLEARANCE = 3.0  # metres between the middles of two links that vehicles may use at once
WALKING_SPEED = 1.4


@dataclass(frozen=True, eq=False)
class Way:
    """A stretch that road users follow one after another, in one direction.

    Attributes:
        curve: (K, 2) its middle.
        speed: m/s allowed.
        for_walkers: a walk on a pavement or over a crossing.
        exits: ways that one can go on to.
        conflicts: ways that may not be used at the same time; who enters needs leave.
        stop: metres before its end at which to wait for leave to enter the next.
        clear: metres behind its end at which one has left it for good.
        beside: lanes of the same road and direction next to it.
        siblings: links that part from the same lane.
        is_lane: a lane of a road, not a link nor a walk.
    """

    curve: Floats
    speed: float
    for_walkers: bool
    exits: tuple[int, ...]
    conflicts: frozenset[int] = frozenset()
    stop: float = 0.4
    clear: float = 0.5
    beside: tuple[int, ...] = ()
    siblings: tuple[int, ...] = ()
    is_lane: bool = False


@dataclass(frozen=True)
class _Corner:
    """An end of a pavement: of a road, at its start or end, on its left (1) or right (−1)."""

    road: int
    at_start: bool
    side: int


def make_ways(network: Network) -> tuple[Way, ...]:
    """Ways of vehicles, numbered as the network's lanes, then those of walkers."""
    ways = [_vehicle_way(network, i) for i in range(len(network.lanes))]
    walks, crossings = _walks(network, len(ways))
    ways += walks
    conflicts: list[set[int]] = [set() for _ in ways]
    links = [i for i, lane in enumerate(network.lanes) if lane.is_link]
    for a in links:
        for b in links:
            same = network.lanes[a].junction == network.lanes[b].junction
            if (
                a < b
                and same
                and b not in ways[a].siblings
                and _come_close(ways[a].curve, ways[b].curve)
            ):
                conflicts[a].add(b)
                conflicts[b].add(a)
        for crossing, (road, junction) in crossings.items():
            if network.lanes[a].junction == junction and road in network.lanes[a].legs:
                conflicts[a].add(crossing)
                conflicts[crossing].add(a)
    return tuple(
        replace(way, conflicts=frozenset(c)) for way, c in zip(ways, conflicts, strict=True)
    )


def _vehicle_way(network: Network, index: int) -> Way:
    lane = network.lanes[index]
    if lane.is_link:
        exit_road = network.roads[lane.legs[1]]
        crossed = network.junctions[lane.junction].is_crossing and exit_road.kind.sidewalk > 0
        return Way(lane.curve, lane.speed, False, lane.exits, clear=STOP_LINE if crossed else 2.0)
    beside = tuple(
        i
        for i, other in enumerate(network.lanes)
        if other.road == lane.road
        and other.forward == lane.forward
        and abs(other.index - lane.index) == 1
    )
    crossed = network.junctions[lane.junction].is_crossing
    return Way(
        lane.curve, lane.speed, False, lane.exits, stop=STOP_LINE + 0.4 if crossed else 1.0,
        beside=beside, is_lane=True,
    )  # fmt: skip


def _come_close(a: Floats, b: Floats) -> bool:
    return bool(np.linalg.norm(a[:, None] - b[None], axis=2).min() < _CLEARANCE)


def _walks(network: Network, first: int) -> tuple[list[Way], dict[int, tuple[int, int]]]:
    """Walks on pavements, round corners and over crossings; of each crossing its road, junction."""
    curves_of: dict[tuple[_Corner, _Corner], Floats] = {}
    crossing_of: dict[tuple[_Corner, _Corner], tuple[int, int]] = {}
    for r, road in enumerate(network.roads):
        if not road.kind.sidewalk:
            continue
        for side in (1, -1):
            start, end = _Corner(r, True, side), _Corner(r, False, side)
            middle = _pavement_line(road, side)
            curves_of[start, end] = curves.offset(middle, -_KEEP_RIGHT)
            curves_of[end, start] = curves.offset(middle[::-1], -_KEEP_RIGHT)
            for at_start in (True, False):
                junction = road.ends[0 if at_start else 1]
                if network.junctions[junction].is_crossing:
                    here, there = _Corner(r, at_start, side), _Corner(r, at_start, -side)
                    straight = curves.resample(
                        np.vstack((_corner_place(road, here), _corner_place(road, there)))
                    )
                    curves_of[here, there] = curves.offset(straight, -_KEEP_RIGHT)
                    crossing_of[here, there] = r, junction
    for junction in network.junctions:
        for a, b in _corner_pairs(junction):
            for here, there in ((a, b), (b, a)):
                curves_of[here, there] = curves.offset(
                    _round_corner(network.roads, here, there), -_KEEP_RIGHT
                )
    keys = list(curves_of)
    number = {key: first + i for i, key in enumerate(keys)}
    walks: list[Way] = []
    for key in keys:
        exits = [k for k in keys if k[0] == key[1] and k[1] != key[0]]
        # From a crossing one goes on round the corner or along the pavement, not back.
        exits = exits or [(key[1], key[0])]
        walks.append(
            Way(curves_of[key], WALKING_SPEED, True, tuple(number[k] for k in exits if k in number))
        )
    return walks, {number[key]: value for key, value in crossing_of.items()}


def _pavement_line(road: Road, side: int) -> Floats:
    """Middle of the part of a pavement that is free of poles, between the crossings."""
    kind = road.kind
    middle = curves.cut(road.centre, _CROSSING_MIDDLE, road.length - _CROSSING_MIDDLE)
    return curves.resample(
        curves.offset(middle, side * (kind.half_width + kind.sidewalk / 2 + 0.25))
    )


def _corner_place(road: Road, at: _Corner) -> Floats:
    return _pavement_line(road, at.side)[0 if at.at_start else -1]


def _corner_pairs(junction: Junction) -> list[tuple[_Corner, _Corner]]:
    """Ends of pavements that meet at the corners of a junction."""
    pairs: list[tuple[_Corner, _Corner]] = []
    legs = junction.legs
    for i, leg in enumerate(legs):
        other = legs[(i + 1) % len(legs)]
        if leg.sidewalk and other.sidewalk:
            # Left, seen away from the junction, is the road's left only if it starts here.
            a = _Corner(leg.road, leg.at_start, 1 if leg.at_start else -1)
            b = _Corner(other.road, other.at_start, -1 if other.at_start else 1)
            pairs.append((a, b))
    return pairs


def _round_corner(roads: tuple[Road, ...], here: _Corner, there: _Corner) -> Floats:
    """From the end of one pavement round the corner to the end of another."""
    a, b = (
        _pavement_line(roads[here.road], here.side),
        _pavement_line(roads[there.road], there.side),
    )
    a = a[::-1] if here.at_start else a
    b = b if there.at_start else b[::-1]
    out, into = a[-1] - a[-2], b[1] - b[0]
    return corner(a[-1], out / np.linalg.norm(out), b[0], into / np.linalg.norm(into))
