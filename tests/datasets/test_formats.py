"""Sources of every format are recognised and read into the same frame, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
import source_folders as folders

from lidar_label.calibration.rig import Lidar
from lidar_label.datasets.cuboids import load_cuboids, read_provenance
from lidar_label.datasets.formats import FORMATS, import_source, read_labels, recognise
from lidar_label.datasets.frame_names import frame_names
from lidar_label.datasets.recording import Recording
from lidar_label.errors import InvalidSource, UsageError

# Point files have labels only where we have exported them (test_cloud_export).
LABELLED = [name for name, form in FORMATS.items() if form.labels and name != "points"]


@pytest.fixture(params=sorted(folders.BUILDERS))
def format_name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_format_has_a_folder_to_test() -> None:
    assert set(folders.BUILDERS) == set(FORMATS)


def test_format_is_recognised(format_name: str, tmp_path: Path) -> None:
    assert recognise(folders.BUILDERS[format_name](tmp_path)) == format_name


@pytest.mark.parametrize(
    ("format_name", "inside"),
    [
        ("kitti-object", "training"),
        ("kitti-tracking", "training"),
        ("kitti-tracking", "training/label_02/0005.txt"),
        ("kitti-raw", "2011_09_26"),
        ("kitti-raw", "2011_09_26/2011_09_26_drive_0005_sync"),
        ("view-of-delft", "lidar"),
        ("view-of-delft", "lidar/training"),
        ("argoverse2", "7fab2350-7eaf-3b7e-a39d-6937a4c1bede"),
        ("points", "sweep_1.pcd"),
    ],
)
def test_parts_of_a_dataset_are_recognised(format_name: str, inside: str, tmp_path: Path) -> None:
    root = folders.BUILDERS[format_name](tmp_path / "data")
    assert recognise(root / inside) == format_name
    assert import_source(root / inside, tmp_path / "out.h5").points > 0


def test_velodyne_folder_alone_is_a_folder_of_points(tmp_path: Path) -> None:
    assert recognise(folders.kitti_object(tmp_path) / "training" / "velodyne") == "points"


def test_unknown_folder_lists_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(InvalidSource, match="no format that we know") as error:
        recognise(tmp_path)
    assert all(name in str(error.value) for name in FORMATS)
    with pytest.raises(InvalidSource, match="no such file"):
        recognise(tmp_path / "absent")
    with pytest.raises(InvalidSource, match="no such file"):
        import_source(tmp_path / "absent", tmp_path / "out.h5", "argoverse2")


def test_arrays_beside_a_dataset_are_no_sweeps(tmp_path: Path) -> None:
    root = folders.sustechpoints(tmp_path / "data")
    np.savez(root / "ego_motion.npz", ego_motion=np.eye(4))
    assert recognise(root) == "sustechpoints"


def test_ambiguous_folder_asks_for_the_format(tmp_path: Path) -> None:
    folders.points(folders.sustechpoints(tmp_path / "data"))
    with pytest.raises(InvalidSource, match=r"sustechpoints or points.*--format"):
        recognise(tmp_path / "data")
    result = import_source(tmp_path / "data", tmp_path / "out.h5", "points")
    assert (result.format, result.labels) == ("points", None)


def test_kitti_stands_for_whichever_of_its_sets_fits(tmp_path: Path) -> None:
    for name in ("kitti-object", "kitti-tracking", "kitti-odometry", "kitti-raw"):
        root = folders.BUILDERS[name](tmp_path / name)
        assert import_source(root, tmp_path / f"{name}.h5", "kitti").format == name
    with pytest.raises(InvalidSource, match="not one of KITTI's sets"):
        import_source(folders.points(tmp_path / "points"), tmp_path / "p.h5", "kitti")
    with pytest.raises(UsageError, match="no format kiti; there are kitti, kitti-object"):
        import_source(root, tmp_path / "p.h5", "kiti")


@pytest.mark.parametrize("name", LABELLED)
def test_the_car_is_where_its_points_are(name: str, tmp_path: Path) -> None:
    result = import_source(folders.BUILDERS[name](tmp_path / "data"), tmp_path / "out.h5")
    assert result.labels is not None
    assert result.warnings == EXPECTED_WARNINGS.get(name, [])
    saved = load_cuboids(tmp_path / "out.labels.parquet")
    assert saved.equals(result.labels)
    np.testing.assert_allclose(saved.boxes, np.tile(folders.CAR, (len(saved), 1)), atol=1e-12)
    assert saved.num_points.tolist() == [folders.POINTS_IN_CAR] * len(saved)
    with Recording(tmp_path / "out.h5") as recording:
        assert saved.frame.tolist() == list(range(recording.frame_count))
        assert saved.time_ns.tolist() == [frame.time_ns for frame in recording.frames]
        assert read_provenance(tmp_path / "out.labels.parquet")["recording"] == (
            recording.content_hash
        )
        again, _ = read_labels(tmp_path / "data", recording)
    if name != "argoverse2":  # whose labels say their number of points themselves
        again = again.replace(num_points=saved.num_points)
    assert again.equals(saved)


NO_POSES = "no ego poses, and the sweeps do not follow one another: none estimated"
EXPECTED_WARNINGS = {
    "kitti-object": ["2 DontCare regions (2D only) are left out", NO_POSES],
    "sustechpoints": ["no times: 10 Hz assumed", NO_POSES],
    "rosbag": [NO_POSES],
    "openlabel": ["OpenLABEL has no sweeps: 2 frames without points"],
}


def test_points_come_through_unchanged(format_name: str, tmp_path: Path) -> None:
    result = import_source(folders.BUILDERS[format_name](tmp_path / "data"), tmp_path / "out.h5")
    if format_name == "openlabel":  # which has labels and no sweeps
        assert result.points == 0
        return
    expected = folders.scan()[:, :3]
    with Recording(result.recording_path) as recording:
        merged = recording.frame_points(0, deskew=False).xyz
        assert sum(result.sweeps[lidar] for lidar in recording.lidars) % recording.frame_count == 0
    key = [np.round(xyz, 3)[np.lexsort(np.round(xyz, 3).T)] for xyz in (merged, expected)]
    np.testing.assert_allclose(*key, atol=2e-3)


def test_kitti_times_names_camera_and_attributes(tmp_path: Path) -> None:
    result = import_source(folders.kitti_object(tmp_path / "data"), tmp_path / "out.h5")
    with Recording(result.recording_path) as recording:
        assert [frame.time_ns for frame in recording.frames] == [100_000_000, 400_000_000]
        assert frame_names(recording) == ["000001", "000004"]
        assert recording.cameras == ("image_0", "image_2")
        camera = recording.rig.camera("image_2")
        # P2's fourth column: K · t with t_x = 0.06, so camera 2 stands 0.06 m left of camera 0.
        np.testing.assert_allclose(camera.ego_from_sensor[:3, 3], [0.3, 0.16, -0.2], atol=1e-12)
        assert (camera.width, camera.height) == folders.IMAGE_SIZE
        assert recording.image("image_2", 1) == folders.png()
    assert result.labels is not None
    assert result.labels.attributes[0] == (
        '{"truncated": 0.25, "occluded": 1, "alpha": -1.7, "box_2d": [10.0, 20.0, 60.0, 50.0]}'
    )


def test_tracking_odometry_and_raw_have_poses(tmp_path: Path) -> None:
    for name, step in (("kitti-tracking", 1.0), ("kitti-odometry", 1.0), ("kitti-raw", 1.0)):
        root = folders.BUILDERS[name](tmp_path / name)
        result = import_source(root, tmp_path / f"{name}.h5")
        with Recording(result.recording_path) as recording:
            assert recording.trajectory is not None
            places = recording.trajectory.world_from_ego[:, :3]
            expected = np.arange(len(places))[:, None] * [step, 0, 0]
            np.testing.assert_allclose(places, expected, atol=1e-6)


def test_view_of_delft_radar_and_poses(tmp_path: Path) -> None:
    result = import_source(folders.view_of_delft(tmp_path / "data"), tmp_path / "out.h5")
    assert result.sweeps == {"velodyne": 2, "radar": 2}
    assert result.labels is not None
    assert np.isnan(result.labels.score).all()  # its 16th column is always 1
    with Recording(result.recording_path) as recording:
        radar = recording.radar_sweep("radar", 0)
        assert radar.xyz.tolist() == [[0, 1, 2], [7, 8, 9]]
        assert radar.rcs is not None
        assert radar.rcs.tolist() == [3, 10]
        assert radar.radial_velocity.tolist() == [4, 11]
        assert radar.radial_velocity_compensated.tolist() == [5, 12]
        assert recording.trajectory is not None
        np.testing.assert_allclose(recording.trajectory.world_from_ego[1, :3], [1, 0, 0], atol=1e-9)
        assert frame_names(recording) == ["00010", "00011"]


def test_argoverse_lidars_are_split_by_laser(tmp_path: Path) -> None:
    result = import_source(folders.argoverse2(tmp_path / "data"), tmp_path / "out.h5")
    with Recording(result.recording_path) as recording:
        assert recording.lidars == ("up_lidar", "down_lidar")
        for lidar in recording.lidars:
            sweep = recording.sweep(lidar, 0)
            assert sweep.ring is not None
            assert sweep.point_time_ns is not None
            assert sweep.ring.max() == 31
            assert sweep.point_time_ns.min() >= folders.AV2_TIMES[0]
            assert recording.rig.get(lidar, Lidar).motion_compensated
        # The down LiDAR stands on its head: 180° about x at (1.35, 0, 1.5).
        ego = folders.scan()[32, :3]
        own = recording.sweep("down_lidar", 0).xyz[0]
        np.testing.assert_allclose(own, [ego[0] - 1.35, -ego[1], -(ego[2] - 1.5)], atol=1e-5)
        assert recording.origin.tolist() == [5173, 2419, 67]
        assert recording.trajectory is not None
        np.testing.assert_allclose(
            recording.trajectory.world_from_ego[0, :3], [-0.4, 0.1, 0.2], atol=1e-9
        )
        assert recording.rig.camera("ring_front_center").distortion == (-0.2, 0.01, 0, 0, 0)
        assert recording.image_times("ring_front_center").tolist() == list(folders.AV2_TIMES)
    assert result.labels is not None
    assert set(result.labels.source_id) == {folders.AV2_TRACK}


def test_several_sequences_need_a_choice(tmp_path: Path) -> None:
    root = folders.kitti_tracking(tmp_path / "data")
    folders.write(root / "training" / "label_02" / "0009.txt", "")
    folders.write(root / "training" / "calib" / "0009.txt", folders.CALIBRATION)
    with pytest.raises(UsageError, match=r"2 sequences.*--sequence: 0005, 0009"):
        import_source(root, tmp_path / "out.h5")
    with pytest.raises(UsageError, match="no sequence 0001; it has 0005, 0009"):
        import_source(root, tmp_path / "out.h5", sequence="0001")
    assert import_source(root, tmp_path / "out.h5", sequence="0005").points == 600
    assert sorted(p.name for p in tmp_path.glob("out*")) == ["out.h5", "out.labels.parquet"]


def test_labels_without_sweeps_get_empty_frames(tmp_path: Path) -> None:
    root = folders.kitti_tracking(tmp_path / "data")
    for path in (root / "training" / "velodyne" / "0005").iterdir():
        path.unlink()
    result = import_source(root, tmp_path / "out.h5")
    assert "no velodyne folder: 3 frames without points" in result.warnings
    assert result.labels is not None
    assert result.labels.track_id.tolist() == [7, 7, 7]
    assert (result.labels.num_points == -1).all()
    with Recording(result.recording_path) as recording:
        assert recording.frame_count == 3


def test_an_import_replaces_only_when_told(tmp_path: Path) -> None:
    root, out = folders.kitti_object(tmp_path / "data"), tmp_path / "out.h5"
    first = import_source(root, out)
    with pytest.raises(UsageError, match=r"exists.*--force"):
        import_source(root, out)
    assert first.labels_path is not None
    assert first.labels_path.exists()
    second = import_source(folders.points(tmp_path / "points"), out, overwrite=True)
    assert second.labels_path is None
    assert not first.labels_path.exists(), "the labels were those of the recording before"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError])
def test_nothing_is_left_of_an_interrupted_import(
    stop: type[BaseException], tmp_path: Path
) -> None:
    root = folders.kitti_object(tmp_path / "data")
    calls: list[tuple[int, int]] = []

    def progress(done: int, expected: int) -> None:
        calls.append((done, expected))
        if done == 3:
            raise stop

    with pytest.raises(stop):
        import_source(root, tmp_path / "out" / "out.h5", progress=progress)
    assert list((tmp_path / "out").iterdir()) == []
    assert calls[-1] == (3, 4)


def test_the_same_source_gives_the_same_bytes(format_name: str, tmp_path: Path) -> None:
    root = folders.BUILDERS[format_name](tmp_path / "data")
    files = [import_source(root, tmp_path / f"{i}.h5").recording_path for i in (1, 2)]
    assert files[0].read_bytes() == files[1].read_bytes()
