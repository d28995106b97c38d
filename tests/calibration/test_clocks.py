"""Clocks from motion: known offsets and drifts come back, and what cannot be told is not told."""

import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid

from lidar_label.calibration.clocks import ClockConfig, estimate_clock
from lidar_label.calibration.courses import (
    Course,
    course_of_poses,
    course_of_rates,
    course_of_turns,
)
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.datasets.simulation.drive import simulate_motion
from lidar_label.datasets.simulation.imu import CHANNELS
from lidar_label.datasets.simulation.suite import SimulationConfig

START = 1_767_261_600_000_000_000


def turning(seconds: np.ndarray, seed: int = 0) -> np.ndarray:
    """Yaw rate of a drive with a turn every eight seconds, rad/s."""
    rng = np.random.default_rng(seed)
    rate = np.zeros_like(seconds)
    for begin in np.arange(-20, seconds.max() + 20, 8.0):
        at, width = begin + rng.uniform(0, 4), rng.uniform(1.0, 2.0)
        rate += (
            rng.choice([-1, 1]) * rng.uniform(0.2, 0.5) * np.exp(-(((seconds - at) / width) ** 2))
        )
    return rate


def nanoseconds(seconds: np.ndarray) -> np.ndarray:
    return START + np.rint(seconds * 1e9).astype(np.int64)


def gyroscope(length: float, offset: float, drift: float, seed: int, still: bool = False) -> Course:
    """A hundred samples a second with bias and noise, on a clock that is ahead."""
    true = np.arange(0, length, 0.01)
    rng = np.random.default_rng(100 + seed)
    rates = (0 if still else turning(true, seed)) + 0.003 + rng.normal(0, 0.002, len(true))
    return course_of_rates(nanoseconds(true + offset + drift * (true - length / 2)), rates[:, None])


def poses(length: float, seed: int, step: float = 0.01, still: bool = False) -> Course:
    fine = np.arange(-2, length + 2, 0.001)
    yaw = cumulative_trapezoid(turning(fine, seed), fine, initial=0) * (not still)
    at = np.arange(-2, length + 2, step)
    half = np.interp(at, fine, yaw) / 2
    zero = 0 * at
    place = np.column_stack((at * 8, zero, zero, np.cos(half), zero, zero, np.sin(half)))
    return course_of_poses(Trajectory(nanoseconds(at), place)).select(slice(2, 3))


@pytest.mark.parametrize(("offset", "drift"), [(0.0, 0.0), (0.043, 5e-5), (-0.37, -8e-5)])
@pytest.mark.parametrize("step", [0.01, 0.1])
def test_offset_comes_back_within_two_milliseconds(offset, drift, step) -> None:
    found = estimate_clock(poses(40, 1, step), gyroscope(40, offset, drift, 1))
    assert found.determined, found.reason
    assert abs(found.offset_s - offset) < 0.002
    assert abs(found.offset_s - offset) < 5 * found.offset_spread_s
    assert abs(found.gain - 1) < 0.02


def test_drift_comes_back_from_five_minutes() -> None:
    found = estimate_clock(poses(300, 1), gyroscope(600, 0.1, 1.5e-4, 1))
    assert found.determined
    assert abs(found.drift - 1.5e-4) < min(5 * found.drift_spread, 1e-5)
    assert abs(found.offset_s - 0.1) < 0.001


def test_spread_is_about_the_error_over_many_drives() -> None:
    found = [estimate_clock(poses(30, seed), gyroscope(30, 0.02, 0, seed)) for seed in range(8)]
    off = np.array([(one.offset_s - 0.02) / one.offset_spread_s for one in found])
    assert 0.4 < np.sqrt(np.mean(off**2)) < 2.0


def test_stated_spreads_cover_on_simulated_drives() -> None:
    """Four drives, twelve gyroscopes each: of 48 the rms is within 0.31 of 1 by chance (3σ)."""
    gyro = [CHANNELS.index(f"gyro_{axis}") for axis in "xyz"]
    ratios = []
    for seed in (0, 1, 3, 5):
        motion = simulate_motion(SimulationConfig(seconds=20, seed=seed), units=12)
        truth = course_of_poses(motion.trajectory).select(slice(2, 3))
        for unit, samples in enumerate(motion.samples):
            offset = np.random.default_rng([seed, unit]).uniform(-0.4, 0.4)
            times = motion.time_ns + round(offset * 1e9)
            turns = course_of_turns(times, samples[:, gyro], motion.ego_from_imu)
            found = estimate_clock(truth, turns.select(slice(2, 3)))
            assert found.determined, found.reason
            ratios.append((found.offset_s - offset) / found.offset_spread_s)
    ratios = np.abs(ratios)
    assert 0.7 < np.sqrt(np.mean(ratios**2)) < 1.3
    assert np.mean(ratios < 2) >= 0.88  # 0.954 less 2.5 of its spreads


def test_swapping_the_two_changes_the_sign() -> None:
    a, b = poses(40, 0), gyroscope(40, 0.05, 0, 0)
    forth, back = estimate_clock(a, b), estimate_clock(b, a)
    assert abs(forth.offset_s + back.offset_s) < 3 * forth.offset_spread_s


def test_gaps_do_no_harm() -> None:
    reference, sensor = poses(60, 2), gyroscope(60, 0.05, 0, 2)
    kept = np.ones(len(sensor.time_ns), dtype=bool)
    kept[1000:1800] = False
    known = np.ones(len(reference.time_ns), dtype=bool)
    known[3500:4200] = False
    found = estimate_clock(
        Course(reference.time_ns[known], reference.values[known]),
        Course(sensor.time_ns[kept], sensor.values[kept]),
    )
    assert found.determined
    assert abs(found.offset_s - 0.05) < 0.002


def test_an_axis_upside_down_is_seen_in_the_gain() -> None:
    sensor = gyroscope(40, 0.05, 0, 0)
    found = estimate_clock(poses(40, 0), Course(sensor.time_ns, -sensor.values))
    assert found.gain < -0.9
    assert abs(found.offset_s - 0.05) < 0.002


@pytest.mark.parametrize("still", [True, False])
def test_no_motion_tells_nothing(still: bool) -> None:
    """Straight ahead, and two sensors that were on different vehicles."""
    found = estimate_clock(poses(40, 0, still=still), gyroscope(40, 0.0, 0, 7, still=still))
    assert not found.determined
    assert found.reason


def test_an_offset_beyond_the_search_is_not_made_up() -> None:
    found = estimate_clock(poses(60, 0), gyroscope(60, 1.5, 0, 0), ClockConfig(max_offset_s=0.5))
    assert not found.determined


def test_too_few_samples_are_said() -> None:
    found = estimate_clock(poses(40, 0), gyroscope(0.1, 0, 0, 0))
    assert not found.determined
    assert "few samples" in found.reason
