"""The class and the track of every point, in a file of its own beside the recording."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Ints32
from lidar_label.datasets.claimed_size import read_rows
from lidar_label.datasets.recording_file import Damage, attributes, dataset, groups
from lidar_label.datasets.recording_layout import ContentHash, default_codec
from lidar_label.datasets.recording_streams import SweepStream
from lidar_label.datasets.whole_hdf5 import WholeHdf5
from lidar_label.errors import InvalidLabels, InvalidRecording

ENDING = ".points.hdf5"
NO_TRACK = -1
_FORMAT, _VERSION = "lidar-label point labels", 1
_CONVENTIONS = (
    "lidar/<sensor>: category and track_id of each point, row for row lidar/<sensor>/xyz of "
    "the recording whose content_hash is `recording`; sweep i is rows offset[i]:offset[i+1]. "
    "`categories` names the categories (JSON: number to name). track_id is that of the cuboids, "
    "-1: none."
)
_COLUMNS: Mapping[str, tuple[str, int]] = {"category": ("|u1", 0), "track_id": ("<i4", 0)}


def points_path(recording: str | Path) -> Path:
    """Where the point labels of a recording stand: `drive.h5` has `drive.points.hdf5`."""
    path = Path(recording)
    return path.with_name(path.stem + ENDING)


@dataclass(frozen=True, eq=False)
class SweepLabels:
    """Labels of one sweep, in the order of its points.

    Attributes:
        category: (N,) uint8, see `PointLabels.categories`.
        track_id: (N,) int32; NO_TRACK where a point belongs to none.
    """

    category: NDArray[np.uint8]
    track_id: Ints32


class PointLabelWriter:
    """Point labels being written, sweep by sweep; use it in a `with` statement.

    The file gets its name when the block ends well, and leaves nothing when it does not.
    """

    def __init__(self, path: str | Path, categories: Mapping[int, str]) -> None:
        """Open the partial file.

        Raises:
            UsageError: if it cannot be written; NoSpace if the disk is full.
        """
        self._whole = WholeHdf5(path)
        self._file = self._whole.file
        self._categories = dict(categories)
        self._streams: dict[str, SweepStream] = {}
        self._recording = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._whole.end(kind, self._finish)

    def set_recording(self, content_hash: str) -> None:
        """State whose points these are."""
        self._recording = content_hash

    def append(self, sensor: str, time_ns: int, labels: SweepLabels) -> None:
        """Append the labels of a sensor's next sweep."""
        if sensor not in self._streams:
            self._streams[sensor] = SweepStream(
                self._file, f"lidar/{sensor}", _COLUMNS, default_codec()
            )
        columns = {"category": labels.category, "track_id": labels.track_id}
        with self._whole.writing():
            self._streams[sensor].append(time_ns, columns)

    def _finish(self) -> None:
        for stream in self._streams.values():
            stream.finish(ContentHash())
        self._file.attrs.update(
            {
                "format": _FORMAT,
                "format_version": _VERSION,
                "conventions": _CONVENTIONS,
                "categories": json.dumps(self._categories),
                "recording": self._recording,
            }
        )


class PointLabels:
    """Point labels opened for reading; use it in a `with` statement, or call `close`.

    Attributes:
        path: The file.
        categories: Name of each category.
        recording: Content hash of the recording whose points these are.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the file.

        Raises:
            InvalidLabels: naming the file, if it is absent, damaged or of another kind.
        """
        self.path = Path(path)
        try:
            self._file = h5py.File(self.path, "r", locking=False)
        except FileNotFoundError as error:
            raise InvalidLabels(f"{path}: no such file") from error
        except OSError as error:
            raise InvalidLabels(f"{path}: no file of point labels, or damaged") from error
        found = attributes(self._file)
        if found.get("format") != _FORMAT or int(found["format_version"]) > _VERSION:
            self._file.close()
            raise InvalidLabels(f"{path}: holds no point labels of a version that we read")
        names: dict[str, str] = json.loads(str(found["categories"]))
        self.categories = {int(number): name for number, name in names.items()}
        self.recording = str(found["recording"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was read from it stays valid."""
        self._file.close()

    @property
    def sensors(self) -> tuple[str, ...]:
        """LiDARs whose points are labelled."""
        return tuple(groups(self._file, "lidar"))

    def sweep(self, sensor: str, index: int) -> SweepLabels:
        """Labels of one sweep.

        Raises:
            InvalidLabels: if there is no such sensor or sweep, or the file is damaged.
        """
        try:
            with Damage(self.path, f"lidar/{sensor}"):
                offset = dataset(self._file, f"lidar/{sensor}/offset")
                if not 0 <= index < len(offset) - 1:
                    raise InvalidLabels(f"{self.path}: {sensor} has no sweep {index}")
                rows = slice(int(offset[index]), int(offset[index + 1]))
                return SweepLabels(
                    *(
                        read_rows(dataset(self._file, f"lidar/{sensor}/{name}"), rows)
                        for name in _COLUMNS
                    )
                )
        except InvalidRecording as error:
            raise InvalidLabels(str(error)) from error
