"""Kernels against Open3D, scikit-learn, OpenCV and shapely: each figure a ratio within one run.

`python -m lidar_label.benchmarks.kernels [--data DIR] [--json]` is `lidar-label benchmark kernels`.
Times are the best of several calls, warm, of one process; a peer may use all cores, we use one.
"""

import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.arrays import Boxes, Floats, Ints, Points
from lidar_label.benchmarks.kernel_inputs import (
    Clusters,
    labelled_clusters,
    sweeps,
    two_sided_clusters,
)
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.calibration.load_open3d import load_open3d
from lidar_label.kernels.boxes import (
    count_points_in_boxes,
    fit_boxes,
    iou_3d,
    iou_bev,
    nms,
)
from lidar_label.kernels.clustering import dbscan
from lidar_label.kernels.voxels import voxel_downsample

EPS_M, MIN_POINTS = 0.5, 10
NMS_IOU = 0.3
_FACE_M = 2e-6  # this near to a face rounding decides who is inside


def run(data: Path | None) -> list[Row]:
    """Every kernel on the sweeps below `data`, or on a made one."""
    return [
        *clustering_rows(data),
        *fitting_rows(data),
        *overlap_rows(),
        *containment_rows(data),
        *voxel_rows(data),
    ]


def best_ms(
    call: Callable[[], object],
    repeats: int = 7,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """The best time of several calls after one that warms up."""
    call()
    best = float("inf")
    for _ in range(repeats):
        start = clock()
        call()
        best = min(best, clock() - start)
    return best * 1e3


def clustering_rows(data: Path | None) -> list[Row]:
    """DBSCAN on the points above ground, and whether the partition is scikit-learn's."""
    from sklearn.cluster import DBSCAN

    o3d: Any = load_open3d()
    rows: list[Row] = []
    for sweep in sweeps(data):
        points = sweep.above
        ours = best_ms(lambda: dbscan(points, EPS_M, MIN_POINTS), 15)  # noqa: B023
        name = f"DBSCAN({EPS_M}, {MIN_POINTS}), {sweep.name}, {len(points)} points above ground"
        cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points.astype(np.float64)))
        start = time.perf_counter()
        cloud.cluster_dbscan(EPS_M, MIN_POINTS)
        rows.append(less_is_better(name, ours, "Open3D", (time.perf_counter() - start) * 1e3, "ms"))
        start = time.perf_counter()
        model = DBSCAN(eps=EPS_M, min_samples=MIN_POINTS).fit(points.astype(np.float64))
        theirs = (time.perf_counter() - start) * 1e3
        same = same_partition(dbscan(points, EPS_M, MIN_POINTS), model)
        note = "partition: that of scikit-learn" if same else "PARTITION IS NOT SCIKIT-LEARN'S"
        rows.append(less_is_better(name, ours, "scikit-learn", theirs, "ms", note))
    return rows


def same_partition(labels: Any, model: Any) -> bool:
    """Whether noise is the same, and core points are together as in scikit-learn's fitted model."""
    core = model.core_sample_indices_
    pairs = np.unique(np.column_stack([labels[core], model.labels_[core]]), axis=0)
    clusters = len(np.unique(labels[core])), len(np.unique(model.labels_[core]))
    together = len(pairs) == clusters[0] == clusters[1]
    return together and bool(((labels < 0) == (model.labels_ < 0)).all())


def fitting_rows(data: Path | None) -> list[Row]:
    """Time on the clusters of sweeps; IoU where the box is known."""
    rows: list[Row] = []
    for sweep in sweeps(data):
        labels = dbscan(sweep.above, EPS_M, MIN_POINTS)
        ours = best_ms(lambda: fit_boxes(sweep.above, labels))  # noqa: B023
        name = f"fit boxes, {sweep.name}, {labels.max() + 1} clusters"
        peer = best_ms(lambda: smallest_rectangles(sweep.above, labels), 3)  # noqa: B023
        rows.append(less_is_better(name, ours, "OpenCV minAreaRect", peer, "ms"))
        start = time.perf_counter()
        smallest_boxes(sweep.above, labels)
        peer = (time.perf_counter() - start) * 1e3
        rows.append(less_is_better(name, ours, "Open3D minimal box", peer, "ms"))
    known: list[Clusters | None] = [two_sided_clusters(), labelled_clusters(data)]
    for clusters in known:
        if clusters is None:
            continue
        ours = mean_iou(fit_boxes(clusters.points, clusters.labels), clusters.boxes)
        name = f"fit boxes, mean BEV IoU, {len(clusters.boxes)} {clusters.name}"
        note = "IoU of the box around what is seen with the whole object's"
        for peer_name, peer in (
            ("OpenCV minAreaRect", smallest_rectangles(clusters.points, clusters.labels)),
            ("Open3D minimal box", smallest_boxes(clusters.points, clusters.labels)),
        ):
            theirs = mean_iou(peer, clusters.boxes)
            rows.append(more_is_better(name, ours, peer_name, theirs, "", note))
    return rows


