"""Sweeps a second from points to proposals: what a second core brings, in processes and in threads.

Sweeps are independent of each other, so that two cores could do twice the work of one. The same
sweeps go to one worker and to two; each has them in memory and is warm. Rates are by the clock on
the wall: run it on a machine that does nothing else, with two cores at least. The processor time of
a sweep tells, on a busy machine too, whether workers hinder each other.
"""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from lidar_label.arrays import Floats32
from lidar_label.benchmarks.kernel_inputs import scene
from lidar_label.benchmarks.labelled_sweeps import labelled_sweeps
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.proposals import propose

_ROUNDS = 3
_LEAST_SWEEPS = 48  # in a round: about a second's work
_NOTE = "rates by the clock on the wall; twice is what two cores could do"


class _Rate(NamedTuple):
    sweeps_per_second: float
    processor_ms: float  # a sweep


def run(data: Path | None) -> list[Row]:
    """The labelled sweeps below `data`, or made ones, by one worker and by two."""
    sweeps = [sweep.points for sweep in labelled_sweeps(data)] if data else []
    sweeps = sweeps or [scene(60_000, seed) for seed in range(8)]
    work = [k % len(sweeps) for k in range(_LEAST_SWEEPS)]
    rows: list[Row] = []
    for kind, rate in (("processes", _by_processes), ("threads", _by_threads)):
        alone, together = rate(sweeps, work, 1), rate(sweeps, work, 2)
        name, peer = f"sweeps to proposals, two {kind}", f"one of the {kind}"
        ours, theirs = together.sweeps_per_second, alone.sweeps_per_second
        rows.append(more_is_better(name, ours, peer, theirs, "1/s", _NOTE))
        name = f"processor time of a sweep, two {kind}"
        ours, theirs = together.processor_ms, alone.processor_ms
        rows.append(less_is_better(name, ours, peer, theirs, "ms", _NOTE))
    return rows


def _by_processes(sweeps: list[Floats32], work: list[int], workers: int) -> _Rate:
    context = multiprocessing.get_context("spawn")
    ends = [context.Pipe() for _ in range(workers)]
    processes = [context.Process(target=_serve, args=(sweeps, end)) for _, end in ends]
    for process in processes:
        process.start()
    try:

        def round_of_work() -> float:
            for (own, _), part in zip(ends, _dealt(work, workers), strict=True):
                own.send(part)
            return sum(own.recv() for own, _ in ends)

        return _best(round_of_work, len(work))
    finally:
        for (own, _), process in zip(ends, processes, strict=True):
            own.send(None)
            process.join()


def _serve(sweeps: list[Floats32], end: Connection) -> None:
    """Propose on the sweeps that are asked for, answering with the processor time, until None."""
    while (part := end.recv()) is not None:
        start = time.process_time()
        for k in part:
            propose(sweeps[k])
        end.send(time.process_time() - start)


def _by_threads(sweeps: list[Floats32], work: list[int], workers: int) -> _Rate:
    def done(part: list[int]) -> None:
        for k in part:
            propose(sweeps[k])

    with ThreadPoolExecutor(workers) as pool:

        def round_of_work() -> float:
            start = time.process_time()
            list(pool.map(done, _dealt(work, workers)))
            return time.process_time() - start

        return _best(round_of_work, len(work))


def _dealt(work: list[int], workers: int) -> list[list[int]]:
    return [work[k::workers] for k in range(workers)]


def _best(round_of_work: Callable[[], float], count: int) -> _Rate:
    """The best of several rounds, which answer with their processor time, after one to warm up."""
    round_of_work()
    best = processor = float("inf")
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        processor = min(processor, round_of_work())
        best = min(best, time.perf_counter() - start)
    return _Rate(count / best, processor * 1e3 / count)
