"""Slow, obvious twins of the kernels: what each must give, written for reading, not for speed."""

import numpy as np


def dbscan(points, eps, min_points):
    """All pairs of distances; clusters grown from one core point to the next."""
    xyz = np.asarray(points, dtype=np.float64)[:, :3]
    labels = np.full(len(xyz), -1, dtype=np.int32)
    finite = np.flatnonzero(np.isfinite(xyz).all(axis=1))
    xyz = xyz[finite]
    squared = ((xyz[:, None] - xyz[None]) ** 2).sum(axis=2)
    close = squared <= float(eps) * float(eps)
    core = close.sum(axis=1) >= min_points
    cluster = np.full(len(xyz), -1)
    for seed in np.flatnonzero(core):
        if cluster[seed] >= 0:
            continue
        todo = [seed]
        cluster[seed] = seed
        while todo:
            for other in np.flatnonzero(close[todo.pop()] & core):
                if cluster[other] < 0:
                    cluster[other] = seed
                    todo.append(other)
    for i in np.flatnonzero(~core):
        reach = [(squared[i, j], *xyz[j], cluster[j]) for j in np.flatnonzero(close[i] & core)]
        if reach:
            cluster[i] = min(reach)[-1]
    numbers = {}
    for i in np.flatnonzero(cluster >= 0):
        labels[finite[i]] = numbers.setdefault(cluster[i], len(numbers))
    return labels


def corners(box):
    """(4, 2) corners of a box from above, counter-clockwise."""
    x, y, _, length, width, _, yaw = box
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    local = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * [length / 2, width / 2]
    return local @ turn.T + [x, y]


def iou(a, b, in_space):
    """IoU of two boxes by shapely's polygons."""
    from shapely.geometry import Polygon

    first, second = a[3] * a[4], b[3] * b[4]
    shared = Polygon(corners(a)).intersection(Polygon(corners(b))).area if first * second else 0.0
    if in_space:
        low = max(a[2] - a[5] / 2, b[2] - b[5] / 2)
        high = min(a[2] + a[5] / 2, b[2] + b[5] / 2)
        shared, first, second = shared * max(high - low, 0), first * a[5], second * b[5]
    return shared / (first + second - shared) if shared > 0 else 0.0


def nms(boxes, scores, iou_threshold):
    """Best first, keep a box when it overlaps no kept one too much."""
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all(iou(boxes[i], boxes[k], False) <= iou_threshold for k in kept):
            kept.append(i)
    return kept


def points_in_boxes(points, boxes):
    """Each point in the frame of each box."""
    inside = np.zeros((len(boxes), len(points)), dtype=bool)
    for m, (x, y, z, length, width, height, yaw) in enumerate(boxes):
        for i, point in enumerate(np.asarray(points, dtype=np.float64)):
            dx, dy, dz = point[0] - x, point[1] - y, point[2] - z
            inside[m, i] = (
                abs(np.cos(yaw) * dx + np.sin(yaw) * dy) <= length / 2 + 1e-6
                and abs(np.cos(yaw) * dy - np.sin(yaw) * dx) <= width / 2 + 1e-6
                and abs(dz) <= height / 2 + 1e-6
            )
    return inside


def rectangle(xy, angle):
    """The bounding rectangle at an angle: length, width, centre; and its closeness (Zhang 2017)."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    local = xy @ turn
    low, high = local.min(axis=0), local.max(axis=0)
    below, above = local - low, high - local
    edges = [
        below[:, k] if np.linalg.norm(below[:, k]) < np.linalg.norm(above[:, k]) else above[:, k]
        for k in (0, 1)
    ]
    closeness = (1 / np.maximum(np.minimum(*edges), 0.03)).sum()
    return high - low, turn @ ((low + high) / 2), closeness


def fit_boxes(points, labels):
    """The best of 900 angles for each cluster."""
    boxes = np.zeros((max(labels, default=-1) + 1, 7))
    points = np.asarray(points, dtype=np.float64)
    for k in range(len(boxes)):
        own = points[(np.asarray(labels) == k) & np.isfinite(points).all(axis=1)]
        if not len(own):
            continue
        angles = np.linspace(0, np.pi / 2, 900, endpoint=False)
        angle = max(angles, key=lambda a: rectangle(own[:, :2], a)[2])
        (length, width), centre, _ = rectangle(own[:, :2], angle)
        if width > length:
            length, width, angle = width, length, angle + np.pi / 2
        low, high = own[:, 2].min(), own[:, 2].max()
        boxes[k] = [*centre, (low + high) / 2, length, width, high - low, angle]
    return boxes


def fit_residuals(points, labels, boxes):
    """Distance of each point to the outline of its box, by shapely."""
    from shapely.geometry import LinearRing, Point

    sums, counts = np.zeros(len(boxes)), np.zeros(len(boxes))
    for point, label in zip(points, labels, strict=True):
        if label >= 0 and np.isfinite(point).all():
            sums[label] += LinearRing(corners(boxes[label])).distance(Point(point[:2]))
            counts[label] += 1
    return sums / np.maximum(counts, 1)


def voxel_means(columns, size):
    """The mean row of each voxel, keyed by the voxel."""
    rows = {}
    for row in np.asarray(columns, dtype=np.float64):
        if np.isfinite(row[:3]).all():
            rows.setdefault(tuple(np.floor(row[:3] * (1.0 / size))), []).append(row)
    return [np.mean(rows[voxel], axis=0) for voxel in sorted(rows)]


def voxel_downsample(points, size):
    """The first finite point of each voxel."""
    first = {}
    for i, point in enumerate(np.asarray(points, dtype=np.float64)):
        if np.isfinite(point).all():
            first.setdefault(tuple(np.floor(point[:3] * (1.0 / size))), i)
    return np.array(sorted(first.values()), dtype=np.int64)
