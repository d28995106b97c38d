"""The ground of a town: hills, kerbs, and what each spot is made of."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import uniform_filter

from lidar_label.arrays import Floats
from lidar_label.datasets.simulation import curves
from lidar_label.datasets.simulation.materials import Material
from lidar_label.datasets.simulation.roads import CROSSING, STOP_LINE, Junction, Network, Road
from lidar_label.kernels.height_field import HeightField, height_at, make_height_field

CELL = 0.2  # metres between nodes of the height field
PIXEL = 0.1  # metres of a spot of one material
KERB_CM = 12
_LOWERED_CM = 3
_MARK = 0.14  # metres, width of a line on the road


@dataclass(frozen=True, eq=False)
class Terrain:
    """The ground.

    Attributes:
        field: heights with kerbs and roughness, what rays meet.
        base: heights of the carriageways, on a coarse grid: what wheels roll on.
        material: (Y, X) uint8 `Material` of spots of PIXEL metres.
    """

    field: HeightField
    base: HeightField
    material: NDArray[np.uint8]

    def material_at(self, xy: Floats) -> NDArray[np.uint8]:
        """(N,) the material under (N, 2) places."""
        index = np.clip((np.asarray(xy) / PIXEL).astype(np.int64), 0, len(self.material) - 1)
        return self.material[index[:, 1], index[:, 0]]


def make_terrain(network: Network, rng: np.random.Generator) -> Terrain:
    """Shape the hills, then paint roads, pavements and markings over them."""
    count = round(network.size / CELL) + 1
    base = _hills(network.size, rng)
    painter = _Painter(network.size)
    _paint_country(painter, network.size, rng)
    for road in network.roads:
        _paint_pavement(painter, road)
    for junction in network.junctions:
        if any(leg.sidewalk for leg in junction.legs):
            painter.fill(_outline(junction, with_sidewalks=True), Material.PAVING, KERB_CM)
    for junction in network.junctions:
        outline = _outline(junction, with_sidewalks=False)
        painter.line(np.vstack((outline, outline[:1])), Material.KERBSTONE, 0.3, KERB_CM)
        painter.fill(outline, Material.ASPHALT, 0)
    for road in network.roads:
        _paint_carriageway(painter, road, rng)
    for road in network.roads:
        _paint_markings(painter, network, road)
    _paint_patches(painter, network, rng)
    material = np.asarray(painter.material, dtype=np.uint8)
    raised = np.asarray(painter.height, dtype=np.float32)[::2, ::2] / 100
    raised = np.pad(raised, ((0, 1), (0, 1)), mode="edge")[:count, :count]
    rough = rng.normal(size=(count, count)).astype(np.float32)
    soft = np.isin(material[::2, ::2], (Material.GRASS, Material.SOIL, Material.GRAVEL))
    soft = np.pad(soft, ((0, 1), (0, 1)), mode="edge")[:count, :count]
    # Meadows wave over metres; roads only by millimetres.
    waves = uniform_filter(rough, 9) * 9 * 0.02 + 0.012 * rough
    node = np.arange(count) * CELL
    smooth_height = height_at(base, np.stack(np.meshgrid(node, node), -1).reshape(-1, 2))
    heights = smooth_height.reshape(count, count) + raised + np.where(soft, waves, 0.003 * rough)
    return Terrain(make_height_field(heights, 0.0, 0.0, CELL), base, material)


def _hills(size: float, rng: np.random.Generator) -> HeightField:
    """Waves of 110 … 380 m in all directions, steepest slope about 8 %."""
    step = 2.0
    node = np.arange(int(size / step) + 2) * step
    x, y = np.meshgrid(node, node)
    height = np.zeros_like(x)
    for wavelength in (380.0, 300.0, 240.0, 190.0, 150.0, 110.0):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        slope = rng.uniform(0.01, 0.03)
        along = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / wavelength
        height += slope * wavelength / (2 * np.pi) * np.sin(along + phase)
    return make_height_field(height - height.min() + 1.0, 0.0, 0.0, step)


class _Painter:
    """Two pictures of the town, one of materials, one of heights above the hills in centimetres."""

    def __init__(self, size: float) -> None:
        pixels = round(size / PIXEL)
        self.material = Image.new("L", (pixels, pixels), int(Material.GRASS))
        self.height = Image.new("L", (pixels, pixels), KERB_CM)
        self._draw = ImageDraw.Draw(self.material), ImageDraw.Draw(self.height)

    def fill(self, outline: Floats, material: Material, height: int | None = None) -> None:
        points = [(float(x), float(y)) for x, y in outline / PIXEL]
        self._draw[0].polygon(points, fill=int(material))
        if height is not None:
            self._draw[1].polygon(points, fill=height)

    def line(
        self, curve: Floats, material: Material, width: float, height: int | None = None
    ) -> None:
        points = [(float(x), float(y)) for x, y in curve / PIXEL]
        pixels = max(round(width / PIXEL), 1)
        self._draw[0].line(points, fill=int(material), width=pixels, joint="curve")
        if height is not None:
            self._draw[1].line(points, fill=height, width=pixels, joint="curve")


def band(centre: Floats, from_left: float, to_left: float) -> Floats:
    """Outline of the strip between two offsets of a curve."""
    return np.vstack((curves.offset(centre, from_left), curves.offset(centre, to_left)[::-1]))


def _paint_country(painter: _Painter, size: float, rng: np.random.Generator) -> None:
    """Blots of soil and gravel on the grass."""
    for _ in range(150):
        place = rng.uniform(0, size, 2)
        angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        radius = rng.uniform(2, 9) * rng.uniform(0.6, 1.0, 14)
        blot = place + np.column_stack((np.cos(angle), np.sin(angle))) * radius[:, None]
        painter.fill(blot, Material.SOIL if rng.random() < 0.6 else Material.GRAVEL, None)


def _paint_pavement(painter: _Painter, road: Road) -> None:
    half, walk = road.kind.half_width, road.kind.sidewalk
    for side in (1, -1):
        if walk:
            painter.fill(band(road.centre, side * half, side * (half + walk)), Material.PAVING)
        else:
            verge = band(road.centre, side * half, side * (half + 1.2))
            painter.fill(verge, Material.GRAVEL, 2)


def _outline(junction: Junction, *, with_sidewalks: bool) -> Floats:
    """The border of a junction's surface, counter-clockwise, with rounded corners."""
    border: list[Floats] = []
    legs = junction.legs
    for i, leg in enumerate(legs):
        following = legs[(i + 1) % len(legs)]
        width = leg.half_width + (leg.sidewalk if with_sidewalks else 0)
        next_width = following.half_width + (following.sidewalk if with_sidewalks else 0)
        border.append((leg.point - leg.left * width)[None])
        border.append(
            corner(
                leg.point + leg.left * width,
                -leg.outward,
                following.point - following.left * next_width,
                following.outward,
            )
        )
    return np.vstack(border)


