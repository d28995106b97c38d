"""One recording from source to published result: the function that processes and clusters run."""

import os
import shutil
import socket
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lidar_label import __version__
from lidar_label.datasets.formats import import_source
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.remote_sources import is_url, local_copy, raise_if_full
from lidar_label.errors import LidarLabelError, NoSpace, UnreachableSource, UsageError
from lidar_label.jobs.job_config import RecordingTask
from lidar_label.jobs.locks import read_owner
from lidar_label.jobs.memory import (
    TooLarge,
    check_fits,
    memory_of_process,
    need_of_import,
    need_of_recording,
)
from lidar_label.jobs.output_folder import (
    RECORDING,
    RESULT,
    RUN,
    OutputFolder,
    read_json,
    write_json,
)
from lidar_label.jobs.result_making import Tell, keep_recording, make_result, origin_of, seal

_LOOK_S = 2.0  # how often a process asks whether its job still exists


@dataclass(frozen=True)
class Outcome:
    """How one recording ended.

    Attributes:
        name: Of the source.
        status: `done`, `already` (a finished result was there), `failed`, or `abandoned` (the job
            that wanted it is over).
        kind: Why it failed: `input`, `store`, `memory`, `space`, `other` (a result made otherwise
            is there), `place` (this process cannot work for the job), `crash` (its process died) or
            `defect` (an error that we did not foresee).
        reason: In one line.
        detail: The trace of a defect.
        sweeps: Frames proposed in this run.
        cuboids: In the result.
        seconds: Of this run.
    """

    name: str
    status: str
    kind: str = ""
    reason: str = ""
    detail: str = ""
    sweeps: int = 0
    cuboids: int = 0
    seconds: float = 0.0


class _Abandoned(Exception):
    """The job that wanted this recording has ended or been cancelled."""


def run_recording(task: RecordingTask, tell: Tell | None = None) -> Outcome:
    """Do one recording, or go on with it, and publish its result whole; never raises.

    The same source, configuration and version give the same bytes in every file but `run.json`.
    """
    start = time.perf_counter()
    name = task.source.name
    folder = OutputFolder(task.output)
    watch = _Watch(task, tell)
    try:
        _check_place(task, folder)
        with folder.lock_recording(name, task.job) as lock, _full_disk_named(task.output):
            lock.hold(watch.check)
            outcome = _run(task, folder, watch)
    except _Abandoned:
        outcome = Outcome(name, "abandoned")
    except LidarLabelError as error:
        outcome = Outcome(name, "failed", _kind(error), str(error))
    except Exception as error:  # a recording must not end the job
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        outcome = Outcome(name, "failed", "defect", text, traceback.format_exc())
    return replace(outcome, seconds=time.perf_counter() - start)


def _check_place(task: RecordingTask, folder: OutputFolder) -> None:
    """Refuse to work where the job's folder is not seen, or with another version's code."""
    if task.version != __version__:
        raise _WrongPlace(
            f"{socket.gethostname()} has lidar-label {__version__}, the job was started by "
            f"{task.version}; install the same on every worker"
        )
    if task.job and not folder.owner_file.is_file():
        raise _WrongPlace(
            f"{socket.gethostname()} does not see {task.output}; -o must be a folder that every "
            "worker has under this name (NFS, Lustre, a ReadWriteMany volume)"
        )


class _WrongPlace(UsageError):
    """This process cannot work for the job."""


class _Watch:
    """Passes progress on, and stops the work when its job is over."""

    def __init__(self, task: RecordingTask, tell: Tell | None) -> None:
        self._owner = OutputFolder(task.output).owner_file
        self._job = task.job
        self._tell = tell
        self._next = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.check()
        if self._tell:
            self._tell(stage, done, total)

    def check(self) -> None:
        if self._job and time.monotonic() >= self._next:
            self._next = time.monotonic() + _LOOK_S
            if read_owner(self._owner).get("job") != self._job:
                raise _Abandoned


