"""A batch job: what is to be done, who does it, and what becomes of what cannot be done."""

import os
import shutil
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lidar_label import __version__
from lidar_label.datasets.remote_sources import raise_if_full
from lidar_label.errors import NoSpace, UsageError
from lidar_label.jobs.crew import Alone, Crew, Lost, News, Processes, Step
from lidar_label.jobs.job_config import JobConfig, RecordingTask, ReportWriter
from lidar_label.jobs.job_progress import JobEvent, Listener, Progress, Tracker
from lidar_label.jobs.label_diff import LabelsFolder
from lidar_label.jobs.locks import Lock, describe_owner, read_owner
from lidar_label.jobs.memory import memory_of_process
from lidar_label.jobs.output_folder import RESULT, RUN, OutputFolder, read_json
from lidar_label.jobs.recording_job import Outcome
from lidar_label.jobs.sources import Source

_ATTEMPTS = 3  # a recording whose process dies so often is not tried again
_LASTING = {"input", "defect"}  # failures that come again until the source or the version changes
_FATAL = {"space", "place"}  # not the recording's fault, and the next would fail too
_WAIT_S = 0.2


@dataclass(frozen=True)
class JobOptions:
    """How a job runs; nothing here changes its results.

    Attributes:
        workers: Processes here; one a core when None, 0 for this very process.
        scheduler: Address of a Dask scheduler, to run there instead.
        memory: Bytes for all processes here, or for each on a cluster; what is free when None.
        replace: Replace results made otherwise.
        retry: Try what is in quarantine again.
        touched: Folder of label files whose human cuboids the proposals go around.
        verify: Check the content of recordings against their hash before work; costs a reading.
        write_report: Writes the report of a recording.
    """

    workers: int | None = None
    scheduler: str | None = None
    memory: int | None = None
    replace: bool = False
    retry: bool = False
    touched: Path | None = None
    verify: bool = True
    write_report: ReportWriter | None = None


@dataclass(frozen=True)
class Plan:
    """What a job would do.

    Attributes:
        todo: To do or to go on with, the largest first so that none is left over at the end.
        already: Names of what is finished.
        otherwise: Names of results that were made with other settings or versions.
        quarantined: Names of what failed and would fail again.
    """

    todo: tuple[RecordingTask, ...]
    already: tuple[str, ...]
    otherwise: tuple[str, ...]
    quarantined: tuple[str, ...]


@dataclass(frozen=True)
class JobResult:
    """How a job ended.

    Attributes:
        progress: Its last.
        failures: Name → reason of everything in quarantine that the job was asked for.
        complete: Whether every recording has its result.
        cancelled: Whether it was stopped.
        processes: Number of processes that worked, 0 on a cluster.
    """

    progress: Progress
    failures: dict[str, str]
    complete: bool
    cancelled: bool = False
    processes: int = 0


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def plan_job(
    sources: Sequence[Source],
    output: str | Path,
    config: JobConfig | None = None,
    options: JobOptions = JobOptions(),
    job: str = "",
) -> Plan:
    """Say what a job would do, without doing any of it."""
    config = config or JobConfig()
    folder = OutputFolder(Path(output).absolute())
    touched = LabelsFolder(options.touched) if options.touched else None
    quarantine = folder.quarantined()
    todo: list[RecordingTask] = []
    sorted_out: dict[str, list[str]] = {"already": [], "otherwise": [], "quarantined": []}
    for source in sorted(sources, key=lambda source: (-source.size, source.name)):
        task = RecordingTask(
            source=source,
            output=folder.path,
            config=config,
            job=job,
            touched=touched.find(source) if touched else None,
            write_report=options.write_report if config.report else None,
            replace=options.replace,
            verify=options.verify,
        )
        state = _state(task, folder, quarantine.get(source.name, {}), options)
        if state == "todo":
            todo.append(task)
        else:
            sorted_out[state].append(source.name)
    return Plan(tuple(todo), **{name: tuple(names) for name, names in sorted_out.items()})


def _state(
    task: RecordingTask, folder: OutputFolder, entry: dict[str, Any], options: JobOptions
) -> str:
    name = task.source.name
    if folder.is_whole(name):
        if read_json(folder.result(name) / RUN).get("key") == task.cheap_key():
            return "already"
        if read_json(folder.result(name) / RESULT).get("key") != task.key():
            return "todo" if options.replace else "otherwise"
    lasting = entry.get("kind") in _LASTING and entry.get("key") == task.cheap_key()
    return "quarantined" if lasting and not options.retry else "todo"


