"""A real server: killed during edits, asked twice, edited by many at once, in conflict."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from kill_storm import BOX, EDITS, ForkingServer, storm
from server_process import free_port


@pytest.fixture
def server(drive: Path, tmp_path: Path) -> Iterator[ForkingServer]:
    server = ForkingServer(tmp_path / "labels.db", tmp_path, drive.parent, free_port())
    try:
        yield server
    finally:
        server.close()


def open_recording(server: ForkingServer, drive: Path) -> httpx.Client:
    server.start()
    server.wait()
    client = server.client()
    client.post("/projects", json={"name": "streets"}).raise_for_status()
    client.post("/projects/1/recordings", json={"uri": str(drive)}).raise_for_status()
    return client


def create(client: httpx.Client, client_id: str, x: float = 5.0) -> httpx.Response:
    edit = {"operation": "create_track", "client_id": client_id, "frame": 0,
            "payload": {"category": "car", "box": {**BOX, "x": x}}}  # fmt: skip
    return client.post(EDITS, json={"edits": [edit]})


def move(
    client: httpx.Client, client_id: str, track: int, revision: int, x: float
) -> httpx.Response:
    edit = {"operation": "set_cuboid", "client_id": client_id, "track_id": track, "frame": 0,
            "base_revision": revision, "payload": {"box": {**BOX, "x": x}}}  # fmt: skip
    return client.post(EDITS, json={"edits": [edit]})


def test_200_kills_during_a_storm_of_edits_lose_nothing(server: ForkingServer, drive: Path) -> None:
    outcome = storm(server, drive, kills=200, clients=4)
    assert outcome.retries > 0
    assert outcome.edits >= 200 * 4


def test_a_retry_is_not_made_twice(server: ForkingServer, drive: Path) -> None:
    client = open_recording(server, drive)
    first, again = create(client, "same"), create(client, "same")
    assert first.json() == again.json()
    assert len(client.get("/projects/1/recordings/1/labels").json()["tracks"]) == 1
    other = create(client, "same", x=6.0)  # the same id for another edit is a client's mistake
    assert other.status_code in {409, 422}


def test_the_second_of_two_browsers_gets_the_newer_state(
    server: ForkingServer, drive: Path
) -> None:
    client = open_recording(server, drive)
    revision = create(client, "new").json()["seq"]
    assert move(client, "one", 1, revision, 6.0).status_code == 200
    conflict = move(server.client(), "two", 1, revision, 7.0)
    assert conflict.status_code == 409
    assert conflict.headers["content-type"] == "application/problem+json"
    (state,) = conflict.json()["states"]
    assert state["cuboids"]["x"] == [6.0]
    assert move(server.client(), "two again", 1, state["revision"], 7.0).status_code == 200


def test_fifty_clients_on_few_tracks_lose_no_update(server: ForkingServer, drive: Path) -> None:
    client = open_recording(server, drive)
    tracks, rounds = 5, 4
    revisions = [create(client, f"new {t}", x=0.0).json()["seq"] for t in range(tracks)]
    made: Counter[int] = Counter()
    conflicts: Counter[int] = Counter()
    wrong: list[str] = []
    lock = threading.Lock()

    def add_metres(number: int) -> None:
        track = number % tracks
        with server.client() as own:
            revision, x = revisions[track], 0.0
            for turn in range(rounds):
                for attempt in range(1000):
                    answer = move(own, f"{number} {turn} {attempt}", track + 1, revision, x + 1)
                    states = answer.json().get("states" if answer.status_code == 409 else "tracks")
                    if answer.status_code not in {200, 409} or not states:
                        wrong.append(answer.text)
                        return
                    revision, x = states[0]["revision"], states[0]["cuboids"]["x"][0]
                    with lock:
                        (made if answer.status_code == 200 else conflicts)[track] += 1
                    if answer.status_code == 200:
                        break

    threads = [threading.Thread(target=add_metres, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    columns = client.get("/projects/1/recordings/1/labels").json()["cuboids"]
    assert columns["x"] == [10.0 * rounds] * tracks  # ten clients a track, each a metre a round
    assert made == Counter(dict.fromkeys(range(tracks), 10 * rounds))
    assert sum(conflicts.values()) > 0
