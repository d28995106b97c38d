"""Bicycles and motorcycles without riders, alone and in rows along the pavements of a town."""

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.datasets.simulation.actors import Actor
from lidar_label.datasets.simulation.assembly import Assembly
from lidar_label.datasets.simulation.bodies import Body, make_body, paint
from lidar_label.datasets.simulation.materials import Category, Material
from lidar_label.datasets.simulation.motion import Motion, lie
from lidar_label.datasets.simulation.people import make_pedestrian
from lidar_label.datasets.simulation.town import Town, road_sides
from lidar_label.kernels.solids import solid_bounds

BICYCLE, MOTORCYCLE = "bicycle", "motorcycle"
_MOST_ROWS = 7  # along one side of a road, exclusive


def parked(
    town: Town, first_track: int, rng: np.random.Generator
) -> tuple[list[Actor], dict[int, str]]:
    """Parked two-wheelers and people close together; the names of the two-wheelers by track."""
    bounds = solid_bounds(town.parts.solids)
    actors: list[Actor] = []
    names: dict[int, str] = {}
    for side in road_sides(town.network):
        if not side.kind.sidewalk:
            continue
        for _ in range(int(rng.integers(0, _MOST_ROWS))):
            kind = float(rng.random())
            along = rng.uniform(8, max(side.road.length - 12, 9))
            edge = rng.choice([0.5, side.kind.sidewalk - 0.5, side.kind.sidewalk / 2])
            left = side.kind.half_width + edge
            lean = rng.choice([0.0, np.pi / 2, rng.uniform(0.3, 1.2)])
            for _place in range(int(rng.integers(1, 7))):
                body, name = _someone(kind, rng)
                step = rng.uniform(0.5, 0.9) if lean else rng.uniform(1.8, 2.4)
                along += step
                turn = lean + rng.normal(0, 0.12) + (np.pi if rng.random() < 0.5 else 0.0)
                place, heading = side.frame(along, left + rng.normal(0, 0.08))
                if along > side.road.length - 6 or _is_taken(bounds, place):
                    break
                track = first_track + len(actors)
                actors.append(_at_rest(town, track, place, heading + turn, body))
                if name:
                    names[track] = name
    return actors, names


def _someone(kind: float, rng: np.random.Generator) -> tuple[Body, str]:
    if kind < 0.55:
        return _bicycle(rng), BICYCLE
    if kind < 0.8:
        return _motorcycle(rng), MOTORCYCLE
    return make_pedestrian(rng, walking=False), ""


def _is_taken(bounds: Floats, place: Floats) -> bool:
    near = (bounds[:, :2] < place + 0.25) & (bounds[:, 3:5] > place - 0.25)
    return bool(near.all(axis=1).any())


def _at_rest(town: Town, track: int, place: Floats, yaw: float, body: Body) -> Actor:
    turned = np.array([np.arctan2(np.sin(yaw), np.cos(yaw))])
    state = lie(place[None], turned, body, town.terrain, walks=True)
    return Actor(track, body, Motion(np.zeros(1), np.column_stack((state, np.zeros(1)))))


def _bicycle(rng: np.random.Generator) -> Body:
    thing = Assembly(Category.STREET_OBJECT)
    size, colour = rng.uniform(0.92, 1.08), paint(rng)
    wheel, half = 0.34 * size, 0.54 * size
    bars = (0.42 * size, 0.0, rng.uniform(1.0, 1.12))
    saddle, crank = (-0.2, 0.0, rng.uniform(0.85, 1.0)), (0.0, 0.0, 0.29)
    rims = rng.uniform(0.45, 0.7)
    for x in (-half, half):
        thing.tube((x, -0.02, wheel), (x, 0.02, wheel), wheel, Material.RUBBER, transmission=rims)
    for a, b in (
        (crank, (0.38, 0, 0.85)), (crank, saddle), ((-0.17, 0, 0.85), (0.38, 0, 0.85)),
        ((half, 0, wheel), bars), ((-half, 0, wheel), crank), ((-half, 0, wheel), (-0.17, 0, 0.85)),
    ):  # fmt: skip
        thing.tube(a, b, 0.02, Material.STEEL, colour)
    thing.tube((bars[0], -0.3, bars[2]), (bars[0], 0.3, bars[2]), 0.016, Material.STEEL)
    thing.box(saddle, (0.25, 0.15, 0.07), Material.PLASTIC)
    if rng.random() < 0.5:
        thing.box((-half, 0, 0.75), (0.35, 0.14, 0.03), Material.STEEL)
    if rng.random() < 0.3:
        thing.box((half, 0, 0.9), (0.3, 0.4, 0.25), Material.PLASTIC, (60, 50, 40))
    return make_body(Category.CYCLIST, [thing.parts()], wheelbase=2 * half, track=0.3)


def _motorcycle(rng: np.random.Generator) -> Body:
    thing = Assembly(Category.STREET_OBJECT)
    scooter, colour = bool(rng.random() < 0.6), paint(rng)
    half, wheel = (0.64, 0.23) if scooter else (0.74, 0.31)
    half *= rng.uniform(0.95, 1.08)
    for x in (-half, half):
        thing.tube((x, -0.07, wheel), (x, 0.07, wheel), wheel, Material.RUBBER)
    thing.box((-0.05, 0, 0.48), (0.8, 0.32, 0.4), Material.STEEL, (60, 60, 64))
    thing.box((-0.4, 0, 0.78), (0.75, 0.28, 0.16), Material.PLASTIC)
    thing.tube((half, 0, wheel), (0.42, 0, 1.0), 0.05, Material.STEEL)
    thing.tube((0.42, -0.36, 1.03), (0.42, 0.36, 1.03), 0.025, Material.STEEL)
    if scooter:
        thing.box((0.4, 0, 0.65), (0.14, 0.45, 0.7), Material.CAR_PAINT, colour, pitch=-0.25)
        if rng.random() < 0.4:
            thing.box((-0.7, 0, 1.0), (0.35, 0.35, 0.3), Material.PLASTIC)
    else:
        thing.ball((0.15, 0, 0.82), (0.7, 0.36, 0.34), Material.CAR_PAINT, colour)
    if rng.random() < 0.3:
        thing.box((0.45, 0, 1.2), (0.05, 0.4, 0.4), Material.GLASS, transmission=0.7)
    return make_body(Category.MOTORCYCLIST, [thing.parts()], wheelbase=2 * half, track=0.3)
