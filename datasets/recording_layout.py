"""How a recording lies in its HDF5 file: names, types, version, compression and content hash."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

FORMAT = "lidar-label recording"
FORMAT_VERSION = 1
CONVENTIONS = (
    "Right-handed; metres, radians; time_ns is int64 nanoseconds UTC. Ego, LiDAR and radar frames: "
    "x forward, y left, z up (ISO 8855); camera: x right, y down, z forward. a_from_b: p_a = "
    "a_from_b p_b. world_from_ego: x y z qw qx qy qz; add the attribute origin for the source's "
    "own coordinates. Sweep or image i is rows offset[i]:offset[i+1]. HDF5 filters: hdf5plugin."
)
HASH_BYTES = 20

# Column: type and width (0: one value a row).
LIDAR_COLUMNS: Mapping[str, tuple[str, int]] = {
    "xyz": ("<f4", 3),
    "intensity": ("<f4", 0),
    "ring": ("<u2", 0),
    "point_time_ns": ("<i8", 0),
}
RADAR_COLUMNS: Mapping[str, tuple[str, int]] = {
    "xyz": ("<f4", 3),
    "rcs": ("<f4", 0),
    "radial_velocity": ("<f4", 0),
    "radial_velocity_compensated": ("<f4", 0),
}
CAMERA_COLUMNS: Mapping[str, tuple[str, int]] = {"bytes": ("|u1", 0)}


@dataclass(frozen=True)
class Codec:
    """How columns are compressed and cut.

    Attributes:
        filter: Keyword arguments of h5py's `create_dataset`.
        chunk_rows: Rows of points a chunk; a read decodes whole chunks.
    """

    filter: Mapping[str, Any]
    chunk_rows: int = 16384
    name: str = ""


def default_codec() -> Codec:
    """Blosc's LZ4 on shuffled bytes, measured by `lidar_label.benchmarks.codecs`.

    Of those compared the fastest to read, a sweep of 115 000 points in 0.9 ms (0.4 without any, 2.2
    by Zstandard, 6.8 by gzip), and written as fast as without. Points take 1/1.38 (KITTI), 1/2.25
    (View-of-Delft) and 1/2.54 (Argoverse 2) of their bytes in memory; Zstandard's 1/1.5, 1/2.5 and
    1/3.6 would cost more to decode than a disk of 400 MB/s gains by them.
    """
    import hdf5plugin

    blosc = hdf5plugin.Blosc(cname="lz4", clevel=7, shuffle=hdf5plugin.Blosc.SHUFFLE)
    return Codec(blosc, name="blosc lz4 + shuffle")


class ContentHash:
    """Hash over what a recording holds, whatever its compression, chunks and order of writing.

    Not part of it: the name of the source and the program that wrote the file.
    """

    def __init__(self) -> None:
        self._parts: dict[str, str] = {}

    def add_dataset(self, name: str, rows: tuple[int, ...], dtype: str, digest: str) -> None:
        """A dataset by the digest of its bytes, row by row, little-endian."""
        self._parts[name] = f"{dtype} {list(rows)} {digest}"

    def add_attributes(self, name: str, attributes: Mapping[str, Any]) -> None:
        """Attributes of a group: numbers as their bytes, text as it is."""
        plain = {key: _plain(value) for key, value in attributes.items()}
        self._parts[name + "@"] = json.dumps(plain, sort_keys=True)

    def hexdigest(self) -> str:
        """The hash, 40 hexadecimal digits."""
        text = json.dumps([FORMAT_VERSION, self._parts], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=HASH_BYTES).hexdigest()


def new_digest() -> "hashlib.blake2b":
    """An empty digest for the bytes of one dataset."""
    return hashlib.blake2b(digest_size=HASH_BYTES)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        return [str(item) for item in array.ravel().tolist()]
    little = array.astype(array.dtype.newbyteorder("<"))
    return [little.dtype.str, list(array.shape), little.tobytes().hex()]
