"""Reads the points of one file of any format we know, told by its name."""

from collections.abc import Sequence
from pathlib import Path

from lidar_label.arrays import Floats
from lidar_label.datasets.las import read_las
from lidar_label.datasets.pcd import read_pcd, write_pcd
from lidar_label.datasets.ply import read_ply, write_ply
from lidar_label.datasets.point_fields import PointFile, no_points
from lidar_label.datasets.point_tables import read_point_table
from lidar_label.datasets.raw_points import read_bin, read_npy, read_npz
from lidar_label.errors import InvalidSource

__all__ = ["POINT_SUFFIXES", "PointFile", "read_points", "write_pcd", "write_ply"]

POINT_SUFFIXES = (".pcd", ".ply", ".las", ".laz", ".bin", ".npy", ".npz")


def read_points(
    path: str | Path, *, columns: Sequence[str] | None = None, origin: Floats | None = None
) -> PointFile:
    """Read PCD, PLY, LAS, LAZ, .bin, .npy, .npz or a CSV of points.

    Args:
        path: The file; one of no bytes has no points and a warning.
        columns: Names of the columns of a .bin or of an array without names; ignored for others.
        origin: (3,) taken off the coordinates, to have several files in one frame; chosen if they
            are too large for float32 and it is None.

    Raises:
        InvalidSource: in one line with the file, if it is absent, cut short, damaged, or of a kind
            that we do not read.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (*POINT_SUFFIXES, ".csv"):
        raise InvalidSource(f"{path}: not a point file; we read {' '.join(POINT_SUFFIXES)}")
    try:
        if path.stat().st_size == 0:
            return no_points(path)
        match suffix:
            case ".pcd":
                return read_pcd(path, origin=origin)
            case ".ply":
                return read_ply(path, origin=origin)
            case ".las" | ".laz":
                return read_las(path, origin=origin)
            case ".bin":
                return read_bin(path, columns=columns, origin=origin)
            case ".csv":
                return read_point_table(path, origin=origin)
            case ".npy":
                return read_npy(path, columns=columns, origin=origin)
            case _:
                return read_npz(path, columns=columns, origin=origin)
    except FileNotFoundError as error:
        raise InvalidSource(f"{path}: no such file") from error
    except (IsADirectoryError, PermissionError) as error:
        raise InvalidSource(f"{path}: cannot be read ({error.strerror})") from error
    except MemoryError as error:
        raise InvalidSource(f"{path}: too large for this machine's memory; split it") from error
