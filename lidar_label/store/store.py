"""The store: everything about labels and people that must not be lost, behind one object."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lidar_label.arrays import Ints
from lidar_label.store import audit, reading, upkeep
from lidar_label.store.audit import AuditLine
from lidar_label.store.database import Database
from lidar_label.store.edits import MAIN, Entry, Labels, as_labels
from lidar_label.store.events import Listener
from lidar_label.store.label_log import LabelLog
from lidar_label.store.media import Media
from lidar_label.store.people import People
from lidar_label.store.reading import Blame, DeletePreview
from lidar_label.store.work import Work


class Store(LabelLog):
    """Labels, projects, people and work in one database. Safe to use from many threads.

    Attributes:
        database: Where they are; others may keep tables of their own beside the store's.
        people: Users, roles, passwords, sessions, tokens.
        work: Work items and their leases.
        media: Films and sounds, and where they lie on a recording's clock.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], int] = time.time_ns,
        listeners: Sequence[Listener] = (),
    ) -> None:
        super().__init__(database, clock, listeners)
        self.people = People(database, clock)
        self.work = Work(database, clock, self._listeners)
        self.media = Media(database, clock)

    @classmethod
    def open(
        cls,
        url: str | Path,
        *,
        create: bool = True,
        clock: Callable[[], int] = time.time_ns,
        listeners: Sequence[Listener] = (),
        pool_size: int = 20,
    ) -> "Store":
        """Open by path (SQLite) or URL, bring the tables up to date, make them if there are none.

        Raises:
            StoreUnavailable: naming the place and the remedy.
        """
        database = Database(url, create=create, pool_size=pool_size)
        return cls(database, clock=clock, listeners=listeners)

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        return self.database.place

    def close(self) -> None:
        """Give all connections back."""
        self.database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def labels(
        self,
        recording_id: int,
        frame: int | None = None,
        at: int | None = None,
        branch: str = MAIN,
    ) -> Labels:
        """Labels of a recording or of one frame, as they stand or as they stood after edit `at`.

        Raises:
            InvalidEdit: if there is no such edit.
            NotFound: if there is no such recording or branch.
        """
        times, _ = self._courses(recording_id)
        with self.database.read() as connection:
            branch_id, head = reading.find_branch(connection, recording_id, branch)
            if at is not None and at != head:
                stood = reading.stood(connection, branch_id, head, at)
                return _labels_of(stood, at, frame, times)
            tracks, rows = reading.rows_of(connection, branch_id, frame)
            windows = [] if frame is not None else reading.windows_of(connection, branch_id)
            comments = reading.comments_of(connection, branch_id, frame)
        return as_labels(head, tracks, rows, times, windows, comments)

    def history(
        self,
        recording_id: int,
        *,
        track_id: int | None = None,
        window_id: int | None = None,
        frame: int | None = None,
        author: str | None = None,
        before: int | None = None,
        limit: int = 100,
        branch: str = MAIN,
    ) -> list[Entry]:
        """Edits, newest first: all, of a track, of its cuboid in a frame, of a window, of someone.

        `before` is the seq of the last one seen, for the next page.
        """
        thing = None
        if track_id is not None:
            thing = ("track", track_id)
        elif window_id is not None:
            thing = ("window", window_id)
        with self.database.read() as connection:
            branch_id, _ = reading.find_branch(connection, recording_id, branch)
            return reading.history(
                connection,
                branch_id,
                thing=thing,
                frame=frame,
                author=author,
                before=before,
                limit=limit,
            )

    def blame(self, recording_id: int, track_id: int, branch: str = MAIN) -> list[Blame]:
        """Who made each cuboid of a track as it stands, in order of frame."""
        with self.database.read() as connection:
            branch_id, _ = reading.find_branch(connection, recording_id, branch)
            return reading.blame(connection, branch_id, track_id)

    def preview_delete(self, recording_id: int, track_id: int, branch: str = MAIN) -> DeletePreview:
        """What would go with a track; NotFound where there is none."""
        with self.database.read() as connection:
            branch_id, _ = reading.find_branch(connection, recording_id, branch)
            return reading.preview_delete(connection, branch_id, track_id)

    def note(
        self,
        actor: str,
        action: str,
        *,
        project_id: int | None = None,
        object_: str = "",
        address: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a line to the audit log."""
        with self.database.write() as connection:
            audit.note(
                connection,
                self._clock(),
                actor,
                action,
                project_id=project_id,
                object_=object_,
                address=address,
                detail=detail,
            )

    def audit(
        self,
        *,
        project_id: int | None = None,
        actor: str | None = None,
        action: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[AuditLine]:
        """Lines of the audit log, newest first; those before an id, for the next page."""
        with self.database.read() as connection:
            return audit.lines(
                connection,
                project_id=project_id,
                actor=actor,
                action=action,
                before=before,
                limit=limit,
            )

    def verify(self, recording_id: int, branch: str = MAIN) -> list[str]:
        """Where the labels are not what the log adds up to, one line each; none if all is well."""
        with self.database.read() as connection:
            branch_id, head = reading.find_branch(connection, recording_id, branch)
            return upkeep.differences(connection, branch_id, head)

    def rebuild(self, recording_id: int, branch: str = MAIN) -> int:
        """Make the labels anew from the log alone; how many things were not as they should be."""
        with self.database.write() as connection:
            return upkeep.rebuild(connection, recording_id, branch)

    def backup(self, path: str | Path) -> None:
        """Copy the whole store, while it is in use, to a file that is not there yet (SQLite).

        Raises:
            StoreUnavailable: if the file is there, cannot be written, or this is PostgreSQL,
                which `pg_dump` copies.
        """
        upkeep.backup(self.database, Path(path))


def _labels_of(stood: reading.Stand, at: int, frame: int | None, times: Ints) -> Labels:
    rows = [row for row in stood.cuboids.values() if frame is None or row.frame == frame]
    rows.sort()
    tracks = dict(sorted(stood.tracks.items()))
    if frame is not None:
        tracks = {row.track_id: tracks[row.track_id] for row in rows}
    comments = [
        one for _, one in sorted(stood.comments.items()) if frame is None or one.frame == frame
    ]
    windows = sorted(stood.windows.values(), key=lambda one: (one.start_ns, one.window_id))
    return as_labels(at, tracks, rows, times, () if frame is not None else windows, comments)