def mean_iou(boxes: Boxes, truth: Boxes) -> float:
    """Mean BEV IoU, row by row."""
    return float(np.mean([iou_bev(boxes[k : k + 1], truth[k : k + 1]) for k in range(len(truth))]))


def _members(points: Points, labels: Any) -> list[Points]:
    order = np.argsort(labels, kind="stable")
    begins = np.searchsorted(labels[order], np.arange(labels.max() + 2))
    return [points[order[a:b]] for a, b in itertools.pairwise(begins.tolist())]


def smallest_rectangles(points: Points, labels: Any) -> Boxes:
    """OpenCV's rectangle of least area around each cluster."""
    import cv2

    boxes: list[list[float]] = []
    for members in _members(points, labels):
        (x, y), (a, b), angle = cv2.minAreaRect(np.ascontiguousarray(members[:, :2]))
        low, high = float(members[:, 2].min()), float(members[:, 2].max())
        boxes.append([x, y, (low + high) / 2, a, b, high - low, np.deg2rad(angle)])
    return np.array(boxes)


def smallest_boxes(points: Points, labels: Any) -> Boxes:
    """Open3D's box of least volume around each cluster, its most upright axis made vertical."""
    o3d: Any = load_open3d()
    boxes: list[list[float]] = []
    for members in _members(points, labels):
        try:
            box = o3d.geometry.OrientedBoundingBox.create_from_points_minimal(
                o3d.utility.Vector3dVector(members.astype(np.float64))
            )
        except RuntimeError:  # points in one plane
            boxes.append([0.0] * 7)
            continue
        turn, extent = np.asarray(box.R), np.asarray(box.extent)
        up = int(np.abs(turn[2]).argmax())
        i, j = (up + 1) % 3, (up + 2) % 3
        yaw = float(np.arctan2(turn[1, i], turn[0, i]))
        boxes.append([*np.asarray(box.center), extent[i], extent[j], extent[up], yaw])
    return np.array(boxes)


def _random_boxes(count: int, side: float, seed: int) -> Boxes:
    rng = np.random.default_rng(seed)
    low, high = [-side, -side, -1, 0.6, 0.5, 1.4, -3], [side, side, 1, 12, 2.5, 3, 3]
    return rng.uniform(low, high, (count, 7))


def overlap_rows() -> list[Row]:
    """IoU against shapely, which is given a tree to find the pairs; suppression against OpenCV."""
    import shapely

    rows: list[Row] = []
    for count in (100, 1000):
        a, b = _random_boxes(count, 50, 0), _random_boxes(count, 50, 1)

        def by_shapely() -> Floats:
            polygons: list[Any] = [shapely.polygons(_corners(boxes)) for boxes in (a, b)]  # noqa: B023
            first, second = polygons
            i, j = shapely.STRtree(second).query(first, predicate="intersects")
            shared: Any = shapely.area(shapely.intersection(first[i], second[j]))
            areas: list[Any] = [shapely.area(first), shapely.area(second)]
            iou = np.zeros((len(first), len(second)))
            iou[i, j] = shared / (areas[0][i] + areas[1][j] - shared)
            return iou

        furthest = float(np.abs(by_shapely() - iou_bev(a, b)).max())
        rows.append(
            less_is_better(
                f"IoU from above, {count} × {count} boxes",
                best_ms(lambda: iou_bev(a, b)),  # noqa: B023
                "shapely with a tree",
                best_ms(by_shapely, 3),
                "ms",
                f"IoU differs from shapely's by at most {furthest:.1e}",
            )
        )
        rows.append(
            less_is_better(
                f"IoU in space, {count} × {count} boxes",
                best_ms(lambda: iou_3d(a, b)),  # noqa: B023
                "",
                None,
                "ms",
            )
        )
    boxes, scores = _random_boxes(1000, 30, 2), np.random.default_rng(3).random(1000)
    by_opencv = opencv_suppression(boxes, scores)
    same = by_opencv() == greedy(iou_with_nested_as_one(boxes), scores)
    others = "with nested boxes' IoU taken as 1, as OpenCV does, suppression keeps"
    rows.append(
        less_is_better(
            "non-maximum suppression, 1000 boxes",
            best_ms(lambda: nms(boxes, scores, NMS_IOU)),
            "OpenCV NMSBoxesRotated",
            best_ms(by_opencv, 3),
            "ms",
            f"{others} {'the same boxes as' if same else 'OTHER BOXES THAN'} OpenCV",
        )
    )
    return rows


