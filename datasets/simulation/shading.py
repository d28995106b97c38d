"""The colour of what a camera's rays meet: materials in sun, shadow and the light of the sky."""

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Mask
from lidar_label.datasets.simulation.daylight import Daylight
from lidar_label.datasets.simulation.lidar import is_window
from lidar_label.datasets.simulation.materials import Category, Material, optics
from lidar_label.datasets.simulation.stage import Shot, Surfaces
from lidar_label.kernels.noise import lattice_noise
from lidar_label.kernels.raycast import GROUND, Hits

FAR = 400.0  # metres
_SHADOW_REACH = 90.0  # metres from the camera within which shadows are looked for
_SHADOW_FAR = 60.0  # metres from a surface to what may shade it
_GLASS_TINT = np.array([0.02, 0.025, 0.03])
# Relative strength of grain and of blotches by material; the rest is smooth.
_GRAIN = {
    Material.ASPHALT: (0.20, 0.22), Material.PATCHED_ASPHALT: (0.2, 0.15),
    Material.PAINT: (0.08, 0.22), Material.PAVING: (0.14, 0.2), Material.KERBSTONE: (0.1, 0.15),
    Material.GRASS: (0.45, 0.45), Material.SOIL: (0.35, 0.35), Material.GRAVEL: (0.5, 0.25),
    Material.PLASTER: (0.04, 0.12), Material.BRICK: (0.2, 0.15), Material.ROOF_TILE: (0.2, 0.15),
    Material.CONCRETE: (0.08, 0.16), Material.WOOD: (0.15, 0.2), Material.LEAVES: (0.7, 0.5),
    Material.BARK: (0.4, 0.3),
}  # fmt: skip


def radiance(
    shot: Shot, light: Daylight, eye: Floats, directions: Floats, hits: Hits, seed: int
) -> tuple[Floats, NDArray[np.int32]]:
    """Linear colours (N, 3) along rays from one eye, and what each shows: a number (N,) a thing.

    Args:
        shot: what there is, with panes that stop rays.
        light: of the day.
        eye: (3,) metres, world frame.
        directions: (N, 3) unit vectors.
        hits: what the rays met.
        seed: of the shadows of leaves.
    """
    colour = light.sky(directions)
    met = np.flatnonzero(np.isfinite(hits.distance))
    along, distance = directions[met], hits.distance[met].astype(np.float64)
    points = eye + along * distance[:, None]
    found = Hits(hits.distance[met], hits.target[met], hits.normal[met])
    # The ground is painted in spots of 10 cm; looked up a little aside, their borders are soft.
    aside = [0.1 * (lattice_noise(points, 0.011, k) - 0.5) for k in (21, 22)]
    soft = points.copy()
    soft[:, :2] += np.column_stack(aside)
    surfaces = shot.surfaces(found, soft)
    normals = _normals(shot, found, points, surfaces)
    albedo = _albedo(shot, found, points, surfaces, distance)
    facing = np.clip(normals @ light.sun, 0.0, 1.0)
    lit = facing * _in_the_sun(shot, light, eye, points, found, facing > 0, seed)
    shaded = albedo * (lit[:, None] * light.sunlight + light.ambient(normals))
    shaded = _polish(light, along, normals, surfaces, shaded, lit)
    panes = _panes(shot, found, points, surfaces)
    shaded[panes] = _glass(light, along[panes], normals[panes])
    lamps = surfaces.material == Material.LAMP
    shaded[lamps] += 0.5 * albedo[lamps]
    colour[met] = light.haze(shaded, distance, along)
    shown = hits.target.copy()
    painted = -10 - surfaces.material.astype(np.int32)
    shown[met] = np.where(found.target == GROUND, painted, found.target)
    return colour, shown


def _normals(shot: Shot, hits: Hits, points: Floats, surfaces: Surfaces) -> Floats:
    """Normals; of leaves those of their crown, ruffled."""
    normals = hits.normal.astype(np.float64)
    leaves = np.flatnonzero((surfaces.material == Material.LEAVES) & (hits.target >= 0))
    local = shot.parts.solids.local[hits.target[leaves]]
    unit = np.einsum("nij,nj->ni", local[:, :, :3], points[leaves]) + local[:, :, 3]
    outward = np.einsum("nij,ni->nj", local[:, :, :3], unit)
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    ruffle = [lattice_noise(points[leaves], 0.22, k) - 0.5 for k in (11, 12, 13)]
    outward += 1.5 * np.column_stack(ruffle)
    normals[leaves] = outward / np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    return normals


