"""The Python client against a real server, restarted under it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from kill_storm import ForkingServer
from server_process import free_port

from lidar_label.client import Client, EditConflict, ServerError
from lidar_label.cuboids import load_cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.errors import NotFound

BOX = {"x": 9.0, "y": 0.5, "z": 0.7, "length": 4.0, "width": 1.8, "height": 1.5, "yaw": 0.1}


@pytest.fixture(scope="module")
def server(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkingServer]:
    with ForkingServer.running(tmp_path_factory.mktemp("server"), drive.parent) as server:
        yield server


def test_the_whole_way_through_the_client(server: ForkingServer, drive: Path) -> None:
    with Client(server.url) as remote:
        assert remote.session()["mode"] == "single-user"
        project = remote.create_project("streets")
        recording = project.add_recording(drive)
        assert project.recording("drive") == recording
        with Recording(drive) as opened:
            assert len(recording.points(0)["xyz"]) == len(opened.frame_points(0))
            assert recording.image(0, "front") == opened.image("front", 0)
        made = recording.edit("create_track", frame=0, category="car", box=BOX)["tracks"][0]
        labels = recording.labels()
        np.testing.assert_allclose(labels.cuboids.boxes[0], list(BOX.values()))
        assert labels.cuboids.category.tolist() == ["car"]
        moved = {**BOX, "x": 10.0}
        stale = {"track_id": made["track_id"], "base_revision": made["revision"], "frame": 0}
        recording.edit("set_cuboid", **stale, box=moved)
        with pytest.raises(EditConflict) as conflict:
            recording.edit("set_cuboid", **stale, box=BOX)
        assert conflict.value.states[0]["cuboids"]["x"] == [10.0]
        recording.undo()
        assert recording.labels().cuboids.boxes[0, 0] == 9.0
        assert recording.labels(at=2).cuboids.boxes[0, 0] == 10.0
        recording.redo()
        assert [entry["operation"] for entry in recording.history()][-1] == "create_track"


def test_a_click_on_a_car_fits_its_box(server: ForkingServer, drive: Path) -> None:
    truth = load_cuboids(drive.with_name("drive.labels.parquet"))
    car = truth.boxes[(truth.frame == 0) & (truth.track_id == 3)][0]
    with Client(server.url) as remote:
        recording = remote.create_project("clicks").add_recording(drive)
        near_face = [car[0] - car[3] / 2, car[1], car[2]]
        found = recording.fit(0, click=near_face, category="car")
        assert found["points"] > 20
        np.testing.assert_allclose(found["box"][:2], car[:2], atol=0.8)
        uncovered = remote.request("GET", f"{recording.path}/frames/0/uncovered").json()["clusters"]
        assert len(uncovered) >= 3
        box = dict(zip(BOX, car.tolist(), strict=True))
        recording.edit("create_track", frame=0, category="car", box=box)
        fewer = remote.request("GET", f"{recording.path}/frames/0/uncovered").json()["clusters"]
        assert len(fewer) == len(uncovered) - 1


def test_an_edit_waits_for_a_server_that_comes_back(server: ForkingServer, drive: Path) -> None:
    with Client(server.url) as remote:
        recording = remote.create_project("patient").add_recording(drive)
        server.kill()
        server.start()
        recording.edit("create_track", frame=0, category="car", box=BOX)  # no wait before
        assert len(recording.labels().tracks) == 1


def test_labels_go_in_and_out_as_files(server: ForkingServer, drive: Path, tmp_path: Path) -> None:
    import io
    import zipfile

    path = drive.with_name("drive.labels.parquet")
    with Client(server.url) as remote:
        recording = remote.create_project("files").add_recording(drive)
        body = {
            "content": path.read_bytes(),
            "headers": {"Content-Type": "application/octet-stream"},
        }
        done = remote.request("POST", f"{recording.path}/labels/import", **body).json()
        assert done["cuboids"] == len(load_cuboids(path))
        answer = remote.request("GET", f"{recording.path}/export", params={"format": "parquet"})
        zipfile.ZipFile(io.BytesIO(answer.content)).extract("labels.parquet", tmp_path)
        assert len(load_cuboids(tmp_path / "labels.parquet")) == done["cuboids"]
        with pytest.raises(ServerError, match="not a Parquet file"):
            remote.request("POST", f"{recording.path}/labels/import", **{**body, "content": b"no"})


def test_errors_say_what_and_where(server: ForkingServer) -> None:
    with Client(server.url) as remote:
        with pytest.raises(NotFound, match="no project nowhere"):
            remote.project("nowhere")
        with pytest.raises(ServerError, match="outside the places"):
            remote.create_project("errors").add_recording("/etc/passwd")
    with (
        Client(f"http://127.0.0.1:{free_port()}") as nobody,
        pytest.raises(ServerError, match="running"),
    ):
        nobody.request("GET", "/session")
