"""The binary form of points: a JSON header, then columns that a browser maps without parsing."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.errors import InvalidSource

MAGIC = b"LLP1"
FORMAT_VERSION = 1  # part of ETags: raise it when the same question gets other bytes
LEVELS = 5  # of detail; level 0 is all points
_ALIGN = 8
_TYPES = {"f4": "<f4", "i2": "<i2", "u1": "|u1", "u2": "<u2"}


@dataclass(frozen=True, eq=False)
class Column:
    """One column; a value is `stored · scale + bias`.

    Attributes:
        name: Of the field.
        values: (N,) or (N, C) of float32, int16, uint8 or uint16, as stored.
        scale: None where the stored value is the value.
        bias: One number a component, or none.
    """

    name: str
    values: NDArray[Any]
    scale: float | None = None
    bias: tuple[float, ...] = ()

    @property
    def type(self) -> str:
        """`f4`, `i2`, `u1` or `u2`."""
        return self.values.dtype.newbyteorder("<").str[1:]


def encode(header: Mapping[str, Any], columns: Sequence[Column]) -> bytes:
    """The magic, the length of the JSON header, the header, and the columns 8-byte aligned.

    The header gets `count` and `fields` (name, type, components, offset from the first byte of
    all, and scale and bias where a value is not what is stored).
    """
    fields: list[dict[str, Any]] = []
    for column in columns:
        components = 1 if column.values.ndim == 1 else column.values.shape[1]
        field = {"name": column.name, "type": column.type, "components": components, "offset": 0}
        if column.scale is not None:
            field["scale"] = column.scale
        if column.bias:
            field["bias"] = list(column.bias)
        fields.append(field)
    document = {**header, "count": len(columns[0].values), "fields": fields}
    start = _padded(8 + len(json.dumps(document)) + 12 * len(fields))  # room for the offsets
    place = start
    for field, column in zip(fields, columns, strict=True):
        field["offset"] = place
        place = _padded(place + column.values.nbytes)
    text = json.dumps(document).encode().ljust(start - 8)
    parts = [MAGIC, struct.pack("<I", len(text)), text]
    for column in columns:
        body = column.values.astype(_TYPES[column.type], copy=False).tobytes()
        parts.append(body)
        parts.append(bytes(_padded(len(body)) - len(body)))
    return b"".join(parts)


def decode(content: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header and each field's values, scaled: float64 where there is a scale or a bias.

    Raises:
        InvalidSource: if the bytes are not of this form or are cut short.
    """
    header, columns = decode_stored(content)
    return header, {column.name: _scaled(column) for column in columns}


def decode_stored(content: bytes) -> tuple[dict[str, Any], list[Column]]:
    """The header and the columns as they are stored, without a copy.

    Raises:
        InvalidSource: if the bytes are not of this form or are cut short.
    """
    if content[:4] != MAGIC or len(content) < 8:
        raise InvalidSource("points: the answer does not begin with LLP1; is this our server?")
    (length,) = struct.unpack_from("<I", content, 4)
    try:
        header = json.loads(content[8 : 8 + length])
        columns = [_column(content, field, header["count"]) for field in header["fields"]]
    except (ValueError, KeyError) as error:
        raise InvalidSource(f"points: the answer is cut short or damaged ({error})") from error
    return header, columns


def _column(content: bytes, field: Mapping[str, Any], count: int) -> Column:
    components = int(field["components"])
    stored = np.frombuffer(content, _TYPES[field["type"]], count * components, field["offset"])
    values: NDArray[Any] = stored if components == 1 else stored.reshape(count, components)
    return Column(field["name"], values, field.get("scale"), tuple(field.get("bias", ())))


def _scaled(column: Column) -> NDArray[Any]:
    if column.scale is None and not column.bias:
        return column.values
    scale = 1.0 if column.scale is None else column.scale
    return column.values * float(scale) + np.asarray(column.bias or 0.0)


def _padded(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN
