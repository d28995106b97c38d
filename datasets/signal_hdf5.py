"""Signals from HDF5: the inertial units of a recording, or the columns of any other file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.datasets.claimed_size import check_claim, read_rows
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.signal_files import (
    SignalOptions,
    canonical_names,
    signal_from_table,
    standard_units,
)
from lidar_label.datasets.signals import Signal
from lidar_label.errors import InvalidSignal


def is_recording(path: Path) -> bool:
    """True for an HDF5 file that claims to be one of our recordings."""
    import h5py

    try:
        with h5py.File(path, "r", locking=False) as file:
            return "format_version" in file.attrs and "content_hash" in file.attrs
    except OSError:
        return False


def recording_signals(path: Path) -> tuple[Signal, ...]:
    """Every inertial unit of a recording as a stream; names say whose where there are several."""
    with Recording(path) as recording:
        several = len(recording.imus) > 1
        streams: list[Signal] = []
        for name in recording.imus:
            samples = recording.imu(name)
            if len(samples.time_ns) < 2:
                continue
            notes = [f"IMU {name} of the recording"]
            channels = canonical_names(list(samples.channels), str(path))
            values, units = standard_units(
                np.asarray(samples.values, dtype=np.float64),
                channels,
                [str(unit) for unit in samples.units],
                notes,
            )
            if several and streams:  # the first keeps the names that kernels look for
                channels = tuple(f"{name}/{channel}" for channel in channels)
            streams.append(
                Signal(samples.time_ns, values, channels, units, str(path), tuple(notes))
            )
        return tuple(streams)


def read_hdf5_signal(path: Path, options: SignalOptions) -> Signal:
    """The first inertial unit of a recording, or the equally long columns of another file.

    Raises:
        InvalidSignal: naming the file, if it holds neither.
    """
    if is_recording(path):
        streams = recording_signals(path)
        if not streams:
            raise InvalidSignal(f"{path}: the recording has no IMU; segment needs a signal")
        return streams[0]
    import h5py
    import pandas as pd

    try:
        with h5py.File(path, "r", locking=False) as file:
            columns = dict(_columns(file))
            rates: list[Any] = [file.attrs.get(key) for key in ("rate_hz", "sampling_rate")]
            rate = next((float(given) for given in rates if given is not None), None)
    except (OSError, TypeError, ValueError) as error:
        raise InvalidSignal(f"{path}: not an HDF5 file that can be read ({error})") from error
    lengths = [len(column) for column in columns.values()]
    if not lengths:
        raise InvalidSignal(f"{path}: no numeric dataset of one or two dimensions")
    usual = max(set(lengths), key=lambda n: (lengths.count(n), n))
    table = pd.DataFrame({name: c for name, c in columns.items() if len(c) == usual})
    if rate:
        table.attrs["rate_hz"] = rate
    return signal_from_table(table, str(path), options)


def _columns(file: Any) -> Iterator[tuple[str, Any]]:
    """Every numeric column, named by its dataset's path and, of several, its number or name."""
    import h5py

    found: list[tuple[str, Any]] = []

    def visit(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "iuf":
            return
        if item.ndim == 1:
            found.append((name, read_rows(item)))
        elif item.ndim == 2 and item.shape[1] <= 64:
            check_claim(len(item), item)
            named = item.attrs.get("channels")
            axes = "xyz" if item.shape[1] == 3 else ""
            for k in range(item.shape[1]):
                label = str(named[k]) if named is not None else (axes[k] if axes else str(k))
                found.append((f"{name}_{label}", item[:, k]))

    file.visititems(visit)
    yield from found
