"""Ego poses from the sweeps alone, where a source brings none: each laid on the map so far.

Scan-to-map registration by Generalized ICP on a voxel map (`kernels/scan_matching.py`), started
from constant velocity as in KISS-ICP (Vizzo et al., RA-L 2023). Where points have times, each sweep
is straightened by that velocity; the first ones by that which a pass over them alone has found.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Ints, Points, Transform
from lidar_label.calibration.deskew import deskew
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.calibration.transforms import (
    invert,
    matrix_to_pose7,
    orthonormal,
    transform_points,
)
from lidar_label.kernels.scan_matching import VoxelMap, find_normals
from lidar_label.kernels.voxels import voxel_means

_NS_PER_S = 1_000_000_000
_HARDLY = 1e-9  # twice the sine of a turn


@dataclass(frozen=True)
class RegistrationConfig:
    """How sweeps are laid on the map.

    Attributes:
        spacing: Points are thinned to one a cube of this side, metres.
        voxel: Side of the map's voxels, metres.
        neighbourhood: Side of the cells whose points tell a point's plane, metres.
        reach: A point's counterpart on the map is at most so far, metres.
        far_voxel: The same of the map for a second try, where the first found too little.
        far_reach: The same of that.
        max_range: Points further off are not used, metres.
        min_points: A thinned sweep of fewer points gets no pose of its own.
        first_steps: Where the second sweep may lie ahead of the first, metres, for a second try.
        good_share: No second try where so many points have found their counterpart.
        min_share: Share of points that must find their counterpart. Consecutive sweeps reach
            0.67 to 0.97, sweeps of different places 0.15 to 0.34 (the ground fits everywhere).
        max_lost: So many sweeps in a row may fail, their poses then come from the neighbours.
    """

    spacing: float = 0.75
    voxel: float = 1.0
    neighbourhood: float = 0.9
    reach: float = 1.5
    far_voxel: float = 3.0
    far_reach: float = 6.0
    max_range: float = 100.0
    min_points: int = 200
    first_steps: tuple[float, ...] = (1.5, 3.0, -1.5)
    good_share: float = 0.65
    min_share: float = 0.45
    max_lost: int = 3


@dataclass
class SweepRegistration:
    """Poses of one drive, sweep by sweep; state lives only while the sweeps go through.

    Attributes:
        rough: The motion of the first sweeps as a first pass has found it.
        lost: Whether more sweeps in a row than `max_lost` fitted nowhere: there is no trajectory.
        failed: Sweeps that fitted nowhere.
    """

    rough: Trajectory | None = None
    config: RegistrationConfig = field(default_factory=RegistrationConfig)
    lost: bool = field(default=False, init=False)
    failed: int = field(default=0, init=False)
    _times: list[int] = field(default_factory=list[int], init=False)
    _poses: list[Transform] = field(default_factory=list[Transform], init=False)
    _begin_ns: int = field(default=np.iinfo(np.int64).max, init=False)
    _end_ns: int = field(default=np.iinfo(np.int64).min, init=False)
    _in_a_row: int = field(default=0, init=False)
    _map: VoxelMap = field(init=False)
    _coarse: VoxelMap = field(init=False)

    def __post_init__(self) -> None:
        self._map = VoxelMap(self.config.voxel)
        self._coarse = VoxelMap(self.config.far_voxel)

    def add(
        self,
        time_ns: int,
        points: Points,
        ego_from_sensor: Transform,
        point_time_ns: Ints | None = None,
    ) -> None:
        """Register the next sweep in order of time.

        Args:
            time_ns: The sweep's time; a sweep of the same time as the one before is passed over.
            points: (N, 3) float32, sensor frame, finite.
            ego_from_sensor: (4, 4).
            point_time_ns: (N,) int64, None where unknown or already compensated.
        """
        if self.lost or (self._times and time_ns <= self._times[-1]):
            return
        guess = self._predicted(time_ns)
        cloud = self._prepared(points, ego_from_sensor, time_ns, point_time_ns)
        if len(cloud.places) < self.config.min_points:
            return
        if not self._poses:
            pose, share = guess, 1.0
        else:
            pose, share = self._aligned(cloud, guess)
        if share < self.config.min_share:
            self.failed += 1
            self._in_a_row += 1
            self.lost = self._in_a_row > self.config.max_lost
            return
        self._in_a_row = 0
        if point_time_ns is not None:
            begin, end = int(np.min(point_time_ns)), int(np.max(point_time_ns))
            self._begin_ns, self._end_ns = min(begin, self._begin_ns), max(end, self._end_ns)
        self._times.append(time_ns)
        self._poses.append(pose)
        for voxels in (self._map, self._coarse):
            voxels.insert(cloud.places, cloud.normals, pose)

    @property
    def times(self) -> list[int]:
        """Times of the sweeps that were registered, nanoseconds."""
        return list(self._times)

    def trajectory(self) -> Trajectory | None:
        """The poses so far, carried on at constant velocity to the first and the last point's time.

        World = ego frame of the first pose. None if lost, or of fewer than two sweeps.
        """
        mostly_failed = 2 * self.failed > len(self._times)
        if self.lost or mostly_failed or len(self._times) < 2:
            return None
        times, poses = list(self._times), list(self._poses)
        if self._begin_ns < times[0]:
            poses.insert(0, _carry_on(times[1], poses[1], times[0], poses[0], self._begin_ns))
            times.insert(0, self._begin_ns)
        if self._end_ns > times[-1]:
            poses.append(_carry_on(times[-2], poses[-2], times[-1], poses[-1], self._end_ns))
            times.append(self._end_ns)
        stacked = invert(poses[0]) @ np.array(poses)
        return Trajectory(np.array(times), matrix_to_pose7(stacked))

    def _predicted(self, time_ns: int) -> Transform:
        """Where the ego is at a time: by the first pass, or going on as between the last sweeps."""
        if self._poses and self.rough is not None and self._in_rough(time_ns):
            return self._poses[-1] @ invert(self.rough.at(self._times[-1])) @ self.rough.at(time_ns)
        if len(self._poses) < 2:
            return self._poses[-1] if self._poses else np.eye(4)
        (t0, t1), (before, last) = self._times[-2:], self._poses[-2:]
        return _carry_on(t0, before, t1, last, time_ns)

    def _motion(self, point_time_ns: NDArray[Any] | None) -> Trajectory | None:
        """How the ego moves during a sweep; None where that or the points' times are not known."""
        if point_time_ns is None or not len(point_time_ns):
            return None
        first, last = int(point_time_ns.min()), int(point_time_ns.max())
        if self._in_rough(last):
            return self.rough
        if len(self._poses) < 2 or first >= last:
            return None
        ends = np.array([first, last])
        poses = np.array([self._predicted(int(time_ns)) for time_ns in ends])
        return Trajectory(ends, matrix_to_pose7(poses))

    def _in_rough(self, time_ns: int) -> bool:
        return self.rough is not None and time_ns <= self.rough.time_ns[-1]

    def _prepared(
        self,
        points: Points,
        ego_from_sensor: Transform,
        time_ns: int,
        point_time_ns: NDArray[Any] | None,
    ) -> "_Cloud":
        """The sweep in the ego frame at its time, thinned, each point with its normal."""
        # Thinned before they are straightened: a voxel's points have all but the same time.
        motion = self._motion(point_time_ns)
        columns: NDArray[Any] = points
        if point_time_ns is not None and motion is not None:
            columns = np.empty((len(points), 4), dtype=np.float32)
            columns[:, :3] = points
            columns[:, 3] = (point_time_ns - time_ns) / _NS_PER_S
        thinned = voxel_means(columns, self.config.spacing)
        xyz = thinned[:, :3]
        thinned = thinned[np.einsum("ij,ij->i", xyz, xyz) < self.config.max_range**2]
        if motion is None:
            placed = transform_points(ego_from_sensor, thinned[:, :3])
        else:
            times = time_ns + (thinned[:, 3] * _NS_PER_S).astype(np.int64)
            straight = thinned[:, :3].astype(np.float32)
            placed = deskew(straight, times, time_ns, motion, ego_from_sensor)
        places = np.ascontiguousarray(placed, dtype=np.float64)
        if len(places) < self.config.min_points:
            return _Cloud(places, np.zeros((0, 3)))
        return _Cloud(places, find_normals(places, self.config.neighbourhood))

    def _aligned(self, cloud: "_Cloud", guess: Transform) -> tuple[Transform, float]:
        pose, share = self._try(cloud, guess)
        starts = [guess]
        if len(self._poses) < 2:  # the speed is unknown yet: try some
            starts += [guess @ _forward(metres) for metres in self.config.first_steps]
        for start in starts if share < self.config.good_share else ():
            coarse, _ = self._coarse.align(
                cloud.places, cloud.normals, start, self.config.far_reach
            )
            other, reached = self._try(cloud, coarse)
            if reached > share:
                pose, share = other, reached
        return pose, share

    def _try(self, cloud: "_Cloud", guess: Transform) -> tuple[Transform, float]:
        pose, inside = self._map.align(cloud.places, cloud.normals, guess, self.config.reach)
        # The next guess builds on this pose: unmended, rounding doubles from sweep to sweep.
        return orthonormal(pose), inside / len(cloud.places)


