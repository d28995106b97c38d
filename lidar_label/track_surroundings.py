"""What stands above the ground in every frame, kept on disk, so that tracks can be laid on it."""

import mmap
import tempfile
from collections.abc import Callable
from typing import IO, Self

import numpy as np

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Points
from lidar_label.datasets.sweeps import FramePoints
from lidar_label.kernels.ground import estimate_ground
from lidar_label.kernels.packed_points import (
    COLUMNS,
    NOTHING_PACKED,
    SQUARES,
    PackedPoints,
    look,
    pack,
)

_BEGINS = 4 * (SQUARES + 1)  # bytes


def heights_above_ground(xyz: Points) -> Floats32:
    """(N,) metres of the points (N, 3) of one sweep above the ground below them."""
    if not len(xyz):
        return np.zeros(0, dtype=np.float32)
    return estimate_ground(xyz).height


def packed(seen: FramePoints, time_ns: int, height: Floats32) -> PackedPoints:
    """What stands in a frame.

    Args:
        seen: The frame's points, ego frame at its time.
        time_ns: The frame's time.
        height: (N,) metres above ground.
    """
    if not len(seen):
        return NOTHING_PACKED
    return pack(seen.xyz, height, seen.point_time_ns, time_ns)


class Surroundings:
    """Packed points of frames, in a temporary file that goes with it; use it in a `with`.

    A frame that was not kept while it was at hand is read when it is first looked at: what is
    found does not depend on it.

    Attributes:
        sensor: (2,) where the sensors sit, ego frame, metres.
    """

    def __init__(self, read: Callable[[int], PackedPoints], sensor: Floats) -> None:
        """Begin with no frame kept.

        Args:
            read: What stands in a frame, by the frame's index.
            sensor: (2,) ego frame, metres.
        """
        self.sensor = np.ascontiguousarray(sensor, dtype=np.float64)
        self._read = read
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._place: dict[int, tuple[int, int]] = {}  # where it begins, and how many points
        self._size = 0
        self._view = np.zeros(0, dtype=np.uint8)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._view = np.zeros(0, dtype=np.uint8)
        self._file.close()

    def keep(self, frame: int, points: PackedPoints) -> None:
        """Keep what stands in a frame."""
        begins = np.ascontiguousarray(points.begins, dtype=np.int32)
        rows = np.ascontiguousarray(points.rows, dtype=np.int16)
        self._file.write(begins.tobytes())
        self._file.write(rows.tobytes())
        fill = -rows.nbytes % 4  # the next frame's numbers begin where the machine reads them best
        self._file.write(bytes(fill))
        self._place[frame] = (self._size, len(rows))
        self._size += _BEGINS + rows.nbytes + fill

    def frame(self, index: int) -> PackedPoints:
        """What stands in a frame, as a view of the file."""
        if index not in self._place:
            self.keep(index, self._read(index))
        begin, count = self._place[index]
        end = begin + _BEGINS + count * COLUMNS * 2
        if end > len(self._view):
            self._file.flush()
            whole = mmap.mmap(self._file.fileno(), self._size, access=mmap.ACCESS_READ)
            self._view = np.frombuffer(whole, dtype=np.uint8)
        begins = self._view[begin : begin + _BEGINS].view(np.int32)
        return PackedPoints(
            self._view[begin + _BEGINS : end].view(np.int16).reshape(-1, COLUMNS), begins
        )

    def look(
        self, frame: int, boxes: Boxes, margin: Floats, waist: Floats, velocity: Floats
    ) -> tuple[Ints, Floats32, Floats32]:
        """The points of a frame in and about each box.

        Args:
            frame: Its index.
            boxes: (M, 7) ego frame.
            margin: (M,) metres about each.
            waist: (M,) metres above ground from which a point is on no face.
            velocity: (M, 2) m/s of each object, ego frame.

        Returns:
            See `kernels.packed_points.look`.
        """
        rows, begins = self.frame(frame)
        return look(rows, begins, boxes, margin, waist, velocity, self.sensor)
