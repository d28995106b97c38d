"""Reads Arrow's feather files with errors that name file, column and row."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats
from lidar_label.errors import InvalidSource

if TYPE_CHECKING:
    import pyarrow as pa

_LARGEST = 1e100


def read_feather(path: Path, needed: Sequence[str]) -> "pa.Table":
    """A table that has at least the needed columns, none of them with gaps.

    Raises:
        InvalidSource: if the file is absent, cut short, no feather file, or lacks a column.
    """
    import pyarrow as pa
    from pyarrow import feather

    try:
        table = feather.read_table(path)
        names: list[str] = table.column_names
    except FileNotFoundError as error:
        raise InvalidSource(f"{path}: no such file; copy the whole log") from error
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise InvalidSource(f"{path}: not a whole feather file ({reason})") from error
    for name in needed:
        if name not in names:
            raise InvalidSource(f"{path}: no column {name}; it has {', '.join(names) or 'none'}")
        if table.column(name).null_count:
            raise InvalidSource(f"{path}: column {name} has gaps; fill them or remove the rows")
    return table


def numbers(path: Path, table: "pa.Table", name: str) -> NDArray[Any]:
    """One column of numbers.

    Raises:
        InvalidSource: if it holds something else.
    """
    values = table.column(name).to_numpy()
    if values.dtype.kind not in "fiu":
        raise InvalidSource(f"{path}: column {name} is of {values.dtype}; give numbers")
    return values


def finite(path: Path, table: "pa.Table", names: Sequence[str]) -> Floats:
    """(N, len(names)) float64.

    Raises:
        InvalidSource: naming column and row of a value that is not finite.
    """
    values = np.column_stack([numbers(path, table, n).astype(np.float64) for n in names])
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise InvalidSource(
            f"{path}: {names[column]} of row {row} is {values[row, column]}; correct the file"
        )
    return values


def quaternions(path: Path, table: "pa.Table") -> Floats:
    """(N, 4) unit quaternions of the columns qw qx qy qz.

    Raises:
        InvalidSource: naming the row of one whose length is not 1.
    """
    q = finite(path, table, ("qw", "qx", "qy", "qz"))
    length = np.linalg.norm(q.clip(-_LARGEST, _LARGEST), axis=1)  # squares of more overflow
    bad = np.abs(length - 1) > 0.01
    if bad.any():
        row = int(np.argmax(bad))
        raise InvalidSource(
            f"{path}: the quaternion of row {row} has length {length[row]:.3g}; it must be 1"
        )
    return q / length[:, None]


def texts(path: Path, table: "pa.Table", name: str) -> list[str]:
    """One column of text.

    Raises:
        InvalidSource: if it holds something else.
    """
    values = table.column(name).to_pylist()
    if not all(isinstance(value, str) for value in values):
        raise InvalidSource(f"{path}: column {name} is not text; give the names")
    return values
