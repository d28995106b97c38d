"""Points as bare numbers: .bin of float32 rows (KITTI, nuScenes), and numpy's .npy and .npz."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats
from lidar_label.datasets.claimed_size import HARMLESS_BYTES, MEASURED_RATIO
from lidar_label.datasets.point_fields import PointFile, points_from_fields
from lidar_label.errors import InvalidSource

KITTI_COLUMNS = ("x", "y", "z", "intensity")
NUSCENES_COLUMNS = ("x", "y", "z", "intensity", "ring")  # files end in .pcd.bin
_ARRAYS = ("points", "xyz", "arr_0", "data")  # of an .npz, the first that is there
_DEFLATE_RATIO = 1032  # deflate packs no tighter


def read_bin(
    path: str | Path, *, columns: Sequence[str] | None = None, origin: Floats | None = None
) -> PointFile:
    """Read rows of little-endian float32.

    Args:
        path: The file.
        columns: Names of a row's numbers, `_` for those not wanted; KITTI's x y z intensity when
            None, and nuScenes' with ring if the name ends in .pcd.bin.
        origin: (3,) taken off the coordinates; chosen if they are large and it is None.

    Raises:
        InvalidSource: if the size is not that of whole rows.
    """
    path = Path(path)
    if columns is None:
        columns = NUSCENES_COLUMNS if path.name.endswith(".pcd.bin") else KITTI_COLUMNS
    size = path.stat().st_size
    if size % (4 * len(columns)):
        fits = [str(n) for n in range(3, 11) if size % (4 * n) == 0]
        hint = f"rows of {' or '.join(fits)} would fit, name the columns" if fits else "cut short?"
        raise InvalidSource(
            f"{path}: {size} bytes are not whole rows of {len(columns)} float32; {hint}"
        )
    rows = np.fromfile(path, dtype="<f4").reshape(-1, len(columns))
    return points_from_fields(path, _named(path, rows, columns), origin=origin)


def read_npy(
    path: str | Path, *, columns: Sequence[str] | None = None, origin: Floats | None = None
) -> PointFile:
    """Read an array (N, ≥3), or one with named fields.

    Columns of an array without names are x y z intensity and then column_4 and on, unless given.
    """
    path = Path(path)
    try:
        # Mapped, a file shorter than its header says is an error and not a huge allocation.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # numpy's parser raises nearly every kind on a damaged header
        raise InvalidSource(f"{path}: not a whole .npy file ({_line(error)})") from error
    return points_from_fields(path, _fields(path, np.asarray(array), columns), origin=origin)


def read_npz(
    path: str | Path, *, columns: Sequence[str] | None = None, origin: Floats | None = None
) -> PointFile:
    """Read the array `points`, `xyz`, `arr_0` or `data`, or arrays x, y, z; and those beside it.

    Arrays with as many rows become fields of their own name.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_total(path, archive)
            arrays = {
                info.filename.removesuffix(".npy"): _member(path, archive, info)
                for info in archive.infolist()
                if info.filename.endswith(".npy")
            }
    except (InvalidSource, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # so do zipfile and zlib
        raise InvalidSource(f"{path}: not a whole .npz file ({_line(error)})") from error
    main = next((name for name in _ARRAYS if name in arrays), None)
    if main is None and not {"x", "y", "z"} <= set(arrays):
        raise InvalidSource(
            f"{path}: holds {', '.join(arrays) or 'nothing'}; name the array of points 'points'"
        )
    fields = _fields(path, arrays.pop(main), columns) if main else {}
    count = len(next(iter(fields.values()))) if fields else len(arrays["x"])
    for name, array in arrays.items():
        if array.ndim in (1, 2) and len(array) == count and array.dtype.kind in "fiub":
            fields.setdefault(name, array)
    return points_from_fields(path, fields, origin=origin)


def _check_total(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse arrays that together pack too well to have been measured, before they take memory."""
    entries = archive.infolist()
    stated = sum(info.file_size for info in entries)
    if stated > HARMLESS_BYTES and stated > MEASURED_RATIO * path.stat().st_size:
        raise InvalidSource(
            f"{path}: {path.stat().st_size} bytes state {stated}, more than points pack to; if "
            "they are real, save them uncompressed"
        )


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    if info.file_size > info.compress_size * _DEFLATE_RATIO + 1024:
        raise InvalidSource(f"{path}: {info.filename} states an impossible size; it is damaged")
    with archive.open(info) as file:
        shape, fortran, dtype = _npy_header(file)
        stated = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if dtype.hasobject or file.tell() + stated != info.file_size:
            raise InvalidSource(
                f"{path}: {info.filename} is not an array of {shape} numbers; it is damaged"
            )
        array = np.frombuffer(file.read(stated), dtype)
    return array.reshape(shape, order="F" if fortran else "C")


def _npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


def _fields(
    path: Path, array: NDArray[Any], columns: Sequence[str] | None
) -> dict[str, NDArray[Any]]:
    if array.dtype.names:
        return {name: np.asarray(array[name]).ravel() for name in array.dtype.names}
    if array.ndim != 2 or array.shape[1] < 3 or array.dtype.kind not in "fiu":
        raise InvalidSource(
            f"{path}: an array of {array.shape} {array.dtype}; give (N, 3) numbers or wider"
        )
    if columns is None:
        names = [*KITTI_COLUMNS, *(f"column_{i}" for i in range(4, array.shape[1]))]
        columns = names[: array.shape[1]]
    return _named(path, array, columns)


def _named(path: Path, rows: NDArray[Any], columns: Sequence[str]) -> dict[str, NDArray[Any]]:
    if len(columns) != rows.shape[1]:
        raise InvalidSource(f"{path}: {rows.shape[1]} columns, but {len(columns)} names for them")
    return {name: rows[:, i] for i, name in enumerate(columns) if name != "_"}


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
