"""Writes a recording: sweep by sweep, in little memory, under its final name only when complete."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lidar_label import __version__
from lidar_label.arrays import Transform, finite_rows
from lidar_label.calibration.rig import Camera, Imu, Lidar, Radar, Rig, Sensor
from lidar_label.calibration.trajectory import check_poses
from lidar_label.datasets.recording_layout import (
    CAMERA_COLUMNS,
    CONVENTIONS,
    FORMAT,
    FORMAT_VERSION,
    LIDAR_COLUMNS,
    RADAR_COLUMNS,
    Codec,
    ContentHash,
    default_codec,
)
from lidar_label.datasets.recording_rig import sensor_attributes
from lidar_label.datasets.recording_streams import SampleSeries, SweepStream
from lidar_label.datasets.rig_correction import RigCorrection
from lidar_label.datasets.whole_hdf5 import WholeHdf5
from lidar_label.errors import InvalidSource, UsageError

_PLAIN = Codec({}, chunk_rows=1 << 18)  # images are compressed already


class RecordingWriter:
    """A recording being written; use it in a `with` statement.

    Rows go to `<path>.partial`, which gets its name when the block ends well and is removed when it
    does not. The same calls give the same bytes.

    Attributes:
        path: The final file.
        dropped: Points with a coordinate that is not finite, left out, by sensor.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        source: str,
        overwrite: bool = False,
        codec: Codec | None = None,
        correction: RigCorrection | None = None,
    ) -> None:
        """Open the partial file.

        Args:
            path: Where the recording will stand.
            source: What it was made from, in words.
            overwrite: Replace a recording of that name.
            codec: Compression; the measured default when None.
            correction: Of where the source says that sensors sit; poses with a `method` of ours
                are right already.

        Raises:
            UsageError: if the file exists or its folder cannot be written.
        """
        self.path = Path(path)
        self.dropped: dict[str, int] = {}
        self._overwrite = overwrite
        self._correction = correction or RigCorrection()
        self._codec = codec or default_codec()
        self._streams: dict[str, SweepStream] = {}
        self._series: dict[str, SampleSeries] = {}
        self._rig = Rig()
        self._origin = np.zeros(3)
        self._source = source
        self._refuse_existing()
        self._whole = WholeHdf5(self.path)
        self._file = self._whole.file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._whole.end(kind, self._finish)

    def set_origin(self, origin: Sequence[float] | NDArray[Any]) -> None:
        """State what was taken off the source's world coordinates: (3,) metres, float64."""
        array = np.array(origin, dtype=np.float64)
        if array.shape != (3,) or not np.isfinite(array).all():
            raise InvalidSource(f"origin {array.tolist()}; give three finite numbers")
        self._origin = array

    def set_source(self, source: str) -> None:
        """State what the recording was made from, where that is known only at the end."""
        self._source = source

    def add_lidar(
        self,
        name: str,
        ego_from_sensor: Transform,
        model: str = "",
        *,
        motion_compensated: bool = False,
    ) -> None:
        """Add a LiDAR; motion-compensated if its source has moved points to their sweep's time."""
        self._add(Lidar(name, ego_from_sensor, model, motion_compensated))
        self._streams[name] = SweepStream(self._file, f"lidar/{name}", LIDAR_COLUMNS, self._codec)

    def add_radar(self, name: str, ego_from_sensor: Transform, model: str = "") -> None:
        """Add a radar."""
        self._add(Radar(name, ego_from_sensor, model))
        self._streams[name] = SweepStream(self._file, f"radar/{name}", RADAR_COLUMNS, self._codec)

    def add_camera(
        self,
        name: str,
        ego_from_sensor: Transform,
        model: str = "pinhole",
        *,
        intrinsics: NDArray[Any],
        distortion: Sequence[float] = (),
        width: int,
        height: int,
    ) -> None:
        """Add a camera; see `lidar_label.calibration.rig.Camera`."""
        self._add(
            Camera(
                name,
                ego_from_sensor,
                model=model,
                intrinsics=np.asarray(intrinsics, dtype=np.float64),
                distortion=tuple(distortion),
                width=width,
                height=height,
            )
        )
        self._streams[name] = SweepStream(self._file, f"camera/{name}", CAMERA_COLUMNS, _PLAIN)

    def add_imu(
        self,
        name: str,
        ego_from_sensor: Transform,
        channels: Sequence[str],
        units: Sequence[str],
        model: str = "",
    ) -> None:
        """Add an inertial unit or other source of sampled values."""
        self._add(Imu(name, ego_from_sensor, model, channels=tuple(channels), units=tuple(units)))
        self._series[name] = SampleSeries(
            self._file, f"imu/{name}", "values", len(channels), self._codec
        )

    def append_sweep(
        self,
        name: str,
        time_ns: int,
        xyz: NDArray[Any],
        intensity: NDArray[Any] | None = None,
        ring: NDArray[Any] | None = None,
        point_time_ns: NDArray[Any] | None = None,
    ) -> None:
        """Append one LiDAR sweep: (N, 3) points and its columns (N,); N may be 0."""
        self._rig.get(name, Lidar)
        columns = {"intensity": intensity, "ring": ring, "point_time_ns": point_time_ns}
        self._append_points(name, time_ns, xyz, columns)

    @property
    def rig(self) -> Rig:
        """The sensors added so far."""
        return self._rig

    @property
    def point_counts(self) -> dict[str, int]:
        """Points appended so far, by LiDAR."""
        lidars = (sensor.name for sensor in self._rig if isinstance(sensor, Lidar))
        return {name: self._streams[name].rows for name in lidars}

    @property
    def has_ego(self) -> bool:
        """Whether ego poses have been appended."""
        return "/ego" in self._series

    def columns_of(self, name: str) -> tuple[str, ...]:
        """Columns of the sweeps of a LiDAR appended so far; none without points."""
        self._rig.get(name, Lidar)
        return self._streams[name].columns

    def sweeps_of(
        self, name: str, columns: Collection[str]
    ) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
        """Time and these columns of each sweep of a LiDAR appended so far."""
        self._rig.get(name, Lidar)
        return self._streams[name].sweeps(columns)

    def append_radar_sweep(
        self,
        name: str,
        time_ns: int,
        xyz: NDArray[Any],
        rcs: NDArray[Any] | None = None,
        radial_velocity: NDArray[Any] | None = None,
        radial_velocity_compensated: NDArray[Any] | None = None,
    ) -> None:
        """Append one radar sweep: (N, 3) points and its columns (N,); N may be 0."""
        self._rig.get(name, Radar)
        columns = {
            "rcs": rcs,
            "radial_velocity": radial_velocity,
            "radial_velocity_compensated": radial_velocity_compensated,
        }
        self._append_points(name, time_ns, xyz, columns)

    def append_image(self, name: str, time_ns: int, data: bytes) -> None:
        """Append one image: the bytes of its JPEG or PNG file."""
        self._rig.get(name, Camera)
        rows = np.frombuffer(data, dtype=np.uint8)
        with self._whole.writing(len(data)):
            self._streams[name].append(time_ns, {"bytes": rows})

    def append_imu(self, name: str, time_ns: NDArray[Any], values: NDArray[Any]) -> None:
        """Append samples: times (T,) and values (T, C)."""
        self._rig.get(name, Imu)
        with self._whole.writing():
            self._series[name].append(np.asarray(time_ns), np.asarray(values, dtype=np.float64))

    def append_ego(
        self, time_ns: NDArray[Any], world_from_ego: NDArray[Any], method: str = ""
    ) -> None:
        """Append ego poses: times (T,) and (T, 7) x y z qw qx qy qz; how, if not the source's."""
        times, poses = np.asarray(time_ns), np.asarray(world_from_ego, dtype=np.float64)
        check_poses(times, poses)
        if not method:
            poses = self._correction.moved(poses)
        if "/ego" not in self._series:
            self._series["/ego"] = SampleSeries(self._file, "ego", "world_from_ego", 7, self._codec)
        with self._whole.writing():
            self._series["/ego"].append(times, poses)
            self._file["ego"].attrs["method"] = method

    def _add(self, sensor: Sensor) -> None:
        self._rig = Rig((*self._rig.sensors, self._correction.placed(sensor)))

    def _append_points(
        self,
        name: str,
        time_ns: int,
        xyz: NDArray[Any],
        columns: Mapping[str, NDArray[Any] | None],
    ) -> None:
        points = np.asarray(xyz, dtype=np.float32)
        if points.ndim != 2 or points.shape[1] != 3:
            raise InvalidSource(f"sweep of {name}: points have shape {points.shape}; give (N, 3)")
        rows: dict[str, NDArray[Any] | None] = {"xyz": points}
        for column, values in columns.items():
            rows[column] = None if values is None else _checked(name, column, np.asarray(values))
        finite = finite_rows(points)
        if not finite.all():
            if any(values is not None and len(values) != len(points) for values in rows.values()):
                raise InvalidSource(f"sweep of {name}: its columns differ in length")
            rows = {key: None if v is None else v[finite] for key, v in rows.items()}
            self.dropped[name] = self.dropped.get(name, 0) + int((~finite).sum())
        with self._whole.writing(sum(v.nbytes for v in rows.values() if v is not None)):
            self._streams[name].append(time_ns, rows)

    def _finish(self) -> None:
        content = ContentHash()
        for part in (*self._streams.values(), *self._series.values()):
            part.finish(content)
        for order, sensor in enumerate(self._rig):
            attributes = sensor_attributes(sensor, order, self.dropped.get(sensor.name, 0))
            group = self._file.create_group(f"rig/{sensor.name}")
            group.attrs.update(attributes)
            content.add_attributes(f"rig/{sensor.name}", attributes)
        content.add_attributes("", {"origin": self._origin})
        self._file.attrs.update(
            {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "content_hash": content.hexdigest(),
                "source": self._source,
                "created_by": f"lidar-label {__version__}",
                "conventions": CONVENTIONS,
                "origin": self._origin,
            }
        )
        self._refuse_existing()

    def _refuse_existing(self) -> None:
        if self.path.exists() and not self._overwrite:
            raise UsageError(f"{self.path}: exists; choose another name or overwrite it (--force)")


def _checked(sensor: str, column: str, values: NDArray[Any]) -> NDArray[Any]:
    """The values if the column's type holds them: no time in floats, no ring beyond uint16."""
    if values.ndim != 1:
        raise InvalidSource(f"{column} of {sensor} has shape {values.shape}; give (N,)")
    whole = column in {"ring", "point_time_ns"}
    if whole and values.dtype.kind not in "iu":
        raise InvalidSource(f"{column} of {sensor} has type {values.dtype}; give integers")
    if column == "ring" and len(values) and (values.min() < 0 or values.max() > 65535):
        raise InvalidSource(
            f"ring of {sensor} runs from {values.min()} to {values.max()}; give 0 to 65535"
        )
    return values
