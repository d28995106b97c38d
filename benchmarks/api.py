"""The server over real HTTP: an edit until it is safe, a sweep until it is there, a signal's view.

Our process serves, this one asks; both on one machine, one connection kept open. The goals are the
project's own (peer column): an edit acknowledged within 10 ms, p95.
"""

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.client import API, Client, RemoteRecording, ServerError
from lidar_label.datasets.recording import RecordingWriter

_GOAL = "goal"
_EDITS, _FRAMES, _REPEATS = 300, 8, 5
_CLIENTS, _SECONDS = 50, 8.0
_POINTS = 125_000
_HOUR_S, _RATE_HZ = 3600, 100
_BOX = {"x": 5.0, "y": 2.0, "z": 0.7, "length": 4.4, "width": 1.8, "height": 1.5, "yaw": 0.2}


def run(data: Path | None) -> list[Row]:
    """Edits, points and signals through a server of our own; `data` is not used."""
    del data
    with tempfile.TemporaryDirectory() as place, _server(Path(place)) as remote:
        project = remote.create_project("benchmark")
        sweeps = project.add_recording(_write_sweeps(Path(place) / "sweeps.h5"))
        walk = project.add_recording(_write_walk(Path(place) / "walk.h5"))
        return [*_edits(sweeps), *_crowd(remote, sweeps), *_points(sweeps), *_signal(walk)]


def _edits(recording: RemoteRecording) -> list[Row]:
    """A move of one cuboid, from the request to the answer: the edit is on the disk by then."""
    state = recording.edit("create_track", frame=0, category="car", box=_BOX)["tracks"][0]
    times: list[float] = []
    for step in range(_EDITS):
        start = time.perf_counter()
        state = recording.edit(
            "set_cuboid", track_id=state["track_id"], base_revision=state["revision"], frame=0,
            box={**_BOX, "x": float(step)},
        )["tracks"][0]  # fmt: skip
        times.append((time.perf_counter() - start) * 1e3)
    return [
        less_is_better(
            "edit over HTTP until safe, median", statistics.median(times), _GOAL, None, "ms"
        ),
        less_is_better("edit over HTTP until safe, p95", _p95(times), _GOAL, 10.0, "ms"),
    ]


