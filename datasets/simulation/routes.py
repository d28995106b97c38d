"""Routes: ways joined to one smooth curve, with the speeds that its bends allow."""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.datasets.simulation import curves
from lidar_label.datasets.simulation.ways import Way

_BRAKING = 1.4  # m/s², to be slow enough at the next bend


@dataclass(frozen=True)
class Stretch:
    """A way as part of a route: its number, and where it begins and ends along the route."""

    way: int
    begin: float
    end: float


@dataclass(frozen=True, eq=False)
class Route:
    """A curve to follow.

    Attributes:
        curve: (K, 2) points curves.SPACING apart.
        limit: (K,) m/s, so that bends ahead can be reached at their speed.
        stretches: the ways it is made of, in order.
    """

    curve: Floats
    limit: Floats
    stretches: tuple[Stretch, ...]

    @property
    def length(self) -> float:
        """Metres."""
        return (len(self.curve) - 1) * curves.SPACING

    def limit_at(self, along: float) -> float:
        """Speed allowed at a place."""
        return float(self.limit[min(max(int(along / curves.SPACING), 0), len(self.limit) - 1)])


def choose_ways(
    ways: tuple[Way, ...], first: int, length: float, rng: np.random.Generator, *, gentle: bool
) -> list[int]:
    """A random walk over ways of at least `length` metres; `gentle` avoids tight bends."""
    chosen, total = [first], curves.length_of(ways[first].curve)
    while total < length:
        exits = ways[chosen[-1]].exits
        if gentle and len(exits) > 1:
            tightest = [np.abs(curves.curvature(ways[e].curve)).max() for e in exits]
            exits = tuple(e for e, k in zip(exits, tightest, strict=True) if k <= 0.09) or exits
        # Walkers seldom cross the road.
        crossing = [ways[e].for_walkers and len(ways[e].conflicts) > 0 for e in exits]
        share = np.where(crossing, 0.3, 1.0)
        following = int(rng.choice(exits, p=share / share.sum()))
        chosen.append(following)
        total += curves.length_of(ways[following].curve)
    return chosen


def join_ways(
    ways: tuple[Way, ...], chosen: list[int], *, start: float = 0.0, lateral: float = 2.0
) -> Route:
    """A route along ways from `start` metres on the first; `lateral` m/s² are allowed in bends."""
    pieces: list[Floats] = []
    marks: list[tuple[int, float]] = []
    along = -start
    last: Floats | None = None
    for number in chosen:
        curve = ways[number].curve
        if last is not None:
            along += float(np.linalg.norm(curve[0] - last))
        marks.append((number, along))
        along += curves.length_of(curve)
        last = curve[-1]
        pieces.append(curve)
    joined = np.vstack(pieces)
    keep = np.append(True, np.linalg.norm(np.diff(joined, axis=0), axis=1) > 1e-6)
    whole = curves.arc_length(joined[keep])[-1]
    walking = ways[chosen[0]].for_walkers
    curve = even(curves.smooth(curves.cut(joined[keep], start, whole), 1.2 if walking else 1.5))
    scale = (len(curve) - 1) * curves.SPACING / (whole - start)  # smoothing shortens a little
    ends = [begin for _, begin in marks[1:]] + [whole - start]
    stretches = tuple(
        Stretch(number, begin * scale, end * scale)
        for (number, begin), end in zip(marks, ends, strict=True)
    )
    return Route(curve, speed_limits(curve, ways, stretches, lateral), stretches)


def even(curve: Floats) -> Floats:
    """Points exactly curves.SPACING apart; what is left over at the end is dropped."""
    along = curves.arc_length(curve)
    at = np.arange(0, along[-1], curves.SPACING)
    return np.column_stack([np.interp(at, along, curve[:, k]) for k in range(2)])


def speed_limits(
    curve: Floats, ways: tuple[Way, ...], stretches: tuple[Stretch, ...], lateral: float
) -> Floats:
    """What ways and bends allow, lowered ahead of slower places."""
    limit = np.empty(len(curve))
    for stretch in stretches:
        begin = max(int(stretch.begin / curves.SPACING), 0)
        limit[begin:] = ways[stretch.way].speed
    bend = np.abs(curves.curvature(curve))
    limit = np.minimum(limit, np.sqrt(lateral / np.maximum(bend, 1e-4)))
    for i in range(len(limit) - 2, -1, -1):
        limit[i] = min(limit[i], np.sqrt(limit[i + 1] ** 2 + 2 * _BRAKING * curves.SPACING))
    return limit
