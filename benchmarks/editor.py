"""What a person feels in the editor: real Chromium, software rendering, KITTI sweeps, 50 cuboids.

The peer of each row is what the editor must keep to (issue 5), measured of three.js alone.
"""

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.errors import UsageError

_SOFTWARE_GL = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")  # fmt: skip # noqa: E501
_CUBOIDS = 50
_EDITS = 60
_STEPS = 200
_ORBIT = """
() => new Promise(done => {
  const view = document.querySelector('.ll-main'), box = view.getBoundingClientRect();
  const send = (type, x, buttons) => view.dispatchEvent(new PointerEvent(type, {
    bubbles: true, pointerId: 1, button: type === 'pointermove' ? -1 : 0, buttons,
    clientX: box.left + x, clientY: box.top + 300}));
  view.setPointerCapture = () => undefined;
  send('pointerdown', 200, 1);
  const start = performance.now(), times = [];
  const next = now => {
    times.push(now);
    if (now - start > 4000) { send('pointerup', 200, 0); return done(times); }
    send('pointermove', 250 + 150 * Math.sin(now / 500), 1);
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})
"""


def run(data: Path | None) -> list[Row]:
    """Drive the page; needs playwright, Chromium and `kitti_raw_drive` among the data."""
    source = None if data is None else data / "kitti_raw_drive"
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if source is None or not source.is_dir():
        raise UsageError("editor: needs kitti_raw_drive; name the folder that holds it by --data")
    if chromium is None:
        raise UsageError("editor: needs Chromium on the PATH")
    with tempfile.TemporaryDirectory() as folder:
        _serve(source, Path(folder))[0].kill()
        start = time.perf_counter()
        server, page_url = _serve(source, Path(folder))
        ready = time.perf_counter() - start
        try:
            return [_allowed("command to answering server, warm", ready, 5.0, "s"),
                    *_in_browser(chromium, page_url)]  # fmt: skip
        finally:
            server.kill()
            server.wait()


def _serve(source: Path, folder: Path) -> tuple[subprocess.Popen[str], str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "lidar_label", "view", str(source), "--no-browser"]
    server = subprocess.Popen(
        [*command, "--port", str(port), "--store", str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None  # it was asked for
    page_url = server.stdout.readline().strip()
    while True:
        try:
            urllib.request.urlopen(f"http://localhost:{port}/api/v1/session", timeout=30).close()
            return server, page_url
        except OSError:
            time.sleep(0.02)


def _in_browser(chromium: str, page_url: str) -> list[Row]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(_SOFTWARE_GL))
        page = browser.new_page(viewport={"width": 1440, "height": 860})
        _open(page, page_url)
        first = page.evaluate(
            "(e => e.startTime + e.duration)(performance.getEntriesByName('frame visible')[0])"
        )
        _fill(page, page_url)
        page.wait_for_timeout(1500)
        rows = [_allowed("first points, from the address entered", first / 1e3, 1.6, "s")]
        rows.append(_orbit(page))
        rows += _edits(page)
        rows += _steps(page)
        browser.close()
        return rows


def _open(page: Any, page_url: str) -> None:
    page.goto(page_url)
    page.wait_for_function("performance.getEntriesByName('frame visible').length > 0")


def _fill(page: Any, page_url: str) -> None:
    """Fifty cuboids in frame 0, through the API, and one of them chosen."""
    project, recording = page_url.split("/p/")[1].removesuffix("/edit").split("/r/")
    page.evaluate(
        """async ([path, count]) => {
          for (let k = 0; k < count; k++) {
            const box = {x: 6 + 3 * (k % 10), y: 9 - 4.5 * Math.floor(k / 10), z: -0.9,
                         length: 4.2, width: 1.8, height: 1.6, yaw: 0};
            const edit = {operation: 'create_track', client_id: 'b' + k, frame: 0,
                          payload: {category: 'car', box}};
            await fetch(path + '/edits', {method: 'POST', body: JSON.stringify({edits: [edit]}),
                                          headers: {'Content-Type': 'application/json'}});
          }
        }""",
        [f"/api/v1/projects/{project}/recordings/{recording}", _CUBOIDS],
    )
    _open(page, page_url)
    page.locator(".ll-row").nth(10).click()
    page.locator(".ll-plane-top").hover(position={"x": 8, "y": 30})


def _orbit(page: Any) -> Row:
    times = page.evaluate(_ORBIT)
    rate = (len(times) - 1) / (times[-1] - times[0]) * 1e3
    name = f"orbit, {_CUBOIDS} cuboids, three close views"
    return more_is_better(name, rate, "three.js alone", 8.9, "fps")


def _edits(page: Any) -> list[Row]:
    for k in range(_EDITS):
        page.keyboard.press("wsad"[k % 4])
        page.wait_for_selector("[data-status='saved']")
        page.wait_for_timeout(60)
    visible, durable = (_measures(page, f"edit {what}") for what in ("visible", "durable"))
    return [
        _allowed("edit visible, median", statistics.median(visible), 16.0, "ms"),
        _allowed("edit durable, median", statistics.median(durable), None, "ms"),
        _allowed("edit durable, p95", _p95(durable), 50.0, "ms"),
    ]


def _steps(page: Any) -> list[Row]:
    """Through the drive and back, as a person steps, and what the page then holds in memory."""
    page.evaluate("performance.clearMeasures()")
    session = page.context.new_cdp_session(page)
    heaps: list[float] = []
    for k in range(_STEPS):
        page.keyboard.press("ArrowRight" if k // 19 % 2 == 0 else "ArrowLeft")
        page.wait_for_timeout(120)
        if k in (_STEPS // 2, _STEPS - 1):
            session.send("HeapProfiler.collectGarbage")
            heaps.append(session.send("Runtime.getHeapUsage")["usedSize"] / 1e6)
    frames = _measures(page, "frame visible")
    return [
        _allowed("frame step, median", statistics.median(frames), 150.0, "ms"),
        _allowed("frame step, p95", _p95(frames), None, "ms"),
        less_is_better(f"heap after {_STEPS} steps", heaps[1], "halfway", heaps[0], "MB"),
    ]


def _allowed(name: str, ours: float, most: float | None, unit: str) -> Row:
    return less_is_better(name, ours, "allowed" if most else "", most, unit)


def _measures(page: Any, name: str) -> list[float]:
    return page.evaluate("n => performance.getEntriesByName(n).map(e => e.duration)", name)


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
