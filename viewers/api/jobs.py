"""Machine work in processes of its own: started, watched, stopped, and gone on with after a crash.

A job is a row. Its server says every few seconds that it runs; a job whose server is gone becomes
`interrupted`, and `resume` starts it again where its finished frames end.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update
from starlette.concurrency import run_in_threadpool

from lidar_label.errors import LidarLabelError, NotFound, UsageError
from lidar_label.store import Store
from lidar_label.store.database import Database
from lidar_label.viewers.api.tables import job

KINDS = ("annotate",)  # that are asked for by name; an import has its own routes
ENDED = ("done", "failed", "cancelled", "interrupted")
_BEAT_S = 5.0
_QUIET_S = 15.0
_LOST_S = 60.0
_NS = 1_000_000_000
_Listener = tuple[asyncio.AbstractEventLoop, asyncio.Queue["Job"]]


@dataclass(frozen=True)
class Work:
    """What a job does.

    Attributes:
        command: Of its process, which tells its progress in lines of JSON.
        finish: Takes in what the process made; gives the recording and words for people.
    """

    command: Sequence[str]
    finish: Callable[[], tuple[int, str]]


@dataclass(frozen=True)
class Job:
    """One piece of machine work.

    Attributes:
        id: Its number.
        project_id: Where.
        recording_id: On what; 0 of an import until it is done.
        kind: `annotate` or `import`.
        settings: Of the work.
        state: queued, running, done, failed, cancelled or interrupted.
        stage: What it does just now.
        done: Of `total`.
        total: Steps of the stage.
        message: What came out, or what went wrong.
        author: Who started it.
        created_ns: When.
    """

    id: int
    project_id: int
    recording_id: int
    kind: str
    settings: Mapping[str, Any]
    state: str
    stage: str
    done: int
    total: int
    message: str
    author: str
    created_ns: int


_JOB = [job.c[name] for name in Job.__dataclass_fields__]


class Jobs:
    """The jobs of one server, one at a time."""

    def __init__(self, database: Database, store: Store, folder: Path, *, workers: int = 1) -> None:
        self._database = database
        self._store = store
        self._folder = folder
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="job")
        self._running: dict[int, subprocess.Popen[str]] = {}
        self._cancelled: set[int] = set()
        self._listeners: dict[int, list[_Listener]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._mine: set[int] = set()

    def start(self) -> None:
        """Mark what a dead server left behind, and say from now on that ours run."""
        self._mark_lost()
        threading.Thread(target=self._beat, name="job beat", daemon=True).start()

    def stop(self) -> None:
        """Interrupt what runs; it can be resumed."""
        self._stopping.set()
        with self._lock:
            for process in self._running.values():
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._change_where(list(self._mine), state="interrupted", message="the server was stopped")

    def submit(
        self,
        project: int,
        recording: int,
        path: Path,
        kind: str,
        settings: Mapping[str, Any],
        author: str,
    ) -> Job:
        """Queue work on a recording.

        Raises:
            UsageError: if there is no such kind.
        """
        if kind not in KINDS:
            raise UsageError(f"no job of kind {kind!r}; there is {', '.join(KINDS)}")
        proposals = settings.get("proposals", {})
        if not isinstance(proposals, Mapping) or "ontology" in proposals:
            raise UsageError("settings.proposals: leave `ontology` out, the project's is used")
        found = self._add(project, recording, kind, settings, author)
        return self._queue(found, partial(self._annotation, found, path))

    def submit_import(
        self, project: int, settings: Mapping[str, Any], author: str, make: Callable[[Path], Work]
    ) -> Job:
        """Queue an import; it cannot be resumed.

        Args:
            project: Where the recording is to be.
            settings: For people to look at.
            author: Who imports.
            make: The work, from the job's own folder.
        """
        found = self._add(project, 0, "import", settings, author)
        return self._queue(found, partial(make, self._place(found)))

    def _add(
        self, project: int, recording: int, kind: str, settings: Mapping[str, Any], author: str
    ) -> Job:
        now = time.time_ns()
        row = {
            "project_id": project, "recording_id": recording, "kind": kind,
            "settings": json.dumps(dict(settings)), "state": "queued", "stage": "", "done": 0,
            "total": 0, "message": "", "author": author, "host": socket.gethostname(),
            "process": os.getpid(), "created_ns": now, "beat_ns": now,
        }  # fmt: skip
        with self._database.write() as connection:
            id_ = connection.execute(insert(job).returning(job.c.id), row).scalar_one()
        return self.find(project, id_)

    def resume(self, project: int, job_id: int, path: Path) -> Job:
        """Go on with a job that ended without a result.

        Raises:
            UsageError: if it runs, waits or is done.
        """
        found = self.find(project, job_id)
        if found.kind == "import":
            raise UsageError(f"job {job_id} is an import; begin it again on the project's page")
        if found.state not in {"failed", "cancelled", "interrupted"}:
            raise UsageError(f"job {job_id} is {found.state}; only one that stopped can be resumed")
        self._change(
            job_id, state="queued", message="", host=socket.gethostname(), process=os.getpid(),
            beat_ns=time.time_ns(),
        )  # fmt: skip
        found = self.find(project, job_id)
        return self._queue(found, partial(self._annotation, found, path))

    def cancel(self, project: int, job_id: int) -> Job:
        """Stop a job; its finished frames are kept for a resume."""
        found = self.find(project, job_id)
        if found.state in ENDED:
            return found
        with self._lock:
            self._cancelled.add(job_id)
            process = self._running.get(job_id)
        if process is not None:
            process.terminate()
        elif found.state == "queued":
            self._change(job_id, state="cancelled", message="cancelled before it began")
        return self.find(project, job_id)

    def find(self, project: int, job_id: int) -> Job:
        """A job of a project.

        Raises:
            NotFound: if it has none of that number.
        """
        wanted = select(*_JOB).where(job.c.id == job_id, job.c.project_id == project)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        if row is None:
            raise NotFound(f"project {project} has no job {job_id}")
        return _as_job(row)

    def all(self, project: int, recording: int | None = None, limit: int = 100) -> list[Job]:
        """Of a project or a recording, newest first."""
        wanted = select(*_JOB).where(job.c.project_id == project)
        if recording is not None:
            wanted = wanted.where(job.c.recording_id == recording)
        with self._database.read() as connection:
            rows = connection.execute(wanted.order_by(job.c.id.desc()).limit(limit)).all()
        return [_as_job(row) for row in rows]

    async def watch(self, project: int, job_id: int) -> AsyncGenerator[Job | None]:
        """The job as it stands and after every change until it ends; None after quiet seconds."""
        news: asyncio.Queue[Job] = asyncio.Queue()
        listener = (asyncio.get_running_loop(), news)
        with self._lock:
            self._listeners.setdefault(job_id, []).append(listener)
        try:
            found = await run_in_threadpool(self.find, project, job_id)
            yield found
            while found.state not in ENDED and not self._stopping.is_set():
                try:
                    found = await asyncio.wait_for(news.get(), _QUIET_S)
                except TimeoutError:
                    yield None
                    continue
                yield found
        finally:
            with self._lock:
                self._listeners[job_id].remove(listener)
                if not self._listeners[job_id]:
                    del self._listeners[job_id]

    def _queue(self, found: Job, make: Callable[[], Work]) -> Job:
        with self._lock:
            self._mine.add(found.id)
            self._cancelled.discard(found.id)
        self._pool.submit(self._run, found, make)
        return found

    def _run(self, found: Job, make: Callable[[], Work]) -> None:
        try:
            if found.id in self._cancelled:
                return
            self._change(found.id, state="running", stage="starting")
            state, message = self._work(found, make())
        except LidarLabelError as error:
            state, message = "failed", str(error)
        except Exception as error:  # whatever it is, the job must not stay `running`
            state, message = "failed", f"{type(error).__name__}: {error}"
        with self._lock:
            self._running.pop(found.id, None)
            self._mine.discard(found.id)
        self._change(found.id, state=state, message=message)

    def _place(self, found: Job) -> Path:
        place = self._folder / str(found.id)
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _annotation(self, found: Job, path: Path) -> Work:
        place = self._place(found)
        labels = place / "proposals.parquet"
        settings = place / "settings.json"
        settings.write_text(json.dumps(self._settings(found, place)), encoding="utf-8")

        def finish() -> tuple[int, str]:
            from lidar_label.cuboids import load_cuboids

            cuboids = load_cuboids(labels)
            self._store.load_proposals(found.recording_id, cuboids)
            return found.recording_id, f"{len(cuboids)} cuboids proposed"

        worker = "lidar_label.viewers.api.job_worker"
        command = [sys.executable, "-m", worker, str(path), str(labels), str(settings)]
        return Work(command, finish)

    def _work(self, found: Job, work: Work) -> tuple[str, str]:
        with subprocess.Popen(
            work.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            with self._lock:
                self._running[found.id] = process
                if found.id in self._cancelled or self._stopping.is_set():
                    process.terminate()
            assert process.stdout is not None
            assert process.stderr is not None
            told = 0.0
            for line in process.stdout:
                stage, done, total = json.loads(line)
                if time.monotonic() - told > 0.2 or done == total:
                    told = time.monotonic()
                    self._change(found.id, stage=stage, done=done, total=total)
            wrong = process.stderr.read().strip().splitlines()
        if process.returncode == 0:
            self._change(found.id, stage="loading")
            recording, message = work.finish()
            self._change(found.id, recording_id=recording)
            return "done", message
        if found.id in self._cancelled:
            return "cancelled", "cancelled; finished frames are kept, resume goes on from there"
        if self._stopping.is_set() or process.returncode in {-signal.SIGTERM, -signal.SIGKILL, 130}:
            return "interrupted", "the work was stopped; resume goes on from there"
        return "failed", wrong[-1] if wrong else f"ended with code {process.returncode}"

    def _settings(self, found: Job, place: Path) -> dict[str, Any]:
        """The job's settings, with the project's ontology where it has one."""
        settings = dict(found.settings)
        try:
            ontology = self._store.ontology(found.project_id)
        except NotFound:
            return settings
        (place / "ontology.yaml").write_text(ontology.text, encoding="utf-8")
        proposals = {**settings.get("proposals", {}), "ontology": "ontology.yaml"}
        return {**settings, "proposals": proposals}

    def _change(self, job_id: int, **values: Any) -> None:
        self._change_where([job_id], **values)
        with self._database.read() as connection:
            row = connection.execute(select(*_JOB).where(job.c.id == job_id)).one()
        with self._lock:
            listeners = list(self._listeners.get(job_id, ()))
        for loop, news in listeners:
            with contextlib.suppress(RuntimeError):  # its loop has closed
                loop.call_soon_threadsafe(news.put_nowait, _as_job(row))

    def _change_where(self, ids: list[int], **values: Any) -> None:
        if not ids:
            return
        with self._database.write() as connection:
            values = {"beat_ns": time.time_ns(), **values}
            connection.execute(update(job).where(job.c.id.in_(ids)).values(**values))

    def _beat(self) -> None:
        while not self._stopping.wait(_BEAT_S):
            with self._lock:
                mine = list(self._mine)
            self._change_where(mine)
            self._mark_lost()

    def _mark_lost(self) -> None:
        """Jobs of servers that are gone: by their process on this machine, by silence elsewhere."""
        running = select(job.c.id, job.c.host, job.c.process, job.c.beat_ns).where(
            job.c.state.in_(("queued", "running"))
        )
        with self._database.read() as connection:
            rows = connection.execute(running).all()
        silent_ns = time.time_ns() - int(_LOST_S * _NS)
        here = socket.gethostname()
        lost = [
            row.id
            for row in rows
            if row.id not in self._mine
            and (row.beat_ns < silent_ns or (row.host == here and not _alive(row.process)))
        ]
        self._change_where(
            lost, state="interrupted", message="its server ended; resume goes on from there"
        )


def _alive(process: int) -> bool:
    if process == os.getpid():
        return False  # we run it not: an earlier process had our number
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _as_job(row: Any) -> Job:
    return Job(**{**row._mapping, "settings": json.loads(row.settings)})
