"""The road network of a town: junctions, roads, lanes and the links between lanes."""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.datasets.simulation import curves

GRID = 4  # junctions along each side of the town
BLOCK = 104.0  # metres between junctions
MARGIN = 70.0  # metres of country around them
CROSSING = (1.2, 4.6)  # metres of a zebra crossing from the end of its road
STOP_LINE = 6.2
_CORNER_RADIUS = 6.0


@dataclass(frozen=True)
class RoadKind:
    """A cross-section, the same in both directions; metres and m/s."""

    name: str
    lanes: int
    lane_width: float
    parking: float
    sidewalk: float
    speed: float

    @property
    def half_width(self) -> float:
        """From the centre line to the kerb."""
        return self.lanes * self.lane_width + self.parking


RESIDENTIAL = RoadKind("residential", 1, 3.3, 2.2, 3.2, 8.3)
STREET = RoadKind("street", 1, 3.6, 2.3, 3.6, 13.9)
AVENUE = RoadKind("avenue", 2, 3.3, 2.3, 4.2, 13.9)
COUNTRY = RoadKind("country", 1, 3.7, 0.0, 0.0, 19.4)


@dataclass(frozen=True, eq=False)
class Road:
    """A road between two junctions.

    Attributes:
        kind: its cross-section.
        ends: the junctions at its start and end.
        centre: (K, 2) its centre line, cut off where the junctions begin.
    """

    kind: RoadKind
    ends: tuple[int, int]
    centre: Floats

    @property
    def length(self) -> float:
        """Metres along the centre line."""
        return curves.length_of(self.centre)


@dataclass(frozen=True, eq=False)
class Leg:
    """The end of a road at a junction; `outward` points away from the junction."""

    road: int
    at_start: bool
    point: Floats
    outward: Floats
    half_width: float
    sidewalk: float

    @property
    def left(self) -> Floats:
        """Unit vector to the left of `outward`."""
        return np.array([-self.outward[1], self.outward[0]])

    @property
    def angle(self) -> float:
        """Direction of `outward`."""
        return float(np.arctan2(self.outward[1], self.outward[0]))


@dataclass(frozen=True, eq=False)
class Junction:
    """Where roads meet: its legs counter-clockwise."""

    place: Floats
    legs: tuple[Leg, ...]

    @property
    def is_crossing(self) -> bool:
        """More than a bend or a change of the cross-section."""
        return len(self.legs) > 2


@dataclass(frozen=True, eq=False)
class Lane:
    """One lane of a road in one direction, or the link between two lanes through a junction.

    Attributes:
        curve: (K, 2) its centre line in the direction of travel.
        speed: m/s allowed.
        width: metres.
        road: the road, or −1 for a link.
        forward: along the road's centre line, or against it.
        index: 0 next to the centre line.
        junction: of a link; of a lane the one it leads to.
        exits: the lanes or links that one can go on to.
        legs: of a link, the roads it comes from and leads to.
    """

    curve: Floats
    speed: float
    width: float
    road: int
    forward: bool
    index: int
    junction: int
    exits: tuple[int, ...]
    legs: tuple[int, int] = (-1, -1)

    @property
    def is_link(self) -> bool:
        """Whether it leads through a junction."""
        return self.road < 0


@dataclass(frozen=True, eq=False)
class Network:
    """All roads of a town, in a square of `size` metres from the origin."""

    size: float
    roads: tuple[Road, ...]
    junctions: tuple[Junction, ...]
    lanes: tuple[Lane, ...]


def make_network(rng: np.random.Generator) -> Network:
    """Lay out a town: an uneven grid of junctions, some streets left out, roads curved between."""
    places = _junction_places(rng)
    pairs = _connections(rng)
    kinds = _kinds(rng, pairs)
    tangents = _tangents(places, pairs)
    full = [
        curves.hermite(places[a], tangents[a, b] * 1.0, places[b], tangents[a, b, "end"])
        for a, b in pairs
    ]
    trims = _trims(pairs, kinds, full)
    roads = tuple(
        Road(kind, pair, curves.cut(curve, trim[0], curves.length_of(curve) - trim[1]))
        for kind, pair, curve, trim in zip(kinds, pairs, full, trims, strict=True)
    )
    junctions = tuple(_junction(places[n], n, roads) for n in range(len(places)))
    size = BLOCK * (GRID - 1) + 2 * MARGIN
    return Network(size, roads, junctions, _lanes(roads, junctions))


def _junction_places(rng: np.random.Generator) -> Floats:
    rows, columns = np.divmod(np.arange(GRID * GRID), GRID)
    even = MARGIN + BLOCK * np.column_stack((columns, rows))
    return even + rng.uniform(-13, 13, even.shape)


