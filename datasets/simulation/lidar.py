"""Spinning LiDARs: beams that sweep round while everything moves, and what comes back of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints, Ints32, Mask, Points, Transform
from lidar_label.datasets.simulation.buildings import SINK
from lidar_label.datasets.simulation.materials import Category, Material, optics
from lidar_label.datasets.simulation.stage import NO_ACTOR, Shot, Surfaces
from lidar_label.kernels.raycast import Hits

_STEP = 1.0 / 1024  # metres between the coordinates that a sensor can tell apart
# A return is noticed down to this reflectivity per square metre of distance: 0.1 at about 55 m, as
# makers state for sensors of this size (HDL-64E data sheet: 50 m for pavement, 120 m for cars).
_FAINTEST = 3.3e-5
_SPECKLE = 0.45  # spread of the logarithm of a return's strength
# Rough ground sends back more at grazing incidence than Lambert's law says (Oren and Nayar,
# "Generalization of Lambert's reflectance model", SIGGRAPH 1994); here the cosine to this power.
_ROUGHNESS = 0.38
_DIVERGENCE = 1.2e-3  # radians
_WINDOW, _FLOOR = 2.6, 2.9  # metres from window to window
_SPARSE = (  # degrees of 32 beams, dense about the horizon
    "-25 -15.64 -11.31 -8.84 -7.25 -6.15 -5.33 -4.67 -4 -3.67 -3.33 -3 -2.67 -2.33 -2 -1.67 "
    "-1.33 -1 -0.67 -0.33 0 0.33 0.67 1 1.33 1.67 2.33 3.33 4.67 7 10.33 15"
)


@dataclass(frozen=True, eq=False)
class LidarModel:
    """A spinning sensor.

    Attributes:
        name: in words.
        elevations: (R,) radians, from the lowest ring.
        columns: firings in one turn.
        span: radians that it looks at, about the front.
        near: metres, the closest it measures.
        far: metres, the farthest.
        noise: metres, spread of a range.
        returns: echoes that it reports a beam, 1 or 2.
    """

    name: str
    elevations: Floats
    columns: int
    span: float = 2 * np.pi
    near: float = 1.2
    far: float = 120.0
    noise: float = 0.017
    returns: int = 1


def spinning(beams: int, *, returns: int = 1) -> LidarModel:
    """A sensor with 32, 64 or 128 beams, spaced as in common ones of that size."""
    degrees = {
        32: np.array(_SPARSE.split(), dtype=np.float64),
        64: np.concatenate((np.linspace(-24.33, -8.83, 32), np.linspace(-8.33, 2.0, 32))),
        128: np.concatenate(
            (np.arange(-24.5, -5.9, 0.5), np.arange(-5.875, 2.01, 0.125), np.arange(2.5, 15.1, 0.5))
        ),
    }[beams]
    columns = {32: 1800, 64: 2083, 128: 1800}[beams]
    return LidarModel(f"spinning-{beams}", np.radians(degrees), columns, returns=returns)


@dataclass(frozen=True, eq=False)
class LidarSweep:
    """One turn, in order of time, with the truth of each point.

    Attributes:
        xyz: (N, 3) float32 metres, sensor frame at the point's own time.
        intensity: (N,) float32 reflectivity in [0, 1], in steps of 1/255.
        ring: (N,) uint16 from the lowest.
        time_ns: (N,) int64 from the beginning of the turn.
        category: (N,) uint8 `Category`.
        track: (N,) int32, the actor's, or NO_ACTOR.
    """

    xyz: Points
    intensity: Floats32
    ring: NDArray[np.uint16]
    time_ns: Ints
    category: NDArray[np.uint8]
    track: Ints32


@dataclass(frozen=True, eq=False)
class _Beams:
    """All beams of a turn, column after column: where from, where to, when."""

    local: Floats
    origins: Floats
    directions: Floats
    phase: Floats
    ring: NDArray[np.int64]


class Lidar:
    """One sensor with its own small errors, the same from sweep to sweep."""

    def __init__(self, model: LidarModel, rng: np.random.Generator) -> None:
        """Draw the sensor's errors."""
        self.model = model
        rings = len(model.elevations)
        self._bias = rng.normal(0, 0.006, rings)
        self._skew = rng.uniform(-1, 1, rings) * np.radians(0.04)
        self._tilt = rng.normal(0, np.radians(0.02), rings)

    def phases(self) -> Floats:
        """(C,) when each column fires, as a share of the turn."""
        return (np.arange(self.model.columns) + 0.5) / self.model.columns

    def scan(
        self,
        shot: Shot,
        world_from_sensor: Transform,
        period_ns: int,
        rng: np.random.Generator,
    ) -> LidarSweep:
        """One turn.

        It turns clockwise, seen from above, from the rear by the left, the front and the right.

        Args:
            shot: what there is; its phases 0 and 1 are the turn's begin and end.
            world_from_sensor: (C, 4, 4) at the time of each column.
            period_ns: of the turn.
            rng: this sweep's chances.
        """
        beams = self._beams(world_from_sensor)
        parts = [self._echo(shot, beams, rng)]
        if self.model.returns > 1:
            parts.append(self._second_echo(shot, beams, parts[0], rng))
        beam = np.concatenate([part[0] for part in parts])
        order = np.argsort(beam, kind="stable")
        beam = beam[order]
        distance, intensity, category, track = (
            np.concatenate([part[k] for part in parts])[order] for k in range(1, 5)
        )
        xyz = beams.local[beam] * distance[:, None]
        return LidarSweep(
            (np.round(xyz / _STEP) * _STEP).astype(np.float32),
            (np.round(np.clip(intensity, 0, 1) * 255) / 255).astype(np.float32),
            beams.ring[beam].astype(np.uint16),
            np.round(beams.phase[beam] * period_ns).astype(np.int64),
            category.astype(np.uint8),
            track.astype(np.int32),
        )

    def _beams(self, world_from_sensor: Transform) -> _Beams:
        model, phase = self.model, self.phases()
        azimuth = np.pi - 2 * np.pi * phase
        seen = np.abs(azimuth) <= model.span / 2
        azimuth, phase, poses = azimuth[seen], phase[seen], world_from_sensor[seen]
        angle = azimuth[:, None] + self._skew
        elevation = model.elevations + self._tilt
        local = np.stack(
            (
                np.cos(elevation) * np.cos(angle),
                np.cos(elevation) * np.sin(angle),
                np.broadcast_to(np.sin(elevation), angle.shape),
            ),
            axis=-1,
        )
        rings = len(elevation)
        directions = local @ poses[:, :3, :3].transpose(0, 2, 1)
        return _Beams(
            local.reshape(-1, 3),
            np.repeat(poses[:, :3, 3], rings, axis=0),
            directions.reshape(-1, 3),
            np.repeat(phase, rings),
            np.tile(np.arange(rings), len(azimuth)),
        )

    def _echo(
        self, shot: Shot, beams: _Beams, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], Floats, Floats, NDArray[np.uint8], Ints32]:
        """First echoes: beam, distance, intensity, category and track."""
        hits = shot.cast(
            beams.origins, beams.directions, phase=beams.phase, near=self.model.near,
            far=self.model.far, seed=int(rng.integers(1 << 62)),
        )  # fmt: skip
        return self._measure(shot, beams, beams.directions, hits, np.isfinite(hits.distance), rng)

    def _second_echo(
        self,
        shot: Shot,
        beams: _Beams,
        first: tuple[NDArray[np.int64], Floats, Floats, NDArray[np.uint8], Ints32],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.int64], Floats, Floats, NDArray[np.uint8], Ints32]:
        """What the part of a beam that passed the first thing, or its edge, meets behind it."""
        aside = beams.directions + rng.normal(0, _DIVERGENCE / 2, beams.directions.shape)
        aside /= np.linalg.norm(aside, axis=1, keepdims=True)
        hits = shot.cast(
            beams.origins, aside, phase=beams.phase, near=self.model.near, far=self.model.far,
            seed=int(rng.integers(1 << 62)),
        )  # fmt: skip
        nearest = np.full(len(aside), np.inf)
        nearest[first[0]] = first[1]
        behind = np.isfinite(hits.distance) & (hits.distance > nearest + 0.7)
        return self._measure(shot, beams, aside, hits, behind, rng)

    def _measure(
        self,
        shot: Shot,
        beams: _Beams,
        directions: Floats,
        hits: Hits,
        wanted: Mask,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.int64], Floats, Floats, NDArray[np.uint8], Ints32]:
        """Which of the wanted hits give an echo, how far and how bright."""
        beam = np.flatnonzero(wanted)
        met = Hits(hits.distance[beam], hits.target[beam], hits.normal[beam])
        along = directions[beam]
        distance = met.distance.astype(np.float64)
        points = beams.origins[beam] + along * distance[:, None]
        surfaces = shot.surfaces(met, points)
        slant = np.clip(-np.einsum("ij,ij->i", along, met.normal), 0.01, 1.0)
        brightness = _brightness(surfaces, slant, rng)
        strength = brightness * np.exp(rng.normal(0, _SPECKLE, len(beam)))
        noticed = strength / np.maximum(distance, 5.0) ** 2 > _FAINTEST
        depth = _window_depth(shot, met, points, surfaces, rng)
        noticed &= depth >= 0
        # On a slanted surface the spot of the beam covers a span of ranges.
        spot = np.minimum(0.1 * _DIVERGENCE * distance / slant, 0.05)
        spread = np.hypot(self.model.noise, spot)
        distance += depth + self._bias[beams.ring[beam]] + rng.normal(0, 1, len(beam)) * spread
        noticed &= (distance > self.model.near) & (distance < self.model.far)
        ghost = rng.random(len(beam)) < 2e-5
        distance = np.where(ghost, rng.uniform(self.model.near, 12, len(beam)), distance)
        category = np.where(ghost, Category.NOISE, surfaces.category).astype(np.uint8)
        track = np.where(ghost, NO_ACTOR, surfaces.track).astype(np.int32)
        keep = noticed | ghost
        return beam[keep], distance[keep], brightness[keep], category[keep], track[keep]


