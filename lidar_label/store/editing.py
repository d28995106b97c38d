"""Makes edits: checks what they were based on, logs them with their effect, undoes and redoes."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, and_, exists, select

from lidar_label.errors import InvalidEdit
from lidar_label.store import journal, tables
from lidar_label.store.changes import Changes
from lidar_label.store.draft import Draft, Setting
from lidar_label.store.edits import (
    Applied,
    CommentState,
    Conflict,
    EditRequest,
    State,
    TrackState,
    WindowState,
)
from lidar_label.store.journal import Branch, Line
from lidar_label.store.operations import perform, subjects
from lidar_label.store.rows import as_json

_WHOLE = (
    "track_id", "window_id", "comment_id", "base_revision", "frame", "other_id",
    "other_base_revision",
)  # fmt: skip
UNDO, REDO, FORK = "undo", "redo", "fork"
Things = set[tuple[str, int]]
_State = TypeVar("_State", TrackState, WindowState, CommentState)


def apply(
    connection: Connection, branch: Branch, setting: Setting, edits: Sequence[EditRequest], now: int
) -> Applied:
    """Make all the edits or none.

    Raises:
        Conflict: with the newer states, if something changed since the author saw it.
        InvalidEdit: if one cannot be made as asked.
    """
    _check_ids(edits)
    made = known(connection, branch, setting.author, edits)
    fresh = [one for one in edits if one.client_id not in made]
    done: Things = _touched_by(connection, branch, [row.seq for row in made.values()])
    about = [subject for one in fresh for subject in subjects(one)]
    draft = journal.load(connection, branch, done | {(kind, one) for kind, one, _ in about})
    _check_bases(draft, about, list(made.values()))
    entries: list[tuple[Line, Changes]] = []
    for one in fresh:
        perform(draft, one, setting)
        changes = draft.finish()
        done.update(changes.touched())
        entries.append((line_of(one, setting, changes), changes))
    if not entries:
        return applied(max(row.seq for row in made.values()), draft, done)
    seq = journal.append(connection, branch, entries, draft.next_id, now)
    return applied(seq, draft, done)


def line_of(request: EditRequest, setting: Setting, changes: Changes) -> Line:
    """What the log says of a request that was done."""
    reason = request.payload.get("reason", "")
    if not isinstance(reason, str):
        raise InvalidEdit(f"{request.operation}: payload.reason is {reason!r}; give text")
    versions = [
        row.ontology_version
        for pairs in (changes.tracks, changes.windows)
        for _, row in pairs.values()
        if row
    ]
    return Line(
        author=setting.author,
        operation=request.operation,
        client_id=request.client_id,
        request_hash=request.digest(),
        base_revision=request.base_revision,
        note=reason,
        ontology_version=max(versions, default=0),
        batch=request.batch or None,
    )


def _check_ids(edits: Sequence[EditRequest]) -> None:
    if not edits:
        raise InvalidEdit("no edits; send at least one")
    for one in edits:
        _check_form(one)
    ids = [one.client_id for one in edits]
    if len(set(ids)) < len(ids):
        raise InvalidEdit("two edits have the same client_id; make a UUID for each edit")


def _check_form(request: EditRequest) -> None:
    """What would not fit the columns, or is no text that a database keeps."""
    if not 0 < len(request.client_id) <= 200 or not request.client_id.isprintable():
        raise InvalidEdit("client_id is not 1 to 200 plain characters; make a UUID for each edit")
    if len(request.batch) > 200 or not request.batch.isprintable():
        raise InvalidEdit("batch is not up to 200 plain characters; make a UUID for each batch")
    for name in _WHOLE:
        value = getattr(request, name)
        if value is not None and not -(2**63) <= value < 2**63:
            raise InvalidEdit(f"{request.operation}: {name} is {value}, which no id or revision is")
    try:
        said = as_json(request.payload)
        said.encode()
    except (TypeError, ValueError) as error:
        raise InvalidEdit(f"{request.operation}: payload is not JSON ({error})") from error
    if "\\u0000" in said:
        raise InvalidEdit(f"{request.operation}: payload has a NUL character; take it out")


def known(
    connection: Connection, branch: Branch, author: str, edits: Sequence[EditRequest]
) -> dict[str, Any]:
    """Those that are in the log already: their answer was lost, and they are sent again."""
    found = dict(journal.known_edits(connection, branch, author, [one.client_id for one in edits]))
    for one in edits:
        row = found.get(one.client_id)
        if row is not None and row.request_hash != one.digest():
            raise InvalidEdit(
                f"client_id {one.client_id} was edit {row.seq}, which asked for something else; "
                "make a new one for each edit"
            )
    return found


def _check_bases(
    draft: Draft, about: Iterable[tuple[str, int, int | None]], known: Sequence[Any]
) -> None:
    """Every base must be the revision before these edits, those made already included."""
    before_retry = {row.seq: row.base_revision for row in known}
    stale: Things = set()
    for kind, one, base in about:
        revision = draft.state(kind, one).revision
        if base is not None and base not in {revision, before_retry.get(revision)}:
            stale.add((kind, one))
    if stale:
        raise conflict(draft, stale, "changed since you saw it; look at it again")


def conflict(draft: Draft, things: Things, why: str) -> Conflict:
    """The error for things that are not as the author saw them, with how they stand."""
    names = ", ".join(f"{kind} {one}" for kind, one in sorted(things)[:5])
    return Conflict(f"{names}: {why}", draft.states(things))


def applied(seq: int, draft: Draft, things: Things) -> Applied:
    """The answer: how everything stands that edits up to `seq` touched."""
    states = draft.states(things)
    return Applied(
        seq=seq,
        tracks=_of_kind(states, TrackState),
        windows=_of_kind(states, WindowState),
        comments=_of_kind(states, CommentState),
    )


def _of_kind(states: Sequence[State], kind: type[_State]) -> tuple[_State, ...]:
    return tuple(one for one in states if isinstance(one, kind))


def _touched_by(connection: Connection, branch: Branch, seqs: Sequence[int]) -> Things:
    if not seqs:
        return set()
    t = tables.touched.c
    statement = select(t.kind, t.object_id).where(t.branch_id == branch.branch_id, t.seq.in_(seqs))
    return {(kind, one) for kind, one in connection.execute(statement)}


def undo(
    connection: Connection,
    branch: Branch,
    setting: Setting,
    now: int,
    *,
    seq: int | None = None,
    client_id: str = "",
) -> Applied:
    """Revert the author's last edit that stands with its batch, or the edit `seq` alone.

    Each is reverted by a new edit; those of one undo are one batch again.

    Raises:
        Conflict: with the newer states, if others have touched the same things since.
        InvalidEdit: if there is nothing to undo.
    """
    return _go_back(connection, branch, setting, now, UNDO, seq, client_id)


def redo(
    connection: Connection, branch: Branch, setting: Setting, now: int, *, client_id: str = ""
) -> Applied:
    """Revert the author's last undo that stands, unless they have edited since.

    Raises:
        Conflict: with the newer states, if others have touched the same things since.
        InvalidEdit: if there is nothing to redo.
    """
    return _go_back(connection, branch, setting, now, REDO, None, client_id)


def _go_back(
    connection: Connection,
    branch: Branch,
    setting: Setting,
    now: int,
    operation: str,
    seq: int | None,
    client_id: str,
) -> Applied:
    client_id = client_id or str(uuid.uuid4())
    request = EditRequest(operation, client_id, payload={} if seq is None else {"seq": seq})
    _check_form(request)
    if seq is not None and not 0 < seq <= branch.head:
        raise InvalidEdit(f"there is no edit {seq}; the last is {branch.head}")
    made = known(connection, branch, setting.author, [request])
    if made:
        again = _together(connection, branch, setting.author, client_id)
        done = _touched_by(connection, branch, [made[client_id].seq, *again])
        last = max([made[client_id].seq, *again])
        return applied(last, journal.load(connection, branch, done), done)
    steps = [seq] if seq is not None else []
    seqs = steps or _last_step(connection, branch, setting.author, operation)
    return _revert(connection, branch, setting, now, request, seqs)


def _last_step(connection: Connection, branch: Branch, author: str, operation: str) -> list[int]:
    """Seqs of the author's newest edit that is not reverted and of its batch, newest first.

    To redo, of the newest undo; else of any other edit.
    """
    e, later = tables.edit.c, tables.edit.alias().c
    here = (e.branch_id == branch.branch_id, e.author == author)
    stands = ~exists().where(and_(later.branch_id == e.branch_id, later.reverts == e.seq))
    kind = e.operation == UNDO if operation == REDO else e.operation.not_in([UNDO, FORK])
    newest = select(e.seq, e.batch).where(*here).order_by(e.seq.desc())
    found = connection.execute(newest.where(kind, stands).limit(1)).first()
    if found is None:
        raise InvalidEdit(f"{author} has nothing to {operation} here")
    if operation == REDO:
        since = newest.where(e.seq > found.seq, e.operation.not_in([UNDO, REDO])).limit(1)
        if connection.execute(since).first() is not None:
            raise InvalidEdit(f"{author} has edited since the last undo; there is nothing to redo")
    if found.batch is None:
        return [found.seq]
    batch = newest.where(kind, stands, e.batch == found.batch)
    return [row.seq for row in connection.execute(batch)]


def _together(connection: Connection, branch: Branch, author: str, batch: str) -> list[int]:
    """Seqs of a batch."""
    e = tables.edit.c
    here = (e.branch_id == branch.branch_id, e.author == author, e.batch == batch)
    return list(connection.execute(select(e.seq).where(*here)).scalars())


def _revert(
    connection: Connection,
    branch: Branch,
    setting: Setting,
    now: int,
    request: EditRequest,
    seqs: Sequence[int],
) -> Applied:
    """Revert edits, the newest first, all or none."""
    e = tables.edit.c
    rows = select(e.seq, e.changes, e.ontology_version).where(
        e.branch_id == branch.branch_id, e.seq.in_(seqs)
    )
    found = {row.seq: row for row in connection.execute(rows)}
    taken = select(e.seq, e.reverts).where(e.branch_id == branch.branch_id, e.reverts.in_(seqs))
    for by, reverted in connection.execute(taken):
        raise InvalidEdit(f"edit {reverted} was undone already, by edit {by}")
    changes = {seq: Changes.unpack(found[seq].changes) for seq in seqs}
    things = {thing for one in changes.values() for thing in one.touched()}
    draft = journal.load(connection, branch, things)
    entries: list[tuple[Line, Changes]] = []
    for k, seq in enumerate(seqs):
        about = set(changes[seq].touched())
        others = _touched_by_others(connection, branch, setting.author, seq, about)
        stale = others | _differing(draft, changes[seq])
        if stale:
            raise conflict(draft, stale, f"changed since edit {seq}; it cannot be reverted alone")
        _put_back(draft, changes[seq])
        line = Line(
            author=setting.author,
            operation=request.operation,
            client_id=request.client_id if k == 0 else f"{request.client_id}/{k}",
            request_hash=request.digest(),
            reverts=seq,
            ontology_version=found[seq].ontology_version,
            batch=request.client_id if len(seqs) > 1 else None,
        )
        entries.append((line, draft.finish()))
    new = journal.append(connection, branch, entries, draft.next_id, now)
    return applied(new, draft, things)


def _touched_by_others(
    connection: Connection, branch: Branch, author: str, seq: int, things: Things
) -> Things:
    """What others' later edits changed, where those stand: an edit and its undo cancel out."""
    t, e = tables.touched.c, tables.edit.c
    statement = (
        select(t.kind, t.object_id, e.seq, e.author, e.reverts)
        .join(tables.edit, and_(e.branch_id == t.branch_id, e.seq == t.seq))
        .where(
            t.branch_id == branch.branch_id,
            t.kind.in_({kind for kind, _ in things}),
            t.object_id.in_({one for _, one in things}),
            t.seq > seq,
        )
        .order_by(e.seq.desc())
    )
    cancelled: set[int] = set()
    found: Things = set()
    for kind, one, later, who, reverts in connection.execute(statement):
        if later in cancelled:
            continue
        if reverts is not None and reverts > seq:
            cancelled |= {later, reverts}
        elif who != author and (kind, one) in things:
            found.add((kind, one))
    return found


