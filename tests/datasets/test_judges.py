"""The official tools on our exports: av2, pykitti, pycocotools and datumaro (for COCO and CVAT)."""

import importlib.util
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import source_folders as folders

from lidar_label.calibration.transforms import matrix_to_pose7
from lidar_label.datasets.coco_export import FILE
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.formats import export_labels, import_source
from lidar_label.datasets.image_labels import labelled_images
from lidar_label.datasets.kitti_raw import read_timestamps
from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.datasets.rotations import to_matrices


def needs(name: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(name) is None
    return pytest.mark.skipif(missing, reason=f"needs {name}: `make setup`")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Cuboids]:
    """Three frames with images; the car goes out of sight in the second, a van stays behind it."""
    place = tmp_path_factory.mktemp("scene")
    source = place / "source"
    for name in ("1", "2", "3"):
        folders.write(source / "lidar" / f"{name}.pcd", folders.pcd(folders.scan()))
        folders.write(source / "camera" / "front" / f"{name}.png", folders.png())
    calibration = folders.sustechpoints(place / "other") / "calib" / "camera" / "front.json"
    folders.write(source / "calib" / "camera" / "front.json", calibration.read_text())
    recording = import_source(source, place / "scene.h5").recording_path
    boxes = np.tile(folders.CAR, (6, 1))
    boxes[3:, 0] += 12  # the van, right behind
    boxes[3:, 2] += 0.5
    boxes[1, 0] = -20  # behind the camera
    return recording, Cuboids.of(
        boxes,
        frame=[0, 1, 2, 0, 1, 2],
        track_id=[7, 7, 7, 9, 9, 9],
        category=np.array(["Car"] * 3 + ["Van"] * 3, dtype=object),
        score=np.array([0.5] * 3 + [np.nan] * 3, dtype=np.float32),
    )


