"""What a batch job does to each recording, and what makes two results the same."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from lidar_label import __version__
from lidar_label.annotation import Annotation, AnnotationConfig, describe_config
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.exports import EXPORTERS
from lidar_label.datasets.recording import Recording
from lidar_label.errors import UsageError
from lidar_label.jobs.sources import Source

ReportWriter: TypeAlias = Callable[[Recording, Cuboids, Path, str, Annotation], object]


@dataclass(frozen=True)
class JobConfig:
    """What is done to each recording.

    Attributes:
        annotation: How cuboids are proposed and tracked.
        source_format: Of the sources; recognised when None.
        segment: Find activity windows where a recording has inertial units.
        penalty: What one more change of activity must save; the default of `segment` when None.
        activity_model: Text of a model by `segment --save-model`, which names the windows.
        exports: Formats to write the labels in.
        report: Write a report of each recording.
        keep_recordings: Keep the recordings made of other formats beside their labels.
    """

    annotation: AnnotationConfig = field(default_factory=AnnotationConfig)
    source_format: str | None = None
    segment: bool = False
    penalty: float | None = None
    activity_model: str | None = None
    exports: tuple[str, ...] = ()
    report: bool = False
    keep_recordings: bool = True

    def __post_init__(self) -> None:
        for name in self.exports:
            if name not in EXPORTERS:
                raise UsageError(f"no export format {name}; there are {', '.join(EXPORTERS)}")

    @cached_property
    def description(self) -> dict[str, Any]:
        """The settings as they stand in a result: equal for equal results."""
        model = self.activity_model
        return {
            "annotation": describe_config(self.annotation),
            "source_format": self.source_format,
            "segment": self.segment,
            "penalty": self.penalty,
            "activity_model": model and hashlib.sha256(model.encode()).hexdigest(),
            "exports": sorted(self.exports),
            "report": self.report,
            "keep_recordings": self.keep_recordings,
        }


@dataclass(frozen=True)
class RecordingTask:
    """Everything that a process, here or on a cluster, must know to do one recording.

    Attributes:
        source: What to read.
        output: The job's folder, as the process sees it.
        config: What to do.
        job: Id of the job; a process ends its work when the folder belongs to another.
        touched: A label file of people's cuboids that the proposals go around, or None.
        frame_workers: Processes for the frames of this recording.
        memory: Bytes it may take; what the process may have when None.
        write_report: Writes the report; it lives further right in the house.
        replace: Do it again where a result made otherwise stands.
        verify: Read a recording that was not made here through, and compare its hash, before work.
        version: Of the program that started the job.
    """

    source: Source
    output: Path
    config: JobConfig
    job: str
    touched: Path | None = None
    frame_workers: int = 1
    memory: int | None = None
    write_report: ReportWriter | None = None
    replace: bool = False
    verify: bool = True
    version: str = __version__

    def key(self) -> dict[str, Any]:
        """What the result depends on: the same key, the same bytes."""
        described = self.config.description
        touched = self.touched and hashlib.sha256(self.touched.read_bytes()).hexdigest()
        return {"version": self.version, "config": described, "touched": touched}

    def cheap_key(self) -> str:
        """The key and the source's fingerprint as one word: known without reading the source."""
        text = json.dumps(
            [self.key(), self.source.fingerprint, self.source.sequence], sort_keys=True
        )
        return hashlib.sha256(text.encode()).hexdigest()
