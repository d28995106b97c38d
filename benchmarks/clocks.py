"""Clock offsets recovered from motion on simulated drives whose clocks were set wrong on purpose.

Each seed drives through a town of its own; its IMU is read on a clock with a known offset and
drift. LiDAR clocks likewise, with the sweeps' motion found from the sweeps alone.
"""

import tempfile
from pathlib import Path

import numpy as np

from lidar_label.arrays import Ints
from lidar_label.benchmarks.rows import Row
from lidar_label.calibration.clocks import estimate_clock
from lidar_label.calibration.courses import Course, course_of_poses, course_of_turns
from lidar_label.calibration.rig import Imu
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.simulation.drive import simulate
from lidar_label.datasets.simulation.suite import SimulationConfig
from lidar_label.sensor_clocks import register_sweeps

_SEEDS = range(12)
_LIDAR_SEEDS = range(3)
_SECONDS = 20.0
_YAW = slice(2, 3)
_NOTE = "offsets within ±0.4 s and drifts within ±100 ppm were put in; error of the offset"


def run(data: Path | None) -> list[Row]:
    """Errors in milliseconds; simulated drives alone, as recordings' true clocks are not known."""
    del data
    imu: list[tuple[float, float]] = []
    lidar: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in _SEEDS:
            scans = seed in _LIDAR_SEEDS
            path = Path(folder) / f"{seed}.h5"
            # Without scans the slowest LiDAR must do: the car drives the same.
            simulate(
                path,
                SimulationConfig(
                    seconds=_SECONDS, seed=seed, beams=(32, 32) if scans else (32,), radars=0,
                    cameras=0, frames_per_second=10.0 if scans else 1.0,
                ),
            )  # fmt: skip
            with Recording(path) as recording:
                imu.append(_imu_error(recording, seed))
                for name in recording.lidars if scans else ():
                    lidar.append(_lidar_error(recording, name, seed))
            path.unlink()
    return [*_rows("IMU", imu), *_rows("LiDAR", lidar)]


def _rows(what: str, results: list[tuple[float, float]]) -> list[Row]:
    told = np.array([(error, spread) for error, spread in results if np.isfinite(error)])
    errors, name = np.abs(told[:, 0]), f"{what} clock, {len(results)} drives of {_SECONDS:g} s"
    return [
        Row(f"{name}: determined", len(told) / len(results), "", None, "", None),
        Row(f"{name}: median error", float(np.median(errors)), "", None, "ms", None, _NOTE),
        Row(f"{name}: largest error", float(errors.max()), "", None, "ms", None, _NOTE),
        Row(f"{name}: within 2 ms", float((errors < 2).mean()), "", None, "", None),
        Row(
            f"{name}: error over stated spread, rms",
            float(np.sqrt(np.mean((told[:, 0] / told[:, 1]) ** 2))), "", None, "", None,
        ),
    ]  # fmt: skip


def _wrong(time_ns: Ints, seed: int) -> tuple[Ints, float]:
    """Times on a clock of a known offset and drift, and the offset in their middle, seconds."""
    rng = np.random.default_rng([seed, len(time_ns)])
    offset, drift = rng.uniform(-0.4, 0.4), rng.uniform(-1e-4, 1e-4)
    since = time_ns - (time_ns[0] + time_ns[-1]) / 2
    return time_ns + np.rint(offset * 1e9 + drift * since).astype(np.int64), float(offset)


def _imu_error(recording: Recording, seed: int) -> tuple[float, float]:
    imu, samples = recording.rig.get("imu", Imu), recording.imu("imu")
    times, offset = _wrong(samples.time_ns, seed)
    gyro = [imu.channels.index(f"gyro_{axis}") for axis in "xyz"]
    return _error(
        recording, course_of_turns(times, samples.values[:, gyro], imu.ego_from_sensor), offset
    )


def _lidar_error(recording: Recording, name: str, seed: int) -> tuple[float, float]:
    found = register_sweeps(recording, name)
    assert found is not None
    times, offset = _wrong(found[1], seed)
    return _error(recording, Course(times, course_of_poses(*found).values), offset)


def _error(recording: Recording, sensor: Course, offset: float) -> tuple[float, float]:
    """Error and stated spread of the offset, milliseconds; NaN where it is not determined."""
    assert recording.trajectory is not None
    truth = course_of_poses(recording.trajectory)
    found = estimate_clock(truth.select(_YAW), sensor.select(_YAW))
    error = (found.offset_s - offset) * 1e3 if found.determined else np.nan
    return float(error), found.offset_spread_s * 1e3
