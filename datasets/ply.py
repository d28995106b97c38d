"""PLY, the polygon file format: its vertices as points, as text or binary of either byte order."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats
from lidar_label.datasets.point_fields import PointFile, points_from_fields
from lidar_label.errors import InvalidSource

_HEADER_BYTES = 1 << 16
_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
    "int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8",
}  # fmt: skip
_NAMES = {
    "i1": "char", "u1": "uchar", "i2": "short", "u2": "ushort", "i4": "int", "u4": "uint",
    "f4": "float", "f8": "double",
}  # fmt: skip
_ORDERS = {"ascii": "<", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass
class _Element:
    """One kind of rows; types are empty for a kind with lists, whose rows differ in length."""

    name: str
    count: int
    types: list[tuple[str, str]]
    has_list: bool = False


def read_ply(path: str | Path, *, origin: Floats | None = None) -> PointFile:
    """Read the vertices of a PLY file; faces and other elements are passed over.

    Args:
        path: The file.
        origin: (3,) taken off the coordinates; chosen if they are large and it is None.

    Raises:
        InvalidSource: naming the file, if it is cut short or not what its header says.
    """
    path = Path(path)
    with path.open("rb") as file:
        encoding, elements = _read_header(path, file)
        body = path.stat().st_size - file.tell()
        before: list[_Element] = []
        for element in elements:
            if element.name == "vertex":
                return points_from_fields(
                    path, _read_vertices(path, file, encoding, before, element, body), origin=origin
                )
            before.append(element)
    raise InvalidSource(f"{path}: no element vertex in its header; a cloud needs it")


def _read_header(path: Path, file: BinaryIO) -> tuple[str, list[_Element]]:
    if file.readline(8).strip() != b"ply":
        raise InvalidSource(f"{path}: not a PLY file, it does not start with ply")
    encoding = ""
    elements: list[_Element] = []
    while True:
        line = file.readline(_HEADER_BYTES)
        if not line or file.tell() > _HEADER_BYTES:
            raise InvalidSource(f"{path}: not a PLY file, its header does not end")
        match line.decode("ascii", "replace").split():
            case ["end_header"]:
                break
            case ["format", name, *_] if name in _ORDERS:
                encoding = name
            case ["element", name, count] if count.isdecimal() and len(count) < 15:
                elements.append(_Element(name, int(count), []))
            case ["property", "list", *_] if elements:
                elements[-1].has_list = True
            case ["property", kind, name] if elements and kind in _TYPES:
                elements[-1].types.append((name, _TYPES[kind]))
            case [] | ["comment" | "obj_info", *_]:
                pass
            case words:
                raise InvalidSource(f"{path}: header line '{' '.join(words)[:60]}' is no PLY")
    if not encoding:
        raise InvalidSource(f"{path}: no format in its header; a PLY needs it")
    return encoding, elements


def _read_vertices(
    path: Path,
    file: BinaryIO,
    encoding: str,
    before: list[_Element],
    vertex: _Element,
    body: int,
) -> dict[str, NDArray[Any]]:
    if vertex.has_list or any(element.has_list for element in before):
        raise InvalidSource(
            f"{path}: has lists in or before its vertices; export it with the vertices first"
        )
    names = [name for name, _ in vertex.types]
    if len(set(names)) < len(names):
        raise InvalidSource(f"{path}: two properties of its vertices have one name; rename one")
    dtype = np.dtype([(name, _ORDERS[encoding] + kind) for name, kind in vertex.types])
    if not names:
        raise InvalidSource(f"{path}: its vertices have no properties; a cloud needs x y z")
    if encoding == "ascii":
        rows = _read_text(path, file, sum(element.count for element in before), vertex, dtype, body)
    else:
        skip = sum(_width(element) * element.count for element in before)
        wanted = vertex.count * dtype.itemsize
        if body < skip + wanted:
            raise InvalidSource(
                f"{path}: cut short, {body} bytes of data for {vertex.count} vertices of "
                f"{dtype.itemsize} bytes; copy it again"
            )
        file.seek(skip, 1)
        rows = np.frombuffer(file.read(wanted), dtype)
    return {
        name: np.ascontiguousarray(rows[name]).astype(dtype[name].newbyteorder("="))
        for name in names
    }


def _read_text(
    path: Path, file: BinaryIO, skip: int, vertex: _Element, dtype: np.dtype[Any], body: int
) -> NDArray[Any]:
    if vertex.count * len(vertex.types) * 2 > body + 1:  # a digit and a blank each
        raise InvalidSource(
            f"{path}: cut short, {body} bytes of text for {vertex.count} vertices; copy it again"
        )
    if vertex.count == 0:
        return np.zeros(0, dtype)
    for _ in range(skip):
        file.readline()
    try:
        rows = np.loadtxt(file, dtype=dtype, comments=None, ndmin=1, max_rows=vertex.count)
    except (ValueError, OverflowError) as error:
        raise InvalidSource(f"{path}: a line of its data is wrong: {error}") from error
    if len(rows) < vertex.count:
        raise InvalidSource(
            f"{path}: cut short, {len(rows)} lines for {vertex.count} vertices; copy it again"
        )
    return rows


def _width(element: _Element) -> int:
    return sum(np.dtype(kind).itemsize for _, kind in element.types)


def write_ply(
    path: str | Path,
    xyz: NDArray[Any],
    *,
    encoding: str = "binary_little_endian",
    **fields: NDArray[Any],
) -> None:
    """Write points (N, 3) and further properties (N,).

    Args:
        path: The file.
        xyz: Float32 or float64.
        encoding: ascii, binary_little_endian or binary_big_endian.
        **fields: Properties by name, of up to 32 bits or float64.
    """
    columns = {axis: np.asarray(xyz)[:, i] for i, axis in enumerate("xyz")} | fields
    kinds = {name: f"{v.dtype.kind}{v.dtype.itemsize}" for name, v in columns.items()}
    table = np.empty(len(xyz), [(name, _ORDERS[encoding] + kind) for name, kind in kinds.items()])
    for name, values in columns.items():
        table[name] = values
    head = [f"ply\nformat {encoding} 1.0", f"element vertex {len(xyz)}"]
    head += [f"property {_NAMES[kind]} {name}" for name, kind in kinds.items()]
    with Path(path).open("wb") as file:
        file.write(("\n".join([*head, "end_header"]) + "\n").encode("ascii"))
        if encoding == "ascii":
            for row in table.tolist():
                file.write((" ".join(repr(number) for number in row) + "\n").encode("ascii"))
        else:
            file.write(table.tobytes())
