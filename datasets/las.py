"""LAS and LAZ, the ASPRS exchange format of surveyed points, by laspy."""

import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats
from lidar_label.datasets.claimed_size import HARMLESS_BYTES, MEASURED_RATIO
from lidar_label.datasets.point_fields import PointFile, points_from_fields
from lidar_label.errors import InvalidSource

_CHUNK_BYTES = 1 << 25
_HEADER_BYTES = 375  # of version 1.4, the longest
_VLR_BYTES, _EVLR_BYTES = 54, 60
_LARGEST_RATIO = 1000  # LAZ packs real points 5 to 20 times; more is a damaged count
# Adjusted standard GPS time counts from 1980-01-06 less 1e9 s, and is 18 s ahead of UTC since 2017.
_GPS_OFFSET_S = 315_964_800 + 1_000_000_000 - 18
_LARGEST_TIME_S = 5e9
_SKIP = {"X", "Y", "Z"}
_EXACT = "intensity_float"  # LAS's own intensity is uint16
STEP_M = 1e-4  # of coordinates that we write; they reach 200 km
TIME_STEP_S = 2**-23  # of adjusted standard GPS time as a double, until 2045


def read_las(path: str | Path, *, origin: Floats | None = None) -> PointFile:
    """Read a LAS or LAZ file; coordinates are scaled and shifted as its header says.

    GPS time becomes nanoseconds since 1970 where the file states adjusted standard time; times of
    the GPS week stay relative.

    Args:
        path: The file.
        origin: (3,) taken off the coordinates; chosen if they are large and it is None.

    Raises:
        InvalidSource: naming the file, if it is cut short or damaged.
    """
    import laspy

    path = Path(path)
    try:
        with path.open("rb") as file:
            _check_header(path, file, path.stat().st_size)
        with laspy.open(path) as reader:
            header = reader.header
            count = header.point_count
            standard = header.global_encoding.gps_time_type == laspy.header.GpsTimeType.STANDARD
            names = [n for n in header.point_format.dimension_names if n not in _SKIP]
            parts: list[dict[str, NDArray[Any]]] = []
            for points in reader.chunk_iterator(max(_CHUNK_BYTES // header.point_format.size, 1)):
                part = {"x": points.x, "y": points.y, "z": points.z}
                part |= {name: points[name] for name in names}
                parts.append({key: np.array(rows) for key, rows in part.items()})
    except (InvalidSource, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # laspy raises every kind, lazrs panics outside of Exception
        raise InvalidSource(f"{path}: not a whole LAS file ({_line(error)})") from error
    if sum(len(part["x"]) for part in parts) != count:
        raise InvalidSource(f"{path}: cut short, fewer points than the stated {count}")
    fields: dict[str, NDArray[Any]] = {axis: np.zeros(0) for axis in "xyz"}
    for key in parts[0] if parts else ():
        fields[key] = np.concatenate([part[key] for part in parts])
    if _EXACT in fields:
        fields["intensity"] = fields.pop(_EXACT)
    seconds = fields.pop("gps_time", None)
    if seconds is not None and _are_times(seconds):
        fields["gps_time"] = _nanoseconds(seconds, _GPS_OFFSET_S if standard else 0)
    return points_from_fields(path, fields, origin=origin)


def write_las(
    path: str | Path, xyz: NDArray[Any], *, since_ns: int | None, **fields: NDArray[Any]
) -> None:
    """Write points (N, 3) as LAS 1.4, point format 6; as LAZ by the ending of the name.

    Args:
        path: The file.
        xyz: Metres, rounded to `STEP_M`.
        since_ns: Nanoseconds since 1970 that `time` counts from: written as adjusted standard GPS
            time. None: written as it is.
        **fields: (N,) each; `time` in seconds, `intensity` of any scale (LAS's own field gets it as
            a whole number, times 65535 if none exceeds 1), others as extra bytes.
    """
    import laspy

    header = laspy.LasHeader(version="1.4", point_format=6)
    reach = float(np.abs(xyz).max(initial=0))
    header.scales = np.full(3, max(STEP_M, reach / 2e9))
    header.generating_software = "Lidar Label"
    header.global_encoding.wkt = True  # as point formats 6 and up demand, also without any
    time, intensity = fields.pop("time", np.zeros(len(xyz))), fields.pop("intensity", None)
    if since_ns is not None:
        header.global_encoding.gps_time_type = laspy.header.GpsTimeType.STANDARD
        since = since_ns - _GPS_OFFSET_S * 10**9
        whole, rest = np.divmod(since + np.rint(time * 1e9).astype(np.int64), 10**9)
        time = whole + rest / 1e9  # apart: together they would be rounded twice
    if intensity is not None:
        fields[_EXACT] = intensity.astype(np.float32)
    kinds = [laspy.ExtraBytesParams(name, column.dtype) for name, column in fields.items()]
    header.add_extra_dims(kinds)
    las = laspy.LasData(header)
    las.x, las.y, las.z = np.asarray(xyz, dtype=np.float64).T
    las.gps_time = time
    for name, column in fields.items():
        las[name] = column
    if intensity is not None:
        known = np.nan_to_num(intensity.astype(np.float64), nan=0.0)
        scaled = np.rint(known * (65535 if known.max(initial=0) <= 1 else 1))
        las.intensity = np.clip(scaled, 0, 65535).astype(np.uint16)
    las.write(str(path))


def _check_header(path: Path, file: BinaryIO, size: int) -> None:
    """Check the counts on which laspy and lazrs would set out to loop and allocate.

    Offsets of the public header block are those of the LAS specification 1.4 R15, table 3.
    """
    head = file.read(_HEADER_BYTES)
    if not head.startswith(b"LASF") or len(head) < 227:
        raise InvalidSource(f"{path}: not a whole LAS file, its header is missing")
    header_size, start, vlrs, kind, stride, count = struct.unpack_from("<HIIBHI", head, 94)
    packed = bool(kind & 0x80)
    if head[25] >= 4 and len(head) == _HEADER_BYTES:
        evlr_start, evlrs, count = struct.unpack_from("<QIQ", head, 235)
        if evlrs and evlr_start + evlrs * _EVLR_BYTES > size:
            raise InvalidSource(f"{path}: cut short before its {evlrs} last records; copy it again")
    if start > size or header_size + vlrs * _VLR_BYTES > start:
        raise InvalidSource(
            f"{path}: {size} bytes, points from byte {start} after {vlrs} records; it is damaged"
        )
    claimed = count * stride
    ratio = _LARGEST_RATIO if claimed < HARMLESS_BYTES else MEASURED_RATIO
    if claimed > (size - start) * (ratio if packed else 1):
        raise InvalidSource(
            f"{path}: cut short, {size} bytes for {count} points of {stride} bytes; copy it again"
        )
    if packed and count:
        _check_chunks(path, file, start, size)


def _check_chunks(path: Path, file: BinaryIO, start: int, size: int) -> None:
    """Check the number of chunks of a LAZ file, whose table's place is before its points."""
    file.seek(start)
    table = int.from_bytes(file.read(8), "little", signed=True)
    if table == -1:  # written as a stream: then at the end
        file.seek(size - 8)
        table = int.from_bytes(file.read(8), "little", signed=True)
    file.seek(min(max(table, 0), size))
    entry = file.read(8)
    chunks = int.from_bytes(entry[4:], "little")
    if table < start or len(entry) < 8 or chunks > size:
        raise InvalidSource(f"{path}: cut short or damaged, its table of chunks is missing")


def _are_times(seconds: Floats) -> bool:
    with np.errstate(invalid="ignore"):  # damaged ones may be signalling NaN
        return bool(seconds.any() and (np.abs(seconds) < _LARGEST_TIME_S).all())


def _nanoseconds(seconds: Floats, offset: int) -> NDArray[np.int64]:
    whole = np.floor(seconds)
    parts = np.rint((seconds - whole) * 1e9).astype(np.int64)
    return (whole.astype(np.int64) + offset) * 10**9 + parts


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
