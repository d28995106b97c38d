"""What surfaces are made of: how they answer a laser and a radar, and how they look.

Reflectivities are rough diffuse values near 905 nm for dry surfaces, in the range of public
spectral libraries (Meerdink et al., "The ECOSTRESS spectral library version 1.0", RSE 2019).
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats


class Category(IntEnum):
    """What a point belongs to: the classes of the point labels."""

    NOISE = 0
    ROAD = 1
    LANE_MARKING = 2
    SIDEWALK = 3
    TERRAIN = 4
    BUILDING = 5
    WALL = 6
    FENCE = 7
    VEGETATION = 8
    TRUNK = 9
    POLE = 10
    SIGN = 11
    GUARD_RAIL = 12
    STREET_OBJECT = 13
    CAR = 20
    VAN = 21
    TRUCK = 22
    BUS = 23
    PEDESTRIAN = 24
    CYCLIST = 25
    MOTORCYCLIST = 26

    @property
    def label(self) -> str:
        """The name in label files."""
        return self.name.lower()


class Material(IntEnum):
    """What a surface is made of."""

    ASPHALT = 0
    PATCHED_ASPHALT = 1
    PAINT = 2
    PAVING = 3
    KERBSTONE = 4
    GRASS = 5
    SOIL = 6
    GRAVEL = 7
    PLASTER = 8
    BRICK = 9
    ROOF_TILE = 10
    CONCRETE = 11
    WOOD = 12
    LEAVES = 13
    BARK = 14
    STEEL = 15
    SIGN_FOIL = 16
    CAR_PAINT = 17
    GLASS = 18
    RUBBER = 19
    PLASTIC = 20
    CLOTH = 21
    SKIN = 22
    LAMP = 23
    PLATE = 24


@dataclass(frozen=True)
class Optics:
    """Optical and radar properties of all materials, one row each.

    Attributes:
        reflectivity: (M,) diffuse reflectivity in [0, 1].
        variation: (M,) relative spread from point to point.
        gloss: (M,) share of the light that is mirrored away from the sensor at slant incidence.
        retro: (M,) extra reflectivity straight back at the sensor (foils, lamps, plates).
        radar: (M,) relative strength as a radar reflector.
        colour: (M, 3) sRGB 0 … 255 where a part has no colour of its own.
    """

    reflectivity: Floats
    variation: Floats
    gloss: Floats
    retro: Floats
    radar: Floats
    colour: NDArray[np.uint8]


# material: reflectivity, variation, gloss, retro, radar, colour
_PROPERTIES: dict[Material, tuple[float, float, float, float, float, tuple[int, int, int]]] = {
    Material.ASPHALT: (0.20, 0.20, 0.0, 0.0, 0.002, (88, 88, 92)),
    Material.PATCHED_ASPHALT: (0.14, 0.20, 0.0, 0.0, 0.002, (66, 66, 70)),
    Material.PAINT: (0.55, 0.15, 0.0, 0.25, 0.002, (226, 226, 220)),
    Material.PAVING: (0.28, 0.18, 0.0, 0.0, 0.003, (150, 144, 136)),
    Material.KERBSTONE: (0.32, 0.15, 0.0, 0.0, 0.02, (172, 170, 166)),
    Material.GRASS: (0.38, 0.30, 0.0, 0.0, 0.004, (92, 124, 62)),
    Material.SOIL: (0.25, 0.25, 0.0, 0.0, 0.004, (124, 102, 76)),
    Material.GRAVEL: (0.28, 0.30, 0.0, 0.0, 0.006, (160, 152, 138)),
    Material.PLASTER: (0.48, 0.08, 0.0, 0.0, 0.08, (214, 204, 184)),
    Material.BRICK: (0.34, 0.14, 0.0, 0.0, 0.08, (152, 84, 64)),
    Material.ROOF_TILE: (0.28, 0.18, 0.0, 0.0, 0.06, (142, 74, 56)),
    Material.CONCRETE: (0.36, 0.12, 0.0, 0.0, 0.08, (168, 166, 160)),
    Material.WOOD: (0.42, 0.18, 0.0, 0.0, 0.03, (134, 102, 70)),
    Material.LEAVES: (0.42, 0.35, 0.0, 0.0, 0.012, (64, 100, 46)),
    Material.BARK: (0.28, 0.20, 0.0, 0.0, 0.04, (92, 76, 60)),
    Material.STEEL: (0.40, 0.10, 0.35, 0.0, 0.8, (130, 136, 140)),
    Material.SIGN_FOIL: (0.60, 0.08, 0.0, 0.40, 0.5, (206, 40, 40)),
    Material.CAR_PAINT: (0.32, 0.06, 0.45, 0.0, 1.0, (130, 130, 136)),
    Material.GLASS: (0.10, 0.20, 0.80, 0.0, 0.3, (44, 54, 62)),
    Material.RUBBER: (0.05, 0.15, 0.0, 0.0, 0.05, (30, 30, 32)),
    Material.PLASTIC: (0.10, 0.10, 0.2, 0.0, 0.1, (40, 40, 44)),
    Material.CLOTH: (0.35, 0.10, 0.0, 0.0, 0.10, (80, 84, 110)),
    Material.SKIN: (0.45, 0.05, 0.0, 0.0, 0.15, (206, 164, 138)),
    Material.LAMP: (0.30, 0.10, 0.2, 0.60, 0.3, (224, 216, 190)),
    Material.PLATE: (0.50, 0.05, 0.0, 0.50, 0.4, (232, 232, 232)),
}
_GROUND_CATEGORY = {
    Material.ASPHALT: Category.ROAD,
    Material.PATCHED_ASPHALT: Category.ROAD,
    Material.PAINT: Category.LANE_MARKING,
    Material.PAVING: Category.SIDEWALK,
    Material.KERBSTONE: Category.SIDEWALK,
    Material.GRASS: Category.TERRAIN,
    Material.SOIL: Category.TERRAIN,
    Material.GRAVEL: Category.TERRAIN,
}


@cache
def optics() -> Optics:
    """The properties of all materials."""
    rows = [_PROPERTIES[material] for material in Material]
    numbers = np.array([row[:5] for row in rows], dtype=np.float64)
    return Optics(*numbers.T.copy(), colour=np.array([row[5] for row in rows], dtype=np.uint8))


@cache
def ground_categories() -> NDArray[np.uint8]:
    """(M,) the category of ground made of each material."""
    return np.array(
        [_GROUND_CATEGORY.get(material, Category.TERRAIN) for material in Material], dtype=np.uint8
    )
