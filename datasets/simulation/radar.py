"""Radars: rays gathered into cells of range, angle and Doppler; detections with noise and clutter.

What a patch sends back is 4π times the power of a matt surface of its material, and more where it
faces the radar or forms corners; a cell is noticed by the fourth power law (Skolnik, "Introduction
to Radar Systems", 3rd ed., ch. 2). Targets fade from sweep to sweep as Swerling's third case.
"""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints32, Points, Transform
from lidar_label.datasets.simulation.actors import Actor
from lidar_label.datasets.simulation.materials import Category, Material, optics
from lidar_label.datasets.simulation.stage import Shot

_SMOOTH = (Material.STEEL, Material.CAR_PAINT, Material.SIGN_FOIL, Material.LAMP, Material.PLATE)
_LIMBS = {Category.PEDESTRIAN: 0.35, Category.CYCLIST: 0.3}  # m/s, spread of Doppler by limbs


@dataclass(frozen=True, eq=False)
class RadarModel:
    """A 77 GHz radar that measures range, azimuth, elevation and Doppler.

    Attributes:
        name: in words.
        width: radians, its view to both sides together.
        height: radians, up and down together.
        step: (2,) radians between rays, across and upwards.
        cell: (3,) metres of range, radians of azimuth, m/s of Doppler that it tells apart.
        near: metres.
        far: metres.
        reach: metres at which 1 m² is noticed half of the time.
        noise: (4,) spread of range, azimuth, elevation and Doppler.
        false_alarms: detections of nothing, on average, in one sweep.
    """

    name: str = "fmcw-77ghz-4d"
    width: float = np.radians(120.0)
    height: float = np.radians(20.0)
    step: tuple[float, float] = (np.radians(0.4), np.radians(0.8))
    cell: tuple[float, float, float] = (0.4, np.radians(1.6), 0.2)
    near: float = 0.5
    far: float = 110.0
    reach: float = 62.0
    noise: tuple[float, float, float, float] = (0.08, np.radians(0.3), np.radians(0.6), 0.06)
    false_alarms: float = 2.5


@dataclass(frozen=True, eq=False)
class RadarDetections:
    """One sweep.

    Attributes:
        xyz: (N, 3) float32 metres, sensor frame.
        rcs: (N,) float32 dBsm.
        radial_velocity: (N,) float32 m/s relative to the sensor, positive away from it.
        radial_velocity_compensated: (N,) float32 m/s over ground.
    """

    xyz: Points
    rcs: Floats32
    radial_velocity: Floats32
    radial_velocity_compensated: Floats32


@dataclass(frozen=True, eq=False)
class _Echoes:
    """What single rays bring back: range, azimuth, elevation, Doppler, m²."""

    polar: Floats
    section: Floats


def sweep(
    model: RadarModel,
    shot: Shot,
    actors: tuple[Actor, ...],
    time: float,
    world_from_sensor: Transform,
    velocity: Floats,
    rng: np.random.Generator,
) -> RadarDetections:
    """One sweep.

    Args:
        model: of the radar.
        shot: what there is at that time.
        actors: by their track.
        time: seconds.
        world_from_sensor: (4, 4).
        velocity: (3,) m/s of the sensor over ground, world frame.
        rng: this sweep's chances.
    """
    echoes = _echoes(model, shot, actors, time, world_from_sensor, velocity, rng)
    polar, section = _cells(model, echoes)
    section *= rng.gamma(2.0, 0.5, len(section))
    strength = section / polar[:, 0] ** 4 * model.reach**4
    noticed = rng.random(len(section)) < strength**2 / (1 + strength**2)
    polar, section = polar[noticed], section[noticed]
    polar = polar + rng.normal(0, 1, polar.shape) * model.noise
    clutter = _clutter(model, polar, velocity @ world_from_sensor[:3, :3], rng)
    polar = np.vstack((polar, clutter[0]))
    section = np.concatenate((section, clutter[1]))
    inside = (polar[:, 0] > model.near) & (polar[:, 0] < model.far)
    polar, section = polar[inside], section[inside]
    toward = _toward(polar[:, 1], polar[:, 2])
    own = toward @ (velocity @ world_from_sensor[:3, :3])
    return RadarDetections(
        (toward * polar[:, :1]).astype(np.float32),
        (10 * np.log10(np.maximum(section, 1e-4))).astype(np.float32),
        polar[:, 3].astype(np.float32),
        (polar[:, 3] + own).astype(np.float32),
    )