def run_job(
    sources: Sequence[Source],
    output: str | Path,
    config: JobConfig | None = None,
    options: JobOptions = JobOptions(),
    *,
    listen: Listener | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> JobResult:
    """Do every recording that is not done; killed at any moment, the same call goes on.

    Args:
        sources: From `expand_sources`.
        output: The job's folder; it belongs to one job at a time.
        config: What is done to a recording; decides the results.
        options: How; does not.
        listen: Called with every event, in this thread.
        cancelled: Asked several times a second; True ends the job, and what is done stays.

    Raises:
        UsageError: if another job has the folder, it holds results made otherwise, or the cluster
            is gone.
        NoSpace: if the disk is full; finished work is kept.
    """
    folder = OutputFolder(Path(output).absolute())
    job = uuid.uuid4().hex
    lock = Lock(folder.owner_file, job)
    try:
        held = lock.try_hold()
    except OSError as error:
        raise_if_full(error, folder.path)
        raise UsageError(f"{folder.path}: cannot be written ({error.strerror})") from error
    if not held:
        owner = describe_owner(read_owner(folder.owner_file))
        raise UsageError(
            f"{folder.path}: belongs to a job that runs, {owner}; wait for it or name another -o"
        )
    with lock:
        plan = plan_job(sources, output, config, options, job)
        if plan.otherwise:
            raise UsageError(
                f"{folder.path}: {len(plan.otherwise)} results were made with other settings or by "
                f"another version, {plan.otherwise[0]} is the first; name another -o, or --force "
                "to replace them"
            )
        for name in plan.already:  # mended in the meantime
            folder.release(name)
        run = _Run(folder, plan, options, job, listen, cancelled, len(sources))
        return run.finish({source.name for source in sources})


@dataclass
class _Run:
    """One run of a job: gives out recordings, hears what became of them."""

    folder: OutputFolder
    plan: Plan
    options: JobOptions
    job: str
    listen: Listener | None
    cancelled: Callable[[], bool]
    sources: int
    _deaths: Counter[str] = field(default_factory=Counter[str], init=False)
    _running: dict[str, RecordingTask] = field(default_factory=dict[str, RecordingTask], init=False)
    _share: dict[str, Any] = field(default_factory=dict[str, Any], init=False)
    _processes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        plan = self.plan
        self._waiting = deque(plan.todo)
        todo = [task.source for task in plan.todo]
        self._tracker = Tracker(self.sources, len(plan.already), len(plan.quarantined), todo)

    def finish(self, names: set[str]) -> JobResult:
        """Run to the end."""
        self._tell("start", job=self.job, version=__version__, to_do=len(self.plan.todo))
        stopped = self._work() if self.plan.todo else False
        entries = self.folder.quarantined()
        failures = {
            name: str(entries[name].get("reason", "")) for name in sorted(names & entries.keys())
        }
        if not failures and not stopped:
            shutil.rmtree(self.folder.path / ".work", ignore_errors=True)
        result = JobResult(
            progress=self._tracker.now(),
            failures=failures,
            complete=not failures and not stopped,
            cancelled=stopped,
            processes=self._processes,
        )
        self._tell("end", complete=result.complete, cancelled=stopped, failures=failures)
        return result

    def _work(self) -> bool:
        """Give out and hear; True if it was cancelled."""
        crew = self._crew()
        try:
            while self._waiting or self._running:
                if self.cancelled():
                    return True
                while self._waiting and crew.room() > 0:
                    self._give(crew)
                for news in crew.news(_WAIT_S):
                    self._hear(news)
            return False
        finally:
            crew.close()

    def _hear(self, news: News) -> None:
        if isinstance(news, Lost):
            self._lost(news)
        elif isinstance(news, Step):
            self._tracker.step(news)
            fields = {key: value for key, value in vars(news).items() if key != "name"}
            self._tell("step", news.name, **fields)
        else:
            self._ended(news)

    def _crew(self) -> Crew:
        """Who does it; and how much memory and how many cores each recording gets."""
        options = self.options
        if options.scheduler:
            from lidar_label.jobs.dask_crew import DaskCrew

            self._share = {"memory": options.memory}
            return DaskCrew(options.scheduler, self.job)
        wanted = cores() if options.workers is None else options.workers
        self._processes = max(1, min(wanted, len(self.plan.todo)))
        memory = options.memory // self._processes if options.memory else None
        self._share = {
            "memory": memory or memory_of_process(self._processes),
            # Fewer recordings than cores: the frames of one are shared out.
            "frame_workers": max(1, wanted // self._processes),
        }
        return Processes(self._processes) if wanted else Alone()

    def _give(self, crew: Crew) -> None:
        task = replace(self._waiting.popleft(), **self._share)
        self._running[task.source.name] = task
        self._tracker.begin(task.source.name)
        crew.submit(task)

    def _lost(self, news: Lost) -> None:
        task = self._running.pop(news.name, None)
        if task is None:
            return
        self._deaths[news.name] += news.counts
        if self._deaths[news.name] < _ATTEMPTS:
            self._tracker.again(news.name)
            self._waiting.append(task)
            self._tell("retry", news.name, reason=news.reason)
            return
        reason = f"{news.reason}; so it went {self._deaths[news.name]} times"
        self._fail(task, Outcome(news.name, "failed", "crash", reason))

    def _ended(self, outcome: Outcome) -> None:
        if outcome.status == "abandoned":
            self._lost(Lost(outcome.name, f"{self.folder.owner_file} was written by another"))
            return
        task = self._running.pop(outcome.name, None)
        if task is None:  # an answer that comes late, of a scheduler that was gone
            return
        if outcome.kind == "space":
            raise NoSpace(outcome.reason)
        if outcome.kind in _FATAL:
            raise UsageError(outcome.reason)
        if outcome.status == "failed":
            self._fail(task, outcome)
            return
        self.folder.release(outcome.name)
        self._tracker.end(outcome)
        self._tell(
            outcome.status,
            outcome.name,
            sweeps=outcome.sweeps,
            cuboids=outcome.cuboids,
            seconds=round(outcome.seconds, 3),
        )

    def _fail(self, task: RecordingTask, outcome: Outcome) -> None:
        self.folder.quarantine(
            outcome.name,
            {
                "uri": task.source.uri,
                "sequence": task.source.sequence,
                "kind": outcome.kind,
                "reason": outcome.reason,
                "detail": outcome.detail,
                "key": task.cheap_key(),
                "tried_again": outcome.kind not in _LASTING,
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            },
        )
        self._tracker.end(outcome)
        self._tell("failed", outcome.name, failure=outcome.kind, reason=outcome.reason)

    def _tell(self, kind: str, name: str = "", **fields: Any) -> None:
        if self.listen:
            self.listen(JobEvent(kind, self._tracker.now(), name, fields))
