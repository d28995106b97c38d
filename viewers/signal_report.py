"""A segmentation on one page of its own: signal, windows found and true, bands, confusions."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.activity_evaluation import evaluate_windows
from lidar_label.arrays import Floats
from lidar_label.datasets.signals import NS_PER_S, EvenSignal
from lidar_label.datasets.windows import UNKNOWN, Windows
from lidar_label.viewers.report_page import write_page
from lidar_label.viewers.signal_charts import Strip, signal_chart
from lidar_label.viewers.signal_pictures import confusion

_PALETTE = (
    "#60a5fa", "#f59e0b", "#34d399", "#f472b6", "#a78bfa", "#facc15",
    "#2dd4bf", "#fb7185", "#a3e635", "#c084fc", "#38bdf8", "#fdba74",
)  # fmt: skip
_UNKNOWN, _SEGMENT = "#b4bac4", "#8fb3e8"
_PAGE_S = 60.0  # a close-up shows this much
_CLOSE_UPS = 8
_ROWS = 2000  # windows listed; all are in the file of windows


@dataclass(frozen=True)
class SignalReport:
    """What the page says apart from signal and windows.

    Attributes:
        title: Of the page.
        notes: What was recognised or assumed, in words.
    """

    title: str
    notes: tuple[str, ...] = ()


def write_signal_report(
    signal: EvenSignal,
    windows: Windows,
    path: Path,
    about: SignalReport,
    truth: Windows | None = None,
) -> None:
    """Write the page, beside its final name and then renamed.

    Args:
        signal: What was segmented.
        windows: What was found.
        path: The HTML file.
        about: Title and notes.
        truth: What should have been found.
    """
    windows = windows.select(np.argsort(windows.start_ns, kind="stable"))
    truth = truth if truth is not None and len(truth) else None
    strips = [Strip("found", windows)] + ([Strip("true", truth)] if truth is not None else [])
    names = sorted({str(name) for strip in strips for name in strip.windows.category})
    colours = class_colours(names)
    end_ns = int(signal.time_ns(float(len(signal.values))))
    whole = (signal.start_ns, end_ns)
    write_page(
        path,
        "segment.html",
        title=about.title,
        notes=about.notes,
        cards=_cards(signal, windows, truth),
        classes=[(name or "segment", colours[name]) for name in names],
        overview=signal_chart(signal, strips, colours, whole, "the whole signal"),
        close_ups=[
            {
                "title": f"{_s(low, signal):.0f} – {_s(high, signal):.0f} s",
                "why": why,
                "chart": signal_chart(signal, strips, colours, (low, high), "a close-up"),
            }
            for low, high, why in _close_ups(windows, truth, whole)
        ],
        matrix=_matrix(windows, truth, names),
        by_class=_by_class(windows, truth),
        rows=_rows(signal, windows, colours),
        left_out=max(len(windows) - _ROWS, 0),
    )


def class_colours(names: list[str]) -> dict[str, str]:
    """A colour for each class, the same for the same list."""
    known = [name for name in names if name not in {UNKNOWN, ""}]
    colours = {name: _PALETTE[i % len(_PALETTE)] for i, name in enumerate(known)}
    return colours | {UNKNOWN: _UNKNOWN, "": _SEGMENT}


def _s(time_ns: int, signal: EvenSignal) -> float:
    return (int(time_ns) - signal.start_ns) / NS_PER_S


def _cards(signal: EvenSignal, windows: Windows, truth: Windows | None) -> list[dict[str, str]]:
    seconds = len(signal.values) / signal.rate_hz
    gaps = 1.0 - float(signal.valid.mean())
    cards = [
        _card(f"{seconds:,.1f} s", "signal", f"{signal.rate_hz:.4g} Hz, {gaps:.1%} in gaps"),
        _card(f"{len(windows):,}", "windows", f"{len(set(windows.category.tolist()))} classes"),
    ]
    if truth is not None:
        found = evaluate_windows(windows, truth)
        figures = (
            (found.accuracy, "accuracy over time", "of the time that the truth names"),
            (found.macro_f1, "macro-F1", "mean of the classes' F1 over time"),
            (found.boundary_f1, "boundaries, F1 in 1 s", f"in 2 s: {found.boundary_f1_2s:.3f}"),
            (found.segment_f1["0.50"], "segments, F1 at 50 %", f"edit {found.edit_score:.3f}"),
            (found.covering, "covering", f"boundary error {found.boundary_error_s:.2f} s"),
        )
        cards += [_card(f"{value:.3f}", name, note) for value, name, note in figures]
    return cards


def _card(value: str, name: str, note: str) -> dict[str, str]:
    return {"value": value, "name": name, "note": note}


def _close_ups(
    windows: Windows, truth: Windows | None, whole: tuple[int, int]
) -> list[tuple[int, int, str]]:
    """Minutes to look at first: the most seconds wrong or, without truth, the least sure."""
    step = round(_PAGE_S * NS_PER_S)
    if whole[1] - whole[0] <= 2 * step:
        return []
    starts = np.arange(whole[0], whole[1], step, dtype=np.int64)
    weight = np.zeros(len(starts))
    for i in range(len(windows)):
        shared = np.clip(
            np.minimum(windows.end_ns[i], starts + step) - np.maximum(windows.start_ns[i], starts),
            0, None,
        )  # fmt: skip
        if truth is None:
            score = float(windows.score[i])
            weight += shared / NS_PER_S * (1 - score if np.isfinite(score) else 0.5)
            continue
        other = truth.category != windows.category[i]
        low = np.maximum(truth.start_ns[other], windows.start_ns[i])[:, None]
        high = np.minimum(truth.end_ns[other], windows.end_ns[i])[:, None]
        wrong = np.minimum(high, starts + step) - np.maximum(low, starts)
        weight += np.maximum(wrong, 0).sum(axis=0) / NS_PER_S
    chosen = np.sort(np.argsort(-weight, kind="stable")[:_CLOSE_UPS])
    what = "{:.1f} s in doubt" if truth is None else "{:.1f} s differ from the truth"
    return [
        (int(starts[i]), int(min(starts[i] + step, whole[1])), what.format(weight[i]))
        for i in chosen.tolist()
        if weight[i] > 0.05
    ]


def _matrix(windows: Windows, truth: Windows | None, names: list[str]) -> dict[str, Any] | None:
    if truth is None:
        return None
    seconds: Floats = confusion(windows, truth, names)
    share = seconds / np.maximum(seconds.sum(axis=1, keepdims=True), 1e-9)
    kept = [i for i in range(len(names)) if seconds[i].sum() > 0]
    rows = [
        (names[i] or "segment", list(zip(seconds[i].tolist(), share[i].tolist(), strict=True)))
        for i in kept
    ]
    return {"columns": [name or "segment" for name in names], "rows": rows}


def _by_class(windows: Windows, truth: Windows | None) -> list[tuple[str, dict[str, float]]]:
    if truth is None:
        return []
    found = asdict(evaluate_windows(windows, truth))
    figures = ("class_precision", "class_recall", "class_f1", "class_seconds")
    return [(name, {f[6:]: found[f][name] for f in figures}) for name in found["class_f1"]]


def _rows(signal: EvenSignal, windows: Windows, colours: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "start": _s(windows.start_ns[i], signal),
            "end": _s(windows.end_ns[i], signal),
            "start_band": float(windows.start_uncertainty_ns[i]) / NS_PER_S,
            "end_band": float(windows.end_uncertainty_ns[i]) / NS_PER_S,
            "name": str(windows.category[i]) or "segment",
            "colour": colours[str(windows.category[i])],
            "score": float(windows.score[i]),
            "reason": str(windows.reason[i]),
        }
        for i in range(min(len(windows), _ROWS))
    ]
