"""What tracks are laid against: the same points whether they were kept or read again."""

import numpy as np
import pytest

from lidar_label.kernels.packed_points import PackedPoints, pack
from lidar_label.track_surroundings import Surroundings


def packed_frame(frame: int) -> PackedPoints:
    rng = np.random.default_rng(frame)
    count = 50 + 37 * frame
    xyz = rng.uniform(-20, 20, (count, 3)).astype(np.float32)
    height = rng.uniform(0, 3, count).astype(np.float32)
    return pack(xyz, height, rng.integers(-(10**8), 10**8, count), 0)


def test_frames_come_back_in_any_order_kept_or_read() -> None:
    read: list[int] = []

    def again(frame: int) -> PackedPoints:
        read.append(frame)
        return packed_frame(frame)

    with Surroundings(again, np.zeros(2)) as surroundings:
        for frame in (3, 0):
            surroundings.keep(frame, packed_frame(frame))
        early = surroundings.frame(3)
        for frame in (2, 3, 0, 1, 2, 4, 0):
            found, wanted = surroundings.frame(frame), packed_frame(frame)
            assert found.rows.tolist() == wanted.rows.tolist()
            assert found.begins.tolist() == wanted.begins.tolist()
        assert early.rows.tolist() == packed_frame(3).rows.tolist()
    assert read == [2, 1, 4]


def test_a_box_sees_its_points_from_the_sensor() -> None:
    xyz = np.array([[8, 0.5, 0], [8, 9, 0]], dtype=np.float32)
    frame = pack(xyz, np.ones(2, np.float32), np.zeros(2, np.int64), 0)
    with Surroundings(lambda _: frame, np.array([1.0, 0])) as surroundings:
        box = np.array([[10.0, 0, 0, 4, 2, 2, 0]])
        start, points, ground = surroundings.look(
            0, box, np.full(1, 0.1), np.ones(1), np.zeros((1, 2))
        )
    assert start.tolist() == [0, 1]
    assert points[0] == pytest.approx([-2, 0.5, 1, -1, 0], abs=1e-5)
    assert ground[0] == pytest.approx(-1, abs=1e-5)
