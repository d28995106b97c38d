"""How time and memory of the kernels grow with the points, and what a second core brings.

`python -m lidar_label.benchmarks.kernel_scaling [--large]`; `--large` goes on to 10 million points.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lidar_label.arrays import Points
from lidar_label.benchmarks.kernel_inputs import scene
from lidar_label.benchmarks.kernels import EPS_M, MIN_POINTS, best_ms
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.kernels.boxes import fit_boxes
from lidar_label.kernels.clustering import dbscan
from lidar_label.kernels.voxels import voxel_downsample

COUNTS = (10_000, 100_000, 1_000_000)
LARGE = 10_000_000
_MEMORY_POINTS = 4_000_000
_MEMORY = """
import sys
from lidar_label.benchmarks.kernel_inputs import scene
from lidar_label.kernels.clustering import dbscan

def resident(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))

dbscan(scene(1000), 0.5, 10)
points = scene(int(sys.argv[1]))
open("/proc/self/clear_refs", "w").write("5")  # the highest so far is forgotten
before = resident("VmRSS")
dbscan(points, 0.5, 10)
print((resident("VmHWM") - before) / points.nbytes)
"""


def run(data: Path | None, *, large: bool = False) -> list[Row]:
    """Made scenes of growing area; `data` is not used."""
    del data
    return [*_growth(large=large), *_second_core(), *_memory()]


def _growth(*, large: bool) -> list[Row]:
    rows: list[Row] = []
    first: dict[str, float] = {}
    for count in (*COUNTS, LARGE) if large else COUNTS:
        points = scene(count)
        labels = dbscan(points, EPS_M, MIN_POINTS)
        repeats = 7 if count <= COUNTS[1] else 2
        for name, milliseconds in (
            ("DBSCAN", _cpu_ms(lambda: dbscan(points, EPS_M, MIN_POINTS), repeats)),  # noqa: B023
            ("fit boxes", _cpu_ms(lambda: fit_boxes(points, labels), repeats)),  # noqa: B023
            ("one point a voxel", _cpu_ms(lambda: voxel_downsample(points, 0.2), repeats)),  # noqa: B023
        ):
            each = milliseconds * 1e6 / count
            rows.append(
                less_is_better(
                    f"{name}, {count:,} points", each, f"itself at {COUNTS[0]:,}",
                    first.setdefault(name, each), "ns a point",
                )
            )  # fmt: skip
    return rows


def _cpu_ms(call: Callable[[], object], repeats: int) -> float:
    """The best time on a core of several calls, whatever else the machine does."""
    return best_ms(call, repeats, time.process_time)


def _second_core() -> list[Row]:
    """DBSCAN and boxes of 16 sweeps, one after the other and by two threads."""
    many = [scene(60_000, seed) for seed in range(16)]

    def one(points: Points) -> Any:
        return fit_boxes(points, dbscan(points, EPS_M, MIN_POINTS))

    alone = best_ms(lambda: [one(points) for points in many], 3)
    with ThreadPoolExecutor(2) as pool:
        together = best_ms(lambda: list(pool.map(one, many)), 3)
    rate = len(many) * 1e3
    name = "sweeps a second by two threads, DBSCAN and boxes"
    return [more_is_better(name, rate / together, "one thread", rate / alone, "1/s")]


def _memory() -> list[Row]:
    """Peak resident memory of DBSCAN beyond the points, where the system tells."""
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(_MEMORY_POINTS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return []
    name = f"memory of DBSCAN, {_MEMORY_POINTS:,} points, beside their own"
    return [less_is_better(name, float(done.stdout), "allowed", 3.0, "×")]


if __name__ == "__main__":
    for row in run(None, large="--large" in sys.argv[1:]):
        against = "" if row.peer is None else f"{row.peer:9.4g} {row.ratio:6.2f} × {row.peer_name}"
        print(f"{row.name:<60} {row.ours:9.4g} {row.unit:<10} {against}")  # noqa: T201
