"""One asymmetric box a format, its numbers worked out by hand; ids and scores of each."""

import json
from pathlib import Path

import numpy as np
import pytest
import source_folders as folders

from lidar_label.datasets.formats import import_source, read_labels
from lidar_label.datasets.intake import Tally
from lidar_label.datasets.kitti import read_object_labels
from lidar_label.datasets.sustechpoints import read_labels as read_scene

# A camera whose view is lifted by a 3-4-5 triangle: x = −y, y = 0.6 x − 0.8 z, z = 0.8 x + 0.6 z.
LIFTED = "0 -1 0 0 0.6 0 -0.8 0 0.8 0 0.6 0"


def test_kitti_box_of_a_lifted_camera_stands_on_the_lidars_axis(tmp_path: Path) -> None:
    # The car's bottom centre is (10, 2, −1.25).
    line = "Car 0 0 0 0 0 0 0 1.5 2 4 -2 7.0 7.25 -1.8707963267948966 0.5\n"
    folders.write(tmp_path / "label_2" / "7.txt", line)
    folders.write(
        tmp_path / "calib" / "7.txt",
        folders.CALIBRATION.replace(folders.LIDAR_TO_CAMERA, LIFTED),
    )
    labels = read_object_labels(tmp_path, Tally(), None)
    np.testing.assert_allclose(labels.boxes, folders.CAR[None], atol=1e-12)
    assert labels.score.tolist() == [0.5]


def test_kitti_rectification_comes_after_the_lidars_place(tmp_path: Path) -> None:
    """R0_rect turns by 90° about the camera's z here: x_rect = −y_cam, y_rect = x_cam."""
    calibration = folders.CALIBRATION.replace("1 0 0 0 1 0 0 0 1", "0 -1 0 1 0 0 0 0 1")
    folders.write(tmp_path / "calib" / "1.txt", calibration)
    line = "Car 0 0 0 0 0 0 0 1.5 2 4 -1.05 -1.9 9.7 -1.8707963267948966\n"
    folders.write(tmp_path / "label_2" / "1.txt", line)
    labels = read_object_labels(tmp_path, Tally(), None)
    np.testing.assert_allclose(labels.boxes, folders.CAR[None], atol=1e-12)


@pytest.mark.parametrize("spelling", ["object", "tracking"])
def test_calibration_keys_of_both_sets(spelling: str, tmp_path: Path) -> None:
    calibration = folders.CALIBRATION
    if spelling == "tracking":  # the official files leave the colon out here
        for old, new in (
            ("R0_rect:", "R_rect"),
            ("Tr_velo_to_cam:", "Tr_velo_cam"),
            ("Tr_imu_to_velo:", "Tr_imu_velo"),
        ):
            calibration = calibration.replace(old, new)
    folders.write(tmp_path / "calib" / "1.txt", calibration)
    folders.write(tmp_path / "label_2" / "1.txt", f"Car {folders.KITTI_LINE}\n")
    labels = read_object_labels(tmp_path, Tally(), None)
    np.testing.assert_allclose(labels.boxes, folders.CAR[None], atol=1e-12)


def scene(root: Path, *frames: list[dict[str, object]]) -> Path:
    for i, objects in enumerate(frames):
        folders.write(root / "label" / f"{i:06d}.json", json.dumps(objects))
    return root


def test_sustech_tilted_box(tmp_path: Path) -> None:
    tilted = folders.sustech_object()
    tilted["psr"]["rotation"] = {"x": 0.1, "y": 0, "z": np.pi / 2}  # type: ignore[index]
    labels = read_scene(scene(tmp_path, [tilted]), Tally())
    np.testing.assert_allclose(labels.boxes[0], [*folders.CAR[:6], np.pi / 2], atol=1e-15)
    np.testing.assert_allclose([labels.pitch[0], labels.roll[0]], [-0.1, 0], atol=1e-15)


def test_sustech_ids_are_the_same_over_frames(tmp_path: Path) -> None:
    ids = (["4", "b7", "", "007"], ["b7", "12", None, "4"])
    frames = [[folders.sustech_object(obj_id=i) for i in frame] for frame in ids]
    labels = read_scene(scene(tmp_path, *frames), Tally())
    assert labels.frame.tolist() == [0] * 4 + [1] * 4
    assert labels.track_id.tolist() == [4, 13, -1, 14, 13, 12, -1, 4]
    assert labels.source_id.tolist() == ["", "b7", "", "007", "b7", "", "", ""]


def test_argoverse_tilt_and_labels_at_all_times(tmp_path: Path) -> None:
    root = folders.argoverse2(tmp_path / "data")
    log = next(root.iterdir())
    c, s = np.cos(np.pi / 4), np.sin(np.pi / 4)
    # qz(π/2) · qy(0.2)
    q = np.array([c * np.cos(0.1), -s * np.sin(0.1), c * np.sin(0.1), s * np.cos(0.1)])
    turned = {f"q{axis}": np.full(2, q[i]) for i, axis in enumerate("wxyz")}
    folders.annotations(
        log / "annotations.feather",
        timestamp_ns=np.array([folders.AV2_TIMES[1], folders.AV2_TIMES[1] + 10**8]),
        **turned,
    )
    result = import_source(root, tmp_path / "out.h5")
    assert result.labels is not None
    assert result.labels.frame.tolist() == [1]
    np.testing.assert_allclose(result.labels.boxes[0], [*folders.CAR[:6], np.pi / 2], atol=1e-12)
    np.testing.assert_allclose(
        [result.labels.pitch[0], result.labels.roll[0]], [0.2, 0], atol=1e-12
    )
    every, _ = read_labels(root)
    assert every.frame.tolist() == [0, 1]
    assert every.time_ns.tolist() == [folders.AV2_TIMES[1], folders.AV2_TIMES[1] + 10**8]


def test_format_without_labels_says_so(tmp_path: Path) -> None:
    from lidar_label.errors import InvalidSource

    with pytest.raises(InvalidSource, match="point files have no labels"):
        read_labels(folders.points(tmp_path))