def _crowd(remote: Client, recording: RemoteRecording) -> list[Row]:
    """Fifty clients at once, each with a track of its own; SQLite, one server process."""
    times: list[float] = []
    end = time.perf_counter() + _SECONDS
    address = str(remote.request("GET", "/session").request.url).removesuffix(f"{API}/session")

    def move() -> None:
        with Client(address) as own:
            mine = RemoteRecording(
                own, recording.project_id, recording.id, recording.name, recording.frames
            )
            state = mine.edit("create_track", frame=0, category="car", box=_BOX)["tracks"][0]
            while time.perf_counter() < end:
                start = time.perf_counter()
                state = mine.edit(
                    "set_cuboid", track_id=state["track_id"], base_revision=state["revision"],
                    frame=0, box=_BOX,
                )["tracks"][0]  # fmt: skip
                times.append((time.perf_counter() - start) * 1e3)

    threads = [threading.Thread(target=move) for _ in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    note = "the fifty clients are threads of one process on the server's machine"
    return [
        more_is_better(
            f"edits a second, {_CLIENTS} clients, SQLite",
            len(times) / _SECONDS,
            _GOAL,
            None,
            "1/s",
            note,
        ),
        less_is_better(
            f"edit, {_CLIENTS} clients, SQLite, p95", _p95(times), _GOAL, None, "ms", note
        ),
    ]


def _points(recording: RemoteRecording) -> list[Row]:
    """A sweep asked for the first time, and again from the server's memory."""

    def ask(frame: int) -> int:
        path = f"{recording.path}/frames/{frame}/points"
        return len(recording.client.request("GET", path).content)

    ask(0)  # compiles
    first: list[float] = []
    again: list[float] = []
    size = 0
    for frame in range(1, _FRAMES):
        first.append(_milliseconds(lambda frame=frame: ask(frame)))
        again += [_milliseconds(lambda frame=frame: ask(frame)) for _ in range(_REPEATS)]
        size = ask(frame)
    name = f"sweep of {_POINTS} points"
    rate = size / 1e6 / (statistics.median(again) / 1e3)
    return [
        less_is_better(f"{name}, first time", statistics.median(first), _GOAL, None, "ms"),
        less_is_better(f"{name}, again", statistics.median(again), _GOAL, None, "ms"),
        more_is_better(f"{name}, again", rate, _GOAL, None, "MB/s"),
        Row(f"{name}, bytes", size / 1e6, "float32 columns", _POINTS * 21 / 1e6, "MB", None),
    ]


def _signal(recording: RemoteRecording) -> list[Row]:
    """The view of an hour at 2,000 pixels: with building the pyramid, and after that zoomed."""
    first = _milliseconds(lambda: recording.signal("phone"))
    zoomed: list[float] = []
    for minute in range(20):
        start = 10**18 + minute * 180 * 10**9
        query = {"from": str(start), "to": str(start + 60 * 10**9), "pixels": 2000}
        path = f"{recording.path}/signals/phone"
        zoomed.append(
            _milliseconds(
                lambda query=query, path=path: recording.client.request("GET", path, params=query)
            )
        )
    name = f"an hour of {_RATE_HZ} Hz, 6 axes"
    return [
        less_is_better(f"{name}, first view", first, _GOAL, None, "ms"),
        less_is_better(f"{name}, a minute of it", statistics.median(zoomed), _GOAL, None, "ms"),
    ]


def _p95(times: list[float]) -> float:
    return float(np.percentile(times, 95))


def _milliseconds(ask: Callable[[], object]) -> float:
    start = time.perf_counter()
    ask()
    return (time.perf_counter() - start) * 1e3


def _write_sweeps(path: Path) -> Path:
    """Rings on a plane with boxes on it: as many points as a 64-layer LiDAR gives."""
    dice = np.random.default_rng(0)
    with RecordingWriter(path, source="made up for a benchmark") as writer:
        place = np.eye(4)
        place[2, 3] = 1.8
        writer.add_lidar("top", place)
        for frame in range(_FRAMES):
            bearing = dice.uniform(-np.pi, np.pi, _POINTS)
            away = dice.gamma(2.0, 9.0, _POINTS) + 2
            z = np.where(dice.random(_POINTS) < 0.6, -1.8, dice.uniform(-1.8, 2, _POINTS))
            xyz = np.column_stack((away * np.cos(bearing), away * np.sin(bearing), z))
            noisy = (xyz + dice.normal(0, 0.02, xyz.shape)).astype(np.float32)
            intensity = dice.random(_POINTS).astype(np.float32)
            writer.append_sweep("top", frame * 10**8, noisy, intensity=intensity)
    return path


def _write_walk(path: Path) -> Path:
    count = _HOUR_S * _RATE_HZ
    values = np.random.default_rng(0).normal(size=(count, 6))
    channels = tuple(f"{kind}_{axis}" for kind in ("acc", "gyro") for axis in "xyz")
    with RecordingWriter(path, source="made up for a benchmark") as writer:
        units = ("m/s²",) * 3 + ("rad/s",) * 3
        writer.add_imu("phone", np.eye(4), channels=channels, units=units)
        writer.append_imu("phone", 10**18 + np.arange(count) * (10**9 // _RATE_HZ), values)
    return path


@contextmanager
def _server(folder: Path) -> Generator[Client]:
    """A server process on a free port, and a client of it."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [
        sys.executable, "-m", "lidar_label.viewers.api", str(folder / "labels.db"), "--data",
        str(folder), "--folder", str(folder / "server"), "--port", str(port),
    ]  # fmt: skip
    with subprocess.Popen(command) as process, Client(f"http://127.0.0.1:{port}") as client:
        try:
            _wait(client)
            yield client
        finally:
            process.terminate()


def _wait(client: Client) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            client.request("GET", "/session")
        except ServerError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
