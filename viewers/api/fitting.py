"""One-click fits and uncovered clusters on a frame of a recording."""

from typing import TYPE_CHECKING

import numpy as np

from lidar_label.arrays import Boxes, Ints
from lidar_label.datasets.recording import Recording
from lidar_label.kernels.boxes import fit_boxes, points_in_boxes
from lidar_label.kernels.clustering import dbscan
from lidar_label.kernels.ground import ground_mask
from lidar_label.ontology import Ontology

if TYPE_CHECKING:
    from lidar_label.one_click import Fit

_GROWN_M = 0.3  # about a cuboid: its fringe is no object of its own
_EPS_M, _LEAST_POINTS = 0.6, 12
_REACH_M = 60.0
_TALLEST_M, _LONGEST_M, _LEAST_HEIGHT_M = 5.0, 20.0, 0.3
_MOST_CLUSTERS = 100


def fit_in_frame(
    recording: Recording,
    frame: int,
    click: list[float] | None,
    box: list[float] | None,
    category: str | None,
    ontology: Ontology | None,
) -> "Fit":
    """The box that fits at a click or about a rough box, in the ego frame of the frame.

    Raises:
        UsageError: as `lidar_label.one_click.fit_at` says.
    """
    from lidar_label.one_click import fit_at

    places = [recording.rig[name].ego_from_sensor[:3, 3] for name in recording.lidars]
    x, y, z = np.mean(places, axis=0).tolist() if places else (0.0, 0.0, 0.0)

    return fit_at(
        recording.frame_points(frame).xyz,
        click=click,
        box=box,
        category=category,
        ontology=ontology,
        sensor_origin=(x, y, z),
    )


def uncovered_clusters(recording: Recording, frame: int, boxes: Boxes) -> tuple[Boxes, Ints]:
    """Clusters above the ground that lie outside all cuboids and have the size of an object.

    Args:
        recording: Where the points are.
        frame: Of it.
        boxes: (M, 7) the cuboids of the frame, ego frame.

    Returns:
        (K, 7) boxes around the clusters, those with most points first, and (K,) their points.
    """
    xyz = recording.frame_points(frame).xyz
    xyz = xyz[np.abs(xyz[:, :2]).max(axis=1, initial=0) < _REACH_M]
    if len(xyz) < _LEAST_POINTS:
        return np.zeros((0, 7)), np.zeros(0, dtype=np.int64)
    free = ~ground_mask(xyz)
    if len(boxes):
        grown = boxes + np.array([0, 0, 0, 1, 1, 1, 0]) * 2 * _GROWN_M
        free &= ~points_in_boxes(xyz, grown).any(axis=0)
    xyz = np.ascontiguousarray(xyz[free])
    labels = dbscan(xyz, _EPS_M, _LEAST_POINTS) if len(xyz) else np.zeros(0, dtype=np.int32)
    counts = np.bincount(labels[labels >= 0]).astype(np.int64)
    found = fit_boxes(xyz, labels)
    sized = (
        (counts >= _LEAST_POINTS)
        & (found[:, 5] >= _LEAST_HEIGHT_M)
        & (found[:, 5] <= _TALLEST_M)
        & (found[:, 3] <= _LONGEST_M)
    )
    rows = np.flatnonzero(sized)
    rows = rows[np.argsort(-counts[rows], kind="stable")][:_MOST_CLUSTERS]
    return found[rows], counts[rows]
