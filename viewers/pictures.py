"""Pictures of a frame: the bird's-eye view with points and boxes, and the camera's with boxes."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lidar_label.arrays import Boxes, Floats, Mask, Points, Transform
from lidar_label.calibration.cameras import box_corners, project, project_box_edges
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.transforms import transform_points

Colour: TypeAlias = tuple[int, int, int]
Rgb: TypeAlias = NDArray[np.uint8]

BACKGROUND: Colour = (13, 17, 23)
GRID: Colour = (44, 54, 68)
GROUND: Colour = (84, 98, 116)
TRUTH: Colour = (255, 255, 255)
MISSED: Colour = (255, 70, 90)
TEXT: Colour = (226, 232, 240)
_LEAST_DEPTH_M = 0.5  # a box at the lens covers all and shows nothing
_FINE = 2  # lines are drawn this much larger, then reduced: smooth edges

# Height above ground → colour; equal steps look equal (after Kovesi, "Good colour maps", 2015).
_HEIGHT_STOPS = np.array([0.0, 0.5, 1.0, 1.6, 2.4, 4.0, 8.0])
_HEIGHT_COLOURS = np.array(
    [
        (56, 88, 140),
        (52, 136, 168),
        (64, 182, 150),
        (150, 214, 100),
        (250, 214, 84),
        (246, 150, 84),
        (236, 110, 140),
    ]
)


@dataclass(frozen=True)
class DrawnBoxes:
    """Boxes of one kind in a picture.

    Attributes:
        boxes: (N, 7) ego frame.
        colours: One a box.
        texts: One a box; "" writes nothing.
        dashed: Truth is dashed, proposals are not.
        filled: (N,) boxes whose inside is tinted.
        width: Line width in pixels.
    """

    boxes: Boxes
    colours: Sequence[Colour]
    texts: Sequence[str]
    dashed: bool = False
    filled: Mask | None = None
    width: float = 1.6


@dataclass(frozen=True)
class View:
    """Which part of the ground a bird's-eye picture shows; x points right, y up.

    Attributes:
        centre: x y in the ego frame, metres.
        scale: Pixels a metre.
        width: Pixels.
        height: Pixels.
    """

    centre: tuple[float, float]
    scale: float
    width: int
    height: int

    def pixels(self, xy: NDArray[np.floating]) -> Floats:
        """(N, 2) ego metres → (N, 2) column and row."""
        column = (xy[:, 0] - self.centre[0]) * self.scale + self.width / 2
        row = (self.centre[1] - xy[:, 1]) * self.scale + self.height / 2
        return np.column_stack((column, row)).astype(np.float64)


def hex_colour(text: str) -> Colour:
    """`#rrggbb` → red, green, blue."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def height_colours(height: NDArray[np.floating]) -> Rgb:
    """(N, 3) colours of heights above ground in metres."""
    channels = [np.interp(height, _HEIGHT_STOPS, _HEIGHT_COLOURS[:, i]) for i in range(3)]
    return np.column_stack(channels).astype(np.uint8)


