"""What stands along streets: lamps, signs, signals, bollards, fences, walls, rails, shelters."""

import numpy as np

from lidar_label.datasets.simulation.assembly import Assembly, Colour
from lidar_label.datasets.simulation.materials import Category, Material

# All stand at the origin on z = 0; the street lies at y < 0, its nearest traffic drives towards −x.


def lamp(rng: np.random.Generator) -> Assembly:
    """A street lamp whose arm reaches over the road."""
    tall, reach = rng.uniform(5, 8), rng.uniform(1.0, 2.2)
    thing = Assembly(Category.POLE)
    thing.tube((0, 0, -0.5), (0, 0, tall), 0.085, Material.STEEL, taper=0.4)
    thing.tube((0, 0, 0), (0, 0, 1.0), 0.12, Material.STEEL)
    thing.tube((0, 0, tall - 0.05), (0, -reach, tall + 0.25), 0.04, Material.STEEL)
    thing.box((0, -reach, tall + 0.22), (0.25, 0.6, 0.12), Material.STEEL, (90, 94, 98))
    return thing


def utility_pole(rng: np.random.Generator) -> Assembly:
    """A wooden pole with a cross-arm."""
    tall = rng.uniform(7, 9.5)
    thing = Assembly(Category.POLE)
    thing.tube((0, 0, -0.8), (0, 0, tall), 0.14, Material.WOOD, taper=0.3)
    thing.box((0, 0, tall - 0.6), (1.8, 0.12, 0.12), Material.WOOD)
    return thing


def traffic_sign(rng: np.random.Generator) -> Assembly:
    """A disc, a square or a triangle's worth of foil on a pole; it looks along +x."""
    tall = rng.uniform(2.1, 2.7)
    thing = Assembly(Category.SIGN)
    thing.tube((0, 0, -0.4), (0, 0, tall + 0.3), 0.03, Material.STEEL, category=Category.POLE)
    colours: tuple[Colour, ...] = ((200, 36, 40), (36, 70, 160), (236, 200, 40), (230, 230, 230))
    colour = colours[int(rng.integers(len(colours)))]
    if rng.random() < 0.6:
        thing.tube((0.035, 0, tall), (0.05, 0, tall), 0.31, Material.SIGN_FOIL, colour)
    else:
        thing.box((0.045, 0, tall), (0.015, 0.6, 0.6), Material.SIGN_FOIL, colour)
    if rng.random() < 0.25:
        thing.box((0.045, 0, tall - 0.55), (0.015, 0.6, 0.3), Material.SIGN_FOIL, (235, 235, 235))
    return thing


