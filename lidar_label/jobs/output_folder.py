"""The folder of a batch job: results that are whole or not there, quarantine, and work under way.

recordings/<name>/   result.json (equal for equal results), run.json (when, where, how long),
labels.parquet, recording.h5 unless the source is one, windows.parquet,
export/<format>/, report/
quarantine/<name>.json   what could not be done, and why
.work/<name>/        what an interrupted recording has so far
summary.html, summary.json, job.lock
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from lidar_label.datasets.remote_sources import raise_if_full
from lidar_label.jobs.locks import Lock

RESULT, RUN, LABELS, WINDOWS, RECORDING = (
    "result.json",
    "run.json",
    "labels.parquet",
    "windows.parquet",
    "recording.h5",
)


class OutputFolder:
    """Where a job's results stand; every change of it is a rename."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def result(self, name: str) -> Path:
        """The folder of one recording's results."""
        return self.path / "recordings" / name

    def work(self, name: str) -> Path:
        """The folder of one recording under way."""
        return self.path / ".work" / name

    @property
    def owner_file(self) -> Path:
        """The file that says which job the folder belongs to, and is its lock."""
        return self.path / "job.lock"

    def lock_recording(self, name: str, job: str) -> Lock:
        """The lock on one recording: a worker taken for dead may still be at it."""
        return Lock(self.path / ".work" / f"{name}.lock", job)

    def results(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and content of every finished result, by name."""
        folder = self.path / "recordings"
        for place in sorted(folder.iterdir()) if folder.is_dir() else ():
            content = read_json(place / RESULT)
            if content:
                yield place.name, content

    def is_whole(self, name: str) -> bool:
        """Whether the result is there with all its files at their sizes.

        Sizes, not hashes: a power cut leaves short files, which this sees without reading them.
        Labels may have another size: people edit them.
        """
        place = self.result(name)
        files = read_json(place / RESULT).get("files")
        if not isinstance(files, dict):
            return False
        return all(
            (place / file).is_file()
            and (file == LABELS or (place / file).stat().st_size == known["bytes"])
            for file, known in cast(dict[str, dict[str, int]], files).items()
        )

    def publish(self, name: str) -> None:
        """Put a complete result in place of what was there, and end its work folder."""
        work, place = self.work(name), self.result(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            former = work / "former"
            shutil.rmtree(former, ignore_errors=True)
            place.rename(former)
        (work / "result").rename(place)
        self.release(name)
        shutil.rmtree(work, ignore_errors=True)

    def quarantined(self) -> dict[str, dict[str, Any]]:
        """Every entry in quarantine, by name."""
        folder = self.path / "quarantine"
        files = sorted(folder.glob("*.json")) if folder.is_dir() else []
        return {file.stem: read_json(file) for file in files}

    def quarantine(self, name: str, entry: Mapping[str, Any]) -> None:
        """Say why a recording could not be done."""
        (self.path / "quarantine").mkdir(parents=True, exist_ok=True)
        write_json(self.path / "quarantine" / f"{name}.json", entry)

    def release(self, name: str) -> None:
        """Take a recording out of quarantine."""
        (self.path / "quarantine" / f"{name}.json").unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a file; {} where it is absent or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write whole or not at all; keys in order, so that equal contents are equal bytes.

    Raises:
        NoSpace: if the disk is full.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise_if_full(error, path)
        raise


def list_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Path below the folder → bytes and SHA-256 of each file."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in (RESULT, RUN):
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            found[path.relative_to(folder).as_posix()] = {
                "bytes": path.stat().st_size,
                "sha256": digest,
            }
    return found
