"""Fit the scorers that come with the package to simulated streets, and measure them on others.

Run it: `python -m lidar_label.benchmarks.scorer [--write FOLDER] [--json]`. It takes some minutes.
No recording goes into it. One set of towns teaches, a second one calibrates the scores, a third one
measures; a part of the sweeps is thinned out, as sensors with fewer beams or points would do it.
Two are fitted: `street_scorer.json` says whether a person keeps a box; `click_scorer.json`, taught
by readings alone that touch an object, which of them fits best. Which least score costs a person
least (a box to delete a third of one to draw) is measured on the towns that calibrate.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.benchmarks.labelled_sweeps import LabelledSweep
from lidar_label.benchmarks.simulated_sweeps import simulated_sweeps
from lidar_label.learning import outcome
from lidar_label.lessons import KEPT_IOU, CorrectedFrame, Lesson, read_lesson, read_proposed
from lidar_label.proposals import ProposalConfig
from lidar_label.scorer_fitting import Growth, calibrated, fit_scorer
from lidar_label.scoring import Scorer

TEACH = (*range(40, 51), *range(70, 82))
CALIBRATE = (51, 52)
MEASURE = (53, 54, 55)
_BEAMS = (32, 64, 128)
_STREET = Growth(trees=150, depth=5, rate=0.08)
_CLICK = Growth(trees=120, depth=5, rate=0.08, worthless=0.4, perfect=0.8)
_TOUCHES_IOU = 0.1
_DELETING = 1 / 3  # of the time of drawing a box
_LEAST_SCORES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
_BANDS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.01)


def corrected(sweeps: Iterable[LabelledSweep], *, thinned: bool = True) -> list[CorrectedFrame]:
    """The sweeps as frames to learn from; of every third a random part of the points."""
    rng = np.random.default_rng(0)
    frames: list[CorrectedFrame] = []
    for index, sweep in enumerate(sweeps):
        points = sweep.points
        if thinned and index % 3 == 2:
            points = points[rng.random(len(points)) < rng.uniform(0.4, 0.9)]
        frames.append(CorrectedFrame(points, sweep.boxes, sweep.category))
    return frames


def fit(
    teach: list[CorrectedFrame], calibrate: list[CorrectedFrame], measure: list[CorrectedFrame]
) -> tuple[Scorer, Scorer, dict[str, Any]]:
    """Fit, calibrate and measure; the scorers of streets and of clicks, and the figures."""
    lesson = read_lesson(teach, ProposalConfig())
    start = time.process_time()
    scorer = fit_scorer(lesson, origin=f"{len(teach)} simulated sweeps", growth=_STREET)
    click = fit_scorer(
        touching(lesson), origin=f"objects of {len(teach)} simulated sweeps", growth=_CLICK
    )
    seconds = time.process_time() - start
    config = ProposalConfig(scorer=scorer)
    scorer = calibrated(scorer, read_proposed(calibrate, config))
    config = replace(config, scorer=scorer)
    report = {
        "version": scorer.version,
        "readings": len(lesson.values),
        "CPU seconds to fit": seconds,
        "other towns": asdict(outcome(measure, config)),
        "calibration, other towns": calibration(scorer, read_proposed(measure, config)),
        "cost by least score": {
            least: cost(calibrate, replace(config, min_score=least)) for least in _LEAST_SCORES
        },
    }
    return scorer, click, report


def touching(lesson: Lesson) -> Lesson:
    """The readings alone that touch an object."""
    on = lesson.quality >= _TOUCHES_IOU
    return Lesson(
        lesson.features, lesson.values[on], lesson.first[on], lesson.quality[on], lesson.frame[on]
    )


def calibration(scorer: Scorer, proposed: Lesson) -> list[dict[str, float]]:
    """By band of score: how many boxes, their mean score and the share that fits at IoU 0.5."""
    score = scorer.score(proposed.values, proposed.first)
    return [
        {
            "boxes": int(band.sum()),
            "mean score": float(score[band].mean()),
            "share kept": float((proposed.quality[band] >= KEPT_IOU).mean()),
        }
        for low, high in pairwise(_BANDS)
        if (band := (score >= low) & (score < high)).any()
    ]


def cost(frames: list[CorrectedFrame], config: ProposalConfig) -> float:
    """What is left to a person, in boxes to draw for each object: those missed and the wrong."""
    result = outcome(frames, config)
    wrong = result.recall * (1 / max(result.precision, 1e-9) - 1)
    return 1 - result.recall + _DELETING * wrong


def main(arguments: list[str] | None = None) -> int:
    """Fit, measure, print, and write the scorer where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", type=Path, metavar="FOLDER")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    sets = [
        corrected(simulated_sweeps(towns, beams=_BEAMS, every=5.0, count=3))
        for towns in (TEACH, CALIBRATE, MEASURE)
    ]
    street, click, report = fit(*sets)
    if options.write:
        for name, scorer in (("street", street), ("click", click)):
            text = scorer.to_json() + "\n"
            (options.write / f"{name}_scorer.json").write_text(text, encoding="utf-8")
    indent = None if options.json else 2
    sys.stdout.write(json.dumps(report, indent=indent) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
