"""Fit the scorer that comes with the package to simulated streets, and measure it on others.

Run it: `python -m lidar_label.benchmarks.scorer [--write FILE] [--json]`. It takes some minutes.
No recording goes into it. One set of towns teaches, a second one calibrates the scores, a third one
measures; a part of the sweeps is thinned out, as sensors with fewer beams or points would do it.
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
from lidar_label.learning import (
    CorrectedFrame,
    calibrated,
    fit_scorer,
    outcome,
    read_lesson,
    read_proposed,
)
from lidar_label.proposals import ProposalConfig

TEACH = tuple(range(40, 51))
CALIBRATE = (51, 52)
MEASURE = (53, 54, 55)
_BEAMS = (32, 64, 128)
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
) -> tuple[ProposalConfig, dict[str, Any]]:
    """Fit, calibrate and measure; the configuration with the new scorer, and the figures."""
    lesson = read_lesson(teach, ProposalConfig())
    start = time.perf_counter()
    scorer = fit_scorer(lesson, origin=f"{len(teach)} simulated sweeps")
    seconds = time.perf_counter() - start
    config = ProposalConfig(scorer=scorer)
    scorer = calibrated(scorer, read_proposed(calibrate, config))
    config = replace(config, scorer=scorer)
    proposed = read_proposed(measure, config)
    score = scorer.score(proposed.values, proposed.first)
    bands = [
        {
            "boxes": int(band.sum()),
            "mean score": float(score[band].mean()),
            "share kept": float((proposed.quality[band] >= 0.5).mean()),
        }
        for low, high in pairwise(_BANDS)
        if (band := (score >= low) & (score < high)).any()
    ]
    report = {
        "version": scorer.version,
        "readings": len(lesson.values),
        "seconds to fit": seconds,
        "other towns": asdict(outcome(measure, config)),
        "calibration, other towns": bands,
    }
    return config, report


def main(arguments: list[str] | None = None) -> int:
    """Fit, measure, print, and write the scorer where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    sets = [
        corrected(simulated_sweeps(towns, beams=_BEAMS, every=5.0, count=3))
        for towns in (TEACH, CALIBRATE, MEASURE)
    ]
    config, report = fit(*sets)
    if options.write and config.scorer:
        options.write.write_text(config.scorer.to_json() + "\n", encoding="utf-8")
    indent = None if options.json else 2
    sys.stdout.write(json.dumps(report, indent=indent) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
