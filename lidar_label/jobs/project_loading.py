"""A job's results into a project of the label store, as proposals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lidar_label.cuboids import Cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.jobs.label_merge import touched_by_people
from lidar_label.jobs.results import RecordingResult, job_results


class KnownRecording(Protocol):
    """A recording of a project."""

    @property
    def id(self) -> int:
        """Its number in the store."""
        ...

    @property
    def content_hash(self) -> str:
        """Of the recording."""
        ...


class ProjectStore(Protocol):
    """What is needed of `lidar_label.store.Store`."""

    def recordings(self, project_id: int) -> Sequence[KnownRecording]:
        """Of a project."""
        ...

    def add_recording(
        self, project_id: int, name: str, uri: str, author: str, *, time_ns: Any, **rest: Any
    ) -> KnownRecording:
        """Register one."""
        ...

    def load_proposals(self, recording_id: int, cuboids: Cuboids, *, client_id: str) -> object:
        """Replace untouched proposals by these; people's cuboids stay."""
        ...


@dataclass(frozen=True)
class LoadedResults:
    """What was loaded: recordings in all, those of them new to the project, and cuboids."""

    recordings: int
    added: int
    cuboids: int


def load_into_project(
    output: str | Path, store: ProjectStore, project_id: int, author: str
) -> LoadedResults:
    """Load every result of a job; recordings that the project does not know are registered.

    A recording is known by its content hash. Loading the same results again changes nothing, and
    the store keeps what people decided. One recording is in memory at a time.

    Args:
        output: The job's folder.
        store: The label store.
        project_id: Its project.
        author: Who registers recordings.
    """
    known = {one.content_hash: one.id for one in store.recordings(project_id)}
    recordings = cuboids = added = 0
    for result in job_results(output):
        number = known.get(result.content_hash)
        if number is None:
            number = _register(result, store, project_id, author)
            known[result.content_hash] = number
            added += 1
        labels = result.cuboids()
        proposals = labels.select(~touched_by_people(labels))
        digest = result.summary["files"]["labels.parquet"]["sha256"]
        store.load_proposals(number, proposals, client_id=f"batch-{digest[:32]}")
        recordings += 1
        cuboids += len(proposals)
    return LoadedResults(recordings, added, cuboids)


def _register(result: RecordingResult, store: ProjectStore, project_id: int, author: str) -> int:
    with Recording(result.recording) as recording:
        registered = store.add_recording(
            project_id,
            result.name,
            result.recording,
            author,
            time_ns=np.array([frame.time_ns for frame in recording.frames], dtype=np.int64),
            world_from_ego=recording.frame_poses(),
            content_hash=result.content_hash,
        )
    return registered.id