@needs("pycocotools")
def test_pycocotools_loads_and_judges_our_coco(scene: tuple[Path, Cuboids], tmp_path: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    path, labels = scene
    export_labels(labels, path, "coco", tmp_path / "out")
    truth = COCO(str(tmp_path / "out" / FILE))
    assert [cat["name"] for cat in truth.loadCats(truth.getCatIds())] == ["Car", "Van"]
    found = truth.loadAnns(truth.getAnnIds())
    assert sorted((row["track_id"], row["image_id"]) for row in found) == [
        (7, 1), (7, 3), (9, 1), (9, 2), (9, 3),
    ]  # fmt: skip
    for image in truth.loadImgs(truth.getImgIds()):
        assert (tmp_path / "out" / "images" / image["file_name"]).is_file()
        assert (image["width"], image["height"]) == folders.IMAGE_SIZE
    with Recording(path) as recording:
        (first, *_) = labelled_images(labels, recording, "front")
    left, top, right, bottom = first.boxes.box[0]
    expected = [left + 0.5, top + 0.5, right - left, bottom - top]
    np.testing.assert_allclose(found[0]["bbox"], expected, atol=0.006)
    hidden = {row["image_id"]: row["attributes"]["hidden"] for row in found if row["track_id"] == 9}
    assert hidden[1] > 0.5 > hidden[2] == 0
    lost = (tmp_path / "out" / "NOT_EXPORTED.txt").read_text()
    assert "cuboids: 1 of 6 are in no image and left out" in lost
    results = truth.loadRes([{**row, "score": 1.0} for row in found])
    judge = COCOeval(truth, results, "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert judge.stats[0] == pytest.approx(1.0)


@needs("datumaro")
@pytest.mark.parametrize("form", ["coco", "cvat"])
def test_datumaro_reads_our_boxes(form: str, scene: tuple[Path, Cuboids], tmp_path: Path) -> None:
    import datumaro

    path, labels = scene
    export_labels(labels, path, form, tmp_path / "out")
    folder = tmp_path / "out" / "front" if form == "cvat" else tmp_path / "out"
    read = datumaro.Dataset.import_from(str(folder), {"coco": "coco_instances"}.get(form, form))
    names = [label.name for label in read.categories()[datumaro.AnnotationType.label]]
    with Recording(path) as recording:
        images = labelled_images(labels, recording, "front")
    for item, image in zip(sorted(read, key=lambda item: item.id), images, strict=True):
        assert item.media.data.shape[:2] == folders.IMAGE_SIZE[::-1]
        boxes = [a for a in item.annotations if not a.attributes.get("outside")]
        found = sorted((names[box.label], *box.points) for box in boxes)
        wanted = sorted(
            (name, *(box + 0.5))
            for name, box in zip(image.cuboids.category, image.boxes.box, strict=True)
        )
        assert [row[0] for row in found] == [row[0] for row in wanted]
        np.testing.assert_allclose(
            [row[1:] for row in found], [row[1:] for row in wanted], atol=0.011
        )


def test_cvat_tracks_by_hand(scene: tuple[Path, Cuboids], tmp_path: Path) -> None:
    """The structure that CVAT's page on its XML documents; a track ends where it is unseen."""
    path, labels = scene
    export_labels(labels, path, "cvat", tmp_path / "out")
    root = ET.parse(tmp_path / "out" / "front" / "annotations.xml").getroot()
    assert root.findtext("version") == "1.1"
    assert root.findtext("meta/task/mode") == "interpolation"
    assert root.findtext("meta/task/size") == "3"
    assert [e.text for e in root.findall("meta/task/labels/label/name")] == ["Car", "Van"]
    assert root.findtext("meta/task/original_size/width") == "100"
    car, van = root.findall("track")
    assert [car.get("label"), van.get("label")] == ["Car", "Van"]
    assert [(b.get("frame"), b.get("outside")) for b in car] == [("0", "0"), ("1", "1"), ("2", "0")]
    assert [(b.get("frame"), b.get("outside")) for b in van] == [(str(i), "0") for i in range(3)]
    assert [b.get("occluded") for b in van] == ["1", "0", "1"]
    assert {b.get("keyframe") for b in car} == {"1"}
    assert car[0].find("attribute[@name='track_id']").text == "7"  # type: ignore[union-attr]
    names = sorted(p.name for p in (tmp_path / "out" / "front" / "images").iterdir())
    assert names == [f"frame_{i:06d}.png" for i in range(3)]


@needs("av2")
def test_av2_loads_our_cuboids(shared: Path, tmp_path: Path) -> None:
    from av2.structures.cuboid import CuboidList

    source = next((shared / "argoverse2").iterdir())
    result = import_source(source, tmp_path / "drive.h5")
    labels = result.labels
    assert labels is not None
    export_labels(labels, tmp_path / "drive.h5", "argoverse2", tmp_path / "out")
    ours = CuboidList.from_feather(tmp_path / "out" / "annotations.feather").cuboids
    assert len(ours) == len(labels)
    original = CuboidList.from_feather(source / "annotations.feather").cuboids
    times = set(labels.time_ns.tolist())
    theirs = [cuboid for cuboid in original if cuboid.timestamp_ns in times]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.vertices_m, b.vertices_m, atol=1e-9)
        assert (a.category, a.timestamp_ns) == (b.category, b.timestamp_ns)


@needs("av2")
@needs("polars")
def test_av2s_detection_evaluation_runs(shared: Path, tmp_path: Path) -> None:
    """Our labels as detections against the log's own annotations: found, without any error."""
    from av2.evaluation.detection.eval import DTS_COLUMNS, GTS_COLUMNS, summarize_metrics
    from av2.evaluation.detection.utils import DetectionCfg, accumulate
    from pyarrow import feather

    source = next((shared / "argoverse2").iterdir())
    result = import_source(source, tmp_path / "drive.h5")
    assert result.labels is not None
    # Annotations without points are not judged; detections there would be false.
    labels = result.labels.select(result.labels.num_points > 0).replace(score=np.float32(0.9))
    export_labels(labels, tmp_path / "drive.h5", "argoverse2", tmp_path / "out")
    dts = feather.read_table(tmp_path / "out" / "annotations.feather").to_pandas()
    gts = feather.read_table(source / "annotations.feather").to_pandas()
    gts = gts[gts["timestamp_ns"].isin(dts["timestamp_ns"])].reset_index(drop=True)
    config = DetectionCfg(eval_only_roi_instances=False)
    columns = (*config.affinity_thresholds_m, "ATE", "ASE", "AOE", "is_evaluated")
    for table in (dts, gts):
        for name in columns:
            table[name] = 0.0
    for (time_ns, name), rows in gts.groupby(["timestamp_ns", "category"]):
        own = dts[(dts["timestamp_ns"] == time_ns) & (dts["category"] == name)]
        first, second = accumulate(
            own[list(DTS_COLUMNS)].to_numpy(dtype=float),
            rows[list(GTS_COLUMNS)].to_numpy(dtype=float),
            config,
        )
        dts.loc[own.index, list(columns)] = first
        gts.loc[rows.index, list(columns)] = second
    metrics = summarize_metrics(dts, gts, config)
    there = sorted({n for n in gts[gts["is_evaluated"] > 0]["category"] if n in metrics.index})
    assert "REGULAR_VEHICLE" in there
    for name in there:
        assert metrics.loc[name, "AP"] == pytest.approx(1.0, abs=0.02)
        for error in ("ATE", "ASE", "AOE"):
            assert metrics.loc[name, error] == pytest.approx(0, abs=1e-6)


@needs("pykitti")
def test_pykitti_sees_a_raw_drive_as_we_do(shared: Path, tmp_path: Path) -> None:
    import pykitti

    root = shared / "kitti_raw_sync"
    theirs = pykitti.raw(str(root), "2011_09_26", "0005")
    result = import_source(root, tmp_path / "drive.h5")
    with Recording(result.recording_path) as recording:
        sweep = recording.sweep("velodyne", 0)
        points = theirs.get_velo(0)
        np.testing.assert_array_equal(sweep.xyz, points[:, :3])
        camera = recording.rig.camera("image_02")
        np.testing.assert_allclose(camera.intrinsics, theirs.calib.K_cam2, atol=1e-9)
        # Its T_cam2_velo takes P's fourth column to shift along x alone; the whole P does not.
        np.testing.assert_allclose(
            camera.intrinsics @ np.linalg.inv(camera.ego_from_sensor)[:3],
            theirs.calib.P_rect_20 @ theirs.calib.T_cam0_velo,
            atol=1e-5,
        )
        assert theirs.get_cam2(0).size == (camera.width, camera.height)
        when = theirs.timestamps[0].timestamp()
        assert recording.imu("oxts").time_ns[0] / 1e9 == pytest.approx(when, abs=2e-6)


@needs("pykitti")
def test_pykitti_reads_our_raw_drive_as_the_one_it_was_made_of(
    shared: Path, tmp_path: Path
) -> None:
    import pykitti

    root = shared / "kitti_raw_sync"
    import_source(root, tmp_path / "drive.h5")
    export_labels(Cuboids.empty(), tmp_path / "drive.h5", "kitti-raw", tmp_path / "out")
    theirs = pykitti.raw(str(root), "2011_09_26", "0005")
    ours = pykitti.raw(str(tmp_path / "out"), "2011_09_26", "0001")
    np.testing.assert_array_equal(ours.get_velo(0), theirs.get_velo(0))
    np.testing.assert_array_equal(np.array(ours.get_cam2(0)), np.array(theirs.get_cam2(0)))
    for name in ("P_rect_00", "P_rect_20", "P_rect_30", "T_cam0_velo", "T_cam2_velo", "T_velo_imu"):
        wanted = getattr(theirs.calib, name)
        np.testing.assert_allclose(getattr(ours.calib, name), wanted, atol=2e-5, err_msg=name)
    drive = root / "2011_09_26" / "2011_09_26_drive_0005_sync" / "velodyne_points"
    for name in ("timestamps", "timestamps_start", "timestamps_end"):
        again = next((tmp_path / "out").glob(f"*/*/velodyne_points/{name}.txt"))
        wanted_ns, found_ns = (read_timestamps(p)[0] for p in (drive / f"{name}.txt", again))
        assert abs(found_ns - wanted_ns) <= 1
    packets = [side.oxts[0].packet for side in (ours, theirs)]
    for name in ("ax", "ay", "az", "wx", "wy", "wz"):  # the world is the first pose, turned anew
        values = [getattr(packet, name) for packet in packets]
        assert values[0] == pytest.approx(values[1], abs=1e-12)


@needs("pykitti")
def test_pykitti_drives_where_the_simulated_ego_does(tmp_path: Path) -> None:
    """Twenty poses on a banked curve: the devkit's Mercator gives back what was recorded."""
    import pykitti

    count = 20
    times = 1_700_000_000 * 10**9 + np.arange(count) * 10**8
    angle = np.linspace(0, 1.5, count)
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3] = to_matrices(angle, 0.1 * np.sin(angle), -0.05 * angle)
    poses[:, :3, 3] = np.column_stack((80 * np.sin(angle), 80 - 80 * np.cos(angle), 3 * angle))
    with RecordingWriter(tmp_path / "drive.h5", source="test") as writer:
        writer.add_lidar("top", np.eye(4))
        for time_ns in times.tolist():
            writer.append_sweep("top", time_ns, folders.scan()[:, :3])
        writer.append_ego(times, matrix_to_pose7(poses))
    export_labels(Cuboids.empty(), tmp_path / "drive.h5", "kitti-raw", tmp_path / "out")
    with np.errstate(all="ignore"):  # of cameras that are not there it divides 0 by 0
        drive = pykitti.raw(str(tmp_path / "out"), "2023_11_14", "0001")
    found = np.array([oxts.T_w_imu for oxts in drive.oxts])
    np.testing.assert_allclose(found, np.linalg.inv(poses[0]) @ poses, rtol=0, atol=1e-6)
    assert len(drive.timestamps) == len(drive.velo_files) == count
    packet = drive.oxts[10].packet
    speed = 80 * (angle[1] - angle[0]) / 0.1
    assert np.hypot(packet.vn, packet.ve) == pytest.approx(speed, rel=0.01)
    assert packet.vf == pytest.approx(speed, rel=0.01)
    assert packet.vl == pytest.approx(0, abs=0.5)


