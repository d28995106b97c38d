"""Points in a table of text: CSV with a header that names x, y and z."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats
from lidar_label.datasets.point_fields import PointFile, points_from_fields
from lidar_label.errors import InvalidSource

_FIRST = ["x", "y", "z"]  # a table that begins so is one of points; of samples, it begins with time
_NEEDED = frozenset(_FIRST)
_LONGEST_HEADER = 4096


def is_point_table(path: Path) -> bool:
    """Whether a CSV's first line begins with x, y and z, and is not that of boxes."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    with path.open("rb") as file:
        header = file.readline(_LONGEST_HEADER).decode("utf-8", "replace")
    names = [name.strip().strip('"').lower() for name in header.split(",")]
    return names[:3] == _FIRST and "length" not in names


def read_point_table(path: Path, *, origin: Floats | None = None) -> PointFile:
    """Read a CSV of points; other columns are intensity, ring and time by their usual names.

    Raises:
        InvalidSource: if x, y or z is missing, or a column is no number.
    """
    import pyarrow as pa
    from pyarrow import csv

    try:
        table = csv.read_csv(path)
    except (OSError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise InvalidSource(f"{path}: not a CSV of points ({reason})") from error
    columns: dict[str, NDArray[Any]] = {}
    for name in table.column_names:
        key = name.strip().lower()
        values = table[name]
        if pa.types.is_floating(values.type) or pa.types.is_integer(values.type):
            columns[key] = values.to_numpy()
        elif key in _NEEDED:
            raise InvalidSource(f"{path}: column {name} holds {values.type}; give numbers")
    missing = sorted(_NEEDED - columns.keys())
    if missing:
        raise InvalidSource(f"{path}: no column {', '.join(missing)}; name x, y and z in line 1")
    for name in _NEEDED:
        columns[name] = np.asarray(columns[name], dtype=np.float64)
    return points_from_fields(path, columns, origin=origin)
