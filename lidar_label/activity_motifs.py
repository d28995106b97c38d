"""What a signal does again and again, and what it does only once, before anyone tags it."""

from dataclasses import dataclass, field

import numpy as np

from lidar_label.activities import AnySignal, as_even
from lidar_label.activity_features import ChangeRows, change_rows
from lidar_label.arrays import Floats, Floats32, Ints
from lidar_label.datasets.signals import NS_PER_S, EvenSignal
from lidar_label.datasets.windows import Windows
from lidar_label.errors import InvalidConfig, InvalidSignal
from lidar_label.kernels.matrix_profile import matrix_profile
from lidar_label.kernels.template_search import best_matches

_MOST_PAIRS = 2e9  # of stretches that are compared, some seconds; of more a random share


@dataclass(frozen=True)
class MotifConfig:
    """Settings of the search.

    Attributes:
        length_s: Of the stretches.
        rows: How a moment is described; the rows of the change points, but finer.
    """

    length_s: float = 4.0
    rows: ChangeRows = field(default_factory=lambda: ChangeRows(window_s=0.5, hop_s=0.1))


def find_motifs(
    signal: AnySignal, count: int = 3, config: MotifConfig | None = None
) -> list[Windows]:
    """The pairs of stretches that are most alike for how much they do; no two pairs overlap.

    Of stretches where little happens every pair is alike, so that a distance counts by what the
    stretch moves within itself (for the bias and its cure see Dau & Keogh, KDD 2017).

    Raises:
        InvalidSignal: if the signal is shorter than two stretches.
        InvalidConfig: if the length is not > 0.
    """
    found = _profile(signal, config or MotifConfig())
    left = found.distance / found.spread
    pairs: list[Windows] = []
    while len(pairs) < count and np.isfinite(left).any():
        first = int(left.argmin())
        second = int(found.neighbour[first])
        if np.isfinite(left[second]):
            note = f"as at {{:.1f}} s; they differ by {left[first]:.0%} of what each does"
            pairs.append(found.windows(np.array([first, second]), note))
        for place in (first, second):
            left[max(place - found.length + 1, 0) : place + found.length] = np.inf
    return pairs


def find_discords(signal: AnySignal, count: int = 3, config: MotifConfig | None = None) -> Windows:
    """The stretches that are least like any other (Keogh et al., ICDM 2005), oddest first.

    Raises:
        InvalidSignal: if the signal is shorter than two stretches.
        InvalidConfig: if the length is not > 0.
    """
    found = _profile(signal, config or MotifConfig())
    known = np.isfinite(found.distance)
    chosen = best_matches(np.where(known, -found.distance, np.inf), count, found.length)
    return found.windows(chosen, "nearest is at {:.1f} s")


@dataclass(frozen=True, eq=False)
class _Profile:
    """The matrix profile of a signal: (W,) each, of the stretch that begins at each row."""

    even: EvenSignal
    first: Ints
    length: int
    length_ns: int
    distance: Floats
    neighbour: Ints
    spread: Floats

    def windows(self, places: Ints, note: str) -> Windows:
        start = self.even.time_ns(self.first[places])
        others = self.even.time_ns(self.first[self.neighbour[places]])
        seconds = ((others - self.even.start_ns) / NS_PER_S).tolist()
        score = np.exp(-0.5 * self.distance[places] ** 2).astype(np.float32)
        reasons = np.array([*(note.format(s) for s in seconds), None], dtype=object)[:-1]
        return Windows.of(start, start + self.length_ns, score=score, reason=reasons)


def _profile(signal: AnySignal, config: MotifConfig) -> _Profile:
    if config.length_s <= 0:
        raise InvalidConfig("length_s must be > 0")
    even = as_even(signal)
    rows, samples = change_rows(even, config.rows)
    length = max(round(config.length_s / config.rows.hop_s), 1)
    if len(rows) < 2 * length:
        raise InvalidSignal(
            f"{len(even.values) / even.rate_hz:.1f} s of signal for stretches of "
            f"{config.length_s:g} s; give shorter stretches or a longer signal"
        )
    share = min(_MOST_PAIRS / (len(rows) ** 2 / 2), 1.0)
    distance, neighbour = matrix_profile(rows, length, apart=length, share=share)
    distance = distance * np.sqrt(rows.shape[1])  # as `find_similar` measures it
    count = len(distance)
    first = np.maximum(np.rint(samples[:count] - samples[0]).astype(np.int64), 0)
    after = np.minimum(first + round(config.length_s * even.rate_hz), len(even.values))
    gaps = np.concatenate(([0], np.cumsum(~even.valid)))
    bad = gaps[after] > gaps[first]
    distance[bad | bad[neighbour]] = np.inf
    return _Profile(
        even, first, length, round(config.length_s * NS_PER_S), distance, neighbour,
        _spread(rows, length),
    )  # fmt: skip


def _spread(rows: Floats32, length: int) -> Floats:
    """(W,) how far the rows of each stretch are from their mean, all channels together."""
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    total = np.concatenate((np.zeros((1, rows.shape[1])), np.cumsum(centred, axis=0)))
    squares = np.concatenate(([0.0], np.cumsum((centred**2).sum(axis=1))))
    mean = (total[length:] - total[:-length]) / length
    variance = (squares[length:] - squares[:-length]) / length - (mean**2).sum(axis=1)
    return np.sqrt(np.maximum(variance, 1e-12))
