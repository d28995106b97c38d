"""What moves: the shape of one road user, its truth box, and its poses of walking or pedalling."""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.datasets.simulation.assembly import Colour, Parts
from lidar_label.datasets.simulation.materials import Category

# A body's frame: x forward, y left, z up from the ground; the origin is under the box's centre.
PAINTS: tuple[tuple[Colour, float], ...] = (
    ((232, 232, 232), 0.24), ((34, 34, 38), 0.22), ((120, 124, 128), 0.18), ((176, 180, 184), 0.12),
    ((36, 62, 120), 0.09), ((150, 32, 34), 0.07), ((52, 86, 62), 0.03), ((196, 140, 50), 0.03),
    ((90, 62, 44), 0.02),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Body:
    """The shape of one road user.

    Attributes:
        category: its class.
        poses: its parts through one cycle of its limbs; one pose only for vehicles.
        cycle: metres that it moves in one cycle.
        wheelbase: metres between the two places where it follows the ground.
        track: metres between left and right wheels.
        box: (4,) height of the box's centre over the ground, length, width, height.
    """

    category: Category
    poses: tuple[Parts, ...]
    cycle: float
    wheelbase: float
    track: float
    box: Floats

    @property
    def length(self) -> float:
        """Metres along the heading."""
        return float(self.box[1])

    @property
    def width(self) -> float:
        """Metres across it."""
        return float(self.box[2])

    def pose_at(self, travelled: float) -> int:
        """Index of the pose after so many metres."""
        return int(np.floor(travelled / self.cycle * len(self.poses))) % len(self.poses)


def make_body(
    category: Category,
    poses: list[Parts],
    *,
    cycle: float = 1.0,
    wheelbase: float,
    track: float,
) -> Body:
    """A body whose box just holds its parts in all poses; the origin is moved under it."""
    each = np.array([parts.bounds() for parts in poses])
    lower, upper = each[:, :3].min(axis=0), each[:, 3:].max(axis=0)
    shift = np.eye(4)
    shift[:2, 3] = -(lower + upper)[:2] / 2
    box = np.array([(lower[2] + upper[2]) / 2, *(upper - lower)])
    return Body(
        category, tuple(parts.placed(shift) for parts in poses), cycle, wheelbase, track, box
    )


def paint(rng: np.random.Generator) -> Colour:
    """A car's colour, as often as one sees it."""
    shares = np.array([share for _, share in PAINTS])
    return PAINTS[int(rng.choice(len(PAINTS), p=shares / shares.sum()))][0]
