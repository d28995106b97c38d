"""Known layouts of inertial recordings: phone postures (HAPT), driving trips, gait trials."""

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lidar_label.arrays import Ints
from lidar_label.datasets.signal_bag import bag_signals, is_bag
from lidar_label.datasets.signal_files import SignalOptions, read_signal
from lidar_label.datasets.signal_hdf5 import is_recording, recording_signals
from lidar_label.datasets.signals import NS_PER_S, Signal
from lidar_label.datasets.windows import Windows
from lidar_label.errors import InvalidSignal

_HAPT_RATE_HZ = 50.0
_GAIT_RATE_HZ = 100.0


@dataclass(frozen=True, eq=False)
class SignalRecording:
    """Streams on one clock, and the windows that came with them, if any."""

    signals: tuple[Signal, ...]
    windows: Windows | None = None
    layout: str = "table"


def read_signals(
    paths: tuple[Path, ...], options: SignalOptions | None = None, layout: str | None = None
) -> SignalRecording:
    """Read one recording: a known layout, or each path as a stream of its own.

    Args:
        paths: One file or folder of a known layout, or the streams of one recording.
        options: What a person says of the files.
        layout: `hapt`, `driving`, `gait`, `recording`, `rosbag` or `table`; recognised when None.

    Raises:
        InvalidSignal: naming the file and the remedy.
    """
    layout = layout or (_recognise(paths[0]) if len(paths) == 1 else "table")
    if layout == "recording":
        return SignalRecording(recording_signals(paths[0]), None, "recording")
    if layout == "rosbag":
        return SignalRecording(bag_signals(paths[0]), None, "rosbag")
    if layout == "table":
        return SignalRecording(tuple(read_signal(path, options) for path in paths))
    if layout not in _LAYOUTS:
        raise InvalidSignal(f"{paths[0]}: no layout {layout!r}; use {', '.join(_LAYOUTS)} or table")
    return _LAYOUTS[layout](paths[0])


def _recognise(path: Path) -> str:
    if path.is_dir() and (path / "viagem.json").is_file():
        return "driving"
    if is_bag(path):
        return "rosbag"
    if path.is_dir():
        raise InvalidSignal(f"{path}: a folder of no known layout; name its signal files instead")
    if path.suffix.lower() in {".h5", ".hdf5"} and is_recording(path):
        return "recording"
    if re.fullmatch(r"acc_exp\d+_user\d+\.txt", path.name):
        return "hapt"
    if path.name.endswith("_lb.txt"):
        return "gait"
    return "table"


def _read_hapt(path: Path) -> SignalRecording:
    """Reyes-Ortiz et al., Neurocomputing 2016: acceleration in g, turn rate in rad/s, 50 Hz."""
    turning = path.with_name(path.name.replace("acc_", "gyro_", 1))
    labels = path.with_name("labels.txt")
    streams: list[Signal] = []
    for sensor, file, unit in (("acc", path, "g"), ("gyro", turning, "rad/s")):
        raw = read_signal(file, SignalOptions(rate_hz=_HAPT_RATE_HZ))
        if raw.values.shape[1] != 3:
            raise InvalidSignal(f"{file}: {raw.values.shape[1]} columns; this layout has x y z")
        factor = 9.80665 if unit == "g" else 1.0
        names = tuple(f"{sensor}_{axis}" for axis in "xyz")
        units = ("m/s²" if unit == "g" else unit,) * 3
        streams.append(Signal(raw.time_ns, raw.values * factor, names, units, str(file), raw.notes))
    windows = None
    numbers = re.search(r"exp(\d+)_user(\d+)", path.name)
    if labels.is_file() and numbers:
        windows = _hapt_windows(labels, int(numbers.group(1)), int(numbers.group(2)))
    return SignalRecording(tuple(streams), windows, "hapt")


