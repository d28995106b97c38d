"""Opens the database, keeps its tables at this version, and runs transactions that last.

SQLite: WAL, synchronous=FULL (a commit is on the disk before it is acknowledged), foreign keys,
writers take the lock at BEGIN. PostgreSQL: psycopg 3, its own synchronous commit.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
)

from lidar_label.errors import StoreUnavailable

BUSY_SECONDS = 60
_MIGRATION_LOCK = 7160233  # any number, the same in every process


class Database:
    """One database, by URL: `sqlite:///labels.db`, a path, or `postgresql://…`."""

    def __init__(self, url: str | Path, *, create: bool = True, pool_size: int = 20) -> None:
        self.url = _as_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        if self.sqlite:
            _check_file(self.url, create=create)
        # Waiting for SQLite's lock is polling, and unfair; within a process the threads queue here.
        self._turn = threading.Lock() if self.sqlite else nullcontext()
        self.engine = _engine(self.url, pool_size)
        with _clear_errors(self.place):
            self._migrate(create=create)

    @property
    def place(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @contextmanager
    def write(self) -> Generator[Connection]:
        """A transaction that is on the disk when the block ends, or has left no trace.

        Raises:
            StoreUnavailable: if the disk is full, the server is gone, or the lock is not to be had.
        """
        with _clear_errors(self.place), self._turn, self.engine.connect() as connection:
            if self.sqlite:
                connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A transaction that sees one moment of the database and changes nothing."""
        with _clear_errors(self.place), self.engine.connect() as connection:
            if not self.sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def _migrate(self, *, create: bool) -> None:
        from lidar_label.store.migrating import head, upgrade, version

        with self.read() as connection:
            found = version(connection)
        if found == head():
            return
        if found is None and not create:
            raise StoreUnavailable(f"{self.place}: holds no labels; create it first")
        with self.write() as connection:
            if not self.sqlite:
                lock = text("SELECT pg_advisory_xact_lock(:number)")
                connection.execute(lock, {"number": _MIGRATION_LOCK})
            upgrade(connection, self.place)  # where another process was first, it does nothing


def _as_url(url: str | Path) -> URL:
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=str(url))
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreUnavailable(
            f"{url}: not a database URL; give sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from error
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise StoreUnavailable(f"{url}: give sqlite:///FILE or postgresql://USER@HOST/NAME")
    return parsed


def _check_file(url: URL, *, create: bool) -> None:
    if not url.database or url.database == ":memory:":
        raise StoreUnavailable("a store in memory keeps nothing; give a file, sqlite:///FILE")
    path = Path(url.database)
    if not create and not path.is_file():
        raise StoreUnavailable(f"{path}: no such file; create the store first")
    if not path.absolute().parent.is_dir():
        raise StoreUnavailable(f"{path.parent}: no such folder; make it, or give another path")


def _engine(url: URL, pool_size: int) -> Engine:
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 2 * pool_size}
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        # Not asked before each use whether it still lives, which would take a round trip: a lost
        # server fails the edits under way, and SQLAlchemy then makes all connections anew.
        return create_engine(url, connect_args={"client_encoding": "utf8"}, **options)
    except (NoSuchModuleError, ImportError) as error:
        raise StoreUnavailable(
            "PostgreSQL needs psycopg: pip install 'lidar-label[postgres]'"
        ) from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours, see `_begin_sqlite`
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -65536")  # KiB
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _clear_errors(place: str) -> Generator[None]:
    """Turns what the driver says of the disk, the lock or the network into one clear line."""
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):
        raise  # our own mistakes, not the database's state
    except DBAPIError as error:
        raise StoreUnavailable(f"{place}: {_in_words(str(error.orig).strip())}") from error


def _in_words(reason: str) -> str:
    if "disk is full" in reason or "No space left" in reason:
        return "the disk is full; nothing was written, make room and save again"
    if "locked" in reason:
        return f"another process kept the lock for {BUSY_SECONDS} s; save again"
    if "readonly" in reason or "read-only" in reason:
        return "the file is read-only; give write permission to it and its folder"
    if "malformed" in reason or "not a database" in reason:
        return f"{reason}; restore it from a backup"
    return reason.splitlines()[0]
