"""Clock offsets recovered from motion on simulated drives whose clocks were set wrong on purpose.

Each seed drives through a town of its own, with inertial units whose noise differs, each read on a
clock of a known offset and drift. LiDAR clocks likewise, with the sweeps' motion found from the
sweeps alone. Whether a stated spread holds is told by many units: of ten, the rms of error over
spread is between 0.6 and 1.4 by chance alone.
"""

import tempfile
from pathlib import Path

import numpy as np

from lidar_label.arrays import Ints
from lidar_label.benchmarks.rows import Row
from lidar_label.calibration.clocks import estimate_clock
from lidar_label.calibration.courses import Course, course_of_poses, course_of_turns
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.simulation.drive import simulate, simulate_motion
from lidar_label.datasets.simulation.imu import CHANNELS
from lidar_label.datasets.simulation.suite import SimulationConfig
from lidar_label.sensor_clocks import register_sweeps

_SEEDS, _UNITS = range(24), 8
_LIDAR_SEEDS = range(3)
_SECONDS = 20.0
_YAW = slice(2, 3)
_GYRO = [CHANNELS.index(f"gyro_{axis}") for axis in "xyz"]
_NOTE = "offsets within ±0.4 s and drifts within ±100 ppm were put in; error of the offset"


def run(data: Path | None) -> list[Row]:
    """Errors in milliseconds; simulated drives alone, as recordings' true clocks are not known."""
    del data
    imu = [error for seed in _SEEDS for error in _imu_errors(seed)]
    lidar: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in _LIDAR_SEEDS:
            path = Path(folder) / f"{seed}.h5"
            simulate(
                path,
                SimulationConfig(
                    seconds=_SECONDS, seed=seed, beams=(32, 32), radars=0, cameras=0
                ),
            )  # fmt: skip
            with Recording(path) as recording:
                lidar += [_lidar_error(recording, name, seed) for name in recording.lidars]
            path.unlink()
    drives = f"{len(_SEEDS)} drives of {_SECONDS:g} s, {_UNITS} units each"
    return [
        *_rows(f"IMU clock, {drives}", imu),
        *_rows(f"LiDAR clock, {len(lidar)} LiDARs on drives of {_SECONDS:g} s", lidar),
    ]


def _rows(name: str, results: list[tuple[float, float]]) -> list[Row]:
    told = np.array([(error, spread) for error, spread in results if np.isfinite(error)])
    errors, ratio = np.abs(told[:, 0]), np.abs(told[:, 0] / told[:, 1])
    by_chance = f"{len(told)} clocks: ±{1 / np.sqrt(2 * len(told)):.2f} by chance"
    figures = (
        ("determined", len(told) / len(results), "", ""),
        ("median error", float(np.median(errors)), "ms", _NOTE),
        ("largest error", float(errors.max()), "ms", _NOTE),
        ("within 2 ms", float((errors < 2).mean()), "", ""),
        ("error over stated spread, rms", float(np.sqrt(np.mean(ratio**2))), "", by_chance),
        ("within one stated spread", float((ratio < 1).mean()), "", "0.68 if it is right"),
        ("within two stated spreads", float((ratio < 2).mean()), "", "0.95 if it is right"),
    )
    return [Row(f"{name}: {what}", ours, "", None, unit, None, note) for what, ours, unit, note in figures]  # fmt: skip # noqa: E501


def _wrong(time_ns: Ints, *seed: int) -> tuple[Ints, float]:
    """Times on a clock of a known offset and drift, and the offset in their middle, seconds."""
    rng = np.random.default_rng([*seed, len(time_ns)])
    offset, drift = rng.uniform(-0.4, 0.4), rng.uniform(-1e-4, 1e-4)
    since = time_ns - (time_ns[0] + time_ns[-1]) / 2
    return time_ns + np.rint(offset * 1e9 + drift * since).astype(np.int64), float(offset)


def _imu_errors(seed: int) -> list[tuple[float, float]]:
    config = SimulationConfig(seconds=_SECONDS, seed=seed, radars=0, cameras=0)
    motion = simulate_motion(config, units=_UNITS)
    found: list[tuple[float, float]] = []
    for unit, samples in enumerate(motion.samples):
        times, offset = _wrong(motion.time_ns, seed, unit)
        turns = course_of_turns(times, samples[:, _GYRO], motion.ego_from_imu)
        found.append(_error(motion.trajectory, turns, offset))
    return found


def _lidar_error(recording: Recording, name: str, seed: int) -> tuple[float, float]:
    found = register_sweeps(recording, name)
    assert found is not None
    assert recording.trajectory is not None
    times, offset = _wrong(found[1], seed)
    sensor = Course(times, course_of_poses(*found).values)
    return _error(recording.trajectory, sensor, offset)


def _error(trajectory: Trajectory, sensor: Course, offset: float) -> tuple[float, float]:
    """Error and stated spread of the offset, milliseconds; NaN where it is not determined."""
    found = estimate_clock(course_of_poses(trajectory).select(_YAW), sensor.select(_YAW))
    error = (found.offset_s - offset) * 1e3 if found.determined else np.nan
    return float(error), found.offset_spread_s * 1e3
