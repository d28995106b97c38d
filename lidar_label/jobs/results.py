"""What a finished job holds, recording by recording: to load, to sum up, to compare."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lidar_label.cuboids import Cuboids, load_cuboids
from lidar_label.datasets.windows import Windows, load_windows
from lidar_label.errors import UsageError
from lidar_label.jobs.output_folder import (
    LABELS,
    RECORDING,
    RUN,
    WINDOWS,
    OutputFolder,
    read_json,
)


@dataclass(frozen=True)
class RecordingResult:
    """The result of one recording.

    Attributes:
        name: Of its folder.
        title: What people call the source.
        uri: Of the source.
        sequence: Which one of it, or None.
        recording: Path or URL of the recording that the labels are of.
        content_hash: Of that recording.
        folder: Where the result stands.
        summary: `result.json`.
        run: `run.json`.
    """

    name: str
    title: str
    uri: str
    sequence: str | None
    recording: str
    content_hash: str
    folder: Path
    summary: dict[str, Any]
    run: dict[str, Any]

    def cuboids(self) -> Cuboids:
        """The proposals, and people's cuboids that they were put around."""
        return load_cuboids(self.folder / LABELS)

    def windows(self) -> Windows | None:
        """The activity windows, where there are any."""
        file = self.folder / WINDOWS
        return load_windows(file) if file.is_file() else None


def job_results(output: str | Path) -> Iterator[RecordingResult]:
    """Every finished result in a job's folder, by name; also while the job runs.

    Raises:
        UsageError: if it is no job's folder.
    """
    folder = OutputFolder(Path(output).absolute())
    if not (folder.path / "recordings").is_dir() and not folder.owner_file.is_file():
        raise UsageError(f"{output}: is no folder of a batch job")
    for name, summary in folder.results():
        place = folder.result(name)
        run = read_json(place / RUN)
        made = place / RECORDING
        yield RecordingResult(
            name=name,
            title=str(summary["title"]),
            uri=str(run.get("uri", "")),
            sequence=run.get("sequence"),
            recording=str(made) if made.is_file() else str(run.get("uri", "")),
            content_hash=str(summary["input"]),
            folder=place,
            summary=summary,
            run=run,
        )


def load_results(output: str | Path, load: Callable[[RecordingResult, Cuboids], object]) -> int:
    """Hand every result of a job to `load`, such as a store's loading of proposals.

    Args:
        output: The job's folder.
        load: Called with each result and its cuboids, in order of names; one is in memory at once.

    Returns:
        How many there were.
    """
    count = 0
    for result in job_results(output):
        load(result, result.cuboids())
        count += 1
    return count
