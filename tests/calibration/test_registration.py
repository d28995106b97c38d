"""Poses from sweeps: a known drive comes back, what is no drive gives none."""

from pathlib import Path

import numpy as np

from lidar_label.calibration.registration import SweepRegistration
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.calibration.transforms import from_yaw, invert

MS = 1_000_000
MOUNT = from_yaw(np.array([1.0, 0.2, 1.8]), 0.3)


def town(seed: int, count: int = 60_000) -> np.ndarray:
    """Ground, and boxes standing on it, as points of a world 160 m wide."""
    rng = np.random.default_rng(seed)
    ground = np.column_stack(
        (rng.uniform(-80, 80, (count // 2, 2)), rng.normal(0, 0.02, count // 2))
    )
    parts = [ground]
    for _ in range(60):
        centre, size = rng.uniform(-70, 70, 2), rng.uniform([2, 2, 1], [14, 8, 9])
        at = rng.uniform(-0.5, 0.5, (count // 120, 3))
        face = rng.integers(0, 2, len(at))
        at[np.arange(len(at)), face] = np.sign(at[np.arange(len(at)), face]) / 2
        parts.append(at * size + [*centre, size[2] / 2])
    return np.concatenate(parts)


def drive(speed: float = 12.0, yaw_rate: float = 0.3, frames: int = 8) -> Trajectory:
    t = np.arange(0, frames / 10 + 0.2, 0.01)
    yaw = yaw_rate * t
    x, y = speed / yaw_rate * np.sin(yaw), speed / yaw_rate * (1 - np.cos(yaw))
    zero = 0 * t
    poses = np.column_stack((x, y, zero, np.cos(yaw / 2), zero, zero, np.sin(yaw / 2)))
    return Trajectory((t * 1e9).round().astype(np.int64), poses)


def sweeps(world: np.ndarray, truth: Trajectory, frames: int = 8, rotating: bool = False):
    """(time, points in the sensor's frame, their times) of a sensor that sees 60 m far."""
    for i in range(frames):
        time_ns = i * 100 * MS + 50 * MS
        rng = np.random.default_rng(i)
        times = time_ns + (rng.integers(-50, 50, len(world)) * MS if rotating else 0)
        times = np.broadcast_to(times, len(world))
        poses = truth.at(times) @ MOUNT
        points = np.einsum("nji,nj->ni", poses[:, :3, :3], world - poses[:, :3, 3])
        seen = (np.linalg.norm(points, axis=1) < 60) & (rng.random(len(points)) < 0.5)
        yield time_ns, points[seen].astype(np.float32), times[seen]


def errors(found: Trajectory, truth: Trajectory) -> tuple[float, float]:
    """Largest error in metres and in degrees, both counted from the first pose."""
    wanted = invert(truth.at(int(found.time_ns[0]))) @ truth.at(found.time_ns)
    off = invert(wanted) @ found.at(found.time_ns)
    turn = np.degrees(
        np.arccos(np.clip((np.trace(off[:, :3, :3], axis1=1, axis2=2) - 1) / 2, -1, 1))
    )
    return float(np.linalg.norm(off[:, :3, 3], axis=1).max()), float(turn.max())


def test_a_drive_comes_back() -> None:
    truth, registration = drive(), SweepRegistration()
    for time_ns, points, _ in sweeps(town(0), truth):
        registration.add(time_ns, points, MOUNT)
    found = registration.trajectory()
    assert found is not None
    assert registration.failed == 0
    metres, degrees = errors(found, truth)
    assert metres < 0.05
    assert degrees < 0.1


def test_points_are_moved_by_their_times() -> None:
    """Of a rotating sensor the sweep is bent; with the points' times it is straight again."""
    truth = drive(speed=20.0, yaw_rate=0.8)
    rough, off = None, []  # first the motion at the start, then all
    for frames in (5, 5, 8):
        registration = SweepRegistration(rough)
        for time_ns, points, times in sweeps(town(1), truth, frames, rotating=True):
            registration.add(time_ns, points, MOUNT, times)
        rough = registration.trajectory()
        assert rough is not None
        off.append(errors(rough, truth)[0])
    assert off[-1] < 0.05
    bent = SweepRegistration()
    for time_ns, points, _ in sweeps(town(1), truth, rotating=True):
        bent.add(time_ns, points, MOUNT)
    found = bent.trajectory()
    assert found is not None
    assert errors(found, truth)[0] > 1.5 * off[-1]


def test_a_long_drive_keeps_its_poses_rigid() -> None:
    """Rounding must not grow from sweep to sweep, which once ended a drive after 34 of them."""
    world, truth, registration = town(2, 12_000), drive(speed=2.0, frames=45), SweepRegistration()
    for time_ns, points, _ in sweeps(world, truth, 45):
        registration.add(time_ns, points, MOUNT)
    found = registration.trajectory()
    assert found is not None
    assert len(found) == 45
    assert errors(found, truth)[0] < 0.2


def test_an_empty_sweep_and_a_doubled_time_are_passed_over() -> None:
    truth, registration = drive(), SweepRegistration()
    for i, (time_ns, points, _) in enumerate(sweeps(town(0), truth)):
        registration.add(time_ns, points[:0] if i == 3 else points, MOUNT)
        registration.add(time_ns, points, MOUNT)
    found = registration.trajectory()
    assert found is not None
    assert len(found) == 8  # the fourth sweep's double had its points
    assert errors(found, truth)[0] < 0.05


def test_sweeps_of_different_places_give_none() -> None:
    registration = SweepRegistration()
    for i in range(8):
        _, points, _ = next(sweeps(town(10 + i), drive()))
        registration.add(i * 100 * MS, points, MOUNT)
    assert registration.trajectory() is None


def test_too_little_gives_none() -> None:
    registration = SweepRegistration()
    assert registration.trajectory() is None
    registration.add(0, np.zeros((0, 3), np.float32), np.eye(4))
    registration.add(100 * MS, np.ones((5, 3), np.float32), np.eye(4))
    assert registration.trajectory() is None


def test_the_same_sweeps_give_the_same_bits() -> None:
    runs = []
    for _ in range(2):
        registration = SweepRegistration()
        for time_ns, points, _ in sweeps(town(0), drive(), frames=4):
            registration.add(time_ns, points, MOUNT)
        found = registration.trajectory()
        assert found is not None
        runs.append(found.world_from_ego.tobytes())
    assert runs[0] == runs[1]


def test_real_sweeps_agree_with_recorded_poses(shared: Path, tmp_path: Path) -> None:
    """Argoverse 2's own poses, two sweeps 0.1 s apart: within 2 cm and 0.1 degrees."""
    from lidar_label.datasets.formats import import_source
    from lidar_label.datasets.recording import Recording

    log = next((shared / "argoverse2").iterdir())
    import_source(log, tmp_path / "log.h5")
    with Recording(tmp_path / "log.h5") as recording:
        registration = SweepRegistration()
        for i, frame in enumerate(recording.frames):
            registration.add(frame.time_ns, recording.frame_points(i).xyz, np.eye(4))
        found, truth = registration.trajectory(), recording.trajectory
        assert found is not None
        assert truth is not None
        metres, degrees = errors(found, truth)
    assert metres < 0.02
    assert degrees < 0.1
