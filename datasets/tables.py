"""Labels as a plain table, CSV: every column of `Cuboids`, bit for bit.

Ego frame, metres, radians; one row a cuboid and frame; the columns are those of
`Cuboids.to_arrow`. CSV writes numbers as the shortest text that reads back as the same float, and
"nan" for unknown.
"""

from pathlib import Path

import numpy as np

from lidar_label.datasets.cuboids import Cuboids
from lidar_label.errors import InvalidLabels


def write_csv(cuboids: Cuboids, path: Path) -> None:
    """Write a header and one line a row."""
    from pyarrow import csv

    csv.write_csv(cuboids.to_arrow(), path)


def read_csv(path: Path) -> Cuboids:
    """Read what `write_csv` wrote, or any CSV that has at least the seven box columns.

    Raises:
        InvalidLabels: naming the file and the row or column that does not fit.
    """
    import pyarrow as pa
    from pyarrow import csv

    types = {field.name: field.type for field in Cuboids.empty().to_arrow().schema}
    convert = csv.ConvertOptions(column_types=types, strings_can_be_null=False)
    parse = csv.ParseOptions(newlines_in_values=True)
    try:
        table = csv.read_csv(path, convert_options=convert, parse_options=parse)
    except FileNotFoundError as error:
        raise InvalidLabels(f"{path}: no such file; give a CSV of labels") from error
    except (OSError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise InvalidLabels(f"{path}: not a CSV of labels ({reason})") from error
    for name in table.column_names:
        if name in types and not pa.types.is_floating(types[name]) and table[name].null_count:
            raise InvalidLabels(f"{path}: column {name} has an empty field; fill it")
    try:
        cuboids = Cuboids.from_arrow(table)
    except InvalidLabels as error:
        raise InvalidLabels(f"{path}: {error}") from error
    bad = ~np.isfinite(cuboids.boxes).all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise InvalidLabels(f"{path}: box {row} is {cuboids.boxes[row].tolist()}; complete it")
    return cuboids
