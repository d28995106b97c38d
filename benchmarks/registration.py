"""Ego poses from sweeps: drift against simulated truth, and how well deskewed sweeps agree.

Drift is KITTI's odometry error: that of the motion over stretches of a fixed length, relative to
the length (Geiger et al., CVPR 2012), here of 25, 50 and 75 m as the drives are short. The deskew
residual is the median distance of a sweep's points to the planes of the sweep before, laid over it
by the poses: once with the points moved by their times, once each sweep as if it stood still.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from lidar_label.arrays import Floats, Ints, Points, Transform
from lidar_label.benchmarks.rows import Row, less_is_better
from lidar_label.calibration.deskew import deskew
from lidar_label.calibration.extrinsics import measure, surfaces_of, thinned
from lidar_label.calibration.registration import SweepRegistration
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.calibration.transforms import invert
from lidar_label.datasets.formats import import_source
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.simulation.drive import simulate
from lidar_label.datasets.simulation.suite import SimulationConfig

_SEEDS, _SECONDS = range(3), 15.0
_STRETCHES_M = (25.0, 50.0, 75.0)
_NEAR_M, _THINNING_M = 40.0, 0.5
_KITTI = "kitti_raw_drive"


def run(data: Path | None) -> list[Row]:
    """Simulated drives, and the raw KITTI drive where it is there."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        simulated = []
        for seed in _SEEDS:
            path = Path(folder) / f"{seed}.h5"
            config = SimulationConfig(seconds=_SECONDS, seed=seed, beams=(64,), radars=0, cameras=0)
            simulate(path, config)
            with Recording(path) as recording:
                simulated.append(_against_truth(recording))
        rows += _rows_of_drives(simulated)
        if data is not None and (data / _KITTI).is_dir():
            path = Path(folder) / "kitti.h5"
            import_source(data / _KITTI, path)
            with Recording(path) as recording:
                rows += _rows_of_kitti(recording)
    return rows


@dataclass(frozen=True, eq=False)
class _Drive:
    """What one simulated drive gave."""

    shift: Floats  # (K,) metres a metre, of each stretch
    turn: Floats  # (K,) radians a metre
    residuals: Floats  # (3, 2) raw, by estimated poses, by true poses; see `_residual`


def _against_truth(recording: Recording) -> _Drive:
    truth = recording.trajectory
    assert truth is not None
    found = _register(recording)
    times = np.array([frame.time_ns for frame in recording.frames])
    shift, turn = drift(found.at(times), truth.at(times))
    residuals = [
        _residual(recording, times, motion, straighten=straighten)
        for motion, straighten in ((found, False), (found, True), (truth, True))
    ]
    return _Drive(shift, turn, np.array(residuals))


def _rows_of_drives(drives: list[_Drive]) -> list[Row]:
    shift, turn = (np.concatenate([getattr(d, key) for d in drives]) for key in ("shift", "turn"))
    raw, ours, true = np.mean([d.residuals for d in drives], axis=0)
    name = f"{len(drives)} simulated drives"
    return [
        Row(f"drift, {name}", float(shift.mean()) * 100, "", None, "m/100m", None),
        Row(f"drift, {name}", float(np.degrees(turn.mean())) * 100, "", None, "°/100m", None),
        *_residual_rows(name, ours, "not deskewed", raw),
        *_residual_rows(name, ours, "by the true poses", true),
    ]


def _rows_of_kitti(recording: Recording) -> list[Row]:
    """Self-consistency: there is no truth."""
    times = np.array([frame.time_ns for frame in recording.frames])
    found = recording.trajectory
    assert found is not None
    raw, ours = (
        _residual(recording, times, found, straighten=straighten) for straighten in (False, True)
    )
    shift, turn = _closure(recording)
    name = f"{len(times)} raw KITTI sweeps, {found.length:.0f} m"
    return [
        *_residual_rows(name, ours, "not deskewed", raw),
        Row(f"there and back, {name}", shift * 1e3, "", None, "mm", None),
        Row(f"there and back, {name}", float(np.degrees(turn)), "", None, "°", None),
    ]


