"""An hour and a day of six axes: features, change points, description; each in its own process."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from lidar_label.activities import change_points
from lidar_label.activity_classification import classify_windows, describe
from lidar_label.benchmarks.activity_peers import ruptures_search
from lidar_label.benchmarks.progress import say
from lidar_label.benchmarks.rows import Row, less_is_better
from lidar_label.datasets.signals import NS_PER_S, EvenSignal
from lidar_label.datasets.windows import Windows


def speed_rows() -> list[Row]:
    """CPU seconds and peak memory, on made-up signals."""
    say("speed")
    hour = made_up(1.0)
    change_points(hour)
    ours = min(_cpu_s(lambda: change_points(hour)) for _ in range(5))
    try:
        search = ruptures_search("linear")
        theirs = min(_cpu_s(lambda: search(hour, 200.0)) for _ in range(3))
    except ImportError:
        theirs = None
    name = "an hour of six axes at 100 Hz to change points, CPU"
    rows = [less_is_better(name, ours, "PELT l2 (ruptures)", theirs, "s")]
    for task in ("change points", "classified windows"):
        seconds, peak = _day_of_its_own(task)
        note = f"a day to {task}: peak memory {peak:.0f} MB of the whole process, signal included"
        rows.append(Row(f"a day of the same to {task}, CPU", seconds, "", None, "s", None, note))
    return rows


def _day_of_its_own(task: str) -> tuple[float, float]:
    """CPU seconds and peak MB of a process that does nothing else."""
    words = [sys.executable, "-m", "lidar_label.benchmarks.activity_speed", task]
    answer = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    return float(answer[0]), float(answer[1])


def _one_day(task: str) -> None:
    work = change_points if task == "change points" else _classified
    work(made_up(0.05))  # compiled
    day = made_up(24.0)
    seconds = _cpu_s(lambda: work(day))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds:.2f} {peak_mb:.0f}")  # noqa: T201


def _classified(signal: EvenSignal) -> None:
    """Everything from the signal to windows, from five tags of a minute."""
    start = signal.start_ns + np.arange(5) * 60 * NS_PER_S
    names = np.array(["a", "b", "c", "d", "e"], dtype=object)
    classify_windows(describe(signal), Windows.of(start, start + 50 * NS_PER_S, category=names))


def made_up(hours: float) -> EvenSignal:
    """Six axes at 100 Hz: rest and motion of several sizes in turn."""
    rng = np.random.default_rng(0)
    count = int(hours * 360_000)
    values = np.empty((count, 6), dtype=np.float32)
    for first in range(0, count, 6000):
        size = rng.choice([0.02, 0.5, 2.0, 5.0])
        part = values[first : first + 6000]
        part[:] = rng.normal(scale=size, size=part.shape)
        part[:, 2] += 9.81
    channels = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
    return EvenSignal(0, 100.0, values, np.ones(count, dtype=np.bool_), channels)


def _cpu_s(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    _one_day(sys.argv[1])
