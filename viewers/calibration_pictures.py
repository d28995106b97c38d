"""Pictures that prove where a sensor sits: two LiDARs in two colours, points over an image."""

import io

import matplotlib
import numpy as np
from PIL import Image, ImageDraw

from lidar_label.arrays import Floats, Mask, Points, Transform
from lidar_label.calibration.cameras import in_image, project
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.transforms import invert, transform_points
from lidar_label.viewers.pictures import BACKGROUND, GRID, TEXT, Rgb

REFERENCE, SENSOR = (96, 165, 250), (251, 146, 60)  # colours of the two LiDARs
_ABOVE_M, _SIDE_M = (30.0, 18.0), (30.0, 7.0)  # width and height of what is shown
_SLICE_M = 2.0  # to both sides of the middle in the view from the side
_FAR_M = 60.0  # end of the colour scale of depth


def overlay(reference: Points, sensor: Points, centre: Floats, width: int = 900) -> Image.Image:
    """Two clouds (N, 3), (M, 3) in the ego frame: above from above, below a slice from the left.

    Args:
        reference: In blue.
        sensor: In orange; where both lie on each other it is white.
        centre: (3,) of the picture, ego frame; its z is the ground's.
        width: Pixels.
    """
    above = _panel(reference, sensor, (0, 1), centre[[0, 1]], _ABOVE_M, width)
    slices = [points[np.abs(points[:, 1] - centre[1]) < _SLICE_M] for points in (reference, sensor)]
    middle = np.array([centre[0], centre[2] + _SIDE_M[1] / 2 - 1.0])
    side = _panel(slices[0], slices[1], (0, 2), middle, _SIDE_M, width)
    picture = Image.new("RGB", (width, above.height + side.height + 6), GRID)
    picture.paste(above, (0, 0))
    picture.paste(side, (0, above.height + 6))
    draw = ImageDraw.Draw(picture)
    draw.text((8, 6), "from above", fill=TEXT)
    draw.text((8, above.height + 12), "from the left, a slice of 4 m", fill=TEXT)
    return picture


def _panel(
    reference: Points,
    sensor: Points,
    axes: tuple[int, int],
    centre: Floats,
    size: tuple[float, float],
    width: int,
) -> Image.Image:
    scale = width / size[0]
    height = round(size[1] * scale)
    canvas: Rgb = np.empty((height, width, 3), dtype=np.uint8)
    canvas[:] = BACKGROUND
    seen = [_hit(points[:, axes], centre, scale, (height, width)) for points in (reference, sensor)]
    canvas[seen[0]], canvas[seen[1]] = REFERENCE, SENSOR
    canvas[seen[0] & seen[1]] = (255, 255, 255)
    return Image.fromarray(canvas)


def _hit(plane: Floats | Points, centre: Floats, scale: float, shape: tuple[int, int]) -> Mask:
    """(H, W) bool, pixels with a point."""
    column = np.floor((plane[:, 0] - centre[0]) * scale + shape[1] / 2).astype(np.int64)
    row = np.floor(shape[0] / 2 - (plane[:, 1] - centre[1]) * scale).astype(np.int64)
    inside = (column >= 0) & (column < shape[1]) & (row >= 0) & (row < shape[0])
    hit: Mask = np.zeros(shape, dtype=np.bool_)
    hit[row[inside], column[inside]] = True
    hit[1:] |= hit[:-1]  # a point is two pixels high and wide
    hit[:, 1:] |= hit[:, :-1]
    return hit


def over_image(
    image: bytes, camera: Camera, ego_from_camera: Transform, points: Points, width: int = 900
) -> Image.Image:
    """Points (N, 3), ego frame at the image's time, over it: near ones red, far ones blue."""
    picture = Image.open(io.BytesIO(image)).convert("RGB")
    scale = width / picture.width
    picture = picture.resize((width, round(picture.height * scale)), Image.Resampling.BILINEAR)
    picture = Image.blend(picture, Image.new("RGB", picture.size, BACKGROUND), 0.35)
    in_camera = transform_points(invert(ego_from_camera), points)
    pixels, visible = project(camera, in_camera)
    shown = visible & in_image(camera, pixels)
    depth = np.linalg.norm(in_camera[shown], axis=1)
    colours = matplotlib.colormaps["turbo_r"](np.clip(depth / _FAR_M, 0, 1), bytes=True)
    draw = ImageDraw.Draw(picture)
    order = np.argsort(-depth)
    places = pixels[shown][order] * scale
    for (x, y), colour in zip(places.tolist(), colours[order, :3].tolist(), strict=True):
        draw.rectangle((x - 0.5, y - 0.5, x + 0.5, y + 0.5), fill=tuple(colour))
    return picture
