"""The town and all who move in it, at a span of time, as rays meet them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Ints32, Mask, Transform
from lidar_label.datasets.simulation.actors import Actor, Cast
from lidar_label.datasets.simulation.assembly import Parts
from lidar_label.datasets.simulation.materials import Material, ground_categories, optics
from lidar_label.datasets.simulation.town import Town
from lidar_label.kernels.ray_targets import Moving, Standing
from lidar_label.kernels.raycast import GROUND, Hits, cast_rays

NO_ACTOR = -1


@dataclass(frozen=True, eq=False)
class Surfaces:
    """What N hits are made of.

    Attributes:
        material: (N,) uint8.
        category: (N,) uint8; 0 where nothing was hit.
        reflectivity: (N,) float64.
        track: (N,) int32, the actor's track, or NO_ACTOR.
        facade: (N,) bool, on a wall with windows.
    """

    material: NDArray[np.uint8]
    category: NDArray[np.uint8]
    reflectivity: Floats
    track: Ints32
    facade: Mask


@dataclass(frozen=True, eq=False)
class Shot:
    """What can be met around a place within a span of time.

    Attributes:
        standing: ground and what stands on it.
        moving: actors near by, moving evenly through the span.
        parts: of all that stands, then of these actors; `Hits.target` counts through them.
        track: (P,) int32 of each part.
        town: for the ground.
    """

    standing: Standing
    moving: Moving
    parts: Parts
    track: Ints32
    town: Town

    def cast(
        self,
        origins: Floats,
        directions: Floats,
        *,
        phase: Floats | float = 0.0,
        near: float = 0.0,
        far: float,
        seed: int,
    ) -> Hits:
        """`cast_rays` into this scene."""
        return cast_rays(
            self.standing, self.moving, origins, directions, phase=phase, near=near, far=far,
            seed=seed,
        )  # fmt: skip

    def surfaces(self, hits: Hits, points: Floats) -> Surfaces:
        """What hits at (N, 3) world points are made of."""
        part = np.maximum(hits.target, 0)
        on_ground, on_part = hits.target == GROUND, hits.target >= 0
        table = optics()
        material = np.where(on_part, self.parts.material[part], 0).astype(np.uint8)
        material[on_ground] = self.town.terrain.material_at(points[on_ground, :2])
        category = np.where(on_part, self.parts.category[part], 0).astype(np.uint8)
        category[on_ground] = ground_categories()[material[on_ground]]
        return Surfaces(
            material,
            category,
            np.where(on_part, self.parts.reflectivity[part], table.reflectivity[material]),
            np.where(on_part, self.track[part], NO_ACTOR).astype(np.int32),
            on_part & self.parts.facade[part],
        )


class Stage:
    """Town and actors, ready for sensors."""

    def __init__(self, town: Town, cast: Cast) -> None:
        """Prepare what stands still once."""
        self.town, self.cast = town, cast
        self.standing = Standing.of(town.terrain.field, town.parts.solids)
        solids = town.parts.solids
        panes = town.parts.material == Material.GLASS
        # A camera sees panes; rays of light pass them.
        opaque = solids._replace(transmission=np.where(panes, 0.0, solids.transmission))
        self._opaque = Standing(
            self.standing.ground, _with_transmission(self.standing, opaque.transmission),
            self.standing.tree,
        )  # fmt: skip

    def shot(
        self, begin: float, end: float, eye: Floats, reach: float, *, glass: bool = True
    ) -> Shot:
        """What can be met within `reach` metres of `eye` from `begin` to `end` seconds.

        Args:
            begin: Phase 0.
            end: Phase 1.
            eye: (2,) or (3,) metres, world frame.
            reach: Metres.
            glass: Whether rays pass through panes.
        """
        near = [actor for actor in self.cast.others if _is_near(actor, begin, end, eye, reach)]
        if not near:
            track = np.full(len(self.town.parts), NO_ACTOR, np.int32)
            return Shot(self._standing(glass), Moving.none(), self.town.parts, track, self.town)
        middle = (begin + end) / 2
        bodies = [
            actor.body.poses[actor.body.pose_at(float(actor.motion.at(middle)[6]))]
            for actor in near
        ]
        first = np.cumsum([0, *(len(parts) for parts in bodies)])
        parts = Parts.concatenate(bodies)
        solids = parts.solids
        if not glass:
            panes = parts.material == Material.GLASS
            solids = solids._replace(transmission=np.where(panes, 0.0, solids.transmission))
        poses: Transform = np.stack([actor.motion.poses(np.array([begin, end])) for actor in near])
        moving = Moving.of(solids, first, poses.transpose(1, 0, 2, 3))
        track = np.concatenate(
            (
                np.full(len(self.town.parts), NO_ACTOR),
                np.repeat([actor.track for actor in near], np.diff(first)),
            )
        ).astype(np.int32)
        everything = Parts.concatenate((self.town.parts, parts))
        return Shot(self._standing(glass), moving, everything, track, self.town)

    def _standing(self, glass: bool) -> Standing:
        return self.standing if glass else self._opaque


def _with_transmission(standing: Standing, transmission: Floats) -> Floats:
    table = standing.table.copy()
    table[:, 16] = transmission
    return table


def _is_near(actor: Actor, begin: float, end: float, eye: Floats, reach: float) -> bool:
    place = actor.motion.at((begin + end) / 2)[:2]
    return bool(np.linalg.norm(place - eye[:2]) < reach + actor.body.length)
