"""`lidar-label view` as a process of its own, and what the tests ask of it."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from lidar_label.cuboids import Cuboids

SIZE = {"width": 1400, "height": 820}
CATEGORIES = {0: "car", 1: "car", 2: "pedestrian", 3: "car"}


class Server:
    """`lidar-label view` in a process of its own, on a store of its own."""

    def __init__(self, recording: Path, store: Path, port: int = 0) -> None:
        self.recording, self.store, self.port = recording, store, port or free_port()
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "lidar_label", "view", str(self.recording)]
        command += ["--store", str(self.store), "--port", str(self.port), "--no-browser"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.page = self.process.stdout.readline().strip()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                self.ask("/session")
                return
            except OSError:
                assert self.process.poll() is None, "the server ended"
                time.sleep(0.05)
        raise TimeoutError("the server does not answer")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def ask(self, path: str, body: object = None) -> object:
        request = urllib.request.Request(f"http://localhost:{self.port}/api/v1{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def open_project(self, name: str, truth: Cuboids | None, state: str = "proposed") -> "Drive":
        """A project of its own with the drive and, as proposals, its truth."""
        project = self.ask("/projects", {"name": name})["id"]
        recording = self.ask(f"/projects/{project}/recordings", {"uri": str(self.recording)})["id"]
        drive = Drive(self, project, recording)
        if truth is not None:
            edits = [create(truth, track, state, name) for track in CATEGORIES]
            drive.ids = [self.ask(f"{drive.api}/edits", {"edits": [edit]})["tracks"][0]["track_id"] for edit in edits]  # fmt: skip # noqa: E501
        return drive


class Drive:
    """A recording of a project on a server."""

    def __init__(self, server: Server, project: int, recording: int) -> None:
        self.server, self.ids = server, []
        self.api = f"/projects/{project}/recordings/{recording}"
        self.url = f"http://localhost:{server.port}/p/{project}/r/{recording}"

    def tracks(self) -> dict[int, dict]:
        return {t["track_id"]: t for t in self.server.ask(f"{self.api}/labels")["tracks"]}

    def cuboid(self, track: int, frame: int) -> dict | None:
        columns = self.server.ask(f"{self.api}/labels")["cuboids"]
        for i, (t, f) in enumerate(zip(columns["track_id"], columns["frame"], strict=True)):
            if (t, f) == (track, frame):
                return {name: values[i] for name, values in columns.items()}
        return None

    def frames(self, track: int) -> list[int]:
        columns = self.server.ask(f"{self.api}/labels")["cuboids"]
        pairs = zip(columns["track_id"], columns["frame"], strict=True)
        return sorted(f for t, f in pairs if t == track)


def create(truth: Cuboids, track: int, state: str, name: str) -> dict:
    rows = truth.select(truth.track_id == track)
    keys = ("x", "y", "z", "length", "width", "height", "yaw")
    cuboids = [
        {
            "frame": int(frame),
            "box": dict(zip(keys, map(float, box), strict=True)),
            "keyframe": False,
        }
        for frame, box in zip(rows.frame, rows.boxes, strict=True)
    ]
    payload = {"category": CATEGORIES[track], "state": state, "cuboids": cuboids}
    return {"operation": "create_track", "client_id": f"{name} {track}", "payload": payload}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
