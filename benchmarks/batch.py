"""Batch jobs: sweeps a second beside the usual chain, what Dask adds, a job of 1,000 recordings.

Every recording is a folder of real KITTI sweeps, which is imported, proposed on, tracked and
written, in fresh processes whose start counts. The chain only reads and proposes. What Dask adds is
timed in turn, from when every worker has done a recording: kernels are loaded then, here as there.
"""

import json
import os
import resource
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.benchmarks.chain import PEER
from lidar_label.benchmarks.proposals import chain_proposals
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.datasets.recording import RecordingWriter
from lidar_label.errors import UsageError
from lidar_label.jobs.batch import JobOptions, JobResult, run_job
from lidar_label.jobs.job_config import JobConfig
from lidar_label.jobs.job_progress import JobEvent
from lidar_label.jobs.sources import Source, expand_sources

_COPIES, _CHAIN_SWEEPS = 60, 6
_DASK_COPIES, _TURNS = 12, 2
_RECORDINGS, _FRAMES = 1000, 36  # the simulated job: 36,000 sweeps without a point
_TWO = 2  # workers, here and of Dask
_WORKERS, _MILLION = 100, 1_000_000
_PRICE = 0.05  # € a core hour, about what clouds take for a shared core on demand
_SPEED = "sweeps/s"


@dataclass
class _Watch:
    """Times a job from its first step, and looks at this process's memory meanwhile."""

    first: float | None = None
    done: list[float] = field(default_factory=list[float])
    memory: list[int] = field(default_factory=list[int])

    def __call__(self, event: JobEvent) -> None:
        """Take an event in."""
        if event.kind == "step" and self.first is None:
            self.first = time.perf_counter()
        if event.kind == "done":
            self.done.append(time.perf_counter())
        if event.kind != "step":
            self.memory.append(_resident())


@dataclass(frozen=True)
class _Timed:
    result: JobResult
    whole_s: float
    working_s: float
    warm_s: float
    processor_s: float
    grown_mb: float

    @property
    def rate(self) -> float:
        """Sweeps a second, start of processes and all."""
        return self.result.progress.sweeps / self.whole_s


def run(data: Path | None) -> list[Row]:
    """Measure all of it; takes a few minutes.

    Raises:
        UsageError: if the KITTI drive is not there.
    """
    drive = data / "kitti_raw_drive" if data else None
    if drive is None or not drive.is_dir():
        raise UsageError(f"{data}: no kitti_raw_drive in it; give --data")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        copies = place / "drives"
        copies.mkdir()
        for i in range(_COPIES):
            (copies / f"drive{i:02}").symlink_to(drive.absolute(), target_is_directory=True)
        sources = [s for i in range(_COPIES) for s in expand_sources([f"{copies}/drive{i:02}"])]
        _job(sources[:1], place / "warm", JobOptions(workers=1))  # compiles what is not compiled
        rows, rate = speed_rows(sources, drive, place)
        rows += dask_rows(sources[:_DASK_COPIES], place)
        rows += many_rows(place)
        return [*rows, *paper_rows(rate)]


def speed_rows(sources: list[Source], drive: Path, place: Path) -> tuple[list[Row], float]:
    """Sweeps a second on one and on two cores; and the rate of one."""
    chain = _chain_rate(drive)
    rows: list[Row] = []
    rates: dict[int, float] = {}
    note = "ours: folder to tracked labels on disk; the chain reads and proposes only, on all cores"
    for workers in (1, 2):
        timed = _job(sources, place / f"speed{workers}", JobOptions(workers=workers))
        rates[workers] = timed.rate
        name = f"job of KITTI sweeps, {workers} process{'es' if workers > 1 else ''}"
        rows.append(more_is_better(name, timed.rate, PEER, chain, _SPEED, note))
        each = 1e3 * timed.processor_s / timed.result.progress.sweeps
        rows.append(Row("  of cores a sweep, start and all", each, "", None, "ms", None))
    scaling = "two processes over one"
    rows.append(Row(scaling, rates[2] / rates[1], "", None, "×", None))
    return rows, rates[1]


def dask_rows(sources: list[Source], place: Path) -> list[Row]:
    """The same job in processes of ours and on two workers of Dask, in turn."""
    ours: list[float] = []
    theirs: list[float] = []
    with _cluster() as address:
        if address is None:
            return []
        for turn in range(_TURNS):
            timed = _job(sources, place / f"ours{turn}", JobOptions(workers=2))
            ours.append(timed.warm_s)
            timed = _job(sources, place / f"dask{turn}", JobOptions(scheduler=address))
            theirs.append(timed.warm_s)
    added = 100 * (min(theirs) / min(ours) - 1)
    return [
        less_is_better(
            f"{len(sources) - _TWO} recordings on two warm processes",
            min(ours),
            "two Dask workers",
            min(theirs),
            "s",
        ),
        Row("what Dask adds", added, "", None, "%", None, "goal: at most 10 %"),
    ]


