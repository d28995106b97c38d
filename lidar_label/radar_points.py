"""Radar detections of a frame: in the ego frame, with Doppler over ground, standing or moving."""

from dataclasses import dataclass, fields

import numpy as np

from lidar_label.arrays import Floats, Mask
from lidar_label.calibration.doppler import (
    directions,
    over_ground,
    own_velocity,
    velocity_by_poses,
)
from lidar_label.calibration.transforms import invert, transform_points
from lidar_label.datasets.recording import Frame, RadarSweep, Recording

MOVES = 0.4  # m/s along the line of sight: four spreads of a radar's noise, half of a slow walk
_SPAN_NS = 80_000_000  # the sweep before a frame's own counts too, at 13 Hz and more


@dataclass(frozen=True, eq=False)
class RadarPoints:
    """Detections of all radars of a frame.

    Attributes:
        xyz: (N, 3) float64 metres, ego frame at the frame's time; movers where they are by then.
        toward: (N, 3) unit vectors from the radar to them, ego frame.
        speed: (N,) m/s over ground along `toward`, positive away.
        rcs: (N,) dBsm, NaN where unknown.
    """

    xyz: Floats
    toward: Floats
    speed: Floats
    rcs: Floats

    def __len__(self) -> int:
        return len(self.speed)

    @property
    def moving(self) -> Mask:
        """(N,) points that move along their line of sight; who crosses it does not show."""
        return np.abs(self.speed) > MOVES

    def select(self, rows: Mask) -> "RadarPoints":
        """Some of them."""
        return RadarPoints(*(getattr(self, field.name)[rows] for field in fields(self)))


def radar_points(recording: Recording, frame: Frame, span_ns: int = _SPAN_NS) -> RadarPoints:
    """Detections of the sweeps up to a frame's own, moved on to the frame's time.

    Sweeps without Doppler are left out: nothing tells their movers.

    Args:
        recording: The recording.
        frame: Of it.
        span_ns: Earlier sweeps so long before the frame's count too; 0: the frame's alone.
    """
    parts = [RadarPoints(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros(0))]
    for name in recording.radars:
        if name not in frame.sweeps:
            continue
        last = frame.sweeps[name]
        times = recording.sweep_times(name)
        first = int(np.searchsorted(times, times[last] - span_ns)) if span_ns else last
        for index in range(min(first, last), last + 1):
            part = _placed(recording, name, index, frame)
            parts += [part] if part is not None else []
    joined = (np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(RadarPoints))
    return RadarPoints(*joined)


def doppler_over_ground(recording: Recording, name: str, sweep: RadarSweep) -> Floats | None:
    """(N,) m/s: the source's where it has it, else by the ego poses, else by the Doppler itself."""
    if sweep.radial_velocity_compensated is not None:
        return sweep.radial_velocity_compensated.astype(np.float64)
    if sweep.radial_velocity is None:
        return None
    place, trajectory = recording.rig[name].ego_from_sensor, recording.trajectory
    if trajectory is not None and bool(trajectory.covers(sweep.time_ns)):
        own = velocity_by_poses(trajectory, sweep.time_ns, place)
        return over_ground(sweep.xyz, sweep.radial_velocity, own)
    found = own_velocity(sweep.xyz, sweep.radial_velocity)
    return None if found is None else over_ground(sweep.xyz, sweep.radial_velocity, found.velocity)


def _placed(recording: Recording, name: str, index: int, frame: Frame) -> RadarPoints | None:
    sweep = recording.radar_sweep(name, index)
    speed = doppler_over_ground(recording, name, sweep)
    if speed is None:
        return None
    place = recording.rig[name].ego_from_sensor
    if recording.trajectory is not None:
        now, then = recording.trajectory.at(np.array([frame.time_ns, sweep.time_ns]))
        place = invert(now) @ then @ place
    xyz = transform_points(place, sweep.xyz.astype(np.float64))
    toward = directions(sweep.xyz) @ place[:3, :3].T
    going = np.where(np.abs(speed) > MOVES, speed, 0.0) * (frame.time_ns - sweep.time_ns) / 1e9
    rcs = np.full(len(xyz), np.nan) if sweep.rcs is None else sweep.rcs.astype(np.float64)
    return RadarPoints(xyz + toward * going[:, None], toward, speed, rcs)