def corner(a: Floats, towards: Floats, b: Floats, away: Floats) -> Floats:
    """A curve from `a`, starting in direction `towards`, to `b`, ending in direction `away`."""
    size = float(np.linalg.norm(b - a))
    if size < 0.3:
        return np.vstack((a, b))
    return curves.hermite(a, towards * size * 1.2, b, away * size * 1.2)


def _paint_carriageway(painter: _Painter, road: Road, rng: np.random.Generator) -> None:
    kind = road.kind
    half = kind.half_width
    for side in (1, -1):
        if kind.sidewalk:
            painter.fill(
                band(road.centre, side * half, side * (half + 0.16)), Material.KERBSTONE, KERB_CM
            )
    painter.fill(band(road.centre, half, -half), Material.ASPHALT, 0)
    if kind.parking and rng.random() < 0.5:
        for side in (1, -1):
            strip = curves.cut(road.centre, 8.0, road.length - 8.0)
            painter.fill(
                band(strip, side * half, side * (half - kind.parking)), Material.PATCHED_ASPHALT
            )


def _paint_markings(painter: _Painter, network: Network, road: Road) -> None:
    kind, length = road.kind, road.length
    lanes_edge = kind.lanes * kind.lane_width
    if kind.name == "avenue":
        line = curves.cut(road.centre, 6.5, length - 6.5)
        for left in (0.14, -0.14):
            painter.fill(band(line, left - _MARK / 2, left + _MARK / 2), Material.PAINT)
    elif kind.name != "residential":
        _dashes(painter, road, 0.0, 4.0, 6.0)
    for index in range(1, kind.lanes):
        for side in (1, -1):
            _dashes(painter, road, side * index * kind.lane_width, 3.0, 6.0)
    if kind.name != "residential":
        line = curves.cut(road.centre, 6.5, length - 6.5)
        for side in (1, -1):
            left = side * (lanes_edge - (0.0 if kind.parking else 0.25))
            painter.fill(band(line, left - _MARK / 2, left + _MARK / 2), Material.PAINT)
    for at_start in (True, False):
        junction = network.junctions[road.ends[0 if at_start else 1]]
        if junction.is_crossing:
            _paint_road_end(painter, road, at_start)


