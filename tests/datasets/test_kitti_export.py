"""KITTI labels by hand: lines, boxes in the image, the level frame, what came with them."""

from pathlib import Path

import numpy as np
import pytest
import source_folders as folders
from camera_drive import FRAMES, one_car, write_camera_drive

from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.export_folder import CONVENTIONS
from lidar_label.datasets.exports import export_labels
from lidar_label.datasets.formats import import_source, read_labels
from lidar_label.datasets.recording import Recording, RecordingWriter


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_camera_drive(tmp_path_factory.mktemp("drive") / "drive.h5")


def test_kitti_line_by_hand(recording: Path, tmp_path: Path) -> None:
    export_labels(one_car(frame=1, score=0.5), recording, "kitti", tmp_path / "out")
    assert (tmp_path / "out/label_2/000000.txt").read_text() == ""
    words = (tmp_path / "out/label_2/000001.txt").read_text().split()
    assert (words[0], words[2], words[15]) == ("Car", "0", "0.5")
    assert words[8:11] == ["1.5", "2.0", "4.0"]
    np.testing.assert_allclose([float(w) for w in words[11:14]], folders.BOTTOM, atol=1e-10)
    assert float(words[14]) == pytest.approx(folders.ROTATION_Y, abs=1e-12)
    assert float(words[3]) == pytest.approx(folders.ROTATION_Y - np.arctan2(-1.9, 9.7), abs=1e-6)
    calibration = (tmp_path / "out/calib/000001.txt").read_text()
    assert "Tr_velo_to_cam: 0.0 -1.0 0.0 0.1 0.0 0.0 -1.0 -0.2 1.0 0.0 0.0 -0.3" in calibration
    assert "P2: 100.0 0.0 50.0 0.0 0.0 100.0 40.0 0.0 0.0 0.0 1.0 0.0" in calibration


def test_kitti_export_with_points_is_a_dataset_again(recording: Path, tmp_path: Path) -> None:
    export_labels(one_car(frame=2), recording, "kitti", tmp_path / "out")
    for number in range(FRAMES):
        folders.write(tmp_path / f"out/velodyne/{number:06d}.bin", folders.scan())
    result = import_source(tmp_path / "out", tmp_path / "again.h5")
    assert result.format == "kitti-object"
    assert result.labels is not None
    assert result.labels.num_points.tolist() == [folders.POINTS_IN_CAR]
    np.testing.assert_allclose(result.labels.boxes, folders.CAR[None], atol=1e-9)


def test_kitti_boxes_in_the_image_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "drive.h5"
    axes = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
    with RecordingWriter(path, source="test") as writer:
        writer.add_lidar("top", np.eye(4))
        lens = np.array([[100, 0, 50], [0, 100, 40], [0, 0, 1.0]])
        writer.add_camera("c", axes, intrinsics=lens, width=100, height=80)
        writer.append_sweep("top", 0, np.zeros((0, 3)))
    ahead, half, behind = [10, 0, 0], [10, 5, 0], [-10, 0, 0]
    boxes = np.array([[*centre, 2, 2, 2, 0] for centre in (ahead, half, behind)], dtype=np.float64)
    export_labels(Cuboids.of(boxes, category="Car"), path, "kitti", tmp_path / "out")
    lines = (tmp_path / "out/label_2/000000.txt").read_text().splitlines()
    found = [[float(word) for word in line.split()[1:8]] for line in lines]
    # The near face at 9 m spans 50 ± 100/9, 40 ± 100/9.
    assert found[0][3:] == [38.89, 28.89, 61.11, 51.11]
    assert found[0][0] == 0
    # From 50 − 100·6/9 = −16.67, cut at 0, to 50 − 100·4/11 = 13.64: 16.67/30.30 are cut off.
    assert found[1][3:] == [0, 28.89, 13.64, 51.11]
    assert found[1][0] == 0.55
    assert (found[2][0], found[2][3:]) == (-1, [-1, -1, -1, -1])


def test_kitti_keeps_what_its_labels_came_with(tmp_path: Path) -> None:
    root = folders.kitti_object(tmp_path / "data")
    result = import_source(root, tmp_path / "out.h5")
    assert result.labels is not None
    export_labels(result.labels, tmp_path / "out.h5", "kitti", tmp_path / "out")
    for number in ("000001", "000004"):
        ours = (tmp_path / f"out/label_2/{number}.txt").read_text().split()
        theirs = (root / f"training/label_2/{number}.txt").read_text().split("\n")[0].split()
        assert [ours[0], *map(float, ours[1:])] == pytest.approx(
            [theirs[0], *map(float, theirs[1:])], abs=1e-10
        )
    with Recording(tmp_path / "out.h5") as recording:
        back, _ = read_labels(tmp_path / "out", recording)
    assert back.attributes.tolist() == result.labels.attributes.tolist()


@pytest.mark.parametrize(
    ("turn", "frame", "tr"),
    [
        (0.0, "camera c", "0.0 -1.0 0.0 0.0 0.0 0.0 -1.0 0.0 1.0 0.0 0.0 0.0"),
        (0.5, "level and straight", "0.0 -1.0 0.0 0.0 0.0 0.0 -1.0 0.0 1.0 0.0 0.0 0.0"),
        (2.0, "no camera looks forward", "0.0 -1.0 0.0 0.0 0.0 0.0 -1.0 0.0 1.0 0.0 0.0 0.0"),
    ],
)
def test_kitti_label_frame_is_level_and_straight(
    turn: float, frame: str, tr: str, tmp_path: Path
) -> None:
    c, s = np.cos(turn), np.sin(turn)
    yawed = np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    axes = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
    lens = np.array([[100, 0, 50], [0, 100, 40], [0, 0, 1.0]])
    with RecordingWriter(tmp_path / "drive.h5", source="test") as writer:
        writer.add_lidar("top", np.eye(4))
        writer.add_camera("c", yawed @ axes, intrinsics=lens, width=100, height=80)
        writer.append_sweep("top", 0, np.zeros((0, 3)))
    export_labels(one_car(), tmp_path / "drive.h5", "kitti", tmp_path / "out")
    assert frame in (tmp_path / "out" / CONVENTIONS).read_text()
    fields = dict(
        line.split(": ") for line in (tmp_path / "out/calib/000000.txt").read_text().splitlines()
    )
    assert np.fromstring(fields["Tr_velo_to_cam"], sep=" ") == pytest.approx(
        np.fromstring(tr, sep=" ")
    )
    # The written calibration projects a point as the camera itself does.
    point = np.array([10.0, 4.0, 1.0, 1.0])
    in_camera = np.linalg.inv(yawed @ axes) @ point
    expected = lens @ in_camera[:3]
    rect = np.append(np.fromstring(fields["Tr_velo_to_cam"], sep=" ").reshape(3, 4) @ point, 1)
    found = np.fromstring(fields["P2"], sep=" ").reshape(3, 4) @ rect
    if turn < 1:
        np.testing.assert_allclose(found, expected, atol=1e-9)
    else:
        assert not found.any()


def test_tracking_line_by_hand(recording: Path, tmp_path: Path) -> None:
    labels = Cuboids.concatenate([one_car(frame=2, track_id=9), one_car(frame=0, track_id=4)])
    export_labels(labels, recording, "kitti-tracking", tmp_path / "out")
    lines = (tmp_path / "out/label_02/0000.txt").read_text().splitlines()
    assert [line.split()[:3] for line in lines] == [["0", "4", "Car"], ["2", "9", "Car"]]
    assert len(lines[0].split()) == 17
