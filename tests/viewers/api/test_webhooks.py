"""Webhooks to a real receiver that fails at first: signed, retried, none lost."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from fastapi.testclient import TestClient

from lidar_label.store import EditRequest, Store
from lidar_label.viewers.api import webhooks
from lidar_label.viewers.api.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER, Webhooks, sign

BOX = {"x": 9, "y": 0, "z": 0, "length": 4, "width": 2, "height": 1.5, "yaw": 0}


class Receiver(HTTPServer):
    """Refuses its first `refuse` deliveries."""

    def __init__(self, refuse: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refuse, self.got = refuse, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refused = self.server.refuse > 0
        self.server.refuse -= 1
        if not refused:
            self.server.got.append((dict(self.headers), body))
        self.send_response(500 if refused else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver(refuse=3)
    yield receiver
    receiver.shutdown()
    receiver.server_close()


def create(client: TestClient, client_id: str) -> None:
    edit = {"operation": "create_track", "client_id": client_id, "frame": 0,
            "payload": {"category": "car", "box": BOX}}  # fmt: skip
    client.post("/projects/1/recordings/1/edits", json={"edits": [edit]}).raise_for_status()


def until(true, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_every_event_arrives_signed_though_the_receiver_fails_at_first(
    client: TestClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(webhooks, "_POLL_S", 0.05)
    made = client.post(
        "/projects/1/webhooks", json={"url": receiver.url, "events": ["edits.applied"]}
    ).json()
    for number in range(5):
        create(client, str(number))
    until(lambda: len(receiver.got) >= 5)
    assert sorted(json.loads(body)["seq"] for _, body in receiver.got) == [1, 2, 3, 4, 5]
    for headers, body in receiver.got:
        timestamp = headers[TIMESTAMP_HEADER]
        assert abs(time.time() - int(timestamp)) < 60
        assert headers[SIGNATURE_HEADER] == sign(made["secret"], timestamp, body)
        assert headers[SIGNATURE_HEADER] != sign("another", timestamp, body)
    path = f"/projects/1/webhooks/{made['id']}/deliveries"
    until(lambda: {each["state"] for each in client.get(path).json()} == {"delivered"})
    assert sum(each["attempts"] for each in client.get(path).json()) == 5 + 3
    assert "secret" not in client.get("/projects/1/webhooks").json()[0]


def test_what_waits_outlives_the_server(client: TestClient, receiver: Receiver) -> None:
    """Events of a server that dies before it delivers are delivered by the next one."""
    services = client.app.state.services
    hook, _ = services.webhooks.add(1, receiver.url, [])
    services.webhooks.stop()
    create(client, "a")
    assert not receiver.got
    receiver.refuse = 0
    following = Webhooks(services.store.database, private_addresses=True)
    following.start()
    until(lambda: len(receiver.got) == 1)
    following.stop()
    assert following.deliveries(1, hook.id)[0].state == "delivered"


def test_an_edit_that_is_undone_by_an_error_tells_nobody(
    client: TestClient, receiver: Receiver
) -> None:
    store: Store = client.app.state.services.store
    hooks = client.app.state.services.webhooks
    hook, _ = hooks.add(1, receiver.url, [])
    hooks.stop()
    good = EditRequest("create_track", "good", frame=0, payload={"category": "car", "box": BOX})
    with pytest.raises(Exception, match="frame"):
        store.apply(
            1, "ann", [good, EditRequest("create_track", "bad", frame=99, payload=good.payload)]
        )
    assert hooks.deliveries(1, hook.id) == []


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "http://", "javascript:alert(1)", "http://a:b@host/"]
)
def test_addresses_that_are_none_are_refused(client: TestClient, url: str) -> None:
    assert client.post("/projects/1/webhooks", json={"url": url}).status_code == 422


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x", "http://localhost/x", "http://169.254.169.254/", "http://[::1]/"]
)
def test_a_shared_server_reaches_no_private_address(guarded: TestClient, url: str) -> None:
    token = guarded.app.state.services.store.people.create_token("admin", "t")
    bearer = {"Authorization": f"Bearer {token}"}
    answer = guarded.post("/projects/1/webhooks", json={"url": url}, headers=bearer)
    assert answer.status_code == 422
    assert "--private-webhooks" in answer.json()["detail"]
