"""The rig: which sensors there are, where each sits on the ego, how each camera sees."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeVar

import numpy as np

from lidar_label.arrays import Floats, Transform
from lidar_label.calibration.transforms import as_transform
from lidar_label.errors import InvalidSource

SensorKind = Literal["lidar", "radar", "camera", "imu"]
CAMERA_MODELS = {  # model: numbers of distortion coefficients that it takes
    "pinhole": (0, 4, 5, 8),  # Brown–Conrady: k1 k2 p1 p2 [k3 [k4 k5 k6]]
    "fisheye": (0, 4),  # Kannala–Brandt: k1 k2 k3 k4
}
S = TypeVar("S", bound="Sensor")


@dataclass(frozen=True, eq=False)
class Sensor:
    """What is the same for every sensor; `Lidar`, `Radar`, `Camera` and `Imu` are its kinds.

    Attributes:
        name: Its name in the recording.
        ego_from_sensor: (4, 4) float64, metres.
        model: What it is, in the source's words; of a camera pinhole or fisheye.
    """

    kind: ClassVar[SensorKind]
    name: str
    ego_from_sensor: Transform
    model: str = ""

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name or self.name in {".", ".."}:
            raise InvalidSource(f"sensor name {self.name!r} is empty or has a slash; rename it")
        matrix = as_transform(self.ego_from_sensor, f"ego_from_sensor of {self.kind} {self.name}")
        object.__setattr__(self, "ego_from_sensor", matrix)


@dataclass(frozen=True, eq=False)
class Lidar(Sensor):
    """A LiDAR; x forward, y left, z up.

    Attributes:
        motion_compensated: The source has already moved every sweep's points to the sweep's time,
            so they must not be deskewed again.
    """

    kind = "lidar"
    motion_compensated: bool = False


@dataclass(frozen=True, eq=False)
class Radar(Sensor):
    """A radar; x forward, y left, z up."""

    kind = "radar"


@dataclass(frozen=True, eq=False, kw_only=True)
class Camera(Sensor):
    """A camera; x right, y down, z forward.

    Attributes:
        intrinsics: (3, 3) float64, pixels; (0, 0) is the centre of the first pixel.
        distortion: Coefficients in OpenCV's order: pinhole 0, 4, 5 or 8 of them, fisheye 0 or 4.
        width: Pixels.
        height: Pixels.
    """

    kind = "camera"
    model: str = "pinhole"
    intrinsics: Floats
    distortion: tuple[float, ...] = ()
    width: int
    height: int

    def __post_init__(self) -> None:
        super().__post_init__()
        where = f"camera {self.name}"
        if self.model not in CAMERA_MODELS:
            raise InvalidSource(f"{where}: model {self.model!r}; use {' or '.join(CAMERA_MODELS)}")
        matrix = np.array(self.intrinsics, dtype=np.float64)
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
            raise InvalidSource(f"{where}: intrinsics must be (3, 3) and finite, pixels")
        if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
            raise InvalidSource(
                f"{where}: focal lengths {matrix[0, 0]:g}, {matrix[1, 1]:g}; they must be positive"
            )
        distortion = tuple(float(k) for k in self.distortion)
        if len(distortion) not in CAMERA_MODELS[self.model] or not np.isfinite(distortion).all():
            raise InvalidSource(
                f"{where}: {len(distortion)} distortion coefficients; a {self.model} camera "
                f"takes {', '.join(map(str, CAMERA_MODELS[self.model]))} finite ones"
            )
        if self.width < 1 or self.height < 1:
            raise InvalidSource(
                f"{where}: {self.width} × {self.height} pixels; give the size of its images"
            )
        object.__setattr__(self, "intrinsics", matrix)
        object.__setattr__(self, "distortion", distortion)
        object.__setattr__(self, "width", int(self.width))
        object.__setattr__(self, "height", int(self.height))


@dataclass(frozen=True, eq=False, kw_only=True)
class Imu(Sensor):
    """An inertial unit, or any other source of evenly or unevenly sampled values.

    Attributes:
        channels: Names of the values' columns.
        units: One a channel.
    """

    kind = "imu"
    channels: tuple[str, ...]
    units: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.channels or len(self.channels) != len(self.units):
            raise InvalidSource(
                f"imu {self.name}: {len(self.channels)} channels, {len(self.units)} units; "
                "give at least one channel and one unit for each"
            )
        object.__setattr__(self, "channels", tuple(map(str, self.channels)))
        object.__setattr__(self, "units", tuple(map(str, self.units)))


@dataclass(frozen=True, eq=False)
class Rig:
    """All sensors, in the order in which they were added."""

    sensors: tuple[Sensor, ...] = ()

    def __post_init__(self) -> None:
        names = [sensor.name for sensor in self.sensors]
        for name in names:
            if names.count(name) > 1:
                raise InvalidSource(f"two sensors are named {name}; rename one")

    def __iter__(self) -> Iterator[Sensor]:
        return iter(self.sensors)

    def __len__(self) -> int:
        return len(self.sensors)

    def __contains__(self, name: object) -> bool:
        return any(sensor.name == name for sensor in self.sensors)

    def __getitem__(self, name: str) -> Sensor:
        for sensor in self.sensors:
            if sensor.name == name:
                return sensor
        raise InvalidSource(
            f"no sensor {name}; the rig has {', '.join(s.name for s in self.sensors) or 'none'}"
        )

    def names(self, kind: SensorKind) -> tuple[str, ...]:
        """Names of the sensors of one kind."""
        return tuple(sensor.name for sensor in self.sensors if sensor.kind == kind)

    def get(self, name: str, sensor_class: type[S]) -> S:
        """The sensor of that name if it is one of `sensor_class`.

        Raises:
            InvalidSource: if there is none of that name and kind.
        """
        sensor = self[name]
        if not isinstance(sensor, sensor_class):
            raise InvalidSource(
                f"{name} is a {sensor.kind}; the {sensor_class.kind}s are "
                f"{', '.join(self.names(sensor_class.kind)) or 'none'}"
            )
        return sensor

    def camera(self, name: str) -> Camera:
        """The camera of that name."""
        return self.get(name, Camera)
