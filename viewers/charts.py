"""Small charts as SVG text that follows the page's colours: no script, no image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

_AXIS = 'stroke="var(--line)" stroke-width="1"'


@dataclass(frozen=True)
class Series:
    """Values with a name and a colour (`#rrggbb` or a CSS variable)."""

    name: str
    colour: str
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Span:
    """One row of a timeline.

    Attributes:
        name: Written at its left.
        colour: Of its bar.
        frames: (K,) where the object is.
        strength: (K,) 0 … 1, drawn as opacity.
    """

    name: str
    colour: str
    frames: NDArray[np.int64]
    strength: NDArray[np.float64]


@dataclass(frozen=True)
class Stack:
    """One column of parts on top of each other.

    Attributes:
        name: Written below it.
        parts: (name, count, colour) of each, from below.
    """

    name: str
    parts: Sequence[tuple[str, int, str]]


def _svg(width: int, height: int, parts: Sequence[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(text)}</text>'


def bars(counts: Mapping[str, int], colours: Mapping[str, str], label: str) -> str:
    """Horizontal bars, one a name, the count at its end."""
    width, row, left = 460, 26, 110
    most = max(counts.values(), default=1)
    parts: list[str] = []
    for i, (name, count) in enumerate(counts.items()):
        y = i * row
        length = max(2.0, (width - left - 60) * count / most)
        parts.append(_text(left - 10, y + 17, name, "end"))
        parts.append(
            f'<rect x="{left}" y="{y + 5}" width="{length:.1f}" height="16" rx="3" '
            f'fill="{colours.get(name, "#9ca3af")}"/>'
        )
        parts.append(_text(left + length + 8, y + 17, f"{count:,}", extra='class="soft"'))
    return _svg(width, max(row, len(counts) * row), parts, label)


def histogram(
    series: Sequence[Series], low: float, high: float, bins: int, axis: str, label: str
) -> str:
    """Counts of values in equal bins, one series on top of the other."""
    width, height, left, bottom = 460, 190, 44, 34
    edges = np.linspace(low, high, bins + 1)
    stacks = [np.histogram(one.values, edges)[0] for one in series]
    total = np.sum(stacks, axis=0) if stacks else np.zeros(bins)
    most = max(int(total.max()), 1)
    inner_w, inner_h = width - left - 8, height - bottom - 8
    parts = _frame(left, 8, inner_w, inner_h)
    base = np.zeros(bins)
    for one, counts in zip(series, stacks, strict=True):
        for i, count in enumerate(counts.tolist()):
            if count:
                h = inner_h * count / most
                y = 8 + inner_h * (1 - base[i] / most) - h
                parts.append(
                    f'<rect x="{left + inner_w * i / bins + 1:.1f}" y="{y:.1f}" '
                    f'width="{inner_w / bins - 2:.1f}" height="{h:.1f}" fill="{one.colour}"/>'
                )
        base += counts
    parts += [_text(left - 6, 16, f"{most:,}", "end"), _text(left - 6, 8 + inner_h, "0", "end")]
    for share in (0, 0.5, 1):
        value = low + (high - low) * share
        parts.append(_text(left + inner_w * share, height - 18, f"{value:g}", "middle"))
    parts.append(_text(left + inner_w / 2, height - 3, axis, "middle", 'class="soft"'))
    return _svg(width, height, parts, label)


def curves(lines: Sequence[tuple[Series, NDArray[np.float64]]], label: str) -> str:
    """Precision over recall, both 0 … 1: each series' values over its own abscissae."""
    width, height, left, bottom = 460, 260, 44, 36
    inner_w, inner_h = width - left - 12, height - bottom - 8
    parts = _frame(left, 8, inner_w, inner_h)
    for share in (0.25, 0.5, 0.75):
        x, y = left + inner_w * share, 8 + inner_h * share
        parts.append(f'<path d="M{x:.1f} 8v{inner_h}M{left} {y:.1f}h{inner_w}" {_AXIS}/>')
    for share in (0, 0.5, 1):
        parts.append(_text(left + inner_w * share, height - 20, f"{share:g}", "middle"))
        parts.append(_text(left - 6, 8 + inner_h * (1 - share) + 4, f"{share:g}", "end"))
    for line, along in lines:
        if len(line.values):
            x, y = left + inner_w * along, 8 + inner_h * (1 - line.values)
            path = "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
            parts.append(
                f'<path d="M{path}" fill="none" stroke="{line.colour}" stroke-width="2.2"/>'
            )
    for i, (line, _) in enumerate(lines):
        y = height - bottom - 14 - 16 * (len(lines) - 1 - i)
        parts.append(
            f'<rect x="{left + 10}" y="{y - 9}" width="16" height="4" fill="{line.colour}"/>'
        )
        parts.append(_text(left + 32, y - 3, line.name))
    parts.append(_text(left + inner_w / 2, height - 4, "recall", "middle", 'class="soft"'))
    middle = 8 + inner_h / 2
    turned = f'class="soft" transform="rotate(-90 10 {middle:.0f})"'
    parts.append(_text(10, middle, "precision", "middle", turned))
    return _svg(width, height, parts, label)


