"""Sun, sky and haze of one drive."""

from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.kernels.noise import lattice_noise

_CLOUD_BASE = 900.0  # metres
_HAZE_RANGE = 900.0  # metres in which haze takes all but 1/e of the light


@dataclass(frozen=True, eq=False)
class Daylight:
    """Light that falls on the town; colours are linear, 1 is white paper in the sun.

    Attributes:
        sun: (3,) unit vector towards it.
        sunlight: (3,) colour on a surface that faces it.
        zenith: (3,) colour of the sky above.
        horizon: (3,) colour of the sky low down, and of haze.
        cover: share of the sky under clouds.
        seed: of the clouds.
    """

    sun: Floats
    sunlight: Floats
    zenith: Floats
    horizon: Floats
    cover: float
    seed: int

    def sky(self, directions: Floats) -> Floats:
        """(N, 3) colours of the sky in directions; below the horizon that of the far ground."""
        up = directions[:, 2]
        share = np.clip(up, 0.0, 1.0)[:, None] ** 0.5
        colour = self.horizon * (1 - share) + self.zenith * share
        clouds = self._clouds(directions)[:, None]
        colour = colour * (1 - clouds) + (0.72 + 0.16 * clouds) * clouds
        glow = np.clip(directions @ self.sun, 0.0, 1.0)[:, None]
        colour += self.sunlight * (0.25 * glow**24 + 3.0 * (glow > 0.9995))
        ground = np.clip(-up * 12.0, 0.0, 1.0)[:, None]
        return colour * (1 - ground) + np.array([0.16, 0.16, 0.14]) * ground

    def _clouds(self, directions: Floats) -> Floats:
        high = directions[:, 2] > 0.02
        density = np.zeros(len(directions))
        place = directions[high] * (_CLOUD_BASE / directions[high, 2:])
        layers = [lattice_noise(place, size, self.seed + k) for k, size in enumerate(_SIZES)]
        thick = np.tensordot(_WEIGHTS, np.stack(layers), 1) + (self.cover - 0.5)
        fade = np.clip(directions[high, 2] * 8, 0, 1)  # thin near the horizon
        density[high] = np.clip((thick - 0.46) * 4.0, 0.0, 0.95) * fade
        return density

    def ambient(self, normals: Floats) -> Floats:
        """(N, 3) light from sky and ground on surfaces with these normals."""
        up = (0.5 + 0.5 * normals[:, 2])[:, None]
        sky = 0.5 * self.zenith + 0.5 * self.horizon
        return up * sky * 0.72 + (1 - up) * np.array([0.20, 0.19, 0.17])

    def haze(self, colour: Floats, distance: Floats, directions: Floats) -> Floats:
        """Colours seen through the air."""
        through = np.exp(-distance / _HAZE_RANGE)[:, None]
        low = self.horizon * (0.85 + 0.3 * np.clip(directions @ self.sun, 0, 1)[:, None] ** 4)
        return colour * through + low * (1 - through)


_SIZES = (900.0, 420.0, 190.0, 85.0)  # metres
_WEIGHTS = np.array([0.45, 0.28, 0.17, 0.10])


def make_daylight(rng: np.random.Generator) -> Daylight:
    """A day of spring to autumn between nine and five, clear to half overcast."""
    height, azimuth = np.radians(rng.uniform(24, 58)), rng.uniform(0, 2 * np.pi)
    sun = np.array(
        [np.cos(height) * np.cos(azimuth), np.cos(height) * np.sin(azimuth), np.sin(height)]
    )
    warm = 1 - np.sin(height)
    return Daylight(
        sun,
        np.array([1.0, 0.97 - 0.10 * warm, 0.92 - 0.28 * warm]),
        np.array([0.17, 0.32, 0.62]),
        np.array([0.62, 0.70, 0.80]),
        float(rng.uniform(0.35, 0.6)),
        int(rng.integers(1 << 30)),
    )