def _hapt_windows(labels: Path, experiment: int, user: int) -> Windows:
    rows = _integers(labels, 5)
    rows = rows[(rows[:, 0] == experiment) & (rows[:, 1] == user)]
    folders = (labels.parent, labels.parent.parent)
    candidates = [folder / "activity_labels.txt" for folder in folders]
    names_file = next((file for file in candidates if file.is_file()), None)
    names: dict[int, str] = {}
    if names_file:
        for line in names_file.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if len(words) == 2 and words[0].isdigit():
                names[int(words[0])] = words[1].lower()
    categories = [names.get(int(code), f"activity {code}") for code in rows[:, 2]]
    step = NS_PER_S / _HAPT_RATE_HZ
    return Windows.of(
        np.rint((rows[:, 3] - 1) * step).astype(np.int64),
        np.rint(rows[:, 4] * step).astype(np.int64),
        category=_strings(categories),
    )


def _integers(path: Path, columns: int) -> Ints:
    rows: list[list[int]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != columns or not all(word.lstrip("-").isdigit() for word in words):
            raise InvalidSignal(f"{path}: line {number}: {line!r} is not {columns} whole numbers")
        rows.append([int(word) for word in words])
    return np.array(rows, dtype=np.int64).reshape(-1, columns)


def _read_driving(folder: Path) -> SignalRecording:
    """Ferreira et al., PLoS ONE 2017: earth axes on the phone's uptime, events in seconds."""
    try:
        trip = json.loads((folder / "viagem.json").read_text(encoding="utf-8"))
        origin = int(trip["firstCollectionUptimeNanos"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidSignal(
            f"{folder / 'viagem.json'}: no firstCollectionUptimeNanos ({error}); restore the file"
        ) from error
    options = SignalOptions(time_column="uptimeNanos", time_unit="ns", channels=("x", "y", "z"))
    files = (folder / "acelerometro_terra.csv", folder / "giroscopio_terra.csv")
    streams = tuple(read_signal(file, options) for file in files if file.is_file())
    if not streams:
        raise InvalidSignal(f"{folder}: neither {files[0].name} nor {files[1].name}; restore them")
    events = folder / "groundTruth.csv"
    if not events.is_file():
        return SignalRecording(streams, None, "driving")
    spans: list[tuple[int, int]] = []
    names: list[str] = []
    with events.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file, skipinitialspace=True), start=2):
            try:
                spans.append(
                    (
                        origin + round(float(row["inicio"]) * NS_PER_S),
                        origin + round(float(row["fim"]) * NS_PER_S),
                    )
                )
                names.append(row["evento"].strip())
            except (KeyError, TypeError, ValueError):
                raise InvalidSignal(
                    f"{events}: line {number}: needs evento, inicio, fim in seconds"
                ) from None
    ends = np.array(spans, dtype=np.int64).reshape(-1, 2)
    return SignalRecording(
        streams, Windows.of(ends[:, 0], ends[:, 1], category=_strings(names)), "driving"
    )


def _read_gait(path: Path) -> SignalRecording:
    """Voisard et al., IPOL 2023: stand, walk, U-turn, walk, stand; boundaries in samples."""
    signal = read_signal(path)
    meta = path.with_name(path.name.replace("_lb.txt", ".json"))
    if not meta.is_file():
        return SignalRecording((signal,), None, "gait")
    try:
        trial = json.loads(meta.read_text(encoding="utf-8"))
        start, end = (int(sample) for sample in trial["TrialBoundaries"])
        turn, back = (int(sample) for sample in trial["UTurnBoundaries"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidSignal(
            f"{meta}: no TrialBoundaries and UTurnBoundaries of two samples each ({error})"
        ) from error
    samples = np.array([0, start, turn, back, end, len(signal)], dtype=np.int64)
    edges = np.rint(samples * (NS_PER_S / _GAIT_RATE_HZ)).astype(np.int64)
    windows = Windows.of(
        edges[:-1], edges[1:], category=_strings(["stand", "walk", "turn", "walk", "stand"])
    )
    return SignalRecording((signal,), windows, "gait")


def _strings(names: list[str]) -> np.ndarray:
    return np.array([*names, None], dtype=object)[:-1]


_LAYOUTS = {"hapt": _read_hapt, "driving": _read_driving, "gait": _read_gait}
