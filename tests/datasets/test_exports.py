"""What is exported comes back; what a format cannot hold is said; folders are whole or absent."""

import json
from pathlib import Path

import numpy as np
import pyarrow.feather as feather
import pytest
import source_folders as folders
from camera_drive import FRAMES, one_car, write_camera_drive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lidar_label.arrays import wrap_angle
from lidar_label.datasets import export_folder
from lidar_label.datasets.cloud_export import CLOUD_FORMATS
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.export_folder import CONVENTIONS, NOT_EXPORTED
from lidar_label.datasets.exports import EXPORTERS, export_labels
from lidar_label.datasets.formats import read_labels
from lidar_label.datasets.recording import Recording
from lidar_label.errors import InvalidLabels, UsageError

FORMATS = sorted(EXPORTERS)
CUBOID_FORMATS = sorted(set(EXPORTERS) - {"coco", "cvat"})
# What each format gives back beside boxes, frame and time.
HELD = {
    "coco": {"category", "score", "track_id"},
    "cvat": {"category", "track_id"},
    "view-of-delft": {"category"},
    "kitti": {"category", "score"},
    "kitti-tracking": {"category", "score", "track_id"},
    "kitti-raw": {"category"},
    "sustechpoints": {"category", "track_id", "pitch", "roll"},
    "argoverse2": {"category", "track_id", "pitch", "roll", "score", "num_points"},
    **{
        kind: {"category", "track_id", "pitch", "roll", "score"}
        for kind in ("ros1", "ros2", "mcap")
    },
    "nuscenes": {"category", "track_id", "pitch", "roll", "num_points"},
    "openlabel": {
        *("category", "track_id", "pitch", "roll", "score", "num_points", "residual"),
        *("velocity", "reason", "attributes"),
    },
    **dict.fromkeys((*CLOUD_FORMATS, "csv", "parquet")),
}
place = st.floats(-200, 200)
words = st.text("abcXYZ_-", min_size=1, max_size=8).filter(lambda word: word != "DontCare")


@st.composite
def cuboids(draw: st.DrawFn) -> Cuboids:
    n = draw(st.integers(0, 6))
    boxes = np.column_stack(
        (
            draw(hnp.arrays(np.float64, (n, 3), elements=place)),
            draw(hnp.arrays(np.float64, (n, 3), elements=st.floats(0.01, 50))),
            draw(hnp.arrays(np.float64, n, elements=st.floats(-3.14, 3.14))),
        )
    )
    small = hnp.arrays(np.float64, n, elements=st.floats(-1, 1))
    return Cuboids.of(
        boxes,
        frame=np.sort(draw(hnp.arrays(np.int32, n, elements=st.integers(0, FRAMES - 1)))),
        track_id=draw(hnp.arrays(np.int64, n, elements=st.integers(-1, 2**60))),
        category=np.array([*draw(st.lists(words, min_size=n, max_size=n)), None], object)[:-1],
        score=draw(hnp.arrays(np.float32, n, elements=st.floats(0, 1, width=32) | st.just(np.nan))),
        num_points=draw(hnp.arrays(np.int32, n, elements=st.integers(-1, 5000))),
        pitch=draw(st.sampled_from([np.zeros(n), draw(small)])),
        roll=draw(st.sampled_from([np.zeros(n), draw(small)])),
    )


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_camera_drive(tmp_path_factory.mktemp("drive") / "drive.h5")


def by_place(labels: Cuboids) -> np.ndarray:
    """Rows in an order that does not depend on their tracks."""
    return np.lexsort((*labels.boxes.round(6).T, labels.category.astype(str), labels.frame))


