"""The growing parts of a recording being written: columns of rows, cut into sweeps or not."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from lidar_label.datasets.recording_layout import Codec, ContentHash, new_digest
from lidar_label.errors import InvalidSource


class Column:
    """One growing dataset; rows are gathered to whole chunks and hashed as they come."""

    def __init__(self, file: h5py.File, name: str, dtype: str, width: int, codec: Codec) -> None:
        tail = (width,) if width else ()
        self._name = name
        self._dtype = np.dtype(dtype)
        self._waiting = np.empty((codec.chunk_rows, *tail), self._dtype)
        self._filled = 0
        self._digest = new_digest()
        self._dataset = file.create_dataset(
            name,
            (0, *tail),
            self._dtype,
            maxshape=(None, *tail),
            chunks=self._waiting.shape,
            track_times=False,
            **codec.filter,
        )

    def append(self, rows: NDArray[Any]) -> None:
        """Append rows; they must have the column's width."""
        rows = np.ascontiguousarray(rows, self._dtype)
        self._digest.update(rows.data.cast("B") if rows.size else b"")
        chunk = len(self._waiting)
        if self._filled:
            part = min(chunk - self._filled, len(rows))
            self._waiting[self._filled : self._filled + part] = rows[:part]
            self._filled += part
            rows = rows[part:]
            if self._filled < chunk:
                return
            self._write(self._waiting)
        whole = len(rows) // chunk * chunk
        self._write(rows[:whole])
        self._filled = len(rows) - whole
        self._waiting[: self._filled] = rows[whole:]

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start:stop of those appended so far."""
        written = self._dataset.shape[0]
        waiting = self._waiting[max(start - written, 0) : max(stop - written, 0)]
        return np.concatenate((self._dataset[min(start, written) : min(stop, written)], waiting))

    def finish(self, content: ContentHash) -> None:
        """Write what waits and give the digest."""
        self._write(self._waiting[: self._filled])
        self._filled = 0
        content.add_dataset(
            self._name, self._dataset.shape, self._dtype.str, self._digest.hexdigest()
        )

    def _write(self, rows: NDArray[Any]) -> None:
        if len(rows):
            start = self._dataset.shape[0]
            self._dataset.resize(start + len(rows), axis=0)
            self._dataset[start:] = rows


class SweepStream:
    """Columns cut into sweeps (or images): `offset` says where each begins."""

    def __init__(
        self, file: h5py.File, name: str, columns: Mapping[str, tuple[str, int]], codec: Codec
    ) -> None:
        self._file = file
        self._name = name
        self._types = columns
        self._codec = codec
        self._columns: dict[str, Column] = {}
        self._time_ns: list[int] = []
        self._offset = [0]

    def append(self, time_ns: int, columns: Mapping[str, NDArray[Any] | None]) -> None:
        """Append one sweep; its columns are equally long, and the same as in the sweeps before.

        Raises:
            InvalidSource: if they are not, or the time goes back.
        """
        where = f"{self._name} {len(self._time_ns)}"
        time_ns = int(time_ns)
        if self._time_ns and time_ns < self._time_ns[-1]:
            raise InvalidSource(
                f"{where}: time {time_ns} is before {self._time_ns[-1]}; append in order of time"
            )
        given = {name: rows for name, rows in columns.items() if rows is not None}
        lengths = {name: len(rows) for name, rows in given.items()}
        count = next(iter(lengths.values()))
        for name, length in lengths.items():
            if length != count:
                raise InvalidSource(f"{where}: {length} values of {name} for {count} points")
        if count:
            self._append_rows(where, given)
        self._time_ns.append(time_ns)
        self._offset.append(self._offset[-1] + count)

    @property
    def rows(self) -> int:
        """Rows appended so far."""
        return self._offset[-1]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that the sweeps appended so far have."""
        return tuple(self._columns)

    def sweeps(self, columns: Collection[str]) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
        """Time and these columns of every sweep appended so far; none where it has no rows."""
        wanted = {name: column for name, column in self._columns.items() if name in columns}
        for time_ns, start, stop in zip(
            self._time_ns, self._offset[:-1], self._offset[1:], strict=True
        ):
            named = wanted.items() if stop > start else ()
            yield time_ns, {name: column.read(start, stop) for name, column in named}

    def _append_rows(self, where: str, given: Mapping[str, NDArray[Any]]) -> None:
        if not self._columns:
            self._columns = {name: self._column(name) for name in self._types if name in given}
        if set(given) != set(self._columns):
            odd = sorted(set(given) ^ set(self._columns))[0]
            raise InvalidSource(
                f"{where}: {odd} is {'new' if odd in given else 'missing'}; "
                "give a column for all sweeps of a sensor or for none"
            )
        for name, column in self._columns.items():
            column.append(given[name])

    def finish(self, content: ContentHash) -> None:
        """Write times and offsets, and the first column even if it has no rows."""
        first = next(iter(self._types))
        if first not in self._columns:
            self._columns[first] = self._column(first)
        for column in self._columns.values():
            column.finish(content)
        for name, values in (("time_ns", self._time_ns), ("offset", self._offset)):
            _whole_column(self._file, f"{self._name}/{name}", np.array(values, "<i8"), content)

    def _column(self, name: str) -> Column:
        dtype, width = self._types[name]
        return Column(self._file, f"{self._name}/{name}", dtype, width, self._codec)


class SampleSeries:
    """Times with a row of values each."""

    def __init__(self, file: h5py.File, name: str, values: str, width: int, codec: Codec) -> None:
        self._name = name
        self._width = width
        self._last: int | None = None
        self._time_ns = Column(file, f"{name}/time_ns", "<i8", 0, codec)
        self._values = Column(file, f"{name}/{values}", "<f8", width, codec)

    def append(self, time_ns: NDArray[Any], values: NDArray[Any]) -> None:
        """Append samples in order of time.

        Raises:
            InvalidSource: if shapes do not fit or the time goes back.
        """
        if time_ns.ndim != 1 or values.shape != (len(time_ns), self._width):
            raise InvalidSource(
                f"{self._name}: {values.shape} values at {time_ns.shape} times; "
                f"give times (T,) and values (T, {self._width})"
            )
        if not len(time_ns):
            return
        if time_ns.dtype.kind not in "iu":
            raise InvalidSource(f"{self._name}: times are {time_ns.dtype}; give int64 nanoseconds")
        time_ns = time_ns.astype(np.int64)
        if (self._last is not None and time_ns[0] < self._last) or (np.diff(time_ns) < 0).any():
            raise InvalidSource(f"{self._name}: times go back; append in order of time")
        self._last = int(time_ns[-1])
        self._time_ns.append(time_ns)
        self._values.append(values)

    def finish(self, content: ContentHash) -> None:
        """Write what waits."""
        self._time_ns.finish(content)
        self._values.finish(content)


def _whole_column(file: h5py.File, name: str, rows: NDArray[Any], content: ContentHash) -> None:
    file.create_dataset(name, data=rows, track_times=False)
    digest = new_digest()
    digest.update(rows.tobytes())
    content.add_dataset(name, rows.shape, rows.dtype.str, digest.hexdigest())
