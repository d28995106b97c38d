"""A server of its own with a recorded drive, and a real Chromium on it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lidar_label.cuboids import Cuboids, load_cuboids
from lidar_label.viewers.pages.app import ASSETS

sys.path.append(str(Path(__file__).parent))  # for editor_hands, beside the tests

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
SOFTWARE_GL = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")  # fmt: skip # noqa: E501
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


@pytest.fixture(scope="session")
def truth(drive: Path) -> Cuboids:
    return load_cuboids(drive.with_name("drive.labels.parquet"))


@pytest.fixture(scope="session")
def server(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not (ASSETS / "editor.js").exists():
        pytest.skip("the editor is not bundled: run `make setup`")
    running = Server(drive, tmp_path_factory.mktemp("store"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright, of the dev extra"
    )
    if CHROMIUM is None:
        pytest.skip("needs Chromium or Chrome, which is not on the PATH")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=list(SOFTWARE_GL))
        yield running
        running.close()


@pytest.fixture
def annotated(server: Server, truth: Cuboids, request: pytest.FixtureRequest) -> Drive:
    """A project of this test alone."""
    return server.open_project(re.sub(r"\W+", " ", request.node.name).strip(), truth)


@pytest.fixture
def open_editor(browser, request: pytest.FixtureRequest):
    """Opens the editor of a drive; an error in the browser's console fails the test."""
    contexts, errors = [], []

    def start(drive: Drive, *, context=None, allow_errors: bool = False):
        context = context or browser.new_context(viewport=SIZE)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        if not allow_errors:
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda line: line.type == "error" and errors.append(line.text))
        page.goto(f"{drive.url}/edit")
        page.wait_for_selector(".ll-main")
        page.wait_for_function("performance.getEntriesByName('frame visible').length > 0")
        return page

    yield start
    folder = os.environ.get("EDITOR_SCREENSHOTS")
    if folder and contexts and contexts[-1].pages:
        contexts[-1].pages[-1].screenshot(path=str(Path(folder) / f"{request.node.name}.png"))
    for context in set(contexts):
        context.close()
    assert errors == []
