"""Branches over HTTP: made, labelled apart, and brought back into `main`, or refused as changed."""

from typing import Any

from fastapi.testclient import TestClient
from kill_storm import BOX, EDITS

BRANCHES = "/projects/1/recordings/1/branches"


def create(client: TestClient, client_id: str, x: float, branch: str = "main") -> dict[str, Any]:
    edit = {"operation": "create_track", "client_id": client_id, "frame": 0,
            "payload": {"category": "car", "box": {**BOX, "x": x}}}  # fmt: skip
    answer = client.post(EDITS, params={"branch": branch}, json={"edits": [edit]})
    assert answer.status_code == 200, answer.text
    return answer.json()["tracks"][0]


def move(client: TestClient, client_id: str, track: dict[str, Any], x: float, branch: str) -> None:
    edit = {
        "operation": "set_cuboid",
        "client_id": client_id,
        "track_id": track["track_id"],
        "frame": 0,
        "base_revision": track["revision"],
        "payload": {"box": {**BOX, "x": x}},
    }
    answer = client.post(EDITS, params={"branch": branch}, json={"edits": [edit]})
    assert answer.status_code == 200, answer.text


def places(client: TestClient, branch: str = "main") -> list[float]:
    answer = client.get("/projects/1/recordings/1/labels", params={"branch": branch})
    return sorted(answer.json()["cuboids"]["x"])


def test_a_branch_is_labelled_apart_and_adopted(client: TestClient) -> None:
    first = create(client, "one", 5.0)
    made = client.post(BRANCHES, json={"name": "ann"})
    assert made.status_code == 200, made.text
    assert [each["name"] for each in client.get(BRANCHES).json()] == ["main", "ann"]
    on_branch = client.get("/projects/1/recordings/1/labels", params={"branch": "ann"}).json()
    revision = on_branch["tracks"][0]["revision"]
    move(client, "two", {**first, "revision": revision}, 7.0, "ann")
    create(client, "three", 20.0, "ann")
    assert places(client) == [5.0]
    assert places(client, "ann") == [7.0, 20.0]
    done = client.post(f"{BRANCHES}/ann/adopt", json={"client_id": "once"})
    assert done.status_code == 200, done.text
    assert places(client) == [7.0, 20.0]
    again = client.post(f"{BRANCHES}/ann/adopt", json={"client_id": "once"})
    assert again.json()["seq"] == done.json()["seq"]


def test_an_empty_branch_holds_nothing_and_a_taken_name_is_refused(client: TestClient) -> None:
    create(client, "one", 5.0)
    assert client.post(BRANCHES, json={"name": "blind", "empty": True}).status_code == 200
    assert places(client, "blind") == []
    again = client.post(BRANCHES, json={"name": "blind"})
    assert again.status_code in {409, 422}
    assert "blind" in again.json()["detail"]


def test_what_changed_meanwhile_on_main_is_not_overwritten(client: TestClient) -> None:
    track = create(client, "one", 5.0)
    client.post(BRANCHES, json={"name": "ann"})
    labels = client.get("/projects/1/recordings/1/labels", params={"branch": "ann"}).json()
    move(client, "two", {**track, "revision": labels["tracks"][0]["revision"]}, 7.0, "ann")
    move(client, "three", track, 9.0, "main")
    refused = client.post(f"{BRANCHES}/ann/adopt", json={})
    assert refused.status_code == 409
    assert refused.json()["states"][0]["cuboids"]["x"] == [9.0]
    assert places(client) == [9.0]


def test_a_branch_that_is_not_there_is_a_line(client: TestClient) -> None:
    create(client, "one", 5.0)
    answer = client.post(f"{BRANCHES}/nobody/adopt", json={})
    assert answer.status_code in {404, 422}
    assert "nobody" in answer.json()["detail"]
    assert client.post(f"{BRANCHES}/main/adopt", json={}).status_code == 422
