"""Ego poses of a source that brings none, found from its sweeps while it is imported."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from lidar_label.arrays import Ints, Points, Transform
from lidar_label.calibration.registration import SweepRegistration
from lidar_label.calibration.rig import Lidar
from lidar_label.datasets.intake import Intake
from lidar_label.datasets.recording_writer import RecordingWriter

_FIRST = 2  # sweeps that tell the motion at the start, when none is known yet
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
    if not lidar.motion_compensated and "point_time_ns" in writer.columns_of(name):
        first = SweepRegistration()
        for sweep in islice(_sweeps(writer, lidar), _FIRST):
            first.add(*sweep)
        rough = first.trajectory()
    registration = SweepRegistration(rough)
    for sweep in _sweeps(writer, lidar):
        if registration.lost:
            break
        registration.add(*sweep)
        intake.advance()
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


def _sweeps(
    writer: RecordingWriter, lidar: Lidar
) -> Iterator[tuple[int, Points, Transform, Ints | None]]:
    """What `SweepRegistration.add` takes, of each sweep; times only where they bend the sweep."""
    columns = ("xyz",) if lidar.motion_compensated else ("xyz", "point_time_ns")
    none = np.zeros((0, 3), dtype=np.float32)
    for time_ns, found in writer.sweeps_of(lidar.name, columns):
        times = found.get("point_time_ns")
        yield time_ns, found.get("xyz", none), lidar.ego_from_sensor, times
