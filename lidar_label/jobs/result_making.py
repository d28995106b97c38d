"""What a recording's result is made of: labels, windows, exports and a report, sealed at last."""

import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from lidar_label.annotation import annotate
from lidar_label.cuboids import Cuboids, load_cuboids, save_cuboids
from lidar_label.datasets.exports import export_labels
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.windows import Windows, save_windows
from lidar_label.jobs.job_config import RecordingTask
from lidar_label.jobs.label_merge import merge_around, touched_by_people
from lidar_label.jobs.memory import peak_bytes
from lidar_label.jobs.output_folder import (
    LABELS,
    RESULT,
    RUN,
    WINDOWS,
    OutputFolder,
    list_files,
    read_json,
    write_json,
)
from lidar_label.jobs.result_summary import summarise_labels, summarise_windows

Tell: TypeAlias = Callable[[str, int, int], None]  # stage, done, in all


def make_result(
    task: RecordingTask, recording: Recording, work: Path, tell: Tell
) -> dict[str, Any]:
    """Write labels and what was asked for beside them; return what `result.json` says of them."""
    result = work / "result"
    shutil.rmtree(result, ignore_errors=True)
    result.mkdir()
    start, processor = time.perf_counter(), time.process_time()
    annotation = annotate(
        recording,
        task.config.annotation,
        work=work / "frames",
        workers=task.frame_workers,
        progress=tell,
    )
    labels = merge_around(annotation.cuboids, _touched(task))
    save_cuboids(labels, result / LABELS, annotation.provenance)
    windows = _segment(task, recording, result, tell)
    for number, form in enumerate(task.config.exports):
        tell("export", number, len(task.config.exports))
        export_labels(labels, recording, form, result / "export" / form)
    if task.config.report and task.write_report:
        tell("report", 0, 1)
        timeless = replace(annotation, frame_seconds=np.full(annotation.frames, np.nan))
        task.write_report(recording, labels, result / "report", task.source.title, timeless)
    imported = read_json(work / "imported" / "warnings.json")
    run = {
        "seconds": round(time.perf_counter() - start, 3),
        "processor_seconds": round(time.process_time() - processor, 3),
        "process_peak_bytes": peak_bytes(),
        "track_seconds": round(annotation.track_seconds, 3),
        "sweeps_in_last_run": annotation.frames - annotation.frames_resumed,
    }
    write_json(result / RUN, {**_when_and_where(), **run, **origin_of(task)})
    return {
        "input": recording.content_hash,
        "format": imported.get("format", "recording"),
        "notes": [*annotation.notes, *imported.get("lines", [])],
        "labels": summarise_labels(labels, annotation.frames),
        "windows": windows,
    }


def _touched(task: RecordingTask) -> Cuboids:
    """What people made or changed: in the file they gave, else in the result to be replaced."""
    former = OutputFolder(task.output).result(task.source.name) / LABELS
    file = task.touched or (former if former.is_file() else None)
    if file is None:
        return Cuboids.empty()
    labels = load_cuboids(file)
    return labels.select(touched_by_people(labels))


def _segment(
    task: RecordingTask, recording: Recording, result: Path, tell: Tell
) -> dict[str, Any] | None:
    if not task.config.segment or not recording.imus:
        return None
    from lidar_label.activities import ChangePointConfig, as_even, change_points, windows_between
    from lidar_label.activity_classification import classify_windows, describe
    from lidar_label.activity_model import ActivityModel
    from lidar_label.datasets.signal_presets import read_signals

    tell("segment", 0, 1)
    even = as_even(read_signals((recording.path,)).signals)
    if task.config.activity_model:
        model = ActivityModel.from_json(task.config.activity_model)
        windows = classify_windows(describe(even), Windows.empty(), model=model)
    else:
        penalty = task.config.penalty or ChangePointConfig().penalty
        windows = windows_between(even, change_points(even, ChangePointConfig(penalty=penalty)))
    save_windows(windows, result / WINDOWS, {"recording": recording.content_hash})
    return summarise_windows(windows)


def keep_recording(task: RecordingTask, work: Path, *, is_new: bool) -> None:
    """Put the recording made here, and the labels its source had, beside the labels.

    Linked, not moved: killed before the result is complete, the next run needs it again.
    """
    if is_new and task.config.keep_recordings:
        for path in (work / "imported").glob("recording.*"):
            try:
                (work / "result" / path.name).hardlink_to(path)
            except OSError:  # a file system without links
                shutil.copyfile(path, work / "result" / path.name)


def _when_and_where() -> dict[str, Any]:
    """What differs between equal results."""
    finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"host": socket.gethostname(), "finished": finished}


def origin_of(task: RecordingTask) -> dict[str, Any]:
    """What `run.json` knows the source by again."""
    return {
        "key": task.cheap_key(),
        "uri": task.source.uri,
        "sequence": task.source.sequence,
        "bytes": task.source.size,
    }


def seal(work: Path, task: RecordingTask, content: dict[str, Any], key: str) -> None:
    """Write `result.json`, by which the result is complete."""
    assert (work / "key").read_text(encoding="utf-8") == key
    result = work / "result"
    write_json(
        result / RESULT,
        {
            "schema_version": 1,
            "made_by": "lidar-label batch",
            "title": task.source.title,
            "key": task.key(),
            **content,
            "files": list_files(result),
        },
    )
