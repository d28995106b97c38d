"""Buildings of varied footprint, put together from parts."""

import numpy as np

from lidar_label.datasets.simulation.assembly import Assembly, Colour
from lidar_label.datasets.simulation.materials import Category, Material

# Street front along x, centred; the front face at y = 0, the house behind it (y > 0); z = 0 ground.
SINK = 2.5  # metres that walls go on below the ground, for slopes
_WALLS: tuple[Colour, ...] = (
    (214, 204, 184), (226, 222, 210), (196, 178, 146), (206, 190, 170), (176, 160, 148),
    (222, 206, 160), (188, 196, 200), (230, 226, 222), (170, 140, 120),
)  # fmt: skip
_BRICKS: tuple[Colour, ...] = ((152, 84, 64), (134, 76, 62), (168, 110, 84), (120, 70, 60))
_ROOFS: tuple[Colour, ...] = ((142, 74, 56), (96, 72, 66), (80, 82, 88), (118, 62, 50))


def detached_house(rng: np.random.Generator) -> tuple[Assembly, float, float]:
    """A house, perhaps with a wing, garage, porch and chimney; its width and depth."""
    width, depth = rng.uniform(8, 14), rng.uniform(7.5, 11)
    eaves = rng.uniform(2.8, 6.2)
    house = Assembly(Category.BUILDING)
    wall, roof = _finish(rng), _pick(rng, _ROOFS)
    _block(house, 0, depth / 2, width, depth, eaves, wall)
    _pitched_roof(house, 0, depth / 2, width, depth, eaves, rng.uniform(1.8, 3.6), roof, rng)
    if rng.random() < 0.5:  # a wing to the front: an L
        w, d = rng.uniform(3, 5), rng.uniform(2, 4)
        side = rng.choice((-1, 1)) * (width - w) / 2
        _block(house, side, -d / 2, w, d, eaves * 0.9, wall)
        _pitched_roof(house, side, -d / 2, w, d, eaves * 0.9, 1.5, roof, rng)
    if rng.random() < 0.5:
        side = rng.choice((-1, 1)) * (width / 2 + 1.7)
        _block(house, side, depth * 0.5, 3.4, 5.5, 2.5, wall, facade=False)
    if rng.random() < 0.6:
        house.box(
            (rng.uniform(-0.3, 0.3) * width, depth * 0.6, eaves + 2.2),
            (0.6, 0.6, 3.0),
            Material.BRICK,
        )
    if rng.random() < 0.5:
        door = rng.uniform(-0.3, 0.3) * width
        house.box((door, -0.7, 0.1), (2.2, 1.4, 0.4), Material.CONCRETE)
        house.box((door, -0.7, 2.6), (2.4, 1.4, 0.15), Material.ROOF_TILE)
        for x in (-1.0, 1.0):
            house.tube((door + x, -1.3, 0), (door + x, -1.3, 2.5), 0.07, Material.WOOD)
    return house, width, depth


def town_house(rng: np.random.Generator) -> tuple[Assembly, float, float]:
    """One of a row: narrow, two to four floors, bays and steps to the street."""
    width, depth = rng.uniform(5.5, 9), rng.uniform(9, 12)
    floors = int(rng.integers(2, 5))
    height = 3.0 * floors + 0.4
    house = Assembly(Category.BUILDING)
    wall = _finish(rng)
    _block(house, 0, depth / 2, width, depth, height, wall)
    if rng.random() < 0.6:
        roof = _pick(rng, _ROOFS)
        _pitched_roof(house, 0, depth / 2, width, depth, height, rng.uniform(1.5, 3.5), roof, rng)
    if rng.random() < 0.45:  # bay
        house.box(
            (rng.uniform(-0.2, 0.2) * width, -0.35, height * 0.45),
            (2.2, 0.9, height * 0.7),
            Material.PLASTER,
            wall[1],
            facade=True,
        )
    door = rng.uniform(-0.35, 0.35) * width
    house.box((door, -0.3, 0.1), (1.4, 0.6, 0.35), Material.CONCRETE)
    return house, width, depth


def apartments(rng: np.random.Generator) -> tuple[Assembly, float, float]:
    """A block of flats with balconies, or two blocks at a right angle."""
    width, depth = rng.uniform(16, 30), rng.uniform(10, 14)
    floors = int(rng.integers(3, 8))
    height = 2.9 * floors + 0.8
    house = Assembly(Category.BUILDING)
    wall = _finish(rng)
    _block(house, 0, depth / 2, width, depth, height, wall)
    house.box((0, depth / 2, height + 0.3), (width + 0.6, depth + 0.6, 0.6), Material.CONCRETE)
    if rng.random() < 0.4:
        side = rng.choice((-1, 1)) * (width / 2 - 5)
        _block(house, side, depth + 4, 10, 8, height, wall)
    columns = np.arange(-width / 2 + 3, width / 2 - 2, rng.uniform(4, 6))
    if rng.random() < 0.7:
        for floor in range(1, floors):
            for x in columns:
                z = 2.9 * floor
                house.box((x, -0.65, z), (2.6, 1.3, 0.18), Material.CONCRETE)
                house.box((x, -1.27, z + 0.55), (2.6, 0.06, 1.0), Material.STEEL, transmission=0.4)
    house.box((0, -0.8, 2.9), (3.2, 1.6, 0.2), Material.CONCRETE)
    return house, width, depth


def hall(rng: np.random.Generator) -> tuple[Assembly, float, float]:
    """A shop, works or supermarket: low, wide, with a canopy and a sign."""
    width, depth, height = rng.uniform(15, 28), rng.uniform(12, 18), rng.uniform(4, 8)
    house = Assembly(Category.BUILDING)
    wall = (
        (Material.STEEL, (176, 182, 186))
        if rng.random() < 0.4
        else (Material.CONCRETE, (180, 176, 168))
    )
    _block(house, 0, depth / 2, width, depth, height, wall)
    house.box((0, -0.9, 3.0), (width * 0.6, 1.8, 0.2), Material.STEEL)
    house.box((0, -0.15, height - 0.8), (width * 0.4, 0.3, 1.0), Material.PLASTIC, (40, 80, 150))
    for x in np.linspace(-width * 0.28, width * 0.28, 4):
        house.tube((x, -1.6, -SINK), (x, -1.6, 3.0), 0.08, Material.STEEL)
    return house, width, depth


def _block(
    house: Assembly,
    x: float,
    y: float,
    width: float,
    depth: float,
    height: float,
    finish: tuple[Material, Colour],
    *,
    facade: bool = True,
) -> None:
    house.box(
        (x, y, (height - SINK) / 2),
        (width, depth, height + SINK),
        finish[0],
        finish[1],
        facade=facade,
    )


def _pitched_roof(
    house: Assembly,
    x: float,
    y: float,
    width: float,
    depth: float,
    eaves: float,
    rise: float,
    colour: Colour,
    rng: np.random.Generator,
) -> None:
    """A gable or a hip along x, with eaves of 0.4 m."""
    hip = min(depth / width, 0.9) if rng.random() < 0.4 else 0.0
    house.box(
        (x, y, eaves + rise / 2),
        (width + 0.8, depth + 0.8, rise),
        Material.ROOF_TILE,
        colour,
        taper=(hip, hip, 1.0),
    )


def _finish(rng: np.random.Generator) -> tuple[Material, Colour]:
    if rng.random() < 0.3:
        return Material.BRICK, _pick(rng, _BRICKS)
    return Material.PLASTER, _pick(rng, _WALLS)


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(rng.integers(len(colours)))]
