"""What a format reader hands its findings to: cleans them, counts what it leaves out, writes."""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Ints, Ints32, Points, Strings, Transform
from lidar_label.calibration.transforms import transform_points
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.point_files import PointFile, read_points
from lidar_label.datasets.recording_writer import RecordingWriter
from lidar_label.errors import InvalidSource, UsageError

ASSUMED_PERIOD_NS = 100_000_000  # 10 Hz, what sources without times are taken for
Progress = Callable[[int, int], None]  # (items done, items in all)


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points of one sweep.

    Attributes:
        xyz: (N, 3) float32, metres, sensor frame, all finite.
        intensity: (N,) or None.
        ring: (N,) or None.
        point_time_ns: (N,) int64 or None.
        dropped: Points of the file left out for a coordinate that is not finite.
    """

    xyz: Points
    intensity: NDArray[Any] | None = None
    ring: NDArray[Any] | None = None
    point_time_ns: Ints | None = None
    dropped: int = 0


@dataclass
class Tally:
    """Counts what was odd in a source, to say it in one line each."""

    _lines: dict[str, int] = field(default_factory=dict[str, int], init=False)
    _files: dict[str, int] = field(default_factory=dict[str, int], init=False)
    _examples: dict[str, str] = field(default_factory=dict[str, str], init=False)

    def warn(self, line: str, count: int = 1) -> None:
        """Count something odd; `{n}` in the line stands for how often it occurred."""
        if count:
            self._lines[line] = self._lines.get(line, 0) + count

    def warn_file(self, line: str) -> None:
        """Count a file's own warning; lines that differ in names and numbers only are one kind."""
        kind = re.sub(r"^.*: |[-+0-9.]+|nan", "", line)
        first = self._examples.setdefault(kind, line)
        self._files[first] = self._files.get(first, 0) + 1

    def warnings(self) -> list[str]:
        """One line for each kind of oddness."""
        lines = [line.replace("{n}", str(count)) for line, count in self._lines.items()]
        for line, count in self._files.items():
            lines.append(line if count == 1 else f"{line} (and the like in {count - 1} more files)")
        return lines


@dataclass(kw_only=True)
class Intake(Tally):
    """One import under way: the recording being written and the counts of what was odd.

    Attributes:
        writer: The recording.
        progress: Called after every sweep and image.
        expected: Sweeps and images in all, for `progress`.
        points: Points written.
        sweeps: Sweeps written, by LiDAR or radar.
        images: Images written.
        frame_names: What the source calls the frames, in their order.
        frame_times: Time of each frame, that is of each sweep of the first LiDAR.
    """

    writer: RecordingWriter
    progress: Progress | None = None
    expected: int = 0
    points: int = 0
    sweeps: dict[str, int] = field(default_factory=dict[str, int])
    images: int = 0
    frame_names: Sequence[str] = ()
    frame_times: list[int] = field(default_factory=list[int], init=False)
    _done: int = field(default=0, init=False)
    _dropped_points: int = field(default=0, init=False)
    _dropped_sweeps: int = field(default=0, init=False)
    _empty: int = field(default=0, init=False)
    _placed: dict[str, Transform] = field(default_factory=dict[str, Transform], init=False)
    _inside: dict[int, Ints] = field(default_factory=dict[int, Ints], init=False)
    _labels: Cuboids | None = field(default=None, init=False)
    _num_points: Ints32 | None = field(default=None, init=False)

    def warnings(self) -> list[str]:
        """One line for each kind of oddness."""
        lines = super().warnings()
        total = sum(self.sweeps.values())
        if self._dropped_points:
            lines.append(
                f"dropped {self._dropped_points} non-finite points "
                f"in {self._dropped_sweeps} of {total} sweeps"
            )
        if self._empty:
            lines.append(f"{self._empty} of {total} sweeps have no points")
        return lines

    def add_lidar(
        self, name: str, ego_from_sensor: Transform, model: str = "", *, compensated: bool = False
    ) -> None:
        """Add a LiDAR and remember where it sits, to count points in labels."""
        self.writer.add_lidar(name, ego_from_sensor, model, motion_compensated=compensated)
        self._placed[name] = np.asarray(ego_from_sensor, dtype=np.float64)

    def set_labels(self, labels: Cuboids) -> None:
        """The source's labels, before the sweeps: points inside them are counted as those come.

        The frame of a label is the index of the sweep it lies in, whose time it gets.
        """
        self._labels, self._num_points = labels, labels.num_points.copy()
        unknown = labels.num_points < 0
        for frame in np.unique(labels.frame[unknown]).tolist():
            self._inside[frame] = np.flatnonzero((labels.frame == frame) & unknown)

    def labels(self) -> Cuboids | None:
        """The source's labels with numbers of points and times; None where it has none."""
        if self._labels is None:
            return None
        times = np.array(self.frame_times, dtype=np.int64)[self._labels.frame]
        return self._labels.replace(num_points=self._num_points, time_ns=times)

    def empty_frame(self, lidar: str, time_ns: int) -> None:
        """Write a frame of a source that has labels or poses but no points at all."""
        self.writer.append_sweep(lidar, time_ns, np.zeros((0, 3), dtype=np.float32))
        self.sweeps[lidar] = self.sweeps.get(lidar, 0) + 1
        self._note_time(lidar, time_ns)

    def sweep(self, lidar: str, time_ns: int, cloud: Cloud) -> None:
        """Write one LiDAR sweep."""
        self.writer.append_sweep(
            lidar, time_ns, cloud.xyz, cloud.intensity, cloud.ring, cloud.point_time_ns
        )
        self._count_inside(lidar, cloud.xyz)
        self._note_time(lidar, time_ns)
        self._wrote(lidar, len(cloud.xyz), cloud.dropped)

    def radar_sweep(self, radar: str, time_ns: int, points: PointFile) -> None:
        """Write one radar sweep with fields rcs, v_r and v_r_compensated."""
        self.writer.append_radar_sweep(
            radar,
            time_ns,
            points.xyz,
            *(points.fields.get(name) for name in ("rcs", "v_r", "v_r_compensated")),
        )
        self._wrote(radar, len(points), points.dropped_non_finite)

    def image(self, camera: str, time_ns: int, path: Path) -> None:
        """Write one image as it is; one that is missing or no image is counted and left out."""
        try:
            data = path.read_bytes()
            image_size(data)
        except OSError:
            self.missing_image(camera)
        else:
            self.writer.append_image(camera, time_ns, data)
            self.images += 1
        self.advance()

    def missing_image(self, camera: str) -> None:
        """Count an image that a frame should have."""
        self.warn(f"{{n}} images of {camera} are missing or damaged and are left out")

    def _note_time(self, lidar: str, time_ns: int) -> None:
        if lidar == next(iter(self._placed)):
            self.frame_times.append(time_ns)

    def _wrote(self, sensor: str, points: int, dropped: int) -> None:
        if dropped:
            self._dropped_points += dropped
            self._dropped_sweeps += 1
            self.writer.dropped[sensor] = self.writer.dropped.get(sensor, 0) + dropped
        self.points += points
        self.sweeps[sensor] = self.sweeps.get(sensor, 0) + 1
        self._empty += points == 0
        self.advance()

    def advance(self) -> None:
        """Count one sweep or image as done."""
        self._done += 1
        if self.progress:
            self.progress(self._done, max(self.expected, self._done))

    def _count_inside(self, lidar: str, xyz: Points) -> None:
        rows = self._inside.get(self.sweeps.get(lidar, 0))
        if rows is None or self._labels is None or self._num_points is None:
            return
        from lidar_label.kernels.boxes import count_points_in_boxes

        points = transform_points(self._placed[lidar], xyz)
        inside = count_points_in_boxes(points, self._labels.boxes[rows])
        # −1 says unknown; the first LiDAR's count replaces it, the others' add to it.
        self._num_points[rows] = np.maximum(self._num_points[rows], 0) + inside


