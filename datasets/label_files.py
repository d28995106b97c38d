"""How label columns meet the disk: Parquet, whole or not at all, with their origin inside."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lidar_label.datasets.whole_files import written_whole
from lidar_label.errors import InvalidLabels

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 1
_METADATA_KEY = b"lidar_label"

T = TypeVar("T")


def column(values: Any, n: int, dtype: Any) -> Any:
    """A column of n rows of its own; a scalar fills it."""
    array = np.asarray(values, dtype=dtype)
    if array.ndim == 0:
        return np.full(n, values, dtype=dtype)
    return array.copy()


def describe(
    table: "pa.Table", conventions: Mapping[str, str], provenance: Mapping[str, Any] | None
) -> "pa.Table":
    """Put schema version, conventions and origin into the table's metadata."""
    metadata = {
        "schema_version": SCHEMA_VERSION,
        "conventions": dict(conventions),
        "provenance": dict(provenance or {}),
    }
    return table.replace_schema_metadata(
        {_METADATA_KEY: json.dumps(metadata, sort_keys=True).encode()}
    )


def save(table: "pa.Table", path: str | Path) -> None:
    """Write Parquet beside its final name, then rename, so that no half file is ever seen."""
    import pyarrow.parquet as pq

    with written_whole(path) as partial:
        pq.write_table(table, partial, compression="zstd")


def load(path: str | Path, from_arrow: Callable[["pa.Table"], T]) -> T:
    """Read a Parquet file of labels by `from_arrow`.

    Raises:
        InvalidLabels: naming the file, if it is absent, damaged or lacks a column.
    """
    table = _read_table(path)
    try:
        return from_arrow(table)
    except InvalidLabels as error:
        raise InvalidLabels(f"{path}: {error}") from error


def read_provenance(path: str | Path) -> dict[str, Any]:
    """What the writer of a label file said of its origin (recording hash, configuration, …)."""
    metadata = _read_table(path).schema.metadata or {}
    return json.loads(metadata.get(_METADATA_KEY, b"{}")).get("provenance", {})


def _read_table(path: str | Path) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path).read()
    except FileNotFoundError as error:
        raise InvalidLabels(f"{path}: no such file; give a Parquet file of labels") from error
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise InvalidLabels(
            f"{path}: not a Parquet file of labels ({reason.rstrip('.')}); "
            "others become one by `lidar-label export --format parquet`"
        ) from error
