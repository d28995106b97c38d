"""Ego poses of a source that brings none, found from its sweeps while it is imported."""

from itertools import islice

import numpy as np

from lidar_label.calibration.registration import SweepRegistration
from lidar_label.calibration.rig import Lidar
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.datasets.intake import Intake
from lidar_label.datasets.recording_writer import RecordingWriter

# Sweeps that tell the motion at the start, when none is known yet, and passes over them.
_FIRST, _PASSES = 5, 2
METHOD = "estimated from the sweeps: scan-to-map GICP"


def estimate_poses(intake: Intake) -> None:
    """Register the sweeps of the LiDAR with the most points, and write the poses if they hold.

    Sweeps that do not follow one another (single frames of many drives) get no poses, and the
    warnings say so.
    """
    writer = intake.writer
    name = max(writer.point_counts, key=writer.point_counts.__getitem__, default=None)
    if writer.has_ego or name is None or not intake.points or intake.sweeps.get(name, 0) < 2:
        return
    lidar = writer.rig.get(name, Lidar)
    intake.expected += intake.sweeps[name]
    rough = None
    for _ in range(_PASSES if _has_times(writer, lidar) else 0):
        rough = _register(intake, lidar, _FIRST, rough).trajectory()
    registration = _register(intake, lidar, intake.sweeps[name], rough)
    trajectory = registration.trajectory()
    if trajectory is None:
        intake.warn("no ego poses, and the sweeps do not follow one another: none estimated")
        return
    intake.warn("no ego poses in the source: estimated from the sweeps")
    intake.warn(
        "{n} sweeps fit nowhere on the map; their poses lie between their neighbours'",
        registration.failed,
    )
    writer.append_ego(trajectory.time_ns, np.asarray(trajectory.world_from_ego), method=METHOD)


def _register(
    intake: Intake, lidar: Lidar, count: int, rough: Trajectory | None = None
) -> SweepRegistration:
    """Register the first `count` sweeps of a LiDAR."""
    registration = SweepRegistration(rough)
    for time_ns, columns in islice(intake.writer.sweeps_of(lidar.name), count):
        if registration.lost:
            break
        if "xyz" in columns:
            times = None if lidar.motion_compensated else columns.get("point_time_ns")
            registration.add(time_ns, columns["xyz"], lidar.ego_from_sensor, times)
        if count > _FIRST:
            intake.advance()
    return registration


def _has_times(writer: RecordingWriter, lidar: Lidar) -> bool:
    """Whether the LiDAR's points have times of their own that bend its sweeps."""
    columns = next((columns for _, columns in writer.sweeps_of(lidar.name) if columns), {})
    return "point_time_ns" in columns and not lidar.motion_compensated
