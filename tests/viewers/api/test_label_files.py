"""Label files over HTTP: every format that is offered is given, and leaves nothing behind."""

import errno
import io
import zipfile
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from lidar_label.cuboids import load_cuboids
from lidar_label.datasets.export_names import EXPORT_FORMATS, NEED_CAMERAS, WINDOW_FORMATS
from lidar_label.datasets.round_trip import READ_AS, differences, read_back
from lidar_label.errors import NoSpace

RECORDING = "/projects/1/recordings/1"


@pytest.fixture
def labelled(client: TestClient, drive: Path) -> TestClient:
    content = drive.with_name("drive.labels.parquet").read_bytes()
    headers = {"Content-Type": "application/octet-stream"}
    client.post(f"{RECORDING}/labels/import", content=content, headers=headers).raise_for_status()
    return client


def test_the_document_names_the_formats_of_the_command_line(app: FastAPI) -> None:
    paths = app.openapi()["paths"]

    def allowed(path: str, name: str) -> list[str]:
        (asked,) = (p for p in paths[path]["get"]["parameters"] if p["name"] == name)
        return asked["schema"]["enum"]

    base = "/api/v1/projects/{project}/recordings/{recording}"
    assert allowed(f"{base}/export", "format") == list(EXPORT_FORMATS)
    assert allowed(f"{base}/signals/{{sensor}}/windows", "form") == list(WINDOW_FORMATS)


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_every_format_offered_is_given(
    labelled: TestClient, form: str, drive: Path, tmp_path: Path
) -> None:
    assert form in labelled.get(f"{RECORDING}/export-formats").json()["cuboids"]
    answer = labelled.get(f"{RECORDING}/export", params={"format": form})
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["content-length"])
    folder = tmp_path / "export"
    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(folder)
    assert (folder / "CONVENTIONS.txt").exists()
    if form in READ_AS:
        from lidar_label.datasets.recording import Recording

        written = load_cuboids(drive.with_name("drive.labels.parquet"))
        with Recording(drive) as recording:
            back = read_back(folder, form, recording)
        rows = differences(written, back, (folder / "NOT_EXPORTED.txt").read_text().splitlines())
        assert not [row for row in rows if row.column in {"cuboids", "x", "yaw"} and row.differ]
    exports = tmp_path / "server" / "exports"
    assert list(exports.iterdir()) == []


def test_only_what_fits_is_offered(client: TestClient, tmp_path: Path, drive: Path) -> None:
    import numpy as np

    from lidar_label.datasets.recording import RecordingWriter

    blind = drive.parent / "blind.h5"
    with RecordingWriter(blind, source="no camera") as writer:
        writer.add_lidar("top", np.eye(4))
        writer.append_sweep("top", 0, np.ones((1, 3), dtype=np.float32))
    number = client.post("/projects/1/recordings", json={"uri": str(blind)}).json()["id"]
    path = f"/projects/1/recordings/{number}"
    offered = client.get(f"{path}/export-formats").json()
    blind.unlink()
    assert set(EXPORT_FORMATS) - set(offered["cuboids"]) == set(NEED_CAMERAS)
    assert (offered["windows"], offered["signals"]) == ([], [])
    assert client.get(f"{RECORDING}/export", params={"format": "docx"}).status_code == 422


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), NoSpace("labels: the disk is full")]
)
def test_a_full_disk_is_507_and_leaves_nothing(
    labelled: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("lidar_label.datasets.exports.export_labels", fail)
    answer = labelled.get(f"{RECORDING}/export", params={"format": "csv"})
    assert answer.status_code == 507
    assert answer.json()["title"] == "No room"
    assert "disk is full" in answer.json()["detail"]
    assert list((tmp_path / "server" / "exports").iterdir()) == []