def _dashes(painter: _Painter, road: Road, left: float, dash: float, gap: float) -> None:
    for begin in np.arange(7.0, road.length - 7.0 - dash, dash + gap):
        piece = curves.cut(road.centre, float(begin), float(begin) + dash)
        painter.fill(band(piece, left - _MARK / 2, left + _MARK / 2), Material.PAINT)


def _paint_road_end(painter: _Painter, road: Road, at_start: bool) -> None:
    """Stop line and, where people walk, a zebra crossing with lowered kerbs."""
    kind = road.kind
    outward = road.centre if at_start else road.centre[::-1]  # away from the junction
    line = curves.cut(outward, STOP_LINE - 0.2, STOP_LINE + 0.2)
    # Traffic towards the junction keeps right: seen away from it, on the left.
    painter.fill(band(line, 0.2, kind.lanes * kind.lane_width - 0.2), Material.PAINT)
    if not kind.sidewalk:
        return
    stripe = curves.cut(outward, *CROSSING)
    for left in np.arange(-kind.half_width + 0.4, kind.half_width - 0.6, 1.0):
        painter.fill(band(stripe, float(left), float(left) + 0.5), Material.PAINT)
    for side in (1, -1):
        ramp = band(stripe, side * kind.half_width, side * (kind.half_width + 0.9))
        painter.fill(ramp, Material.PAVING, _LOWERED_CM)


def _paint_patches(painter: _Painter, network: Network, rng: np.random.Generator) -> None:
    """Repaired strips and manhole covers on the lanes."""
    for road in network.roads:
        for _ in range(rng.integers(1, 5)):
            begin = rng.uniform(8, road.length - 14)
            left = rng.uniform(-1, 1) * (road.kind.lanes * road.kind.lane_width - 1.0)
            piece = curves.cut(road.centre, begin, begin + rng.uniform(1.0, 6.0))
            painter.fill(band(piece, left, left + rng.uniform(0.5, 1.2)), Material.PATCHED_ASPHALT)
        for _ in range(rng.integers(0, 4)):
            at = curves.point_at(road.centre, rng.uniform(8, road.length - 8))[0]
            angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
            cover = at + 0.35 * np.column_stack((np.cos(angle), np.sin(angle)))
            painter.fill(cover, Material.STEEL)


def occupied_ground(network: Network, pixel: float) -> Image.Image:
    """A picture, white where roads and pavements are, on which other things may be drawn."""
    pixels = round(network.size / pixel)
    picture = Image.new("L", (pixels, pixels), 0)
    draw = ImageDraw.Draw(picture)
    outlines: Iterable[Floats] = [
        *(
            band(
                r.centre, r.kind.half_width + r.kind.sidewalk, -r.kind.half_width - r.kind.sidewalk
            )
            for r in network.roads
        ),
        *(_outline(j, with_sidewalks=True) for j in network.junctions),
    ]
    for outline in outlines:
        draw.polygon([(float(x), float(y)) for x, y in outline / pixel], fill=255)
    return picture