def _echoes(
    model: RadarModel,
    shot: Shot,
    actors: tuple[Actor, ...],
    time: float,
    world_from_sensor: Transform,
    velocity: Floats,
    rng: np.random.Generator,
) -> _Echoes:
    azimuth, elevation = np.meshgrid(
        np.arange(-model.width / 2, model.width / 2, model.step[0]),
        np.arange(-model.height / 2, model.height / 2, model.step[1]),
    )
    shape = azimuth.shape
    azimuth = (azimuth + rng.uniform(0, model.step[0], shape)).ravel()
    elevation = (elevation + rng.uniform(0, model.step[1], shape)).ravel()
    directions = _toward(azimuth, elevation) @ world_from_sensor[:3, :3].T
    eye = world_from_sensor[:3, 3]
    hits = shot.cast(
        eye, directions, near=model.near, far=model.far, seed=int(rng.integers(1 << 62))
    )
    met = np.flatnonzero(np.isfinite(hits.distance))
    distance, along = hits.distance[met].astype(np.float64), directions[met]
    points = eye + along * distance[:, None]
    found = type(hits)(hits.distance[met], hits.target[met], hits.normal[met])
    surfaces = shot.surfaces(found, points)
    slant = np.clip(-np.einsum("ij,ij->i", along, found.normal), 0.02, 1.0)
    moving = _velocities(actors, time, points, surfaces.track)
    doppler = np.einsum("ij,ij->i", moving - velocity, along)
    for category, spread in _LIMBS.items():
        limbs = np.flatnonzero(surfaces.category == category)
        doppler[limbs] += rng.normal(0, spread, len(limbs))
    patch = distance**2 * model.step[0] * model.step[1]
    section = 4 * optics().radar[surfaces.material] * patch * slant
    # Sheet metal within some degrees of the normal flashes.
    flash = 1 + 4 * np.exp(-(1 - slant) / 0.006) * np.isin(surfaces.material, _SMOOTH)
    polar = np.column_stack((distance, azimuth[met], elevation[met], doppler))
    return _Echoes(polar, section * flash)


def _velocities(actors: tuple[Actor, ...], time: float, points: Floats, track: Ints32) -> Floats:
    """(N, 3) m/s over ground of points on actors, as parts of rigid bodies that turn about z."""
    result = np.zeros((len(points), 3))
    for number in np.unique(track[track >= 0]).tolist():
        motion = actors[number].motion
        if motion.is_still:
            continue
        rows = np.flatnonzero(track == number)
        rate, arm = motion.at(time, 1), points[rows] - motion.at(time)[:3]
        result[rows] = rate[:3]
        result[rows, 0] -= rate[3] * arm[:, 1]
        result[rows, 1] += rate[3] * arm[:, 0]
    return result


def _cells(model: RadarModel, echoes: _Echoes) -> tuple[Floats, Floats]:
    """Middle, weighted by what comes back, and cross-section of each cell with an echo."""
    if not len(echoes.section):
        return np.zeros((0, 4)), np.zeros(0)
    size = np.array([model.cell[0], model.cell[1], model.cell[2]])
    index = np.floor(echoes.polar[:, [0, 1, 3]] / size).astype(np.int64)
    _, cell = np.unique(index, axis=0, return_inverse=True)
    cell = cell.ravel()
    section: Floats = np.bincount(cell, echoes.section).astype(np.float64)
    middle = [np.bincount(cell, echoes.section * column) / section for column in echoes.polar.T]
    return np.column_stack(middle), section


def _clutter(
    model: RadarModel, polar: Floats, own: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """False alarms anywhere, and ghosts farther out behind strong near things (double bounces)."""
    count = int(rng.poisson(model.false_alarms))
    alarms = np.column_stack(
        (
            rng.uniform(model.near, model.far, count),
            rng.uniform(-model.width / 2, model.width / 2, count),
            rng.uniform(-model.height / 2, model.height / 2, count),
            rng.normal(0, 6, count),
        )
    )
    bounced = polar[(polar[:, 0] < 25) & (rng.random(len(polar)) < 0.012)]
    ghosts = bounced * (2.0, 1.0, 1.0, 2.0) + rng.normal(0, 0.3, bounced.shape) * (1, 0, 0, 1)
    standing = rng.random(count) < 0.5  # half of the alarms look as if they stood still
    alarms[standing, 3] = -(_toward(alarms[standing, 1], alarms[standing, 2]) @ own)
    section = 10 ** rng.uniform(-1.5, 0.5, count + len(ghosts))
    return np.vstack((alarms, ghosts)), section


def _toward(azimuth: Floats, elevation: Floats) -> Floats:
    """(N, 3) unit vectors, x forward, y left, z up."""
    level = np.cos(elevation)
    return np.column_stack((level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)))
