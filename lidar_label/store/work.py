"""Who labels what next: work items with leases, through annotate, review and accepted.

A lease is for a while, and renewed while its holder works; when a browser crashes it runs out, and
somebody else gets the item. A holder shows the lease's secret, so that one that ran out cannot
submit over the work of the next.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from lidar_label.errors import InvalidEdit, LidarLabelError, NotFound
from lidar_label.store import tables
from lidar_label.store.database import Database
from lidar_label.store.edits import MAIN
from lidar_label.store.events import Event, Listeners

ANNOTATE: Final = "annotate"
REVIEW: Final = "review"
ACCEPTED: Final = "accepted"
STAGES = (ANNOTATE, REVIEW, ACCEPTED)
DEFAULT_MINUTES = 15.0
_NS_PER_MINUTE = 60_000_000_000
_CLOCK_SLACK_NS = 5 * _NS_PER_MINUTE


class LeaseLost(LidarLabelError):
    """The lease ran out or was given back; somebody else may have the item."""


@dataclass(frozen=True)
class WorkItem:
    """Some frames of a recording to be labelled or reviewed.

    Attributes:
        id: Its number.
        project_id: Whose.
        recording_id: Of which recording.
        branch: Where the labels go.
        first_frame: First frame.
        last_frame: Last frame, included.
        priority: Greater comes first.
        stage: `annotate`, `review` or `accepted`.
        assignee: Who alone may annotate it; None: anybody.
        annotator: Who submitted it last.
        holder: Who has it on lease.
        expires_ns: When that ends.
        rejections: How often a review sent it back.
    """

    id: int
    project_id: int
    recording_id: int
    branch: str
    first_frame: int
    last_frame: int
    priority: int
    stage: str
    assignee: str | None
    annotator: str | None
    holder: str | None
    expires_ns: int | None
    rejections: int


@dataclass(frozen=True)
class Lease:
    """An item, and the secret that its holder shows to renew, give back or submit it."""

    item: WorkItem
    secret: str


@dataclass(frozen=True)
class WorkEvent:
    """What happened to an item: added, leased, submitted, accepted, rejected, released."""

    time_ns: int
    actor: str
    event: str
    reason: str


_ITEM = [tables.work_item.c[name] for name in WorkItem.__dataclass_fields__]
_W = tables.work_item.c


class Work:
    """The work items of one store."""

    def __init__(self, database: Database, clock: Callable[[], int], listeners: Listeners) -> None:
        self._database = database
        self._clock = clock
        self._listeners = listeners

    def add(
        self,
        recording_id: int,
        actor: str,
        spans: Sequence[tuple[int, int]],
        *,
        branch: str = MAIN,
        priority: int = 0,
        assignee: str | None = None,
    ) -> list[WorkItem]:
        """Items of some spans of frames, first and last included.

        Raises:
            InvalidEdit: if a span is not in the recording.
            NotFound: if there is no such recording or branch.
        """
        now = self._clock()
        with self._database.write() as connection:
            project_id, frames = _recording(connection, recording_id, branch)
            ids: list[int] = []
            for first, last in spans:
                if not 0 <= first <= last < frames:
                    raise InvalidEdit(
                        f"frames {first} to {last} are not in the recording, which has {frames}"
                    )
                row: dict[str, Any] = {
                    "project_id": project_id,
                    "recording_id": recording_id,
                    "branch": branch,
                    "first_frame": first,
                    "last_frame": last,
                    "priority": priority,
                    "stage": ANNOTATE,
                    "assignee": assignee,
                    "rejections": 0,
                    "created_ns": now,
                }
                added = insert(tables.work_item).returning(_W.id)
                ids.append(connection.execute(added, row).scalar_one())
                _log(connection, ids[-1], now, actor, "added")
            return [_find(connection, id_) for id_ in ids]

    def item(self, item_id: int) -> WorkItem:
        """One item.

        Raises:
            NotFound: if there is none.
        """
        with self._database.read() as connection:
            return _find(connection, item_id)

    def items(
        self,
        project_id: int,
        *,
        stage: str | None = None,
        holder: str | None = None,
        recording_id: int | None = None,
        after: int = 0,
        limit: int = 1000,
    ) -> list[WorkItem]:
        """Of a project, in order of id; those after an id, for the next page."""
        statement = select(*_ITEM).where(_W.project_id == project_id, _W.id > after)
        wanted = {"stage": stage, "holder": holder, "recording_id": recording_id}
        for name, value in wanted.items():
            if value is not None:
                statement = statement.where(_W[name] == value)
        with self._database.read() as connection:
            ordered = statement.order_by(_W.id).limit(limit)
            return [WorkItem(*row) for row in connection.execute(ordered)]

    def counts(self, project_id: int) -> dict[str, int]:
        """Stage → how many items."""
        statement = (
            select(_W.stage, func.count()).where(_W.project_id == project_id).group_by(_W.stage)
        )
        with self._database.read() as connection:
            found = {row[0]: row[1] for row in connection.execute(statement)}
        return {stage: found.get(stage, 0) for stage in STAGES}

    def events(self, item_id: int) -> list[WorkEvent]:
        """What happened to an item, oldest first."""
        e = tables.work_event.c
        columns = [e[name] for name in WorkEvent.__dataclass_fields__]
        with self._database.read() as connection:
            ordered = select(*columns).where(e.item_id == item_id).order_by(e.id)
            return [WorkEvent(*row) for row in connection.execute(ordered)]

    def lease(
        self,
        project_id: int,
        actor: str,
        *,
        stage: str = ANNOTATE,
        item_id: int | None = None,
        minutes: float = DEFAULT_MINUTES,
    ) -> Lease | None:
        """The next free item, or that one if it is free; None where there is nothing to do.

        A review goes to somebody else than the annotator. What a person holds already in the stage
        comes first, with a new secret: their earlier page has crashed, or is no longer looked at.
        """
        if stage not in (ANNOTATE, REVIEW):
            raise InvalidEdit(f"stage {stage!r} has no work; give {ANNOTATE} or {REVIEW}")
        now = self._clock()
        wanted = (
            select(_W.id)
            .where(_W.project_id == project_id, _W.stage == stage)
            .where(or_(_free(now), _W.holder == actor))
            .order_by((_W.holder == actor).desc().nulls_last(), _W.priority.desc(), _W.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if item_id is not None:
            wanted = wanted.where(_W.id == item_id)
        if stage == ANNOTATE:
            wanted = wanted.where(or_(_W.assignee.is_(None), _W.assignee == actor))
        else:
            wanted = wanted.where(_W.annotator != actor)
        with self._database.write() as connection:
            found = connection.execute(wanted).scalar()
            if found is None:
                return None
            secret = secrets.token_urlsafe(16)
            _set(
                connection,
                found,
                holder=actor,
                lease=secret,
                leased_ns=now,
                expires_ns=now + int(minutes * _NS_PER_MINUTE),
            )
            _log(connection, found, now, actor, "leased")
            item = self._tell(connection, "work.leased", found, actor)
            return Lease(item, secret)

    def renew(self, item_id: int, secret: str, *, minutes: float = DEFAULT_MINUTES) -> WorkItem:
        """Hold on to an item. A lease that ran out is renewed while nobody else took the item.

        Raises:
            LeaseLost: if somebody did.
        """
        now = self._clock()
        with self._database.write() as connection:
            _held(connection, item_id, secret)
            expires = now + int(minutes * _NS_PER_MINUTE)
            _set(connection, item_id, leased_ns=now, expires_ns=expires)
            return _find(connection, item_id)

    def release(self, item_id: int, secret: str) -> WorkItem:
        """Give an item back unfinished.

        Raises:
            LeaseLost: if somebody else has it by now.
        """
        return self._end(item_id, secret, "released", None)

    def submit(self, item_id: int, secret: str) -> WorkItem:
        """Annotated; now somebody else reviews it.

        Raises:
            LeaseLost: if somebody else has it by now.
        """
        return self._end(item_id, secret, "submitted", ANNOTATE, stage=REVIEW)

    def accept(self, item_id: int, secret: str) -> WorkItem:
        """Reviewed and found right.

        Raises:
            LeaseLost: if somebody else has it by now.
        """
        return self._end(item_id, secret, "accepted", REVIEW, stage=ACCEPTED)

    def reject(self, item_id: int, secret: str, reason: str) -> WorkItem:
        """Reviewed and sent back, to its annotator first, with the reason.

        Raises:
            InvalidEdit: if there is no reason.
            LeaseLost: if somebody else has it by now.
        """
        if not reason.strip():
            raise InvalidEdit("a rejection needs its reason; say what to mend")
        return self._end(item_id, secret, "rejected", REVIEW, stage=ANNOTATE, reason=reason.strip())

    def reopen(self, item_id: int, actor: str, reason: str) -> WorkItem:
        """Back to annotate from any stage, by someone who may; a lease on it ends."""
        if not reason.strip():
            raise InvalidEdit("reopening needs its reason; say what to mend")
        now = self._clock()
        with self._database.write() as connection:
            _find(connection, item_id)
            _set(connection, item_id, stage=ANNOTATE, **_NO_LEASE)
            _log(connection, item_id, now, actor, "reopened", reason.strip())
            return self._tell(connection, "work.reopened", item_id, actor)

    def _end(
        self,
        item_id: int,
        secret: str,
        event: str,
        needs: str | None,
        *,
        stage: str | None = None,
        reason: str = "",
    ) -> WorkItem:
        now = self._clock()
        with self._database.write() as connection:
            item = _held(connection, item_id, secret)
            if needs is not None and item.stage != needs:
                raise InvalidEdit(f"item {item_id} is in {item.stage}; only {needs} is {event}")
            changed: dict[str, Any] = dict(_NO_LEASE)
            if stage is not None:
                changed["stage"] = stage
            if event == "submitted":
                changed["annotator"] = item.holder
            if event == "rejected":
                changed |= {"assignee": item.annotator, "rejections": item.rejections + 1}
            _set(connection, item_id, **changed)
            actor = item.holder or ""
            _log(connection, item_id, now, actor, event, reason)
            return self._tell(connection, f"work.{event}", item_id, actor, reason)

    def _tell(
        self, connection: Connection, kind: str, item_id: int, actor: str, reason: str = ""
    ) -> WorkItem:
        item = _find(connection, item_id)
        detail = {"item": item_id, "stage": item.stage, "reason": reason}
        event = Event(kind, item.project_id, item.recording_id, item.branch, None, actor, detail)
        self._listeners.tell(connection, event)
        return item


_NO_LEASE: Final = {"holder": None, "lease": None, "leased_ns": None, "expires_ns": None}


def _free(now: int) -> ColumnElement[bool]:
    """Nobody holds it, or the lease ran out, or was made at a time that is still to come.

    The last is a clock that was set back, which would else hold the item for as long.
    """
    return or_(
        _W.holder.is_(None),
        _W.expires_ns <= now,
        and_(_W.leased_ns.is_not(None), _W.leased_ns > now + _CLOCK_SLACK_NS),
    )


def _held(connection: Connection, item_id: int, secret: str) -> WorkItem:
    statement = select(*_ITEM).where(_W.id == item_id, _W.lease == secret).with_for_update()
    row = connection.execute(statement).first()
    if row is None:
        item = _find(connection, item_id)
        who = f"{item.holder} has it now" if item.holder else "it was given back"
        raise LeaseLost(f"the lease of item {item_id} ended and {who}; ask for work again")
    return WorkItem(*row)


def _recording(connection: Connection, recording_id: int, branch: str) -> tuple[int, int]:
    r, b = tables.recording.c, tables.branch.c
    statement = (
        select(r.project_id, r.frames)
        .join(tables.branch, b.recording_id == r.id)
        .where(r.id == recording_id, b.name == branch)
    )
    row = connection.execute(statement).first()
    if row is None:
        raise NotFound(f"recording {recording_id} has no branch {branch}")
    return row[0], row[1]


def _find(connection: Connection, item_id: int) -> WorkItem:
    row = connection.execute(select(*_ITEM).where(_W.id == item_id)).first()
    if row is None:
        raise NotFound(f"there is no work item {item_id}")
    return WorkItem(*row)


def _set(connection: Connection, item_id: int, **columns: Any) -> None:
    connection.execute(update(tables.work_item).where(_W.id == item_id).values(**columns))


def _log(
    connection: Connection, item_id: int, now: int, actor: str, event: str, reason: str = ""
) -> None:
    if "\0" in reason:
        raise InvalidEdit("the reason has a NUL character; take it out")
    row = {"item_id": item_id, "time_ns": now, "actor": actor, "event": event, "reason": reason}
    connection.execute(insert(tables.work_event), row)