@dataclass(frozen=True, eq=False)
class _Cloud:
    """A sweep ready to be laid on the map.

    Attributes:
        places: (N, 3) float64, ego frame at the sweep's time.
        normals: (N, 3) unit.
    """

    places: Floats
    normals: Floats


def _carry_on(t0: int, before: Transform, t1: int, last: Transform, time_ns: int) -> Transform:
    """The pose at a time when the motion from t0 to t1 goes on evenly, forwards or backwards."""
    step = invert(before) @ last
    whole, rest = divmod(float(np.clip((time_ns - t1) / (t1 - t0), -10, 10)), 1.0)
    return last @ np.linalg.matrix_power(step, int(whole)) @ _part(step, rest)


def _part(step: Transform, share: float) -> Transform:
    """A share of a step: of its shift, and of its turn about its axis (Rodrigues)."""
    rotation, part = step[:3, :3], np.eye(4)
    part[:3, 3] = share * step[:3, 3]
    axis = np.array(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    twice_sine = math.sqrt(float(axis @ axis))
    if twice_sine > _HARDLY:  # else there is no turn, or half a one, whose axis this does not tell
        cross = _skew(axis / twice_sine)
        angle = share * math.atan2(twice_sine, float(np.trace(rotation)) - 1.0)
        part[:3, :3] += math.sin(angle) * cross + (1.0 - math.cos(angle)) * (cross @ cross)
    return part


def _skew(v: Floats) -> Floats:
    """(3, 3) matrix of the cross product v × ·."""
    return np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])


def _forward(metres: float) -> Transform:
    moved = np.eye(4)
    moved[0, 3] = metres
    return moved
