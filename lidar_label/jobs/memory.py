"""How much memory a recording takes, and how much a process may have."""

import os
from pathlib import Path

from lidar_label.datasets.recording import Recording
from lidar_label.errors import LidarLabelError

# A process of a job on KITTI sweeps has 0.5 GB at most (`benchmarks/batch.py`), its kernels being
# compiled; `propose` takes 70 bytes a point of 1 and of 4 million, reading and deskewing the rest.
BASE_BYTES = 600 << 20  # a process with everything loaded
BYTES_A_POINT = 420  # of a frame: coordinates, ground, clusters, deskewing
_BYTES_A_FILE_BYTE = 20  # of the largest file at import, 16 bytes a point and up
_BYTES_A_SAMPLE = 400  # of an inertial unit: features and windows
_SHARE = 0.8  # of the free memory: the rest is for the system and its page cache


class TooLarge(LidarLabelError):
    """A recording that does not fit into the memory a process may have."""


def memory_of_process(processes: int) -> int:
    """Bytes that each of so many processes may take, of what is free and not beyond a container's.

    A Dask worker's own limit counts where the call is made within one.
    """
    limit = _dask_limit()
    return limit if limit else int(_SHARE * _free_bytes() / max(1, processes))


def need_of_recording(recording: Recording) -> int:
    """Bytes that annotating takes at most: the largest frame's, whatever the number of frames."""
    largest = sum(int(recording.point_counts(n).max(initial=0)) for n in recording.lidars)
    samples = sum(len(recording.imu(name).time_ns) for name in recording.imus)
    return BASE_BYTES + BYTES_A_POINT * largest + _BYTES_A_SAMPLE * samples


def need_of_import(largest_file: int) -> int:
    """Bytes that reading a source takes at most: a sweep is a file."""
    return BASE_BYTES + _BYTES_A_FILE_BYTE * largest_file


def check_fits(need: int, limit: int, what: str) -> None:
    """Refuse what would not fit.

    Raises:
        TooLarge: naming both figures and the remedy.
    """
    if need > limit:
        raise TooLarge(
            f"{what}: takes up to {need / 1e9:.1f} GB, and a process may have {limit / 1e9:.1f}; "
            "use fewer --workers, a larger machine, or state --memory"
        )


def peak_bytes() -> int | None:
    """The most memory this process has had; None where the system does not tell.

    Not `ru_maxrss`, which begins with what the parent had when it forked.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    except OSError:
        pass
    return None


def _free_bytes() -> int:
    free = [_meminfo(), *_cgroup()]
    known = [value for value in free if value is not None]
    return min(known) if known else 4 << 30  # nothing to ask on this system


def _meminfo() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def _cgroup() -> list[int | None]:
    """What a container may still take: version 2 of control groups, then version 1."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        folder = Path("/sys/fs/cgroup")
        try:
            return [int((folder / limit).read_text()) - int((folder / used).read_text())]
        except (OSError, ValueError):  # absent, or "max"
            continue
    return []


def _dask_limit() -> int | None:
    import sys

    if "distributed" not in sys.modules:
        return None
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:  # the client's process
        return None
    limit = worker.memory_manager.memory_limit
    return int(limit / max(1, worker.state.nthreads)) if limit else None
