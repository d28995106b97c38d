"""What an export loses is found by reading it back and stands in NOT_EXPORTED.txt; ids; classes."""

from pathlib import Path

import numpy as np
import pytest
import source_folders as folders
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lidar_label.datasets.class_map import map_classes, read_class_map
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.export_folder import NOT_EXPORTED
from lidar_label.datasets.export_names import EXPORT_FORMATS
from lidar_label.datasets.exports import EXPORTERS, export_labels
from lidar_label.datasets.formats import import_source
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.round_trip import READ_AS, differences, read_back, table
from lidar_label.datasets.track_numbers import plain_number, track_numbers
from lidar_label.errors import UsageError

BOX = {"x", "y", "z", "length", "width", "height", "yaw", "category", "cuboids"}
# What each format may lose, worked out by hand from its definition.
LOST = {
    "kitti": {"track_id", "tilt", "points", "ours", "source_id", "attributes"},
    "kitti-tracking": {"tilt", "points", "ours", "source_id", "attributes"},
    "kitti-raw": {"track_id", "tilt", "points", "ours", "score", "source_id", "attributes"},
    "view-of-delft": {"track_id", "tilt", "points", "ours", "score", "source_id", "attributes"},
    "sustechpoints": {"points", "ours", "score", "track_id", "attributes"},
    "argoverse2": {"ours", "track_id", "attributes"},
    "nuscenes": {"ours", "score", "track_id", "source_id", "attributes"},
    **{kind: {"points", "ours", "track_id", "attributes"} for kind in ("ros1", "ros2", "mcap")},
    "openlabel": set(),
    **{form: set() for form in ("pcd", "ply", "las", "laz", "csv", "parquet")},
}
GROUPS = {
    "tilt": {"pitch", "roll"},
    "points": {"num_points"},
    "ours": {"residual", "velocity", "reason"},
}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("scene")
    return import_source(folders.sustechpoints(place / "scene"), place / "scene.h5").recording_path


def rich(times: list[int]) -> Cuboids:
    """Three cuboids that say something in every column, one with nothing but its box."""
    boxes = np.array([folders.CAR + shift for shift in (0, 0.5, 1, 1.5)])
    return Cuboids.of(
        boxes,
        frame=[0, 0, 1, 1],
        time_ns=np.array(times)[[0, 0, 1, 1]],
        track_id=[3, 4, 3, -1],
        category=np.array(["Car", "traffic light", "Car", "Van"], dtype=object),
        pitch=[0.1, -0.2, 0.3, 0],
        roll=[-0.1, 0.2, 0.1, 0],
        score=np.array([0.5, 0.25, np.nan, np.nan], dtype=np.float32),
        num_points=[5, 0, 7, -1],
        residual=np.array([0.1, 0.2, np.nan, np.nan], dtype=np.float32),
        velocity=np.array([[1, 2], [0, 0], [np.nan] * 2, [np.nan] * 2], dtype=np.float32),
        reason=np.array(["L-shape", "", "", ""], dtype=object),
        source_id=np.array(["", "b7", "", ""], dtype=object),
        attributes=np.array(['{"colour": "red"}', "", "", ""], dtype=object),
    )


@pytest.mark.parametrize("form", sorted(READ_AS))
def test_whatever_is_lost_is_told(form: str, recording: Path, tmp_path: Path) -> None:
    with Recording(recording) as opened:
        labels = rich([frame.time_ns for frame in opened.frames])
        export_labels(labels, opened, form, tmp_path / "out")
        lost = (tmp_path / "out" / NOT_EXPORTED).read_text().splitlines()
        rows = differences(labels, read_back(tmp_path / "out", form, opened), lost)
    assert not [line for line in table(rows) if "NOT TOLD" in line]
    found = {row.column for row in rows if row.differ}
    allowed = set().union(*(GROUPS.get(name, {name}) for name in LOST[form]))
    respelled = {"category"} if form.startswith(("kitti", "view")) else set()
    assert found - respelled <= allowed
    carried = {row.column: row.carried for row in rows}
    assert (carried["x"], carried["pitch"], carried["score"], carried["reason"]) == (4, 3, 2, 1)


def test_every_export_of_cuboids_is_read_back() -> None:
    assert set(READ_AS) == set(EXPORTERS) - {"coco", "cvat"}
    assert set(EXPORT_FORMATS) == set(EXPORTERS)


def test_differences_by_hand() -> None:
    """Swapped rows are still pairs; a lost row, a moved box and a turn over ±π are counted."""
    boxes = np.array([folders.CAR, folders.CAR + 5, folders.CAR + 20])
    boxes[0, 6] = np.pi - 1e-3
    written = Cuboids.of(boxes, track_id=[1, 2, 3])
    moved = boxes[[1, 0]].copy()
    moved[0, 0] += 0.25
    moved[1, 6] = -np.pi + 1e-3
    back = Cuboids.of(moved, track_id=[2, 1])
    rows = {row.column: row for row in differences(written, back, ["yaw: turned"])}
    assert (rows["cuboids"].differ, rows["cuboids"].told) == (1, False)
    assert (rows["x"].differ, rows["x"].largest) == (1, pytest.approx(0.25))
    assert (rows["yaw"].differ, rows["yaw"].told) == (1, True)
    assert rows["yaw"].largest == pytest.approx(2e-3)
    assert rows["track_id"].differ == 0
    assert sum(row.differ for row in rows.values()) == 3


def test_track_numbers_by_hand() -> None:
    tracks, sources = track_numbers(["4", "b7", "", "007", "b7", "12"], plain_number)
    assert tracks.tolist() == [4, 13, -1, 14, 13, 12]
    assert sources.tolist() == ["", "b7", "", "007", "b7", ""]


@given(ids=st.lists(st.text("0129ab", max_size=3) | st.just("9" * 5000) | st.just(str(2**64 - 1))))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_id_is_one_track(ids: list[str]) -> None:
    tracks, sources = track_numbers(ids, plain_number)
    assert len(set(zip(ids, tracks.tolist(), strict=True))) == len(set(ids))
    assert len(set(tracks.tolist())) == len(set(ids))
    for text, track, source in zip(ids, tracks.tolist(), sources.tolist(), strict=True):
        assert (source or (str(track) if track >= 0 else "")) == text


def test_classes_are_mapped_and_told(tmp_path: Path) -> None:
    labels = rich([0, 1])
    mapped, lines = map_classes(labels, {"Car": "car", "Van": "", "dog": "animal"})
    assert mapped.category.tolist() == ["car", "traffic light", "car"]
    assert lines == [
        "category 'Car': written as 'car', 2 rows",
        "category 'Van': left out by --map-classes, 1 rows",
        "category 'traffic light': not in --map-classes, written as it is, 1 rows",
        "category 'dog': in --map-classes, but no label has it",
    ]
    path = tmp_path / "map.yaml"
    path.write_text("Car: car\nVan:\n")
    assert read_class_map(str(path)) == {"Car": "car", "Van": ""} == read_class_map("Car=car,Van=")
    path.write_text("- Car\n")
    with pytest.raises(UsageError, match=r"map.yaml: not lines"):
        read_class_map(str(path))
    path.write_text("a: [\n")
    with pytest.raises(UsageError, match=r"map.yaml: not a YAML file"):
        read_class_map(str(path))
