"""Cameras: a ray for each pixel, more where edges are, and the picture as a JPEG file."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lidar_label.arrays import Floats, Floats32, Ints32, Mask, Transform
from lidar_label.calibration.cameras import unproject
from lidar_label.calibration.rig import Camera
from lidar_label.datasets.simulation.daylight import Daylight
from lidar_label.datasets.simulation.shading import FAR, radiance
from lidar_label.datasets.simulation.stage import Shot

_NEAR = 0.3  # metres
_EXPOSURE = 1.25
_BRIGHTEST, _LEVELS = 3.0, 4096
_QUALITY = 88
_NOISE = 0.007  # of the full range
_MORE = ((0.29, 0.12), (-0.25, 0.24), (-0.04, -0.34))  # samples beside a pixel's middle
_JUMP = 0.03  # relative jump of distance at an edge


class Imager:
    """Renders what one camera sees."""

    def __init__(self, camera: Camera, light: Daylight) -> None:
        """Find where each pixel looks."""
        self.camera, self.light = camera, light
        x, y = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
        centres = np.column_stack((x.ravel(), y.ravel())).astype(np.float64)
        self._rays = unproject(camera, centres)
        self._more = [unproject(camera, centres + shift) for shift in _MORE]
        corner = np.hypot(*((centres - centres.mean(axis=0)) / centres.mean(axis=0)).T)
        self._falloff = (1.0 - 0.10 * corner**2)[:, None]

    def picture(self, shot: Shot, world_from_camera: Transform, rng: np.random.Generator) -> bytes:
        """A JPEG file.

        Args:
            shot: what there is, with panes that stop rays, at the time of exposure.
            world_from_camera: (4, 4).
            rng: of the noise and of what shows through leaves.
        """
        size = self.camera.height, self.camera.width
        linear, shown, distance = self._look(shot, world_from_camera, self._rays, rng)
        edge = np.flatnonzero(_edges(shown, distance, size))
        if len(edge):
            samples = [
                self._look(shot, world_from_camera, rays[edge], rng)[0] for rays in self._more
            ]
            linear[edge] = np.mean(samples, axis=0)
        value = _develop(linear * self._falloff)
        value += _NOISE * 255 * rng.standard_normal((len(value), 1), dtype=np.float32)
        pixels = np.clip(value, 0, 255).astype(np.uint8).reshape(*size, 3)
        return _jpeg(pixels)

    def _look(
        self, shot: Shot, world_from_camera: Transform, rays: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Ints32, Floats32]:
        """Colours, what is shown and how far it is, along rays in the camera's frame."""
        directions = rays @ world_from_camera[:3, :3].T
        eye = world_from_camera[:3, 3]
        seeds = rng.integers(1 << 62, size=2)
        hits = shot.cast(eye, directions, phase=0.5, near=_NEAR, far=FAR, seed=int(seeds[0]))
        colour, shown = radiance(shot, self.light, eye, directions, hits, int(seeds[1]))
        return np.clip(colour, 0, _BRIGHTEST), shown, hits.distance


def _edges(shown: Ints32, distance: Floats32, size: tuple[int, int]) -> Mask:
    """(N,) pixels whose neighbours show something else, or something much nearer or farther."""
    things, depth = shown.reshape(size), np.minimum(distance.reshape(size), 2 * FAR)
    edge = np.zeros(size, dtype=bool)
    for here, there in ((np.s_[:-1, :], np.s_[1:, :]), (np.s_[:, :-1], np.s_[:, 1:])):
        nearer = np.minimum(depth[here], depth[there])
        differ = np.abs(depth[here] - depth[there]) > 0.25 + _JUMP * nearer
        differ &= (things[here] >= 0) & (things[there] >= 0)
        differ |= things[here] != things[there]
        edge[here] |= differ
        edge[there] |= differ
    return edge.ravel()


def _develop(linear: Floats) -> Floats32:
    """Linear light in [0, _BRIGHTEST] to sRGB values 0 … 255, bright parts rolled off."""
    levels = (np.arange(_LEVELS) / (_LEVELS - 1)) ** 2 * _BRIGHTEST  # finer in the dark
    curve = 255 * (1.0 - np.exp(-_EXPOSURE * levels)) ** (1 / 2.2) + 0.5
    index = np.sqrt(linear / _BRIGHTEST) * (_LEVELS - 1)
    return curve.astype(np.float32)[index.astype(np.int32)]


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_QUALITY, subsampling=0)
    return file.getvalue()
