"""Real recordings of every format: labels sit on points, poses hold still what stands still."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from lidar_label.arrays import wrap_angle
from lidar_label.calibration.deskew import deskew
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.exports import export_labels
from lidar_label.datasets.formats import ImportResult, import_source, read_labels
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.round_trip import READ_AS
from lidar_label.kernels.boxes import count_points_in_boxes


@pytest.fixture(scope="module")
def imported(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ImportResult]:
    place = tmp_path_factory.mktemp("imported")
    names = (
        "kitti_odometry_00", "kitti_raw_drive", "kitti_raw_sync", "kitti_object",
        "kitti_tracking", "view_of_delft", "sustechpoints", "argoverse2",
    )  # fmt: skip
    results: dict[str, ImportResult] = {}
    for name in names:
        sequence = "0000" if name == "kitti_tracking" else None
        results[name] = import_source(shared / name, place / f"{name}.h5", sequence=sequence)
    return results


def labels_of(result: ImportResult) -> Cuboids:
    assert result.labels is not None
    return result.labels


@pytest.mark.parametrize(
    ("name", "format_name", "sweeps", "images", "cuboids"),
    [
        ("kitti_odometry_00", "kitti-odometry", [6], 0, None),
        ("kitti_raw_drive", "kitti-raw", [20], 0, None),
        ("kitti_raw_sync", "kitti-raw", [1], 1, None),
        ("kitti_object", "kitti-object", [2], 2, 5),
        ("kitti_tracking", "kitti-tracking", [154], 0, 711),
        ("view_of_delft", "view-of-delft", [2, 2], 2, 39),
        ("sustechpoints", "sustechpoints", [2], 6, 44),
        ("argoverse2", "argoverse2", [2, 2], 0, 162),
    ],
)
def test_everything_comes_in(
    name: str,
    format_name: str,
    sweeps: list[int],
    images: int,
    cuboids: int | None,
    imported: dict[str, ImportResult],
) -> None:
    result = imported[name]
    assert (result.format, list(result.sweeps.values()), result.images) == (
        format_name, sweeps, images,
    )  # fmt: skip
    assert (None if result.labels is None else len(result.labels)) == cuboids
    assert not any("non-finite" in line for line in result.warnings)


def test_argoverse_counts_the_same_points_in_its_boxes(imported: dict[str, ImportResult]) -> None:
    labels = labels_of(imported["argoverse2"])
    with Recording(imported["argoverse2"].recording_path) as recording:
        for frame in range(2):
            own = labels.select(labels.frame == frame)
            counted = count_points_in_boxes(recording.frame_points(frame).xyz, own.boxes)
            assert np.abs(counted - own.num_points).max() <= 3


@pytest.mark.parametrize("name", ["kitti_object", "view_of_delft", "sustechpoints"])
def test_labelled_boxes_hold_points_and_stand_on_their_lowest(
    name: str, imported: dict[str, ImportResult]
) -> None:
    """Turned, shifted or taken for bottom centres, boxes would lose their points."""
    labels = labels_of(imported[name])
    near = labels.select(np.hypot(labels.boxes[:, 0], labels.boxes[:, 1]) < 40)
    assert (near.num_points >= 5).mean() > 0.9
    for grown, least in ((1.3, 0.6), (1.6, 0.4)):
        # A tight box holds most of what a larger one around it holds above the ground.
        boxes = near.boxes.copy()
        boxes[:, 2] += 0.15
        wide = boxes.copy()
        wide[:, 3:5] *= grown
        with Recording(imported[name].recording_path) as recording:
            inside = np.zeros((2, len(near)))
            for frame in np.unique(near.frame).tolist():
                rows = near.frame == frame
                cloud = recording.frame_points(frame).xyz
                inside[0, rows] = count_points_in_boxes(cloud, boxes[rows])
                inside[1, rows] = count_points_in_boxes(cloud, wide[rows])
        assert inside[0].sum() / inside[1].sum() > least


def test_parked_cars_stand_still_in_the_world(imported: dict[str, ImportResult]) -> None:
    """Cars 5 to 14 of sequence 0000 are parked; the poses and the rig hold them in their place."""
    labels = labels_of(imported["kitti_tracking"])
    with Recording(imported["kitti_tracking"].recording_path) as recording:
        poses = recording.frame_poses()
    assert poses is not None
    for track in (5, 6, 7, 9, 10, 11, 13, 14):
        own = labels.select(labels.track_id == track)
        world = np.einsum("nij,nj->ni", poses[own.frame, :3, :3], own.boxes[:, :3])
        world += poses[own.frame, :3, 3]
        assert np.ptp(own.boxes[:, 0]) > 8
        assert world[:, :2].std(axis=0).max() < 0.35


def test_view_of_delft_and_argoverse_poses_are_upright(
    imported: dict[str, ImportResult],
) -> None:
    for name, most in (("view_of_delft", 0.01), ("argoverse2", 0.06)):
        with Recording(imported[name].recording_path) as recording:
            poses = recording.frame_poses()
        assert poses is not None
        tilt = np.arccos(poses[:, 2, 2])
        assert tilt.max() < most


def test_what_a_turning_car_sees_twice_agrees(imported: dict[str, ImportResult]) -> None:
    """The drive turns left at 8°/s: behind it a strip is seen at both ends of the rotation."""
    with Recording(imported["kitti_raw_sync"].recording_path) as recording:
        sweep = recording.sweep("velodyne", 0)
        imu = recording.imu("oxts").values[0]
    assert sweep.point_time_ns is not None
    speed, turn = imu[6], imu[5]
    seconds = np.array([-0.1, 0.0, 0.1])
    poses = np.zeros((3, 7))
    poses[:, 0] = speed * seconds
    poses[:, 3], poses[:, 6] = np.cos(turn * seconds / 2), np.sin(turn * seconds / 2)
    times = sweep.time_ns + (seconds * 1e9).astype(np.int64)
    moved = deskew(
        sweep.xyz, sweep.point_time_ns, sweep.time_ns, Trajectory(times, poses), np.eye(4)
    )
    above = (sweep.xyz[:, 2] > -1.5) & (sweep.xyz[:, 0] < -5)
    azimuth = np.degrees(np.arctan2(sweep.xyz[:, 1], sweep.xyz[:, 0]))
    behind = np.abs(np.degrees(np.arctan2(moved[:, 1], -moved[:, 0]))) < 0.35
    left, right = (moved[above & behind & side] for side in (azimuth > 177, azimuth < -177))
    assert min(len(left), len(right)) > 50
    assert np.median(cKDTree(right).query(left)[0]) < 0.06


@pytest.mark.parametrize("format_name", sorted(READ_AS))
@pytest.mark.parametrize("name", ["kitti_object", "view_of_delft", "sustechpoints", "argoverse2"])
def test_real_labels_come_back_from_every_format(
    format_name: str, name: str, imported: dict[str, ImportResult], tmp_path: Path
) -> None:
    labels = labels_of(imported[name])
    with Recording(imported[name].recording_path) as recording:
        export_labels(labels, recording, format_name, tmp_path / "out")
        table = tmp_path / "out" / f"labels.{format_name}"
        back, _ = read_labels(table if table.exists() else tmp_path / "out", recording)
    assert back.frame.tolist() == sorted(labels.frame.tolist())
    order = np.argsort(labels.frame, kind="stable")
    expected = labels.select(order)
    if format_name == "kitti-raw":  # which is in order of tracks
        back, expected = (rows.select(np.lexsort((*rows.boxes.round(6).T[:2], rows.frame)))
                          for rows in (back, expected))  # fmt: skip
    np.testing.assert_allclose(back.boxes[:, :6], expected.boxes[:, :6], atol=1e-9)
    assert np.abs(wrap_angle(back.boxes[:, 6] - expected.boxes[:, 6])).max() < 1e-9
    assert back.category.tolist() == expected.category.tolist()
    assert back.time_ns.tolist() == expected.time_ns.tolist()


def test_kitti_labels_are_written_as_they_were(
    shared: Path, imported: dict[str, ImportResult], tmp_path: Path
) -> None:
    """The export of imported labels has the official files' numbers, to the last decimal."""
    result = imported["kitti_object"]
    export_labels(labels_of(result), result.recording_path, "kitti", tmp_path / "out")
    for path in sorted((shared / "kitti_object/training/label_2").iterdir()):
        theirs = [line.split() for line in path.read_text().splitlines() if "DontCare" not in line]
        ours = (tmp_path / "out/label_2" / path.name).read_text().splitlines()
        numbers = [[float(word) for word in line.split()[1:]] for line in ours]
        assert numbers == [[float(word) for word in words[1:]] for words in theirs]


def test_sustech_labels_are_written_as_they_were(
    shared: Path, imported: dict[str, ImportResult], tmp_path: Path
) -> None:
    result = imported["sustechpoints"]
    export_labels(labels_of(result), result.recording_path, "sustechpoints", tmp_path / "out")
    for path in sorted((shared / "sustechpoints/label").iterdir()):
        theirs = json.loads(path.read_text())
        ours = json.loads((tmp_path / "out/label" / path.name).read_text())
        assert [item["obj_id"] for item in ours] == [item["obj_id"] for item in theirs]
        for a, b in zip(ours, theirs, strict=True):
            assert a["psr"]["position"] == b["psr"]["position"]
            assert a["psr"]["scale"] == b["psr"]["scale"]
            angles = [[item["psr"]["rotation"][axis] for axis in "xyz"] for item in (a, b)]
            turned = wrap_angle(np.array(angles[0]) - np.array(angles[1]))
            np.testing.assert_allclose(turned, 0, atol=1e-12)
