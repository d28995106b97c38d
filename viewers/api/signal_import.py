"""What is in a file of signals that was sent, as the table reader sees it, and its recording."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lidar_label.datasets.signal_files import SignalOptions, read_signal, read_table
from lidar_label.datasets.signals import Signal
from lidar_label.errors import InvalidSignal
from lidar_label.viewers.api.signal_import_models import (
    ColumnDocument,
    PreviewedChannel,
    SignalPreview,
)

if TYPE_CHECKING:
    import pandas as pd

_EXAMPLES = 5
_POINTS = 240
_Read = TypeVar("_Read")


def preview(path: Path, name: str, options: SignalOptions) -> SignalPreview:
    """Columns and what becomes of them; where nothing can, the columns and the reason.

    Raises:
        InvalidSignal: naming the file, if it is no table at all.
    """
    table = None
    if path.suffix.lower() != ".wav":
        table = said(path, name, lambda: read_table(path, options))
    columns = [] if table is None else [_column(table, column) for column in table.columns]
    try:
        signal = said(path, name, lambda: read_signal(path, options))
    except InvalidSignal as error:
        if table is None:
            raise
        return SignalPreview(columns=columns, problem=str(error))
    return SignalPreview(
        columns=columns,
        channels=[_channel(signal, i) for i in range(len(signal.channels))],
        notes=list(signal.notes),
        samples=len(signal),
        rate_hz=signal.rate_hz,
        from_ns=str(signal.time_ns[0]),
        to_ns=str(signal.time_ns[-1]),
        gaps=len(signal.gaps),
    )


def said(path: Path, name: str, read: Callable[[], _Read]) -> _Read:
    """Read, with errors that name the file as the person does."""
    try:
        return read()
    except InvalidSignal as error:
        raise InvalidSignal(str(error).replace(str(path), name)) from error


def _column(table: "pd.DataFrame", column: object) -> ColumnDocument:
    cells = table[column]
    return ColumnDocument(
        name=str(column),
        numeric=cells.dtype.kind in "iuf",
        examples=[str(cell) for cell in cells.head(_EXAMPLES).tolist()],
    )


def _channel(signal: Signal, i: int) -> PreviewedChannel:
    """Every so many samples: enough to see whether axis and unit are right."""
    step = max(len(signal) // _POINTS, 1)
    values = signal.values[::step, i]
    shown = [round(float(v), 6) if np.isfinite(v) else None for v in values]
    return PreviewedChannel(name=signal.channels[i], unit=signal.units[i], values=shown)
