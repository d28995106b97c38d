"""Who does a job's recordings: processes of this machine, or this very process."""

import multiprocessing
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from lidar_label.jobs.job_config import RecordingTask
    from lidar_label.jobs.recording_job import Outcome

_TELL_S = 0.2  # a process speaks of its progress at most so often


@dataclass(frozen=True)
class Step:
    """A recording got on: `done` of `total` of a stage, in the process `where` (host:pid)."""

    name: str
    stage: str
    done: int
    total: int
    where: str


@dataclass(frozen=True)
class Lost:
    """A recording's process ended in the middle of it.

    Attributes:
        name: Of the source.
        reason: Why, as far as it is known.
        counts: Whether the recording may be to blame; not when the whole cluster went.
    """

    name: str
    reason: str
    counts: bool = True


News: TypeAlias = "Step | Lost | Outcome"


class Crew(Protocol):
    """Takes recordings and tells what becomes of them."""

    def room(self) -> int:
        """How many more recordings it takes now."""
        ...

    def submit(self, task: "RecordingTask") -> None:
        """Take a recording."""
        ...

    def news(self, timeout: float) -> Sequence[News]:
        """What has happened since, waiting a little for something to happen."""
        ...

    def close(self) -> None:
        """End all work at once; what was under way can be gone on with."""
        ...


class Alone:
    """Does recordings in this process, one at each call of `news`: for few, for tests, for pdb."""

    def __init__(self) -> None:
        self._waiting: deque[RecordingTask] = deque()

    def room(self) -> int:
        """One at a time."""
        return 1 - len(self._waiting)

    def submit(self, task: "RecordingTask") -> None:
        """Take a recording."""
        self._waiting.append(task)

    def news(self, timeout: float) -> Sequence[News]:  # noqa: ARG002
        """Do what was taken."""
        from lidar_label.jobs.recording_job import run_recording

        steps: list[News] = []
        while self._waiting:
            task = self._waiting.popleft()
            steps.append(run_recording(task))
        return steps

    def close(self) -> None:
        """Nothing is under way between calls."""
        self._waiting.clear()


@dataclass(eq=False)
class _Member:
    process: BaseProcess
    pipe: "Connection[Any, Any]"
    name: str | None = None


class Processes:
    """So many processes of this machine, one recording each; one that dies is replaced.

    Not an executor of the standard library: there one killed process (by the system, for its
    memory) fails everything that waits.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._members: list[_Member] = []
        self._context = multiprocessing.get_context("spawn")  # HDF5 and threads survive no fork

    def room(self) -> int:
        """Processes without a recording, those not started yet included."""
        return self._count - sum(member.name is not None for member in self._members)

    def submit(self, task: "RecordingTask") -> None:
        """Give a recording to a free process."""
        while True:
            member = next((m for m in self._members if m.name is None), None) or self._start()
            try:
                member.pipe.send(task)
            except (BrokenPipeError, ConnectionResetError):  # it died while it was idle
                self._remove(member)
                continue
            member.name = task.source.name
            return

    def _start(self) -> _Member:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs,), name="lidar-label batch")
        process.start()
        theirs.close()
        member = _Member(process, ours)
        self._members.append(member)
        return member

    def news(self, timeout: float) -> Sequence[News]:
        """Messages of the processes; of one that died, which recording it lost."""
        found: list[News] = []
        by_pipe: dict[Any, _Member] = {member.pipe: member for member in self._members}
        for pipe in wait(list(by_pipe), timeout):
            member = by_pipe[pipe]
            try:
                message: News = member.pipe.recv()
            except (EOFError, ConnectionResetError):
                lost = member.name
                reason = self._remove(member)
                if lost is not None:
                    found.append(Lost(lost, reason))
                continue
            if not isinstance(message, Step):
                member.name = None
            found.append(message)
        return found

    def _remove(self, member: _Member) -> str:
        """Forget a dead process and say how it ended."""
        self._members.remove(member)
        member.process.join(5)
        code = member.process.exitcode
        member.pipe.close()
        if code is not None and code < 0:
            hint = "; was it out of memory?" if code == -9 else ""
            return f"its process was ended by signal {-code}{hint}"
        return f"its process ended with code {code}"

    def close(self) -> None:
        """Kill the processes: every recording can be gone on with, so none needs to be asked."""
        for member in self._members:
            member.process.kill()
        for member in self._members:
            member.process.join()
            member.pipe.close()
        self._members.clear()


def _serve(pipe: "Connection[Any, Any]") -> None:
    """The life of a process: one recording after another until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"  # one process a core; set before those packages are loaded
    from lidar_label.frame_pool import prepare_worker
    from lidar_label.jobs.recording_job import run_recording

    prepare_worker()
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        pipe.send(run_recording(task, Teller(task.source.name, pipe.send)))


class Teller:
    """Hands on steps, not too many: each new stage, and then a few a second."""

    def __init__(self, name: str, send: Any) -> None:
        self._name = name
        self._send = send
        self._where = f"{socket.gethostname()}:{os.getpid()}"
        self._stage = ""
        self._next = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Tell of a step, if it is time."""
        now = time.monotonic()
        if stage == self._stage and now < self._next and done < total:
            return
        self._stage, self._next = stage, now + _TELL_S
        self._send(Step(self._name, stage, done, total, self._where))
