"""Reads labels as they stand or stood, and who made them so."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, and_, func, select

from lidar_label.errors import InvalidEdit, NotFound
from lidar_label.store import tables
from lidar_label.store.changes import Changes
from lidar_label.store.edits import Entry
from lidar_label.store.journal import CUBOID_COLUMNS
from lidar_label.store.rows import HUMAN, Comment, Cuboid, Track, Window

_BATCH = 200  # edits unpacked at a time


@dataclass
class Stand:
    """Everything on a branch at one of its edits."""

    tracks: dict[int, Track] = field(default_factory=dict)
    cuboids: dict[tuple[int, int], Cuboid] = field(default_factory=dict)
    windows: dict[int, Window] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)

    def step(self, changes: Changes, *, back: bool = False) -> None:
        """Go over one edit, forwards or backwards."""
        for name in ("tracks", "cuboids", "windows", "comments"):
            place: dict[Any, Any] = getattr(self, name)
            pairs: Mapping[Any, tuple[Any, Any]] = getattr(changes, name)
            for key, (before, after) in pairs.items():
                row = before if back else after
                if row is None:
                    place.pop(key, None)
                else:
                    place[key] = row


@dataclass(frozen=True)
class Blame:
    """Who made a cuboid as it stands.

    Attributes:
        frame: Which cuboid of the track.
        seq: The edit.
        author: Who.
        time_ns: When.
        operation: How.
        source: `human`, `auto`, `import` or `interpolated`.
    """

    frame: int
    seq: int
    author: str
    time_ns: int
    operation: str
    source: str


@dataclass(frozen=True)
class DeletePreview:
    """What goes with a track.

    Attributes:
        track: The track.
        cuboids: How many.
        first_frame: Of them.
        last_frame: Of them.
        by_hand: How many of them people made.
        authors: Who has worked on it.
        comments: How many comments are pinned to it; they stay.
    """

    track: Track
    cuboids: int
    first_frame: int | None
    last_frame: int | None
    by_hand: int
    authors: tuple[str, ...]
    comments: int


def find_branch(connection: Connection, recording_id: int, name: str) -> tuple[int, int]:
    """Its id and the seq of its newest edit.

    Raises:
        NotFound: if there is none.
    """
    b = tables.branch.c
    statement = select(b.id, b.head).where(b.recording_id == recording_id, b.name == name)
    row = connection.execute(statement).first()
    if row is None:
        raise NotFound(f"recording {recording_id} has no branch {name}")
    return row[0], row[1]


def rows_of(
    connection: Connection, branch_id: int, frame: int | None
) -> tuple[dict[int, Track], Sequence[Sequence[Any]]]:
    """Tracks and cuboids as they stand: of a frame, or all."""
    c, t = tables.cuboid.c, tables.track.c
    cuboids = select(*CUBOID_COLUMNS).where(c.branch_id == branch_id)
    tracks = select(*(t[name] for name in Track._fields)).where(t.branch_id == branch_id)
    if frame is not None:
        cuboids = cuboids.where(c.frame == frame)
        inside = select(c.track_id).where(c.branch_id == branch_id, c.frame == frame)
        tracks = tracks.where(t.track_id.in_(inside))
    rows = connection.execute(cuboids.order_by(c.frame, c.track_id)).all()
    ordered = connection.execute(tracks.order_by(t.track_id)).all()
    return {row[0]: Track._make(row) for row in ordered}, rows


def windows_of(connection: Connection, branch_id: int) -> list[Window]:
    """All windows, in order of their start."""
    w = tables.window.c
    statement = select(*(w[name] for name in Window._fields)).where(w.branch_id == branch_id)
    ordered = statement.order_by(w.start_ns, w.window_id)
    return [Window._make(row) for row in connection.execute(ordered)]


def comments_of(connection: Connection, branch_id: int, frame: int | None) -> list[Comment]:
    """Comments in order of their id: those pinned to a frame, or all."""
    c = tables.comment.c
    statement = select(*(c[name] for name in Comment._fields)).where(c.branch_id == branch_id)
    if frame is not None:
        statement = statement.where(c.frame == frame)
    return [Comment._make(row) for row in connection.execute(statement.order_by(c.comment_id))]


def stand(connection: Connection, branch_id: int) -> Stand:
    """Everything as it is materialised now."""
    tracks, rows = rows_of(connection, branch_id, None)
    return Stand(
        tracks=tracks,
        cuboids={(row[1], row[0]): Cuboid._make(row) for row in rows},
        windows={row.window_id: row for row in windows_of(connection, branch_id)},
        comments={row.comment_id: row for row in comments_of(connection, branch_id, None)},
    )


def replayed(connection: Connection, branch_id: int, upto: int) -> Stand:
    """Everything as the log alone says it was after edit `upto`."""
    result = Stand()
    for changes in _changes(connection, branch_id, 0, upto):
        result.step(changes)
    return result


def stood(connection: Connection, branch_id: int, head: int, at: int) -> Stand:
    """Everything as it was after edit `at`, from the nearer end of the log.

    Raises:
        InvalidEdit: if there is no such edit.
    """
    if not 0 <= at <= head:
        raise InvalidEdit(f"there is no edit {at}; they go from 0 (nothing) to {head}")
    if at < head - at:
        return replayed(connection, branch_id, at)
    result = stand(connection, branch_id)
    for changes in _changes(connection, branch_id, at, head, back=True):
        result.step(changes, back=True)
    return result


def _changes(
    connection: Connection, branch_id: int, after: int, upto: int, *, back: bool = False
) -> Iterator[Changes]:
    e = tables.edit.c
    statement = select(e.changes).where(e.branch_id == branch_id, e.seq > after, e.seq <= upto)
    ordered = statement.order_by(e.seq.desc() if back else e.seq)
    for row in connection.execute(ordered.execution_options(yield_per=_BATCH)):
        yield Changes.unpack(row[0])


def history(
    connection: Connection,
    branch_id: int,
    *,
    thing: tuple[str, int] | None = None,
    frame: int | None = None,
    author: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Entry]:
    """Edits, newest first: of one thing, of one cuboid of a track, of one author, or all."""
    e, t, later = tables.edit.c, tables.touched.c, tables.edit.alias()
    statement = (
        select(e.seq, e.author, e.time_ns, e.operation, e.note, e.reverts, later.c.seq, e.changes)
        .outerjoin(later, and_(later.c.branch_id == e.branch_id, later.c.reverts == e.seq))
        .where(e.branch_id == branch_id)
        .order_by(e.seq.desc())
    )
    if thing is not None:
        statement = statement.join(
            tables.touched, and_(t.branch_id == e.branch_id, t.seq == e.seq)
        ).where(t.kind == thing[0], t.object_id == thing[1])
    if author is not None:
        statement = statement.where(e.author == author)
    if before is not None:
        statement = statement.where(e.seq < before)
    if frame is None:
        statement = statement.limit(limit)
    found: list[Entry] = []
    for *line, changes in connection.execute(statement.execution_options(yield_per=_BATCH)):
        packed = Changes.unpack(changes)
        if frame is None or (thing and (thing[1], frame) in packed.cuboids):
            found.append(Entry(*line, touched=tuple(packed.touched())))
        if len(found) == limit:
            break
    return found


def blame(connection: Connection, branch_id: int, track_id: int) -> list[Blame]:
    """Who made each cuboid of a track, in order of frame."""
    c, e = tables.cuboid.c, tables.edit.c
    statement = (
        select(c.frame, e.seq, e.author, e.time_ns, e.operation, c.source)
        .join(tables.edit, and_(e.branch_id == c.branch_id, e.seq == c.edit_seq))
        .where(c.branch_id == branch_id, c.track_id == track_id)
        .order_by(c.frame)
    )
    return [Blame(*row) for row in connection.execute(statement)]


def preview_delete(connection: Connection, branch_id: int, track_id: int) -> DeletePreview:
    """What would go.

    Raises:
        NotFound: if the track is not there.
    """
    t, c, m = tables.track.c, tables.cuboid.c, tables.comment.c
    wanted = select(*(t[name] for name in Track._fields))
    row = connection.execute(wanted.where(t.branch_id == branch_id, t.track_id == track_id)).first()
    if row is None:
        raise NotFound(f"track {track_id} is not there")
    here = (c.branch_id == branch_id, c.track_id == track_id)
    figures = select(func.count(), func.min(c.frame), func.max(c.frame)).where(*here)
    count, first, last = connection.execute(figures).one()
    by_hand = select(func.count()).where(*here, c.source == HUMAN)
    pinned = select(func.count()).where(m.branch_id == branch_id, m.track_id == track_id)
    e, d = tables.edit.c, tables.touched.c
    authors = (
        select(e.author)
        .distinct()
        .join(tables.touched, and_(d.branch_id == e.branch_id, d.seq == e.seq))
        .where(d.branch_id == branch_id, d.kind == "track", d.object_id == track_id)
        .order_by(e.author)
    )
    return DeletePreview(
        track=Track._make(row),
        cuboids=count,
        first_frame=first,
        last_frame=last,
        by_hand=connection.execute(by_hand).scalar_one(),
        authors=tuple(connection.execute(authors).scalars()),
        comments=connection.execute(pinned).scalar_one(),
    )
