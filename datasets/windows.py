"""Activity windows as columns: one row a window; in memory numpy, on disk Parquet."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats32, Ints, Strings
from lidar_label.datasets.label_files import column, describe, load, read_provenance, save
from lidar_label.errors import InvalidLabels

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["UNKNOWN", "Windows", "load_windows", "read_provenance", "save_windows"]

UNKNOWN = "unknown"
CONVENTIONS = {
    "time": "int64 nanoseconds on the signal's own clock; a window is [start_ns, end_ns)",
    "event": "a window with start_ns = end_ns",
    "score": "calibrated probability that the class is right; NaN for windows made by people",
    "uncertainty": "half-width in nanoseconds of the band that holds the true boundary",
}
_COLUMNS: tuple[tuple[str, Any, Any], ...] = (
    ("start_ns", np.int64, 0),
    ("end_ns", np.int64, 0),
    ("category", np.object_, ""),
    ("score", np.float32, np.nan),
    ("start_uncertainty_ns", np.int64, 0),
    ("end_uncertainty_ns", np.int64, 0),
    ("tier", np.object_, "activity"),
    ("reason", np.object_, ""),
)


@dataclass(frozen=True, eq=False)
class Windows:
    """Activities over spans of time on one signal, one row a window.

    Attributes:
        start_ns: (N,) int64, first moment.
        end_ns: (N,) int64, first moment after; equal to the start for an event.
        category: (N,) str, the class; `UNKNOWN` where the machine will not say.
        score: (N,) float32, probability in [0, 1]; NaN for windows made by people.
        start_uncertainty_ns: (N,) int64, half-width of the band about the start.
        end_uncertainty_ns: (N,) int64, likewise about the end.
        tier: (N,) str, the layer it belongs to (posture, activity, context).
        reason: (N,) str, why the machine proposed it, in words.
    """

    start_ns: Ints
    end_ns: Ints
    category: Strings
    score: Floats32
    start_uncertainty_ns: Ints
    end_uncertainty_ns: Ints
    tier: Strings
    reason: Strings

    def __post_init__(self) -> None:
        for name, _, _ in _COLUMNS:
            if len(getattr(self, name)) != len(self.start_ns):
                raise InvalidLabels(
                    f"column {name} has {len(getattr(self, name))} rows, start_ns "
                    f"{len(self.start_ns)}; make them equal"
                )
        backwards = np.flatnonzero(self.end_ns < self.start_ns)
        if len(backwards):
            raise InvalidLabels(f"window {backwards[0]} ends before it starts; swap its ends")

    def __len__(self) -> int:
        return len(self.start_ns)

    @classmethod
    def of(
        cls, start_ns: NDArray[Any] | list[int], end_ns: NDArray[Any] | list[int], **columns: Any
    ) -> "Windows":
        """Make windows; a scalar fills its column, a column left out gets its neutral value.

        Raises:
            InvalidLabels: if a column is unknown, of another length, or a window ends too early.
        """
        unknown = set(columns) - {name for name, _, _ in _COLUMNS}
        if unknown:
            raise InvalidLabels(f"unknown label column {sorted(unknown)[0]}")
        given = {"start_ns": start_ns, "end_ns": end_ns, **columns}
        n = len(np.atleast_1d(np.asarray(start_ns)))
        return cls(
            **{
                name: column(given.get(name, default), n, dtype)
                for name, dtype, default in _COLUMNS
            }
        )

    @classmethod
    def empty(cls) -> "Windows":
        """Zero windows."""
        return cls.of([], [])

    def select(self, rows: NDArray[Any]) -> "Windows":
        """Rows by mask or by index."""
        return Windows(
            **{field.name: getattr(self, field.name)[rows] for field in dataclasses.fields(self)}
        )

    def equals(self, other: "Windows") -> bool:
        """True when every column is the same bit for bit (NaN equals NaN)."""
        return len(self) == len(other) and all(
            np.array_equal(getattr(self, name), getattr(other, name), equal_nan=dtype is np.float32)
            for name, dtype, _ in _COLUMNS
        )

    def to_arrow(self, provenance: Mapping[str, Any] | None = None) -> "pa.Table":
        """An Arrow table with the conventions in its metadata."""
        import pyarrow as pa

        arrays = {
            name: pa.array(getattr(self, name), type=pa.string())
            if dtype is np.object_
            else getattr(self, name)
            for name, dtype, _ in _COLUMNS
        }
        return describe(pa.table(arrays), CONVENTIONS, provenance)

    @classmethod
    def from_arrow(cls, table: "pa.Table") -> "Windows":
        """Windows from a table with at least start_ns, end_ns and category; others default.

        Raises:
            InvalidLabels: if one of the three is missing or a column has another type.
        """
        for name in ("start_ns", "end_ns", "category"):
            if name not in table.column_names:
                raise InvalidLabels(f"no column {name}; windows need start_ns end_ns category")
        try:
            return cls.of(
                **{
                    name: table.column(name).to_numpy(zero_copy_only=False)
                    for name, _, _ in _COLUMNS
                    if name in table.column_names
                }
            )
        except (TypeError, ValueError) as error:
            raise InvalidLabels(f"a label column has the wrong type: {error}") from error


def save_windows(
    windows: Windows, path: str | Path, provenance: Mapping[str, Any] | None = None
) -> None:
    """Write Parquet beside its final name, then rename, so that no half file is ever seen."""
    save(windows.to_arrow(provenance), path)


def load_windows(path: str | Path) -> Windows:
    """Read a Parquet file of windows.

    Raises:
        InvalidLabels: naming the file, if it is absent, damaged or lacks a column.
    """
    return load(path, Windows.from_arrow)
