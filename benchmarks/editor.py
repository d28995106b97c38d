"""What a person feels in the editor: real Chromium, software rendering, KITTI sweeps, 50 cuboids.

The peer of each row is what the editor must keep to (issue 5), measured of three.js alone. A frame
of 5 million points at UTM coordinates and a drive of 1,000 frames are made for it from a seed.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any

from lidar_label.benchmarks.editor_page import (
    browsing,
    durations,
    ends,
    open_editor,
    p95,
    processor_ms,
    served,
)
from lidar_label.benchmarks.editor_scale import large_frame, long_drive
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.errors import UsageError

_CUBOIDS = 50
_EDITS = 60
_STEPS = 200
_KEYS = """
() => {
  window.shown = [];
  const note = entry => entry.name === 'keydown' && shown.push(entry.duration);
  new PerformanceObserver(list => list.getEntries().forEach(note))
    .observe({type: 'event', durationThreshold: 16});
}
"""
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
    if source is None or not source.is_dir():
        raise UsageError("editor: needs kitti_raw_drive; name the folder that holds it by --data")
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        with served(source, store):
            pass  # imported and compiled once
        with served(source, store) as (address, ready), browsing() as page:
            rows = [_allowed("command to answering server, warm", ready, 5.0, "s")]
            rows += _in_browser(page, address)
        return [*rows, *large_frame(Path(folder)), *long_drive(Path(folder))]


def _in_browser(page: Any, address: str) -> list[Row]:
    first = open_editor(page, address)
    page.wait_for_function("performance.getEntriesByName('frame complete').length > 0")
    whole = ends(page, "frame complete")[0] / 1e3
    _fill(page, address)
    page.wait_for_timeout(1500)
    return [
        _allowed("first points, from the address entered", first, 1.6, "s"),
        _allowed("all points, from the address entered", whole, None, "s"),
        _orbit(page),
        *_edits(page),
        *_steps(page),
    ]


def _fill(page: Any, address: str) -> None:
    """Fifty cuboids in frame 0, through the API, and one of them chosen."""
    project, recording = address.split("/p/")[1].removesuffix("/edit").split("/r/")
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
    open_editor(page, address)
    page.locator(".ll-row").nth(10).click()
    page.locator(".ll-plane-top").hover(position={"x": 8, "y": 30})


def _orbit(page: Any) -> Row:
    times = page.evaluate(_ORBIT)
    rate = (len(times) - 1) / (times[-1] - times[0]) * 1e3
    name = f"orbit, {_CUBOIDS} cuboids, three close views"
    return more_is_better(name, rate, "three.js alone", 8.9, "fps")


def _edits(page: Any) -> list[Row]:
    page.evaluate(_KEYS)
    before = processor_ms(page)
    for k in range(_EDITS):
        page.keyboard.press("wsad"[k % 4])
        page.wait_for_selector("[data-status='saved']")
        page.wait_for_timeout(60)
    spent = {kind: (ms - before[kind]) / _EDITS for kind, ms in processor_ms(page).items()}
    visible, durable = (durations(page, f"edit {what}") for what in ("visible", "durable"))
    shown = page.evaluate("shown")
    return [
        _allowed("edit visible (drawn), median", statistics.median(visible), 16.0, "ms"),
        _allowed("edit visible (drawn), p95", p95(visible), None, "ms"),
        _allowed("key to picture on the screen, median", statistics.median(shown), None, "ms"),
        _allowed("edit durable, median", statistics.median(durable), None, "ms"),
        _allowed("edit durable, p95", p95(durable), 50.0, "ms"),
        *(
            _allowed(f"processor time of an edit, {kind}", ms, None, "ms")
            for kind, ms in sorted(spent.items())
        ),
    ]


def _steps(page: Any) -> list[Row]:
    """Through the drive and back, as a person steps."""
    page.evaluate("performance.clearMeasures()")
    for k in range(_STEPS):
        page.keyboard.press("ArrowRight" if k // 19 % 2 == 0 else "ArrowLeft")
        page.wait_for_timeout(120)
    frames, complete = (durations(page, f"frame {what}") for what in ("visible", "complete"))
    return [
        _allowed("frame step, first points, median", statistics.median(frames), 150.0, "ms"),
        _allowed("frame step, first points, p95", p95(frames), None, "ms"),
        _allowed("frame step, all points, median", statistics.median(complete), None, "ms"),
    ]


def _allowed(name: str, ours: float, most: float | None, unit: str) -> Row:
    return less_is_better(name, ours, "allowed" if most else "", most, unit)
