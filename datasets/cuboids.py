"""Cuboids as columns: one row a cuboid and frame; in memory numpy, on disk Parquet."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Ints32, Strings, as_boxes, wrap_angle
from lidar_label.datasets.label_files import column, describe, load, read_provenance, save
from lidar_label.errors import InvalidLabels

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Cuboids", "load_cuboids", "read_provenance", "save_cuboids"]

CONVENTIONS = {
    "frame": "ego frame at the time of the row's frame: x forward, y left, z up (ISO 8855)",
    "units": "metres, radians, metres per second; time_ns is int64 nanoseconds UTC",
    "centre": "x y z is the centre of the cuboid",
    "size": "length along the heading, width across it, height along z",
    "yaw": "about +z from +x, in (-pi, pi]; pitch and roll default 0",
}
_BOX_COLUMNS = ("x", "y", "z", "length", "width", "height", "yaw")

# Column, type, value where the source says nothing.
_COLUMNS: tuple[tuple[str, Any, Any], ...] = (
    ("frame", np.int32, 0),
    ("time_ns", np.int64, 0),
    ("track_id", np.int64, -1),
    ("category", np.object_, ""),
    ("pitch", np.float64, 0.0),
    ("roll", np.float64, 0.0),
    ("score", np.float32, np.nan),
    ("num_points", np.int32, -1),
    ("residual", np.float32, np.nan),
    ("reason", np.object_, ""),
    ("source_id", np.object_, ""),
    ("attributes", np.object_, ""),
)


@dataclass(frozen=True, eq=False)
class Cuboids:
    """Cuboids of any number of frames, one row each, in the ego frame of their row's frame.

    Attributes:
        boxes: (N, 7) float64 x y z length width height yaw; metres, radians, ego frame.
        frame: (N,) int32, index of the frame in its recording.
        time_ns: (N,) int64, reference time of that frame.
        track_id: (N,) int64, the same for one object over frames; −1 where there is none.
        category: (N,) str, the class by its source's or the ontology's name.
        pitch: (N,) float64 radians; kept through round trips, ignored by kernels.
        roll: (N,) float64 radians; likewise.
        score: (N,) float32 in [0, 1] of a proposal; NaN for labels made by people.
        num_points: (N,) int32 points inside; −1 where unknown.
        residual: (N,) float32 metres, mean distance of its points to the nearest face; NaN unknown.
        velocity: (N, 2) float32 m/s over ground along the ego frame's x and y; NaN unknown.
        reason: (N,) str, why the machine proposed it, in words.
        source_id: (N,) str, the object's id as the source spells it.
        attributes: (N,) str, what else the source says of the row, as a JSON object or "".
    """

    boxes: Boxes
    frame: Ints32
    time_ns: Ints
    track_id: Ints
    category: Strings
    pitch: Floats
    roll: Floats
    score: Floats32
    num_points: Ints32
    residual: Floats32
    velocity: Floats32
    reason: Strings
    source_id: Strings
    attributes: Strings

    def __post_init__(self) -> None:
        n = len(self.boxes)
        for field in dataclasses.fields(self):
            column = getattr(self, field.name)
            if len(column) != n:
                raise InvalidLabels(
                    f"column {field.name} has {len(column)} rows, boxes {n}; make them equal"
                )

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def of(cls, boxes: NDArray[Any], **columns: Any) -> "Cuboids":
        """Make cuboids from boxes and any of the other columns.

        A scalar fills its column; a column left out gets its neutral value (see the class).
        Yaw is wrapped into (−π, π].

        Raises:
            InvalidBoxes: if the boxes are not (N, 7).
            InvalidLabels: if a column is unknown or of another length.
        """
        checked = as_boxes(boxes)
        checked = np.column_stack((checked[:, :6], wrap_angle(checked[:, 6])))
        n = len(checked)
        unknown = set(columns) - {name for name, _, _ in _COLUMNS} - {"velocity"}
        if unknown:
            raise InvalidLabels(f"unknown label column {sorted(unknown)[0]}")
        full: dict[str, Any] = {
            name: column(columns.get(name, default), n, dtype) for name, dtype, default in _COLUMNS
        }
        velocity = np.asarray(columns.get("velocity", np.nan), dtype=np.float32)
        full["velocity"] = np.array(np.broadcast_to(velocity, (n, 2)), dtype=np.float32)
        return cls(boxes=checked, **full)

    @classmethod
    def empty(cls) -> "Cuboids":
        """Zero cuboids."""
        return cls.of(np.zeros((0, 7)))

    @classmethod
    def concatenate(cls, parts: Iterable["Cuboids"]) -> "Cuboids":
        """One after another, in the given order."""
        kept = [part for part in parts if len(part)]
        if not kept:
            return cls.empty()
        return cls(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in kept])
                for field in dataclasses.fields(cls)
            }
        )

    def select(self, rows: NDArray[Any]) -> "Cuboids":
        """Rows by mask or by index."""
        return Cuboids(
            **{field.name: getattr(self, field.name)[rows] for field in dataclasses.fields(self)}
        )

    def replace(self, **columns: Any) -> "Cuboids":
        """The same rows with some columns changed; scalars fill their column."""
        return Cuboids.of(columns.pop("boxes", self.boxes), **{**self._columns(), **columns})

    def equals(self, other: "Cuboids") -> bool:
        """True when every column is the same bit for bit (NaN equals NaN)."""
        if len(self) != len(other):
            return False
        for field in dataclasses.fields(self):
            a, b = getattr(self, field.name), getattr(other, field.name)
            if not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
                return False
        return True

    def _columns(self) -> dict[str, Any]:
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "boxes"
        }

    def to_arrow(self, provenance: Mapping[str, Any] | None = None) -> "pa.Table":
        """An Arrow table: one column a box parameter, conventions in its metadata."""
        import pyarrow as pa

        arrays: dict[str, Any] = {
            "frame": self.frame,
            "time_ns": self.time_ns,
            "track_id": self.track_id,
            "category": pa.array(self.category, type=pa.string()),
        }
        arrays |= {name: self.boxes[:, i] for i, name in enumerate(_BOX_COLUMNS)}
        arrays |= {"velocity_x": self.velocity[:, 0], "velocity_y": self.velocity[:, 1]}
        for name, dtype, _ in _COLUMNS:
            if name not in arrays:
                column = getattr(self, name)
                arrays[name] = pa.array(column, type=pa.string()) if dtype is np.object_ else column
        return describe(pa.table(arrays), CONVENTIONS, provenance)

    @classmethod
    def from_arrow(cls, table: "pa.Table") -> "Cuboids":
        """Cuboids from a table with at least the seven box columns; others default.

        Raises:
            InvalidLabels: if a box column is missing or a column has another type.
        """
        missing = [name for name in _BOX_COLUMNS if name not in table.column_names]
        if missing:
            raise InvalidLabels(f"no column {missing[0]}; cuboids need {' '.join(_BOX_COLUMNS)}")
        try:
            columns: dict[str, Any] = {
                name: table.column(name).to_numpy(zero_copy_only=False)
                for name, _, _ in _COLUMNS
                if name in table.column_names
            }
            boxes = np.column_stack(
                [table.column(name).to_numpy().astype(np.float64) for name in _BOX_COLUMNS]
            )
            if "velocity_x" in table.column_names and "velocity_y" in table.column_names:
                columns["velocity"] = np.column_stack(
                    [table.column(f"velocity_{axis}").to_numpy() for axis in "xy"]
                )
            return cls.of(boxes, **columns)
        except (TypeError, ValueError) as error:
            raise InvalidLabels(f"a label column has the wrong type: {error}") from error


def save_cuboids(
    cuboids: Cuboids, path: str | Path, provenance: Mapping[str, Any] | None = None
) -> None:
    """Write Parquet beside its final name, then rename, so that no half file is ever seen."""
    save(cuboids.to_arrow(provenance), path)


def load_cuboids(path: str | Path) -> Cuboids:
    """Read a Parquet file of cuboids.

    Raises:
        InvalidLabels: naming the file, if it is absent, damaged or lacks a column.
    """
    return load(path, Cuboids.from_arrow)
