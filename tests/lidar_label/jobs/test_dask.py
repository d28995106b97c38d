"""The same job on a Dask cluster of real processes, whose workers and scheduler are killed."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from job_trials import CONFIG, check_nothing_half_written, hashes

from lidar_label.errors import UsageError
from lidar_label.jobs.batch import JobOptions, run_job
from lidar_label.jobs.job_progress import JobEvent
from lidar_label.jobs.sources import Source

pytest.importorskip("distributed")
TRIES = 6  # how often workers are killed, and
TIMES_WITHOUT = 2  # the scheduler


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Cluster:
    """A scheduler and two workers with nannies, by `dask scheduler` and `dask worker`."""

    def __init__(self, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler, self.workers = self.start_scheduler(), self.start_workers()

    def run(self, *words: str) -> "subprocess.Popen[bytes]":
        log = (self.folder / "log").open("ab")
        place = {**os.environ, "DASK_TEMPORARY_DIRECTORY": str(self.folder)}
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *words], stdout=log, stderr=log, env=place
        )

    def start_scheduler(self) -> "subprocess.Popen[bytes]":
        return self.run("scheduler", "--host", "127.0.0.1", "--port", str(self.port),
                        "--no-dashboard")  # fmt: skip

    def start_workers(self) -> "list[subprocess.Popen[bytes]]":
        words = ("worker", self.address, "--nthreads", "1", "--nworkers", "2", "--no-dashboard",
                 "--death-timeout", "60")  # fmt: skip
        return [self.run(*words)]

    def lose_scheduler(self) -> None:
        """Kill it, and start another at its address; workers end without theirs."""
        self.scheduler.kill()
        self.scheduler.wait()
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.scheduler, self.workers = self.start_scheduler(), self.start_workers()

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.terminate()
        for process in (*self.workers, self.scheduler):
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    deadline = time.monotonic() + 120
    while not answers(cluster.port) and time.monotonic() < deadline:
        time.sleep(0.1)
    yield cluster
    cluster.close()


def test_a_cluster_gives_the_same_bytes_and_progress(
    cluster: Cluster, sources: list[Source], undisturbed: Path, tmp_path: Path
) -> None:
    events: list[JobEvent] = []
    options = JobOptions(scheduler=cluster.address)
    assert run_job(sources, tmp_path, CONFIG, options, listen=events.append).complete
    assert hashes(tmp_path) == hashes(undisturbed)
    assert {event.kind for event in events} >= {"start", "step", "done", "end"}
    assert all(event.progress.recordings == 6 for event in events)


def test_killed_workers_cost_nothing_but_time(
    cluster: Cluster, sources: list[Source], undisturbed: Path, tmp_path: Path
) -> None:
    left = {source.name for source in sources}
    kills: list[int] = []

    def listen(event: JobEvent) -> None:
        if event.kind == "step" and event.name in left and len(kills) < TRIES:
            left.discard(event.name)
            pid = int(event.fields["where"].rsplit(":", 1)[1])
            os.kill(pid, signal.SIGKILL)
            kills.append(pid)

    options = JobOptions(scheduler=cluster.address)
    assert run_job(sources, tmp_path, CONFIG, options, listen=listen).complete
    assert len(kills) == len(sources) == TRIES
    assert hashes(tmp_path) == hashes(undisturbed)


def test_a_scheduler_that_dies_and_comes_back(
    cluster: Cluster, sources: list[Source], undisturbed: Path, tmp_path: Path
) -> None:
    moments = random.Random(3).sample(range(1, 5), TIMES_WITHOUT)
    done: list[str] = []
    kills: list[int] = []

    def listen(event: JobEvent) -> None:
        if event.kind == "done":
            done.append(event.name)
            if len(done) in moments:
                kills.append(cluster.scheduler.pid)
                cluster.lose_scheduler()

    options = JobOptions(scheduler=cluster.address)
    result = run_job(sources, tmp_path, CONFIG, options, listen=listen)
    assert result.complete
    assert len(kills) == TIMES_WITHOUT
    assert len(done) + result.progress.already == len(sources)
    assert hashes(tmp_path) == hashes(undisturbed)


def test_a_scheduler_that_stays_away_ends_the_job_in_one_line(
    sources: list[Source], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:"):
        run_job(sources, tmp_path, CONFIG, JobOptions(scheduler=f"tcp://127.0.0.1:{free_port()}"))
    assert run_job(sources[:1], tmp_path, CONFIG, JobOptions(workers=0)).complete


def test_a_cancelled_job_leaves_the_cluster(
    cluster: Cluster, sources: list[Source], undisturbed: Path, tmp_path: Path
) -> None:
    seen: list[str] = []

    def listen(event: JobEvent) -> None:
        if event.kind == "step":
            seen.append(event.name)

    options = JobOptions(scheduler=cluster.address)
    result = run_job(
        sources, tmp_path, CONFIG, options, listen=listen, cancelled=lambda: bool(seen)
    )
    assert result.cancelled
    again = run_job(sources, tmp_path, CONFIG, options)
    assert again.complete
    assert check_nothing_half_written(tmp_path, hashes(undisturbed)) == 6


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    from lidar_label.jobs.job_config import JobConfig, RecordingTask
    from lidar_label.jobs.recording_job import run_recording

    source = Source("/nowhere/drive.h5", None, "drive", 1, 1, 1, "f")
    elsewhere = RecordingTask(source, tmp_path / "not-mounted", JobConfig(), job="a job")
    outcome = run_recording(elsewhere)
    assert outcome.kind == "place"
    assert "every worker has under this name" in outcome.reason
    assert not (tmp_path / "not-mounted").exists()
    old = RecordingTask(source, tmp_path, JobConfig(), job="", version="0.0.1")
    assert "install the same on every worker" in run_recording(old).reason
