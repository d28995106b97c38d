"""The signals page on a long signal: first view, zoom and pan in a real Chromium.

Run it: `python -m lidar_label.benchmarks.signals_page [--hours H] [--rate HZ] [--json]`. The signal
has six channels and is made up. Times count from the page's request, or from the wheel or key, to
the canvas drawn: `moved` as coarsely as it is at hand, `fine` as finely as the screen can show.
Where other work shares the machine, the CPU time of the browser's processes on a move tells more.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.benchmarks.rows import Row, less_is_better
from lidar_label.benchmarks.view_server import chromium, find_chromium, served
from lidar_label.datasets.recording import RecordingWriter

_ALLOWED_MS = {  # what the page must keep to
    "first view, pyramid built": 1000.0,
    "moved, worst": 100.0,
    "fine, worst": 100.0,
}
_MOVES = 20
_READ = "name => performance.getEntriesByName(name).map(entry => entry.duration)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the signal, serve it, look at it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)  # fmt: skip # noqa: E501
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=100.0, metavar="HZ")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "phone.h5"
        write_signal(path, asked.hours, asked.rate)
        figures = measure(path, Path(folder) / "store")
    times = {f"{name} (ms)": value for name, value in figures.items()}
    document = {"hours": asked.hours, "rate_hz": asked.rate, **times}
    lines = (f"{name}: {value:.4g}" for name, value in document.items())
    print(json.dumps(document) if asked.json else "\n".join(lines))  # noqa: T201
    return 0


def run(data: Path | None) -> list[Row]:
    """An hour of six channels at 100 Hz; it is made up, the data are not needed."""
    del data
    find_chromium()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "phone.h5"
        write_signal(path, 1.0, 100.0)
        figures = measure(path, Path(folder) / "store")
    return [_row(name, value) for name, value in figures.items()]


def _row(name: str, value: float) -> Row:
    most = _ALLOWED_MS.get(name)
    return less_is_better(name, value, "allowed" if most else "", most, "ms")


def write_signal(path: Path, hours: float, rate_hz: float) -> None:
    """Six channels of noise whose size changes every few minutes, with a gap."""
    rng = np.random.default_rng(1)
    count = round(hours * 3600 * rate_hz)
    size = np.repeat(rng.uniform(0.1, 5, count // 20_000 + 1), 20_000)[:count]
    values = rng.normal(size=(count, 6)).astype(np.float32) * size[:, None] + [0, 0, 9.8, 0, 0, 0]
    time_ns = np.rint(np.arange(count) * (1e9 / rate_hz)).astype(np.int64)
    kept = np.ones(count, dtype=np.bool_)
    kept[count // 3 : count // 3 + round(30 * rate_hz)] = False
    channels = [f"{sensor}_{axis}" for sensor in ("acc", "gyro") for axis in "xyz"]
    with RecordingWriter(path, source="made up") as writer:
        writer.add_imu("imu", np.eye(4), channels, ["m/s²"] * 3 + ["rad/s"] * 3)
        writer.append_imu("imu", time_ns[kept] + 1_790_000_000_000_000_000, values[kept])


def measure(recording: Path, store: Path) -> dict[str, float]:
    """Milliseconds of the first view, with and without the pyramid at hand, and of moves."""
    with served([recording], store) as server, chromium(1400, 820) as page:
        page.set_default_timeout(300_000)
        page.goto(f"{server.address}/api/v1/session")  # the browser has started
        cold = _first_view(page, server.page)
        page.wait_for_selector(".ll-signals[data-busy='']")  # the changes are found meanwhile
        warm = _first_view(page, server.page)
        page.wait_for_selector(".ll-signals[data-busy='']")
        spent = _moves(page)
        moved, fine = (np.array(page.evaluate(_READ, f"signal {name}")) for name in ("moved", "fine"))  # fmt: skip # noqa: E501
    return {
        "first view, pyramid built": cold,
        "first view again": warm,
        "moved, median": float(np.median(moved)),
        "moved, worst": float(moved.max()),
        "fine, median": float(np.median(fine)),
        "fine, worst": float(fine.max()),
        "browser's CPU time a move, median": float(np.median(spent)),
        "browser's CPU time a move, worst": max(spent),
    }


def _moves(page: Any) -> list[float]:
    """Wheel and keys; milliseconds of the browser's CPU time that each cost."""
    box = page.locator("canvas.ll-signal").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 300)
    spent: list[float] = []
    for step in range(_MOVES):
        before = _cpu_ms(page.context.browser)
        if step % 4 == 3:
            page.keyboard.press("ArrowRight")
        else:
            page.mouse.wheel(0, -220 if step < _MOVES * 0.7 else 320)
        page.wait_for_timeout(350)
        spent.append(_cpu_ms(page.context.browser) - before)
    return spent


def _cpu_ms(browser: Any) -> float:
    """Of all processes of the browser."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return 1e3 * sum(process["cpuTime"] for process in processes)


def _first_view(page: Any, address: str) -> float:
    page.goto(address)
    page.wait_for_function("performance.getEntriesByName('signal visible').length > 0")
    return float(page.evaluate("performance.getEntriesByName('signal visible')[0].startTime"))


if __name__ == "__main__":
    sys.exit(main())
