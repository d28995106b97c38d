"""Fused clouds: sharper than one sweep's, for what stands and for what drives."""

from pathlib import Path

import numpy as np
import pytest

from lidar_label.cuboids import Cuboids
from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.errors import InvalidSource, NotFound
from lidar_label.fused_clouds import FusionConfig, fuse_track

MS = 1_000_000
SIZE = np.array([4.0, 1.8, 1.5])
FRAMES, EGO_SPEED = 8, 10.0


def shell(rng: np.random.Generator, count: int = 300) -> np.ndarray:
    """Points on the sides of a car, in its own frame."""
    at = rng.uniform(-0.5, 0.5, (count, 3))
    face = rng.integers(0, 2, count)
    at[np.arange(count), face] = np.sign(at[np.arange(count), face]) / 2
    return at * SIZE


def record(path: Path, speed: float) -> Cuboids:
    """An ego that drives, and a car ahead of it; points are scanned over 100 ms by two LiDARs."""
    rng = np.random.default_rng(0)
    boxes, times = [], []
    with RecordingWriter(path, source="test") as writer:
        for name in ("top", "front"):
            writer.add_lidar(name, np.eye(4))
        seconds = np.arange(-0.1, FRAMES / 10 + 0.1, 0.01)
        zero = 0 * seconds
        poses = np.column_stack((seconds * EGO_SPEED, *[zero] * 2, zero + 1, *[zero] * 3))
        writer.append_ego(np.rint(seconds * 1e9).astype(np.int64) + 10**9, poses)
        for frame in range(FRAMES):
            middle = frame / 10 + 0.05
            time_ns = 10**9 + round(middle * 1e9)
            for name in ("top", "front"):
                late = rng.uniform(-0.05, 0.05, 300)
                world = shell(rng) + np.array([30.0, 4.0, 0.8])
                world[:, 0] += speed * (middle + late)
                world[:, 0] -= EGO_SPEED * (middle + late)
                own = time_ns + np.rint(late * 1e9).astype(np.int64)
                writer.append_sweep(name, time_ns, world, point_time_ns=own)
            boxes.append([30 + (speed - EGO_SPEED) * middle, 4.0, 0.8, *SIZE, 0.0])
            times.append(time_ns)
    return Cuboids.of(np.array(boxes), frame=np.arange(FRAMES), time_ns=np.array(times), track_id=1)


def off_shell(cloud: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Distance to the nearer pair of vertical faces."""
    local = np.abs(cloud - box[:3]) - box[3:6] / 2
    return np.abs(local[:, :2]).min(axis=1)


@pytest.mark.parametrize("speed", [0.0, 15.0])
def test_all_sweeps_lie_on_the_object(tmp_path: Path, speed: float) -> None:
    track = record(tmp_path / "r.h5", speed)
    with Recording(tmp_path / "r.h5") as recording:
        fused = fuse_track(recording, track, 3)
        front = fuse_track(recording, track, 3, FusionConfig(sensors=("front",)))
        few = fuse_track(recording, track, 3, FusionConfig(most_frames=2, most_points=700))
        with pytest.raises(InvalidSource, match="roof"):
            fuse_track(recording, track, 3, FusionConfig(sensors=("roof",)))
    assert fused.standing == (speed == 0)
    assert fused.frames == tuple(range(FRAMES))
    assert len(fused.xyz) == FRAMES * 600
    assert off_shell(fused.xyz, track.boxes[3]).max() < 0.02
    assert set(front.sensor.tolist()) == {1}
    assert len(few.xyz) == 700
    assert set(few.frame.tolist()) <= {2, 3, 4}


def test_what_stands_is_not_blurred_by_its_labels(tmp_path: Path) -> None:
    track = record(tmp_path / "r.h5", 0.0)
    boxes = track.boxes.copy()
    boxes[[0, 1, 2, 4, 5, 6, 7], 1] += np.array([0.3, -0.3, 0.2, -0.2, 0.3, -0.1, 0.25])
    with Recording(tmp_path / "r.h5") as recording:
        fused = fuse_track(recording, track.replace(boxes=boxes), 3)
    assert fused.standing
    assert off_shell(fused.xyz, track.boxes[3]).max() < 0.02


def test_a_frame_without_the_track_is_said(tmp_path: Path) -> None:
    track = record(tmp_path / "r.h5", 0.0)
    with Recording(tmp_path / "r.h5") as recording, pytest.raises(NotFound, match="frame 99"):
        fuse_track(recording, track, 99)
