"""What stands above the ground in every frame, kept on disk, and what of it lies in a box."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Self

import numpy as np

from lidar_label.arrays import Boxes, Floats, Floats32, Ints
from lidar_label.datasets.sweeps import FramePoints
from lidar_label.kernels.containment import points_in_boxes
from lidar_label.kernels.ground import estimate_ground

_LOWEST, _HIGHEST = 0.2, 4.5  # metres above ground
_FARTHEST = 120.0  # metres
_UNIT = 0.005  # metres and, of times, 0.1 s / 500: what is kept is whole numbers of them
_UNIT_S = 0.0002
_COLUMNS = 5  # x y z height late


@dataclass(frozen=True, eq=False)
class Sweeps:
    """Where the points of a recording's frames come from.

    Attributes:
        points_of: The points of a frame by its index, ego frame at the frame's time.
        sensor: (2,) where the sensors sit, ego frame, metres.
    """

    points_of: Callable[[int], FramePoints]
    sensor: Floats


class Surroundings:
    """Points above the ground of all frames, in a temporary file that goes with it."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._start: list[int] = [0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @classmethod
    def of(cls, sweeps: Sweeps, time_ns: Ints) -> Self:
        """Those of all frames, at their times (F,)."""
        surroundings = cls()
        for frame, moment in enumerate(time_ns.tolist()):
            surroundings.add(sweeps.points_of(frame), moment)
        return surroundings

    def add(self, seen: FramePoints, time_ns: int) -> None:
        """Keep the next frame's points."""
        kept = np.zeros((0, _COLUMNS), dtype=np.int16)
        if len(seen):
            height = seen.xyz[:, 2] - estimate_ground(seen.xyz).height_at(seen.xyz[:, :2])
            above = (height > _LOWEST) & (height < _HIGHEST)
            for axis in range(3):
                above &= np.abs(seen.xyz[:, axis]) < _FARTHEST
            late_s = (seen.point_time_ns[above] - time_ns) / 1e9
            late_s = np.clip(late_s, -1.0, 1.0)
            rows = np.column_stack((seen.xyz[above] / _UNIT, height[above] / _UNIT))
            kept = np.rint(np.column_stack((rows, late_s / _UNIT_S))).astype(np.int16)
        self._file.write(np.ascontiguousarray(kept).tobytes())
        self._start.append(self._start[-1] + len(kept))

    def __len__(self) -> int:
        return len(self._start) - 1

    def frame(self, index: int) -> tuple[Floats32, Floats32, Floats32]:
        """(N, 3) points, (N,) heights above ground, (N,) seconds after the frame's time."""
        first, last = self._start[index], self._start[index + 1]
        self._file.seek(first * _COLUMNS * 2)
        raw = np.frombuffer(self._file.read((last - first) * _COLUMNS * 2), dtype=np.int16)
        rows = raw.reshape(-1, _COLUMNS).astype(np.float32)
        xyz = np.ascontiguousarray(rows[:, :3] * np.float32(_UNIT))
        return xyz, rows[:, 3] * np.float32(_UNIT), rows[:, 4] * np.float32(_UNIT_S)


def rows_in(xyz: Floats32, boxes: Boxes, margin: Floats) -> tuple[Ints, Ints]:
    """Points in boxes grown by `margin` (M, 2) metres: start (M + 1,), rows (K,)."""
    grown = boxes.copy()
    grown[:, 3:5] += 2 * margin
    grown[:, 5] += 1.0
    box, row = np.nonzero(points_in_boxes(xyz, grown))
    start = np.searchsorted(box, np.arange(len(boxes) + 1))
    return start.astype(np.int64), row.astype(np.int64)
