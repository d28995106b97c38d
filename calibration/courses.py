"""How far something has turned and gone since it began, by which sensors are compared."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from lidar_label.arrays import Floats, Ints
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.calibration.transforms import invert

_NS_PER_S = 1e9


@dataclass(frozen=True, eq=False)
class Course:
    """Rates summed up over time, so that sensors of any sampling can be compared.

    Attributes:
        time_ns: (T,) int64, rising.
        values: (T, C) float64, zero at the first time; which quantities is up to the maker.
    """

    time_ns: Ints
    values: Floats

    def select(self, channels: slice) -> "Course":
        """Some of the channels."""
        return Course(self.time_ns, self.values[:, channels])


def course_of_rates(time_ns: NDArray[Any], rates: NDArray[Any]) -> Course:
    """Samples of rates (T, C) a second, summed by trapezoids; of equal times the first counts."""
    times, rows = np.unique(np.asarray(time_ns, dtype=np.int64), return_index=True)
    rates = np.asarray(rates, dtype=np.float64).reshape(len(time_ns), -1)[rows]
    steps = np.diff(times)[:, None] / _NS_PER_S * (rates[1:] + rates[:-1]) / 2
    return Course(times, np.vstack((np.zeros((1, rates.shape[1])), np.cumsum(steps, axis=0))))


def course_of_turns(time_ns: NDArray[Any], rates: NDArray[Any], ego_from_sensor: Floats) -> Course:
    """Of a gyroscope's (T, 3) rad/s in its own frame: turns about the ego's x, y and z, radians."""
    turned = np.asarray(rates, dtype=np.float64) @ ego_from_sensor[:3, :3].T
    return course_of_rates(time_ns, turned)


def course_of_poses(trajectory: Trajectory, time_ns: NDArray[Any] | None = None) -> Course:
    """Turns about the ego's x, y and z (radians) and way forward (metres), (T, 4).

    Args:
        trajectory: The ego's poses.
        time_ns: (T,) when to take them; None: when they were recorded.
    """
    times = trajectory.time_ns if time_ns is None else np.asarray(time_ns, dtype=np.int64)
    poses = trajectory.at(times)
    steps = invert(poses[:-1]) @ poses[1:]
    turns = Rotation.from_matrix(steps[:, :3, :3]).as_rotvec()
    # Half of a step's turn belongs to the frame in which its way lies ahead.
    ahead = steps[:, 0, 3] + turns[:, 2] / 2 * steps[:, 1, 3]
    summed = np.cumsum(np.column_stack((turns, ahead)), axis=0)
    return Course(times, np.vstack((np.zeros((1, 4)), summed)))
