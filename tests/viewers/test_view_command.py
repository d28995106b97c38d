"""`lidar-label view`: what it refuses, in one line and before anything is made."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lidar_label import cli


def refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_a_port_in_use_is_named(drive: Path, tmp_path: Path, capsys) -> None:
    store = tmp_path / "store"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = refused(["view", str(drive), "--port", port, "--store", str(store)], capsys)
        assert f"--port {port}: cannot be had on 127.0.0.1 (address already in use)" in words
        assert not store.exists()
        command = [sys.executable, "-m", "lidar_label.viewers.api", str(tmp_path / "labels.db")]
        done = subprocess.run(
            [*command, "--port", port], capture_output=True, text=True, cwd=tmp_path, check=False
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "address already in use" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--port", "99999"), "0 to 65535"),
        (("--port", "-1"), "0 to 65535"),
        (("--host", "no.such.host.invalid", "--accounts"), "no such address"),
    ],
)
def test_an_address_that_is_none_is_refused(
    drive: Path, tmp_path: Path, capsys, option: tuple[str, ...], words: str
) -> None:
    command = ["view", str(drive), "--no-browser", "--store", str(tmp_path / "store")]
    assert words in refused([*command, *option], capsys)
    assert list(tmp_path.iterdir()) == []
