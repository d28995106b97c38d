"""When a sweep was taken, as far as the name of its file tells."""

import re
from collections.abc import Sequence
from pathlib import Path

from lidar_label.datasets.intake import ASSUMED_PERIOD_NS, Tally

# Digits of a time since 1970 in today's decades → nanoseconds a unit.
_UNITS = {19: 1, 18: 1, 16: 10**3, 15: 10**3, 13: 10**6}
_SECONDS = re.compile(r"(\d{9,10})[._](\d{1,9})")


def times_from_names(files: Sequence[Path], tally: Tally) -> list[int]:
    """Nanoseconds of each file.

    Names of 13, 15, 16, 18 or 19 digits are ms, µs or ns since 1970, `1234567890.5` is seconds;
    shorter numbers n are put at n × 0.1 s, and names of any other kind 0.1 s apart in their order.
    """
    stems = [stem(path) for path in files]
    if stems and all(_SECONDS.fullmatch(name) for name in stems):
        parts = [_SECONDS.fullmatch(name) for name in stems]
        return [int(part[1]) * 10**9 + int(part[2].ljust(9, "0")) for part in parts if part]
    if stems and all(name.isdecimal() and len(name) in _UNITS for name in stems):
        return [int(name) * _UNITS[len(name)] for name in stems]
    tally.warn("no times: 10 Hz assumed")
    numbers = [int(name) if name.isdecimal() and len(name) < 13 else -1 for name in stems]
    if min(numbers, default=-1) < 0 or len(set(numbers)) < len(numbers):
        numbers = list(range(len(files)))
    return [number * ASSUMED_PERIOD_NS for number in numbers]


def stem(path: Path) -> str:
    """The name without its last ending, or without both of `.pcd.bin`."""
    return path.stem.removesuffix(".pcd")


def natural_order(path: Path) -> tuple[tuple[int, int, str], ...]:
    """A key that puts sweep_2 before sweep_10."""
    words = re.findall(r"\d+|\D+", path.name)
    return tuple((0, int(w), "") if w.isdecimal() else (1, 0, w) for w in words)
