"""Traffic: road users that follow their routes, keep their distance and wait for each other.

Following is the intelligent driver model (Treiber, Hennecke and Helbing, "Congested traffic states
in empirical observations and microscopic simulations", Phys. Rev. E 62, 2000). At junctions and
crossings whoever comes first gets leave, and keeps it until gone; nobody enters without.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import KDTree

from lidar_label.arrays import Floats
from lidar_label.datasets.simulation import curves
from lidar_label.datasets.simulation.bodies import Body
from lidar_label.datasets.simulation.routes import (
    Route,
    Stretch,
    choose_ways,
    join_ways,
    speed_limits,
)
from lidar_label.datasets.simulation.ways import Way

STEP = 0.1  # seconds
_HARDEST = 6.0  # m/s² of braking
_JERK_UP, _JERK_DOWN = 2.5, 9.0  # m/s³
_PATIENCE_S = 6.0  # after which one who waits goes before those who came later
_PARTING = 8.0  # metres after which links from one lane are well apart
_CHANGE_ROOM = 45.0  # metres of lane that a lane change needs


@dataclass(frozen=True)
class Manner:
    """How a kind of road user moves; metres, seconds, m/s²."""

    acceleration: float
    braking: float
    headway: float
    gap: float
    lateral: float


DRIVER = Manner(1.5, 2.0, 1.3, 2.2, 2.2)
HEAVY_DRIVER = Manner(0.9, 1.6, 1.6, 2.8, 1.3)
RIDER = Manner(1.0, 1.8, 1.1, 1.5, 2.0)
WALKER = Manner(0.8, 1.2, 0.4, 0.5, 0.9)


@dataclass(eq=False)
class Mover:
    """One who follows a route: a vehicle, a walker or a group of walkers.

    Attributes:
        bodies: who moves; several walk together.
        places: (B, 2) metres of each ahead of and left of the route's point.
        manner: how it moves.
        route: where it goes.
        along: metres travelled on the route.
        speed: m/s.
        wish: desired speed as a share of what is allowed.
        length: metres that it takes up along the route.
        patience: seconds of waiting after which others hold back; negative on a priority road.
        history: (along, speed) at every step.
    """

    bodies: tuple[Body, ...]
    places: Floats
    manner: Manner
    route: Route
    along: float
    speed: float
    wish: float
    length: float
    patience: float = _PATIENCE_S
    acceleration: float = 0.0
    stretch: int = 0
    leaves: set[int] = field(default_factory=set[int])  # stretches it may enter
    asked: dict[int, float] = field(default_factory=dict[int, float])
    pause: tuple[float, float] = (np.inf, 0.0)  # when it stops for no reason, and how long
    pause_place: float = np.inf
    changing_until: float = -1.0
    change_from: int = -1
    next_change: float = np.inf
    history: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])

    @property
    def front(self) -> float:
        """Metres along the route."""
        return self.along + self.length / 2

    @property
    def rear(self) -> float:
        """Metres along the route."""
        return self.along - self.length / 2


@dataclass(frozen=True)
class _Presence:
    """Someone on a way: position of the middle along that way."""

    place: float
    length: float
    speed: float
    mover: int


class Traffic:
    """Moves everyone on, step by step."""

    def __init__(
        self, ways: tuple[Way, ...], movers: list[Mover], rng: np.random.Generator
    ) -> None:
        self.ways, self.movers, self.rng = ways, movers, rng
        self.time = 0.0
        self._present: dict[int, list[_Presence]] = {}
        self._crowd: dict[int, float] = {}

    def run(self, steps: int) -> None:
        """Move on by `steps` steps; every mover notes where it was."""
        for _ in range(steps):
            self._note_presence()
            self._give_leave()
            accelerations = [self._acceleration(i) for i in range(len(self.movers))]
            for mover, wanted in zip(self.movers, accelerations, strict=True):
                mover.history.append((mover.along, mover.speed))
                _advance(mover, wanted)
                self._enter_and_leave(mover)
            for i in range(len(self.movers)):
                self._consider_lane_change(i)
            self.time += STEP

    def _note_presence(self) -> None:
        present: dict[int, list[_Presence]] = {}
        for i, mover in enumerate(self.movers):
            stretches = mover.route.stretches
            k = mover.stretch
            while k >= 0 and (k == mover.stretch or mover.rear < stretches[k + 1].begin):
                place = mover.along - stretches[k].begin
                presence = _Presence(place, mover.length, mover.speed, i)
                present.setdefault(stretches[k].way, []).append(presence)
                if place - mover.length / 2 < _PARTING:
                    for way in self.ways[stretches[k].way].siblings:
                        present.setdefault(way, []).append(presence)
                k -= 1
            if mover.change_from >= 0:
                place = mover.along - stretches[mover.stretch].begin
                present.setdefault(mover.change_from, []).append(
                    _Presence(place, mover.length, mover.speed, i)
                )
        self._present = present
        self._crowd = self._note_crowd()

    def _note_crowd(self) -> dict[int, float]:
        """Free metres ahead of each walker who has to let another pass."""
        walkers = [i for i, mover in enumerate(self.movers) if mover.manner is WALKER]
        if len(walkers) < 2:
            return {}
        k = [round(self.movers[i].along / curves.SPACING) for i in walkers]
        tracks = [self.movers[i].route.curve for i in walkers]
        place = np.array([c[min(n, len(c) - 2)] for c, n in zip(tracks, k, strict=True)])
        step = [c[min(n, len(c) - 2) + 1] for c, n in zip(tracks, k, strict=True)] - place
        heading = step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9)
        size = np.array([self.movers[i].length for i in walkers]) / 2
        gap: dict[int, float] = {}
        for a, b in KDTree(place).query_pairs(4.5):
            for me, other in ((a, b), (b, a)):
                between = place[other] - place[me]
                distance = float(np.linalg.norm(between))
                free = float(distance - size[me] - size[other])
                ahead = heading[me] @ between > 0.35 * distance
                along = heading[me] @ heading[other]
                if ahead and free < 1.4 and (other < me or along > 0.3) and along > -0.8:
                    gap[walkers[me]] = min(gap.get(walkers[me], np.inf), free)
        return gap

    def _next_gate(self, mover: Mover) -> int | None:
        """The next stretch for which leave is needed and not yet given."""
        stretches = mover.route.stretches
        for k in range(mover.stretch + 1, min(mover.stretch + 4, len(stretches))):
            if self.ways[stretches[k].way].conflicts and k not in mover.leaves:
                return k
        return None

    def _distance_to_gate(self, mover: Mover, gate: int) -> float:
        stretches = mover.route.stretches
        stop = self.ways[stretches[gate - 1].way].stop
        return stretches[gate].begin - stop - mover.front

    def _give_leave(self) -> None:
        """First come, first served; the impatient hold up those who came later."""
        held: dict[int, set[int]] = {}
        waiting: list[tuple[float, int, int]] = []
        first: dict[int, float] = {}  # who stands first in line, by way
        gates = [self._next_gate(mover) for mover in self.movers]
        # Whoever stands before one on a priority road is on it too.
        urgent = {
            mover.route.stretches[mover.stretch].way: mover.patience
            for mover in self.movers
            if mover.patience < 0
        }
        for mover, gate in zip(self.movers, gates, strict=True):
            if gate is not None:
                before = mover.route.stretches[gate - 1]
                place = mover.along - before.begin
                first[before.way] = max(first.get(before.way, -np.inf), place)
        for i, mover in enumerate(self.movers):
            for k in mover.leaves:
                held.setdefault(mover.route.stretches[k].way, set()).add(i)
            gate = gates[i]
            if gate is None:
                continue
            before = mover.route.stretches[gate - 1]
            if mover.along - before.begin < first[before.way]:
                continue  # leave for one who cannot get there would hold up the others
            reach = max(4.0 if mover.manner is WALKER else 18.0, mover.speed**2 / 2.4 + 8.0)
            if self._distance_to_gate(mover, gate) < reach:
                mover.asked.setdefault(gate, self.time)
                patience = min(mover.patience, urgent.get(before.way, np.inf))
                waiting.append((mover.asked[gate] + patience, i, gate))
        impatient: set[int] = set()
        for until, i, gate in sorted(waiting):
            mover = self.movers[i]
            way = mover.route.stretches[gate].way
            conflicts = self.ways[way].conflicts
            free = not any(held.get(c, set()) - {i} for c in conflicts)
            if free and not (conflicts & impatient) and self._has_room_behind(i, gate, held):
                mover.leaves.add(gate)
                held.setdefault(way, set()).add(i)
            elif not free and self.time > until:
                impatient.add(way)

    def _has_room_behind(self, index: int, gate: int, held: dict[int, set[int]]) -> bool:
        """Whether a vehicle would not have to stop on the junction."""
        mover = self.movers[index]
        stretches = mover.route.stretches
        if mover.manner is WALKER or gate + 1 >= len(stretches):
            return True
        way, beyond = stretches[gate].way, stretches[gate + 1].way
        need = self.ways[way].clear + mover.length + 1.0
        need += sum(self.movers[o].length + 3.0 for o in held.get(way, set()) - {index})
        return all(
            p.place - p.length / 2 > need or p.speed > 4.0 for p in self._present.get(beyond, [])
        )

    def _acceleration(self, index: int) -> float:
        mover = self.movers[index]
        manner, v = mover.manner, mover.speed
        allowed = max(mover.wish * mover.route.limit_at(mover.along + 0.5 * v), 0.1)
        free = manner.acceleration * (1.0 - (v / allowed) ** 4)
        wanted = max(free, -manner.braking)
        for gap, speed, room in self._obstacles(index):
            closing = v * (v - speed) / (2 * np.sqrt(manner.acceleration * manner.braking))
            distance = room + max(0.0, v * manner.headway * (speed > 0.1) + closing)
            wanted = min(wanted, free - manner.acceleration * (distance / max(gap, 0.05)) ** 2)
        return float(np.clip(wanted, -_HARDEST, manner.acceleration))

    def _obstacles(self, index: int) -> list[tuple[float, float, float]]:
        """Gap, speed and room to leave of whatever is ahead: the one in front, gates, pauses."""
        mover = self.movers[index]
        stretches, found = mover.route.stretches, list[tuple[float, float, float]]()
        sight = mover.front + max(12.0, mover.speed**2 / 2.0 + 3.0 * mover.speed)
        nearest = np.inf
        places = [(s.way, s.begin) for s in stretches[mover.stretch :] if s.begin < sight]
        if mover.change_from >= 0:
            places.append((mover.change_from, stretches[mover.stretch].begin))
        for way, begin in places:
            for other in self._present.get(way, ()):
                ahead = begin + other.place - mover.along
                if other.mover == index or ahead < 0 or (ahead == 0 and other.mover > index):
                    continue
                gap = ahead - (other.length + mover.length) / 2
                if gap < nearest:
                    nearest = gap
                    found.append((gap, other.speed, mover.manner.gap))
        if index in self._crowd:
            found.append((max(self._crowd[index], 0.05), 0.0, 0.3))
        gate = self._next_gate(mover)
        if gate is not None:
            found.append((max(self._distance_to_gate(mover, gate), 0.05), 0.0, 0.4))
        if mover.pause[0] <= self.time < mover.pause[0] + mover.pause[1]:
            if np.isinf(mover.pause_place):
                mover.pause_place = mover.front + mover.speed**2 / 2.4 + 4.0
            found.append((mover.pause_place - mover.front, 0.0, 0.4))
        return found

    def _enter_and_leave(self, mover: Mover) -> None:
        stretches = mover.route.stretches
        while mover.stretch + 1 < len(stretches) and (
            mover.along >= stretches[mover.stretch + 1].begin
        ):
            mover.stretch += 1
        for k in list(mover.leaves):
            if mover.rear > stretches[k].end + self.ways[stretches[k].way].clear:
                mover.leaves.discard(k)
        if mover.along > mover.changing_until:
            mover.change_from = -1

    def _consider_lane_change(self, index: int) -> None:
        """Change to a lane beside, when it is time and there is room before and behind."""
        mover = self.movers[index]
        if self.time < mover.next_change or mover.change_from >= 0 or mover.leaves:
            return
        stretch = mover.route.stretches[mover.stretch]
        way = self.ways[stretch.way]
        place = mover.along - stretch.begin
        if not way.beside or mover.speed < 4.0 or place < 8.0:
            return
        if stretch.end - mover.along < _CHANGE_ROOM + 12.0:
            return
        target = int(way.beside[int(self.rng.integers(len(way.beside)))])
        for other in self._present.get(target, []):
            gap = abs(other.place - place) - (other.length + mover.length) / 2
            speed = mover.speed if other.place > place else other.speed
            if gap < 5.0 + 1.2 * speed:
                return
        mover.route = self._changed_route(mover, target, place)
        mover.change_from, mover.changing_until = stretch.way, mover.along + _CHANGE_ROOM
        mover.next_change = self.time + self.rng.uniform(8, 25)
        mover.asked = {}

    def _changed_route(self, mover: Mover, target: int, place: float) -> Route:
        """The route so far, a smooth move over, then on along the other lane."""
        old, here = mover.route, round(mover.along / curves.SPACING)
        rest = max(old.length - mover.along, 150.0)
        gentle = mover.manner is HEAVY_DRIVER
        chosen = choose_ways(self.ways, target, rest + place, self.rng, gentle=gentle)
        other_length = curves.length_of(self.ways[target].curve)
        own = old.stretches[mover.stretch]
        begin = place * other_length / (own.end - own.begin)
        new = join_ways(self.ways, chosen, start=begin, lateral=mover.manner.lateral)
        u = np.arange(round(_CHANGE_ROOM / curves.SPACING)) / round(_CHANGE_ROOM / curves.SPACING)
        share = (u**3 * (10 - 15 * u + 6 * u**2))[:, None]
        kept, leaving = old.curve[:here], old.curve[here : here + len(u)]
        blend = (1 - share) * leaving + share * new.curve[: len(u)]
        curve = np.vstack((kept, blend, new.curve[len(u) :]))
        moved = here * curves.SPACING
        stretches = (
            *old.stretches[: mover.stretch],
            Stretch(own.way, own.begin, moved),
            Stretch(target, moved - begin, moved + new.stretches[0].end),
            *(Stretch(s.way, s.begin + moved, s.end + moved) for s in new.stretches[1:]),
        )
        limit = speed_limits(curve, self.ways, stretches, mover.manner.lateral)
        return Route(curve, limit, stretches)


def _advance(mover: Mover, wanted: float) -> None:
    change = np.clip(wanted - mover.acceleration, -_JERK_DOWN * STEP, _JERK_UP * STEP)
    mover.acceleration += float(change)
    speed = max(mover.speed + mover.acceleration * STEP, 0.0)
    if speed == 0.0:
        mover.acceleration = max(mover.acceleration, 0.0)
    mover.along += (mover.speed + speed) / 2 * STEP
    mover.speed = speed
