"""Things put together from convex parts, each with its material and colour."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats
from lidar_label.datasets.simulation.materials import Category, Material, optics
from lidar_label.kernels.solids import BOX, CYLINDER, ELLIPSOID, Solids, place_solids, solid_bounds

Colour = tuple[int, int, int]
_NO_TAPER = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Parts:
    """P convex parts in one frame.

    Attributes:
        solids: their shapes.
        material: (P,) uint8 `Material`.
        category: (P,) uint8 `Category`.
        reflectivity: (P,) float64 diffuse, near 905 nm.
        colour: (P, 3) uint8 sRGB.
        facade: (P,) bool: a wall with windows.
    """

    solids: Solids
    material: NDArray[np.uint8]
    category: NDArray[np.uint8]
    reflectivity: Floats
    colour: NDArray[np.uint8]
    facade: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.material)

    def placed(self, a_from_b: NDArray[Any]) -> "Parts":
        """The parts, given in frame b, in frame a."""
        return dataclasses.replace(self, solids=place_solids(self.solids, a_from_b))

    def bounds(self) -> Floats:
        """(6,) lower and upper corner of all."""
        each = solid_bounds(self.solids)
        return np.concatenate((each[:, :3].min(axis=0), each[:, 3:].max(axis=0)))

    @classmethod
    def concatenate(cls, several: Sequence["Parts"]) -> "Parts":
        """One after another."""
        solids = Solids(
            *(np.concatenate(columns) for columns in zip(*(p.solids for p in several), strict=True))
        )
        rest = {
            f.name: np.concatenate([getattr(p, f.name) for p in several])
            for f in dataclasses.fields(cls)
            if f.name != "solids"
        }
        return cls(solids=solids, **rest)


@dataclass
class Assembly:
    """Collects parts one by one; `parts()` gives them as columns.

    Lengths in metres, angles in radians; x forward, y left, z up. A part's reflectivity follows
    from its material and, for paint and cloth, from how light its colour is.
    """

    category: Category
    _rows: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])

    def box(
        self,
        centre: Sequence[float],
        size: Sequence[float],
        material: Material,
        colour: Colour | None = None,
        *,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
        taper: Sequence[float] = _NO_TAPER,
        transmission: float = 0.0,
        free_path: float = 0.0,
        category: Category | None = None,
        facade: bool = False,
    ) -> None:
        """A box of full `size`; `taper`: how far front, rear and both sides draw in at the top."""
        self._add(
            BOX, centre, np.asarray(size) / 2, rotation(yaw, pitch, roll), material, colour,
            taper, transmission, free_path, category, facade,
        )  # fmt: skip

    def tube(
        self,
        start: Sequence[float],
        end: Sequence[float],
        radius: float,
        material: Material,
        colour: Colour | None = None,
        *,
        taper: float = 0.0,
        transmission: float = 0.0,
        free_path: float = 0.0,
        category: Category | None = None,
    ) -> None:
        """A cylinder between two points, its radius smaller by the share `taper` at its end."""
        a, b = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
        axis = b - a
        half = float(np.linalg.norm(axis)) / 2
        self._add(
            CYLINDER, (a + b) / 2, np.array([radius, radius, half]), _towards(axis / (2 * half)),
            material, colour, (taper, 0.0, 0.0), transmission, free_path, category, False,
        )  # fmt: skip

    def ball(
        self,
        centre: Sequence[float],
        size: Sequence[float],
        material: Material,
        colour: Colour | None = None,
        *,
        yaw: float = 0.0,
        pitch: float = 0.0,
        free_path: float = 0.0,
        category: Category | None = None,
    ) -> None:
        """An ellipsoid of full `size`."""
        self._add(
            ELLIPSOID, centre, np.asarray(size) / 2, rotation(yaw, pitch, 0.0), material, colour,
            _NO_TAPER, 0.0, free_path, category, False,
        )  # fmt: skip

    def _add(
        self,
        kind: int,
        centre: Sequence[float] | Floats,
        half: Floats,
        turn: Floats,
        material: Material,
        colour: Colour | None,
        taper: Sequence[float],
        transmission: float,
        free_path: float,
        category: Category | None,
        facade: bool,
    ) -> None:
        linear = turn.T / np.maximum(half, 1e-3)[:, None]
        local = np.column_stack((linear, -linear @ np.asarray(centre, dtype=float)))
        own = self.category if category is None else category
        self._rows.append(
            (kind, local, tuple(taper), free_path, transmission, material, own, colour, facade)
        )

    def parts(self) -> Parts:
        """The parts so far."""
        columns = list(zip(*self._rows, strict=True)) if self._rows else [()] * 9
        count, table = len(self._rows), optics()
        solids = Solids(
            np.array(columns[0], dtype=np.uint8),
            np.array(columns[1], dtype=np.float64).reshape(count, 3, 4),
            np.array(columns[2], dtype=np.float64).reshape(count, 3),
            np.array(columns[3], dtype=np.float64),
            np.array(columns[4], dtype=np.float64),
        )
        material = np.array(columns[5], dtype=np.uint8)
        colour = np.array(
            [
                table.colour[m] if c is None else c
                for m, c in zip(columns[5], columns[7], strict=True)
            ],
            dtype=np.uint8,
        ).reshape(count, 3)
        dyed = np.isin(material, (Material.CAR_PAINT, Material.CLOTH)) & np.array(
            [c is not None for c in columns[7]], dtype=bool
        )
        lightness = colour.mean(axis=1) / 255
        reflectivity = np.where(dyed, 0.05 + 0.65 * lightness, table.reflectivity[material])
        return Parts(
            solids, material, np.array(columns[6], dtype=np.uint8), reflectivity, colour,
            np.array(columns[8], dtype=bool),
        )  # fmt: skip


def rotation(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> Floats:
    """(3, 3) Rz(yaw) · Ry(pitch) · Rx(roll)."""
    cy, sy = math.cos(yaw), math.sin(yaw)
    cp, sp = math.cos(pitch), math.sin(pitch)
    cr, sr = math.cos(roll), math.sin(roll)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def _towards(axis: Floats) -> Floats:
    """A rotation whose z axis is `axis` (Duff et al., "Building an Orthonormal Basis", 2017)."""
    x, y, z = (float(v) for v in axis)
    sign = math.copysign(1.0, z)
    a = -1.0 / (sign + z)
    b = x * y * a
    return np.array(
        [
            [1.0 + sign * x * x * a, b, x],
            [sign * b, sign + y * y * a, y],
            [-sign * x, -y, z],
        ]
    )
