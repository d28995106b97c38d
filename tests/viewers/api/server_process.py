"""A real server in a process of its own, to be called, killed and started again."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx


def free_port() -> int:
    """One that outgoing connections are never given, so that it stays free between servers."""
    while True:
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", secrets.choice(range(20_000, 32_000))))
            return sock.getsockname()[1]


class ServerProcess:
    """`python -m lidar_label.viewers.api` on a port of its own."""

    def __init__(self, folder: Path, *data: Path, options: tuple[str, ...] = ()) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        places = [word for place in data for word in ("--data", str(place))]
        self._command = [
            sys.executable, "-m", "lidar_label.viewers.api", str(folder / "labels.db"), *places,
            "--folder", str(folder / "server"), "--port", str(self.port), *options,
        ]  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "ServerProcess":
        self.launch()
        self.wait()
        return self

    def launch(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError((self.folder / "server.log").read_text())
            try:
                httpx.get(f"{self.url}/api/v1/session", trust_env=False).raise_for_status()
            except httpx.TransportError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api/v1", trust_env=False, timeout=60)
