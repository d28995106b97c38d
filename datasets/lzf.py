"""Decoder of LibLZF's byte stream (Lehmann, 2000), which compressed PCD files hold."""

import numpy as np
from numpy.typing import NDArray

from lidar_label.kernels.jit import kernel

LARGEST_RATIO = 264 // 3 + 1  # three bytes stand for at most 264


def decompress(data: bytes, size: int) -> bytes | None:
    """The `size` bytes that `data` stands for, or None if it does not stand for just so many."""
    out = np.empty(size, dtype=np.uint8)
    if _decode(np.frombuffer(data, dtype=np.uint8), out) != size:
        return None
    return out.tobytes()


@kernel
def _decode(data: NDArray[np.uint8], out: NDArray[np.uint8]) -> int:
    """Bytes written, or −1 if a run or a reference leaves the data."""
    read, written = 0, 0
    while read < data.size:
        control = int(data[read])
        read += 1
        if control < 32:  # a run of literal bytes
            run = control + 1
            if read + run > data.size or written + run > out.size:
                return -1
            for _ in range(run):
                out[written] = data[read]
                written += 1
                read += 1
            continue
        run = control >> 5
        if run == 7:
            if read >= data.size:
                return -1
            run += int(data[read])
            read += 1
        if read >= data.size:
            return -1
        source = written - ((control & 31) << 8) - int(data[read]) - 1
        read += 1
        run += 2
        if source < 0 or written + run > out.size:
            return -1
        for _ in range(run):  # may overlap what it writes
            out[written] = out[source]
            written += 1
            source += 1
    return written
