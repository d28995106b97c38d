"""What the routes share: the store, open recordings, caches, uploads, jobs, webhooks."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from lidar_label.errors import NotFound
from lidar_label.ontology import Ontology
from lidar_label.store import Store
from lidar_label.store.projects import RecordingInfo
from lidar_label.viewers.api.access_log import AccessLog
from lidar_label.viewers.api.activity_signals import DescribedSignals
from lidar_label.viewers.api.gate import Gate, LoginLimit
from lidar_label.viewers.api.import_drafts import Drafts
from lidar_label.viewers.api.jobs import Jobs
from lidar_label.viewers.api.kept_bytes import KeptBytes
from lidar_label.viewers.api.open_recordings import OpenRecordings, Places
from lidar_label.viewers.api.path_numbers import Number
from lidar_label.viewers.api.uploads import Uploads
from lidar_label.viewers.api.webhooks import Webhooks

if TYPE_CHECKING:
    from lidar_label.datasets.recording import Recording


@dataclass(frozen=True)
class Services:
    """Made once for an app.

    Attributes:
        store: Labels, projects, people, work.
        gate: Who calls.
        logins: Failed logins.
        places: Where recordings may be registered from.
        recordings: Those open.
        clouds: Encoded points, the last used.
        described: Signals as activities are learned from them.
        uploads: Under way.
        drafts: Sources about to be imported.
        jobs: Machine work.
        webhooks: Who is told of events.
        access_log: Who read what.
        folder: The server's own: caches, uploads, work of jobs.
    """

    store: Store
    gate: Gate
    logins: LoginLimit
    places: Places
    recordings: OpenRecordings
    clouds: KeptBytes
    described: DescribedSignals
    uploads: Uploads
    drafts: Drafts
    jobs: Jobs
    webhooks: Webhooks
    access_log: AccessLog
    folder: Path

    @property
    def cache(self) -> Path:
        """Of what can be made again."""
        return self.folder / "cache"

    def info(self, project: int, recording: int) -> RecordingInfo:
        """A recording's row, if it is of that project.

        Raises:
            NotFound: if not.
        """
        try:
            found = self.store.recording(recording)
        except NotFound:
            found = None
        if found is None or found.project_id != project:
            raise NotFound(f"project {project} has no recording {recording}")
        return found

    def ontology(self, project: int) -> Ontology | None:
        """The project's classes as they are now; None where it has none."""
        try:
            return self.store.ontology(project).ontology
        except NotFound:
            return None

    def open(self, project: int, recording: int) -> "Recording":
        """A recording of a project, opened.

        Raises:
            NotFound: if the project has none of that number.
            InvalidRecording: if its file cannot be read or is not the one registered.
        """
        info = self.info(project, recording)
        return self.recordings.get(info.uri, info.content_hash)


async def _services(request: Request) -> Services:
    return request.app.state.services


Shared = Annotated[Services, Depends(_services)]


def _known_recording(project: Number, recording: Number, shared: Shared) -> RecordingInfo:
    return shared.info(project, recording)


# The recording that a path names, of its project. It stands after `access` among a route's
# parameters: who may not ask is not told what is there.
Known = Annotated[RecordingInfo, Depends(_known_recording)]
