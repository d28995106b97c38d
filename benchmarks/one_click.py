"""One-click fits against people's labels: clicks half a metre off, rough boxes a fifth off.

Run it: `lidar-label benchmark one_click`, or, for every sensor,
`python -m lidar_label.benchmarks.one_click [DATA] [--json]`; without DATA on simulated
towns that taught the scorer nothing. Targets as in `proposals`: labelled objects with at least 10
points within 40 m. Clicks are the middle of the labelled box, moved by 0.5 m in a random direction;
rough boxes have each size multiplied by 0.8 to 1.2, their middle moved by as much as 0.5 m and
their yaw turned by as much as 10°.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.arrays import Floats
from lidar_label.benchmarks.labelled_sweeps import LabelledSweep, given_sweeps, labelled_sweeps
from lidar_label.benchmarks.proposals import MAX_RANGE_M, MIN_POINTS
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.benchmarks.simulated_sweeps import simulated_sweeps
from lidar_label.kernels.boxes import iou_bev
from lidar_label.one_click import Fit, fit_at
from lidar_label.ontology import road_ontology
from lidar_label.plausibility import VEHICLES

_TRIES = 5
_UNCHANGED = "rough box as it is"
_SORTS = ("vehicles", "people and two-wheelers")
_TOWNS = tuple(range(30, 36))
_BEAMS = (32, 64, 128)
Ask = Callable[[LabelledSweep, Floats, str, np.random.Generator], Fit]


def click(sweep: LabelledSweep, box: Floats, _: str, rng: np.random.Generator) -> Fit:
    """A click 0.5 m from the middle, class unknown."""
    return fit_at(sweep.points, click=_beside(box, rng))


def click_with_class(sweep: LabelledSweep, box: Floats, name: str, rng: np.random.Generator) -> Fit:
    """The same, class known."""
    return fit_at(sweep.points, click=_beside(box, rng), category=name)


def rough_box(sweep: LabelledSweep, box: Floats, name: str, rng: np.random.Generator) -> Fit:
    """A rough box, class known."""
    return fit_at(sweep.points, box=_roughly(box, rng), category=name)


def rough_box_alone(sweep: LabelledSweep, box: Floats, _: str, rng: np.random.Generator) -> Fit:
    """A rough box, class unknown."""
    return fit_at(sweep.points, box=_roughly(box, rng))


def unchanged(_: LabelledSweep, box: Floats, name: str, rng: np.random.Generator) -> Fit:
    """The rough box as it is: what the fit has to improve on."""
    return Fit(_roughly(box, rng), name, 0.0, 0.0, 0, "")


def _beside(box: Floats, rng: np.random.Generator) -> Floats:
    angle = rng.uniform(-np.pi, np.pi)
    return box[:3] + 0.5 * np.array([np.cos(angle), np.sin(angle), 0.0])


def _roughly(box: Floats, rng: np.random.Generator) -> Floats:
    rough = box.copy()
    rough[:2] += rng.uniform(-0.5, 0.5, 2) / np.sqrt(2)
    rough[3:6] *= rng.uniform(0.8, 1.2, 3)
    rough[6] += np.deg2rad(rng.uniform(-10, 10))
    return rough


ASKS: dict[str, Ask] = {
    "click": click,
    "click, class known": click_with_class,
    "rough box": rough_box_alone,
    "rough box, class known": rough_box,
    _UNCHANGED: unchanged,
}


def measure(sweeps: Iterable[LabelledSweep]) -> dict[str, Any]:
    """Mean IoU, share of fits of IoU ≥ 0.7 and ≥ 0.5, and time, for vehicles and all others."""
    ontology = road_ontology()
    names = {label.name for label in ontology.proposable()}
    rows: dict[tuple[str, str], list[float]] = {}
    times: dict[str, list[float]] = {}
    for sweep in sweeps:
        reach = np.hypot(sweep.boxes[:, 0], sweep.boxes[:, 1])
        for index in np.flatnonzero((sweep.num_points >= MIN_POINTS) & (reach <= MAX_RANGE_M)):
            box, name = sweep.boxes[index], ontology.canonical(str(sweep.category[index]))
            if name not in names:
                continue
            for key, ask in ASKS.items():
                rng = np.random.default_rng(int(index))
                for attempt in range(_TRIES + 1):
                    start = time.process_time()
                    fit = ask(sweep, box, name, rng)
                    seconds = time.process_time() - start
                    if attempt == 0:  # warm
                        continue
                    times.setdefault(key, []).append(1e3 * seconds)
                    iou = float(iou_bev(fit.box[None], box[None])[0, 0])
                    sort = _SORTS[0] if name in VEHICLES else _SORTS[1]
                    for part in (sort, sweep.sensor):
                        rows.setdefault((key, part), []).append(iou)
    return {
        f"{key}: {part}": {
            "fits": len(iou),
            "mean IoU": float(np.mean(iou)),
            "share IoU ≥ 0.7": float(np.mean(np.array(iou) >= 0.7)),
            "share IoU ≥ 0.5": float(np.mean(np.array(iou) >= 0.5)),
            "median ms": float(np.median(times[key])),
            "slowest 5 % ms": float(np.percentile(times[key], 95)),
        }
        for (key, part), iou in sorted(rows.items())
    }


def run(data: Path | None) -> list[Row]:
    """Mean IoU, shares that fit, and time of fits from clicks and rough boxes.

    Raises:
        UsageError: if there is no labelled sweep below `data`.
    """
    sweeps = given_sweeps(data)
    report = measure(sweeps)
    rows: list[Row] = []
    for name, figures in report.items():
        key, _, part = name.partition(": ")
        if key == _UNCHANGED or part not in _SORTS:
            continue
        peer = report[f"{_UNCHANGED}: {part}"] if key.startswith("rough box") else {}
        note = f"{part}: {figures['fits']} fits"
        rows += [
            more_is_better(f"{name}, {what}", figures[what], _UNCHANGED, peer.get(what), "", note)
            for what in ("mean IoU", "share IoU ≥ 0.7", "share IoU ≥ 0.5")
        ]
        rows.append(less_is_better(f"{name}, median", figures["median ms"], "", None, "ms", note))
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    made = simulated_sweeps(_TOWNS, beams=_BEAMS, every=5.0, count=1)
    report = measure(labelled_sweeps(options.data) if options.data else made)
    if options.json:
        sys.stdout.write(json.dumps(report) + "\n")
        return 0
    for name, figures in report.items():
        text = "  ".join(
            f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}"
            for key, value in figures.items()
        )
        sys.stdout.write(f"{name:48s} {text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
