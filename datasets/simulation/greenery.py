"""Trees, bushes and hedges: crowns that let part of the rays through."""

import numpy as np

from lidar_label.datasets.simulation.assembly import Assembly
from lidar_label.datasets.simulation.materials import Category, Material


def broadleaf(rng: np.random.Generator, height: float | None = None) -> Assembly:
    """A trunk that forks, and a crown of several balls of leaves."""
    tall = rng.uniform(5, 12) if height is None else height
    tree = Assembly(Category.VEGETATION)
    radius = 0.02 * tall * rng.uniform(0.7, 1.2) + 0.03
    clear = tall * rng.uniform(0.25, 0.4)
    lean = rng.normal(0, 0.02, 2) * tall
    top = (lean[0], lean[1], tall * 0.75)
    tree.tube((0, 0, -0.8), top, radius, Material.BARK, taper=0.6, category=Category.TRUNK)
    for _ in range(int(rng.integers(2, 4))):
        angle = rng.uniform(0, 2 * np.pi)
        out = tall * rng.uniform(0.12, 0.22)
        tip = (
            lean[0] + np.cos(angle) * out,
            lean[1] + np.sin(angle) * out,
            clear + tall * rng.uniform(0.2, 0.35),
        )
        root = (lean[0] * 0.4, lean[1] * 0.4, clear)
        tree.tube(root, tip, radius * 0.45, Material.BARK, taper=0.6, category=Category.TRUNK)
    for _ in range(int(rng.integers(4, 8))):
        size = tall * rng.uniform(0.22, 0.42)
        spread = tall * 0.16
        at = (
            lean[0] + rng.normal(0, spread),
            lean[1] + rng.normal(0, spread),
            rng.uniform(clear + 0.4 * size, tall - 0.45 * size),
        )
        tree.ball(
            at, (size, size, size * rng.uniform(0.7, 1.0)), Material.LEAVES, _green(rng),
            yaw=rng.uniform(0, 3), free_path=rng.uniform(0.35, 1.1),
        )  # fmt: skip
    return tree


def conifer(rng: np.random.Generator) -> Assembly:
    """A straight trunk under two or three cones of needles."""
    tall = rng.uniform(5, 14)
    tree = Assembly(Category.VEGETATION)
    tree.tube(
        (0, 0, -0.8), (0, 0, tall * 0.9), 0.02 * tall, Material.BARK, taper=0.8,
        category=Category.TRUNK,
    )  # fmt: skip
    low, layers = tall * rng.uniform(0.06, 0.2), int(rng.integers(2, 4))
    for i in range(layers):
        base = low + (tall - low) * i / layers * 0.8
        tree.tube(
            (0, 0, base), (0, 0, tall * (0.62 + 0.38 * (i + 1) / layers)),
            tall * rng.uniform(0.15, 0.2) * (1 - 0.25 * i), Material.LEAVES,
            _green(rng, dark=True), taper=0.95, free_path=rng.uniform(0.3, 0.6),
        )  # fmt: skip
    return tree


def bush(rng: np.random.Generator) -> Assembly:
    """One to three balls of dense leaves on the ground."""
    plant = Assembly(Category.VEGETATION)
    size = rng.uniform(0.6, 2.2)
    for _ in range(int(rng.integers(1, 4))):
        at = (*rng.normal(0, 0.35 * size, 2), 0.35 * size)
        shape = tuple(size * rng.uniform(0.6, 1.1, 3))
        plant.ball(
            at, shape, Material.LEAVES, _green(rng), yaw=rng.uniform(0, 3),
            free_path=rng.uniform(0.1, 0.35),
        )  # fmt: skip
    return plant


def hedge(rng: np.random.Generator, length: float, height: float, width: float) -> Assembly:
    """A clipped hedge along x from the origin."""
    plant = Assembly(Category.VEGETATION)
    plant.box(
        (length / 2, 0, height / 2 - 0.3), (length + 0.1, width, height + 0.6), Material.LEAVES,
        _green(rng), taper=(0, 0, 0.15), free_path=0.12,
    )  # fmt: skip
    return plant


def _green(rng: np.random.Generator, *, dark: bool = False) -> tuple[int, int, int]:
    r, g, b = (44, 78, 42) if dark else (74, 108, 48)
    shift = rng.normal(0, 10, 3)
    return (
        int(np.clip(r + shift[0], 20, 150)),
        int(np.clip(g + shift[1], 40, 160)),
        int(np.clip(b + shift[2], 15, 110)),
    )
