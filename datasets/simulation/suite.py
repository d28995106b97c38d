"""The sensors of a simulated car: what they are, where they sit and when they measure."""

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from lidar_label.arrays import Transform
from lidar_label.calibration.rig import Camera
from lidar_label.datasets.simulation.assembly import rotation
from lidar_label.datasets.simulation.lidar import LidarModel, spinning
from lidar_label.datasets.simulation.radar import RadarModel
from lidar_label.errors import UsageError

M = TypeVar("M")
BEAMS = (32, 64, 128)
_LENS = (-0.16, 0.03, 0.0004, -0.0003)
_CAMERA_AXES = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])

# Name: x y z in metres, yaw pitch roll in degrees, ego frame: on the ground under the car's middle.
_LIDAR_PLACES = {
    "top": ((0.1, 0.0, 1.95), (0.4, 0.3, -0.2)),
    "front": ((2.15, 0.0, 0.75), (-0.3, 0.2, 0.1)),
    "rear": ((-2.15, 0.0, 0.9), (180.2, -0.2, 0.1)),
}
_RADAR_PLACES = {
    "radar_front": ((2.2, 0.0, 0.5), (0.0, -0.5, 0.0)),
    "radar_rear": ((-2.2, 0.0, 0.55), (180.0, -0.5, 0.0)),
    "radar_left": ((1.8, 0.85, 0.6), (75.0, -0.5, 0.0)),
    "radar_right": ((1.8, -0.85, 0.6), (-75.0, -0.5, 0.0)),
}
_CAMERA_PLACES = {
    "camera_front": ((0.6, 0.0, 1.55), (0.2, 1.0, -0.1)),
    "camera_rear": ((-1.6, 0.0, 1.45), (179.7, 2.0, 0.2)),
    "camera_left": ((0.4, 0.75, 1.5), (88.0, 2.0, 0.0)),
    "camera_right": ((0.4, -0.75, 1.5), (-88.5, 2.0, 0.0)),
}
IMU_PLACE = ((-0.3, 0.1, 0.55), (0.5, -0.4, 0.3))
_VIEW = np.radians(80.0)  # of cameras, from left to right
_SIDE_VIEW = np.radians(230.0)  # of LiDARs that sit at the bumpers


@dataclass(frozen=True)
class SimulationConfig:
    """What to simulate.

    Attributes:
        seconds: of the drive.
        seed: of everything that is left to chance.
        beams: of each LiDAR: on the roof, at the front bumper, at the rear bumper.
        returns: echoes that a beam gives, 1 or 2.
        radars: how many: front, rear, left, right.
        cameras: how many: front, rear, left, right.
        frames_per_second: turns of the LiDARs.
        images_per_second: of each camera.
        image_size: width and height in pixels.
    """

    seconds: float = 20.0
    seed: int = 0
    beams: tuple[int, ...] = (64, 32)
    returns: int = 1
    radars: int = 2
    cameras: int = 2
    frames_per_second: float = 10.0
    images_per_second: float = 5.0
    image_size: tuple[int, int] = (640, 400)

    def __post_init__(self) -> None:
        limits = (
            ("--seconds", self.seconds, 0.1, 600.0),
            ("--seed", self.seed, 0, 2**63 - 1),
            ("--returns", self.returns, 1, 2),
            ("--radars", self.radars, 0, len(_RADAR_PLACES)),
            ("--cameras", self.cameras, 0, len(_CAMERA_PLACES)),
            ("--frames-per-second", self.frames_per_second, 1.0, 25.0),
            ("--images-per-second", self.images_per_second, 0.1, 60.0),
            ("--image-size", min(self.image_size), 32, 4096),
            ("--image-size", max(self.image_size), 32, 4096),
        )
        for option, value, low, high in limits:
            if not low <= value <= high:
                raise UsageError(f"{option} {value:g}: give {low:g} to {high:g}")
        if not 1 <= len(self.beams) <= len(_LIDAR_PLACES):
            raise UsageError(f"--beams: {len(self.beams)} LiDARs; give 1 to {len(_LIDAR_PLACES)}")
        for beams in self.beams:
            if beams not in BEAMS:
                raise UsageError(f"--beams {beams}: give {', '.join(map(str, BEAMS))}")
        if self.frames < 1:
            raise UsageError(f"--seconds {self.seconds:g}: shorter than one turn of the LiDAR")

    @property
    def frames(self) -> int:
        """Turns of the LiDARs."""
        return round(self.seconds * self.frames_per_second)


@dataclass(frozen=True, eq=False)
class Mounted(Generic[M]):
    """A sensor of a model at its place."""

    name: str
    model: M
    ego_from_sensor: Transform


@dataclass(frozen=True, eq=False)
class Suite:
    """All sensors."""

    lidars: tuple[Mounted[LidarModel], ...]
    radars: tuple[Mounted[RadarModel], ...]
    cameras: tuple[Camera, ...]
    ego_from_imu: Transform


def make_suite(config: SimulationConfig) -> Suite:
    """The sensors that are asked for."""
    lidars = [
        Mounted(name, _lidar(beams, config.returns, on_roof=name == "top"), place(*at))
        for beams, (name, at) in zip(config.beams, _LIDAR_PLACES.items(), strict=False)
    ]
    radars = [
        Mounted(name, RadarModel(), place(*at))
        for name, at in list(_RADAR_PLACES.items())[: config.radars]
    ]
    cameras = [
        _camera(name, place(*at), config.image_size)
        for name, at in list(_CAMERA_PLACES.items())[: config.cameras]
    ]
    return Suite(tuple(lidars), tuple(radars), tuple(cameras), place(*IMU_PLACE))


def place(xyz: tuple[float, float, float], degrees: tuple[float, float, float]) -> Transform:
    """ego_from_sensor of a place and yaw, pitch and roll in degrees."""
    pose: Transform = np.eye(4)
    pose[:3, :3] = rotation(*np.radians(degrees).tolist())
    pose[:3, 3] = xyz
    return pose


def _lidar(beams: int, returns: int, *, on_roof: bool) -> LidarModel:
    model = spinning(beams, returns=returns)
    return model if on_roof else replace(model, span=_SIDE_VIEW)


def _camera(name: str, ego_from_mount: Transform, size: tuple[int, int]) -> Camera:
    width, height = size
    focal = width / (2 * np.tan(_VIEW / 2))
    ego_from_camera = ego_from_mount.copy()
    ego_from_camera[:3, :3] = ego_from_mount[:3, :3] @ _CAMERA_AXES
    intrinsics = np.array(
        [[focal, 0.0, width / 2 - 2.3], [0.0, focal * 1.002, height / 2 + 1.6], [0.0, 0.0, 1.0]]
    )
    return Camera(
        name, ego_from_camera, intrinsics=intrinsics, distortion=_LENS, width=width, height=height
    )
