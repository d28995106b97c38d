"""What corrected frames of one simulated town bring: 0, 5, 20, 100 of them → edits that remain.

Run it: `python -m lidar_label.benchmarks.learning_curve [--json]`; it takes some minutes. Edits are
those that a person makes on frames of the same town and of others that taught nothing: a box
deleted, one drawn, and one moved where it fits below IoU 0.7.
"""

import argparse
import json
import sys
from typing import Any

import numpy as np

from lidar_label.benchmarks.labelled_sweeps import LabelledSweep
from lidar_label.benchmarks.proposals import judge, summarise
from lidar_label.benchmarks.simulated_sweeps import simulated_sweeps
from lidar_label.learning import learn
from lidar_label.lessons import CorrectedFrame
from lidar_label.proposals import ProposalConfig, propose

_TOWN, _OTHER_TOWNS = 60, (62, 63, 64)
_FRAMES = (0, 5, 20, 100)
_BEAMS = (64,)
_JUDGED = 12  # frames of the same town, after those that teach


def edits(sweeps: list[LabelledSweep], config: ProposalConfig) -> dict[str, float]:
    """Recall and precision at IoU 0.5, and edits a frame."""
    results = []
    for sweep in sweeps:
        cuboids = propose(sweep.points, config)
        results.append(judge(sweep, cuboids.boxes, cuboids.score.astype(np.float64), 0.0))
    found = np.concatenate([result.found[0.5] for result in results])
    close = np.concatenate([result.found[0.7] for result in results])
    wrong = sum(int((result.judged & ~result.right[0.5]).sum()) for result in results)
    summary = summarise(results)
    return {
        "recall": summary["recall@0.5"],
        "precision": summary["precision@0.5"],
        "AP": summary["AP@0.5"],
        "drawn": float((~found).sum() / len(sweeps)),
        "deleted": wrong / len(sweeps),
        "moved": float((found & ~close).sum() / len(sweeps)),
    }


def measure() -> list[dict[str, Any]]:
    """One row a number of corrected frames."""
    count = max(_FRAMES) + _JUDGED
    town = list(simulated_sweeps((_TOWN,), beams=_BEAMS, every=1.0, count=count))
    others = list(simulated_sweeps(_OTHER_TOWNS, beams=_BEAMS, every=5.0, count=4))
    taught, judged = town[: max(_FRAMES)], town[max(_FRAMES) :]
    rows: list[dict[str, Any]] = []
    for number in _FRAMES:
        config, why = ProposalConfig(), "nothing learned"
        if number:
            chosen = np.linspace(0, len(taught) - 1, number).astype(int)
            frames = [
                CorrectedFrame(taught[k].points, taught[k].boxes, taught[k].category)
                for k in chosen
            ]
            learned = learn(frames, config)
            config, why = learned.config, learned.reason
        rows.append(
            {
                "corrected frames": number,
                "same town": edits(judged, config),
                "other towns": edits(others, config),
                "reason": why,
            }
        )
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rows = measure()
    sys.stdout.write(json.dumps(rows, indent=None if options.json else 1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
