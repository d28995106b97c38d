"""The HDF5 file under a recording: opened, checked, and its errors put into one clear line."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Ints
from lidar_label.datasets.claimed_size import MEASURED_RATIO, check_claim, read_rows
from lidar_label.datasets.recording_layout import (
    CAMERA_COLUMNS,
    FORMAT,
    FORMAT_VERSION,
    LIDAR_COLUMNS,
    RADAR_COLUMNS,
    ContentHash,
    new_digest,
)
from lidar_label.errors import InvalidRecording, LidarLabelError

_COLUMNS = {"lidar": LIDAR_COLUMNS, "radar": RADAR_COLUMNS, "camera": CAMERA_COLUMNS}
_HASH_ROWS = 1 << 20


class Damage:
    """A `with` block that turns what a damaged file raises into a line with the file's name."""

    def __init__(self, path: Path, what: str = "") -> None:
        self._path = path
        self._what = f"{what} " if what else ""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, LidarLabelError):
            text = str(error)
            named = text if str(self._path) in text else f"{self._path}: damaged ({text})"
            raise InvalidRecording(named) from error
        if isinstance(error, Exception):  # HDF5 and h5py raise nearly every kind
            raise InvalidRecording(
                f"{self._path}: {self._what}damaged ({_first_line(error)}); import its source again"
            ) from error


def open_file(path: Path) -> h5py.File:
    """Open a recording's file for reading.

    Raises:
        InvalidRecording: if it is absent, cut short, no HDF5, no recording, or of a later version.
    """
    if not hdf5plugin.FILTERS:  # its import registers them
        raise InvalidRecording(f"{path}: hdf5plugin has no codecs; install it again")
    try:
        # Nobody writes to a recording, and some network file systems have no locks.
        file = h5py.File(path, "r", locking=False)
    except FileNotFoundError as error:
        raise InvalidRecording(f"{path}: no such file") from error
    except OSError as error:
        raise InvalidRecording(f"{path}: {_reason(path, error)}") from error
    try:
        with Damage(path):
            _check_format(path, attributes(file))
    except InvalidRecording:
        file.close()
        raise
    return file


def _check_format(path: Path, found: Mapping[str, Any]) -> None:
    if found.get("format") != FORMAT:
        raise InvalidRecording(
            f"{path}: an HDF5 file, but not a recording; make one by `lidar-label import`"
        )
    version = int(found["format_version"])
    if version > FORMAT_VERSION:
        raise InvalidRecording(
            f"{path}: format version {version}, this program reads up to {FORMAT_VERSION}; "
            "update lidar-label"
        )


def attributes(item: Any) -> dict[str, Any]:
    """The attributes of a file, group or dataset."""
    return dict(item.attrs)


def groups(file: h5py.File, name: str) -> dict[str, h5py.Group]:
    """The groups in the group `name`; none where it is absent."""
    group = file.get(name)
    if not isinstance(group, h5py.Group):
        return {}
    return {key: item for key, item in group.items() if isinstance(item, h5py.Group)}


def dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """The dataset `name`.

    Raises:
        InvalidRecording: if it is absent.
    """
    item = file.get(name)
    if not isinstance(item, h5py.Dataset):
        raise InvalidRecording(f"no dataset {name}")
    return item


class SweepIndex:
    """Times and offsets of a sensor's sweeps or images, and its columns, unread."""

    def __init__(self, file: h5py.File, kind: str, name: str) -> None:
        where = f"{kind}/{name}"
        types = _COLUMNS[kind]
        self.time_ns: Ints = read_rows(dataset(file, f"{where}/time_ns"))
        self.offset: Ints = read_rows(dataset(file, f"{where}/offset"))
        if self.time_ns.dtype != np.int64 or self.offset.dtype != np.int64:
            raise InvalidRecording(f"{where} has times or offsets that are not int64")
        if self.offset.shape != (len(self.time_ns) + 1,):
            raise InvalidRecording(f"{where} has {len(self.time_ns)} times, {self.offset.shape}")
        if self.offset[0] != 0 or (np.diff(self.offset) < 0).any():
            raise InvalidRecording(f"{where}/offset goes back")
        if (np.diff(self.time_ns) < 0).any():
            raise InvalidRecording(f"{where}/time_ns goes back")
        present = [c for c in types if f"{where}/{c}" in file or c in ("xyz", "bytes")]
        self._columns = {c: dataset(file, f"{where}/{c}") for c in present}
        for column, found in self._columns.items():
            dtype, width = types[column]
            shape = (int(self.offset[-1]), *((width,) if width else ()))
            if found.shape != shape or found.dtype != np.dtype(dtype):
                raise InvalidRecording(
                    f"{where}/{column} is {found.dtype} {found.shape}, not {dtype} {shape}"
                )

    def __len__(self) -> int:
        return len(self.time_ns)

    def read(self, index: int) -> dict[str, NDArray[Any]]:
        """The rows of one sweep or image, one contiguous read a column."""
        rows = slice(int(self.offset[index]), int(self.offset[index + 1]))
        columns = self._columns.values()
        check_claim(rows.stop - rows.start, *columns, ratio=MEASURED_RATIO)
        return {name: column[rows] for name, column in self._columns.items()}


def content_hash(file: h5py.File) -> str:
    """The hash of all that the file holds, from its bytes."""
    content = ContentHash()
    content.add_attributes("", {"origin": attributes(file)["origin"]})

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            check_claim(len(item), item)
            digest = new_digest()
            for start in range(0, len(item), _HASH_ROWS):
                rows: NDArray[Any] = item[start : start + _HASH_ROWS]
                digest.update(np.ascontiguousarray(rows).tobytes())
            content.add_dataset(name, item.shape, item.dtype.str, digest.hexdigest())
        elif name.startswith("rig/"):
            content.add_attributes(name, attributes(item))

    file.visititems(add)
    return content.hexdigest()


def _reason(path: Path, error: OSError) -> str:
    if path.is_dir():
        return "a folder; give a recording, or import the folder first"
    if "truncated" in str(error):
        return "cut short; copy it again or import its source again"
    if "signature not found" in str(error):
        return "not an HDF5 file; make a recording of it by `lidar-label import`"
    return f"cannot be opened ({_first_line(error)})"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
