"""Times of points and poses of a raw drive, against numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
import source_folders as folders

from lidar_label.datasets import kitti_tracklets
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.exports import export_labels
from lidar_label.datasets.formats import import_source, read_labels
from lidar_label.datasets.intake import Cloud, Tally
from lidar_label.datasets.kitti_raw import point_times, read_timestamps
from lidar_label.datasets.oxts import imu_poses, oxts_lines, read_oxts_line
from lidar_label.datasets.recording import Recording
from lidar_label.errors import InvalidSource


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


def test_oxts_lines_are_the_inverse_of_reading_them() -> None:
    """A level unit that heads north at 5 m/s: the forward axis is north, the left one west."""
    poses = np.tile(np.eye(4), (3, 1, 1))
    poses[:, :2, :2] = [[0, -1], [1, 0]]
    poses[:, :3, 3] = [[100, 200 + 0.5 * i, 10] for i in range(3)]
    force, rates = np.tile([1.0, 2, 9.8], (3, 1)), np.tile([0.1, 0.2, 0.3], (3, 1))
    lines = oxts_lines(poses, np.arange(3) * 10**8, force, rates)
    rows = np.array([read_oxts_line(line, "here") for line in lines])
    again = imu_poses(rows)
    np.testing.assert_allclose(again[:, :3, 3], poses[:, :3, 3] - poses[0, :3, 3], atol=1e-9)
    np.testing.assert_allclose(again[:, :3, :3], poses[:, :3, :3], atol=1e-12)
    np.testing.assert_allclose(rows[1, 6:11], [5, 0, 5, 0, 0], atol=1e-9)  # vn ve vf vl vu
    np.testing.assert_allclose(rows[1, 11:23], [1, 2, 9.8] * 2 + [0.1, 0.2, 0.3] * 2, atol=1e-12)


def test_a_drive_comes_back_from_its_export(tmp_path: Path) -> None:
    """Sweeps as they were scanned, with their own points' times; images, poses and labels."""
    root = folders.kitti_raw(tmp_path / "data")
    first = import_source(root, tmp_path / "first.h5")
    assert first.labels is not None
    export_labels(first.labels, tmp_path / "first.h5", "kitti-raw", tmp_path / "out")
    again = import_source(tmp_path / "out", tmp_path / "again.h5")
    assert again.labels is not None
    np.testing.assert_allclose(again.labels.boxes, first.labels.boxes, atol=1e-12)
    assert again.labels.num_points.tolist() == [folders.POINTS_IN_CAR] * 2
    assert again.labels.attributes.tolist() == first.labels.attributes.tolist()
    with Recording(tmp_path / "first.h5") as a, Recording(tmp_path / "again.h5") as b:
        for i in range(2):
            ours, theirs = a.sweep("velodyne", i), b.sweep("velodyne", i)
            assert ours.time_ns == theirs.time_ns
            np.testing.assert_array_equal(ours.xyz, theirs.xyz)
            np.testing.assert_array_equal(ours.intensity, theirs.intensity)
            assert ours.point_time_ns is not None
            assert theirs.point_time_ns is not None
            assert np.abs(ours.point_time_ns - theirs.point_time_ns).max() <= 2
            assert a.image("image_02", i) == b.image("image_02", i)
            np.testing.assert_array_equal(a.image_times("image_02"), b.image_times("image_02"))
        poses = [opened.frame_poses() for opened in (a, b)]
        assert poses[0] is not None
        assert poses[1] is not None
        moved = [np.linalg.inv(both[0]) @ both[1] for both in poses]
        np.testing.assert_allclose(moved[0], moved[1], atol=1e-6)


def test_tracks_are_cut_where_a_tracklet_cannot_follow(tmp_path: Path) -> None:
    """A gap, a change of size and of class begin a new tracklet; rows without a track are each."""
    frames = [0, 1, 3, 4, 5, 0, 1]
    boxes = np.tile(folders.CAR, (7, 1))
    boxes[:, 0] += np.arange(7)
    boxes[3:, 3] = 5.0
    labels = Cuboids.of(
        boxes,
        frame=frames,
        track_id=[2, 2, 2, 2, 2, -1, -1],
        category=np.array(["Car"] * 4 + ["A & <b>\x00"] + ["Van"] * 2, dtype=object),
    )
    lost = kitti_tracklets.write_tracklets(labels, [None] * 7, tmp_path / "t.xml")
    assert [line.split(":")[0] for line in lost] == ["category 'A & <b>\\x00'", "track_id"]
    assert "3 more tracklets" in lost[1]
    tally = Tally()
    back = kitti_tracklets.read_tracklets(tmp_path / "t.xml", tally)
    assert back.frame.tolist() == [0, 0, 1, 1, 3, 4, 5]
    assert back.track_id.tolist() == [0, 2, 1, 2, 3, 4, 5]
    assert back.category.tolist() == ["Van", "Car", "Van", "Car", "Car", "Car", "A & <b>_"]
    np.testing.assert_array_equal(back.boxes, boxes[[5, 0, 6, 1, 2, 3, 4]])
    assert tally.warnings() == ["1 labels have the class 'A & <b>_', unknown to this dataset"]
    kept = kitti_tracklets.read_tracklets(tmp_path / "t.xml", Tally(), [1, 3])
    assert kept.frame.tolist() == [0, 0, 1]


def test_damaged_tracklets_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "tracklet_labels.xml"
    good = folders.TRACKLETS
    assert len(kitti_tracklets.read_tracklets(_written(path, good), Tally())) == 2
    for wrong, message in (
        (good[:300], "is no XML"),
        (good.replace("<h>1.5</h>", "<h>tall</h>"), "tracklet 0: h is 'tall', no finite number"),
        (good.replace("<tx>10.0</tx>", "", 1), "tracklet 0: tx is ''"),
        (good.replace("<tz>-1.25</tz>", "<tz>nan</tz>", 1), "tz is 'nan'"),
        (good.replace("first_frame>0", "first_frame>-3"), "first_frame is -3"),
        (good.replace("<!DOCTYPE b", '<!DOCTYPE b [<!ENTITY a "b">] '), "defines entities"),
    ):
        with pytest.raises(InvalidSource, match=message) as caught:
            kitti_tracklets.read_tracklets(_written(path, wrong), Tally())
        assert "\n" not in str(caught.value)


def test_labels_of_another_drive_are_refused(tmp_path: Path) -> None:
    root = folders.kitti_raw(tmp_path / "data")
    import_source(root, tmp_path / "drive.h5")
    drive = root / "2011_09_26" / "2011_09_26_drive_0005_sync" / "velodyne_points" / "data"
    (drive / "0000000001.bin").unlink()
    with (
        Recording(tmp_path / "drive.h5") as recording,
        pytest.raises(InvalidSource, match="has 1 sweeps, the recording 2 frames"),
    ):
        read_labels(root, recording)


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
