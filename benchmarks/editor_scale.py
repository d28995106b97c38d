"""The editor on what is large: one frame of 5 million points at UTM, a drive of 1,000 frames."""

from pathlib import Path
from typing import Any

from lidar_label.benchmarks.editor_page import (
    browsing,
    durations,
    held_mb,
    open_editor,
    resident_mb,
    served,
)
from lidar_label.benchmarks.large_scene import write_long_drive, write_survey
from lidar_label.benchmarks.rows import Row, less_is_better

_POINTS = 5_000_000
_FRAMES, _SWEEP = 1000, 50_000
_FILLED = 300  # frames after which those kept have reached their bound
_REFINED = """
async () => {
  const frame = () => new Promise(requestAnimationFrame);
  while (!/1,500,000 of/.test(document.querySelector('.ll-main').textContent)) await frame();
  const since = performance.now() - 100;
  const ends = () =>
    performance.getEntriesByName('frame complete').map(e => e.startTime + e.duration);
  while (!ends().some(end => end > since)) await frame();
  return ends().at(-1);
}
"""
_STEP = """
async (times) => {
  const count = () => performance.getEntriesByName('frame complete').length;
  const root = document.querySelector('.ll-main');
  for (let k = 0; k < times; k++) {
    const before = count();
    const key = {key: 'ArrowRight', code: 'ArrowRight', bubbles: true};
    root.dispatchEvent(new KeyboardEvent('keydown', key));
    while (count() === before) await new Promise(requestAnimationFrame);
    if (k % 100 === 99) performance.clearMeasures();
  }
}
"""


def large_frame(folder: Path) -> list[Row]:
    """A surveyed street of 5 million points: thinned to the budget by the server, seen in parts."""
    write_survey(folder / "street.las", _POINTS)
    with served(folder / "street.las", folder / "survey"):
        pass  # imported
    with served(folder / "street.las", folder / "survey") as (address, _), browsing() as page:
        first = open_editor(page, address)
        whole = page.evaluate(_REFINED) / 1e3
        return [
            less_is_better("5 M points: first points, from the address", first, "", None, "s"),
            less_is_better("5 M points: the 1.5 M of the budget drawn", whole, "", None, "s"),
            less_is_better("5 M points: the page holds", held_mb(page), "", None, "MB"),
            *(
                less_is_better(f"5 M points: memory of {kind}", mb, "", None, "MB")
                for kind, mb in sorted(resident_mb(page).items())
            ),
        ]


def long_drive(folder: Path) -> list[Row]:
    """A thousand frames from first to last; memory after 300, when all that is kept is full."""
    write_long_drive(folder / "long.h5", _FRAMES, _SWEEP)
    with served(folder / "long.h5", folder / "long") as (address, _), browsing() as page:
        page.set_default_timeout(0)
        open_editor(page, address)
        _step(page, _FILLED)
        before = {"the page holds": held_mb(page), **_named(resident_mb(page))}
        _step(page, _FRAMES - _FILLED - 1)
        after = {"the page holds": held_mb(page), **_named(resident_mb(page))}
        frames = durations(page, "frame complete")
    name, at = f"after {_FRAMES:,} frames", f"after {_FILLED}"
    return [
        *(
            less_is_better(f"{name}: {what}", mb, at, before[what], "MB")
            for what, mb in after.items()
        ),
        less_is_better(
            "frame step, mean of the last, all points", sum(frames) / len(frames), "", None, "ms"
        ),
    ]


def _named(memory: dict[str, float]) -> dict[str, float]:
    return {f"memory of {kind}": mb for kind, mb in sorted(memory.items())}


def _step(page: Any, times: int) -> None:
    page.evaluate(_STEP, times)
