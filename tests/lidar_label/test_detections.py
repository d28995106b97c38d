"""Result files of other detectors, and detectors plugged in."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from lidar_label import detections
from lidar_label.calibration.transforms import from_yaw
from lidar_label.cuboids import Cuboids
from lidar_label.errors import InvalidSource, UsageError

# Camera axes (right, down, forward) in a LiDAR frame, sensors in one place.
LIDAR_FROM_RECT = np.array(
    [[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]], dtype=np.float64
)


def test_kitti_results_and_ab3dmot_detections_are_the_same_boxes(tmp_path):
    kitti, comma = tmp_path / "kitti.txt", tmp_path / "comma.txt"
    kitti.write_text("1 -1 Car 0 0 -1 10 20 30 40 1.5 1.8 4.2 2 1.6 12 -1.5707963 0.8\n")
    comma.write_text("1,2,10,20,30,40,0.8,1.5,1.8,4.2,2,1.6,12,-1.5707963,-1\n")
    for path in (kitti, comma):
        empty, found, last = detections.read_kitti_detections([path], LIDAR_FROM_RECT, 3)
        assert (len(empty), len(found), len(last)) == (0, 1, 0)
        assert found.boxes[0] == pytest.approx([12, -2, -0.85, 4.2, 1.8, 1.5, 0], abs=1e-6)
        assert found.category[0] == "Car"
        assert (found.frame[0], found.time_ns[0]) == (1, 100_000_000)
        assert json.loads(found.attributes[0]) == {"box_2d": [10, 20, 30, 40]}


def test_log_odds_become_scores_and_are_kept(tmp_path):
    path = tmp_path / "comma.txt"
    path.write_text("0,1,1,2,3,4,-2.0,1.7,0.6,0.8,2,1.6,12,0,-1\n")
    (found,) = detections.read_kitti_detections([path], LIDAR_FROM_RECT, 1)
    assert found.score[0] == pytest.approx(1 / (1 + np.exp(2)))
    assert json.loads(found.attributes[0])["raw_score"] == -2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 2 3", "line 1: 3 columns"),
        ("0,9" + ",1" * 13, "type 9"),
        ("0,1" + ",x" * 13, "line 1"),
        ("7,1" + ",1" * 13, "frame 7 of 2"),
    ],
)
def test_names_the_line_that_is_wrong(tmp_path, line, message):
    path = tmp_path / "bad.txt"
    path.write_text(line + "\n")
    with pytest.raises(InvalidSource, match=message):
        detections.read_kitti_detections([path], LIDAR_FROM_RECT, 2)


def test_nuscenes_results_come_into_the_ego_frame(tmp_path):
    path = tmp_path / "result.json"
    box = {
        "translation": [110.0, 55, 1],
        "size": [1.9, 4.5, 1.6],
        "rotation": [np.cos(np.pi / 4), 0, 0, np.sin(np.pi / 4)],
        "detection_name": "car",
        "detection_score": 0.7,
    }
    path.write_text(json.dumps({"meta": {}, "results": {"a": [], "b": [box]}}))
    poses = from_yaw(np.array([[100.0, 50, 0]] * 2), np.full(2, np.pi / 2))
    none, one = detections.read_nuscenes_detections(path, ["a", "b"], [0, 500_000_000], poses)
    assert len(none) == 0
    assert one.boxes[0] == pytest.approx([5, -10, 1, 4.5, 1.9, 1.6, 0])
    assert (one.frame[0], one.time_ns[0], one.category[0]) == (1, 500_000_000, "car")
    with pytest.raises(InvalidSource, match="no sample c"):
        detections.read_nuscenes_detections(path, ["c"], [0], poses[:1])
    path.write_text("[]")
    with pytest.raises(InvalidSource, match="no key `results`"):
        detections.read_nuscenes_detections(path, ["a"], [0], poses[:1])


def test_argoverse2_results(tmp_path):
    path = tmp_path / "result.feather"
    columns = {
        "tx_m": [3.0], "ty_m": [4.0], "tz_m": [1.0], "length_m": [4.5], "width_m": [1.9],
        "height_m": [1.6], "qw": [1.0], "qx": [0.0], "qy": [0.0], "qz": [0.0], "score": [0.4],
        "timestamp_ns": [200], "category": ["BUS"], "log_id": ["x"],
    }  # fmt: skip
    feather.write_feather(pa.table(columns), path)
    first, second = detections.read_argoverse2_detections(path, [100, 200], "x")
    assert (len(first), len(second)) == (0, 1)
    assert second.boxes[0] == pytest.approx([3, 4, 1, 4.5, 1.9, 1.6, 0])
    assert second.frame[0] == 1
    with pytest.raises(InvalidSource, match="none of the log"):
        detections.read_argoverse2_detections(path, [100])
    feather.write_feather(pa.table({"tx_m": [1.0]}), path)
    with pytest.raises(InvalidSource, match="no column ty_m"):
        detections.read_argoverse2_detections(path, [100])


class Offered:
    """An entry point as importlib gives it."""

    name = "mine"

    def load(self):
        def make(size):
            return lambda points: Cuboids.of([[*points[0, :3], size, 2, 1.5, 0]], score=0.5)

        return make


def test_detectors_are_found_by_entry_point(monkeypatch):
    def offered(group, name=None):
        assert group == "lidar_label.detectors"
        return [Offered()] if name in (None, "mine") else []

    monkeypatch.setattr(detections, "entry_points", offered)
    assert detections.detector_names() == ["mine"]
    detect = detections.load_detector("mine", size=4.0)
    assert detect(np.ones((1, 4), dtype=np.float32)).boxes[0, 3] == 4
    with pytest.raises(UsageError, match="no detector other; installed: mine"):
        detections.load_detector("other")
