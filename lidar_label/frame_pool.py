"""Frames of one recording worked on by several processes, each with the file open for itself."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path
from typing import Any, TypeVar

from lidar_label.datasets.recording import Recording

R = TypeVar("R")
_CHUNK = 4  # frames a task: opening the file is shared, little is lost when stopped


def map_frames(
    work: Callable[[Recording, int, Any], tuple[R, float]],
    path: str | Path,
    frames: Sequence[int],
    config: Any,
    workers: int,
) -> Iterator[tuple[int, R, float]]:
    """Yield (frame, *work(recording, frame, config)) as frames get done, in any order.

    Processes are spawned, not forked: HDF5 and numba's threads do not survive a fork.
    """
    chunks = [frames[i : i + _CHUNK] for i in range(0, len(frames), _CHUNK)]
    pool = ProcessPoolExecutor(
        max_workers=min(workers, len(chunks)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=prepare_worker,
    )
    try:
        waiting: set[Future[list[tuple[int, R, float]]]] = {
            pool.submit(_work_chunk, work, str(path), chunk, config) for chunk in chunks
        }
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield from future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _work_chunk(
    work: Callable[[Recording, int, Any], tuple[R, float]],
    path: str,
    frames: Sequence[int],
    config: Any,
) -> list[tuple[int, R, float]]:
    with Recording(path) as recording:
        return [(frame, *work(recording, frame, config)) for frame in frames]


def prepare_worker() -> None:
    """Leave Ctrl-C to the parent, and end when the parent has ended, however it did."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait_for_any([sentinel])
    os._exit(1)