@pytest.mark.parametrize("format_name", CUBOID_FORMATS)
@given(labels=cuboids())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip(
    format_name: str, labels: Cuboids, recording: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("export") / "out"
    with Recording(recording) as opened:
        times = np.array([frame.time_ns for frame in opened.frames])
        labels = labels.replace(time_ns=times[labels.frame])
        export_labels(labels, opened, format_name, directory)
        table = "labels.parquet" if format_name == "parquet" else "labels.csv"
        source = directory / table if HELD[format_name] is None else directory
        back, warnings = read_labels(source, opened)
    if format_name == "kitti-raw":
        back, labels = back.select(by_place(back)), labels.select(by_place(labels))
        back = back.replace(track_id=-1)  # numbered anew
    if HELD[format_name] is None:
        assert back.equals(labels)
        return
    assert not [line for line in warnings if "unknown" not in line and "unlabelled" not in line]
    held = {name: getattr(labels, name) for name in HELD[format_name]}
    expected = Cuboids.of(labels.boxes, frame=labels.frame, time_ns=labels.time_ns, **held)
    np.testing.assert_array_equal(back.boxes[:, 3:6], expected.boxes[:, 3:6])
    np.testing.assert_allclose(back.boxes[:, :3], expected.boxes[:, :3], rtol=0, atol=1e-9)
    for angle in ("pitch", "roll"):
        np.testing.assert_allclose(getattr(back, angle), getattr(expected, angle), atol=1e-11)
    assert np.abs(wrap_angle(back.boxes[:, 6] - expected.boxes[:, 6])).max(initial=0) < 1e-11
    rest = expected.replace(
        boxes=back.boxes, pitch=back.pitch, roll=back.roll, attributes=back.attributes
    )
    assert back.equals(rest)


@pytest.mark.parametrize("format_name", ["sustechpoints", "argoverse2"])
@given(labels=cuboids())
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_upright_boxes_keep_their_places_bit_for_bit(
    format_name: str, labels: Cuboids, recording: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    labels = labels.replace(pitch=0.0, roll=0.0)
    directory = tmp_path_factory.mktemp("export") / "out"
    with Recording(recording) as opened:
        export_labels(labels, opened, format_name, directory)
        back, _ = read_labels(directory, opened)
    columns = 7 if format_name == "sustechpoints" else 6
    np.testing.assert_array_equal(back.boxes[:, :columns], labels.boxes[:, :columns])


def test_sustech_object_by_hand(recording: Path, tmp_path: Path) -> None:
    labels = one_car(frame=1, track_id=12, attributes='{"obj_attr": "parked", "hue": 3}')
    export_labels(labels, recording, "sustechpoints", tmp_path / "out")
    found = json.loads((tmp_path / "out/label/000001.json").read_text())
    assert found == [folders.sustech_object(obj_attr="parked")]
    assert json.loads((tmp_path / "out/label/000000.json").read_text()) == []
    front = json.loads((tmp_path / "out/calib/camera/front.json").read_text())
    expected = [0, -1, 0, 0.1, 0, 0, -1, -0.2, 1, 0, 0, -0.3, 0, 0, 0, 1]
    np.testing.assert_allclose(front["extrinsic"], expected, atol=1e-15)
    assert (tmp_path / "out" / NOT_EXPORTED).read_text() == (
        "attribute 'hue': carried by 1 of 1 cuboids; no place for it\n"
    )


def test_argoverse_row_by_hand(recording: Path, tmp_path: Path) -> None:
    labels = one_car(frame=1, track_id=12, num_points=30, pitch=0.2).replace(
        boxes=np.append(folders.CAR[:6], np.pi / 2)[None]
    )
    export_labels(labels, recording, "argoverse2", tmp_path / "out")
    (row,) = feather.read_table(tmp_path / "out/annotations.feather").to_pylist()
    c, s = np.cos(np.pi / 4), np.sin(np.pi / 4)
    # qz(π/2) · qy(0.2), by Hamilton's rule k · j = −i.
    expected = [c * np.cos(0.1), -s * np.sin(0.1), c * np.sin(0.1), s * np.cos(0.1)]
    np.testing.assert_allclose([row[f"q{axis}"] for axis in "wxyz"], expected, atol=1e-15)
    assert (row["tx_m"], row["ty_m"], row["tz_m"]) == (10, 2, -0.5)
    assert (row["length_m"], row["width_m"], row["height_m"]) == (4, 2, 1.5)
    assert row["timestamp_ns"] == 10**18 + 10**8
    assert row["num_interior_pts"] == 30
    assert row["track_uuid"] == "00000000-0000-8000-8000-00000000000c"


def test_argoverse_needs_times(tmp_path: Path) -> None:
    labels = Cuboids.concatenate([one_car(frame=0), one_car(frame=1)])
    with pytest.raises(InvalidLabels, match="several frames have one time"):
        export_labels(labels, None, "argoverse2", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_argoverse_uuids_come_back(recording: Path, tmp_path: Path) -> None:
    labels = Cuboids.of(
        np.tile(folders.CAR, (3, 1)),
        track_id=[5, -1, 7],
        source_id=np.array([folders.AV2_TRACK, "", ""], dtype=object),
    )
    export_labels(labels, recording, "argoverse2", tmp_path / "out")
    back, _ = read_labels(tmp_path / "out")
    assert back.source_id.tolist() == [folders.AV2_TRACK, "", ""]
    assert back.track_id.tolist() == [8, -1, 7]
    assert "track_id: beside a source_id" in (tmp_path / "out" / NOT_EXPORTED).read_text()


@pytest.mark.parametrize("format_name", FORMATS)
def test_losses_and_conventions_are_told(format_name: str, recording: Path, tmp_path: Path) -> None:
    labels = one_car(
        track_id=3, pitch=0.1, roll=0.1, score=0.5, num_points=9, residual=0.1, velocity=1.0,
        reason="a car's size", source_id="x", attributes='{"colour": "red"}',
    )  # fmt: skip
    files = export_labels(labels, recording, format_name, tmp_path / "out")
    assert files == sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file())
    lost = (tmp_path / "out" / NOT_EXPORTED).read_text()
    held = HELD[format_name]
    if held is None:
        told = "sensor 'left': no place for it\nsensor 'front': no place for it"
        nothing = told if format_name in CLOUD_FORMATS else export_folder.NOTHING_LOST
        assert lost == nothing + "\n"
    else:
        optional = {"track_id", "pitch", "roll", "score", "num_points", "residual", "velocity"}
        for column in (optional | {"reason"}) - held:
            assert f"{column}: carried by 1 of 1 cuboids" in lost
        for column in held & optional:
            assert f"{column}: carried" not in lost
        assert ("attribute 'colour': carried by 1 of 1" in lost) == ("attributes" not in held)
    conventions = (tmp_path / "out" / CONVENTIONS).read_text()
    for word in ("yaw", "rad", "metres", "x forward, y left", "length"):
        assert word in conventions
    assert "centre" in conventions


@pytest.mark.parametrize("format_name", FORMATS)
def test_no_labels_and_no_recording(format_name: str, tmp_path: Path) -> None:
    if format_name in ("nuscenes", "coco", "cvat", "kitti-raw", *CLOUD_FORMATS):
        with pytest.raises(UsageError, match=r"give .* recording"):
            export_labels(Cuboids.empty(), None, format_name, tmp_path / "out")
        assert not (tmp_path / "out").exists()
        return
    export_labels(Cuboids.empty(), None, format_name, tmp_path / "out")
    assert (tmp_path / "out" / CONVENTIONS).is_file()


def test_a_folder_with_other_things_is_never_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_labels(one_car(), None, "kitti", out)
    with pytest.raises(UsageError, match=r"not empty.*--force"):
        export_labels(one_car(), None, "kitti", out)
    export_labels(one_car(), None, "sustechpoints", out, force=True)
    assert not (out / "label_2").exists()
    folders.write(out / "velodyne" / "000000.bin", folders.scan())
    with pytest.raises(UsageError, match="holds velodyne; choose another folder"):
        export_labels(one_car(), None, "kitti", out, force=True)
    folders.write(tmp_path / "mine" / "thesis.txt", "years of work")
    with pytest.raises(UsageError, match=r"holds thesis.txt"):
        export_labels(one_car(), None, "kitti", tmp_path / "mine", force=True)
    with pytest.raises(UsageError, match="is a file"):
        export_labels(one_car(), None, "kitti", tmp_path / "mine" / "thesis.txt")
    (tmp_path / "empty").mkdir()
    export_labels(one_car(), None, "csv", tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "mine", "out"]


def test_an_interrupted_export_leaves_the_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_labels(one_car(), None, "kitti", tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}

    def interrupted(*_: object) -> tuple[str, list[str]]:
        raise KeyboardInterrupt

    monkeypatch.setitem(EXPORTERS, "csv", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_labels(one_car(), None, "csv", tmp_path / "out", force=True)
    assert {path: path.read_bytes() for path in before} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (one_car(frame=7), "a cuboid is in frame 7, but .*drive.h5 has 3"),
        (one_car(frame=-1), "a cuboid is in frame -1"),
        (one_car(pitch=np.nan), "correct or remove it"),
        (Cuboids.of(np.full((1, 7), np.nan)), "correct or remove it"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    labels: Cuboids, message: str, recording: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidLabels, match=message):
        export_labels(labels, recording, "kitti", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="no export format kiti"):
        export_labels(labels, recording, "kiti", tmp_path / "out")


def test_odd_categories_are_told(tmp_path: Path) -> None:
    labels = Cuboids.of(
        np.tile(folders.CAR, (3, 1)),
        category=np.array(["traffic light", "", "DontCare"], dtype=object),
    )
    export_labels(labels, None, "kitti", tmp_path / "out")
    lost = (tmp_path / "out" / NOT_EXPORTED).read_text()
    assert "category 'traffic light': written as traffic_light, 1 rows" in lost
    assert "category '': written as Misc, 1 rows" in lost
    assert "category 'DontCare': 1 rows; KITTI's readers ignore them" in lost
    back, _ = read_labels(tmp_path / "out")
    assert back.category.tolist() == ["traffic_light", "Misc"]
