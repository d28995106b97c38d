"""What a packed file may claim to hold, so that kilobytes do not become terabytes of zeros.

What sensors measure packs to a tenth, and a column that never changes, in chunks of ours, to no
less than a thousandth or two (64 kB to some 30 bytes of zstd and an entry in the index).
"""

import math
from typing import Any

import h5py
from numpy.typing import NDArray

HARMLESS_BYTES = 1 << 28  # so much may be claimed whatever is stored
LARGEST_RATIO = 3000  # of one column
MEASURED_RATIO = 100  # of all columns of a sweep together, its coordinates among them; of images


def read_rows(item: h5py.Dataset, rows: slice = slice(None)) -> NDArray[Any]:
    """The rows of an HDF5 dataset.

    Raises:
        ValueError: if they claim more than the stored bytes can hold.
    """
    start, stop, _ = rows.indices(len(item))
    check_claim(stop - start, item)
    return item[start:stop]


def check_claim(rows: int, *items: h5py.Dataset, ratio: int = LARGEST_RATIO) -> None:
    """Refuse so many rows of HDF5 datasets if the bytes that are stored cannot hold them.

    Raises:
        ValueError: saying how much is claimed and stored.
    """
    claimed = sum(rows * math.prod(item.shape[1:]) * item.dtype.itemsize for item in items)
    stored = sum(int(item.id.get_storage_size()) for item in items)
    if claimed > HARMLESS_BYTES and claimed > ratio * stored:
        raise ValueError(f"{rows} rows claim {claimed} bytes, and {stored} are stored")
