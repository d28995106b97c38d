"""What a file may be that is no source, and where it goes instead: the remedy of a refusal."""

from pathlib import Path

from lidar_label.datasets.point_files import POINT_SUFFIXES


def what_it_may_be(path: Path) -> str:
    """The rest of a line that began with `<path>: in no format that we know; `."""
    suffix = path.suffix.lower()
    if suffix in {".h5", ".hdf5"}:
        return "if it is a recording it needs no import, `lidar-label info` says what it holds"
    if suffix in {".csv", ".tsv", ".txt", ".parquet", ".wav"}:
        return (
            "a table of points names x, y and z in its first line; signals go to "
            "`lidar-label segment` or `view` as they are, labels to `export`"
        )
    return f"points end in {' '.join(sorted(POINT_SUFFIXES))}, bags in .bag .db3 .mcap"
