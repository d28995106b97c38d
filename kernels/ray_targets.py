"""What rays are cast at: the ground and solids that stand, and rigid bodies that move evenly."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats
from lidar_label.kernels.height_field import HeightField
from lidar_label.kernels.solids import Solids, solid_bounds, solid_table
from lidar_label.kernels.volume_tree import Tree, build_tree


@dataclass(frozen=True, eq=False)
class Standing:
    """The ground and P solids that stand, ready to be cast at; world frame."""

    ground: HeightField
    table: Floats
    tree: Tree

    @classmethod
    def of(cls, ground: HeightField, solids: Solids) -> "Standing":
        """Take solids in the world frame."""
        return cls(ground, solid_table(solids), build_tree(solid_bounds(solids)))


@dataclass(frozen=True, eq=False)
class Moving:
    """B rigid bodies of solids that move evenly from phase 0 to phase 1, ready to be cast at.

    Attributes:
        table: (Q, 22) float64 of the parts, in the frame of their body.
        place: (2, B, 12) float64 at phase 0 and 1: x y z of the body's origin in the world and the
            rows of the rotation, body from world.
        extent: (B, 8) float64: bounds in its own frame, first part, end of its parts.
        tree: over the volumes that the bodies sweep, world frame.
    """

    table: Floats
    place: Floats
    extent: Floats
    tree: Tree

    @classmethod
    def of(cls, parts: Solids, first: NDArray[Any], world_from_body: NDArray[Any]) -> "Moving":
        """Make bodies of parts.

        Between its two ends a rotation is interpolated element by element: a turn of 0.2 rad
        shrinks the body by at most 0.5 %.

        Args:
            parts: solids in the frame of their body, body after body.
            first: (B + 1,) body b has the parts first[b]:first[b + 1], at least one.
            world_from_body: (2, B, 4, 4) at phase 0 and 1.
        """
        first = np.asarray(first, dtype=np.int64)
        poses = np.asarray(world_from_body, dtype=np.float64).reshape(2, len(first) - 1, 4, 4)
        centre, rotation = poses[:, :, :3, 3], poses[:, :, :3, :3]
        bounds = solid_bounds(parts)
        lower = np.minimum.reduceat(bounds[:, :3], first[:-1]) if len(bounds) else bounds[:, :3]
        upper = np.maximum.reduceat(bounds[:, 3:], first[:-1]) if len(bounds) else bounds[:, 3:]
        middle, half = (lower + upper) / 2, (upper - lower) / 2
        at = centre + np.einsum("tbij,bj->tbi", rotation, middle)
        reach = np.einsum("tbij,bj->tbi", np.abs(rotation), half)
        bulge = 0.02 * np.linalg.norm(np.abs(middle) + half, axis=1)[:, None]  # while it turns
        swept = (at - reach).min(axis=0) - bulge, (at + reach).max(axis=0) + bulge
        turned = rotation.transpose(0, 1, 3, 2).reshape(2, -1, 9)
        return cls(
            solid_table(parts),
            np.concatenate((centre, turned), axis=2),
            np.column_stack((lower, upper, first[:-1], first[1:])),
            build_tree(np.hstack(swept)),
        )

    @classmethod
    def none(cls) -> "Moving":
        """No body at all."""
        nothing = Solids(
            np.zeros(0, np.uint8), np.zeros((0, 3, 4)), np.zeros((0, 3)), np.zeros(0), np.zeros(0)
        )
        return cls.of(nothing, np.zeros(1, np.int64), np.zeros((2, 0, 4, 4)))
