"""The editor in a real Chromium with software rendering: serve it, open it, time it, weigh it."""

import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lidar_label.errors import UsageError

_SOFTWARE_GL = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")  # fmt: skip # noqa: E501
_KINDS = {"renderer": "renderer", "GPU": "gpu"}  # what Chromium calls them


@contextmanager
def served(source: Path, store: Path) -> Generator[tuple[str, float]]:
    """`lidar-label view` of a source: the page's address, and seconds until the server answered."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = time.perf_counter()
    command = [sys.executable, "-m", "lidar_label", "view", str(source), "--no-browser"]
    server = subprocess.Popen(
        [*command, "--port", str(port), "--store", str(store)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None  # it was asked for
        address = server.stdout.readline().strip()
        _wait_for(server, port)
        yield address, time.perf_counter() - start
    finally:
        server.kill()
        server.wait()


def _wait_for(server: "subprocess.Popen[str]", port: int) -> None:
    while server.poll() is None:
        try:
            urllib.request.urlopen(f"http://localhost:{port}/api/v1/session", timeout=30).close()
            return
        except OSError:
            time.sleep(0.02)
    raise UsageError("editor: the server ended; see its words above")


@contextmanager
def browsing() -> Generator[Any]:
    """An empty page of a Chromium of its own.

    Raises:
        UsageError: if there is no Chromium.
    """
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise UsageError("editor: needs Chromium on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(_SOFTWARE_GL))
        yield browser.new_page(viewport={"width": 1440, "height": 860})
        browser.close()


def open_editor(page: Any, address: str) -> float:
    """Go there; seconds from the address entered until points were drawn."""
    page.goto(address)
    page.wait_for_function(
        "performance.getEntriesByName('frame visible').length > 0", timeout=120_000
    )
    return ends(page, "frame visible")[0] / 1e3


def durations(page: Any, name: str) -> list[float]:
    """Milliseconds of the page's measures of a name."""
    return page.evaluate("n => performance.getEntriesByName(n).map(e => e.duration)", name)


def ends(page: Any, name: str) -> list[float]:
    """When they ended, milliseconds after the address was entered."""
    script = "n => performance.getEntriesByName(n).map(e => e.startTime + e.duration)"
    return page.evaluate(script, name)


def p95(values: list[float]) -> float:
    """The value that one in twenty exceeds."""
    return statistics.quantiles(values, n=20)[-1]


def processor_ms(page: Any) -> dict[str, float]:
    """Milliseconds of processor time so far of the browser's renderer and GPU processes."""
    return {kind: 1e3 * info["cpuTime"] for kind, info in _processes(page).items()}


def resident_mb(page: Any) -> dict[str, float]:
    """Memory of the renderer and GPU processes; empty where the system does not tell."""
    found: dict[str, float] = {}
    for kind, info in _processes(page).items():
        status = Path(f"/proc/{info['id']}/status")
        if status.exists():
            line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
            found[kind] = int(line.split()[1]) / 1e3
    return found


def held_mb(page: Any) -> float:
    """Objects and arrays of the page, garbage left out."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    session.detach()
    return (usage["usedSize"] + usage.get("backingStorageSize", 0)) / 1e6


def _processes(page: Any) -> dict[str, dict[str, Any]]:
    session = page.context.browser.new_browser_cdp_session()
    listed = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    busiest = sorted(listed, key=lambda info: info["cpuTime"])  # a spare renderer has done nothing
    return {_KINDS[info["type"]]: info for info in busiest if info["type"] in _KINDS}
