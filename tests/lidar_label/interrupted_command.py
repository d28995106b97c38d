"""Ctrl-C in the middle of a command that writes a recording."""

import signal
import subprocess
import sys
import time
from pathlib import Path


def check_interrupt_leaves_nothing(command: list[str], out: Path) -> None:
    """Interrupts it once it has written some of `out`: exit 130, one word of it, no file left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lidar_label", *command],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        partial = out.with_name(f"{out.name}.partial")
        deadline = time.monotonic() + 200
        while not (partial.exists() and partial.stat().st_size > 100_000):
            assert process.poll() is None, "it was over before it could be interrupted"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "interrupted" in error
    assert "Traceback" not in error
    assert list(out.parent.iterdir()) == []
