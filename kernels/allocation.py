"""Memory that the process keeps between sweeps instead of giving it back to the system."""

import functools

import numpy as np

_LARGEST = 31 * 1024 * 1024  # bytes; glibc learns from blocks up to 32 MiB


@functools.cache
def keep_freed_memory() -> None:
    """Let glibc keep what is freed, up to 64 MiB; once a process, and nothing elsewhere.

    glibc maps large blocks afresh and unmaps them when they are freed, until it has seen one of
    their size freed (mallopt(3), M_MMAP_THRESHOLD, "dynamic"). The arrays of a sweep are of that
    sort: a page fault for each 4 KiB of them took a tenth of the time of `propose`. A large block
    that is freed untouched, and so never is memory at all, teaches it in advance.
    """
    np.empty(_LARGEST, np.uint8)
