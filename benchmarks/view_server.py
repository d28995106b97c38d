"""`lidar-label view` in a process of its own, and a Chromium that draws without a graphics card."""

import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lidar_label.errors import UsageError

_SOFTWARE_GL = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")  # fmt: skip # noqa: E501
_WAIT_S = 60.0


@dataclass(frozen=True)
class ViewServer:
    """Where it answers.

    Attributes:
        address: Without a path.
        page: The address that it printed.
    """

    address: str
    page: str

    def ask(self, path: str, body: object = None) -> Any:
        """What the API answers to GET, or to POST where there is a body."""
        request = urllib.request.Request(f"{self.address}/api/v1{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


@contextmanager
def served(paths: Sequence[Path], store: Path) -> Generator[ViewServer]:
    """Serve recordings from a store until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "lidar_label", "view", *map(str, paths), "--no-browser"]
    command += ["--port", str(port), "--store", str(store)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None  # it was asked for
        server = ViewServer(f"http://localhost:{port}", process.stdout.readline().strip())
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _wait(server: ViewServer, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            server.ask("/session")
            return
        except OSError:
            time.sleep(0.05)
    raise UsageError(f"{server.address}: the server does not answer")


def find_chromium() -> str:
    """The browser's program.

    Raises:
        UsageError: if there is none, or nothing to drive it by.
    """
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise UsageError("needs Chromium or Chrome on the PATH")
    if importlib.util.find_spec("playwright") is None:
        raise UsageError("needs playwright: pip install 'playwright>=1.48,<2'")
    return program


@contextmanager
def chromium(width: int = 1440, height: int = 860) -> Generator[Any]:
    """A page of a real browser, see `find_chromium`."""
    program = find_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(_SOFTWARE_GL))
        yield browser.new_page(viewport={"width": width, "height": height})
        browser.close()
