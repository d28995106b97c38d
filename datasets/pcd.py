"""PCD, the Point Cloud Library's format: any fields, as text, binary or compressed binary."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats
from lidar_label.datasets.lzf import LARGEST_RATIO, decompress
from lidar_label.datasets.point_fields import PointFile, points_from_fields
from lidar_label.errors import InvalidSource

_HEADER_BYTES = 1 << 16
_IDENTITY = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
_SIZES = {"I": (1, 2, 4, 8), "U": (1, 2, 4, 8), "F": (4, 8)}
_PADDING = "_"


@dataclass(frozen=True)
class _Header:
    """What a PCD says of itself; one entry a field."""

    path: Path
    names: tuple[str, ...]
    types: tuple[np.dtype[Any], ...]
    counts: tuple[int, ...]
    points: int
    viewpoint: tuple[float, ...]
    data: str

    @property
    def stride(self) -> int:
        """Bytes a point."""
        pairs = zip(self.types, self.counts, strict=True)
        return sum(dtype.itemsize * count for dtype, count in pairs)


def read_pcd(path: str | Path, *, origin: Floats | None = None) -> PointFile:
    """Read a PCD file of version 0.6 or 0.7.

    Args:
        path: The file.
        origin: (3,) taken off the coordinates; chosen if they are large and it is None.

    Raises:
        InvalidSource: naming the file, if it is cut short or not what its header says.
    """
    path = Path(path)
    with path.open("rb") as file:
        header = _read_header(path, file)
        start = file.tell()
        body = path.stat().st_size - start
        warnings: list[str] = []
        if header.data == "ascii":
            fields = _read_ascii(header, file, body)
        elif header.data == "binary":
            fields = _read_binary(header, file, body, warnings)
        else:
            fields = _read_compressed(header, file, body)
    viewpoint = None
    if header.viewpoint != _IDENTITY:
        viewpoint = np.array(header.viewpoint)
        warnings.append(f"{path}: has a VIEWPOINT other than the identity; it is not applied")
    return points_from_fields(path, fields, origin=origin, viewpoint=viewpoint, warnings=warnings)


def _read_header(path: Path, file: BinaryIO) -> _Header:
    entries: dict[str, list[str]] = {}
    while "DATA" not in entries:
        line = file.readline(_HEADER_BYTES)
        if not line or file.tell() > _HEADER_BYTES:
            raise InvalidSource(f"{path}: not a PCD file, it has no DATA line")
        words = line.decode("ascii", "replace").split("#")[0].split()
        if words:
            entries[words[0].upper()] = words[1:]
    for key in ("FIELDS", "SIZE", "TYPE"):
        if not entries.get(key):
            raise InvalidSource(f"{path}: no {key} in its header; a PCD needs it")
    names = tuple(entries["FIELDS"])
    sizes = _numbers(path, entries, "SIZE", len(names))
    counts = (
        _numbers(path, entries, "COUNT", len(names)) if "COUNT" in entries else [1] * len(names)
    )
    letters = entries["TYPE"]
    if len(letters) != len(names):
        raise InvalidSource(f"{path}: {len(letters)} entries of TYPE for {len(names)} FIELDS")
    for name, letter, size in zip(names, letters, sizes, strict=True):
        if size not in _SIZES.get(letter, ()):
            raise InvalidSource(
                f"{path}: field {name} has TYPE {letter} SIZE {size}; use I, U or F of 1 to 8 bytes"
            )
    width = _numbers(path, entries, "WIDTH", 1)[0] if "WIDTH" in entries else None
    height = _numbers(path, entries, "HEIGHT", 1)[0] if "HEIGHT" in entries else 1
    points = _numbers(path, entries, "POINTS", 1)[0] if "POINTS" in entries else None
    if points is None and width is None:
        raise InvalidSource(f"{path}: no POINTS and no WIDTH in its header; a PCD needs one")
    if points is None:
        points = (width or 0) * height
    elif width is not None and width * height != points:
        raise InvalidSource(f"{path}: WIDTH {width} × HEIGHT {height} is not POINTS {points}")
    data = " ".join(entries["DATA"]).lower()
    if data not in {"ascii", "binary", "binary_compressed"}:
        raise InvalidSource(f"{path}: DATA {data}; use ascii, binary or binary_compressed")
    return _Header(
        path=path,
        names=names,
        types=tuple(
            np.dtype(f"<{letter.lower()}{size}")
            for letter, size in zip(letters, sizes, strict=True)
        ),
        counts=tuple(counts),
        points=points,
        viewpoint=_viewpoint(path, entries.get("VIEWPOINT", [])),
        data=data,
    )


def _numbers(path: Path, entries: dict[str, list[str]], key: str, count: int) -> list[int]:
    words = entries[key]
    try:
        numbers = [int(word) for word in words]
    except ValueError:
        numbers = [-1]
    if len(numbers) != count or min(numbers) < 0 or max(numbers) >= 1 << 48:
        raise InvalidSource(
            f"{path}: {key} {' '.join(words)[:40]}; give {count} whole numbers of 0 or more"
        )
    return numbers


def _viewpoint(path: Path, words: Sequence[str]) -> tuple[float, ...]:
    if not words:
        return _IDENTITY
    try:
        numbers = tuple(float(word) for word in words)
    except ValueError:
        numbers = ()
    if len(numbers) != 7:
        raise InvalidSource(f"{path}: VIEWPOINT {' '.join(words)[:60]}; give x y z qw qx qy qz")
    return numbers


def _read_binary(
    header: _Header, file: BinaryIO, body: int, warnings: list[str]
) -> dict[str, NDArray[Any]]:
    wanted = header.points * header.stride
    if body < wanted:
        raise InvalidSource(
            f"{header.path}: cut short, {body} bytes of data for {header.points} points of "
            f"{header.stride} bytes; copy it again"
        )
    if body > wanted:
        warnings.append(f"{header.path}: {body - wanted} bytes after its last point; ignored")
    table = np.frombuffer(file.read(wanted), dtype=np.uint8)
    table = table.reshape(header.points, header.stride)
    fields: dict[str, NDArray[Any]] = {}
    start = 0
    for name, dtype, count in zip(header.names, header.types, header.counts, strict=True):
        end = start + dtype.itemsize * count
        values = np.ascontiguousarray(table[:, start:end]).view(dtype)
        _keep(fields, name, values, count)
        start = end
    return fields


def _read_compressed(header: _Header, file: BinaryIO, body: int) -> dict[str, NDArray[Any]]:
    wanted = header.points * header.stride
    if wanted == 0:
        return _no_rows(header)
    sizes = file.read(8)
    packed, unpacked = (int.from_bytes(part, "little") for part in (sizes[:4], sizes[4:]))
    if body < 8 + packed:
        raise InvalidSource(
            f"{header.path}: cut short, {body} bytes of compressed data; copy it again"
        )
    if unpacked != wanted or unpacked > packed * LARGEST_RATIO:
        raise InvalidSource(
            f"{header.path}: {packed} compressed bytes for {unpacked}, but {header.points} points "
            f"have {wanted}; it is damaged"
        )
    data = decompress(file.read(packed), unpacked)
    if data is None:
        raise InvalidSource(f"{header.path}: its compressed data is damaged; copy it again")
    fields: dict[str, NDArray[Any]] = {}
    start = 0
    for name, dtype, count in zip(header.names, header.types, header.counts, strict=True):
        values = np.frombuffer(data, dtype, header.points * count, start)
        _keep(fields, name, values.reshape(header.points, count), count)
        start += values.nbytes
    return fields


def _read_ascii(header: _Header, file: BinaryIO, body: int) -> dict[str, NDArray[Any]]:
    columns = sum(header.counts)
    if header.points * columns * 2 > body + 1:  # a digit and a blank each
        raise InvalidSource(
            f"{header.path}: cut short, {body} bytes of text for {header.points} points of "
            f"{columns} numbers; copy it again"
        )
    if header.points == 0:
        return _no_rows(header)
    types = [
        (str(i), t, (n,))
        for i, (t, n) in enumerate(zip(header.types, header.counts, strict=True))
        if n
    ]
    try:
        rows = np.loadtxt(file, dtype=types, comments=None, ndmin=1, max_rows=header.points)
    except (ValueError, OverflowError) as error:
        raise InvalidSource(f"{header.path}: a line of its data is wrong: {error}") from error
    if len(rows) < header.points:
        raise InvalidSource(
            f"{header.path}: cut short, {len(rows)} lines for {header.points} points; copy it again"
        )
    fields: dict[str, NDArray[Any]] = {}
    for i, (name, count) in enumerate(zip(header.names, header.counts, strict=True)):
        if count:
            _keep(fields, name, np.ascontiguousarray(rows[str(i)]), count)
    return fields


def _no_rows(header: _Header) -> dict[str, NDArray[Any]]:
    fields: dict[str, NDArray[Any]] = {}
    for name, dtype, count in zip(header.names, header.types, header.counts, strict=True):
        _keep(fields, name, np.zeros((0, count), dtype), count)
    return fields


def _keep(fields: dict[str, NDArray[Any]], name: str, values: NDArray[Any], count: int) -> None:
    if name != _PADDING and count and name not in fields:
        fields[name] = values[:, 0] if count == 1 else values


def write_pcd(
    path: str | Path, xyz: NDArray[Any], *, text: bool = False, **fields: NDArray[Any]
) -> None:
    """Write points (N, 3) and further fields (N,) or (N, count), binary unless `text`."""
    columns = {axis: np.asarray(xyz)[:, i] for i, axis in enumerate("xyz")} | fields
    arrays = {name: v if v.ndim == 2 else v[:, None] for name, v in columns.items()}
    head = {
        "VERSION": "0.7",
        "FIELDS": " ".join(arrays),
        "SIZE": " ".join(str(v.dtype.itemsize) for v in arrays.values()),
        "TYPE": " ".join(v.dtype.kind.upper() for v in arrays.values()),
        "COUNT": " ".join(str(v.shape[1]) for v in arrays.values()),
        "WIDTH": str(len(xyz)),
        "HEIGHT": "1",
        "VIEWPOINT": "0 0 0 1 0 0 0",
        "POINTS": str(len(xyz)),
        "DATA": "ascii" if text else "binary",
    }
    lines = "".join(f"{key} {value}\n" for key, value in head.items())
    with Path(path).open("wb") as file:
        file.write(b"# .PCD v0.7 - Point Cloud Data file format\n" + lines.encode("ascii"))
        if text:
            for row in zip(*(v.tolist() for v in arrays.values()), strict=True):
                numbers = (repr(number) for values in row for number in values)
                file.write((" ".join(numbers) + "\n").encode("ascii"))
        else:
            types = [(n, v.dtype.newbyteorder("<"), v.shape[1:]) for n, v in arrays.items()]
            table = np.empty(len(xyz), dtype=types)
            for name, values in arrays.items():
                table[name] = values
            file.write(table.tobytes())