def _run(task: RecordingTask, folder: OutputFolder, watch: _Watch) -> Outcome:
    name, key = task.source.name, task.cheap_key()
    place = folder.result(name)
    if folder.is_whole(name) and read_json(place / RUN).get("key") == key:
        return Outcome(name, "already", cuboids=read_json(place / RESULT)["labels"]["cuboids"])
    work = _own_work(folder.work(name), key)
    if not read_json(work / "result" / RESULT):  # else it was killed just before it was published
        watch("read", 0, 1)
        recording, is_new = _obtain(task, work, watch)
        with recording:
            check_fits(need_of_recording(recording), _memory(task), task.source.uri)
            known = _known_result(task, folder, recording)
            if known:
                return known
            if task.verify and not is_new and not (work / "verified").exists():
                watch("verify", 0, 1)
                recording.verify()
                (work / "verified").touch()
            result = make_result(task, recording, work, watch)
            keep_recording(task, work, is_new=is_new)
        seal(work, task, result, key)
    sweeps = int(read_json(work / "result" / RUN).get("sweeps_in_last_run", 0))
    cuboids = int(read_json(work / "result" / RESULT)["labels"]["cuboids"])
    folder.publish(name)
    return Outcome(name, "done", sweeps=sweeps, cuboids=cuboids)


def _own_work(work: Path, key: str) -> Path:
    """The work folder, emptied where it holds work of another configuration or input."""
    mark = work / "key"
    if mark.is_file() and mark.read_text(encoding="utf-8") == key:
        return work
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    partial = work / "key.partial"
    partial.write_text(key, encoding="utf-8")
    partial.replace(mark)
    return work


def _memory(task: RecordingTask) -> int:
    return task.memory or memory_of_process(1)


def _obtain(task: RecordingTask, work: Path, watch: _Watch) -> tuple[Recording, bool]:
    """The recording, opened, and whether it was made here."""
    source = task.source
    if source.is_recording:
        return Recording(_local(task, work, watch)), False
    imported = work / "imported"
    if not imported.is_dir():
        check_fits(need_of_import(source.largest), _memory(task), source.uri)
        path = _local(task, work, watch)
        partial = work / "imported.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        result = import_source(
            path,
            partial / RECORDING,
            task.config.source_format,
            sequence=source.sequence,
            progress=lambda done, total: watch("import", done, total),
        )
        write_json(partial / "warnings.json", {"format": result.format, "lines": result.warnings})
        partial.rename(imported)
        shutil.rmtree(work / "source", ignore_errors=True)  # what the recording holds now
    return Recording(imported / RECORDING), True


def _local(task: RecordingTask, work: Path, watch: _Watch) -> Path:
    if not is_url(task.source.uri):
        return Path(task.source.uri)
    return local_copy(
        task.source.uri,
        work / "source",
        progress=lambda done, total: watch("copy", done, total),
    )


def _known_result(
    task: RecordingTask, folder: OutputFolder, recording: Recording
) -> Outcome | None:
    """What to answer where a result is there: made of the same content, or otherwise.

    Raises:
        UsageError: if it was made otherwise and may not be replaced.
    """
    name = task.source.name
    place = folder.result(name)
    present = read_json(place / RESULT)
    if not present or not folder.is_whole(name):
        return None
    if present.get("key") == task.key() and present.get("input") == recording.content_hash:
        # Copied or touched, but the same content: only what tells so at a glance is brought up.
        write_json(place / RUN, {**read_json(place / RUN), **origin_of(task)})
        shutil.rmtree(folder.work(name), ignore_errors=True)
        folder.release(name)
        return Outcome(name, "already", cuboids=present["labels"]["cuboids"])
    if not task.replace:
        raise _MadeOtherwise(
            f"{place}: was made of other content or settings; another -o, or --force to replace it"
        )
    return None


class _MadeOtherwise(UsageError):
    """A result is there that is not this one."""


def _kind(error: LidarLabelError) -> str:
    kinds: tuple[tuple[type[LidarLabelError], str], ...] = (
        (NoSpace, "space"),
        (UnreachableSource, "store"),
        (TooLarge, "memory"),
        (_MadeOtherwise, "other"),
        (_WrongPlace, "place"),
    )
    return next((kind for known, kind in kinds if isinstance(error, known)), "input")


@contextmanager
def _full_disk_named(where: Path) -> Generator[None]:
    """Turn whatever a full disk raised into NoSpace."""
    try:
        yield
    except _Abandoned:
        raise
    except Exception as error:
        raise_if_full(error, where)
        if isinstance(error, MemoryError):
            raise TooLarge(
                f"process {os.getpid()} has no more memory; use fewer --workers"
            ) from error
        raise