def read_cloud(path: Path, columns: Sequence[str] | None = None) -> Cloud:
    """Read a point file whose coordinates are a sensor's own.

    Raises:
        InvalidSource: if the file is cut short or damaged.
    """
    points = read_points(path, columns=columns, origin=np.zeros(3))
    return Cloud(
        xyz=points.xyz,
        intensity=points.intensity,
        ring=points.ring,
        point_time_ns=points.point_time_ns,
        dropped=points.dropped_non_finite,
    )


def image_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of a PNG or JPEG.

    Raises:
        OSError: if it is neither.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (Image.DecompressionBombError, ValueError, SyntaxError) as error:
        raise OSError(str(error)) from error


def numbered(files: Sequence[Path]) -> list[tuple[int, Path]]:
    """Files with the number that is their name, in order of number.

    Raises:
        InvalidSource: if a name is not a number or two are the same number.
    """
    found: dict[int, Path] = {}
    for path in files:
        stem = path.name.split(".")[0]
        if not stem.isdecimal():
            raise InvalidSource(f"{path}: its name is not a number; name it by its frame")
        if int(stem) in found:
            raise InvalidSource(f"{path}: frame {int(stem)} is there twice; keep one of the two")
        found[int(stem)] = path
    return sorted(found.items())


def choose(found: list[str], sequence: str | None, root: Path) -> str:
    """The sequence asked for, or the only one.

    Raises:
        UsageError: if there is no such sequence, or several and none was asked for.
    """
    if sequence is not None:
        if sequence in found:
            return sequence
        raise UsageError(f"{root}: no sequence {sequence}; it has {', '.join(found)}")
    if len(found) != 1:
        raise UsageError(
            f"{root}: holds {len(found)} sequences and a recording is one; "
            f"choose with --sequence: {', '.join(found)}"
        )
    return found[0]


def in_time_order(time_ns: Sequence[int], what: str, tally: Tally) -> list[int]:
    """Indices that bring times in order, each time once; what is moved or left out is counted."""
    times = np.asarray(time_ns, dtype=np.int64)
    order = np.argsort(times, kind="stable")
    moved = int((np.diff(times) < 0).sum())
    tally.warn(f"{what}: the time goes back at {{n}} places; sorted by time", moved)
    first = np.append(True, np.diff(times[order]) > 0) if len(order) else np.zeros(0, dtype=bool)
    tally.warn(f"{what}: {{n}} have the time of another and are left out", int((~first).sum()))
    return order[first].tolist()


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        InvalidSource: if it is absent, may not be read, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidSource(f"{path}: no such file; copy the whole dataset") from error
    except OSError as error:
        raise InvalidSource(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InvalidSource(f"{path}: is no text ({error.reason}); copy it again") from error


def texts(values: Iterable[str]) -> Strings:
    """A column of texts, also of none."""
    return np.array([*values, None], dtype=object)[:-1]


def folder(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Files of a folder with one of these endings, by name; none where there is no folder."""
    if not path.is_dir():
        return []
    return sorted(
        child
        for child in path.iterdir()
        if child.name.lower().endswith(suffixes) and not child.name.startswith(".")
    )
