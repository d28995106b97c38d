"""Channels worked out from others: how strong a vector is, and how the sensor is tilted."""

import re

import numpy as np

from lidar_label.arrays import Floats, Ints

_GRAVITY_HZ = 0.3  # below it acceleration is taken for gravity (Veltink et al., 1996: < 0.5 Hz)
_AXES = re.compile(r"(.*?)[_.\s-]?([xyz])", re.IGNORECASE)


def derived_channels(
    time_ns: Ints, values: Floats, channels: tuple[str, ...], units: tuple[str, ...]
) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """Magnitudes of all vectors; of an accelerometer also pitch and roll from gravity.

    Pitch is the turn about y (front up is above 0), roll about x, in degrees, ISO 8855; both are
    0 where z points up. Only where the sensor is not accelerated for long are they its tilt.

    Args:
        time_ns: (T,) int64.
        values: (T, C) float.
        channels: C names.
        units: C units.

    Returns:
        (T, D) values, D names, D units.
    """
    columns: list[Floats] = []
    names: list[str] = []
    found_units: list[str] = []
    for name, axes in vectors(channels).items():
        vector = values[:, axes].astype(np.float64)
        columns.append(np.linalg.norm(vector, axis=1))
        names.append(f"|{name}|")
        found_units.append(units[axes[0]])
        if name.lower().startswith("acc"):
            gravity = _slow(vector, time_ns)
            x, y, z = gravity.T
            columns += [np.degrees(np.arctan2(x, np.hypot(y, z))), np.degrees(np.arctan2(y, z))]
            names += ["tilt pitch", "tilt roll"]
            found_units += ["°", "°"]
    made = np.column_stack(columns) if columns else np.empty((len(values), 0))
    return made, tuple(names), tuple(found_units)


def vectors(channels: tuple[str, ...]) -> dict[str, list[int]]:
    """Name of each sensor with three axes → the columns of x, y, z."""
    found: dict[str, dict[str, int]] = {}
    for i, channel in enumerate(channels):
        match = _AXES.fullmatch(channel)
        if match:
            found.setdefault(match[1] or "vector", {})[match[2].lower()] = i
    return {name: [axes[a] for a in "xyz"] for name, axes in found.items() if len(axes) == 3}


def _slow(vector: Floats, time_ns: Ints) -> Floats:
    """What changes slower than `_GRAVITY_HZ`, without a delay; what is missing is bridged."""
    from scipy.signal import butter, sosfiltfilt

    rows = np.arange(len(vector))
    whole = vector.copy()
    for axis in whole.T:
        known = np.isfinite(axis)
        if known.any() and not known.all():
            axis[:] = np.interp(rows, rows[known], axis[known])
    step = float(np.median(np.diff(time_ns))) / 1e9 if len(time_ns) > 1 else 1.0
    share = 2 * _GRAVITY_HZ * step
    if len(whole) < 3 or not 0 < share < 0.99:  # sampled too slowly to tell them apart
        return whole
    padding = min(round(1 / share) * 2, len(whole) - 1)
    return sosfiltfilt(butter(2, share, output="sos"), whole, axis=0, padlen=padding)