def timeline(spans: Sequence[Span], frames: int, label: str) -> str:
    """One row a track over the frames; paler where the machine is less sure."""
    width, row, left, bottom = 960, 14, 130, 22
    inner = width - left - 10
    step = inner / max(frames, 1)
    height = len(spans) * row + bottom
    parts: list[str] = []
    for i, span in enumerate(spans):
        y = i * row
        parts.append(_text(left - 8, y + 11, span.name, "end", 'class="small"'))
        parts.append(f'<path d="M{left} {y + row - 0.5}h{inner}" {_AXIS} opacity="0.4"/>')
        for first, last, strength in _runs(span):
            parts.append(
                f'<rect x="{left + first * step:.1f}" y="{y + 2}" rx="2" '
                f'width="{max(1.5, (last - first + 1) * step - 0.4):.1f}" height="{row - 4}" '
                f'fill="{span.colour}" opacity="{0.25 + 0.75 * strength:.2f}"/>'
            )
    ticks = sorted({0, frames // 4, frames // 2, 3 * frames // 4, max(frames - 1, 0)})
    for tick in ticks:
        x = left + (tick + 0.5) * step
        parts.append(_text(x, height - 6, str(tick), "middle", 'class="soft small"'))
    parts.append(_text(left - 8, height - 6, "frame", "end", 'class="soft small"'))
    return _svg(width, height, parts, label)


def _runs(span: Span) -> list[tuple[int, int, float]]:
    """Neighbouring frames of about the same strength as one bar: fewer rectangles."""
    order = np.argsort(span.frames, kind="stable")
    frames = span.frames[order].tolist()
    levels = np.round(np.nan_to_num(span.strength[order], nan=1.0) * 5).tolist()
    runs: list[tuple[int, int, float]] = []
    for frame, level in zip(frames, levels, strict=True):
        if runs and runs[-1][1] == frame - 1 and runs[-1][2] == level / 5:
            runs[-1] = (runs[-1][0], frame, level / 5)
        else:
            runs.append((frame, frame, level / 5))
    return runs


def columns(values: NDArray[np.float64], unit: str, label: str) -> str:
    """One column a value, the largest written; NaN leaves a gap."""
    width, height, left, bottom = 460, 130, 44, 20
    inner_w, inner_h = width - left - 8, height - bottom - 8
    known = values[np.isfinite(values)]
    most = float(known.max()) if len(known) else 1.0
    parts = _frame(left, 8, inner_w, inner_h)
    step = inner_w / max(len(values), 1)
    for i, value in enumerate(values.tolist()):
        if np.isfinite(value):
            h = inner_h * value / max(most, 1e-12)
            parts.append(
                f'<rect x="{left + i * step:.1f}" y="{8 + inner_h - h:.1f}" '
                f'width="{max(step - 1, 0.6):.1f}" height="{h:.1f}" fill="var(--accent)"/>'
            )
    parts += [_text(left - 6, 16, f"{most:.0f}", "end"), _text(left - 6, 8 + inner_h, "0", "end")]
    parts.append(_text(left + inner_w / 2, height - 5, f"{unit} a frame", "middle", 'class="soft"'))
    return _svg(width, height, parts, label)


def stacks(columns: Sequence[Stack], label: str, every: int = 1) -> str:
    """One column a stack, the largest total written; the names of each `every`-th below."""
    width, height, left, bottom = 460, 190, 60, 26
    inner_w, inner_h = width - left - 8, height - bottom - 8
    most = max((sum(n for _, n, _ in one.parts) for one in columns), default=0) or 1
    parts = _frame(left, 8, inner_w, inner_h)
    step = inner_w / max(len(columns), 1)
    for i, one in enumerate(columns):
        y = 8.0 + inner_h
        for name, count, colour in one.parts:
            if count:
                h = inner_h * count / most
                y -= h
                parts.append(
                    f'<rect x="{left + i * step + step * 0.1:.1f}" y="{y:.1f}" '
                    f'width="{step * 0.8:.1f}" height="{h:.1f}" fill="{escape(colour)}">'
                    f"<title>{escape(f'{one.name}: {count:,} {name}')}</title></rect>"
                )
        if i % every == 0:
            x = left + (i + 0.5) * step
            parts.append(_text(x, height - 8, one.name, "middle", 'class="soft"'))
    parts += [_text(left - 6, 16, f"{most:,}", "end"), _text(left - 6, 8 + inner_h, "0", "end")]
    return _svg(width, height, parts, label)


def _frame(x: float, y: float, width: float, height: float) -> list[str]:
    return [f'<path d="M{x} {y}v{height}h{width}" fill="none" {_AXIS}/>']
