"""Checks the labels against the log, makes them anew from it, and copies the whole store."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from lidar_label.errors import StoreUnavailable
from lidar_label.store import journal, reading
from lidar_label.store.changes import Changes
from lidar_label.store.database import Database
from lidar_label.store.reading import Stand

_KINDS = ("tracks", "cuboids", "windows", "comments")


def differences(connection: Connection, branch_id: int, head: int) -> list[str]:
    """Where the labels are not what the log adds up to, one line each."""
    changes = _mending(connection, branch_id, head)
    return [
        f"{kind[:-1]} {key}: {before} is kept, the log says {after}"
        for kind in _KINDS
        for key, (before, after) in getattr(changes, kind).items()
    ]


def rebuild(connection: Connection, recording_id: int, branch: str) -> int:
    """Make the labels what the log adds up to; how many rows were not."""
    place = journal.lock(connection, recording_id, branch)
    changes = _mending(connection, place.branch_id, place.head)
    journal.write_rows(connection, place.branch_id, [changes])
    return sum(len(getattr(changes, kind)) for kind in _KINDS)


def _mending(connection: Connection, branch_id: int, head: int) -> Changes:
    """From what is kept to what should be."""
    kept = reading.stand(connection, branch_id)
    right = reading.replayed(connection, branch_id, head)
    return Changes(**{kind: _pairs(kept, right, kind) for kind in _KINDS})


def _pairs(kept: Stand, right: Stand, kind: str) -> Any:
    have, want = getattr(kept, kind), getattr(right, kind)
    keys = sorted({*have, *want})
    return {key: (have.get(key), want.get(key)) for key in keys if have.get(key) != want.get(key)}


def backup(database: Database, path: Path) -> None:
    """Copy a SQLite store, while it is in use, beside its final name; then rename it.

    Raises:
        StoreUnavailable: saying why not.
    """
    if not database.sqlite:
        raise StoreUnavailable(f"{database.place}: copy it with pg_dump --format=custom")
    if path.exists():
        raise StoreUnavailable(f"{path}: is there already; give another name")
    if not path.absolute().parent.is_dir():
        raise StoreUnavailable(f"{path.parent}: no such folder; make it, or give another path")
    half = path.with_name(path.name + ".part")
    half.unlink(missing_ok=True)
    try:
        with (
            contextlib.closing(sqlite3.connect(database.url.database or "")) as source,
            contextlib.closing(sqlite3.connect(half)) as copy,
        ):
            source.backup(copy, pages=4096)
        half.rename(path)
    except (sqlite3.Error, OSError) as error:
        half.unlink(missing_ok=True)
        raise StoreUnavailable(f"{path}: could not be written ({error})") from error
