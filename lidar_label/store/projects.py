"""Projects, the recordings in them, and the branches on which each recording is labelled."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from lidar_label.arrays import Floats, Ints
from lidar_label.errors import InvalidEdit, NotFound
from lidar_label.store import tables
from lidar_label.store.edits import MAIN
from lidar_label.store.rows import as_json


@dataclass(frozen=True)
class Project:
    """Recordings, an ontology, people and their work.

    Attributes:
        id: Its number.
        name: Unique.
        ontology_version: The current one; 0 before there is any.
        settings: What else is agreed.
        created_ns: When.
    """

    id: int
    name: str
    ontology_version: int
    settings: Mapping[str, Any]
    created_ns: int


@dataclass(frozen=True)
class RecordingInfo:
    """A registered recording; the recording itself lies elsewhere and is never changed.

    Attributes:
        id: Its number.
        project_id: Whose.
        name: Unique in the project.
        uri: Where it lies, a path or a URL.
        content_hash: Of the recording.
        frames: How many.
        details: What else was registered.
        created_ns: When.
    """

    id: int
    project_id: int
    name: str
    uri: str
    content_hash: str
    frames: int
    details: Mapping[str, Any]
    created_ns: int


@dataclass(frozen=True)
class BranchInfo:
    """One line of edits of a recording: `main`, or an annotator's own for a cross-check.

    Attributes:
        name: Unique in the recording.
        head: Seq of the newest edit.
        forked_from: Seq of `main` that it started from; None: of `main` itself, or from nothing.
        author: Who made it.
        created_ns: When.
    """

    name: str
    head: int
    forked_from: int | None
    author: str
    created_ns: int


_PROJECT = [tables.project.c[name] for name in Project.__dataclass_fields__]
_RECORDING = [tables.recording.c[name] for name in RecordingInfo.__dataclass_fields__]


def create_project(
    connection: Connection, name: str, settings: Mapping[str, Any], now: int
) -> Project:
    """A new project.

    Raises:
        InvalidEdit: if the name is empty or taken.
    """
    row = {
        "name": checked_name(name, "project"),
        "ontology_version": 0,
        "settings": as_json(settings),
        "created_ns": now,
    }
    id_ = insert_unique(connection, tables.project, row, f"project {name!r} exists already")
    return Project(id_, name, 0, settings, now)


def find_project(connection: Connection, project: int | str) -> Project:
    """By number or by name.

    Raises:
        NotFound: if there is none.
    """
    p = tables.project.c
    if isinstance(project, str) and not project.isprintable():
        raise NotFound(f"there is no project {project!r}")
    where = p.id == project if isinstance(project, int) else p.name == project
    row = connection.execute(select(*_PROJECT).where(where)).first()
    if row is None:
        raise NotFound(f"there is no project {project}")
    return _as_project(row)


def all_projects(connection: Connection) -> list[Project]:
    """In order of name."""
    ordered = select(*_PROJECT).order_by(tables.project.c.name)
    return [_as_project(row) for row in connection.execute(ordered)]


def change_settings(
    connection: Connection, project_id: int, settings: Mapping[str, Any]
) -> Project:
    """Replace what is agreed."""
    statement = update(tables.project).where(tables.project.c.id == project_id)
    connection.execute(statement.values(settings=as_json(settings)))
    return find_project(connection, project_id)


def _as_project(row: Any) -> Project:
    return Project(row.id, row.name, row.ontology_version, json.loads(row.settings), row.created_ns)


def add_recording(
    connection: Connection,
    project_id: int,
    name: str,
    uri: str,
    *,
    time_ns: NDArray[Any],
    world_from_ego: NDArray[Any] | None,
    content_hash: str,
    details: Mapping[str, Any],
    now: int,
    author: str,
) -> RecordingInfo:
    """Register a recording, with the `main` branch of its labels.

    Raises:
        InvalidEdit: if the name is taken, or times or poses are not what they should be.
    """
    times = np.asarray(time_ns)
    if times.ndim != 1 or times.dtype.kind not in "iu":
        raise InvalidEdit(f"recording {name}: time_ns is no column of whole numbers")
    poses = None if world_from_ego is None else _as_pose7(world_from_ego, len(times), name)
    row = {
        "project_id": project_id,
        "name": checked_name(name, "recording"),
        "uri": uri,
        "content_hash": content_hash,
        "frames": len(times),
        "time_ns": zlib.compress(times.astype("<i8").tobytes()),
        "world_from_ego": None if poses is None else zlib.compress(poses.tobytes()),
        "details": as_json(details),
        "created_ns": now,
    }
    taken = f"recording {name!r} exists in the project already"
    id_ = insert_unique(connection, tables.recording, row, taken)
    add_branch(connection, id_, MAIN, author=author, forked_from=None, next_id=1, now=now)
    return RecordingInfo(id_, project_id, name, uri, content_hash, len(times), details, now)


def _as_pose7(world_from_ego: NDArray[Any], frames: int, name: str) -> Floats:
    from lidar_label.calibration.transforms import matrix_to_pose7

    poses = np.asarray(world_from_ego, dtype=np.float64)
    if poses.shape == (frames, 4, 4):
        poses = matrix_to_pose7(poses)
    if poses.shape != (frames, 7) or not np.isfinite(poses).all():
        raise InvalidEdit(
            f"recording {name}: world_from_ego has shape {poses.shape}; give finite "
            f"({frames}, 7) or ({frames}, 4, 4)"
        )
    return np.ascontiguousarray(poses, dtype="<f8")


def find_recording(connection: Connection, recording_id: int) -> RecordingInfo:
    """By number.

    Raises:
        NotFound: if there is none.
    """
    statement = select(*_RECORDING).where(tables.recording.c.id == recording_id)
    row = connection.execute(statement).first()
    if row is None:
        raise NotFound(f"there is no recording {recording_id}")
    return _as_recording(row)


def find_recordings(
    connection: Connection,
    project_id: int,
    *,
    name: str | None = None,
    after: str = "",
    limit: int | None = None,
) -> list[RecordingInfo]:
    """Of a project in order of name: the one of that name, or a page of those after a name."""
    r = tables.recording.c
    statement = select(*_RECORDING).where(r.project_id == project_id).order_by(r.name)
    statement = statement.where(r.name > after) if name is None else statement.where(r.name == name)
    return [_as_recording(row) for row in connection.execute(statement.limit(limit))]


def count_recordings(connection: Connection, project_id: int) -> int:
    """How many a project has."""
    counted = select(func.count()).where(tables.recording.c.project_id == project_id)
    return connection.execute(counted).scalar_one()


def _as_recording(row: Any) -> RecordingInfo:
    *head, details, created_ns = row
    return RecordingInfo(*head, details=json.loads(details), created_ns=created_ns)


def track_counts(connection: Connection, project_id: int) -> dict[int, dict[str, int]]:
    """Recording id → state → how many tracks it has on `main`."""
    b, r, t = tables.branch.c, tables.recording.c, tables.track.c
    statement = (
        select(r.id, t.state, func.count())
        .join(tables.branch, b.recording_id == r.id)
        .join(tables.track, t.branch_id == b.id)
        .where(r.project_id == project_id, b.name == MAIN)
        .group_by(r.id, t.state)
    )
    counts: dict[int, dict[str, int]] = {}
    for recording_id, state, count in connection.execute(statement):
        counts.setdefault(recording_id, {})[state] = count
    return counts


def course(connection: Connection, recording_id: int) -> tuple[Ints, Floats | None]:
    """(F,) times and (F, 7) poses of a recording's frames.

    Raises:
        NotFound: if there is none.
    """
    r = tables.recording.c
    statement = select(r.time_ns, r.world_from_ego).where(r.id == recording_id)
    row = connection.execute(statement).first()
    if row is None:
        raise NotFound(f"there is no recording {recording_id}")
    times = np.frombuffer(zlib.decompress(row[0]), dtype="<i8")
    if row[1] is None:
        return times, None
    return times, np.frombuffer(zlib.decompress(row[1]), dtype="<f8").reshape(-1, 7)


def add_branch(
    connection: Connection,
    recording_id: int,
    name: str,
    *,
    author: str,
    forked_from: int | None,
    next_id: int,
    now: int,
) -> int:
    """An empty branch; its id."""
    row = {
        "recording_id": recording_id,
        "name": checked_name(name, "branch"),
        "head": 0,
        "next_id": next_id,
        "forked_from": forked_from,
        "author": author,
        "created_ns": now,
    }
    taken = f"branch {name!r} exists in the recording already"
    return insert_unique(connection, tables.branch, row, taken)


def branches(connection: Connection, recording_id: int) -> list[BranchInfo]:
    """Of a recording, `main` first."""
    b = tables.branch.c
    columns = [b[name] for name in BranchInfo.__dataclass_fields__]
    statement = select(*columns).where(b.recording_id == recording_id).order_by(b.id)
    return [BranchInfo(*row) for row in connection.execute(statement)]


def checked_name(name: str, what: str) -> str:
    """A name that can be shown.

    Raises:
        InvalidEdit: if it is empty, long, or has control characters or spaces at its ends.
    """
    if not name or len(name) > 200 or name != name.strip() or not name.isprintable():
        raise InvalidEdit(f"{what} name {name!r} is empty, over 200 characters, or not plain text")
    return name


def insert_unique(connection: Connection, table: Any, row: Mapping[str, Any], taken: str) -> int:
    """Insert a row and return its id.

    Raises:
        InvalidEdit: saying `taken`, if a unique column has the value already.
        NotFound: if what it refers to is not there.
    """
    try:
        with connection.begin_nested():
            return connection.execute(insert(table).returning(table.c.id), row).scalar_one()
    except IntegrityError as error:
        if "foreign key" in str(error.orig).lower():
            raise NotFound(f"{table.name}: what it belongs to is not there") from error
        raise InvalidEdit(taken) from error
