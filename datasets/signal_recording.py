"""Signal files (CSV, Parquet, WAV, text, known layouts) as a recording with inertial units only."""

from pathlib import Path

import numpy as np

from lidar_label.datasets.recording_writer import RecordingWriter
from lidar_label.datasets.signal_files import SignalOptions
from lidar_label.datasets.signal_presets import read_signals
from lidar_label.datasets.windows import Windows

SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".parquet", ".wav"})


def holds_signals(path: Path) -> bool:
    """True for a file that `record_signals` takes, and for a folder of a known layout."""
    if path.is_dir():
        return (path / "viagem.json").is_file()
    return path.suffix.lower() in SUFFIXES


def record_signals(
    paths: tuple[Path, ...], out: Path, options: SignalOptions | None = None
) -> Windows | None:
    """Write the streams of one recording, each an inertial unit; a gap stays a gap.

    Args:
        paths: One file or folder of a known layout, or the streams of one recording.
        out: The recording to write.
        options: What a person says of the files.

    Returns:
        The windows that came with the streams, if any.

    Raises:
        InvalidSignal: naming the file and the remedy.
    """
    read = read_signals(paths, options)
    with RecordingWriter(out, source=", ".join(path.name for path in paths)) as writer:
        for i, signal in enumerate(read.signals):
            name = "imu" if len(read.signals) == 1 else f"imu_{i + 1}"
            writer.add_imu(name, np.eye(4), signal.channels, signal.units, "; ".join(signal.notes))
            writer.append_imu(name, signal.time_ns, signal.values)
    return read.windows
