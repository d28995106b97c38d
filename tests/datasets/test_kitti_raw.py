"""Times of points and poses of a raw drive, against numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
import source_folders as folders

from lidar_label.datasets.formats import import_source
from lidar_label.datasets.intake import Cloud
from lidar_label.datasets.kitti_raw import point_times, read_timestamps
from lidar_label.datasets.oxts import imu_poses, read_oxts_line
from lidar_label.datasets.recording import Recording


def test_the_laser_turns_counter_clockwise_from_behind() -> None:
    right_behind, right, ahead, left, left_behind = np.radians([-179.999, -90, 0, 90, 179.999])
    azimuth = np.array([right_behind, right, ahead, left, left_behind])
    xyz = np.column_stack((np.cos(azimuth), np.sin(azimuth), np.zeros(5))).astype(np.float32)
    times = point_times(Cloud(xyz), 1000, 1_001_000)
    np.testing.assert_allclose(times, [1003, 251000, 501000, 751000, 1000997], atol=1)


def test_timestamps_are_nanoseconds(tmp_path: Path) -> None:
    path = tmp_path / "timestamps.txt"
    path.write_text("2011-09-26 13:04:32.349659964\n1970-01-01 00:00:01\n")
    # 2011-09-26 13:04:32 UTC is 1317042272 s after 1970.
    assert read_timestamps(path) == [1317042272349659964, 1_000_000_000]


def test_drive_has_times_of_its_own(tmp_path: Path) -> None:
    result = import_source(folders.kitti_raw(tmp_path / "data"), tmp_path / "out.h5")
    assert result.warnings == []
    with Recording(result.recording_path) as recording:
        sweep = recording.sweep("velodyne", 1)
        base = 1317042272 * 10**9
        assert sweep.time_ns == base + 150_000_000
        assert sweep.point_time_ns is not None
        assert (sweep.point_time_ns >= base + 100_000_000).all()
        assert (sweep.point_time_ns <= base + 200_000_000).all()
        assert recording.image_times("image_02").tolist() == [base + 60_000_000, base + 160_000_000]
        imu = recording.imu("oxts")
        assert imu.channels[:3] == ("acceleration_x", "acceleration_y", "acceleration_z")
        # The line counts 6, 7, … from its seventh value, vn, on: ax is the twelfth.
        assert imu.values[0].tolist() == [11, 12, 13, 17, 18, 19, 8, 9, 10]


def test_oxts_poses_are_metres_east_and_north() -> None:
    rows = [
        read_oxts_line(folders.oxts_line(metres, yaw), "here")
        for metres, yaw in ((0.0, 0.0), (25.0, 0.5))
    ]
    poses = imu_poses(np.array(rows))
    np.testing.assert_allclose(poses[1, :3, 3] - poses[0, :3, 3], [25, 0, 0], atol=1e-4)
    c, s = np.cos(0.5), np.sin(0.5)
    np.testing.assert_allclose(poses[1, :3, :3], [[c, -s, 0], [s, c, 0], [0, 0, 1]], atol=1e-9)
    north = np.array(rows[0])
    north[0] += np.degrees(10 / 6378137.0)
    shifted = imu_poses(np.array([rows[0], north]))
    assert shifted[1, 1, 3] - shifted[0, 1, 3] == pytest.approx(10, abs=1e-3)
