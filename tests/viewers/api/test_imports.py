"""Imports over the API: gathered, recognised, looked at, corrected, read by a job, opened."""

import hashlib
import io
import json
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from lidar_label.datasets.formats import import_source
from lidar_label.datasets.point_files import write_pcd
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.rig_correction import RigCorrection
from lidar_label.datasets.source_preview import preview_source

IMPORTS = "/projects/1/imports"
Y_UP = [0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]  # x left, y up, z forward


def cloud(seed: int) -> np.ndarray:
    """A flat ground and a box on it; x forward, y left, z up."""
    rng = np.random.default_rng(seed)
    ground = np.column_stack([rng.uniform(-20, 20, (4000, 2)), np.zeros(4000)])
    box = rng.uniform([8, 2, 0], [12, 4, 1.6], (800, 3))
    return np.concatenate([ground, box]).astype(np.float32)


def send(client: TestClient, name: str, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    question = {"name": name, "size": len(content), "sha256": digest}
    upload = client.post("/projects/1/uploads", json=question).json()["id"]
    headers = {"Upload-Offset": "0", "Content-Type": "application/octet-stream"}
    client.patch(f"/projects/1/uploads/{upload}", content=content, headers=headers)
    return upload


def begin(client: TestClient, files: dict[str, bytes]) -> dict:
    sent = [{"upload": send(client, Path(p).name, c), "path": p} for p, c in files.items()]
    answer = client.post(IMPORTS, json={"files": sent})
    assert answer.status_code == 201, answer.text
    return answer.json()


def finished(client: TestClient, job: dict) -> dict:
    deadline = time.monotonic() + 60
    while job["state"] in {"queued", "running"} and time.monotonic() < deadline:
        time.sleep(0.05)
        job = client.get(f"/projects/1/jobs/{job['id']}").json()
    return job


def pcd(tmp_path: Path, xyz: np.ndarray) -> bytes:
    write_pcd(tmp_path / "one.pcd", xyz)
    return (tmp_path / "one.pcd").read_bytes()


def test_a_folder_of_sweeps_is_recognised_turned_and_opened(client, app, tmp_path):
    frames = [cloud(seed)[:, [1, 2, 0]] for seed in (1, 2, 3)]
    files = {f"yard/{i}.pcd": pcd(tmp_path, xyz) for i, xyz in enumerate(frames)}
    draft = begin(client, files)
    assert (draft["format"], draft["name"], draft["problem"]) == ("points", "yard", "")
    assert "kitti-object" in [form["name"] for form in draft["formats"]]
    place = f"{IMPORTS}/{draft['id']}"
    seen = client.post(f"{place}/preview", json={"format": "points"}).json()
    assert seen["points"] == 4800
    assert seen["cameras"] == []
    assert client.get(f"{place}/points").content[:4] == b"LLP1"
    started = client.post(
        f"{place}/start", json={"format": "points", "name": "yard", "turn": Y_UP}
    ).json()
    job = finished(client, started)
    assert job["state"] == "done", job["message"]
    assert job["message"].startswith("3 frames, 14,400 points")
    recording = job["recording_id"]
    assert client.get(f"/projects/1/recordings/{recording}").json()["frames"] == 3
    info = app.state.services.store.recording(recording)
    with Recording(info.uri) as opened:
        found = opened.frame_points(0).xyz
    assert np.sort(found[:, 2]) == pytest.approx(np.sort(cloud(1)[:, 2]), abs=1e-5)
    assert found[:, 0].max() == pytest.approx(cloud(1)[:, 0].max(), abs=1e-5)
    assert client.post(f"{place}/preview", json={"format": "points"}).status_code == 404


def test_a_zip_with_a_table_of_points(client):
    text = "x,y,z,intensity\n" + "\n".join(",".join(f"{v:.3f}" for v in (*p, 7)) for p in cloud(4))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("scan/0.csv", text)
    draft = begin(client, {"scan.zip": packed.getvalue()})
    assert (draft["format"], draft["name"]) == ("points", "scan")
    seen = client.post(f"{IMPORTS}/{draft['id']}/preview", json={"format": "points"}).json()
    assert seen["points"] == 4800


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"notes.txt": b"hello"}, "in no format that we know"),
        ({"a.zip": b"PK\x03\x04 no more"}, "not a readable .zip"),
        ({"../../etc/0.pcd": b"x"}, "leads elsewhere"),
    ],
)
def test_what_cannot_be_imported_is_one_clear_line(client, files, line):
    sent = [{"upload": send(client, "f", c), "path": p} for p, c in files.items()]
    answer = client.post(IMPORTS, json={"files": sent})
    told = answer.json()
    said = told["problem"] if answer.status_code == 201 else told["detail"]
    assert line in said
    assert "\n" not in said


def test_a_damaged_sweep_fails_the_job_with_its_name(client, tmp_path):
    good = pcd(tmp_path, cloud(1))
    draft = begin(client, {"d/0.pcd": good, "d/1.pcd": good[: len(good) // 2]})
    question = {"format": "points", "name": "damaged"}
    job = finished(client, client.post(f"{IMPORTS}/{draft['id']}/start", json=question).json())
    assert job["state"] == "failed"
    assert "1.pcd" in job["message"]
    wrong = client.post(f"{IMPORTS}/{draft['id']}/preview", json={"format": "argoverse2"})
    assert wrong.status_code == 422
    names = [one["name"] for one in client.get("/projects/1/recordings").json()]
    assert "damaged" not in names


def test_a_path_outside_the_places_is_refused_and_one_inside_taken(client, drive, tmp_path):
    assert client.post(IMPORTS, json={"path": "/etc"}).status_code == 422
    assert client.post(IMPORTS, json={}).status_code == 422
    scans = drive.parent / "scans beside the drive"
    scans.mkdir(exist_ok=True)
    write_pcd(scans / "0.pcd", cloud(1))
    draft = client.post(IMPORTS, json={"path": str(scans)}).json()
    assert draft["format"] == "points"
    assert client.delete(f"{IMPORTS}/{draft['id']}").status_code == 204
    assert (scans / "0.pcd").exists(), "only what was sent goes"


def test_real_cameras_come_with_the_preview_and_can_be_inverted(shared, tmp_path):
    out = tmp_path / "preview.h5"
    assert preview_source(shared / "sustechpoints", out) == "sustechpoints"
    with Recording(out) as recording:
        assert len(recording.cameras) == 3
        assert all(len(recording.image_times(name)) == 1 for name in recording.cameras)
        stated = recording.rig["front"].ego_from_sensor
    import_source(
        shared / "sustechpoints",
        tmp_path / "inverted.h5",
        poses=False,
        correction=RigCorrection(inverted=frozenset({"front"})),
    )
    with Recording(tmp_path / "inverted.h5") as recording:
        assert recording.rig["front"].ego_from_sensor == pytest.approx(np.linalg.inv(stated))


def test_settings_of_an_import_are_kept_with_its_job(client, tmp_path):
    draft = begin(client, {"s/0.pcd": pcd(tmp_path, cloud(1))})
    bad = {"format": "points", "name": "s", "turn": [2.0] + [0.0] * 14 + [1.0]}
    job = finished(client, client.post(f"{IMPORTS}/{draft['id']}/start", json=bad).json())
    assert job["state"] == "failed"
    assert "no rotation" in job["message"]
    assert json.dumps(job)
