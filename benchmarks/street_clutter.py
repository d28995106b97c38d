"""What stands about besides: hedges, fences, walls, heaps, crates, posts; nobody labels it."""

from collections.abc import Callable

import numpy as np

from lidar_label.arrays import Transform
from lidar_label.datasets.simulation import furniture, greenery
from lidar_label.datasets.simulation.assembly import Assembly, Parts, rotation
from lidar_label.datasets.simulation.materials import Category, Material
from lidar_label.datasets.simulation.town import Town, road_sides
from lidar_label.kernels.height_field import height_at

_STEP_M = (3.0, 14.0)  # between two things along a road side


def clutter(town: Town, rng: np.random.Generator) -> Parts:
    """Things beside the roads of a town, world frame; none on a lane or parking strip."""
    makers: tuple[Callable[[np.random.Generator], Assembly], ...] = (
        _thicket, _thicket, _thicket, _corner, _heap, _crate, _post, _low_tree, _hedge, _fence,
        lambda rng: furniture.bin_(rng), lambda rng: furniture.traffic_sign(rng),
    )  # fmt: skip
    placed: list[Parts] = []
    for side in road_sides(town.network):
        share = rng.uniform(0.2, 1.0)  # some roads are tidy
        along = rng.uniform(5, 15)
        while along < side.road.length - 8:
            along += rng.uniform(*_STEP_M)
            if rng.random() > share:
                continue
            thing = makers[int(rng.integers(len(makers)))](rng)
            clear = 0.3 + max(float(np.abs(thing.parts().bounds()).max()) / 2, 0.3)
            left = side.back + clear + rng.exponential(3.0)
            place, _ = side.frame(along, left)
            if (place < 2).any() or (place > town.network.size - 2).any():
                continue
            pose: Transform = np.eye(4)
            pose[:3, :3] = rotation(rng.uniform(-np.pi, np.pi), 0.0)
            pose[:3, 3] = (*place, height_at(town.terrain.field, place[None])[0])
            placed.append(thing.parts().placed(pose))
    return Parts.concatenate(placed)


def _thicket(rng: np.random.Generator) -> Assembly:
    """Bushes grown into one another, of the size of a dog to that of a van."""
    plant = Assembly(Category.VEGETATION)
    length, width = rng.uniform(0.6, 5.5), rng.uniform(0.5, 2.4)
    tall = rng.uniform(0.5, 2.6)
    for _ in range(int(rng.integers(3, 14))):
        size = rng.uniform(0.35, 0.9) * tall
        at = (rng.uniform(-0.5, 0.5) * length, rng.uniform(-0.5, 0.5) * width, 0.4 * size)
        shape = tuple(size * rng.uniform(0.5, 1.2, 3))
        plant.ball(
            at, shape, Material.LEAVES, (74, 108, 48), yaw=rng.uniform(0, 3),
            free_path=rng.uniform(0.08, 0.6),
        )  # fmt: skip
    return plant


def _hedge(rng: np.random.Generator) -> Assembly:
    """A clipped hedge, straight, some of it as long and wide as a vehicle."""
    plant = Assembly(Category.VEGETATION)
    length, width, tall = rng.uniform((1.5, 0.5, 0.7), (9.0, 1.4, 2.2))
    pieces = max(int(length / 0.6), 2)
    dense = rng.uniform(0.08, 0.3)
    for x in np.linspace(-0.5, 0.5, pieces) * length:
        shape = (0.9, width, tall) * rng.uniform(0.85, 1.1, 3)
        plant.ball(
            (float(x), 0.0, 0.5 * tall), tuple(shape.tolist()), Material.LEAVES, (66, 100, 46),
            free_path=dense,
        )  # fmt: skip
    return plant


def _fence(rng: np.random.Generator) -> Assembly:
    """Posts and rails, or boards with gaps, that let part of the beams pass."""
    thing = Assembly(Category.WALL)
    length, tall = rng.uniform((2.0, 0.8), (9.0, 1.9))
    material = Material.STEEL if rng.random() < 0.5 else Material.WOOD
    step = rng.uniform(0.12, 2.0)
    for x in np.arange(-length / 2, length / 2, step):
        thing.box((float(x), 0, tall / 2 - 0.1), (0.06, 0.05, tall + 0.2), material)
    for share in rng.choice([0.15, 0.5, 0.9], int(rng.integers(1, 4)), replace=False):
        thing.box((0, 0, float(share) * tall), (length, 0.04, 0.07), material)
    return thing


def _corner(rng: np.random.Generator) -> Assembly:
    """A piece of wall, or two that meet at a corner."""
    thing = Assembly(Category.WALL)
    tall = rng.uniform(0.5, 2.4)
    a, b = rng.uniform(1.0, 6.0), rng.uniform(0.8, 3.0)
    material = Material.CONCRETE if rng.random() < 0.5 else Material.WOOD
    thing.box((a / 2, 0, tall / 2 - 0.2), (a, 0.2, tall + 0.4), material)
    if rng.random() < 0.6:
        thing.box((0, b / 2, tall / 2 - 0.2), (0.2, b, tall + 0.4), material)
    return thing


def _heap(rng: np.random.Generator) -> Assembly:
    """Earth or rubble, some metres wide."""
    thing = Assembly(Category.TERRAIN)
    for _ in range(int(rng.integers(1, 5))):
        size = rng.uniform(0.6, 3.0)
        at = (*rng.normal(0, 0.6, 2), 0.0)
        shape = (size, size * rng.uniform(0.5, 1.0), size * rng.uniform(0.3, 0.9))
        thing.ball(at, shape, Material.CONCRETE, yaw=rng.uniform(0, 3))
    return thing


def _crate(rng: np.random.Generator) -> Assembly:
    """Pallets, boxes and hoardings in a stack that is no vehicle's shape."""
    thing = Assembly(Category.STREET_OBJECT)
    for _ in range(int(rng.integers(1, 6))):
        size = rng.uniform((0.3, 0.3, 0.2), (1.6, 1.3, 1.6))
        at = (*rng.normal(0, 0.6, 2), size[2] / 2)
        thing.box(at, size.tolist(), Material.WOOD, yaw=rng.uniform(0, 3))
    return thing


def _post(rng: np.random.Generator) -> Assembly:
    """Posts and narrow pillars, of a person's height and girth too."""
    thing = Assembly(Category.POLE)
    for k in range(int(rng.integers(1, 5))):
        radius, tall = rng.uniform(0.04, 0.28), rng.uniform(0.7, 2.3)
        thing.tube((0.9 * k, 0, -0.3), (0.9 * k, 0, tall), radius, Material.STEEL)
    return thing


def _low_tree(rng: np.random.Generator) -> Assembly:
    """A young tree whose crown begins at a person's height or lower."""
    return greenery.broadleaf(rng, rng.uniform(2.2, 4.5))