def signal(rng: np.random.Generator, reach: float) -> Assembly:
    """Traffic lights on a mast, its arm `reach` metres over the lanes; they look along +x."""
    thing = Assembly(Category.POLE)
    tall = 5.6 if reach > 0 else 3.2
    thing.tube((0, 0, -0.5), (0, 0, tall), 0.09, Material.STEEL)
    heads = [(0.0, 2.6)]
    if reach > 0:
        thing.tube((0, 0, tall - 0.1), (0, -reach, tall + 0.1), 0.06, Material.STEEL)
        heads.append((-reach, tall - 0.4))
    lit = int(rng.integers(3))
    for y, z in heads:
        thing.box((0.2, y, z), (0.22, 0.32, 0.95), Material.PLASTIC, category=Category.SIGN)
        for k, colour in enumerate(((220, 40, 36), (230, 170, 40), (60, 200, 90))):
            shade = colour if k == lit else (colour[0] // 4, colour[1] // 4, colour[2] // 4)
            at = (0.32, y, z + 0.3 - 0.3 * k)
            thing.ball(at, (0.05, 0.2, 0.2), Material.LAMP, shade, category=Category.SIGN)
    return thing


def bollard() -> Assembly:
    """A short post."""
    thing = Assembly(Category.POLE)
    thing.tube((0, 0, -0.3), (0, 0, 0.95), 0.07, Material.STEEL, (60, 60, 64))
    return thing


def bin_(rng: np.random.Generator) -> Assembly:
    """A litter bin, wheelie bin or grit box."""
    thing = Assembly(Category.STREET_OBJECT)
    if rng.random() < 0.5:
        thing.tube((0, 0, -0.2), (0, 0, 1.0), 0.27, Material.PLASTIC, (50, 90, 60))
    else:
        thing.box((0, 0, 0.45), (0.6, 0.75, 1.1), Material.PLASTIC, (50, 50, 56))
    return thing


def cabinet() -> Assembly:
    """A switch cabinet."""
    thing = Assembly(Category.STREET_OBJECT)
    thing.box((0, 0, 0.55), (1.1, 0.4, 1.5), Material.PLASTIC, (160, 164, 158))
    return thing


def bench() -> Assembly:
    """A bench that looks at the street."""
    thing = Assembly(Category.STREET_OBJECT)
    thing.box((0, 0, 0.45), (1.8, 0.45, 0.06), Material.WOOD)
    thing.box((0, 0.22, 0.75), (1.8, 0.05, 0.45), Material.WOOD)
    for x in (-0.7, 0.7):
        thing.box((x, 0, 0.1), (0.08, 0.4, 0.7), Material.CONCRETE)
    return thing


def shelter() -> Assembly:
    """A bus shelter with glass walls."""
    thing = Assembly(Category.STREET_OBJECT)
    thing.box((0, 0, 2.45), (4.0, 1.5, 0.12), Material.STEEL)
    thing.box((0, 0.65, 1.2), (3.8, 0.05, 2.2), Material.GLASS, transmission=0.75)
    thing.box((1.9, 0.1, 1.2), (0.08, 1.1, 2.2), Material.PLASTIC, (190, 60, 60))
    for x in (-1.9, 1.9):
        for y in (-0.6, 0.65):
            thing.tube((x, y, -0.3), (x, y, 2.4), 0.05, Material.STEEL)
    thing.box((0, 0.4, 0.5), (2.4, 0.35, 0.06), Material.WOOD)
    return thing


def bicycle_stand(rng: np.random.Generator) -> Assembly:
    """A few bicycles side by side without riders: no cyclists."""
    thing = Assembly(Category.STREET_OBJECT)
    for k in range(int(rng.integers(2, 6))):
        x = 0.65 * k
        for y in (-0.5, 0.5):
            thing.tube(
                (x - 0.02, y, 0.34), (x + 0.02, y, 0.34), 0.34, Material.RUBBER, transmission=0.6
            )
        thing.tube((x, -0.5, 0.36), (x, 0.1, 0.8), 0.03, Material.STEEL, (60, 60, 90))
        thing.tube((x, 0.5, 0.36), (x, 0.1, 0.8), 0.03, Material.STEEL, (60, 60, 90))
        thing.box((x, 0.2, 0.95), (0.12, 0.25, 0.08), Material.PLASTIC)
        thing.box((x, -0.4, 1.0), (0.5, 0.05, 0.05), Material.STEEL)
    return thing


def wall(length: float, height: float, colour: Colour, material: Material) -> Assembly:
    """A garden wall along x from the origin."""
    thing = Assembly(Category.WALL)
    thing.box(
        (length / 2, 0, height / 2 - 0.3), (length + 0.04, 0.28, height + 0.6), material, colour
    )
    return thing


def fence(length: float, height: float, *, wood: bool) -> Assembly:
    """Boards or mesh between posts, along x from the origin; some light goes through."""
    thing = Assembly(Category.FENCE)
    if wood:
        thing.box(
            (length / 2, 0, height / 2), (length, 0.05, height - 0.1), Material.WOOD,
            transmission=0.25,
        )  # fmt: skip
    else:
        thing.box(
            (length / 2, 0, height / 2), (length, 0.02, height - 0.05), Material.STEEL,
            transmission=0.72,
        )  # fmt: skip
    thing.tube((0, 0, -0.4), (0, 0, height), 0.04, Material.STEEL)
    return thing


def guard_rail(length: float) -> Assembly:
    """A steel beam on posts, along x from the origin."""
    thing = Assembly(Category.GUARD_RAIL)
    thing.box((length / 2, 0, 0.6), (length + 0.1, 0.08, 0.31), Material.STEEL)
    for x in (0.0, length / 2):
        thing.box((x, 0.1, 0.25), (0.1, 0.12, 1.0), Material.STEEL)
    return thing
