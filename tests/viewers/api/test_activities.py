"""Routes of activity windows, on a made-up phone whose truth is known."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from lidar_label.datasets.export_names import WINDOW_FORMATS
from lidar_label.datasets.recording import RecordingWriter
from lidar_label.datasets.windows import load_windows
from lidar_label.viewers.api.application import create_app
from lidar_label.viewers.api.recording_routes import add_recording

_SPEC = importlib.util.spec_from_file_location(
    "people", Path(__file__).parents[2] / "lidar_label" / "people.py"
)
people = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(people)

BASE = "/projects/1/recordings/1"
IMU = f"{BASE}/signals/phone"
S = 1_000_000_000


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory):
    signal, truth = people.day(3, bouts=16)
    path = tmp_path_factory.mktemp("phone") / "phone.h5"
    kept = (signal.time_ns < 100 * S) | (signal.time_ns > 104 * S)
    with RecordingWriter(path, source="made up") as writer:
        writer.add_imu("phone", np.eye(4), signal.channels, signal.units)
        writer.append_imu("phone", signal.time_ns[kept], signal.values[kept])
    return path, truth


@pytest.fixture
def phone(day, tmp_path: Path):
    path, _ = day
    app: FastAPI = create_app(tmp_path / "l.db", [path.parent], folder=tmp_path, user="ann")
    app.state.services.store.create_project("signals", "root")
    add_recording(app.state.services, 1, "phone", str(path), "root")
    with TestClient(app, base_url="http://localhost/api/v1") as client:
        yield client


def tag(client: TestClient, rows, prefix: str = "t") -> None:
    edits = [
        {
            "operation": "window_create",
            "client_id": f"{prefix}{i}",
            "payload": {
                "start_ns": str(rows.start_ns[i]),
                "end_ns": str(rows.end_ns[i]),
                "category": rows.category[i],
                "sensor": "phone",
            },
        }
        for i in range(len(rows))
    ]
    assert client.post(f"{BASE}/edits", json={"edits": edits}).status_code == 200


def test_the_clock_names_the_gap(phone: TestClient) -> None:
    clock = phone.get(f"{IMU}/clock").json()
    assert clock["from_ns"] == "7"
    assert clock["rate_hz"] == pytest.approx(50.0)
    [(before, after)] = clock["gaps"]
    assert (int(before) // S, int(after) // S) == (99, 104)


def test_changes_stand_on_the_bouts(phone: TestClient, day) -> None:
    found = phone.get(f"{IMU}/changes").json()
    times = np.array([int(t) for t in found["time_ns"]])
    inner = day[1].start_ns[1:]
    nearest = np.abs(times[:, None] - inner[None]).min(axis=0)
    assert (nearest < 1.5 * S).mean() > 0.8
    assert all(
        int(a) <= int(t) <= int(b)
        for a, t, b in zip(found["low_ns"], found["time_ns"], found["high_ns"], strict=True)
    )
    assert len(phone.get(f"{IMU}/changes?penalty=30").json()["time_ns"]) < len(times)


def test_few_tags_propose_the_rest_and_leave_what_people_decided(phone: TestClient, day) -> None:
    tags = people.few_tags(day[1])
    assert phone.post(f"{IMU}/proposals", json={}).status_code == 422
    tag(phone, tags)
    answer = phone.post(f"{IMU}/proposals", json={}).json()
    assert answer["tags"] == len(tags)
    windows = phone.get(f"{BASE}/labels").json()["windows"]
    proposed = [w for w in windows if w["state"] == "proposed"]
    assert len(proposed) == answer["proposed"] > 8
    mine = [(int(w["start_ns"]), int(w["end_ns"])) for w in windows if w["state"] == "accepted"]
    assert sorted(mine) == sorted(zip(tags.start_ns.tolist(), tags.end_ns.tolist(), strict=True))
    for window in proposed:
        start, end = int(window["start_ns"]), int(window["end_ns"])
        assert all(end <= a or start >= b for a, b in mine)
    right = sum(overlap(w, day[1]) for w in proposed)
    whole = sum(int(w["end_ns"]) - int(w["start_ns"]) for w in proposed)
    assert right / whole > 0.9
    again = phone.post(f"{IMU}/proposals", json={}).json()
    assert again["replaced"] == answer["proposed"]


def overlap(window: dict, truth) -> int:
    """Nanoseconds of a window in which its class is the true one."""
    start, end = int(window["start_ns"]), int(window["end_ns"])
    shared = np.minimum(truth.end_ns, end) - np.maximum(truth.start_ns, start)
    return int(shared[(shared > 0) & (truth.category == window["category"])].sum())


def test_one_class_and_an_event_are_enough_to_propose(phone: TestClient, day) -> None:
    tags = people.few_tags(day[1])
    tag(phone, tags.select(tags.category == "walking"))
    event = {"start_ns": "5000", "end_ns": "5000", "category": "bump", "sensor": "phone"}
    edit = {"operation": "window_create", "client_id": "event", "payload": event}
    assert phone.post(f"{BASE}/edits", json={"edits": [edit]}).status_code == 200
    assert phone.post(f"{IMU}/proposals", json={}).json()["proposed"] > 0


def test_it_asks_for_what_is_unlike_the_tags(phone: TestClient, day) -> None:
    tags = people.few_tags(day[1])
    tag(phone, tags.select(tags.category != "lying"))
    best = phone.get(f"{IMU}/suggestions?count=2").json()
    assert len(best) == 2
    middle = (int(best[0]["start_ns"]) + int(best[0]["end_ns"])) // 2
    assert day[1].category[np.searchsorted(day[1].start_ns, middle, side="right") - 1] == "lying"
    assert "unlike" in best[0]["reason"]


def test_it_asks_for_whole_stretches_between_changes_that_nobody_tagged(
    phone: TestClient, day
) -> None:
    truth = day[1]
    tag(phone, people.few_tags(truth))
    mine = phone.get(f"{BASE}/labels").json()["windows"]
    found = phone.get(f"{IMU}/suggestions?count=50&between=1").json()
    spans = sorted((int(one["start_ns"]), int(one["end_ns"])) for one in found)
    changes = phone.get(f"{IMU}/changes").json()["time_ns"]
    taken = [(int(w["start_ns"]), int(w["end_ns"])) for w in mine] + [(100 * S, 104 * S)]
    assert len(spans) > 14
    for start, end in spans:
        assert all(end <= a + S // 10 or start >= b - S // 10 for a, b in taken)
        assert not [one for one in changes if start < int(one) < end]
    assert sum(end - start for start, end in spans) > 0.85 * (truth.end_ns[-1] - truth.start_ns[0] - sum(b - a for a, b in taken))  # fmt: skip # noqa: E501


def test_more_like_one_window(phone: TestClient, day) -> None:
    truth = day[1]
    row = truth.category.tolist().index("running")
    start = int(truth.start_ns[row]) + S
    found = phone.get(f"{IMU}/similar?from={start}&to={start + 4 * S}&count=1").json()
    assert overlap({**found[0], "category": "running"}, truth) > 3 * S
    assert phone.get(f"{IMU}/similar?from=9&to=8").status_code in {400, 422}


@pytest.mark.parametrize("form", WINDOW_FORMATS)
def test_accepted_windows_are_exported(phone: TestClient, day, form: str, tmp_path: Path) -> None:
    tags = people.few_tags(day[1])
    tag(phone, tags)
    phone.post(f"{IMU}/proposals", json={})
    offered = phone.get(f"{BASE}/export-formats").json()
    assert offered == {"cuboids": [], "windows": list(WINDOW_FORMATS), "signals": ["phone"]}
    answer = phone.get(f"{IMU}/windows?form={form}")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    if form == "parquet":
        (tmp_path / "w.parquet").write_bytes(answer.content)
        read = load_windows(tmp_path / "w.parquet")
        assert sorted(read.start_ns.tolist()) == sorted(tags.start_ns.tolist())
        both = phone.get(f"{IMU}/windows?form=parquet&proposals=true").content
        assert len(load_windows_bytes(both, tmp_path)) > len(read)
    else:
        assert sum(answer.text.count(name) for name in set(tags.category)) == len(tags)


def load_windows_bytes(content: bytes, folder: Path):
    path = folder / "both.parquet"
    path.write_bytes(content)
    return load_windows(path)


def test_what_is_not_there_is_said(phone: TestClient) -> None:
    assert phone.get(f"{BASE}/signals/watch/clock").status_code == 404
    assert phone.get("/projects/1/recordings/9/signals/phone/clock").status_code == 404
    assert phone.get(f"{IMU}/windows?form=docx").status_code == 422
