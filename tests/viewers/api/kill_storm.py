"""Kills a real server again and again during a storm of edits; nothing acknowledged may be lost.

As a script: `python tests/viewers/api/kill_storm.py --kills 200`.

Each client owns a track and moves it to x = 1, 2, 3 … in two frames by one edit, asking again with
the same client id until it is answered. After each kill a track must stand where its last
acknowledged edit or the one under way put it, in both frames alike; at the end every edit must be
in the history exactly once.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

BOX = {"y": 2.0, "z": 0.0, "length": 4.0, "width": 2.0, "height": 1.5, "yaw": 0.0}
EDITS = "/projects/1/recordings/1/edits"


class ForkingServer:
    """A server in a process of its own, forked from one that has imported everything already."""

    def __init__(self, store: Path | str, folder: Path, data: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log_path = folder / "server.log"
        self._log = self._log_path.open("ab")
        self._parent = subprocess.Popen(
            [sys.executable, __file__, "--fork", str(store), str(folder), str(data), str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
        )  # fmt: skip
        self._pid = 0

    def start(self) -> None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write("start\n")
        self._parent.stdin.flush()
        self._pid = int(self._parent.stdout.readline())

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    @classmethod
    @contextmanager
    def running(cls, folder: Path, data: Path) -> Iterator["ForkingServer"]:
        """One that answers, on a store of its own in `folder`, gone afterwards."""
        from server_process import free_port

        server = cls(folder / "labels.db", folder, data, free_port())
        try:
            server.start()
            server.wait()
            yield server
        finally:
            server.close()

    def close(self) -> None:
        if self._pid:
            self.kill()
        assert self._parent.stdin is not None
        self._parent.stdin.close()
        self._parent.wait()
        self._log.close()

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api/v1", trust_env=False, timeout=20)

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        with self.client() as client:
            while time.monotonic() < deadline:
                try:
                    client.get("/session").raise_for_status()
                except httpx.TransportError:
                    time.sleep(0.01)
                else:
                    return
        last_words = self._log_path.read_text(errors="replace")[-2000:]
        raise AssertionError(f"the server does not come back: {last_words}")


@dataclass
class Mover:
    """One client and what it knows."""

    number: int
    track: int = 0
    revision: int = 0
    acknowledged: int = 0
    sent: int = 0
    retries: int = 0
    errors: list[str] = field(default_factory=list)

    def run(self, server: ForkingServer, stop: threading.Event) -> None:
        with server.client() as client:
            while not stop.is_set():
                self.sent = self.acknowledged + 1
                cuboids = [
                    {"frame": frame, "box": {**BOX, "x": float(self.sent)}} for frame in (0, 1)
                ]
                request = {
                    "operation": "set_cuboids", "client_id": f"{self.number}-{self.sent}",
                    "track_id": self.track, "base_revision": self.revision,
                    "payload": {"cuboids": cuboids},
                }  # fmt: skip
                try:
                    answer = client.post(EDITS, json={"edits": [request]})
                except httpx.TransportError:
                    self.retries += 1
                    time.sleep(0.02)
                    continue
                if answer.status_code != 200:
                    self.errors.append(f"{answer.status_code} {answer.text}")
                    return
                (state,) = answer.json()["tracks"]
                self.revision = state["revision"]
                self.acknowledged = self.sent


@dataclass(frozen=True)
class Outcome:
    """What came of a storm."""

    kills: int
    edits: int
    retries: int
    seconds: float


def storm(
    server: ForkingServer, recording: Path, *, kills: int, clients: int, seed: int = 0
) -> Outcome:
    """Start, kill and check `kills` times."""
    chance = random.Random(seed)
    began = time.monotonic()
    server.start()
    server.wait()
    movers = [Mover(number) for number in range(clients)]
    with server.client() as client:
        client.post("/projects", json={"name": "storm"}).raise_for_status()
        client.post("/projects/1/recordings", json={"uri": str(recording)}).raise_for_status()
        for mover in movers:
            create = {
                "operation": "create_track", "client_id": f"new {mover.number}", "frame": 0,
                "payload": {"category": "car", "box": {**BOX, "x": 0.0}},
            }  # fmt: skip
            answer = client.post(EDITS, json={"edits": [create]})
            answer.raise_for_status()
            (state,) = answer.json()["tracks"]
            mover.track, mover.revision = state["track_id"], state["revision"]
    stop = threading.Event()
    threads = [threading.Thread(target=mover.run, args=(server, stop)) for mover in movers]
    for thread in threads:
        thread.start()
    try:
        for _ in range(kills):
            progressed = sum(mover.acknowledged for mover in movers)
            deadline = time.monotonic() + 30
            while sum(mover.acknowledged for mover in movers) < progressed + clients:
                assert not any(mover.errors for mover in movers), [m.errors for m in movers]
                assert time.monotonic() < deadline, "no edit is acknowledged any more"
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.05))
            server.kill()
            known = [mover.acknowledged for mover in movers]
            server.start()
            server.wait()
            check(server, movers, known)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not any(mover.errors for mover in movers), [m.errors for m in movers]
    check_history(server, movers)
    edits = sum(mover.acknowledged for mover in movers)
    return Outcome(kills, edits, sum(m.retries for m in movers), time.monotonic() - began)


def check(server: ForkingServer, movers: list[Mover], known: list[int]) -> None:
    """No acknowledged edit lost, no half edit."""
    with server.client() as client:
        columns = client.get("/projects/1/recordings/1/labels").json()["cuboids"]
    places: dict[int, list[float]] = {}
    for track, x in zip(columns["track_id"], columns["x"], strict=True):
        places.setdefault(track, []).append(x)
    for mover, acknowledged in zip(movers, known, strict=True):
        stands = set(places[mover.track])
        assert len(stands) == 1 or acknowledged == 0, f"half an edit: {places[mover.track]}"
        assert min(stands) >= acknowledged, f"lost: {acknowledged} was acknowledged, {stands}"
        assert max(stands) <= mover.sent, f"nobody sent {stands}"


def check_history(server: ForkingServer, movers: list[Mover]) -> None:
    """Every edit is there exactly once."""
    with server.client() as client:
        for mover in movers:
            count, before = 0, None
            while True:
                query = {
                    "track": mover.track,
                    "limit": 1000,
                    **({"before": before} if before else {}),
                }
                page = client.get("/projects/1/recordings/1/history", params=query).json()
                if not page:
                    break
                count, before = count + len(page), page[-1]["seq"]
            last = mover.sent if mover.sent == mover.acknowledged else mover.acknowledged
            assert count in {last + 1, mover.sent + 1}, f"{count - 1} moves for {last} acknowledged"


def _fork_on_demand(store: str, folder: str, data: str, port: str) -> None:
    from lidar_label.viewers.api.application import create_app
    from lidar_label.viewers.api.serving import serve

    pid = 0
    for _ in sys.stdin:
        if pid:
            os.waitpid(pid, 0)  # until the killed one has let go of the port
        pid = os.fork()
        if pid == 0:
            app = create_app(store, [data], folder=folder)
            serve(app, port=int(port))
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--store", help="database URL; a new SQLite file when left out")
    arguments = parser.parse_args()
    import lidar_label  # noqa: F401  # before tests/, which has a folder of that name

    sys.path.append(str(Path(__file__).resolve().parents[2]))
    from recorded_drive import write_drive
    from server_process import free_port

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_drive(folder / "drive.h5", 3)
        store = arguments.store or folder / "labels.db"
        server = ForkingServer(store, folder, folder, free_port())
        try:
            outcome = storm(
                server, folder / "drive.h5", kills=arguments.kills, clients=arguments.clients
            )
        finally:
            server.close()
    print(outcome)  # noqa: T201


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fork"]:
        _fork_on_demand(*sys.argv[2:])
    else:
        sys.path.insert(0, str(Path(__file__).parent))
        main()
