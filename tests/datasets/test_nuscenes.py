"""nuScenes: the official devkit loads our tables and evaluates on them; a minimal set reads."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import source_folders as folders

from lidar_label.calibration.transforms import invert
from lidar_label.datasets.class_map import map_classes
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.formats import export_labels, import_source
from lidar_label.datasets.nuscenes_export import SPLIT, VERSION
from lidar_label.datasets.recording import Recording
from lidar_label.errors import InvalidSource

needs_devkit = pytest.mark.skipif(
    importlib.util.find_spec("nuscenes") is None, reason="needs nuscenes-devkit: `make setup`"
)


@pytest.fixture(scope="module", params=["argoverse2", "view_of_delft"])
def exported(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, Cuboids]:
    """A real recording's nuScenes export, the recording, and its labels."""
    place = tmp_path_factory.mktemp("nuscenes")
    source = shared / request.param
    if request.param == "argoverse2":
        source = next(source.iterdir())
    result = import_source(source, place / "drive.h5")
    assert result.labels is not None
    export_labels(result.labels, place / "drive.h5", "nuscenes", place / "out")
    return place / "out", place / "drive.h5", result.labels


@needs_devkit
def test_the_devkit_sees_boxes_where_they_are(exported: tuple[Path, Path, Cuboids]) -> None:
    from nuscenes.nuscenes import NuScenes
    from nuscenes.utils.data_classes import LidarPointCloud

    root, drive, labels = exported
    loaded = NuScenes(version=VERSION, dataroot=str(root), verbose=False)
    with Recording(drive) as recording:
        assert len(loaded.sample) == recording.frame_count
        for frame, sample in zip(recording.frames, loaded.sample, strict=True):
            path, boxes, _ = loaded.get_sample_data(sample["data"]["LIDAR_TOP"])
            rows = labels.select(labels.frame == frame.index)
            assert len(boxes) == len(rows)
            lidar_from_ego = invert(recording.rig[recording.lidars[0]].ego_from_sensor)
            wanted = rows.boxes[:, :3] @ lidar_from_ego[:3, :3].T + lidar_from_ego[:3, 3]
            found = {tuple(np.round([*box.center, *box.wlh], 3)): box for box in boxes}
            for centre, row in zip(wanted, rows.boxes, strict=True):
                box = found[tuple(np.round([*centre, *row[[4, 3, 5]]], 3))]
                ahead = box.orientation.rotation_matrix[:, 0]
                facing = lidar_from_ego[:3, :3] @ [np.cos(row[6]), np.sin(row[6]), 0]
                np.testing.assert_allclose(ahead, facing, atol=1e-6)
            points = LidarPointCloud.from_file(path).points
            sweep = recording.sweep(recording.lidars[0], frame.sweeps[recording.lidars[0]])
            np.testing.assert_array_equal(points[:3].T, sweep.xyz)


@needs_devkit
def test_its_detection_evaluation_runs(exported: tuple[Path, Path, Cuboids]) -> None:
    """Our labels as a result against our labels as the truth: every average precision is 1."""
    from nuscenes.eval.common.loaders import load_gt_of_sample_tokens, load_prediction
    from nuscenes.eval.detection.algo import accumulate, calc_ap
    from nuscenes.eval.detection.data_classes import DetectionBox
    from nuscenes.eval.detection.utils import category_to_detection_name
    from nuscenes.nuscenes import NuScenes

    root, _, _ = exported
    loaded = NuScenes(version=VERSION, dataroot=str(root), verbose=False)
    tokens = [sample["token"] for sample in loaded.sample]
    result, meta = load_prediction(str(root / "results.json"), 500, DetectionBox)
    assert meta["use_lidar"]
    assert sorted(result.sample_tokens) == sorted(tokens)
    # Names that the challenge knows under ours: its own category names are vehicle.car and so on.
    assert category_to_detection_name("vehicle.car") == "car"
    truth = load_gt_of_sample_tokens(loaded, tokens, DetectionBox)
    assert truth.sample_tokens == tokens
    for name in {box.detection_name for box in result.all}:
        metric = accumulate(result, result, name, lambda a, b: np.linalg.norm(
            np.array(a.translation[:2]) - np.array(b.translation[:2])), 0.5)  # fmt: skip
        assert calc_ap(metric, 0.1, 0.1) == pytest.approx(1.0, abs=0.01)


@needs_devkit
def test_the_devkits_whole_evaluation_runs(shared: Path, tmp_path: Path) -> None:
    """With nuScenes' names of classes: found where they are, so mAP of the classes there is 1."""
    from nuscenes.eval.common.config import config_factory
    from nuscenes.eval.detection.evaluate import DetectionEval
    from nuscenes.nuscenes import NuScenes

    result = import_source(shared / "view_of_delft", tmp_path / "drive.h5")
    assert result.labels is not None
    names = {
        "Car": "vehicle.car",
        "Pedestrian": "human.pedestrian.adult",
        "Cyclist": "vehicle.bicycle",
    }
    others = dict.fromkeys(set(result.labels.category.tolist()) - set(names), "")
    labels, _ = map_classes(result.labels, names | others)
    export_labels(labels, tmp_path / "drive.h5", "nuscenes", tmp_path / "out")
    loaded = NuScenes(version=VERSION, dataroot=str(tmp_path / "out"), verbose=False)
    judge = DetectionEval(
        loaded,
        config_factory("detection_cvpr_2019"),
        str(tmp_path / "out" / "results.json"),
        SPLIT,
        str(tmp_path / "judged"),
        verbose=False,
    )
    metrics, _ = judge.evaluate()
    there = {box.detection_name for box in judge.gt_boxes.all}
    assert there >= {"car", "pedestrian"}
    for name in there:
        assert metrics.mean_dist_aps[name] == pytest.approx(1.0, abs=0.01)
        errors = metrics._label_tp_errors[name]
        assert errors["trans_err"] == pytest.approx(0, abs=1e-6)
        assert errors["scale_err"] == pytest.approx(0, abs=1e-6)
        assert errors["orient_err"] == pytest.approx(0, abs=1e-6)


