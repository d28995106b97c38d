"""Labelled inertial recordings for the benchmark, and ways to draw a few tags from their truth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lidar_label.activities import as_even
from lidar_label.activity_classification import Moments, describe
from lidar_label.arrays import Floats, Ints, Mask, Strings
from lidar_label.datasets.signal_presets import read_signals
from lidar_label.datasets.signals import EvenSignal
from lidar_label.datasets.windows import Windows
from lidar_label.errors import UsageError

TAG_NS = 2_560_000_000  # 2.56 s, the window of the HAPT paper
BASIC = ("laying", "sitting", "standing", "walking", "walking_downstairs", "walking_upstairs")


@dataclass(frozen=True, eq=False)
class Labelled:
    """One recording with its truth."""

    name: str
    person: str
    signal: EvenSignal
    truth: Windows


@dataclass(frozen=True, eq=False)
class Postures:
    """A recording of postures, described once, with the windows that may be tagged or scored.

    Attributes:
        recording: The recording.
        moments: What `describe` made of it.
        start_ns: (N,) int64, windows of 2.56 s every 1.28 s within the named stretches.
        category: (N,) str.
        bout: (N,) int64, the stretch that a window lies in.
    """

    recording: Labelled
    moments: Moments
    start_ns: Ints
    category: Strings
    bout: Ints

    def tags(self, rows: Ints) -> Windows:
        """Some of the windows as tags."""
        start = self.start_ns[rows]
        return Windows.of(start, start + TAG_NS, category=self.category[rows])

    def free_of(self, rows: Ints) -> Mask:
        """(N,) True for windows that overlap none of these: only they are scored."""
        apart = np.abs(self.start_ns[:, None] - self.start_ns[rows][None]) >= TAG_NS
        return np.asarray(apart.all(axis=1))

    def middles(self) -> Ints:
        """(N,) int64 middles of the windows."""
        return self.start_ns + TAG_NS // 2

    def window_samples(self) -> tuple[Ints, int]:
        """First samples of the windows, and their length."""
        length = round(TAG_NS / 1e9 * self.recording.signal.rate_hz)
        first = np.rint(self.recording.signal.sample(self.start_ns)).astype(np.int64)
        return np.clip(first, 0, len(self.recording.signal.values) - length), length


def posture_recordings(data: Path) -> list[Labelled]:
    """The HAPT recordings below `data`."""
    files = sorted((data / "imu" / "hapt" / "RawData").glob("acc_*.txt"))
    return [_read(file, file.stem.rsplit("_", 1)[-1]) for file in files]


def gait_recordings(data: Path) -> list[Labelled]:
    """The gait trials below `data`."""
    files = sorted((data / "imu" / "ipol_gait" / "GaitData").glob("*_lb.txt"))
    return [_read(file, file.name.split("-", 1)[0]) for file in files]


def driving_recordings(data: Path) -> list[Labelled]:
    """The driving trips below `data`."""
    folders = sorted((data / "imu" / "driver_behavior").glob("[0-9]*"))
    return [_read(folder, folder.name) for folder in folders if folder.is_dir()]


def _read(path: Path, person: str) -> Labelled:
    recording = read_signals((path,))
    if recording.windows is None:
        raise UsageError(f"{path}: no labels beside it; the benchmark needs them")
    return Labelled(path.name, person, as_even(recording.signals), recording.windows)


def postures(recording: Labelled) -> Postures:
    """Describe a recording and cut its named stretches of the six basic postures into windows."""
    starts: list[int] = []
    names: list[str] = []
    bouts: list[int] = []
    truth = recording.truth
    for i in range(len(truth)):
        if truth.category[i] in BASIC:
            for start in range(int(truth.start_ns[i]), int(truth.end_ns[i]) - TAG_NS, TAG_NS // 2):
                starts.append(start)
                names.append(str(truth.category[i]))
                bouts.append(i)
    return Postures(
        recording,
        describe(recording.signal),
        np.array(starts, dtype=np.int64),
        np.array([*names, None], dtype=object)[:-1],
        np.array(bouts, dtype=np.int64),
    )


def one_span(own: Postures, count: int, rng: np.random.Generator) -> Ints:
    """`count` windows a class that follow each other within one stretch."""
    rows: list[int] = []
    for name in sorted(set(own.category.tolist())):
        bouts = np.unique(own.bout[own.category == name])
        long = [bout for bout in bouts.tolist() if (own.bout == bout).sum() >= count]
        within = np.flatnonzero(own.bout == rng.choice(long))
        first = int(rng.integers(len(within) - count + 1))
        rows += within[first : first + count].tolist()
    return np.array(rows, dtype=np.int64)


def scattered(category: Strings, count: int, rng: np.random.Generator) -> Ints:
    """`count` windows a class from anywhere."""
    drawn = [
        rng.choice(np.flatnonzero(category == name), count, replace=False)
        for name in sorted(set(category.tolist()))
    ]
    return np.concatenate(drawn).astype(np.int64)


def classes_at(windows: Windows, time_ns: Ints) -> Strings:
    """The class of each moment, by windows that cover the recording without overlap."""
    row = np.searchsorted(windows.start_ns, time_ns, side="right") - 1
    return windows.category[np.clip(row, 0, len(windows) - 1)]


def macro_f1(found: Strings, right: Strings) -> float:
    """Mean F1 of the classes that there truly are."""
    scores: list[float] = []
    for name in sorted(set(right.tolist())):
        hits = int(((found == name) & (right == name)).sum())
        scores.append(2 * hits / int((found == name).sum() + (right == name).sum()))
    return float(np.mean(scores))


def mean_and_spread(values: list[float] | Floats) -> tuple[float, str]:
    """The mean of draws, and in words how they spread."""
    values = np.asarray(values)
    return float(values.mean()), f"± {values.std():.3f} over {len(values)}"
