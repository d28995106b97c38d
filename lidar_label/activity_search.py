"""Find more like this: where a signal does what it does in one window."""

import numpy as np

from lidar_label.activities import AnySignal, as_even
from lidar_label.activity_features import ChangeRows, change_rows
from lidar_label.arrays import Strings
from lidar_label.datasets.windows import Windows
from lidar_label.errors import InvalidSignal
from lidar_label.kernels.template_search import best_matches, distance_profile

_ROWS = ChangeRows(window_s=0.5, hop_s=0.1)


def find_similar(
    signal: AnySignal, start_ns: int, end_ns: int, *, count: int = 10, category: str = ""
) -> Windows:
    """Find the stretches that are most like one window, best first.

    Compared is how gravity's direction, the size of motion and turning run through the window, in
    the rows of the change points; a distance of one is what these call different.

    Args:
        signal: The signal.
        start_ns: Start of the window to look for.
        end_ns: Its end.
        count: How many to return at most; fewer where the signal has no more.
        category: The class to give them.

    Returns:
        Windows of the same length that do not overlap it or each other; the score is exp(−d²/2) of
        their distance d.

    Raises:
        InvalidSignal: if the window does not lie on the signal or is longer than half of it.
    """
    even = as_even(signal)
    rows, samples = change_rows(even, _ROWS)
    first, last = np.searchsorted(samples, even.sample(np.array([start_ns, end_ns]))).tolist()
    last = max(last, first + 1)
    if end_ns <= start_ns or last > len(rows) or 2 * (last - first) > len(rows):
        raise InvalidSignal("the window to look for must lie on the signal and be shorter than it")
    length = last - first
    profile = distance_profile(rows[first:last], rows) * np.sqrt(rows.shape[1])
    allowed = np.abs(np.arange(len(profile)) - first) >= length
    gaps = np.concatenate(([0], np.cumsum(~even.valid)))
    reach = round(end_ns - start_ns) * even.rate_hz / 1e9
    low = np.rint(samples[: len(profile)] - samples[first] + even.sample(np.array(start_ns)))
    low = np.clip(low.astype(np.int64), 0, len(even.values))
    high = np.clip(low + int(reach), 0, len(even.values))
    allowed &= gaps[high] == gaps[low]
    found = best_matches(profile, count, length, allowed)
    starts = even.time_ns(low[found])
    reasons = [f"differs from the window by {profile[i]:.2f}" for i in found.tolist()]
    text: Strings = np.array([*reasons, None], dtype=object)[:-1]
    return Windows.of(
        starts,
        starts + (end_ns - start_ns),
        category=category,
        score=np.exp(-0.5 * profile[found] ** 2).astype(np.float32),
        reason=text,
    )
