"""A picture of the labelled objects that proposals miss by most, on simulated or given sweeps.

Run it: `python -m lidar_label.benchmarks.worst_proposals OUT.png [DATA]`; without DATA simulated.
"""

import argparse
import io
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from lidar_label.arrays import Boxes, Floats
from lidar_label.benchmarks.labelled_sweeps import LabelledSweep, labelled_sweeps
from lidar_label.benchmarks.proposals import MAX_RANGE_M, MIN_POINTS
from lidar_label.benchmarks.scorer import MEASURE
from lidar_label.benchmarks.simulated_sweeps import simulated_sweeps
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.kernels.boxes import iou_bev
from lidar_label.proposals import propose

_ROWS, _COLUMNS = 4, 5
_OF_ONE_SWEEP = 3
_HALF_M = 5.0  # of the square around each object
_TRUTH, _OURS = "#16a34a", "#ea580c"


def worst(
    sweeps: Iterable[LabelledSweep], count: int
) -> list[tuple[float, LabelledSweep, int, Cuboids]]:
    """The targets with the lowest IoU, the most points first among equals.

    Of one sweep at most `_OF_ONE_SWEEP`, so that no street fills the picture.
    """
    found: list[tuple[float, LabelledSweep, int, Cuboids]] = []
    for sweep in sweeps:
        cuboids = propose(sweep.points)
        reach = np.hypot(sweep.boxes[:, 0], sweep.boxes[:, 1])
        target = np.flatnonzero((sweep.num_points >= MIN_POINTS) & (reach <= MAX_RANGE_M))
        iou = iou_bev(cuboids.boxes, sweep.boxes).max(axis=0, initial=0.0)
        order = target[np.lexsort((-sweep.num_points[target], np.round(iou[target], 1)))]
        found += [(float(iou[i]), sweep, int(i), cuboids) for i in order[:_OF_ONE_SWEEP]]
    return sorted(found, key=lambda entry: (round(entry[0], 1), -entry[1].num_points[entry[2]]))[
        :count
    ]


def _outline(box: Floats) -> Floats:
    c, s = np.cos(box[6]), np.sin(box[6])
    corners = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1], [1, 1], [1.25, 0], [1, -1]]) / 2
    along, across = corners[:, 0] * box[3], corners[:, 1] * box[4]
    return np.column_stack((box[0] + c * along - s * across, box[1] + s * along + c * across))


def draw(entries: list[tuple[float, LabelledSweep, int, Cuboids]], path: Path) -> None:
    """Write the picture: points by height, truth green, proposals orange with class and score."""
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(15, 12.6), dpi=62, layout="constrained")
    axes = figure.subplots(_ROWS, _COLUMNS)
    for axis in axes.ravel()[len(entries) :]:
        axis.set_axis_off()
    for axis, (iou, sweep, index, cuboids) in zip(axes.ravel(), entries, strict=False):
        truth: Floats = sweep.boxes[index]
        near = np.abs(sweep.points[:, :2] - truth[:2]).max(axis=1) < _HALF_M
        points = sweep.points[near]
        axis.scatter(*points[:, :2].T, c=points[:, 2], s=2, cmap="viridis", linewidths=0)
        _draw_boxes(axis, sweep.boxes, truth[:2], _TRUTH)
        _draw_boxes(axis, cuboids.boxes, truth[:2], _OURS)
        for box, name, score in zip(cuboids.boxes, cuboids.category, cuboids.score, strict=True):
            if np.abs(box[:2] - truth[:2]).max() < 0.8 * _HALF_M:
                axis.text(
                    box[0], box[1], f"{name} {score:.2f}", color=_OURS, fontsize=9, clip_on=True
                )
        reach = float(np.hypot(truth[0], truth[1]))
        axis.set_title(
            f"{sweep.category[index]}, {sweep.num_points[index]} points, {reach:.0f} m\n"
            f"best IoU {iou:.2f}",
            fontsize=10,
        )
        axis.set_xlim(truth[0] - _HALF_M, truth[0] + _HALF_M)
        axis.set_ylim(truth[1] - _HALF_M, truth[1] + _HALF_M)
        axis.set_aspect("equal")
        axis.set_xticks([])
        axis.set_yticks([])
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    with Image.open(drawn) as image:  # a palette keeps the file small
        image.convert("RGB").quantize(64).save(path, optimize=True)


def _draw_boxes(axis: object, boxes: Boxes, centre: Floats, colour: str) -> None:
    for box in boxes[np.abs(boxes[:, :2] - centre).max(axis=1) < 2 * _HALF_M]:
        axis.plot(*_outline(box).T, color=colour, linewidth=1.5)  # type: ignore[attr-defined]


def main(arguments: list[str] | None = None) -> int:
    """Draw the worst twenty and list them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("data", type=Path, nargs="?")
    options = parser.parse_args(arguments)
    sweeps = (
        labelled_sweeps(options.data)
        if options.data
        else simulated_sweeps(MEASURE, beams=(64,), every=5.0, count=3)
    )
    entries = worst(sweeps, _ROWS * _COLUMNS)
    draw(entries, options.picture)
    for iou, sweep, index, _ in entries:
        sys.stdout.write(
            f"{sweep.name}: {sweep.category[index]}, {sweep.num_points[index]} points, "
            f"IoU {iou:.2f}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