def opencv_suppression(boxes: Boxes, scores: Floats) -> Callable[[], set[int]]:
    """Answers the rows that OpenCV keeps; its own form of the boxes is made beforehand."""
    import cv2

    rectangles = [
        ((x, y), (length, width), float(np.degrees(yaw)))
        for x, y, _, length, width, _, yaw in boxes.tolist()
    ]
    likely = scores.tolist()

    def kept() -> set[int]:
        rows = np.asarray(cv2.dnn.NMSBoxesRotated(rectangles, likely, 0.0, NMS_IOU))
        return set(rows.ravel().tolist())

    return kept


def iou_with_nested_as_one(boxes: Boxes) -> Floats:
    """IoU from above, except that a rectangle within another one counts as equal to it.

    OpenCV's rule: `rotatedRectIOU` (modules/dnn/src/nms.cpp) answers 1 to INTERSECT_FULL.
    """
    import shapely

    polygons: Any = shapely.polygons(_corners(boxes))
    iou = iou_bev(boxes, boxes)
    i, j = np.nonzero(iou)
    nested = shapely.covers(polygons[i], polygons[j]) | shapely.covers(polygons[j], polygons[i])
    iou[i[nested], j[nested]] = 1.0
    return iou


def greedy(iou: Floats, scores: Floats) -> set[int]:
    """Rows that suppression by a given IoU keeps, the best first."""
    kept: list[int] = []
    for row in np.argsort(-scores, kind="stable").tolist():
        if not (iou[row, kept] > NMS_IOU).any():
            kept.append(row)
    return set(kept)


def _corners(boxes: Boxes) -> Floats:
    c, s = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    u = boxes[:, 3, None] / 2 * [1, -1, -1, 1]
    v = boxes[:, 4, None] / 2 * [1, 1, -1, -1]
    x = boxes[:, 0, None] + c[:, None] * u - s[:, None] * v
    y = boxes[:, 1, None] + s[:, None] * u + c[:, None] * v
    return np.stack([x, y], axis=2)


def containment_rows(data: Path | None) -> list[Row]:
    """Points in 100 boxes, against Open3D box by box."""
    sweep = next(sweeps(data))
    boxes = _random_boxes(100, 30, 4)
    ours = count_points_in_boxes(sweep.points, boxes)
    by_open3d = open3d_counts(sweep.points, boxes)
    apart = np.abs(ours - by_open3d())
    same = bool((apart <= count_on_faces(sweep.points, boxes)).all())
    return [
        less_is_better(
            f"points in 100 boxes, {sweep.name}, {len(sweep.points)} points",
            best_ms(lambda: count_points_in_boxes(sweep.points, boxes)),
            "Open3D",
            best_ms(by_open3d, 3),
            "ms",
            f"{int(apart.sum())} of {int(ours.sum())} points counted otherwise than by Open3D, "
            + ("all on a face" if same else "NOT ALL ON A FACE"),
        )
    ]


def open3d_counts(points: Points, boxes: Boxes) -> Callable[[], Ints]:
    """Answers (M,) points in each box by Open3D; its own form of both is made beforehand."""
    o3d: Any = load_open3d()
    cloud = o3d.utility.Vector3dVector(points.astype(np.float64))
    turn = o3d.geometry.get_rotation_matrix_from_xyz
    oriented = [
        o3d.geometry.OrientedBoundingBox(box[:3], turn((0, 0, box[6])), box[3:6]) for box in boxes
    ]
    return lambda: np.array(
        [len(box.get_point_indices_within_bounding_box(cloud)) for box in oriented]
    )


def count_on_faces(points: Points, boxes: Boxes) -> Ints:
    """(M,) points so near to a face of each box that rounding decides."""
    counts: list[int] = []
    for box in boxes:
        x, y, z = (points.astype(np.float64) - box[:3]).T
        c, s = np.cos(box[6]), np.sin(box[6])
        beyond = np.abs([c * x + s * y, c * y - s * x, z]) - box[3:6, None] / 2
        counts.append(int((np.abs(beyond.max(axis=0)) <= _FACE_M).sum()))
    return np.array(counts)


def voxel_rows(data: Path | None) -> list[Row]:
    """Down-sampling to 0.2 m; Open3D answers with means instead of points."""
    o3d: Any = load_open3d()
    sweep = next(sweeps(data))
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(sweep.points.astype(np.float64)))
    return [
        less_is_better(
            f"one point a 0.2 m voxel, {sweep.name}, {len(sweep.points)} points",
            best_ms(lambda: voxel_downsample(sweep.points, 0.2)),
            "Open3D",
            best_ms(lambda: cloud.voxel_down_sample(0.2), 3),
            "ms",
        )
    ]


if __name__ == "__main__":
    from lidar_label.cli import main

    raise SystemExit(main(["benchmark", "kernels", *sys.argv[1:]]))
