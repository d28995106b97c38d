"""Stores to test on: SQLite in a file, and a real PostgreSQL server in a folder of its own."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from lidar_label.benchmarks.postgres_server import running_server, server_programs
from lidar_label.store import Store

FRAMES = 40
PERIOD_NS = 100_000_000


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a running server; skips where PostgreSQL is not installed."""
    if server_programs() is None:
        pytest.skip("needs PostgreSQL's server (initdb), which is not on this machine")
    pytest.importorskip("psycopg", reason="needs psycopg: pip install 'lidar-label[postgres]'")
    with running_server("fsync=off") as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty schema; a database of its own for each test would take a second each."""
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')
    return f"{postgres_server}&options=-csearch_path%3D{name}"


class Clock:
    """Time that a test sets."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000_000_000

    def __call__(self) -> int:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += int(seconds * 1e9)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty store, on either database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'labels.db'}"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    with Store.open(url, clock=clock) as opened:
        yield opened


@pytest.fixture(scope="session")
def new_recording() -> Callable[..., int]:
    """Makes a project with a recording of 40 frames in a store; gives the recording's id."""

    def make(store: Store, name: str = "drive", **options: object) -> int:
        found = [one.id for one in store.projects() if one.name == "project"]
        project_id = found[0] if found else store.create_project("project", "boss").id
        times = np.arange(FRAMES, dtype=np.int64) * PERIOD_NS
        return store.add_recording(
            project_id, name, f"{name}.h5", "boss", time_ns=times, **options
        ).id

    return make


@pytest.fixture
def recording(store: Store, new_recording: Callable[..., int]) -> int:
    return new_recording(store)
