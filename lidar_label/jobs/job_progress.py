"""How far a job is, as numbers: what the bar, the events, the metrics and the API show."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from lidar_label.jobs.crew import Step
from lidar_label.jobs.recording_job import Outcome
from lidar_label.jobs.sources import Source


@dataclass(frozen=True)
class Progress:
    """A job at one moment.

    Attributes:
        recordings: In all.
        already: Finished by earlier runs.
        done: Finished by this one.
        failed: Quarantined, by this run or an earlier one.
        running: Under way.
        retries: Recordings begun again after their process had died.
        sweeps: Frames proposed in this run.
        cuboids: In the results finished by this run.
        seconds: Since the start.
        sweeps_per_second: Of this run.
        seconds_left: By the bytes that are left; None before anything is done.
        active: Name of each recording under way → stage, done, total.
    """

    recordings: int
    already: int
    done: int
    failed: int
    running: int
    retries: int
    sweeps: int
    cuboids: int
    seconds: float
    sweeps_per_second: float
    seconds_left: float | None
    active: dict[str, tuple[str, int, int]]


@dataclass(frozen=True)
class JobEvent:
    """Something that happened in a job.

    Attributes:
        kind: `start`, `step`, `done`, `already`, `failed`, `retry`, `notice` or `end`.
        progress: Of the job, after it.
        name: Of the recording, or "".
        fields: What is particular to the kind: reason, failure kind, seconds, …
    """

    kind: str
    progress: Progress
    name: str = ""
    fields: dict[str, Any] = field(default_factory=dict[str, Any])

    def document(self) -> dict[str, Any]:
        """The event as JSON has it."""
        progress = asdict(self.progress)
        for key in ("seconds", "sweeps_per_second", "seconds_left"):
            if progress[key] is not None:
                progress[key] = round(progress[key], 3)
        found = {"event": self.kind, "recording": self.name or None, **self.fields}
        return {**found, "progress": progress}


Listener: TypeAlias = Callable[[JobEvent], None]


class Tracker:
    """Counts what happens to the recordings of a job."""

    def __init__(self, sources: int, already: int, failed: int, todo: list[Source]) -> None:
        self._start = time.monotonic()
        self._recordings, self._already, self._failed = sources, already, failed
        self._weights = {source.name: max(source.size, 1) for source in todo}
        self._left = float(sum(self._weights.values()))
        self._done_weight = 0.0
        self._done = self._retries = self._sweeps = self._cuboids = 0
        self._active: dict[str, tuple[str, int, int]] = {}
        self._first: dict[str, int] = {}  # frames of a recording that an earlier run did

    def begin(self, name: str) -> None:
        """A recording was given to a process."""
        self._active[name] = ("wait", 0, 1)

    def step(self, step: Step) -> None:
        """A recording got on."""
        if step.name in self._active:
            self._active[step.name] = (step.stage, step.done, step.total)
            if step.stage == "propose":
                self._first.setdefault(step.name, step.done)

    def end(self, outcome: Outcome) -> None:
        """A recording is finished, well or not."""
        self._drop(outcome.name)
        weight = self._weights.get(outcome.name, 1)
        self._left -= weight
        if outcome.status == "failed":
            self._failed += 1
            return
        if outcome.status == "already":
            self._already += 1
            return
        self._done += 1
        self._done_weight += weight
        self._sweeps += outcome.sweeps
        self._cuboids += outcome.cuboids

    def again(self, name: str) -> None:
        """A recording has to be given anew."""
        self._drop(name)
        self._retries += 1

    def _drop(self, name: str) -> None:
        self._active.pop(name, None)
        self._first.pop(name, None)

    def now(self) -> Progress:
        """The job at this moment."""
        seconds = time.monotonic() - self._start
        under_way = sum(
            done - self._first.get(name, done)
            for name, (stage, done, _) in self._active.items()
            if stage == "propose"
        )
        sweeps = self._sweeps + under_way
        return Progress(
            recordings=self._recordings,
            already=self._already,
            done=self._done,
            failed=self._failed,
            running=len(self._active),
            retries=self._retries,
            sweeps=sweeps,
            cuboids=self._cuboids,
            seconds=seconds,
            sweeps_per_second=sweeps / seconds if seconds else 0.0,
            seconds_left=self._time_left(seconds),
            active=dict(self._active),
        )

    def _time_left(self, seconds: float) -> float | None:
        partly = sum(
            self._weights.get(name, 1) * done / max(total, 1)
            for name, (stage, done, total) in self._active.items()
            if stage == "propose"
        )
        worked = self._done_weight + partly
        if self._left <= 0:
            return 0.0
        return seconds * (self._left - partly) / worked if worked else None
