"""What a recording gives: sweeps, samples and frames, as plain columns."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints, Points

NO_RING = 65535


@dataclass(frozen=True, eq=False)
class Sweep:
    """One rotation or frame of one LiDAR.

    Attributes:
        time_ns: Its reference time.
        xyz: (N, 3) float32, metres, the sensor's frame at each point's time; all finite.
        intensity: (N,) float32 as the source scales it, or None.
        ring: (N,) uint16 beam number, or None.
        point_time_ns: (N,) int64, or None.
    """

    time_ns: int
    xyz: Points
    intensity: Floats32 | None
    ring: NDArray[np.uint16] | None
    point_time_ns: Ints | None


@dataclass(frozen=True, eq=False)
class RadarSweep:
    """One frame of one radar.

    Attributes:
        time_ns: Its reference time.
        xyz: (N, 3) float32, metres, sensor frame; all finite.
        rcs: (N,) float32 dBsm, or None.
        radial_velocity: (N,) float32 m/s relative to the sensor, positive away from it, or None.
        radial_velocity_compensated: (N,) float32 m/s over ground, or None.
    """

    time_ns: int
    xyz: Points
    rcs: Floats32 | None
    radial_velocity: Floats32 | None
    radial_velocity_compensated: Floats32 | None


@dataclass(frozen=True, eq=False)
class ImuSamples:
    """All samples of one inertial unit, unevenly spaced where they were recorded so.

    Attributes:
        time_ns: (T,) int64, never falling.
        values: (T, C) float64.
        channels: C names.
        units: C units.
    """

    time_ns: Ints
    values: Floats
    channels: tuple[str, ...]
    units: tuple[str, ...]


@dataclass(frozen=True)
class Frame:
    """One moment that people label.

    Attributes:
        index: Its place in the recording.
        time_ns: The reference LiDAR's sweep time.
        sweeps: Index of the nearest sweep of each LiDAR and radar that has one near enough.
        images: Index of the nearest image of each camera that has one near enough.
    """

    index: int
    time_ns: int
    sweeps: Mapping[str, int]
    images: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class FramePoints:
    """The points of all LiDARs of one frame, merged.

    Attributes:
        xyz: (N, 3) float32, metres, ego frame at the frame's time.
        intensity: (N,) float32, NaN for points of a LiDAR without it.
        ring: (N,) uint16, 65535 for points of a LiDAR without it.
        point_time_ns: (N,) int64, the sweep's time for points of a LiDAR without it.
        sensor: (N,) uint8, index into the recording's `lidars`.
    """

    xyz: Points
    intensity: Floats32
    ring: NDArray[np.uint16]
    point_time_ns: Ints
    sensor: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.xyz)

    @classmethod
    def concatenate(cls, parts: Iterable["FramePoints"]) -> "FramePoints":
        """One after another; zero points of no parts."""
        given = list(parts)
        if len(given) == 1:
            return given[0]
        given.insert(0, cls.empty())
        return cls(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in given])
                for field in dataclasses.fields(cls)
            }
        )

    @classmethod
    def empty(cls) -> "FramePoints":
        """Zero points."""
        return cls(
            xyz=np.zeros((0, 3), dtype=np.float32),
            intensity=np.zeros(0, dtype=np.float32),
            ring=np.zeros(0, dtype=np.uint16),
            point_time_ns=np.zeros(0, dtype=np.int64),
            sensor=np.zeros(0, dtype=np.uint8),
        )
