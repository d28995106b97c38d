"""Pictures of a segmented signal: channels, the windows found and true, what was confused."""

from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.activity_features import sensor_columns
from lidar_label.arrays import Floats
from lidar_label.datasets.signals import NS_PER_S, EvenSignal
from lidar_label.datasets.windows import UNKNOWN, Windows

_MOST_POINTS = 10_000  # a channel is drawn as the least and greatest of this many stretches
_UNKNOWN_COLOUR = "#c8ccd4"


def draw_segmentation(
    signal: EvenSignal, windows: Windows, path: Path, truth: Windows | None = None
) -> None:
    """Draw channels over time with the windows found and, if given, true and confused ones.

    Args:
        signal: What was segmented.
        windows: What was found.
        path: The PNG to write.
        truth: What should have been found.
    """
    from matplotlib.figure import Figure

    strips = [("found", windows)] if truth is None else [("found", windows), ("true", truth)]
    names: list[str] = sorted({str(name) for _, strip in strips for name in strip.category})
    colours = _colours(names)
    lanes = _lanes(signal)
    heights = [3.0] * len(lanes) + [0.55] * (1 if truth is None else 2)
    wide = 13.0 if truth is None else 17.0
    figure = Figure(figsize=(wide, 0.9 + sum(heights) * 0.62), layout="constrained")
    grid: Any = figure.add_gridspec(
        len(heights), 1 if truth is None else 2, height_ratios=heights,
        width_ratios=[1.0] if truth is None else [3.4, 1.0],
    )  # fmt: skip
    clock_s = np.arange(len(signal.values)) / signal.rate_hz
    first: Any = None
    for row, (title, columns) in enumerate(lanes):
        axes: Any = figure.add_subplot(grid[row, 0], sharex=first)
        first = first or axes
        for column in columns:
            _draw_channel(axes, clock_s, signal.values[:, column], signal.channels[column])
        axes.set_ylabel(title)
        axes.legend(loc="upper right", fontsize=7, ncols=3, frameon=False)
        axes.margins(x=0)
        axes.tick_params(labelbottom=False)
        for edge in _seconds(windows.start_ns[1:], signal):
            axes.axvline(edge, color="#30343c", linewidth=0.6, alpha=0.6)
    for row, (title, strip) in enumerate(strips, start=len(lanes)):
        axes = figure.add_subplot(grid[row, 0], sharex=first)
        _draw_strip(axes, strip, signal, colours)
        axes.set_ylabel(title, rotation=0, ha="right", va="center")
        axes.tick_params(labelbottom=row == len(heights) - 1)
        if row == len(heights) - 1:
            axes.set_xlabel("seconds")
    handles: list[Any] = [_patch(colours[name], name or "segment") for name in names]
    figure.legend(handles=handles, loc="outside lower center", ncols=8, frameon=False, fontsize=8)
    if truth is not None:
        _draw_confusion(figure.add_subplot(grid[:, 1]), windows, truth, names)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def confusion(windows: Windows, truth: Windows, names: list[str]) -> Floats:
    """(K, K) seconds that are truly of the row's class and were found to be of the column's."""
    seconds = np.zeros((len(names), len(names)))
    shared = np.minimum(truth.end_ns[:, None], windows.end_ns[None]) - np.maximum(
        truth.start_ns[:, None], windows.start_ns[None]
    )
    for i, j in zip(*np.nonzero(shared > 0), strict=True):
        pair = names.index(str(truth.category[i])), names.index(str(windows.category[j]))
        seconds[pair] += float(shared[i, j]) / NS_PER_S
    return seconds


def _lanes(signal: EvenSignal) -> list[tuple[str, list[int]]]:
    acc, gyro, other = sensor_columns(signal)
    lanes = [("m/s²", acc), ("rad/s", gyro), ("value", other[:6])]
    return [(title, columns) for title, columns in lanes if columns]


def _colours(names: list[str]) -> dict[str, Any]:
    from matplotlib import colormaps

    palette: Any = colormaps["tab20"]
    known = [name for name in names if name not in {UNKNOWN, ""}]
    colours: dict[str, Any] = {name: palette(i % 20) for i, name in enumerate(known)}
    return colours | {UNKNOWN: _UNKNOWN_COLOUR, "": "#8fb3e8"}


def _draw_channel(axes: Any, clock_s: Floats, values: Any, name: str) -> None:
    step = max(len(values) // _MOST_POINTS, 1)
    if len(values) <= 2 * _MOST_POINTS:
        axes.plot(clock_s, values, linewidth=0.6, label=name)
        return
    whole = len(values) // step * step
    blocks = values[:whole].reshape(-1, step)
    low, high = blocks.min(axis=1), blocks.max(axis=1)
    axes.fill_between(clock_s[:whole:step], low, high, linewidth=0.4, alpha=0.8, label=name)


def _draw_strip(axes: Any, windows: Windows, signal: EvenSignal, colours: dict[str, Any]) -> None:
    starts = _seconds(windows.start_ns, signal)
    lengths = (windows.end_ns - windows.start_ns) / NS_PER_S
    shades = [colours[name] for name in windows.category]
    axes.barh(
        np.zeros(len(windows)), lengths, left=starts, height=1.0, color=shades,
        edgecolor="white", linewidth=0.6,
    )  # fmt: skip
    axes.set_yticks([])
    axes.set_ylim(-0.5, 0.5)
    axes.margins(x=0)


def _draw_confusion(axes: Any, windows: Windows, truth: Windows, names: list[str]) -> None:
    seconds = confusion(windows, truth, names)
    share = seconds / np.maximum(seconds.sum(axis=1, keepdims=True), 1e-9)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    ticks = [name or "segment" for name in names]
    axes.set_xticks(range(len(names)), ticks, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), ticks, fontsize=8)
    axes.set_xlabel("found")
    axes.set_ylabel("true")
    axes.set_title("seconds", fontsize=9)
    for i, j in zip(*np.nonzero(seconds > 0.05), strict=True):
        shade = "white" if share[i, j] > 0.5 else "black"
        axes.text(j, i, f"{seconds[i, j]:.0f}", ha="center", va="center", color=shade, fontsize=8)


def _patch(colour: Any, name: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour, label=name)


def _seconds(time_ns: Any, signal: EvenSignal) -> Floats:
    return (np.asarray(time_ns, dtype=np.int64) - signal.start_ns) / NS_PER_S
