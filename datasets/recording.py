"""An immutable recording of a drive: sweeps, images, samples, rig and poses in one HDF5 file."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Ints, Transform
from lidar_label.calibration.deskew import deskew as deskew_points
from lidar_label.calibration.rig import Camera, Imu, Lidar, Radar, Rig, Sensor
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.calibration.transforms import transform_points
from lidar_label.datasets.claimed_size import read_rows
from lidar_label.datasets.recording_file import (
    Damage,
    SweepIndex,
    attributes,
    content_hash,
    dataset,
    groups,
    open_file,
)
from lidar_label.datasets.recording_rig import read_sensor
from lidar_label.datasets.recording_writer import RecordingWriter
from lidar_label.datasets.remote_sources import local_copy
from lidar_label.datasets.sweeps import (
    NO_RING,
    Frame,
    FramePoints,
    ImuSamples,
    RadarSweep,
    Sweep,
)
from lidar_label.errors import InvalidRecording, UsageError

__all__ = [
    "Frame",
    "FramePoints",
    "ImuSamples",
    "RadarSweep",
    "Recording",
    "RecordingWriter",
    "Sweep",
]

# A sweep or image belongs to a frame when it is this near in time: half a period of a 10 Hz sensor
# with a little play, or as much of the reference's own period where that is longer.
_NEAR_NS = 55_000_000
_NEAR_PERIODS = 0.55


class Recording:
    """A recording opened for reading; opening reads its index, not its points.

    Use it in a `with` statement, or call `close`. One process may read it from many threads.

    Attributes:
        path: The file.
        content_hash: 40 hexadecimal digits over all it holds, the same for any compression.
        source: What it was made from, in words.
        created_by: The program that wrote it, with its version.
        format_version: Of the file's layout.
        origin: (3,) float64 metres to add to world coordinates for the source's own.
        rig: The sensors.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the file and check that it is a whole recording of a version that we read.

        Args:
            path: The file, or its URL (s3://, …), which is copied into the user's cache.

        Raises:
            InvalidRecording: naming the file, if it is not.
        """
        self.path = local_copy(path)
        self._file = open_file(self.path)
        try:
            with Damage(self.path):
                self._read_index()
        except InvalidRecording:
            self._file.close()
            raise

    def _read_index(self) -> None:
        root = attributes(self._file)
        self.format_version = int(root["format_version"])
        self.content_hash = str(root["content_hash"])
        self.source = str(root["source"])
        self.created_by = str(root["created_by"])
        self.origin: Floats = np.array(root["origin"], dtype=np.float64)
        found = {name: attributes(group) for name, group in groups(self._file, "rig").items()}
        order = sorted(found, key=lambda name: int(found[name]["order"]))
        self.rig = Rig(tuple(read_sensor(name, found[name]) for name in order))
        self._dropped = {name: int(found[name]["dropped_non_finite"]) for name in order}
        self._sweeps = {
            sensor.name: SweepIndex(self._file, sensor.kind, sensor.name)
            for sensor in self.rig
            if sensor.kind != "imu"
        }
        for name in self.imus:
            shape = dataset(self._file, f"imu/{name}/values").shape
            wanted = (
                len(dataset(self._file, f"imu/{name}/time_ns")),
                len(self._imu(name).channels),
            )
            if shape != wanted:
                raise InvalidRecording(f"imu/{name}/values has shape {shape}, not {wanted}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was read from it stays valid."""
        self._file.close()

    @property
    def lidars(self) -> tuple[str, ...]:
        """Names of the LiDARs."""
        return self.rig.names("lidar")

    @property
    def radars(self) -> tuple[str, ...]:
        """Names of the radars."""
        return self.rig.names("radar")

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras."""
        return self.rig.names("camera")

    @property
    def imus(self) -> tuple[str, ...]:
        """Names of the inertial units."""
        return self.rig.names("imu")

    def sweep_count(self, sensor: str) -> int:
        """Number of sweeps of a LiDAR or radar."""
        return len(self.sweep_times(sensor))

    def sweep_times(self, sensor: str) -> Ints:
        """(S,) int64 times of a LiDAR's or radar's sweeps, never falling."""
        return self._index(sensor, Lidar, Radar).time_ns

    def point_counts(self, sensor: str) -> Ints:
        """(S,) int64 points in each sweep of a LiDAR or radar."""
        return np.diff(self._index(sensor, Lidar, Radar).offset)

    def dropped_points(self, sensor: str) -> int:
        """Points that were left out at import because a coordinate was not finite."""
        return self._dropped[self.rig[sensor].name]

    def sweep(self, sensor: str, index: int) -> Sweep:
        """One sweep of a LiDAR, in the sensor's frame."""
        sweeps = self._index(sensor, Lidar)
        rows = self._read(sweeps, sensor, index)
        return Sweep(
            time_ns=int(sweeps.time_ns[index]),
            xyz=rows["xyz"],
            intensity=rows.get("intensity"),
            ring=rows.get("ring"),
            point_time_ns=rows.get("point_time_ns"),
        )

    def radar_sweep(self, sensor: str, index: int) -> RadarSweep:
        """One sweep of a radar, in the sensor's frame."""
        sweeps = self._index(sensor, Radar)
        rows = self._read(sweeps, sensor, index)
        return RadarSweep(
            time_ns=int(sweeps.time_ns[index]),
            xyz=rows["xyz"],
            rcs=rows.get("rcs"),
            radial_velocity=rows.get("radial_velocity"),
            radial_velocity_compensated=rows.get("radial_velocity_compensated"),
        )

    def image_times(self, camera: str) -> Ints:
        """(M,) int64 times of a camera's images, never falling."""
        return self._index(camera, Camera).time_ns

    def image(self, camera: str, index: int) -> bytes:
        """The bytes of an image's JPEG or PNG file, as they were."""
        rows = self._read(self._index(camera, Camera), camera, index)
        return rows["bytes"].tobytes()

    def imu(self, sensor: str) -> ImuSamples:
        """All samples of one inertial unit."""
        imu = self._imu(sensor)
        with Damage(self.path, f"imu/{sensor}"):
            return ImuSamples(
                time_ns=read_rows(dataset(self._file, f"imu/{sensor}/time_ns")),
                values=read_rows(dataset(self._file, f"imu/{sensor}/values")),
                channels=imu.channels,
                units=imu.units,
            )

    @cached_property
    def trajectory(self) -> Trajectory | None:
        """The ego's poses, or None where there are none."""
        with Damage(self.path, "ego"):
            if "ego" not in self._file:
                return None
            time_ns: Ints = read_rows(dataset(self._file, "ego/time_ns"))
            poses: Floats = read_rows(dataset(self._file, "ego/world_from_ego"))
            return Trajectory(time_ns, poses) if len(time_ns) else None

    @cached_property
    def ego_method(self) -> str:
        """How the ego poses were found; empty where they are the source's."""
        with Damage(self.path, "ego"):
            return str(self._file["ego"].attrs.get("method", "")) if "ego" in self._file else ""

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """The moments to label: the sweeps of the first LiDAR in their order.

        Where no LiDAR has sweeps, those of the first radar, or the images of the first camera.

        Of every other sensor a frame has what is nearest in time, if it is within 55 ms or half of
        the reference's own period.
        """
        names = (*self.lidars, *self.radars, *self.cameras)
        reference = next((name for name in names if len(self._sweeps[name])), None)
        if reference is None:
            return ()
        times = self._sweeps[reference].time_ns
        period = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        reach = max(_NEAR_NS, _NEAR_PERIODS * period)
        nearest = {name: _nearest(self._sweeps[name].time_ns, times, reach) for name in names}
        nearest[reference] = np.arange(len(times))
        return tuple(
            Frame(
                index=i,
                time_ns=int(times[i]),
                sweeps=_found((*self.lidars, *self.radars), nearest, i),
                images=_found(self.cameras, nearest, i),
            )
            for i in range(len(times))
        )

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return len(self.frames)

    def frame_poses(self) -> Transform | None:
        """(F, 4, 4) world_from_ego at the frames' times, or None without ego poses."""
        if self.trajectory is None:
            return None
        return self.trajectory.at(np.array([f.time_ns for f in self.frames], dtype=np.int64))

    def frame_points(
        self, index: int, *, deskew: bool = True, sensors: Sequence[str] = ()
    ) -> FramePoints:
        """The points of all LiDARs at one frame, in the ego frame at the frame's time.

        Args:
            index: Of the frame.
            deskew: Move each point by the ego's motion between its own time and the frame's, where
                ego poses are known; a sweep without point times, or one that its source has
                already compensated, moves as a whole. False: place sweeps by the rig alone.
            sensors: Names of the LiDARs that are wanted; all when empty.

        Raises:
            UsageError: if there is no such frame.
            InvalidSource: if a sensor is unknown or no LiDAR.
        """
        wanted = {self.rig.get(name, Lidar).name for name in sensors} or set(self.lidars)
        if not 0 <= index < self.frame_count:
            raise UsageError(f"{self.path}: no frame {index}; it has {self.frame_count}")
        frame = self.frames[index]
        return FramePoints.concatenate(
            self._placed(name, frame, deskew=deskew)
            for name in self.lidars
            if name in frame.sweeps and name in wanted
        )

    def _placed(self, name: str, frame: Frame, *, deskew: bool) -> FramePoints:
        sweep = self.sweep(name, frame.sweeps[name])
        lidar = self.rig.get(name, Lidar)
        if deskew and self.trajectory is not None:
            times = sweep.point_time_ns
            if times is None or lidar.motion_compensated:
                times = np.array(sweep.time_ns, dtype=np.int64)
            xyz = deskew_points(
                sweep.xyz, times, frame.time_ns, self.trajectory, lidar.ego_from_sensor
            )
        else:
            xyz = transform_points(lidar.ego_from_sensor, sweep.xyz)
        return FramePoints(
            xyz=xyz,
            intensity=_or_fill(sweep.intensity, len(xyz), np.float32(np.nan)),
            ring=_or_fill(sweep.ring, len(xyz), np.uint16(NO_RING)),
            point_time_ns=_or_fill(sweep.point_time_ns, len(xyz), np.int64(sweep.time_ns)),
            sensor=np.full(len(xyz), self.lidars.index(name), dtype=np.uint8),
        )

    def verify(self) -> None:
        """Read everything and compare its hash with the one that was written.

        Raises:
            InvalidRecording: if they differ or something cannot be read.
        """
        with Damage(self.path):
            found = content_hash(self._file)
        if found != self.content_hash:
            raise InvalidRecording(
                f"{self.path}: its content has hash {found}, but {self.content_hash} was written; "
                "it was changed or damaged, import its source again"
            )

    def _imu(self, name: str) -> Imu:
        return self.rig.get(name, Imu)

    def _index(self, name: str, *kinds: type[Sensor]) -> SweepIndex:
        if not isinstance(self.rig[name], kinds):
            self.rig.get(name, kinds[0])  # raises, saying which there are
        return self._sweeps[name]

    def _read(self, index: SweepIndex, name: str, i: int) -> dict[str, NDArray[Any]]:
        if not 0 <= i < len(index):
            raise UsageError(f"{self.path}: {name} has no number {i}; it has {len(index)} from 0")
        with Damage(self.path, f"{name} {i}"):
            return index.read(i)


def _nearest(times: Ints, wanted: Ints, reach: float) -> Ints:
    """(F,) index of the nearest of `times` to each wanted one, −1 where none is in reach."""
    if not len(times):
        return np.full(len(wanted), -1)
    right = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(times) - 1)
    nearest = np.where(wanted - times[left] <= times[right] - wanted, left, right)
    return np.where(np.abs(times[nearest] - wanted) <= reach, nearest, -1)


def _found(names: tuple[str, ...], nearest: Mapping[str, Ints], i: int) -> dict[str, int]:
    return {name: int(nearest[name][i]) for name in names if nearest[name][i] >= 0}


def _or_fill(values: NDArray[Any] | None, n: int, fill: Any) -> NDArray[Any]:
    return np.full(n, fill) if values is None else values
