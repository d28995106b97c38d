"""Where the ego was at any time: poses interpolated between those that were recorded."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Ints, Mask, Transform
from lidar_label.calibration.transforms import FARTHEST_M, pose7_to_matrix
from lidar_label.errors import InvalidSource

_QUATERNION_TOLERANCE = 1e-2  # of its length from 1; further off is another column order


@dataclass(frozen=True, eq=False)
class Trajectory:
    """T ≥ 1 poses in order of time; between them straight lines and great arcs.

    Attributes:
        time_ns: (T,) int64, never falling; of equal times the last pose counts.
        world_from_ego: (T, 7) float64 x y z qw qx qy qz, quaternions of unit length.
    """

    time_ns: Ints
    world_from_ego: Floats

    def __post_init__(self) -> None:
        time_ns = np.ascontiguousarray(self.time_ns, dtype=np.int64)
        poses = np.array(self.world_from_ego, dtype=np.float64)
        check_poses(time_ns, poses)
        if not len(poses):
            raise InvalidSource("a trajectory has no poses; leave it out instead")
        if not (np.diff(time_ns) >= 0).all():
            raise InvalidSource("ego poses go back in time; sort them")
        last = np.append(np.diff(time_ns) > 0, True)
        time_ns, poses = time_ns[last], poses[last]
        poses[:, 3:] /= np.linalg.norm(poses[:, 3:], axis=1, keepdims=True)
        # q and −q are one rotation; with neighbours in one hemisphere the arc is the short one.
        turns = np.sum(poses[1:, 3:] * poses[:-1, 3:], axis=1) < 0
        poses[1:, 3:] *= np.where(np.cumsum(turns) % 2 == 1, -1.0, 1.0)[:, None]
        object.__setattr__(self, "time_ns", time_ns)
        object.__setattr__(self, "world_from_ego", poses)

    def __len__(self) -> int:
        return len(self.time_ns)

    def at(self, time_ns: NDArray[Any] | int) -> Transform:
        """world_from_ego, (4, 4) for one time or (K, 4, 4) for K; the end poses beyond the ends."""
        return pose7_to_matrix(self.poses_at(time_ns))

    def poses_at(self, time_ns: NDArray[Any] | int) -> Floats:
        """The same as poses (7,) or (K, 7): linear in place, slerp in rotation (Shoemake 1985)."""
        asked = np.asarray(time_ns, dtype=np.int64)
        if len(self) == 1:
            return np.broadcast_to(self.world_from_ego[0], (*asked.shape, 7)).copy()
        left = np.clip(np.searchsorted(self.time_ns, asked, side="right") - 1, 0, len(self) - 2)
        start, end = self.time_ns[left], self.time_ns[left + 1]
        share = np.clip((asked - start) / (end - start), 0.0, 1.0)[..., None]
        a, b = self.world_from_ego[left], self.world_from_ego[left + 1]
        place = a[..., :3] + share * (b[..., :3] - a[..., :3])
        return np.concatenate((place, _slerp(a[..., 3:], b[..., 3:], share)), axis=-1)

    def covers(self, time_ns: NDArray[Any] | int) -> Mask:
        """True where a time lies between the first and the last pose, so that `at` is no guess."""
        asked = np.asarray(time_ns, dtype=np.int64)
        return np.asarray((asked >= self.time_ns[0]) & (asked <= self.time_ns[-1]))

    @property
    def length(self) -> float:
        """Metres driven from pose to pose."""
        return float(np.linalg.norm(np.diff(self.world_from_ego[:, :3], axis=0), axis=1).sum())


def check_poses(time_ns: NDArray[Any], world_from_ego: NDArray[Any]) -> None:
    """Check that poses are (T, 7), finite, one a time, with unit quaternions w x y z.

    Raises:
        InvalidSource: naming the first row that is not.
    """
    if world_from_ego.ndim != 2 or world_from_ego.shape[1] != 7:
        raise InvalidSource(
            f"ego poses have shape {world_from_ego.shape}; give (T, 7): x y z qw qx qy qz"
        )
    if len(time_ns) != len(world_from_ego):
        raise InvalidSource(
            f"{len(world_from_ego)} ego poses have {len(time_ns)} times; give one time a pose"
        )
    far: Mask = np.asarray(~(np.abs(world_from_ego) < FARTHEST_M).all(axis=1))
    norm = np.linalg.norm(np.where(far[:, None], 0.0, world_from_ego[:, 3:]), axis=1)
    bad = far | ~(np.abs(norm - 1) <= _QUATERNION_TOLERANCE)
    if bad.any():
        row = int(np.argmax(bad))
        raise InvalidSource(
            f"ego pose {row} is {world_from_ego[row].tolist()}; "
            "give finite x y z and a unit quaternion qw qx qy qz"
        )


def _slerp(a: Floats, b: Floats, share: Floats) -> Floats:
    """Unit quaternions between `a` and `b` (…, 4) with a · b ≥ 0, at `share` (…, 1)."""
    angle = np.arccos(np.clip(np.sum(a * b, axis=-1, keepdims=True), -1.0, 1.0))
    near = angle < 1e-4  # there the sine quotient loses digits; a straight line is as good
    sine = np.where(near, 1.0, np.sin(angle))
    weight_a = np.where(near, 1 - share, np.sin((1 - share) * angle) / sine)
    weight_b = np.where(near, share, np.sin(share * angle) / sine)
    q = weight_a * a + weight_b * b
    return q / np.linalg.norm(q, axis=-1, keepdims=True)