def _differing(draft: Draft, changes: Changes) -> Things:
    """What no longer is as the edit left it."""
    found: Things = set()
    for (track_id, frame), (_, after) in changes.cuboids.items():
        if _plain(draft.rows(track_id).get(frame)) != _plain(after):
            found.add(("track", track_id))
    for kind in ("track", "window", "comment"):
        place: dict[int, Any] = getattr(draft, f"{kind}s")
        for one, (_, after) in getattr(changes, f"{kind}s").items():
            if _plain(place.get(one)) != _plain(after):
                found.add((kind, one))
    return found


def _plain(row: Any) -> Any:
    """The row without the seq at its end, which says only when it was written."""
    return None if row is None else tuple(row[:-1])


def _put_back(draft: Draft, changes: Changes) -> None:
    for (track_id, frame), (before, _) in changes.cuboids.items():
        _put_or_drop(draft, before, draft.rows(track_id).get(frame))
    for one, (before, _) in changes.tracks.items():
        _put_or_drop(draft, before, draft.tracks.get(one))
    for one, (before, _) in changes.windows.items():
        _put_or_drop(draft, before, draft.windows.get(one))
    for one, (before, _) in changes.comments.items():
        _put_or_drop(draft, before, draft.comments.get(one))


def _put_or_drop(draft: Draft, before: Any, now: Any) -> None:
    if before is not None:
        draft.put(before)
    elif now is not None:
        draft.drop(now)