def _brightness(surfaces: Surfaces, slant: Floats, rng: np.random.Generator) -> Floats:
    """Reflectivity towards the sensor at an incidence of cosine `slant`."""
    table, m = optics(), surfaces.material
    diffuse = surfaces.reflectivity * np.exp(rng.normal(0, 1, len(m)) * table.variation[m])
    leaves = m == Material.LEAVES
    diffuse *= np.where(leaves, 1.0, slant**_ROUGHNESS)
    matt = 1.0 - table.gloss[m] * (1.0 - slant)
    # Polished surfaces glare within some degrees of the normal, foils and lamps far around it.
    glare = table.gloss[m] * np.exp(-(1.0 - slant) / 0.004)
    return diffuse * matt + glare + table.retro[m] * slant


def _window_depth(
    shot: Shot, hits: Hits, points: Floats, surfaces: Surfaces, rng: np.random.Generator
) -> Floats:
    """Metres behind the wall at which a beam on a window ends; −1 where it does not come back."""
    depth = np.zeros(len(points))
    on_wall = np.flatnonzero(surfaces.facade)
    pane = on_wall[is_window(shot, hits.target[on_wall], hits.normal[on_wall], points[on_wall])]
    roll = rng.random(len(pane))
    room = rng.uniform(0.8, 4.0, len(pane))
    depth[pane] = np.where(roll < 0.62, -1.0, np.where(roll < 0.85, 0.14, room))
    return depth


