"""Who is about: the ego car, traffic, walkers and groups, parked vehicles; each with its motion."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.datasets.simulation import curves
from lidar_label.datasets.simulation.bodies import Body
from lidar_label.datasets.simulation.footprints import overlapping_pairs
from lidar_label.datasets.simulation.materials import Category
from lidar_label.datasets.simulation.motion import Motion, follow, lie
from lidar_label.datasets.simulation.people import (
    make_cyclist,
    make_motorcyclist,
    make_pedestrian,
)
from lidar_label.datasets.simulation.routes import choose_ways, join_ways
from lidar_label.datasets.simulation.town import RoadSide, Town, road_sides
from lidar_label.datasets.simulation.traffic import (
    DRIVER,
    HEAVY_DRIVER,
    RIDER,
    STEP,
    WALKER,
    Manner,
    Mover,
    Traffic,
)
from lidar_label.datasets.simulation.vehicles import make_bus, make_car, make_truck, make_van
from lidar_label.datasets.simulation.ways import Way, make_ways
from lidar_label.kernels.solids import solid_bounds

_SETTLING = 6.0  # seconds of traffic before the drive begins
_AFTER = 0.6  # and after it ends
_LINE_WIDTH = 0.16  # metres that drivers wander about the middle of their lane

# Who drives, as shares: category, maker, manner, share, only on wide lanes.
_Maker = Callable[[np.random.Generator], Body]
_DRIVERS: tuple[tuple[_Maker, Manner, float, bool], ...] = (
    (make_car, DRIVER, 0.58, False),
    (make_van, DRIVER, 0.10, False),
    (make_truck, HEAVY_DRIVER, 0.08, True),
    (make_bus, HEAVY_DRIVER, 0.05, True),
    (make_cyclist, RIDER, 0.14, False),
    (make_motorcyclist, DRIVER, 0.05, False),
)


@dataclass(frozen=True, eq=False)
class Actor:
    """Someone or something that can move; `track` is its number in all labels."""

    track: int
    body: Body
    motion: Motion

    def footprint(self, time: Floats) -> Floats:
        """(T, 5) x y length width yaw."""
        state = self.motion.at(time)
        size = np.broadcast_to([self.body.length, self.body.width], (len(state), 2))
        return np.column_stack((state[:, :2], size, state[:, 3]))


@dataclass(frozen=True, eq=False)
class Cast:
    """All that move or could: the ego first, then the others with tracks from 0."""

    ego: Actor
    others: tuple[Actor, ...]


def make_cast(town: Town, seconds: float, rng: np.random.Generator) -> Cast:
    """Fill the streets, let traffic run, and keep the motion of everyone."""
    ways = make_ways(town.network)
    movers = _drivers(town, ways, seconds, rng) + _walkers(ways, seconds, rng)
    traffic = Traffic(ways, movers, rng)
    traffic.run(round((_SETTLING + seconds + _AFTER) / STEP) + 1)
    time: Floats = np.arange(len(movers[0].history), dtype=np.float64) * STEP - _SETTLING
    shown = time > -_AFTER
    actors: list[Actor] = []
    for mover in movers:
        along = np.array([place for place, _ in mover.history])[shown]
        waves = rng.uniform(0, 2 * np.pi, 2)
        actors += [
            Actor(-1, body, Motion(time[shown], _states(mover, k, along, town, waves)))
            for k, body in enumerate(mover.bodies)
        ]
    actors += _parked(town, rng) + _standing(town, rng)
    keep = _without_overlaps(actors, time[shown][::2])
    ego, *others = (actors[i] for i in keep)
    numbered = tuple(Actor(i, actor.body, actor.motion) for i, actor in enumerate(others))
    return Cast(ego, numbered)


def _states(mover: Mover, member: int, along: Floats, town: Town, waves: Floats) -> Floats:
    ahead, left = mover.places[member]
    walks = mover.manner is WALKER
    wander = 0.05 if walks else _LINE_WIDTH / 2
    drift = wander * (np.sin(along / 19.0 + waves[0]) + np.sin(along / 31.0 + waves[1]))
    return follow(
        mover.route.curve, along, mover.bodies[member], town.terrain, ahead=float(ahead),
        left=left + drift, walks=walks,
    )  # fmt: skip


def _drivers(
    town: Town, ways: tuple[Way, ...], seconds: float, rng: np.random.Generator
) -> list[Mover]:
    """The ego and everyone else on the lanes."""
    reach = 22.0 * (_SETTLING + seconds) + 150.0
    lanes = [i for i, way in enumerate(ways) if way.is_lane]
    middle = town.network.size / 2
    inner = [
        i
        for i in lanes
        if curves.length_of(ways[i].curve) > 55
        and np.abs(ways[i].curve[0] - middle).max() < middle * 0.62
    ]
    ego_lane = int(rng.choice(inner or lanes))
    movers = [_driver(ways, ego_lane, 12.0, make_car(rng), DRIVER, reach, rng)]
    movers[0].patience = -60.0  # its road has priority, so that it gets about
    movers[0].pause = (np.inf, 0.0)
    for lane in lanes:
        wide = town.network.lanes[lane].width > 3.2
        shares = np.array([share * (wide or not heavy) for _, _, share, heavy in _DRIVERS])
        along = rng.uniform(8, 45) + (30.0 if lane == ego_lane else 0.0)
        while along < curves.length_of(ways[lane].curve) - 24:
            make, manner, _, _ = _DRIVERS[int(rng.choice(len(shares), p=shares / shares.sum()))]
            body = make(rng)
            movers.append(_driver(ways, lane, along + body.length / 2, body, manner, reach, rng))
            along += body.length + rng.uniform(11, 46)
    return movers


def _driver(
    ways: tuple[Way, ...],
    lane: int,
    along: float,
    body: Body,
    manner: Manner,
    reach: float,
    rng: np.random.Generator,
) -> Mover:
    chosen = choose_ways(ways, lane, reach, rng, gentle=manner is HEAVY_DRIVER)
    route = join_ways(ways, chosen, lateral=manner.lateral)
    slow, left = 1.0, 0.0
    if body.category == Category.CYCLIST:
        slow, left = rng.uniform(4.0, 6.5) / ways[lane].speed, -0.85
    elif body.category == Category.MOTORCYCLIST:
        left = rng.uniform(-0.4, 0.4)
    wish = slow * rng.uniform(0.85, 1.1)
    mover = Mover(
        (body,), np.array([[0.0, left]]), manner, route, along,
        0.6 * wish * route.limit_at(along), wish, body.length,
    )  # fmt: skip
    mover.next_change = rng.uniform(2, 20) if manner is not RIDER else np.inf
    if rng.random() < 0.08:
        mover.pause = (_SETTLING + rng.uniform(0, 15), rng.uniform(2, 6))
    return mover


def _walkers(ways: tuple[Way, ...], seconds: float, rng: np.random.Generator) -> list[Mover]:
    """People on the pavements, alone or in groups that keep together."""
    movers: list[Mover] = []
    reach = 2.2 * (_SETTLING + seconds) + 40.0
    for number, way in enumerate(ways):
        length = curves.length_of(way.curve)
        if not way.for_walkers or length < 20:
            continue
        along = rng.uniform(3, 60)
        while along < length - 6:
            size = int(rng.choice([1, 2, 3, 4], p=[0.62, 0.24, 0.09, 0.05]))
            bodies = tuple(make_pedestrian(rng) for _ in range(size))
            # Two abreast, rows a step and a half apart.
            broad = max(body.width for body in bodies) + 0.06
            places = np.array([(-(k // 2) * 1.35, (k % 2 - 0.5) * broad) for k in range(size)])
            places -= places.mean(axis=0)
            depth = float(np.ptp(places[:, 0])) + max(body.length for body in bodies)
            route = join_ways(ways, choose_ways(ways, number, reach, rng, gentle=False))
            movers.append(
                Mover(
                    bodies, places, WALKER, route, along, 1.2, rng.uniform(0.75, 1.2), depth + 0.2
                )
            )
            along += depth + rng.uniform(15, 90)
    return movers


def _parked(town: Town, rng: np.random.Generator) -> list[Actor]:
    """Vehicles in the parking strips, most of them facing with the traffic."""
    actors: list[Actor] = []
    for side in road_sides(town.network):
        busy = rng.uniform(0.05, 0.9)
        along = rng.uniform(10, 16)
        while side.kind.parking and along < side.road.length - 14:
            body = make_car(rng) if rng.random() < 0.88 else make_van(rng)
            if rng.random() < busy and along + body.length < side.road.length - 9:
                left = side.kind.half_width - side.kind.parking / 2 + rng.normal(0, 0.05)
                turn = (0.0 if rng.random() < 0.12 else np.pi) + rng.normal(0, 0.015)
                actors.append(_at_rest(town, side, along + body.length / 2, left, turn, body))
            along += body.length + rng.uniform(0.7, 2.2)
    return actors


def _standing(town: Town, rng: np.random.Generator) -> list[Actor]:
    """People who stand together behind the pavement, where nothing else is."""
    bounds = solid_bounds(town.parts.solids)
    actors: list[Actor] = []
    for side in road_sides(town.network):
        if not side.kind.sidewalk or rng.random() < 0.5:
            continue
        along = rng.uniform(10, side.road.length - 10)
        for k in range(int(rng.integers(1, 5))):
            spot, out = along + 0.75 * k + rng.normal(0, 0.05), side.back + rng.uniform(0.9, 1.6)
            place, _ = side.frame(spot, out)
            near = (bounds[:, :2] < place + 0.5) & (bounds[:, 3:5] > place - 0.5)
            if not near.all(axis=1).any():
                body = make_pedestrian(rng, walking=False)
                turn = rng.uniform(-np.pi, np.pi)
                actors.append(_at_rest(town, side, spot, out, turn, body, walks=True))
    return actors


def _at_rest(
    town: Town,
    side: RoadSide,
    along: float,
    left: float,
    turn: float,
    body: Body,
    *,
    walks: bool = False,
) -> Actor:
    place, heading = side.frame(along, left)
    yaw = np.array([np.arctan2(np.sin(heading + turn), np.cos(heading + turn))])
    state = lie(place[None], yaw, body, town.terrain, walks=walks)
    return Actor(-1, body, Motion(np.zeros(1), np.column_stack((state, np.zeros(1)))))


def _without_overlaps(actors: list[Actor], time: Floats) -> list[int]:
    """Indices of actors to keep so that none overlap at any time; the ego, first, always stays."""
    rectangles = np.stack([actor.footprint(time) for actor in actors])
    clashes = {
        (int(i), int(j)) for k in range(len(time)) for i, j in overlapping_pairs(rectangles[:, k])
    }
    dropped: set[int] = set()
    while clashes:
        count = np.bincount(np.ravel(list(clashes)), minlength=len(actors))
        count[0] = 0
        worst = int(np.argmax(count))
        dropped.add(worst)
        clashes = {pair for pair in clashes if worst not in pair}
    return [i for i in range(len(actors)) if i not in dropped]
