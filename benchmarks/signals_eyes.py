"""What a simulated person sees on the signals page beside the truth, and what they set right next.

A moment is right where every window of a class that covers it has the true one, and there is one.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lidar_label.arrays import Ints, Mask, Strings
from lidar_label.datasets.windows import UNKNOWN, Windows

_NS_PER_S = 1e9
_SAME = 0.75  # overlap by which a window is the true one under another class
_CLOSE_NS = 500_000_000  # an end that is off by less is left as it is
_MOSTLY = 0.6
_PURE = 0.7  # of a window's named time in one class, that it may stay as it is
Span = tuple[float, float]


@dataclass(frozen=True)
class Seen:
    """A window on the screen that has a class."""

    id: int
    start_ns: int
    end_ns: int
    category: str
    accepted: bool
    score: float


@dataclass(frozen=True)
class Fix:
    """One thing to set right.

    Attributes:
        how: Another class for a window, one end dragged, a window deleted, or a new one.
        span: The true window, seconds.
        category: Its class.
        at: The window that gets the class or goes, or where the end is and where it belongs.
    """

    how: Literal["tag", "move", "drop", "draw"]
    span: Span
    category: str
    at: Span


@dataclass(frozen=True, eq=False)
class Eyes:
    """One person's view of one recording; spans are seconds after its first sample.

    Attributes:
        read: The windows as the server has them now.
        start_ns: The first sample's time.
        truth: The true windows.
        times_ns: (N,) moments that have a name.
        names: (N,) the names.
    """

    read: Callable[[], list[dict[str, Any]]]
    start_ns: int
    truth: Windows
    times_ns: Ints
    names: Strings

    def windows(self) -> list[Seen]:
        """What is shown and has a class."""
        return [
            Seen(
                one["window_id"], int(one["start_ns"]), int(one["end_ns"]), str(one["category"]),
                one["state"] == "accepted", one["score"] or 0.0,
            )
            for one in self.read()
            if one["state"] != "rejected" and one["category"] != UNKNOWN
        ]  # fmt: skip

    def accepted(self) -> list[Seen]:
        """Those that a person has decided."""
        return [one for one in self.windows() if one.accepted]

    def proposed(self, least: float = 0.0) -> list[Seen]:
        """Those that nobody has judged and that are so sure."""
        return [one for one in self.windows() if not one.accepted and one.score >= least]

    def right(self, windows: Sequence[Seen]) -> float:
        """Share of the named moments that are right."""
        return float(self.right_moments(windows).mean())

    def right_moments(self, windows: Sequence[Seen]) -> Mask:
        """(N,) of the named moments."""
        hit = np.zeros(len(self.times_ns), dtype=np.bool_)
        wrong = hit.copy()
        for one in windows:
            a, b = np.searchsorted(self.times_ns, [one.start_ns, one.end_ns])
            same = self.names[a:b] == one.category
            hit[a:b] |= same
            wrong[a:b] |= ~same
        return hit & ~wrong

    def truth_in(self, span: Span) -> tuple[str, bool]:
        """The commonest true class of a span, and whether it may have that class as a whole.

        The class is `UNKNOWN` where the span has no name.
        """
        first, last = (self.start_ns + round(one * _NS_PER_S) for one in span)
        a, b = np.searchsorted(self.times_ns, [first, last])
        if a == b:
            return UNKNOWN, True
        found, counts = np.unique(self.names[a:b].astype(str), return_counts=True)
        return str(found[counts.argmax()]), bool(counts.max() >= _PURE * (b - a))

    def wrong_windows(self, category: str) -> int:
        """How many true windows of a class are mostly wrong."""
        right = self.right_moments(self.windows())
        rows = np.flatnonzero(self.truth.category == category).tolist()
        return sum(float(right[slice(*self.moments(row))].mean()) < 1 - _MOSTLY for row in rows)

    def moments(self, row: int) -> tuple[int, int]:
        """The named moments of a true window, from and to."""
        ends = [int(self.truth.start_ns[row]), int(self.truth.end_ns[row])]
        a, b = np.searchsorted(self.times_ns, ends)
        return int(a), int(b)

    def true_span(self, row: int) -> Span:
        """A true window."""
        return self.seconds(int(self.truth.start_ns[row]), int(self.truth.end_ns[row]))

    def span(self, seen: Seen) -> Span:
        """A window on the screen."""
        return self.seconds(seen.start_ns, seen.end_ns)

    def seconds(self, start_ns: int, end_ns: int) -> Span:
        """Times as the page counts them."""
        return (start_ns - self.start_ns) / _NS_PER_S, (end_ns - self.start_ns) / _NS_PER_S


def next_fix(eyes: Eyes, shown: Sequence[Seen], tried: Collection[Fix] = ()) -> Fix | None:
    """How to set right the true window of which the most is wrong; None where all was tried."""
    wrong = ~eyes.right_moments(shown)
    spans = [eyes.moments(row) for row in range(len(eyes.truth))]
    counts = np.array([wrong[a:b].sum() for a, b in spans])
    for row in np.argsort(-counts, kind="stable").tolist():
        for fix in _ways(eyes, shown, row):
            if counts[row] and fix not in tried:
                return fix
    return None


def _ways(eyes: Eyes, shown: Sequence[Seen], row: int) -> Iterator[Fix]:
    """What a person would try on one true window, the least work first."""
    start, end = int(eyes.truth.start_ns[row]), int(eyes.truth.end_ns[row])
    true, name = eyes.true_span(row), str(eyes.truth.category[row])
    over = [one for one in shown if one.start_ns < end and one.end_ns > start]
    mine = [one for one in over if one.category == name]
    others = [one for one in over if one.category != name]
    for one in others:
        both = min(one.end_ns, end) - max(one.start_ns, start)
        if not mine and both >= _SAME * (max(one.end_ns, end) - min(one.start_ns, start)):
            yield Fix("tag", true, name, eyes.span(one))
    for one in (other for other in others if other.accepted):  # proposals give way by themselves
        if min(one.end_ns, end) - max(one.start_ns, start) >= _MOSTLY * (one.end_ns - one.start_ns):
            yield Fix("drop", true, name, eyes.span(one))
        else:
            ends = (one.end_ns, start) if one.start_ns < start else (one.start_ns, end)
            if abs(ends[0] - ends[1]) > _CLOSE_NS:
                yield Fix("move", true, name, eyes.seconds(*ends))
    if len(mine) == 1 and len(over) <= 2:
        ends = [(mine[0].start_ns, start), (mine[0].end_ns, end)]
        off = [pair for pair in ends if abs(pair[0] - pair[1]) > _CLOSE_NS]
        if len(off) == 1:
            yield Fix("move", true, name, eyes.seconds(*off[0]))
    yield Fix("draw", true, name, true)


def longest_windows(truth: Windows, share: float) -> list[int]:
    """The fewest windows that hold a share of the named time, in order of time."""
    lengths = truth.end_ns - truth.start_ns
    order = np.argsort(-lengths, kind="stable")
    held = np.cumsum(lengths[order]) / lengths.sum()
    return sorted(order[: int(np.searchsorted(held, share)) + 1].tolist())
