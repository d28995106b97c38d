"""Whether a recording's sensors share one clock: each one's turning against the ego's."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Ints
from lidar_label.calibration.clocks import ClockConfig, ClockEstimate, estimate_clock
from lidar_label.calibration.courses import Course, course_of_poses, course_of_turns
from lidar_label.calibration.registration import SweepRegistration
from lidar_label.calibration.rig import Imu, Lidar
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.datasets.recording import Recording
from lidar_label.errors import UsageError

_YAW = slice(2, 3)  # roll and pitch are small, and a registration's are noisy
_GYRO = ("gyro", "gyr", "angular_rate", "angular_velocity", "ang_vel", "rotation_rate")
_PASSES = 2  # the second straightens sweeps by the motion that the first has found
Progress = Callable[[str, int, int], None]  # sensor, sweeps done, in all


@dataclass(frozen=True)
class SensorClock:
    """One sensor's clock.

    Attributes:
        sensor: Its name.
        kind: lidar or imu.
        reference: Name of what it is compared with; "ego" are the ego poses.
        estimate: The result.
    """

    sensor: str
    kind: str
    reference: str
    estimate: ClockEstimate


def sensor_clocks(
    recording: Recording, config: ClockConfig | None = None, progress: Progress | None = None
) -> list[SensorClock]:
    """Offset and drift of every IMU and LiDAR against the ego poses, else against the first IMU.

    Yaw is compared, for which the motion of each LiDAR is found from its sweeps alone. A LiDAR from
    whose sweeps the ego poses were estimated is no second opinion of them and is left out.

    Raises:
        UsageError: if nothing in the recording can be compared.
    """
    courses = {name: course for name in recording.imus if (course := _imu_course(recording, name))}
    kinds = dict.fromkeys(courses, "imu")
    trajectory = recording.trajectory
    if trajectory is not None and len(trajectory) > 1:
        courses = {"ego": course_of_poses(trajectory), **courses}
    skipped = _source_of_poses(recording)
    for name in recording.lidars:
        course = None if name == skipped else _lidar_course(recording, name, progress)
        if course is not None:
            courses[name], kinds[name] = course, "lidar"
    if len(courses) < 2:
        raise UsageError(
            f"{recording.path}: nothing to compare clocks by; it needs two of ego poses, a "
            "gyroscope (gyro_x gyro_y gyro_z) and a LiDAR whose sweeps follow one another"
        )
    reference, *others = courses
    against = courses[reference].select(_YAW)
    return [
        SensorClock(
            name,
            kinds[name],
            reference,
            estimate_clock(against, courses[name].select(_YAW), config or ClockConfig()),
        )
        for name in others
    ]


def _imu_course(recording: Recording, name: str) -> Course | None:
    """The turns that a gyroscope felt; None where it has none or too few samples."""
    imu, samples = recording.rig.get(name, Imu), recording.imu(name)
    for prefix in _GYRO:
        columns = [f"{prefix}_{axis}" for axis in "xyz"]
        if all(column in imu.channels for column in columns) and len(samples.time_ns) > 1:
            rows = [imu.channels.index(column) for column in columns]
            rates = samples.values[:, rows] * _per_radian(imu.units[rows[0]])
            return course_of_turns(samples.time_ns, rates, imu.ego_from_sensor)
    return None


def _per_radian(unit: str) -> float:
    return float(np.pi / 180) if unit.lower().startswith(("deg", "°")) else 1.0


def _source_of_poses(recording: Recording) -> str | None:
    """The LiDAR by whose sweeps the ego poses were estimated at import, if they were."""
    if not recording.ego_method:
        return None
    return max(recording.lidars, key=lambda name: int(recording.point_counts(name).sum()))


def _lidar_course(recording: Recording, name: str, progress: Progress | None) -> Course | None:
    """The motion of a LiDAR by its own sweeps; None where they do not follow one another."""
    found = register_sweeps(recording, name, progress)
    return None if found is None else course_of_poses(*found)


def register_sweeps(
    recording: Recording, name: str, progress: Progress | None = None
) -> tuple[Trajectory, Ints] | None:
    """Ego poses by one LiDAR's sweeps alone, and the times of the sweeps that gave one."""
    lidar, count = recording.rig.get(name, Lidar), recording.sweep_count(name)
    rough: Trajectory | None = None
    times: list[int] = []
    passes = 1 if lidar.motion_compensated else _PASSES
    for turn in range(passes):
        registration = SweepRegistration(rough)
        for i in range(count):
            sweep = recording.sweep(name, i)
            own = None if lidar.motion_compensated else sweep.point_time_ns
            registration.add(sweep.time_ns, sweep.xyz, lidar.ego_from_sensor, own)
            if progress:
                progress(name, turn * count + i + 1, passes * count)
            if registration.lost:
                return None
        rough, times = registration.trajectory(), registration.times
        if rough is None:
            return None
    return None if rough is None else (rough, np.array(times, dtype=np.int64))
