"""Whether the simulator's intensities are true enough to teach a scorer: ranks on objects by class.

Run it: `python -m lidar_label.benchmarks.intensity_ranks DATA`. Sensors count intensity in units of
their own and it falls with range; the rank of a point among the sweep's points within the same
5 m of range has neither. For each class: the median rank, and the share of the points above 0.97
(plates, reflectors) and below 0.2 (dark paint, tyres), means over the labelled objects.
"""

import argparse
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np

from lidar_label.arrays import Floats, Floats32
from lidar_label.benchmarks.labelled_sweeps import LabelledSweep, labelled_sweeps
from lidar_label.benchmarks.proposals import MAX_RANGE_M, MIN_POINTS, OTHER_TOWNS
from lidar_label.benchmarks.simulated_sweeps import simulated_sweeps
from lidar_label.kernels.boxes import points_in_boxes
from lidar_label.ontology import road_ontology

_RING_M = 5.0
_BRIGHT, _DARK = 0.97, 0.2
_FEWEST = 3  # objects of a class that make a row


def ranks(points: Floats32) -> Floats:
    """(N,) rank of each point's intensity in [0, 1) within its ring; equal ones share the mean."""
    ring = (np.hypot(points[:, 0], points[:, 1]) / _RING_M).astype(np.int64)
    result = np.zeros(len(points))
    for number in np.unique(ring):
        members = np.flatnonzero(ring == number)
        _, which, count = np.unique(points[members, 3], return_inverse=True, return_counts=True)
        result[members] = ((np.cumsum(count) - (count + 1) / 2) / len(members))[which]
    return result


def by_class(sweeps: Iterable[LabelledSweep]) -> dict[tuple[str, str], Floats]:
    """(class, sensor) → (K, 3) median rank, bright and dark share of each of K objects."""
    canonical = road_ontology().canonical
    rows: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for sweep in sweeps:
        points = sweep.points[np.isfinite(sweep.points).all(axis=1)]
        rank = ranks(points)
        reach = np.hypot(sweep.boxes[:, 0], sweep.boxes[:, 1])
        target = np.flatnonzero((sweep.num_points >= MIN_POINTS) & (reach <= MAX_RANGE_M))
        for index, inside in zip(target, points_in_boxes(points, sweep.boxes[target]), strict=True):
            own = rank[inside]
            key = canonical(str(sweep.category[index])), sweep.sensor.partition("-")[0]
            bright, dark = float((own > _BRIGHT).mean()), float((own < _DARK).mean())
            rows.setdefault(key, []).append((float(np.median(own)), bright, dark))
    return {key: np.array(found) for key, found in rows.items()}


def main(arguments: list[str] | None = None) -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    options = parser.parse_args(arguments)
    made = simulated_sweeps(OTHER_TOWNS, beams=(32, 64, 128), every=5.0, count=1)
    for (name, sensor), found in sorted(
        by_class(chain(labelled_sweeps(options.data), made)).items()
    ):
        if len(found) >= _FEWEST:
            median, bright, dark = found.mean(axis=0)
            sys.stdout.write(
                f"{name:12s} {sensor:10s} objects {len(found):4d}  median rank {median:.2f}  "
                f"bright {bright:.2f}  dark {dark:.2f}\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