def _connections(rng: np.random.Generator) -> list[tuple[int, int]]:
    """Neighbours on the grid; a few inner streets are left out where two others remain."""
    pairs = [(n, n + 1) for n in range(GRID * GRID) if n % GRID < GRID - 1]
    pairs += [(n, n + GRID) for n in range(GRID * (GRID - 1))]
    degree = np.bincount(np.ravel(pairs))
    inner = [p for p in pairs if not _on_rim(p)]
    for i in rng.permutation(len(inner))[:4]:
        a, b = inner[i]
        if min(degree[a], degree[b]) > 3:
            pairs.remove(inner[i])
            degree[[a, b]] -= 1
    return pairs


def _on_rim(pair: tuple[int, int]) -> bool:
    row, column = np.divmod(pair, GRID)
    last = GRID - 1
    return bool(
        (row[0] == row[1] and row[0] in (0, last))
        or (column[0] == column[1] and column[0] in (0, last))
    )


def _kinds(rng: np.random.Generator, pairs: list[tuple[int, int]]) -> list[RoadKind]:
    """One kind for each line of the grid, so that a street goes on behind a junction."""
    rim = [COUNTRY, AVENUE, STREET, STREET if rng.random() < 0.5 else COUNTRY]
    rim = [rim[i] for i in rng.permutation(4)]
    inner = [AVENUE if rng.random() < 0.5 else STREET, RESIDENTIAL, RESIDENTIAL, STREET]
    inner = [inner[i] for i in rng.permutation(4)]
    rows, columns = [rim[0], *inner[:2], rim[1]], [rim[2], *inner[2:], rim[3]]
    return [rows[a // GRID] if b == a + 1 else columns[a % GRID] for a, b in pairs]


def _tangents(places: Floats, pairs: list[tuple[int, int]]) -> dict[tuple[object, ...], Floats]:
    """Derivatives at both ends of each road, so that lines go straight on through junctions."""
    have = {frozenset(p) for p in pairs}
    neighbours = {
        n: [b if a == n else a for a, b in pairs if n in (a, b)] for n in range(len(places))
    }
    result: dict[tuple[object, ...], Floats] = {}
    for a, b in pairs:
        step = b - a
        chord = places[b] - places[a]
        size = float(np.linalg.norm(chord))
        start, end = chord, chord
        if frozenset((a - step, a)) in have and _same_line(a - step, a, step):
            start = places[b] - places[a - step]
        elif len(neighbours[a]) == 2:
            other = next(n for n in neighbours[a] if n != b)
            start = places[b] - places[other]
        if frozenset((b, b + step)) in have and _same_line(b, b + step, step):
            end = places[b + step] - places[a]
        elif len(neighbours[b]) == 2:
            other = next(n for n in neighbours[b] if n != a)
            end = places[other] - places[a]
        result[a, b] = start / np.linalg.norm(start) * size
        result[a, b, "end"] = end / np.linalg.norm(end) * size
    return result


def _same_line(a: int, b: int, step: int) -> bool:
    inside = 0 <= a < GRID * GRID and 0 <= b < GRID * GRID
    return inside and (step == GRID or a // GRID == b // GRID)


def _trims(
    pairs: list[tuple[int, int]], kinds: list[RoadKind], full: list[Floats]
) -> list[list[float]]:
    """How much of each road's two ends belongs to the junctions: kerbs meet, corners are round."""
    trims = [[2.0, 2.0] for _ in pairs]
    for node in range(GRID * GRID):
        ends = [(r, 0 if p[0] == node else 1) for r, p in enumerate(pairs) if node in p]
        if len(ends) < 3:
            continue
        angle = {e: _outward_angle(full[e[0]], e[1]) for e in ends}
        ends.sort(key=lambda e: angle[e])
        for i, end in enumerate(ends):
            following = ends[(i + 1) % len(ends)]
            gap = (angle[following] - angle[end]) % (2 * np.pi)
            if gap > np.radians(150):
                continue
            w, v = kinds[end[0]].half_width, kinds[following[0]].half_width
            round_off = _CORNER_RADIUS / np.tan(gap / 2)
            for one, mine, other in ((end, w, v), (following, v, w)):
                need = (other + mine * np.cos(gap)) / np.sin(gap) + round_off
                trims[one[0]][one[1]] = max(trims[one[0]][one[1]], float(np.clip(need, 6, 30)))
    return trims


def _outward_angle(curve: Floats, end: int) -> float:
    """Direction in which a road leaves its junction, taken some way out."""
    step = curve[30] - curve[0] if end == 0 else curve[-31] - curve[-1]
    return float(np.arctan2(step[1], step[0]))


def _junction(place: Floats, node: int, roads: tuple[Road, ...]) -> Junction:
    legs: list[Leg] = []
    for r, road in enumerate(roads):
        for at_start in (True, False):
            if road.ends[0 if at_start else 1] != node:
                continue
            step = (
                road.centre[1] - road.centre[0] if at_start else road.centre[-2] - road.centre[-1]
            )
            point = road.centre[0 if at_start else -1]
            outward = step / np.linalg.norm(step)
            legs.append(Leg(r, at_start, point, outward, road.kind.half_width, road.kind.sidewalk))
    return Junction(place, tuple(sorted(legs, key=lambda leg: leg.angle)))


def lane_offset(kind: RoadKind, index: int) -> float:
    """Metres from a road's centre line to the middle of a lane."""
    return (index + 0.5) * kind.lane_width


def _lanes(roads: tuple[Road, ...], junctions: tuple[Junction, ...]) -> tuple[Lane, ...]:
    plain: list[Lane] = []
    for r, road in enumerate(roads):
        for forward in (True, False):
            centre = road.centre if forward else road.centre[::-1]
            for index in range(road.kind.lanes):
                curve = curves.resample(curves.offset(centre, -lane_offset(road.kind, index)))
                plain.append(
                    Lane(
                        curve, road.kind.speed, road.kind.lane_width, r, forward, index,
                        road.ends[1 if forward else 0], (),
                    )
                )  # fmt: skip
    links: list[Lane] = []
    exits: list[list[int]] = [[] for _ in plain]
    for source, target in _links(plain, roads, junctions):
        exits[source].append(len(plain) + len(links))
        a, b = plain[source], plain[target]
        links.append(
            Lane(
                _link_curve(a.curve, b.curve), min(a.speed, b.speed), min(a.width, b.width), -1,
                True, 0, a.junction, (target,), (a.road, b.road),
            )
        )  # fmt: skip
    filled = [
        Lane(
            lane.curve, lane.speed, lane.width, lane.road, lane.forward, lane.index,
            lane.junction, tuple(exits[i]),
        )
        for i, lane in enumerate(plain)
    ]  # fmt: skip
    return (*filled, *links)


def _link_curve(a: Floats, b: Floats) -> Floats:
    start, end = a[-1] - a[-2], b[1] - b[0]
    size = float(np.linalg.norm(b[0] - a[-1]))
    # A cubic with derivatives of 1.3 chords is close to a circle for a quarter turn.
    return curves.hermite(
        a[-1],
        start / np.linalg.norm(start) * 1.3 * size,
        b[0],
        end / np.linalg.norm(end) * 1.3 * size,
    )


def _links(
    lanes: list[Lane], roads: tuple[Road, ...], junctions: tuple[Junction, ...]
) -> list[tuple[int, int]]:
    """Which lane leads to which: left from the inner, right from the outer, else straight on."""
    result: list[tuple[int, int]] = []
    for node, junction in enumerate(junctions):
        incoming = [i for i, lane in enumerate(lanes) if lane.junction == node]
        for source in incoming:
            lane, kind = lanes[source], roads[lanes[source].road].kind
            arrival = next(leg for leg in junction.legs if _leads_in(leg, lane))
            found: list[int] = []
            fallback: list[int] = []
            for leg in junction.legs:
                if leg is arrival:
                    continue
                turn = _turn(arrival, leg)
                outer = roads[leg.road].kind.lanes - 1
                target_index = 0 if turn > np.radians(40) else outer
                if abs(turn) <= np.radians(40) or not junction.is_crossing:
                    allowed, target_index = lane.index <= outer, min(lane.index, outer)
                elif turn > 0:
                    allowed = lane.index == 0
                else:
                    allowed = lane.index == kind.lanes - 1
                target = next(
                    i
                    for i, other in enumerate(lanes)
                    if other.road == leg.road
                    and other.forward == leg.at_start
                    and other.index == target_index
                )
                (found if allowed else fallback).append(target)
            result += [(source, target) for target in (found or fallback[:1])]
    return result


def _leads_in(leg: Leg, lane: Lane) -> bool:
    return leg.road == lane.road and leg.at_start != lane.forward


def _turn(arrival: Leg, departure: Leg) -> float:
    """Angle by which one turns from the one leg to the other, left positive."""
    before, after = arrival.angle + np.pi, departure.angle
    return float((after - before + np.pi) % (2 * np.pi) - np.pi)
