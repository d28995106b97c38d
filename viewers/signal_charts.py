"""A stretch of a signal with its windows as SVG text: channels, boundaries and bands, names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from markupsafe import Markup

from lidar_label.activity_features import sensor_columns
from lidar_label.arrays import Floats, Ints
from lidar_label.datasets.signals import NS_PER_S, EvenSignal
from lidar_label.datasets.windows import Windows

_WIDTH, _LEFT, _RIGHT = 1100, 64, 16
_LANE, _STRIP, _GAP, _CLOCK = 130, 24, 8, 20
_COLUMNS = 900  # a channel is drawn as the least and greatest of this many stretches
_LINES = ("#2563eb", "#d97706", "#16a34a", "#9333ea", "#dc2626", "#0891b2")


@dataclass(frozen=True, eq=False)
class Strip:
    """One row of windows below the signal."""

    name: str
    windows: Windows


def signal_lanes(signal: EvenSignal) -> list[tuple[str, list[int]]]:
    """Unit and columns of what is drawn in one lane together."""
    acc, gyro, other = sensor_columns(signal)
    lanes = [("m/s²", acc), ("rad/s", gyro), ("value", other[:6])]
    return [(unit, columns) for unit, columns in lanes if columns]


def signal_chart(
    signal: EvenSignal,
    strips: Sequence[Strip],
    colours: Mapping[str, str],
    span_ns: tuple[int, int],
    label: str,
) -> Markup:
    """Draw a stretch; boundaries of the first strip run through the channels with their bands.

    Args:
        signal: The signal.
        strips: Rows of windows, the proposed ones first.
        colours: Of each class.
        span_ns: First and last moment.
        label: What the picture shows, for those who cannot see it.
    """
    lanes = signal_lanes(signal)
    height = len(lanes) * (_LANE + _GAP) + len(strips) * (_STRIP + 4) + _CLOCK
    parts: list[str] = []
    bottom = len(lanes) * (_LANE + _GAP) - _GAP
    parts += _boundaries(strips[0].windows, span_ns, bottom)
    for i, (unit, columns) in enumerate(lanes):
        parts += _lane(signal, columns, unit, span_ns, i * (_LANE + _GAP))
    for i, strip in enumerate(strips):
        parts += _strip(strip, colours, span_ns, bottom + _GAP + i * (_STRIP + 4))
    parts += _clock(signal, span_ns, height - 5)
    return Markup(  # noqa: S704  # every text within went through `escape`
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _across(time_ns: Ints, span_ns: tuple[int, int]) -> Floats:
    """Times as places from left to right, cut at both ends."""
    share = (np.asarray(time_ns, dtype=np.int64) - span_ns[0]) / max(span_ns[1] - span_ns[0], 1)
    return _LEFT + np.clip(share, 0.0, 1.0) * (_WIDTH - _LEFT - _RIGHT)


def _within(windows: Windows, span_ns: tuple[int, int]) -> Windows:
    return windows.select((windows.end_ns > span_ns[0]) & (windows.start_ns < span_ns[1]))


def _boundaries(windows: Windows, span_ns: tuple[int, int], bottom: float) -> list[str]:
    parts: list[str] = []
    shown = _within(windows, span_ns)
    for edge, reach in (
        (shown.start_ns, shown.start_uncertainty_ns),
        (shown.end_ns, shown.end_uncertainty_ns),
    ):
        inside = (edge > span_ns[0]) & (edge < span_ns[1])
        low, middle, high = (
            _across(edge[inside] + sign * np.maximum(reach[inside], 0), span_ns)
            for sign in (-1, 0, 1)
        )
        for a, x, b in zip(low.tolist(), middle.tolist(), high.tolist(), strict=True):
            parts.append(
                f'<rect class="band" x="{a:.1f}" y="0" width="{max(b - a, 0.5):.1f}" '
                f'height="{bottom}"/><path class="edge" d="M{x:.1f} 0V{bottom}"/>'
            )
    return parts


def _lane(
    signal: EvenSignal, columns: list[int], unit: str, span_ns: tuple[int, int], top: float
) -> list[str]:
    first, after = np.rint(signal.sample(np.array(span_ns))).astype(np.int64).tolist()
    part = signal.values[max(first, 0) : max(after, first + 1), columns]
    low, high = (float(v) for v in (part.min(), part.max()))
    scale = _LANE / max(high - low, 1e-9)
    parts = [f'<rect class="lane" x="{_LEFT}" y="{top}" width="{_WIDTH - _LEFT - _RIGHT}" height="{_LANE}"/>']  # fmt: skip # noqa: E501
    parts += [
        f'<text x="{_LEFT - 6}" y="{y:.0f}" text-anchor="end" class="soft small">{value:.3g}</text>'
        for y, value in ((top + 9, high), (top + _LANE, low))
    ]
    middle = top + _LANE / 2
    parts.append(
        f'<text x="12" y="{middle:.0f}" class="soft" text-anchor="middle" '
        f'transform="rotate(-90 12 {middle:.0f})">{escape(unit)}</text>'
    )
    for k, column in enumerate(columns):
        colour = _LINES[k % len(_LINES)]
        path = _envelope(top + (high - part[:, k].astype(np.float64)) * scale)
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="0.9"/>')
        name = escape(signal.channels[column])
        x = _WIDTH - _RIGHT - 8 - 62 * (len(columns) - 1 - k)
        parts.append(f'<text x="{x}" y="{top + 12}" text-anchor="end" class="small channel" style="fill:{colour}">{name}</text>')  # fmt: skip # noqa: E501
    return parts


def _envelope(y: Floats) -> str:
    """A line over the chart's width; of many samples the least and greatest of each stretch."""
    width = _WIDTH - _LEFT - _RIGHT
    if len(y) > 2 * _COLUMNS:
        edges = np.linspace(0, len(y), _COLUMNS + 1).astype(np.int64)[:-1]
        y = np.column_stack((np.minimum.reduceat(y, edges), np.maximum.reduceat(y, edges))).ravel()
        x = np.repeat(_LEFT + (np.arange(_COLUMNS) + 0.5) * (width / _COLUMNS), 2)
    else:
        x = _LEFT + np.arange(len(y)) * (width / max(len(y) - 1, 1))
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def _strip(
    strip: Strip, colours: Mapping[str, str], span_ns: tuple[int, int], top: float
) -> list[str]:
    parts = [f'<text x="{_LEFT - 6}" y="{top + 16}" text-anchor="end">{escape(strip.name)}</text>']
    shown = _within(strip.windows, span_ns)
    left, right = _across(shown.start_ns, span_ns), _across(shown.end_ns, span_ns)
    for i in range(len(shown)):
        name = str(shown.category[i])
        x, width = float(left[i]), max(float(right[i] - left[i]) - 0.6, 0.6)
        seconds = float(shown.end_ns[i] - shown.start_ns[i]) / NS_PER_S
        title = escape(f"{name or 'segment'}, {seconds:.2f} s. {shown.reason[i]}")
        parts.append(
            f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_STRIP}" rx="2" '
            f'fill="{colours[name]}"><title>{title}</title></rect>'
        )
        if name and width > 7 * len(name):
            text = f'<text x="{x + 4:.1f}" y="{top + 16}" class="name">{escape(name)}</text>'
            parts.append(text)
    return parts


def _clock(signal: EvenSignal, span_ns: tuple[int, int], y: float) -> list[str]:
    low, high = ((time - signal.start_ns) / NS_PER_S for time in span_ns)
    rough = (high - low) / 10
    power = 10.0 ** np.floor(np.log10(max(rough, 1e-9)))
    step = float(power * next(m for m in (1, 2, 5, 10) if m * power >= rough))
    ticks = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    places = _across(signal.start_ns + np.rint(ticks * NS_PER_S).astype(np.int64), span_ns)
    return [
        f'<text x="{x:.1f}" y="{y}" text-anchor="middle" class="soft small">{tick:g} s</text>'
        for x, tick in zip(places.tolist(), ticks.tolist(), strict=True)
    ]
