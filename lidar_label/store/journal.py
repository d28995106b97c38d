"""Adds edits to the log and brings the current labels up to date, in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from lidar_label.errors import NotFound
from lidar_label.store import tables
from lidar_label.store.changes import Changes
from lidar_label.store.draft import Draft
from lidar_label.store.rows import Comment, Cuboid, Track, Window

_B, _R, _E, _T, _C = (
    table.c
    for table in (tables.branch, tables.recording, tables.edit, tables.touched, tables.cuboid)
)
CUBOID_COLUMNS = [_C[name] for name in Cuboid._fields]

# Statements are built once: building them takes longer than SQLite takes to run them.
_BRANCH, _IDS = bindparam("branch"), bindparam("ids", expanding=True)
# SQLite has no FOR UPDATE and needs none: a writing transaction has the whole file.
_LOCK = (
    select(_B.id, _B.recording_id, _R.project_id, _B.head, _B.next_id)
    .join(tables.recording, _R.id == _B.recording_id)
    .where(_B.recording_id == bindparam("recording"), _B.name == bindparam("name"))
    .with_for_update(of=tables.branch)
)
_MOVE_HEAD = (
    update(tables.branch)
    .where(_B.id == _BRANCH)
    .values(head=bindparam("to_head"), next_id=bindparam("to_id"))
)
_KNOWN = select(_E.client_id, _E.seq, _E.request_hash, _E.base_revision).where(
    _E.branch_id == _BRANCH, _E.author == bindparam("author"), _E.client_id.in_(_IDS)
)
_CUBOIDS = select(*CUBOID_COLUMNS).where(_C.branch_id == _BRANCH, _C.track_id.in_(_IDS))
_GONE = (
    select(_T.object_id, _T.seq)
    .where(_T.branch_id == _BRANCH, _T.kind == bindparam("kind"), _T.object_id.in_(_IDS))
    .order_by(_T.seq)
)
_ADD_EDIT, _ADD_TOUCHED = insert(tables.edit), insert(tables.touched)


class _Kind:
    """One of the kinds of thing that are loaded by their id."""

    def __init__(self, table: Table, row: type[Any], key: str) -> None:
        self.table, self.row, self.key = table, row, key
        self.load = select(*(table.c[name] for name in row._fields)).where(
            table.c.branch_id == _BRANCH, table.c[key].in_(_IDS)
        )


_KINDS = {
    "track": _Kind(tables.track, Track, "track_id"),
    "window": _Kind(tables.window, Window, "window_id"),
    "comment": _Kind(tables.comment, Comment, "comment_id"),
}


@cache
def _upsert_into(table: Table, fields: tuple[str, ...], mark: str) -> str:
    """As the driver takes it: SQLAlchemy needs thrice as long to bind many rows."""
    keys = [column.name for column in table.primary_key.columns]
    names = ("branch_id", *fields)
    changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    return (
        f'INSERT INTO "{table.name}" ({", ".join(names)}) '  # noqa: S608 - our own names
        f"VALUES ({', '.join([mark] * len(names))}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changed}"
    )


@cache
def _delete_from(table: Table) -> Any:
    keys = table.primary_key.columns
    return table.delete().where(*(column == bindparam(f"b_{column.name}") for column in keys))


@dataclass(frozen=True)
class Branch:
    """A branch, locked for writing until the transaction ends.

    Attributes:
        branch_id: Its id.
        recording_id: Whose labels it holds.
        project_id: Whose recording that is.
        head: Seq of its newest edit.
        next_id: What the next new thing is called.
    """

    branch_id: int
    recording_id: int
    project_id: int
    head: int
    next_id: int


@dataclass(frozen=True)
class Line:
    """What the log says of one edit besides its changes."""

    author: str
    operation: str
    client_id: str
    request_hash: bytes = b""
    base_revision: int | None = None
    note: str = ""
    reverts: int | None = None
    ontology_version: int = 0
    batch: str | None = None


def lock(connection: Connection, recording_id: int, name: str) -> Branch:
    """The branch; other writers of it wait until this transaction ends.

    Raises:
        NotFound: if there is none.
    """
    row = connection.execute(_LOCK, {"recording": recording_id, "name": name}).first()
    if row is None:
        raise NotFound(f"recording {recording_id} has no branch {name}")
    return Branch(*row)


def load(connection: Connection, branch: Branch, wanted: Iterable[tuple[str, int]]) -> Draft:
    """A draft with these things, by kind and id; what is gone is noted as gone."""
    draft = Draft(branch.head + 1, branch.next_id)
    by_kind: dict[str, set[int]] = {}
    for kind, one in wanted:
        by_kind.setdefault(kind, set()).add(one)
    for kind, ids in by_kind.items():
        asked = {"branch": branch.branch_id, "ids": sorted(ids)}
        place: dict[int, Any] = getattr(draft, f"{kind}s")
        make = _KINDS[kind].row._make
        for row in connection.execute(_KINDS[kind].load, asked):
            place[row[0]] = make(row)
        missing = ids - set(place)
        if missing:
            gone = {**asked, "kind": kind, "ids": sorted(missing)}
            for one, seq in connection.execute(_GONE, gone):
                draft.gone[kind, one] = seq
        if kind == "track":
            for row in map(Cuboid._make, connection.execute(_CUBOIDS, asked).all()):
                draft.cuboids.setdefault(row.track_id, {})[row.frame] = row
    return draft


def append(
    connection: Connection,
    branch: Branch,
    entries: Sequence[tuple[Line, Changes]],
    next_id: int,
    now: int,
) -> int:
    """Log edits in their order and bring the labels up to date; the seq of the last."""
    log: list[dict[str, Any]] = []
    touched: list[dict[str, Any]] = []
    for k, (line, changes) in enumerate(entries, start=1):
        place = {"branch_id": branch.branch_id, "seq": branch.head + k}
        log.append({**place, **line.__dict__, "time_ns": now, "changes": changes.pack()})
        touched += [{**place, "kind": kind, "object_id": one} for kind, one in changes.touched()]
    write_rows(connection, branch.branch_id, [changes for _, changes in entries])
    connection.execute(_ADD_EDIT, log)
    if touched:
        connection.execute(_ADD_TOUCHED, touched)
    head = branch.head + len(entries)
    moved = {"to_head": head, "to_id": max(next_id, branch.next_id)}
    connection.execute(_MOVE_HEAD, {"branch": branch.branch_id, **moved})
    return head


def write_rows(connection: Connection, branch_id: int, changes: Sequence[Changes]) -> None:
    """Make the current labels what they are after the changes, the later ones winning."""
    for name, kind in _KINDS.items():
        last: dict[int, tuple[Any, Any]] = {}
        for one in changes:
            last.update(getattr(one, f"{name}s"))
        _upsert(connection, kind.table, branch_id, [row for _, row in last.values() if row])
        gone = [{f"b_{kind.key}": key} for key, (_, row) in last.items() if row is None]
        _delete(connection, kind.table, branch_id, gone)
    cuboids: dict[tuple[int, int], tuple[Any, Any]] = {}
    for one in changes:
        cuboids.update(one.cuboids)
    _upsert(connection, tables.cuboid, branch_id, [row for _, row in cuboids.values() if row])
    gone = [
        {"b_track_id": track_id, "b_frame": frame}
        for (track_id, frame), (_, row) in cuboids.items()
        if row is None
    ]
    _delete(connection, tables.cuboid, branch_id, gone)


def _upsert(connection: Connection, table: Table, branch_id: int, rows: Sequence[Any]) -> None:
    if rows:
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        statement = _upsert_into(table, rows[0]._fields, mark)
        connection.exec_driver_sql(statement, [(branch_id, *row) for row in rows])


def _delete(
    connection: Connection, table: Table, branch_id: int, keys: Sequence[dict[str, Any]]
) -> None:
    if keys:
        here = [{"b_branch_id": branch_id, **key} for key in keys]
        connection.execute(_delete_from(table), here)


def known_edits(
    connection: Connection, branch: Branch, author: str, client_ids: Sequence[str]
) -> Mapping[str, Any]:
    """Client id → seq, request_hash, base_revision of those that are in the log already."""
    asked = {"branch": branch.branch_id, "author": author, "ids": list(client_ids)}
    return {row.client_id: row for row in connection.execute(_KNOWN, asked)}
