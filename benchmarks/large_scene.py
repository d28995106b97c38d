"""Recordings that are large, made from a seed: a surveyed street at UTM, and a long drive."""

from pathlib import Path

import numpy as np

from lidar_label.arrays import Boxes, Floats, Points
from lidar_label.datasets.recording_writer import RecordingWriter

UTM_ORIGIN = (500_000.0, 5_400_000.0, 310.0)  # zone 32, middle of the street
_CARS = tuple(
    (12.0 * k - 54.0, side * 5.0, 0.75, 4.4, 1.8, 1.5, 0.0) for k in range(10) for side in (-1, 1)
)
_REACH_M = 120.0
_START_NS, _STEP_NS, _STEP_M = 1_700_000_000_000_000_000, 100_000_000, 0.4


def street(count: int, seed: int = 0) -> tuple[Points, Boxes]:
    """Points on ground, walls and parked cars, denser near the middle, ground at z = 0.

    Args:
        count: Of the points.
        seed: Of the chances.

    Returns:
        (N, 3) float32 metres about the middle of the street, and (20, 7) boxes of the cars.
    """
    rng = np.random.default_rng(seed)
    cars = np.array(_CARS)
    on_cars, on_walls = count // 20, count // 3
    parts = [
        _ground(count - on_cars - on_walls, rng),
        _walls(on_walls, rng),
        _shells(cars, on_cars, rng),
    ]
    return rng.permutation(np.concatenate(parts)).astype(np.float32), cars


def write_survey(path: Path, count: int, seed: int = 0) -> Boxes:
    """Write `street` as a LAS file at UTM coordinates, to the millimetre.

    Returns:
        (20, 7) float64 boxes of the cars, in UTM.
    """
    import laspy

    xyz, cars = street(count, seed)
    header = laspy.LasHeader(version="1.4", point_format=6)
    header.scales, header.offsets = np.full(3, 0.001), np.array(UTM_ORIGIN)
    file = laspy.LasData(header)
    file.x, file.y, file.z = (xyz.astype(np.float64) + UTM_ORIGIN).T
    file.intensity = (200 + 20 * xyz[:, 2]).clip(0, 65535).astype(np.uint16)
    file.write(str(path))
    return cars + np.pad(UTM_ORIGIN, (0, 4))


def write_long_drive(path: Path, frames: int, count: int) -> None:
    """Write a recording of a drive along the street, a sweep of `count` points in each frame."""
    xyz, _ = street(4 * count)
    rng = np.random.default_rng(1)
    times = _START_NS + _STEP_NS * np.arange(frames)
    with RecordingWriter(path, source="a long drive along a made street") as writer:
        writer.add_lidar("top", np.eye(4))
        for time_ns in times.tolist():
            seen = xyz[rng.integers(0, len(xyz), count)] - np.array((0, 0, 1.8), np.float32)
            writer.append_sweep("top", time_ns, seen)
        poses = np.zeros((frames, 7))
        poses[:, 0] = _STEP_M * np.arange(frames)
        poses[:, 3] = 1
        writer.append_ego(times, poses)


def _ground(count: int, rng: np.random.Generator) -> Floats:
    radius, angle = _REACH_M * rng.random(count) ** 0.7, 2 * np.pi * rng.random(count)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    return np.stack([x, y, rng.normal(0, 0.01, count)], axis=1)


def _walls(count: int, rng: np.random.Generator) -> Floats:
    """House fronts 10 to 14 m beside the middle of the street."""
    x = rng.uniform(-_REACH_M, _REACH_M, count)
    y = rng.choice([-1.0, 1.0], count) * (10 + 2 * (np.floor(x / 15) % 3))
    return np.stack([x, y + rng.normal(0, 0.01, count), rng.uniform(0, 9, count)], axis=1)


def _shells(cars: Boxes, count: int, rng: np.random.Generator) -> Floats:
    """Points on the sides and roofs of boxes without yaw."""
    car = cars[rng.integers(0, len(cars), count)]
    place = rng.uniform(-0.5, 0.5, (count, 3))
    face = rng.integers(0, 5, count)
    for axis, sign, number in ((0, -1, 0), (0, 1, 1), (1, -1, 2), (1, 1, 3), (2, 1, 4)):
        place[face == number, axis] = sign / 2
    return car[:, :3] + place * car[:, 3:6]
