"""What the kernels are measured on: real sweeps, and scenes and clusters made to a known truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lidar_label.arrays import Boxes, Ints, Points
from lidar_label.kernels.boxes import points_in_boxes
from lidar_label.kernels.ground import ground_mask


@dataclass(frozen=True)
class Sweep:
    """One sweep: its name, all its points, and those above ground; (N, 3) float32."""

    name: str
    points: Points
    above: Points


@dataclass(frozen=True)
class Clusters:
    """Clusters whose box is known: points (N, 3), labels (N,), boxes (K, 7)."""

    name: str
    points: Points
    labels: Ints
    boxes: Boxes


def sweeps(data: Path | None) -> Iterator[Sweep]:
    """A sparse and two dense real sweeps below `data`; a made one where there are none."""
    found = False
    for name, path in (
        ("KITTI 000000", "kitti_odometry_00/velodyne/000000.bin"),
        ("VoD 00549", "view_of_delft/lidar/training/velodyne/00549.bin"),
        ("VoD 01047", "view_of_delft/lidar/training/velodyne/01047.bin"),
    ):
        if data is not None and (data / path).is_file():
            found = True
            table = np.fromfile(data / path, dtype=np.float32).reshape(-1, 4)
            points = np.ascontiguousarray(table[np.isfinite(table).all(axis=1), :3])
            yield Sweep(name, points, points[~ground_mask(points)])
    if not found:
        above = scene(60_000)
        ground = np.random.default_rng(1).uniform(-60, 60, (60_000, 3)).astype(np.float32)
        ground[:, 2] = -1.8
        yield Sweep("made sweep", np.concatenate([above, ground]), above)


def scene(count: int, seed: int = 0) -> Points:
    """Points on the visible sides of objects, walls and poles; the area grows with the count."""
    rng = np.random.default_rng(seed)
    objects = max(count // 600, 1)
    side = 9.0 * np.sqrt(objects)
    places = rng.uniform(-side / 2, side / 2, (objects, 2))
    sizes = rng.choice([(4.4, 1.8, 1.6), (0.6, 0.6, 1.7), (1.8, 0.6, 1.7), (15, 0.3, 3)], objects)
    yaw = rng.uniform(-np.pi, np.pi, objects)
    share = sizes.sum(axis=1) / sizes.sum()
    of = np.sort(rng.choice(objects, count, p=share))
    along, across = rng.uniform(-0.5, 0.5, (2, count))
    on_end = rng.random(count) < sizes[of, 1] / (sizes[of, 0] + sizes[of, 1])
    u = np.where(on_end, 0.5, along) * sizes[of, 0] + rng.normal(0, 0.02, count)
    v = np.where(on_end, across, 0.5) * sizes[of, 1] + rng.normal(0, 0.02, count)
    c, s = np.cos(yaw[of]), np.sin(yaw[of])
    z = rng.random(count) * sizes[of, 2] - 1.5
    points = np.column_stack([places[of, 0] + c * u - s * v, places[of, 1] + s * u + c * v, z])
    return rng.permutation(points).astype(np.float32)


def two_sided_clusters(count: int = 200, seed: int = 0) -> Clusters:
    """Cars as a spinning sensor at the origin sees them: two sides at most, in front 2 cm of noise.

    Rays every 0.2° meet the nearer sides; one car in three is partly hidden; one point in ten is
    lost, and the upper third of the points lies 0.1 to 0.5 m further in (windows).
    """
    rng = np.random.default_rng(seed)
    parts: list[Points] = []
    boxes: list[list[float]] = []
    while len(parts) < count:
        length, width = rng.uniform(3.6, 5.0), rng.uniform(1.6, 2.0)
        reach, bearing, yaw = rng.uniform(6, 40), rng.uniform(-3, 3), rng.uniform(-3, 3)
        x, y = reach * np.cos(bearing), reach * np.sin(bearing)
        rays = np.repeat(np.arange(bearing - 0.5, bearing + 0.5, np.radians(0.2)), 8)
        c, s = np.cos(yaw), np.sin(yaw)
        directions = np.array([np.cos(rays - yaw), np.sin(rays - yaw)])
        origin = -np.array([c * x + s * y, c * y - s * x])
        half = np.array([length, width]) / 2
        slabs = (np.array([-half, half]) - origin)[:, :, None] / directions
        near, far = slabs.min(axis=0).max(axis=0), slabs.max(axis=0).min(axis=0)
        seen = (near < far) & (rng.random(len(rays)) > 0.1)
        if rng.random() < 0.3:
            seen &= rays > bearing
        if seen.sum() < 30:
            continue
        distance = near[seen] + rng.normal(0, 0.02, seen.sum())
        level = rng.random(seen.sum())
        distance += np.where(level > 2 / 3, rng.uniform(0.1, 0.5, seen.sum()), 0.0)
        xy = distance[:, None] * np.column_stack([np.cos(rays[seen]), np.sin(rays[seen])])
        parts.append(np.column_stack([xy, 1.5 * level - 1.5]).astype(np.float32))
        boxes.append([x, y, -0.75, length, width, 1.5, yaw])
    labels = np.repeat(np.arange(count), [len(part) for part in parts])
    return Clusters("made cars, two sides seen", np.concatenate(parts), labels, np.array(boxes))


def labelled_clusters(data: Path | None) -> Clusters | None:
    """The points in labelled boxes longer than 2.5 m, within 60 m; None without labelled sweeps."""
    from lidar_label.benchmarks.labelled_sweeps import labelled_sweeps

    parts: list[Points] = []
    boxes: list[Boxes] = []
    for sweep in labelled_sweeps(data) if data else ():
        points = np.ascontiguousarray(sweep.points[np.isfinite(sweep.points).all(axis=1), :3])
        points = points[~ground_mask(points)]
        grown = sweep.boxes + np.array([0, 0, 0, 0.2, 0.2, 0.2, 0])
        for box, inside in zip(sweep.boxes, points_in_boxes(points, grown), strict=True):
            if inside.sum() >= 10 and box[3:5].max() > 2.5 and np.hypot(box[0], box[1]) < 60:
                parts.append(points[inside])
                boxes.append(box)
    if not parts:
        return None
    labels = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return Clusters("labelled vehicles", np.concatenate(parts), labels, np.array(boxes))
