"""Jobs: a real annotation by a worker process, watched, cancelled, gone on with after a kill."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from kill_storm import ForkingServer

JOBS = "/projects/1/jobs"
START = "/projects/1/recordings/1/jobs"


@pytest.fixture
def server(drive: Path, tmp_path: Path) -> Iterator[ForkingServer]:
    with ForkingServer.running(tmp_path, drive.parent) as server:
        with server.client() as client:
            client.post("/projects", json={"name": "streets"}).raise_for_status()
            client.post("/projects/1/recordings", json={"uri": str(drive)}).raise_for_status()
        yield server


def until(client: httpx.Client, job: int, *states: str) -> dict:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = client.get(f"{JOBS}/{job}").json()
        if found["state"] in states:
            return found
        assert found["state"] in {"queued", "running"}, found
        time.sleep(0.05)
    raise AssertionError(found)


def events(client: httpx.Client, job: int) -> list[dict]:
    with client.stream("GET", f"{JOBS}/{job}/events", timeout=120) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_a_job_killed_with_its_server_is_gone_on_with(server: ForkingServer, drive: Path) -> None:
    with server.client() as client:
        job = client.post(START, json={"kind": "annotate"}).json()["id"]
        until(client, job, "running")
    server.kill()
    server.start()
    server.wait()
    with server.client() as client:
        assert client.get(f"{JOBS}/{job}").json()["state"] == "interrupted"
        client.post(f"{JOBS}/{job}/resume").raise_for_status()
        news = events(client, job)
        assert news[-1]["state"] == "done", news[-1]
        assert [each["id"] for each in news] == [job] * len(news)
        labels = client.get("/projects/1/recordings/1/labels").json()
        assert len(labels["tracks"]) >= 3
        assert {track["state"] for track in labels["tracks"]} == {"proposed"}
        assert {
            entry["author"] for entry in client.get("/projects/1/recordings/1/history").json()
        } == {"auto"}
        assert all(0 <= track["doubt"]["score"] <= 1 for track in labels["tracks"])
        assert client.post(f"{JOBS}/{job}/resume").status_code == 422  # it is done


def test_a_cancelled_job_stops_and_can_be_resumed(server: ForkingServer) -> None:
    with server.client() as client:
        job = client.post(START, json={"kind": "annotate"}).json()["id"]
        waiting = client.post(START, json={"kind": "annotate"}).json()["id"]
        client.post(f"{JOBS}/{waiting}/cancel").raise_for_status()
        client.post(f"{JOBS}/{job}/cancel").raise_for_status()
        assert until(client, job, "cancelled")["message"]
        assert until(client, waiting, "cancelled")
        assert client.get("/projects/1/recordings/1/labels").json()["tracks"] == []


def test_a_wrong_setting_fails_with_its_name(server: ForkingServer) -> None:
    with server.client() as client:
        job = client.post(START, json={"kind": "annotate", "settings": {"deskw": True}}).json()[
            "id"
        ]
        assert "did you mean deskew" in until(client, job, "failed")["message"]
        refused = client.post(
            START, json={"kind": "annotate", "settings": {"proposals": {"ontology": "/etc/passwd"}}}
        )
        assert refused.status_code == 422
