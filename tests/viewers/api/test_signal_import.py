"""A CSV that was sent: what the reader sees in it, what a person says of it, and its recording."""

import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from lidar_label.viewers.api.application import create_app

UPLOADS = "/projects/1/uploads"
S = 1_000_000_000


@pytest.fixture
def client(tmp_path):
    app = create_app(tmp_path / "l.db", [], folder=tmp_path, user="ann")
    app.state.services.store.create_project("signals", "root")
    with TestClient(app, base_url="http://localhost/api/v1") as client:
        yield client


def send(client: TestClient, name: str, text: str) -> str:
    content = text.encode()
    promised = {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    upload = client.post(UPLOADS, json=promised).json()["id"]
    client.patch(f"{UPLOADS}/{upload}", content=content, headers={"Upload-Offset": "0"})
    return upload


def watch_csv() -> str:
    """A watch in Berlin in summer, acceleration in g, 50 Hz."""
    rows = [f"2026-07-01 12:00:{k / 50:06.3f};{k % 7 / 100};0.02;1.0;{k}" for k in range(200)]
    return "\n".join(["when;ax;ay;az;beats", *rows]) + "\n"


def test_recognised_overruled_and_imported(client) -> None:
    upload = send(client, "watch.csv", watch_csv())
    seen = client.post(f"{UPLOADS}/{upload}/signal-preview", json={}).json()
    assert [one["name"] for one in seen["columns"]] == ["when", "ax", "ay", "az", "beats"]
    assert "no time column and no rate" in seen["problem"]  # nothing says that `when` is a time
    assert "watch.csv" in seen["problem"]
    says = {"time_column": "when", "time_zone": "Europe/Berlin", "channels": ["ax", "ay", "az"]}
    seen = client.post(f"{UPLOADS}/{upload}/signal-preview", json=says).json()
    assert seen["problem"] == ""
    assert (seen["samples"], seen["rate_hz"]) == (200, pytest.approx(50))
    assert [(c["name"], c["unit"]) for c in seen["channels"]] == [
        ("acc_x", "m/s²"), ("acc_y", "m/s²"), ("acc_z", "m/s²")
    ]  # fmt: skip
    assert seen["channels"][2]["values"][0] == pytest.approx(9.80665)
    noon = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert int(seen["from_ns"]) == int(noon) * S
    made = client.post(f"{UPLOADS}/{upload}/signal", json={**says, "name": "my watch"}).json()
    clock = client.get(f"/projects/1/recordings/{made['id']}/signals/imu/clock").json()
    assert (clock["from_ns"], clock["samples"]) == (seen["from_ns"], 200)
    assert client.get(f"{UPLOADS}/{upload}").status_code == 404


@pytest.mark.parametrize(
    ("name", "text", "says", "problem"),
    [
        ("watch.csv", watch_csv(), {"time_column": "wann"}, "no column 'wann'"),
        ("watch.csv", watch_csv(), {"time_column": "when", "time_zone": "Mars/X"}, "Mars/X"),
        ("watch.csv", watch_csv() + "later;1;1;1;1\n", {"time_column": "when"}, "row 201"),
        ("empty.csv", "t,a\n", {}, "no rows"),
        ("notes.doc", "a text", {}, "no file of signals"),
    ],
)
def test_what_is_wrong_is_one_line(client, name, text, says, problem) -> None:
    upload = send(client, name, text)
    answer = client.post(f"{UPLOADS}/{upload}/signal", json={**says, "name": "x"})
    assert answer.status_code == 422
    assert problem in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]
    assert client.get("/projects/1/recordings").json() == []
    assert client.get(f"{UPLOADS}/{upload}").status_code == 200  # to be said otherwise
