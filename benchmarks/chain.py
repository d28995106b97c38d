"""Whole sweep to proposals: ours against Patchwork++ → Open3D DBSCAN → OpenCV minAreaRect.

Both get the same labelled sweeps in the same process, one after the other; the peer's ground filter
and clustering may use all cores, ours uses one. Times are the best of several runs, warm. Beside
Patchwork++'s ground step alone our whole chain is set in processor time, which other work on the
machine does not lengthen.
"""

import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lidar_label.arrays import Boxes, Floats, Floats32
from lidar_label.benchmarks.ground import patchwork_alone
from lidar_label.benchmarks.kernels import best_ms
from lidar_label.benchmarks.labelled_sweeps import LabelledSweep, given_sweeps
from lidar_label.benchmarks.proposals import (
    MAX_RANGE_M,
    MIN_POINTS,
    SweepResult,
    chain_proposals,
    judge,
    our_proposals,
    summarise,
)
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better

PEER = "Patchwork++ → Open3D DBSCAN → minAreaRect"
_FIGURES = ("recall@0.3", "recall@0.5", "recall@0.7", "precision@0.3", "strict precision@0.3", "AP@0.5", "mean IoU")  # fmt: skip # noqa: E501


@dataclass
class _Side:
    """One contender: how it proposes, how often it is timed, what came out."""

    propose: Callable[[Floats32], tuple[Boxes, Floats]]
    repeats: int
    results: list[SweepResult] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def take(self, sweep: LabelledSweep) -> float:
        """Propose on a sweep, judge it, and return the best time in milliseconds."""
        best = float("inf")
        boxes, score = self.propose(sweep.points)  # warm
        for _ in range(self.repeats):
            start = time.perf_counter()
            boxes, score = self.propose(sweep.points)
            best = min(best, time.perf_counter() - start)
        self.results.append(judge(sweep, boxes, score, best))
        self.milliseconds.append(best * 1e3)
        return best * 1e3


def run(data: Path | None) -> list[Row]:
    """Time and accuracy on every labelled sweep below `data`.

    Raises:
        UsageError: if there is none.
    """
    sweeps = given_sweeps(data)
    ours, peer = _Side(our_proposals, repeats=7), _Side(chain_proposals, repeats=2)
    rows: list[Row] = []
    for sweep in sweeps:
        mine, theirs = ours.take(sweep), _peer_time(peer, sweep)
        name = f"sweep to proposals, {sweep.name}, {len(sweep.points)} points"
        rows.append(less_is_better(name, mine, PEER, theirs, "ms"))
        rows.append(_beside_ground(sweep))
    others = statistics.median(peer.milliseconds) if peer.milliseconds else None
    middle = statistics.median(ours.milliseconds)
    rows.append(less_is_better("median of the sweeps", middle, PEER, others, "ms"))
    mine, theirs = summarise(ours.results), summarise(peer.results) if peer.results else {}
    note = f"{mine['targets']} objects with ≥ {MIN_POINTS} points within {MAX_RANGE_M:g} m, BEV"
    rows += [
        more_is_better(name, mine[name], PEER, theirs.get(name), "", note) for name in _FIGURES
    ]
    rows.append(Row("boxes proposed", mine["boxes"], PEER, theirs.get("boxes"), "", None, note))
    return rows


def _beside_ground(sweep: LabelledSweep) -> Row:
    """Processor time of our whole chain, and of Patchwork++'s ground step where it is installed."""
    ours = best_ms(lambda: our_proposals(sweep.points), 9, time.process_time)
    theirs: float | None = None
    with suppress(ImportError):
        theirs = best_ms(patchwork_alone(sweep.points), 9, time.process_time)
    name = f"processor time of the whole chain, {sweep.name}"
    return less_is_better(name, ours, "Patchwork++'s ground step alone", theirs, "ms")


def _peer_time(peer: _Side, sweep: LabelledSweep) -> float | None:
    """The peer's time; None where its packages are not installed."""
    try:
        return peer.take(sweep)
    except ImportError:
        return None
