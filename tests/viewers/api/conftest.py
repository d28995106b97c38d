"""Apps and servers for the tests of the API."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from lidar_label.viewers.api.application import create_app

HERE = Path(__file__).parent


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_load("server_process")
_load("kill_storm")


@pytest.fixture
def app(drive: Path, tmp_path: Path) -> FastAPI:
    """A single-user app with one project and one recording, both number 1."""
    app = create_app(tmp_path / "labels.db", [drive.parent], folder=tmp_path / "server", user="ann")
    return _with_recording(app, drive)


def _with_recording(app: FastAPI, drive: Path) -> FastAPI:
    from lidar_label.viewers.api.recording_routes import add_recording

    services = app.state.services
    services.store.create_project("streets", "root")
    add_recording(services, 1, "drive", str(drive), "root")
    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://localhost/api/v1") as client:
        yield client


PEOPLE = ("viewer", "annotator", "reviewer", "manager", "admin")
PASSWORD = "correct horse battery"


@pytest.fixture
def shared_app(drive: Path, tmp_path: Path) -> FastAPI:
    """An app with accounts: one of each role, `stranger` in no project, `root` site admin."""
    app = create_app(
        tmp_path / "labels.db", [drive.parent], folder=tmp_path / "server", mode="accounts"
    )
    people = app.state.services.store.people
    people.create_user("root", PASSWORD, site_admin=True)
    _with_recording(app, drive)
    for name in PEOPLE:
        people.create_user(name)
        people.set_role(1, name, name)
    people.create_user("stranger")
    people.create_user("ann", PASSWORD)
    people.set_role(1, "ann", "annotator")
    return app


@pytest.fixture
def guarded(shared_app: FastAPI) -> Iterator[TestClient]:
    """A client of the app with accounts, not logged in."""
    with TestClient(shared_app, base_url="http://localhost/api/v1") as client:
        yield client
