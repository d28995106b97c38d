"""What there is to label: projects, recordings and ontologies, as the store's methods."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from numpy.typing import NDArray

from lidar_label.arrays import Floats, Ints
from lidar_label.store import ontologies, projects
from lidar_label.store.database import Database
from lidar_label.store.events import Event, Listener, Listeners
from lidar_label.store.ontologies import OntologyVersion
from lidar_label.store.projects import BranchInfo, Project, RecordingInfo


class Catalogue:
    """Projects, their recordings and ontologies.

    Attributes:
        database: Where they are; others may keep tables of their own beside the store's.
    """

    def __init__(
        self, database: Database, clock: Callable[[], int], listeners: Sequence[Listener]
    ) -> None:
        self.database = database
        self._clock = clock
        self._listeners = Listeners(listeners)
        self._courses = lru_cache(maxsize=256)(self._read_course)

    def _read_course(self, recording_id: int) -> tuple[Ints, Floats | None]:
        """Never changes once the recording is registered, so it is kept in memory."""
        with self.database.read() as connection:
            return projects.course(connection, recording_id)

    def create_project(
        self,
        name: str,
        author: str,
        settings: Mapping[str, Any] | None = None,
        *,
        ontology: str | None = None,
    ) -> Project:
        """A new project, with the YAML text of its ontology; without one any class may be given."""
        now = self._clock()
        with self.database.write() as connection:
            project = projects.create_project(connection, name, settings or {}, now)
            if ontology is not None:
                ontologies.add(connection, project.id, ontology, author, "", now)
                project = projects.find_project(connection, project.id)
            event = Event("project.created", project.id, actor=author, detail={"name": name})
            self._listeners.tell(connection, event)
            return project

    def project(self, project: int | str) -> Project:
        """By number or name; NotFound where there is none."""
        with self.database.read() as connection:
            return projects.find_project(connection, project)

    def projects(self) -> list[Project]:
        """All, in order of name."""
        with self.database.read() as connection:
            return projects.all_projects(connection)

    def set_project_settings(self, project_id: int, settings: Mapping[str, Any]) -> Project:
        """Replace what is agreed in a project."""
        with self.database.write() as connection:
            return projects.change_settings(connection, project_id, settings)

    def add_recording(
        self,
        project_id: int,
        name: str,
        uri: str,
        author: str,
        *,
        time_ns: NDArray[Any],
        world_from_ego: NDArray[Any] | None = None,
        content_hash: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> RecordingInfo:
        """Register a recording: (F,) frame times and, where known, (F, 7) or (F, 4, 4) poses."""
        with self.database.write() as connection:
            recording = projects.add_recording(
                connection,
                project_id,
                name,
                uri,
                time_ns=time_ns,
                world_from_ego=world_from_ego,
                content_hash=content_hash,
                details=details or {},
                now=self._clock(),
                author=author,
            )
            event = Event(
                "recording.added", project_id, recording.id, actor=author, detail={"name": name}
            )
            self._listeners.tell(connection, event)
            return recording

    def recording(self, recording_id: int) -> RecordingInfo:
        """By number; NotFound where there is none."""
        with self.database.read() as connection:
            return projects.find_recording(connection, recording_id)

    def recordings(
        self,
        project_id: int,
        *,
        name: str | None = None,
        after: str = "",
        limit: int | None = None,
    ) -> list[RecordingInfo]:
        """Of a project in order of name: the one of that name, or a page of those after one."""
        with self.database.read() as connection:
            return projects.find_recordings(
                connection, project_id, name=name, after=after, limit=limit
            )

    def count_recordings(self, project_id: int) -> int:
        """How many recordings a project has."""
        with self.database.read() as connection:
            return projects.count_recordings(connection, project_id)

    def track_counts(self, project_id: int) -> dict[int, dict[str, int]]:
        """Recording id → state → how many tracks it has on `main`."""
        with self.database.read() as connection:
            return projects.track_counts(connection, project_id)

    def branches(self, recording_id: int) -> list[BranchInfo]:
        """Of a recording, `main` first."""
        with self.database.read() as connection:
            return projects.branches(connection, recording_id)

    def ontology(self, project_id: int, version: int | None = None) -> OntologyVersion:
        """A version of a project's ontology, the current one by default; NotFound for none."""
        with self.database.read() as connection:
            if version is None:
                version = projects.find_project(connection, project_id).ontology_version
            return ontologies.find(connection, project_id, version)

    def ontologies(self, project_id: int) -> list[OntologyVersion]:
        """All versions, oldest first."""
        with self.database.read() as connection:
            return ontologies.versions(connection, project_id)

    def set_ontology(
        self, project_id: int, text: str, author: str, note: str = ""
    ) -> OntologyVersion:
        """Store a new version; labels keep the version that they were made with.

        Raises:
            InvalidConfig: naming the field, if the text is no ontology.
        """
        now = self._clock()
        with self.database.write() as connection:
            added = ontologies.add(connection, project_id, text, author, note, now)
            detail = {"version": added.version, "note": note}
            event = Event("ontology.changed", project_id, actor=author, detail=detail)
            self._listeners.tell(connection, event)
            return added