def is_window(shot: Shot, target: Ints32, normal: Floats32, points: Floats) -> Mask:
    """Whether (N, 3) world points on walls of houses lie on one of the windows there."""
    local = shot.parts.solids.local[target]
    half = 1.0 / np.linalg.norm(local[:, :, :3], axis=2)
    unit = np.einsum("nij,nj->ni", local[:, :, :3], points) + local[:, :, 3]
    metres = (unit + 1.0) * half  # from the lower corner
    toward = np.abs(np.einsum("nij,nj->ni", local[:, :, :3] * half[:, :, None], normal))
    across = np.where(toward[:, 0] > toward[:, 1], metres[:, 1], metres[:, 0])
    width = 2 * np.where(toward[:, 0] > toward[:, 1], half[:, 1], half[:, 0])
    height = metres[:, 2] - SINK
    # Windows are centred on the wall; none in its last half metre.
    column = np.abs((across - width / 2 + _WINDOW / 2) % _WINDOW - _WINDOW / 2)
    row = height % _FLOOR
    upright = toward[:, 2] < 0.5
    inside = (across > 0.5) & (across < width - 0.5) & (height < 2 * half[:, 2] - SINK - 0.4)
    return upright & inside & (height > 0.8) & (column < 0.6) & (row > 0.9) & (row < 2.2)