def bird_eye(
    points: Points,
    height: NDArray[np.floating],
    ground: Mask,
    layers: Sequence[DrawnBoxes],
    view: View,
    *,
    annotated: bool = True,
) -> Image.Image:
    """The frame from above.

    Args:
        points: (N, 3) ego frame.
        height: (N,) metres above ground.
        ground: (N,) points on the ground.
        layers: Boxes, drawn in this order.
        view: What to show.
        annotated: Draw rings, scale and texts; thumbnails go without.
    """
    canvas = np.empty((view.height, view.width, 3), dtype=np.uint8)
    canvas[:] = BACKGROUND
    _splat(canvas, view.pixels(points[ground, :2]), None, 1)
    rest = np.flatnonzero(~ground)
    rest = rest[np.argsort(height[rest], kind="stable")]  # what is higher covers what is lower
    _splat(canvas, view.pixels(points[rest, :2]), height_colours(height[rest]), 2)
    picture = Image.fromarray(canvas)
    lines = Image.new("RGBA", (view.width * _FINE, view.height * _FINE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(lines)
    if annotated:
        _draw_rings(draw, view)
    for layer in layers:
        _draw_boxes(draw, layer, view)
    _draw_ego(draw, view)
    lines = lines.reduce(_FINE)
    picture.paste(lines, (0, 0), lines)
    if annotated:
        _write_texts(picture, layers, view)
    return picture


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib brings it: class names are not always ASCII."""
    return ImageFont.truetype(
        str(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")), size
    )


def _splat(canvas: Rgb, pixels: Floats, colours: Rgb | None, size: int) -> None:
    """Set `size` × `size` pixels a point; without colours the ground's, brighter where denser."""
    rows, columns = canvas.shape[:2]
    inside = (pixels >= 0).all(axis=1) & (pixels[:, 0] < columns) & (pixels[:, 1] < rows)
    place = pixels[inside].astype(np.int64)
    if colours is None:
        flat = place[:, 1] * columns + place[:, 0]
        density = np.bincount(flat, minlength=rows * columns)
        where = np.flatnonzero(density)
        share = np.clip(0.45 + 0.2 * np.log2(density[where]), 0, 1)[:, None]
        mixed = np.array(BACKGROUND) * (1 - share) + np.array(GROUND) * share
        canvas.reshape(-1, 3)[where] = mixed.astype(np.uint8)
        return
    for down in range(size):
        for right in range(size):
            row = np.minimum(place[:, 1] + down, rows - 1)
            column = np.minimum(place[:, 0] + right, columns - 1)
            canvas[row, column] = colours[inside]


def _draw_rings(draw: ImageDraw.ImageDraw, view: View) -> None:
    x, y = view.pixels(np.zeros((1, 2)))[0] * _FINE
    for metres in range(20, 201, 20):
        r = metres * view.scale * _FINE
        draw.ellipse((x - r, y - r, x + r, y + r), outline=(*GRID, 255), width=_FINE)


def _draw_ego(draw: ImageDraw.ImageDraw, view: View) -> None:
    arrow = np.array([[1.6, 0.0], [-1.2, 0.9], [-0.6, 0.0], [-1.2, -0.9]])
    corners = view.pixels(arrow * max(1.0, 6 / view.scale)) * _FINE
    draw.polygon([(x, y) for x, y in corners.tolist()], fill=(*TEXT, 255))


def footprint(boxes: Boxes) -> Floats:
    """(N, 4, 2) corners seen from above: front left, front right, rear right, rear left."""
    signs = np.array([[0.5, 0.5], [0.5, -0.5], [-0.5, -0.5], [-0.5, 0.5]])
    local = signs[None] * boxes[:, None, 3:5]
    c, s = np.cos(boxes[:, 6])[:, None], np.sin(boxes[:, 6])[:, None]
    x = c * local[..., 0] - s * local[..., 1]
    y = s * local[..., 0] + c * local[..., 1]
    return np.stack((x, y), axis=-1) + boxes[:, None, :2]


def _draw_boxes(draw: ImageDraw.ImageDraw, layer: DrawnBoxes, view: View) -> None:
    if len(layer.boxes) == 0:
        return
    corners = view.pixels(footprint(layer.boxes).reshape(-1, 2)).reshape(-1, 4, 2) * _FINE
    width = max(1, round(layer.width * _FINE))
    for i, outline in enumerate(corners):
        ring = [(x, y) for x, y in outline.tolist()]
        colour = (*layer.colours[i], 255)
        if layer.filled is not None and layer.filled[i]:
            draw.polygon(ring, fill=(*layer.colours[i], 90))
        for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
            _line(draw, a, b, colour, width, dashed=layer.dashed)
        # The tick runs from the centre through the front face.
        centre, front = outline.mean(axis=0), outline[:2].mean(axis=0)
        tip = front + (front - centre) * min(1.0, 6 * _FINE / max(np.hypot(*(front - centre)), 1))
        if not layer.dashed:
            draw.line([tuple(centre.tolist()), tuple(tip.tolist())], fill=colour, width=width)


def _line(
    draw: ImageDraw.ImageDraw,
    a: tuple[float, float],
    b: tuple[float, float],
    colour: tuple[int, int, int, int],
    width: int,
    *,
    dashed: bool,
) -> None:
    if not dashed:
        draw.line([a, b], fill=colour, width=width)
        return
    length = max(float(np.hypot(b[0] - a[0], b[1] - a[1])), 1e-6)
    pieces = max(1, round(length / (9 * _FINE)))
    for piece in range(pieces):
        start, stop = piece / pieces, (piece + 0.55) / pieces
        draw.line(
            [
                (a[0] + (b[0] - a[0]) * start, a[1] + (b[1] - a[1]) * start),
                (a[0] + (b[0] - a[0]) * stop, a[1] + (b[1] - a[1]) * stop),
            ],
            fill=colour,
            width=width,
        )


def _write_texts(picture: Image.Image, layers: Sequence[DrawnBoxes], view: View) -> None:
    draw = ImageDraw.Draw(picture)
    small = _font(12)
    for metres in range(20, 201, 20):
        x, y = view.pixels(np.array([[metres * 0.7071, -metres * 0.7071]]))[0].tolist()
        draw.text((x + 3, y), f"{metres} m", font=small, fill=(118, 132, 150))
    taken: list[tuple[float, float, float, float]] = []
    for layer in reversed(layers):
        if len(layer.boxes) == 0:
            continue
        corners = view.pixels(footprint(layer.boxes).reshape(-1, 2)).reshape(-1, 4, 2)
        for outline, text, colour in zip(corners, layer.texts, layer.colours, strict=True):
            x, y = float(outline[:, 0].max()) + 3, float(outline[:, 1].min()) - 6
            inside = 0 <= x < view.width and 0 <= y < view.height
            if not text or not inside:
                continue
            box = draw.textbbox((x, y), text, font=small, stroke_width=2)
            if any(_overlap(box, other) for other in taken):
                continue  # a text over another is not readable
            taken.append(box)
            bright = tuple(min(255, c + 60) for c in colour)
            draw.text((x, y), text, font=small, fill=bright, stroke_width=2, stroke_fill=BACKGROUND)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def camera_view(
    image: bytes,
    camera: Camera,
    camera_from_ego: Transform,
    layers: Sequence[DrawnBoxes],
    *,
    width: int = 1200,
    max_range: float = 70.0,
) -> Image.Image:
    """The camera's image with boxes projected into it, curved as the lens curves.

    Args:
        image: JPEG or PNG.
        camera: Its model.
        camera_from_ego: (4, 4), with the ego where it was at the image's time.
        layers: Boxes in the ego frame of the labels' time.
        width: Of the result, pixels.
        max_range: Boxes beyond are not drawn.
    """
    picture = Image.open(io.BytesIO(image)).convert("RGB")
    scale = width / picture.width
    picture = picture.resize((width, max(1, round(picture.height * scale))), Image.Resampling.BOX)
    lines = Image.new("RGBA", (picture.width * _FINE, picture.height * _FINE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(lines)
    font = _font(13)
    texts: list[tuple[float, float, str, Colour]] = []
    for layer in layers:
        reach = np.hypot(layer.boxes[:, 0], layer.boxes[:, 1])
        depth = transform_points(camera_from_ego, layer.boxes[:, :3])[:, 2]
        drawn = (reach <= max_range) & (depth > _LEAST_DEPTH_M)
        for i in map(int, np.flatnonzero(drawn)[np.argsort(-depth[drawn])]):
            box, colour = layer.boxes[i], layer.colours[i]
            segments = np.concatenate(
                (
                    project_box_edges(camera, camera_from_ego, box),
                    _front_cross(camera, camera_from_ego, box),
                )
            )
            segments = segments[_near_image(segments, camera)] * scale
            for start, end in (segments * _FINE).tolist():
                _line(
                    draw,
                    (start[0], start[1]),
                    (end[0], end[1]),
                    (*colour, 255),
                    max(1, round(layer.width * _FINE)),
                    dashed=layer.dashed,
                )
            if len(segments) and layer.texts[i]:
                ends = segments.reshape(-1, 2)
                highest = ends[np.argmin(ends[:, 1])]
                texts.append((float(highest[0]), float(highest[1]), layer.texts[i], colour))
    lines = lines.reduce(_FINE)
    picture.paste(lines, (0, 0), lines)
    write = ImageDraw.Draw(picture)
    taken: list[tuple[float, float, float, float]] = []
    for x, y, text, colour in reversed(texts):  # the nearest boxes first
        place = (x, max(y - 16, 2))
        box = write.textbbox(place, text, font=font, stroke_width=2)
        inside = 0 <= x < picture.width and 0 <= y < picture.height + 16
        if inside and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            write.text(place, text, font=font, fill=TRUTH, stroke_width=2, stroke_fill=colour)
    return picture


def _front_cross(camera: Camera, camera_from_ego: Transform, box: Floats) -> Floats:
    """(E, 2, 2) pixels of the diagonals of the box's front face, where it can be seen."""
    corners = transform_points(camera_from_ego, box_corners(box)[[0, 2, 1, 3]])
    pixels, visible = project(camera, corners)
    return pixels.reshape(2, 2, 2)[visible.reshape(2, 2).all(axis=1)]


def _near_image(segments: Floats, camera: Camera) -> Mask:
    """(E,) segments with both ends not far outside the image."""
    size = np.array([camera.width, camera.height], dtype=np.float64)
    return np.asarray(((segments > -2 * size) & (segments < 3 * size)).all(axis=(1, 2)))
