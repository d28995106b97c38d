"""What a driver did is found from a phone that lies anyhow in the car, and from the car's poses."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lidar_label.activities import as_even
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.datasets.signals import NS_PER_S, Signal
from lidar_label.datasets.windows import Windows
from lidar_label.driving_motion import motion_from_poses, motion_from_signal
from lidar_label.driving_windows import STOP, DrivingConfig, driving_windows
from lidar_label.errors import InvalidConfig, InvalidSignal

_spec = importlib.util.spec_from_file_location("drives", Path(__file__).with_name("drives.py"))
drives = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(drives)


def share_named(found: Windows, truth: Windows) -> list[float]:
    """Of each true window, the share covered by found ones of its name."""
    shares = []
    for i in range(len(truth)):
        own = found.select(found.category == truth.category[i])
        shared = np.minimum(own.end_ns, truth.end_ns[i]) - np.maximum(
            own.start_ns, truth.start_ns[i]
        )
        length = truth.end_ns[i] - truth.start_ns[i]
        shares.append(float(np.maximum(shared, 0).sum() / length))
    return shares


@pytest.mark.parametrize("seed", range(6))
def test_a_phone_tells_what_was_driven(seed: int) -> None:
    signal, _, truth = drives.drive(seed)
    found = driving_windows(motion_from_signal(as_even(signal)))
    assert found.category.tolist() == truth.category.tolist()
    assert min(share_named(found, truth)) > 0.5
    assert (found.start_ns[1:] >= found.end_ns[:-1]).all()
    assert set(found.tier) == {"driving"}


def test_poses_tell_the_same() -> None:
    _, trajectory, truth = drives.drive(0)
    found = driving_windows(motion_from_poses(trajectory))
    assert found.category.tolist() == truth.category.tolist()
    assert min(share_named(found, truth)) > 0.5


def test_motion_is_in_the_vehicle_s_axes() -> None:
    signal, trajectory, _ = drives.drive(1)
    felt, true = motion_from_signal(as_even(signal)), motion_from_poses(trajectory)
    clock = np.arange(6.0, 40.0, 0.5)
    a = np.interp(clock, np.arange(len(felt.forward)) / felt.rate_hz, felt.forward)
    b = np.interp(clock, np.arange(len(true.forward)) / true.rate_hz, true.forward)
    assert np.corrcoef(a, b)[0, 1] > 0.9
    assert float(np.abs(a - b).mean()) < 0.5


@pytest.mark.parametrize("seed", range(4))
def test_pushes_and_vibration_find_forward_without_turns(seed: int) -> None:
    signal, _, truth = drives.drive(seed, drives.STRAIGHT_ON)
    motion = motion_from_signal(as_even(signal))
    assert "from pushes" in motion.notes[1]
    assert driving_windows(motion).category.tolist() == truth.category.tolist()


def without_direction(signal: Signal) -> Signal:
    """The size of acceleration along z: axes that lean until they hide where the force points."""
    values = signal.values.copy()
    values[:, :3] = np.linalg.norm(signal.values[:, :3], axis=1, keepdims=True) * (0, 0, 1)
    return Signal(signal.time_ns, values, signal.channels, signal.units)


def test_vibration_tells_the_sense_where_the_direction_is_lost() -> None:
    signal, _, truth = drives.drive(0, drives.STRAIGHT_ON)
    motion = motion_from_signal(as_even(without_direction(signal)))
    assert np.isnan(motion.forward).all()
    found = driving_windows(motion, DrivingConfig(gentle=False))
    assert found.category.tolist() == truth.category.tolist()


def test_on_a_road_that_shakes_alike_braking_is_not_guessed() -> None:
    signal, _, _ = drives.drive(0, drives.STRAIGHT_ON)
    flat = without_direction(signal)
    flat.values[:, :2] += np.random.default_rng(0).normal(scale=1.5, size=(len(flat.values), 2))
    found = driving_windows(motion_from_signal(as_even(flat)), DrivingConfig(gentle=False))
    assert "brake_or_accelerate" in found.category.tolist()
    assert "brake" not in found.category.tolist()


def test_a_vehicle_at_rest_only_stops() -> None:
    time_ns = np.arange(0, 20 * NS_PER_S, NS_PER_S // 10)
    poses = np.tile([1.0, 2, 3, 1, 0, 0, 0], (len(time_ns), 1))
    found = driving_windows(motion_from_poses(Trajectory(time_ns, poses)))
    assert found.category.tolist() == [STOP]


def test_harsh_only_leaves_the_gentle_out() -> None:
    _, trajectory, _ = drives.drive(0)
    motion = motion_from_poses(trajectory)
    every, harsh = (driving_windows(motion, DrivingConfig(gentle=g)) for g in (True, False))
    assert 0 < len(harsh) < len(every)


def test_bad_input_is_refused() -> None:
    signal, trajectory, _ = drives.drive(0)
    with pytest.raises(InvalidConfig):
        driving_windows(motion_from_poses(trajectory), DrivingConfig(end_share=1.5))
    sound = Signal(signal.time_ns, signal.values[:, :1], ("audio_0",), ("",), "made up")
    with pytest.raises(InvalidSignal, match="accelerometer"):
        motion_from_signal(as_even(sound))
    with pytest.raises(InvalidSignal, match=r"0\.5 s"):
        motion_from_poses(Trajectory(np.array([0]), np.array([[0.0, 0, 0, 1, 0, 0, 0]])))


def test_real_trips(shared: Path) -> None:
    from lidar_label.activity_evaluation import boundaries, boundary_f1
    from lidar_label.datasets.signal_presets import read_signals

    for trip in ("17", "20"):
        recording = read_signals((shared / "imu" / "driver_behavior" / trip,))
        assert recording.windows is not None
        motion = motion_from_signal(as_even(recording.signals))
        found = driving_windows(motion, DrivingConfig(gentle=False))
        edges = boundaries(found.select(found.category != STOP))
        assert boundary_f1(boundaries(recording.windows), edges, 1.0) >= 0.55
