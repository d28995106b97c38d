"""A drive of three frames with two cameras, and a car to label in it."""

from pathlib import Path

import numpy as np
import source_folders as folders

from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.recording import RecordingWriter

FRAMES = 3


def write_camera_drive(path: Path) -> Path:
    """Three frames, two cameras: one straight ahead at (0.3, 0.1, −0.2), one to the left."""
    forward = np.array([[0, 0, 1, 0.3], [-1, 0, 0, 0.1], [0, -1, 0, -0.2], [0, 0, 0, 1.0]])
    left = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
    lens = np.array([[100, 0, 50], [0, 100, 40], [0, 0, 1.0]])
    with RecordingWriter(path, source="test") as writer:
        writer.add_lidar("top", np.eye(4))
        writer.add_camera("left", left, intrinsics=lens, width=100, height=80)
        writer.add_camera("front", forward, intrinsics=lens, width=100, height=80)
        for i in range(FRAMES):
            writer.append_sweep("top", 10**18 + i * 10**8, folders.scan()[:, :3])
    return path


def one_car(**columns: object) -> Cuboids:
    return Cuboids.of(folders.CAR[None], category="Car", **columns)
