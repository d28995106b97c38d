"""Recordings that come in: sent in chunks through kills, or registered from allowed places only."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from kill_storm import ForkingServer

from lidar_label.client import Client
from lidar_label.datasets.recording import Recording
from lidar_label.errors import UsageError
from lidar_label.viewers.api.open_recordings import OpenRecordings, Places

UPLOADS = "/projects/1/uploads"


def begin(client: httpx.Client, content: bytes, **changes: object) -> httpx.Response:
    digest = hashlib.sha256(content).hexdigest()
    question = {"name": "sent", "size": len(content), "sha256": digest, **changes}
    return client.post(UPLOADS, json=question)


def send(client: httpx.Client, upload: str, offset: int, chunk: bytes) -> httpx.Response:
    headers = {"Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
    return client.patch(f"{UPLOADS}/{upload}", content=chunk, headers=headers)


@pytest.fixture
def server(drive: Path, tmp_path: Path) -> Iterator[ForkingServer]:
    with ForkingServer.running(tmp_path, drive.parent) as server:
        yield server


def test_an_upload_goes_on_after_the_server_was_killed(server: ForkingServer, drive: Path) -> None:
    content = drive.read_bytes()
    third = len(content) // 3
    with server.client() as client:
        client.post("/projects", json={"name": "streets"}).raise_for_status()
        upload = begin(client, content).json()["id"]
        assert send(client, upload, 0, content[:third]).json()["offset"] == third

        def killed_midway() -> Iterator[bytes]:
            yield content[third : third + 1000]
            server.kill()
            yield content[third + 1000 :]

        headers = {"Upload-Offset": str(third), "Content-Type": "application/octet-stream"}
        with pytest.raises(httpx.TransportError):
            client.patch(f"{UPLOADS}/{upload}", content=killed_midway(), headers=headers)
    server.start()
    server.wait()
    with Client(server.url) as remote:
        (project,) = remote.projects()
        offset = remote.request("GET", f"{UPLOADS}/{upload}").json()["offset"]
        assert third <= offset < len(content)
        recording = project.upload_recording(drive, resume=upload)
        assert (recording.name, recording.frames) == ("sent", 6)
        with Recording(drive) as original:
            assert recording.info()["content_hash"] == original.content_hash
        assert len(recording.points(0)["xyz"])


def test_bytes_must_follow_on(client: TestClient, drive: Path) -> None:
    content = drive.read_bytes()
    upload = begin(client, content).json()["id"]
    send(client, upload, 0, content[:100])
    again = send(client, upload, 0, content[:100])
    assert again.status_code == 409
    assert again.json()["offset"] == 100
    early = client.post(f"{UPLOADS}/{upload}/complete")
    assert early.status_code == 409
    assert send(client, upload, 100, content + b"more").status_code == 413


def test_who_comes_back_finds_what_was_sent(client: TestClient, drive: Path) -> None:
    content = drive.read_bytes()
    ids = sorted(begin(client, content + bytes([k])).json()["id"] for k in range(3))
    send(client, ids[1], 0, content[:100])
    client.post("/projects", json={"name": "other"})
    waiting = client.get(UPLOADS).json()
    assert [each["id"] for each in waiting] == ids
    assert [each["offset"] for each in waiting] == [0, 100, 0]
    digests = {hashlib.sha256(content + bytes([k])).hexdigest() for k in range(3)}
    assert {each["sha256"] for each in waiting} == digests
    assert [each["id"] for each in client.get(UPLOADS, params={"limit": 2}).json()] == ids[:2]
    assert [each["id"] for each in client.get(UPLOADS, params={"after": ids[1]}).json()] == ids[2:]
    assert client.get("/projects/2/uploads").json() == []
    client.delete(f"{UPLOADS}/{ids[0]}")
    assert [each["id"] for each in client.get(UPLOADS).json()] == ids[1:]


def test_uploads_of_others_are_not_shown(guarded: TestClient, shared_app: FastAPI) -> None:
    people = shared_app.state.services.store.people
    for name in ("manager", "admin"):
        guarded.headers["Authorization"] = f"Bearer {people.create_token(name, 'test')}"
        assert begin(guarded, b"bytes").status_code == 201
        assert len(guarded.get(UPLOADS).json()) == 1


def test_a_wrong_hash_is_not_registered(client: TestClient, drive: Path, tmp_path: Path) -> None:
    content = drive.read_bytes()
    upload = begin(client, content, sha256="0" * 64).json()["id"]
    send(client, upload, 0, content)
    assert client.post(f"{UPLOADS}/{upload}/complete").status_code == 422
    assert client.get(f"{UPLOADS}/{upload}").status_code == 404
    assert not list((tmp_path / "server").rglob("*.h5"))
    assert len(client.get("/projects/1/recordings").json()) == 1


def test_what_is_no_recording_is_refused_and_leaves_nothing(
    client: TestClient, tmp_path: Path
) -> None:
    content = b"not a recording at all"
    upload = begin(client, content).json()["id"]
    send(client, upload, 0, content)
    answer = client.post(f"{UPLOADS}/{upload}/complete")
    assert answer.status_code == 422
    assert not list((tmp_path / "server").rglob("*.h5"))


def test_an_upload_that_the_disk_cannot_hold_is_refused_at_once(client: TestClient) -> None:
    assert begin(client, b"x", size=2**45).status_code in {413, 507}


@pytest.mark.parametrize("upload", ["../../etc/passwd", "0" * 32, "%2e%2e%2fetc"])
def test_an_upload_that_is_not_there_is_404(client: TestClient, upload: str) -> None:
    assert client.get(f"{UPLOADS}/{upload}").status_code == 404


def test_recordings_come_from_allowed_places_only(
    client: TestClient, drive: Path, tmp_path: Path
) -> None:
    link = drive.parent / "link.h5"
    outside = tmp_path / "outside.h5"
    outside.write_bytes(drive.read_bytes())
    link.symlink_to(outside)
    for uri in (
        str(outside), str(link), f"{drive.parent}/../{tmp_path.name}/outside.h5", "/etc/passwd",
        "http://169.254.169.254/latest", "file:///etc/passwd", "simplecache::file:///etc/passwd",
    ):  # fmt: skip
        answer = client.post("/projects/1/recordings", json={"uri": uri, "name": "stolen"})
        assert answer.status_code == 422, uri
        assert "outside the places" in answer.json()["detail"]
    link.unlink()
    good = client.post("/projects/1/recordings", json={"uri": drive.name, "name": "again"})
    assert good.status_code == 201


def test_url_prefixes_do_not_climb(tmp_path: Path) -> None:
    places = Places.of(["s3://bucket/drives", tmp_path])
    assert places.check("s3://bucket/drives/a.h5") == "s3://bucket/drives/a.h5"
    for uri in ("s3://bucket/drives-secret/a.h5", "s3://bucket/drives/../b.h5", "s3://other/a.h5"):
        with pytest.raises(UsageError, match="outside"):
            places.check(uri)


def test_a_recording_by_url_is_fetched_once(drive: Path, tmp_path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/drives/drive.h5", drive.read_bytes())
    opened = OpenRecordings(tmp_path).get("memory://drives/drive.h5")
    memory.rm("/drives/drive.h5")
    again = OpenRecordings(tmp_path).get("memory://drives/drive.h5", opened.content_hash)
    assert again.frame_count == 6


def test_a_file_that_was_exchanged_is_not_served(
    client: TestClient, drive: Path, tmp_path: Path
) -> None:
    import numpy as np

    from lidar_label.datasets.recording import RecordingWriter

    path = drive.parent / "exchanged.h5"
    for x in (1.0, 2.0):
        path.unlink(missing_ok=True)
        with RecordingWriter(path, source="one point") as writer:
            writer.add_lidar("top", np.eye(4))
            writer.append_sweep("top", 0, np.array([[x, 0, 0]], dtype=np.float32))
        if x == 1:
            made = client.post("/projects/1/recordings", json={"uri": str(path)}).json()["id"]
            client.app.state.services.recordings.forget(str(path))
    answer = client.get(f"/projects/1/recordings/{made}/frames/0/points")
    path.unlink()
    assert answer.status_code == 422
    assert "was registered" in answer.json()["detail"]
