"""A job's recordings on a Dask cluster; it may lose workers, and its scheduler for a while."""

import queue
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from lidar_label.errors import UsageError
from lidar_label.jobs.crew import Lost, News, Step, Teller
from lidar_label.jobs.job_config import RecordingTask
from lidar_label.jobs.recording_job import Outcome, run_recording

_COUNT_S = 5.0  # how often the cluster's size is looked at: it may grow and shrink
_AHEAD = 2  # recordings a thread: the next is there when one ends


class ClusterLost(UsageError):
    """The scheduler does not answer any more."""


class DaskCrew:
    """Runs `run_recording` on the workers of a scheduler; the folder must be theirs too."""

    def __init__(self, address: str, job: str, patience: float = 60.0) -> None:
        """Connect.

        Args:
            address: Of the scheduler, `tcp://host:8786`.
            job: Id of the job; progress is told under this name.
            patience: Seconds to wait for a scheduler that went away, before giving up.

        Raises:
            UsageError: if dask is not installed or nobody answers.
        """
        self._address = address
        self._topic = f"lidar-label-{job}"
        self._patience = patience
        self._news: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._futures: dict[str, Any] = {}
        self._threads, self._count_at = 0, 0.0
        self._client = self._connect(10.0)

    def _connect(self, patience: float) -> Any:
        try:
            from distributed import Client
        except ImportError as error:
            raise UsageError("--scheduler needs dask; pip install 'lidar-label[dask]'") from error
        until = time.monotonic() + patience
        while True:
            try:
                client = Client(self._address, timeout=5, set_as_default=False)
                client.subscribe_topic(self._topic, self._hear)
                return client
            except (OSError, TimeoutError, ValueError) as error:
                if time.monotonic() > until or isinstance(error, ValueError):
                    raise ClusterLost(
                        f"no Dask scheduler answers at {self._address} ({_line(error)}); start one "
                        "and run this again: finished work is kept"
                    ) from error
                time.sleep(0.5)

    def _hear(self, event: Any) -> None:
        _, message = event
        self._news.put(Step(**message["step"]))

    def _hear_end(self, name: str, future: Any) -> None:
        self._news.put((name, future))

    def room(self) -> int:
        """What keeps every thread of the cluster busy, and a few ahead."""
        if self._client.status != "running":
            return 0  # `news` waits for the scheduler
        if time.monotonic() >= self._count_at:
            self._count_at = time.monotonic() + _COUNT_S
            try:
                self._threads = sum(self._client.nthreads().values())
            except (OSError, TimeoutError, RuntimeError, AttributeError):
                return 0  # it went away this very moment
        return max(1, self._threads * _AHEAD) - len(self._futures)

    def submit(self, task: RecordingTask) -> None:
        """Send a recording to the cluster."""
        name = task.source.name
        future = self._client.submit(
            _run_there, task, self._topic, key=f"{name}-{time.time_ns()}", pure=False
        )
        self._futures[name] = future
        future.add_done_callback(partial(self._hear_end, name))

    def news(self, timeout: float) -> Sequence[News]:
        """What the cluster told."""
        if self._client.status != "running":
            return self._reconnect()
        found: list[News] = []
        try:
            first = self._news.get(timeout=timeout)
        except queue.Empty:
            return found
        waiting = [first]
        while not self._news.empty():
            waiting.append(self._news.get())
        for item in waiting:
            if isinstance(item, Step):
                found.append(item)
                continue
            name, future = item
            if self._futures.get(name) is not future:
                continue  # of a scheduler that is gone
            if future.status == "cancelled":  # by nobody of us: the connection is lost
                return [*found, *self._reconnect()]
            del self._futures[name]
            found.append(_ending(name, future))
        return found

    def _reconnect(self) -> list[News]:
        """Wait for the scheduler to be back; all it had is to be given anew."""
        lost: list[News] = [
            Lost(name, "the scheduler went away", counts=False) for name in self._futures
        ]
        self._futures.clear()
        _close(self._client)
        self._client = self._connect(self._patience)
        self._count_at = 0.0
        return lost

    def close(self) -> None:
        """Take back what waits; what runs sees within seconds that its job is over."""
        if self._futures and self._client.status == "running":
            self._client.cancel(list(self._futures.values()), asynchronous=False)
        self._futures.clear()
        _close(self._client)


def _close(client: Any) -> None:
    try:
        client.close(timeout=2)
    except (OSError, TimeoutError, RuntimeError):
        return


def _ending(name: str, future: Any) -> News:
    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    error = future.exception()
    return Lost(name, f"its worker died several times, or could not start it ({_line(error)})")


def _run_there(task: RecordingTask, topic: str) -> Outcome:
    """On a worker: the same function as in a process of ours."""
    from distributed import get_worker

    worker = get_worker()

    def send(step: Step) -> None:
        worker.log_event(topic, {"step": asdict(step)})  # dask adds keys of its own

    return run_recording(task, Teller(task.source.name, send))


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