def minimal(root: Path, **changes: object) -> Path:
    """One scene by hand: the ego 100 m east, turned by 90°; the LiDAR's x axis points right."""
    half = float(np.sqrt(0.5))
    tables: dict[str, list[dict[str, object]]] = {
        "sensor": [{"token": "s", "channel": "LIDAR_TOP", "modality": "lidar"}],
        "calibrated_sensor": [
            {"token": "c", "sensor_token": "s", "translation": [1, 0, 2],
             "rotation": [half, 0, 0, -half], "camera_intrinsic": []}
        ],
        "ego_pose": [
            {"token": f"e{i}", "timestamp": i, "translation": [100, 50 + i, 1],
             "rotation": [half, 0, 0, half]} for i in range(2)
        ],
        "scene": [{"token": "x", "name": "scene-0061"}],
        "sample": [
            {"token": f"p{i}", "timestamp": 10**15 + i, "scene_token": "x"} for i in range(2)
        ],
        "sample_data": [
            {"token": f"d{i}", "sample_token": f"p{i}", "ego_pose_token": f"e{i}",
             "calibrated_sensor_token": "c", "timestamp": 10**15 + i * 500_000,
             "is_key_frame": True, "filename": f"samples/LIDAR_TOP/{i}.pcd.bin"} for i in range(2)
        ],
        "instance": [{"token": "i", "category_token": "k"}],
        "category": [{"token": "k", "name": "vehicle.car"}],
        "attribute": [{"token": "a", "name": "vehicle.parked"}],
        "sample_annotation": [
            {"token": "n", "sample_token": "p1", "instance_token": "i", "visibility_token": "4",
             "attribute_tokens": ["a"], "translation": [100, 61, 2], "size": [2, 4.5, 1.5],
             "rotation": [1, 0, 0, 0], "num_lidar_pts": 7, **changes}
        ],
    }  # fmt: skip
    for name, rows in tables.items():
        folders.write(root / "v1.0-mini" / f"{name}.json", json.dumps(rows))
    for i in range(2):
        points = np.column_stack((folders.scan()[:, :3], np.full((200, 2), i))).astype("<f4")
        folders.write(root / "samples" / "LIDAR_TOP" / f"{i}.pcd.bin", points.tobytes())
    return root


def test_a_minimal_set_by_hand(tmp_path: Path) -> None:
    """The car is 10 m north of an ego that looks north, and looks east: to its right."""
    result = import_source(minimal(tmp_path / "data"), tmp_path / "out.h5")
    assert result.format == "nuscenes"
    assert result.warnings == []
    labels = result.labels
    assert labels is not None
    np.testing.assert_allclose(labels.boxes, [[10, 0, 1, 4.5, 2, 1.5, -np.pi / 2]], atol=1e-12)
    assert labels.frame.tolist() == [1]
    assert labels.category.tolist() == ["vehicle.car"]
    assert labels.num_points.tolist() == [7]
    assert json.loads(labels.attributes[0]) == {"attribute": "vehicle.parked", "visibility": "4"}
    with Recording(result.recording_path) as recording:
        assert recording.rig["LIDAR_TOP"].ego_from_sensor[:3, 3].tolist() == [1, 0, 2]
        poses = recording.frame_poses()
        assert poses is not None
        np.testing.assert_allclose(poses[1][:3, 3], [0, 1, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rotation": [0, 0, 0, 0]}, "row n: translation or rotation is no pose"),
        ({"translation": [1, 2]}, "row n: translation or rotation is no pose"),
        ({"size": [2, -4, 1]}, "a size is not three lengths"),
        ({"instance_token": "gone"}, "instance.json: no row gone"),
    ],
    ids=["quaternion", "translation", "size", "instance"],
)
def test_damaged_tables_are_one_line(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidSource, match=said) as raised:
        import_source(minimal(tmp_path / "data", **changes), tmp_path / "out.h5")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out.h5").exists()


def test_a_cut_table_and_a_missing_sweep(tmp_path: Path) -> None:
    root = minimal(tmp_path / "data")
    (root / "samples" / "LIDAR_TOP" / "0.pcd.bin").unlink()
    result = import_source(root, tmp_path / "out.h5")
    assert "LIDAR_TOP: 1 files are missing and are left out" in result.warnings
    table = root / "v1.0-mini" / "ego_pose.json"
    table.write_text(table.read_text()[:40])
    with pytest.raises(InvalidSource, match=r"ego_pose.json: no list of rows"):
        import_source(root, tmp_path / "again.h5")
