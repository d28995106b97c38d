"""Films and sounds: added, played in ranges, drawn, aligned by hand and by correlation."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from scipy.io import wavfile

from lidar_label.datasets.recording import RecordingWriter
from lidar_label.viewers.api.application import create_app
from lidar_label.viewers.api.recording_routes import add_recording

MEDIA = "/projects/1/recordings/1/media"
S = 1_000_000_000
START_NS = 1_790_000_000 * S
OFFSET_S, DRIFT_PPM = 12.345, 180.0


def knocks(seconds: float) -> np.ndarray:
    """When somebody knocked, in seconds, at uneven times."""
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.uniform(0.4, 3.0, int(seconds)))
    return times[times < seconds]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phone that was knocked on for 200 s, and a sound of it that begins later and drifts."""
    folder = tmp_path_factory.mktemp("knocked")
    rng = np.random.default_rng(1)
    times = np.arange(0, 200, 0.01)
    rung = np.zeros(len(times))
    for knock in knocks(200):
        since = np.maximum(times - knock, 0)
        rung += np.exp(-since / 0.08) * np.sin(since * 90)
    values = np.column_stack([rung * 3, rung, 9.8 + rung * 2]) + rng.normal(
        0, 0.05, (len(times), 3)
    )
    with RecordingWriter(folder / "phone.h5", source="made up") as writer:
        writer.add_imu("phone", np.eye(4), ("acc_x", "acc_y", "acc_z"), ("m/s²",) * 3)
        writer.append_imu("phone", START_NS + np.rint(times * S).astype(np.int64), values)
    rate = 8000
    own = np.arange(0, 150, 1 / rate)  # seconds of the sound's clock
    heard = rng.normal(0, 0.01, len(own))
    for knock in (knocks(200) - OFFSET_S) / (1 + DRIFT_PPM / 1e6):
        at = int(knock * rate)
        if 0 <= at < len(own) - 800:
            heard[at : at + 800] += np.exp(-np.arange(800) / 200) * np.sin(np.arange(800))
    wavfile.write(folder / "knocks.wav", rate, (heard * 20_000).astype(np.int16))
    return folder


@pytest.fixture
def client(folder: Path, tmp_path: Path):
    app: FastAPI = create_app(tmp_path / "l.db", [folder], folder=tmp_path, user="ann")
    app.state.services.store.create_project("signals", "root")
    add_recording(app.state.services, 1, "phone", str(folder / "phone.h5"), "root")
    with TestClient(app, base_url="http://localhost/api/v1") as client:
        yield client


@pytest.fixture
def sound(client: TestClient, folder: Path) -> dict:
    asked = {"name": "knocks", "uri": str(folder / "knocks.wav")}
    answer = client.post(MEDIA, json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_sound_is_laid_on_the_signal_by_correlation(client, sound) -> None:
    found = client.post(f"{MEDIA}/{sound['id']}/correlate", json={"sensor": "phone"}).json()
    assert (int(found["start_ns"]) - START_NS) / S == pytest.approx(OFFSET_S, abs=0.02)
    assert found["drift_ppm"] == pytest.approx(DRIFT_PPM, abs=60)
    assert found["correlation"] > 0.6 > found["runner_up"] + 0.1
    assert client.get(MEDIA).json()[0]["start_ns"] == str(START_NS)  # nothing was stored


def test_a_films_curve_of_movement_is_laid_on_it_too(client, sound) -> None:
    frames = np.arange(0, 60, 1 / 25)
    since = frames[:, None] + 40.0 - knocks(200)
    curve = np.where(since >= 0, np.exp(-np.maximum(since, 0) / 0.08), 0).sum(axis=1).tolist()
    asked = {"sensor": "phone", "curve": {"rate_hz": 25, "values": [None, *curve[1:]]}}
    found = client.post(f"{MEDIA}/{sound['id']}/correlate", json=asked).json()
    assert (int(found["start_ns"]) - START_NS) / S == pytest.approx(40.0, abs=0.06)
    still = {"sensor": "phone", "curve": {"rate_hz": 25, "values": [1.0] * 500}}
    answer = client.post(f"{MEDIA}/{sound['id']}/correlate", json=still)
    assert answer.status_code == 422
    assert "too little in common" in answer.json()["detail"]


def test_the_alignment_stays_and_an_older_one_is_refused(client, sound, folder) -> None:
    asked = {"start_ns": str(START_NS + 5), "drift_ppm": -3.5, "base_revision": 1}
    aligned = client.put(f"{MEDIA}/{sound['id']}/alignment", json=asked).json()
    assert (aligned["start_ns"], aligned["drift_ppm"]) == (str(START_NS + 5), -3.5)
    assert aligned["aligned_by"] == "ann by hand"
    late = client.put(f"{MEDIA}/{sound['id']}/alignment", json=asked)
    assert late.status_code == 409
    assert late.json()["states"][0]["revision"] == 2
    services = client.app.state.services  # the recording made anew from its source
    add_recording(services, 1, "phone again", str(folder / "phone.h5"), "root")
    again = {"name": "k", "uri": str(folder / "knocks.wav")}
    taken_over = client.post("/projects/1/recordings/2/media", json=again).json()
    assert (taken_over["start_ns"], taken_over["drift_ppm"]) == (str(START_NS + 5), -3.5)


def test_it_is_played_in_ranges_and_drawn(client, sound, folder) -> None:
    content = (folder / "knocks.wav").read_bytes()
    part = client.get(f"{MEDIA}/{sound['id']}/content", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, content[100:200])
    drawn = client.get(f"{MEDIA}/{sound['id']}/waveform?from=0&to=150&pixels=500").content
    size = int.from_bytes(drawn[4:8], "little")
    header = json.loads(drawn[8 : 8 + size])
    low, high = (
        np.frombuffer(drawn, "<f4", header["count"], field["offset"]) for field in header["fields"]
    )
    assert 500 <= header["count"] <= 1001
    samples = wavfile.read(io.BytesIO(content))[1] / 32768
    assert high.max() == pytest.approx(samples.max(), abs=1e-4)
    assert low.min() == pytest.approx(samples.min(), abs=1e-4)
    nearer = client.get(f"{MEDIA}/{sound['id']}/waveform?from=10&to=10.2&pixels=500")
    assert nearer.status_code == 200


def test_what_is_no_film_or_sound_is_said(client, folder) -> None:
    (folder / "notes.txt").write_text("a text")
    answer = client.post(MEDIA, json={"name": "notes", "uri": str(folder / "notes.txt")})
    assert answer.status_code == 422
    assert "neither MP4, WebM nor WAV" in answer.json()["detail"]
    answer = client.post(MEDIA, json={"name": "away", "uri": "/etc/passwd"})
    assert "outside the places" in answer.json()["detail"]
    assert client.post(MEDIA, json={"name": "nothing"}).status_code == 422
    assert client.get(f"{MEDIA}/99/content").status_code == 404