@needs("datumaro")
def test_datumaro_reads_our_tracklets(scene: tuple[Path, Cuboids], tmp_path: Path) -> None:
    import datumaro

    path, labels = scene
    export_labels(labels, path, "kitti-raw", tmp_path / "out")
    (drive,) = (tmp_path / "out").glob("*/*_sync")
    read = datumaro.Dataset.import_from(str(drive), "kitti_raw")
    names = [label.name for label in read.categories()[datumaro.AnnotationType.label]]
    found = [
        (item.attributes["frame"], names[a.label], *a.position, a.rotation[2], *a.scale)
        for item in read
        for a in item.annotations
    ]
    order = labels.boxes[:, [0, 1, 2, 6, 5, 4, 3]].copy()
    order[:, 2] -= order[:, 4] / 2
    wanted = [
        (int(frame), name, *row)
        for frame, name, row in zip(labels.frame, labels.category, order, strict=True)
    ]
    for ours, theirs in zip(sorted(wanted), sorted(found), strict=True):
        assert ours[:2] == theirs[:2]
        np.testing.assert_allclose(theirs[2:], ours[2:], atol=0.006)


@needs("pykitti")
def test_pykitti_reads_our_calibration(scene: tuple[Path, Cuboids], tmp_path: Path) -> None:
    from pykitti.utils import read_calib_file

    path, labels = scene
    export_labels(labels, path, "kitti", tmp_path / "out")
    read = read_calib_file(str(next((tmp_path / "out" / "calib").iterdir())))
    lidar_to_camera = [float(word) for word in folders.LIDAR_TO_CAMERA.split()]
    np.testing.assert_allclose(read["Tr_velo_to_cam"], lidar_to_camera, atol=1e-12)
    np.testing.assert_allclose(read["P2"], [100, 0, 50, 0, 0, 100, 40, 0, 0, 0, 1, 0], atol=1e-12)


def test_coco_is_one_json_document(scene: tuple[Path, Cuboids], tmp_path: Path) -> None:
    path, labels = scene
    export_labels(labels.replace(track_id=-1), path, "coco", tmp_path / "out")
    found = json.loads((tmp_path / "out" / FILE).read_text())
    assert not any("track_id" in row for row in found["annotations"])
    assert [("score" in row) for row in found["annotations"]] == [True, False, False, True, False]