def _albedo(shot: Shot, hits: Hits, points: Floats, surfaces: Surfaces, distance: Floats) -> Floats:
    """(N, 3) linear colour of the surfaces themselves."""
    table = optics()
    part = np.maximum(hits.target, 0)
    on_ground = (hits.target == GROUND)[:, None]
    srgb = np.where(on_ground, table.colour[surfaces.material], shot.parts.colour[part])
    albedo = (srgb / 255.0) ** 2.2
    strength = _grain_table()[surfaces.material]
    rough = strength[:, 0] > 0
    if rough.any():
        place = points[rough]
        # Grain finer than a pixel would only flicker.
        fine = np.clip(25.0 / distance[rough], 0.0, 1.0) * strength[rough, 0]
        change = fine * (lattice_noise(place, 0.07, 1) + lattice_noise(place, 0.21, 2) - 1.0)
        change += strength[rough, 1] * (
            lattice_noise(place, 0.9, 3) + lattice_noise(place, 3.7, 4) - 1.0
        )
        albedo[rough] *= np.clip(1.0 + change, 0.15, 1.9)[:, None]
    bricks = surfaces.material == Material.BRICK
    if bricks.any():
        albedo[bricks] *= _courses(points[bricks], hits.normal[bricks])[:, None]
    return albedo


def _grain_table() -> Floats:
    table = np.zeros((len(Material), 2))
    for material, strength in _GRAIN.items():
        table[material] = strength
    return table


def _courses(points: Floats, normals: Floats32) -> Floats:
    """Bricks of 24 × 8 cm in lighter mortar."""
    across = points[:, 0] * -normals[:, 1] + points[:, 1] * normals[:, 0]
    row = np.floor(points[:, 2] / 0.08)
    joint = (points[:, 2] % 0.08 < 0.012) | ((across + 0.12 * (row % 2)) % 0.24 < 0.012)
    return np.where(joint, 1.5, 1.0)


def _in_the_sun(
    shot: Shot,
    light: Daylight,
    eye: Floats,
    points: Floats,
    hits: Hits,
    wanted: Mask,
    seed: int,
) -> Floats:
    """(N,) 1 where the sun is seen, 0 in shadow; beyond the reach all but leaves are lit."""
    near = np.linalg.norm(points[:, :2] - eye[:2], axis=1) < _SHADOW_REACH
    asked = np.flatnonzero(wanted & near)
    sunny = np.ones(len(points))
    start = points[asked] + 0.03 * hits.normal[asked]
    toward = np.broadcast_to(light.sun, start.shape)
    blocked = shot.cast(start, toward, phase=0.5, near=0.02, far=_SHADOW_FAR, seed=seed)
    sunny[asked] = ~np.isfinite(blocked.distance)
    return sunny


def _polish(
    light: Daylight,
    along: Floats,
    normals: Floats,
    surfaces: Surfaces,
    shaded: Floats,
    lit: Floats,
) -> Floats:
    """Clear coat on car paint: a mirror image of the sky and a highlight of the sun."""
    coated = np.flatnonzero(surfaces.material == Material.CAR_PAINT)
    if not len(coated):
        return shaded
    mirrored, share = _mirror(along[coated], normals[coated])
    highlight = np.clip(mirrored[:, :3] @ light.sun, 0, 1)[:, None] ** 60
    coat = light.sky(mirrored) * share + 0.5 * highlight * (lit[coated] > 0)[:, None]
    shaded[coated] = shaded[coated] * (1 - share) + coat
    return shaded


def _glass(light: Daylight, along: Floats, normals: Floats) -> Floats:
    """Panes: dark within, the sky mirrored in them."""
    mirrored, share = _mirror(along, normals)
    return _GLASS_TINT * (1 - share) + light.sky(mirrored) * (0.06 + 0.94 * share)


def _mirror(along: Floats, normals: Floats) -> tuple[Floats, Floats]:
    """Directions after reflection, and the share reflected (Schlick, 1994)."""
    cosine = np.clip(-np.einsum("ij,ij->i", along, normals), 0.0, 1.0)[:, None]
    return along + 2 * cosine * normals, 0.04 + 0.96 * (1 - cosine) ** 5


def _panes(shot: Shot, hits: Hits, points: Floats, surfaces: Surfaces) -> Mask:
    """Where glass is met: of vehicles, shelters and the windows of houses."""
    panes = (surfaces.material == Material.GLASS) & (surfaces.category != Category.NOISE)
    walls = np.flatnonzero(surfaces.facade)
    panes[walls] |= is_window(shot, hits.target[walls], hits.normal[walls], points[walls])
    return panes
