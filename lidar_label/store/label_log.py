"""Every way in which labels change, as the store's methods: edits, undo, loads, branches."""

import hashlib
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import Connection

from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.windows import Windows
from lidar_label.errors import InvalidEdit
from lidar_label.store import (
    branching,
    editing,
    journal,
    loading,
    loading_windows,
    migration_of_classes,
    ontologies,
    projects,
    reading,
)
from lidar_label.store.catalogue import Catalogue
from lidar_label.store.draft import Draft, Setting
from lidar_label.store.edits import MAIN, Applied, EditRequest
from lidar_label.store.events import Event
from lidar_label.store.journal import Branch
from lidar_label.store.loading import Loaded
from lidar_label.store.migration_of_classes import ClassChange, Migration
from lidar_label.store.projects import BranchInfo
from lidar_label.store.rows import AUTO

_Load = Callable[[Connection, Branch, Draft, Setting], Loaded]


class LabelLog(Catalogue):
    """Changes of labels: each one an edit in the log, with its effect, in one transaction."""

    @contextmanager
    def _writing(
        self, recording_id: int, author: str, branch: str
    ) -> Generator[tuple[Connection, Branch, Setting]]:
        course = self._courses(recording_id)
        with self.database.write() as connection:
            place = journal.lock(connection, recording_id, branch)
            ontology = partial(ontologies.current, connection, place.project_id)
            yield connection, place, Setting(author, *course, ontology)

    def _tell(
        self, connection: Connection, place: Branch, branch: str, author: str, seq: int
    ) -> None:
        if seq <= place.head:
            return  # a retry: what it asked for was told when it was made
        detail = {"edits": seq - place.head}
        event = Event(
            "edits.applied", place.project_id, place.recording_id, branch, seq, author, detail
        )
        self._listeners.tell(connection, event)

    def apply(
        self, recording_id: int, author: str, edits: Sequence[EditRequest], branch: str = MAIN
    ) -> Applied:
        """Make all the edits or none; when this returns they are on the disk.

        Sent again with the same client ids, they are not made twice.

        Raises:
            Conflict: with the newer states, if something changed since the author saw it.
            InvalidEdit: naming the field, if one cannot be made as asked.
            NotFound: if there is no such recording or branch.
            StoreUnavailable: if it could not be written; nothing was.
        """
        with self._writing(recording_id, author, branch) as (connection, place, setting):
            done = editing.apply(connection, place, setting, edits, self._clock())
            self._tell(connection, place, branch, author, done.seq)
            return done

    def undo(
        self,
        recording_id: int,
        author: str,
        *,
        seq: int | None = None,
        client_id: str = "",
        branch: str = MAIN,
    ) -> Applied:
        """Revert the author's last edit that stands with its batch, or edit `seq`, by new edits.

        Raises:
            Conflict: with the newer states, if others have touched the same things since.
            InvalidEdit: if there is nothing to undo.
        """
        with self._writing(recording_id, author, branch) as (connection, place, setting):
            now = self._clock()
            done = editing.undo(connection, place, setting, now, seq=seq, client_id=client_id)
            self._tell(connection, place, branch, author, done.seq)
            return done

    def redo(
        self, recording_id: int, author: str, *, client_id: str = "", branch: str = MAIN
    ) -> Applied:
        """Revert the author's last undo that stands with its batch, unless they have edited since.

        Raises:
            Conflict: with the newer states, if others have touched the same things since.
            InvalidEdit: if there is nothing to redo.
        """
        with self._writing(recording_id, author, branch) as (connection, place, setting):
            done = editing.redo(connection, place, setting, self._clock(), client_id=client_id)
            self._tell(connection, place, branch, author, done.seq)
            return done

    def load_proposals(
        self,
        recording_id: int,
        cuboids: Cuboids,
        *,
        author: str = AUTO,
        client_id: str = "",
        branch: str = MAIN,
    ) -> Loaded:
        """Replace the proposals that nobody touched by these; what people decided stays.

        A proposal that stands where a person has edited, accepted, rejected or deleted a cuboid
        (IoU from above ≥ 0.3 in the same frame) is left out.

        Raises:
            InvalidEdit: naming the row, if a cuboid cannot be one of this recording.
        """
        digest = _digest(cuboids)

        def load(connection: Connection, place: Branch, draft: Draft, setting: Setting) -> Loaded:
            machine = replace(setting, author=AUTO)
            return loading.propose(connection, place, draft, cuboids, machine)

        return self._load(recording_id, author, branch, "propose", client_id, digest, load)

    def import_labels(
        self,
        recording_id: int,
        author: str,
        cuboids: Cuboids,
        *,
        client_id: str = "",
        branch: str = MAIN,
    ) -> Loaded:
        """Add labels that people made elsewhere; classes are mapped by the ontology's synonyms.

        Raises:
            InvalidEdit: naming the row, if a cuboid cannot be one of this recording.
        """

        def load(_c: Connection, _p: Branch, draft: Draft, setting: Setting) -> Loaded:
            return loading.take_in(draft, cuboids, setting)

        digest = _digest(cuboids)
        return self._load(recording_id, author, branch, "import", client_id, digest, load)

    def load_windows(
        self,
        recording_id: int,
        windows: Windows,
        *,
        sensor: str = "",
        author: str = AUTO,
        client_id: str = "",
        branch: str = MAIN,
    ) -> Loaded:
        """Windows of a sensor: by `auto` as proposals, cut back where people have decided.

        By anybody else as labels, beside those there are.
        """

        def load(_c: Connection, _p: Branch, draft: Draft, setting: Setting) -> Loaded:
            if author == AUTO:
                return loading_windows.propose_windows(draft, windows, sensor, setting)
            return loading_windows.take_in_windows(draft, windows, sensor, setting)

        columns = (windows.start_ns, windows.end_ns, windows.category, windows.tier)
        digest = hashlib.sha256(repr([one.tolist() for one in columns]).encode()).hexdigest()
        operation = "propose" if author == AUTO else "import"
        return self._load(recording_id, author, branch, operation, client_id, digest, load)

    def _load(
        self,
        recording_id: int,
        author: str,
        branch: str,
        operation: str,
        client_id: str,
        digest: str,
        load: _Load,
    ) -> Loaded:
        client_id = client_id or str(uuid.uuid4())
        request = EditRequest(operation, client_id, payload={"sha256": digest})
        with self._writing(recording_id, author, branch) as (connection, place, setting):
            made = editing.known(connection, place, author, [request])
            if made:
                return Loaded(made[client_id].seq)
            draft = loading.load_whole(connection, place)
            loaded = load(connection, place, draft, setting)
            self._append(connection, place, branch, draft, request, setting)
            return loaded

    def _append(
        self,
        connection: Connection,
        place: Branch,
        branch: str,
        draft: Draft,
        request: EditRequest,
        setting: Setting,
    ) -> int:
        changes = draft.finish()
        line = editing.line_of(request, setting, changes)
        now = self._clock()
        seq = journal.append(connection, place, [(line, changes)], draft.next_id, now)
        self._tell(connection, place, branch, setting.author, seq)
        return seq

    def fork(
        self,
        recording_id: int,
        name: str,
        author: str,
        *,
        at: int | None = None,
        empty: bool = False,
    ) -> BranchInfo:
        """A new branch from `main` as it is, as it was after edit `at`, or from nothing.

        Raises:
            InvalidEdit: if the name is taken, or there is no edit `at`.
        """
        with self._writing(recording_id, author, MAIN) as (connection, main, setting):
            at = main.head if at is None else at
            stand = reading.Stand()
            if not empty:
                stand = reading.stood(connection, main.branch_id, main.head, at)
            projects.add_branch(
                connection,
                recording_id,
                name,
                author=author,
                forked_from=None if empty else at,
                next_id=main.next_id,
                now=self._clock(),
            )
            place = journal.lock(connection, recording_id, name)
            request = EditRequest(editing.FORK, str(uuid.uuid4()))
            self._append(connection, place, name, branching.copied(stand), request, setting)
            return projects.branches(connection, recording_id)[-1]

    def adopt(
        self,
        recording_id: int,
        branch: str,
        author: str,
        *,
        track_ids: Sequence[int] | None = None,
        client_id: str = "",
    ) -> Applied:
        """Bring a branch's tracks into `main` by one edit: those named, or all that changed.

        Raises:
            Conflict: with the newer states, if `main` has changed one since the fork.
            InvalidEdit: if a track is not on the branch, or it is `main`.
        """
        if branch == MAIN:
            raise InvalidEdit(f"{MAIN} cannot be adopted into itself; name another branch")
        payload: dict[str, Any] = {"branch": branch}
        if track_ids is not None:
            payload["track_ids"] = sorted(track_ids)
        request = EditRequest("adopt", client_id or str(uuid.uuid4()), payload=payload)
        with self._writing(recording_id, author, MAIN) as (connection, main, setting):
            if editing.known(connection, main, author, [request]):
                return editing.apply(connection, main, setting, [request], self._clock())
            place = journal.lock(connection, recording_id, branch)
            theirs = loading.load_whole(connection, place)
            changed, had = branching.changed(connection, theirs, place.branch_id)
            wanted = changed if track_ids is None else sorted(set(track_ids))
            info = projects.branches(connection, recording_id)
            forked_from = next(one.forked_from for one in info if one.name == branch) or 0
            draft = journal.load(connection, main, {("track", one) for one in wanted})
            done = branching.adopt(draft, theirs, wanted, had, forked_from)
            seq = self._append(connection, main, MAIN, draft, request, setting)
            return editing.applied(seq, draft, done)

    def migrate_classes(
        self, project_id: int, rules: Sequence[ClassChange], author: str, *, note: str = ""
    ) -> Migration:
        """Give labels of all recordings and branches the classes of a newer ontology.

        One edit a branch, each in its own transaction: interrupted, it goes on when called again.

        Raises:
            InvalidEdit: if a rule leads to a class that the current ontology has not.
        """
        with self.database.read() as connection:
            ontology = ontologies.current(connection, project_id)
            migration_of_classes.check(rules, ontology)
            names = {rule.old for rule in rules}
            todo = migration_of_classes.branches_with(connection, project_id, names)
        seqs: dict[tuple[int, str], int] = {}
        moved = 0
        for recording_id, branch in todo:
            with self._writing(recording_id, author, branch) as (connection, place, setting):
                draft = loading.load_whole(connection, place)
                count = migration_of_classes.move(draft, rules, ontology.version)
                if count:
                    payload = {"reason": note} if note else {}
                    request = EditRequest("migrate", str(uuid.uuid4()), payload=payload)
                    seqs[recording_id, branch] = self._append(
                        connection, place, branch, draft, request, setting
                    )
                    moved += count
        with self.database.read() as connection:
            left = migration_of_classes.strays(connection, project_id, ontology)
        return Migration(seqs, moved, left if ontology.classes else {})


def _digest(cuboids: Cuboids) -> str:
    digest = hashlib.sha256()
    for column in (cuboids.boxes, cuboids.frame, cuboids.track_id, cuboids.score):
        digest.update(np.ascontiguousarray(column).tobytes())
    digest.update(repr(cuboids.category.tolist()).encode())
    return digest.hexdigest()
