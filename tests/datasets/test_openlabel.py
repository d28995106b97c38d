"""OpenLABEL: what labels carry goes out and comes back; the standard's own library accepts it."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.formats import export_labels, import_source, read_labels, recognise
from lidar_label.errors import InvalidSource

START, MS = 1_700_000_000_123_456_789, 1_000_000


def labels() -> Cuboids:
    """One asymmetric box a row: a longer than wide, wider than high one that looks left."""
    boxes = np.array([[10, 2, 0.5, 4.5, 1.9, 1.6, np.pi / 2], [-8, 3, 0.9, 0.6, 0.7, 1.8, -3.0]])
    return Cuboids.of(
        np.concatenate((boxes, boxes + 0.25)),
        frame=[0, 0, 2, 2],
        time_ns=START + np.array([0, 0, 200, 200]) * MS,
        track_id=[4, 9, 4, -1],
        category=np.array(["car", "pedestrian", "car", "dog"], dtype=object),
        score=np.array([0.75, np.nan, 0.5, np.nan], dtype=np.float32),
        pitch=np.array([0.0, 0.1, 0, 0]),
        num_points=np.array([7, -1, 0, 3]),
        velocity=np.array([[1.5, 0], [np.nan, np.nan], [0, 0], [np.nan, np.nan]], np.float32),
        reason=np.array(["L-shape", "", "", ""], dtype=object),
        source_id=np.array(["a-1", "", "a-1", ""], dtype=object),
        attributes=np.array(["", '{"parked": true}', "", ""], dtype=object),
    )


def test_everything_comes_back(tmp_path: Path) -> None:
    wanted = labels()
    export_labels(wanted, None, "openlabel", tmp_path / "out")
    assert (tmp_path / "out" / "NOT_EXPORTED.txt").read_text().startswith("Nothing")
    assert recognise(tmp_path / "out") == "openlabel"
    found, warnings = read_labels(tmp_path / "out")
    assert warnings == []
    np.testing.assert_array_equal(found.boxes[:, :6], wanted.boxes[:, :6])
    for angle in ("pitch", "roll"):
        np.testing.assert_allclose(getattr(found, angle), getattr(wanted, angle), atol=1e-12)
    np.testing.assert_allclose(found.boxes[:, 6], wanted.boxes[:, 6], atol=1e-12)
    for column in ("frame", "time_ns", "track_id", "score", "num_points", "velocity"):
        np.testing.assert_array_equal(getattr(found, column), getattr(wanted, column))
    for column in ("category", "reason", "source_id", "attributes"):
        assert getattr(found, column).tolist() == getattr(wanted, column).tolist()


def test_the_box_that_looks_left(tmp_path: Path) -> None:
    """Worked out by hand: yaw 90° is the quaternion x y z w = 0 0 √½ √½; length comes first."""
    export_labels(labels(), None, "openlabel", tmp_path / "out")
    text = (tmp_path / "out" / "labels.openlabel.json").read_text()
    frame = json.loads(text)["openlabel"]["frames"]["0"]
    assert frame["frame_properties"]["timestamp"] == "1700000000.123456789"
    shape = frame["objects"]["4"]["object_data"]["cuboid"][0]
    half = np.sqrt(0.5)
    np.testing.assert_allclose(shape["val"], [10, 2, 0.5, 0, 0, half, half, 4.5, 1.9, 1.6])


@pytest.mark.skipif(importlib.util.find_spec("vcd") is None, reason="needs vcd: `make setup`")
def test_the_standards_library_accepts_it(tmp_path: Path, shared: Path) -> None:
    """With a real recording: rig, cameras, poses and labels pass vcd's schema."""
    from vcd import core

    result = import_source(shared / "view_of_delft", tmp_path / "vod.h5")
    assert result.labels is not None
    export_labels(result.labels, tmp_path / "vod.h5", "openlabel", tmp_path / "out")
    loaded = core.OpenLABEL()
    loaded.load_from_file(str(tmp_path / "out" / "labels.openlabel.json"), validation=True)
    tracks = len(set(result.labels.track_id.tolist()) - {-1})
    untracked = int((result.labels.track_id < 0).sum())
    assert len(loaded.get_objects()) == tracks + untracked


def test_another_tools_euler_angles_and_frames(tmp_path: Path) -> None:
    shape = {"name": "box", "val": [1, 2, 3, 0, 0, 0.5, 4, 2, 1.5]}
    frame = {"objects": {"7": {"object_data": {"cuboid": [shape]}}}}
    content = {
        "metadata": {"schema_version": "1.0.0"},
        "objects": {"7": {"name": "x", "type": "lorry"}},
        "frames": {"3": frame, "10": frame},
    }
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"openlabel": content}))
    found, _ = read_labels(path)
    np.testing.assert_allclose(found.boxes[0], [1, 2, 3, 4, 2, 1.5, 0.5], atol=1e-12)
    assert found.frame.tolist() == [3, 10]
    assert found.track_id.tolist() == [0, 0]
    assert found.category.tolist() == ["lorry", "lorry"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"openlabel": 3}', "no OpenLABEL document"),
        ('{"openlabel": {"metadata": {"schema_version": "4.3"}}}', "schema_version 4.3"),
        (
            '{"openlabel": {"metadata": {"schema_version": "1.0.0"}, "frames": {"x": {}}}}',
            "no number",
        ),
        (
            '{"openlabel": {"metadata": {"schema_version": "1.0.0"}, "frames": {"0": {"objects":'
            ' {"1": {"object_data": {"cuboid": [{"val": [1, 2]}]}}}}}}}',
            "2 values",
        ),
        (
            '{"openlabel": {"metadata": {"schema_version": "1.0.0"}, "frames": {"0": {"objects":'
            ' {"1": {"object_data": {"cuboid": [{"val": [1,2,3,0,0,0,-1,2,1]}]}}}}}}}',
            "is none",
        ),
    ],
    ids=["no document", "version", "frame key", "short", "size"],
)  # fmt: skip
def test_damaged_documents_are_one_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "a.openlabel.json"
    path.write_text(content)
    with pytest.raises(InvalidSource, match=said) as raised:
        import_source(path, tmp_path / "out.h5")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out.h5").exists()
