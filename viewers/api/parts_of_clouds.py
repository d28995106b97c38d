"""Parts of an encoded cloud, so that a client keeps within its budget: thinned, or near a place.

The server makes them and not the browser, which would otherwise have to receive and hold all points
of a frame to choose among them: 5 million are 60 MB, 1.5 million of them 18 MB.
"""

from typing import Any

import numpy as np

from lidar_label.arrays import Ints
from lidar_label.binary_columns import Column, decode_stored, encode


def thinned(content: bytes, most: int) -> bytes:
    """At most so many of its points, spread evenly: whole levels of detail and a part of the next.

    Args:
        content: From `frame_clouds.encode_frame`, its points ordered by level.
        most: Number of points, at least 1.
    """
    header, columns = decode_stored(content)
    count = header["count"]
    if count <= most:
        return content
    coarser = max((n for n in header["levels"] if n <= most), default=0)
    finer = min((n for n in header["levels"] if most < n <= count), default=count)
    between = np.linspace(coarser, finer, most - coarser, endpoint=False).astype(np.int64)
    return _rows(header, columns, np.concatenate([np.arange(coarser), between]))


def points_near(content: bytes, x: float, y: float, radius: float) -> bytes:
    """Its points within a radius of a place seen from above.

    Args:
        content: From `frame_clouds.encode_frame`.
        x: Metres in the ego frame.
        y: Likewise.
        radius: Metres.
    """
    header, columns = decode_stored(content)
    xyz = next(column for column in columns if column.name == "xyz")
    scale, bias = np.float32(xyz.scale or 1), xyz.bias or (0.0, 0.0, 0.0)
    across = xyz.values[:, 0] * scale - np.float32(x - bias[0])
    along = xyz.values[:, 1] * scale - np.float32(y - bias[1])
    near = np.flatnonzero(across * across + along * along <= np.float32(radius) ** 2)
    return _rows(header, columns, near)


def _rows(header: dict[str, Any], columns: list[Column], rows: Ints) -> bytes:
    """The same cloud with some of its rows, given in their order; levels counted anew."""
    levels = [int(np.searchsorted(rows, n)) for n in header["levels"]]
    kept = [Column(c.name, c.values[rows], c.scale, c.bias) for c in columns]
    return encode({**header, "levels": levels}, kept)