def _residual_rows(name: str, ours: Floats, peer_name: str, peer: Floats) -> list[Row]:
    return [
        less_is_better(
            f"deskew residual, {name}", ours[0] * 1e3, peer_name, peer[0] * 1e3, "mm"
        ),
        less_is_better(
            f"points off the surface, {name}", ours[1] * 100, peer_name, peer[1] * 100, "%",
            "off the surface: more than 5 cm from the plane of the sweep before",
        ),
    ]  # fmt: skip


def drift(found: Transform, truth: Transform) -> tuple[Floats, Floats]:
    """Errors of the motion over stretches: (K,) metres a metre and (K,) radians a metre.

    Args:
        found: (T, 4, 4) world_from_ego by the sweeps.
        truth: (T, 4, 4).
    """
    way = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(truth[:, :3, 3], axis=0), axis=1)))
    shift: list[float] = []
    turn: list[float] = []
    for length in _STRETCHES_M:
        ends = np.searchsorted(way, way + length)
        for start in np.flatnonzero(ends < len(way))[::5].tolist():
            off = _off(found, truth, start, int(ends[start]))
            shift.append(float(np.linalg.norm(off[:3, 3])) / length)
            turn.append(_angle(off) / length)
    return np.array(shift), np.array(turn)


def _off(found: Transform, truth: Transform, start: int, end: int) -> Transform:
    wanted, got = (invert(poses[start]) @ poses[end] for poses in (truth, found))
    return invert(wanted) @ got


def _angle(transform: Transform) -> float:
    return float(np.arccos(np.clip((np.trace(transform[:3, :3]) - 1) / 2, -1, 1)))


def _sweeps(recording: Recording) -> Iterator[tuple[int, Points, Ints | None, Transform]]:
    name = recording.lidars[0]
    for i in range(recording.sweep_count(name)):
        sweep = recording.sweep(name, i)
        yield sweep.time_ns, sweep.xyz, sweep.point_time_ns, recording.rig[name].ego_from_sensor


def _register(recording: Recording) -> Trajectory:
    """As an import does it: a pass over the first two sweeps, then one over all."""
    rough: Trajectory | None = None
    for count in (2, recording.sweep_count(recording.lidars[0])):
        registration = SweepRegistration(rough)
        for time_ns, points, times, place in islice(_sweeps(recording), count):
            registration.add(time_ns, points, place, times)
        rough = registration.trajectory()
    assert rough is not None
    return rough


def _closure(recording: Recording) -> tuple[float, float]:
    """Metres and radians between the way there and the way back over the same sweeps."""
    there = list(_sweeps(recording))
    last = there[-1][0]
    # Backwards, time runs backwards too.
    back = [
        (2 * last - time_ns, points, None if times is None else 2 * last - times, place)
        for time_ns, points, times, place in reversed(there)
    ]
    off = _way(there) @ _way(back)
    return float(np.linalg.norm(off[:3, 3])), _angle(off)


def _way(sweeps: list[tuple[int, Points, Ints | None, Transform]]) -> Transform:
    """(4, 4) the last sweep's pose in the first one's; the second pass knows the motion."""
    rough: Trajectory | None = None
    for _ in range(2):
        registration = SweepRegistration(rough)
        for time_ns, points, times, place in sweeps:
            registration.add(time_ns, points, place, times)
        rough = registration.trajectory()
    assert rough is not None
    return invert(rough.at(sweeps[0][0])) @ rough.at(sweeps[-1][0])


def _residual(recording: Recording, times: Ints, motion: Trajectory, *, straighten: bool) -> Floats:
    """(2,) of points to the planes of the sweep before, mean over pairs of sweeps.

    Median distance in metres, and share further off than 5 cm.
    """
    placed: list[Floats] = []
    for time_ns, points, own, place in _sweeps(recording):
        at = own if straighten and own is not None else np.array(time_ns)
        near = np.linalg.norm(points, axis=1) < _NEAR_M
        own_times = at[near] if at.ndim else at
        cloud = deskew(points[near], own_times, time_ns, motion, place)
        placed.append(cloud.astype(np.float64))
    off: list[tuple[float, float]] = []
    for i in range(1, len(placed), 3):
        surfaces = surfaces_of(placed[i - 1])
        before_from_now = invert(motion.at(int(times[i - 1]))) @ motion.at(int(times[i]))
        found = measure([surfaces], [thinned(placed[i], _THINNING_M)], before_from_now)
        off.append((found.residual, 1 - found.on_surface))
    return np.mean(off, axis=0)