def many_rows(place: Path) -> list[Row]:
    """1,000 recordings of 36 empty sweeps: what is left is scheduling and files."""
    folder = place / "many"
    folder.mkdir()
    template = place / "template.h5"
    _write_tiny(template)
    for i in range(_RECORDINGS):
        (folder / f"r{i:04}.h5").hardlink_to(template)
    sources = expand_sources([str(folder)])
    what = f"{_RECORDINGS:,} recordings, {_RECORDINGS * _FRAMES:,} sweeps"
    rows: list[Row] = []
    with _cluster() as address:
        ways = {"processes": JobOptions(workers=2)}
        if address:
            ways["Dask"] = JobOptions(scheduler=address)
        for way, options in ways.items():
            out = place / f"many-{way}"
            timed = _job(sources, out, options)
            assert timed.result.progress.done == _RECORDINGS
            start = time.perf_counter()
            again = run_job(sources, out, JobConfig(), options)
            planned = time.perf_counter() - start
            assert again.progress.already == _RECORDINGS
            overhead = 1e3 * max(0.0, 2 * timed.working_s - _work_seconds(out)) / _RECORDINGS
            figures = (
                (f"{what}, two {way}", timed.whole_s, "s"),
                (f"  waiting for work a recording, {way}", overhead, "ms"),
                (f"  memory of the job's process grew, {way}", timed.grown_mb, "MB"),
                (f"  finding out that all is done, {way}", planned, "s"),
            )
            rows += [Row(name, value, "", None, unit, None) for name, value, unit in figures]
    largest = max(float(run["process_peak_bytes"] or 0) for run in _runs(place)) / 1e6
    rows.append(Row("largest process of all jobs here", largest, "", None, "MB", None))
    return rows


def paper_rows(rate: float) -> list[Row]:
    """A million sweeps on a hundred workers, on paper, from the rate of one process here."""
    hours = _MILLION / rate / 3600
    note = (
        f"on paper: {rate:.1f} sweeps/s a process as measured here, workers' disks as fast, "
        f"{_PRICE} € a core hour"
    )
    name = f"{_MILLION:,} sweeps"
    return [
        Row(f"{name} on {_WORKERS} workers", 60 * hours / _WORKERS, "", None, "min", None, note),
        Row(f"{name}, process hours", hours, "", None, "h", None, note),
        Row(f"{name}, cost", hours * _PRICE, "", None, "€", None, note),
    ]


def _job(sources: list[Source], out: Path, options: JobOptions) -> _Timed:
    before, used = _resident(), _processor_s()
    watch = _Watch()
    start = time.perf_counter()
    result = run_job(sources, out, JobConfig(), options, listen=watch)
    end = time.perf_counter()
    if not result.complete:
        raise UsageError(f"the measured job failed: {next(iter(result.failures.values()))}")
    grown = (max(watch.memory, default=before) - before) / 1e6
    warm = watch.done[_TWO - 1] if len(watch.done) > _TWO else start
    return _Timed(
        result=result,
        whole_s=end - start,
        working_s=end - (watch.first or start),
        warm_s=end - warm,
        processor_s=_processor_s() - used,
        grown_mb=grown,
    )


def _chain_rate(drive: Path) -> float | None:
    """Sweeps a second of the usual chain; None where its packages are not installed."""
    files = sorted((drive / "velodyne_points" / "data").glob("*.bin"))[:_CHAIN_SWEEPS]
    try:
        chain_proposals(np.fromfile(files[0], np.float32).reshape(-1, 4))  # warm
        start = time.perf_counter()
        for file in files:
            chain_proposals(np.fromfile(file, np.float32).reshape(-1, 4))
        return len(files) / (time.perf_counter() - start)
    except ImportError:
        return None


@contextmanager
def _cluster() -> Generator[str | None]:
    """Two workers of Dask here, one thread each; None without Dask."""
    try:
        from distributed import LocalCluster
    except ImportError:
        yield None
        return
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    former = {name: os.environ.get(name) for name in threads}
    os.environ.update(dict.fromkeys(threads, "1"))
    cluster: Any = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    try:
        yield str(cluster.scheduler_address)
    finally:
        cluster.close()
        for name, value in former.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _write_tiny(path: Path) -> None:
    with RecordingWriter(path, source="benchmark") as writer:
        writer.add_lidar("top", np.eye(4))
        for i in range(_FRAMES):
            writer.append_sweep("top", i * 100_000_000, np.zeros((0, 3), dtype=np.float32))


def _work_seconds(out: Path) -> float:
    """What the recordings themselves took, of all processes together."""
    return sum(float(run["seconds"]) for run in _runs(out.parent, out.name))


def _runs(place: Path, jobs: str = "*") -> list[dict[str, Any]]:
    """Every `run.json` of the jobs in a folder."""
    return [json.loads(path.read_text()) for path in place.glob(f"{jobs}/recordings/*/run.json")]


def _processor_s() -> float:
    """Seconds of cores that this process and those of its that have ended have used."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)


def _resident() -> int:
    """Bytes of memory that this process has."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()


if __name__ == "__main__":
    import sys

    from lidar_label.cli import main

    raise SystemExit(main(["benchmark", "batch", *sys.argv[1:]]))
