"""`lidar-label import` and `export`: what they print, write and refuse."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from interrupted_command import check_interrupt_leaves_nothing

from lidar_label.cli import main
from lidar_label.datasets.cuboids import load_cuboids

CALIBRATION = "P2: 100 0 50 0 0 100 40 0 0 0 1 0\nTr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 0\n"
LINE = "Car 0 0 0 1 2 3 4 1.5 2 4 -2 1.25 10 -1.57\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A KITTI folder of two sweeps, one label each, and three points that are not finite."""
    base = tmp_path / "drive" / "training"
    for folder in ("velodyne", "calib", "label_2"):
        (base / folder).mkdir(parents=True)
    for number in ("000000", "000001"):
        points = np.random.default_rng(0).uniform(-9, 9, (50, 4)).astype("<f4")
        points[:3, 0] = np.nan
        (base / "velodyne" / f"{number}.bin").write_bytes(points.tobytes())
        (base / "calib" / f"{number}.txt").write_text(CALIBRATION)
        (base / "label_2" / f"{number}.txt").write_text(LINE)
    return tmp_path / "drive"


def test_import_says_what_came_in(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(source), str(tmp_path / "out.h5")]) == 0
    printed = capsys.readouterr().out
    assert "kitti-object, sweeps: 2 of velodyne; 94 points" in printed
    assert "out.labels.parquet: 2 cuboids" in printed
    assert "warning: dropped 6 non-finite points in 2 of 2 sweeps" in printed
    assert len(load_cuboids(tmp_path / "out.labels.parquet")) == 2


def test_import_json_is_one_document(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.h5"
    assert main(["import", str(source), str(out), "--format", "kitti", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["recording"] == str(out)
    assert document["labels"] == str(tmp_path / "out.labels.parquet")
    assert (document["sweeps"], document["cuboids"], document["points"]) == ({"velodyne": 2}, 2, 94)
    assert main(["import", str(source), str(out)]) == 2
    assert "exists; choose another name or overwrite it (--force)" in capsys.readouterr().err
    assert main(["import", str(source), str(out), "--force"]) == 0


def test_import_of_nothing_known_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(tmp_path), str(tmp_path / "out.h5")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "in no format that we know" in error


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("drive.h5", b"\x89HDF\r\n\x1a\n", "needs no import"),
        ("phone.csv", b"time_s,acc_x\n0,1\n", "lidar-label segment"),
        ("plane.csv", b"x,y\n0,1\n", "names x, y and z"),
        ("notes.docx", b"words", "points end in .bin"),
    ],
)
def test_a_file_that_is_no_source_is_told_where_it_goes(
    name: str, content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    assert main(["import", str(tmp_path / name), str(tmp_path / "out" / "o.h5")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"{name}: in no format that we know; " in error
    assert words in error
    assert len(error) < 400


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "sweeps"
    folder.mkdir()
    points = np.random.default_rng(0).uniform(-9, 9, (20_000, 4)).astype("<f4").tobytes()
    for number in range(1500):
        (folder / f"{number:06d}.bin").write_bytes(points if number % 50 == 0 else points[:160_000])
    out = tmp_path / "out" / "out.h5"
    check_interrupt_leaves_nothing(["import", str(folder), str(out)], out)


def test_export_says_what_was_lost(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.h5")
    assert main(["import", str(source), out]) == 0
    labels = str(tmp_path / "out.labels.parquet")
    export = ["export", labels, "--recording", out, "--format", "kitti", "-o"]
    capsys.readouterr()
    assert main([*export, str(tmp_path / "kitti")]) == 0
    printed = capsys.readouterr().out
    assert "kitti, 2 cuboids in 6 files" in printed
    assert "not exported: num_points: carried by 2 of 2 cuboids" in printed
    assert main([*export, str(tmp_path / "kitti")]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main([*export, str(tmp_path / "kitti"), "--force", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["cuboids"] == 2
    assert "label_2/000000.txt" in document["files"]
    assert document["not_exported"] == [
        "time_ns: carried by 1 of 2 cuboids; no place for it",
        "num_points: carried by 2 of 2 cuboids; no place for it",
    ]


def test_export_renames_classes_and_checks_itself(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.h5")
    assert main(["import", str(source), out]) == 0
    labels = str(tmp_path / "out.labels.parquet")
    export = ["export", labels, "--recording", out, "--format", "kitti-tracking", "--check"]
    capsys.readouterr()
    assert main([*export, "--map-classes", "Car=Van, dog=", "-o", str(tmp_path / "a")]) == 0
    printed = capsys.readouterr().out
    assert "not exported: category 'Car': written as 'Van', 2 rows" in printed
    assert "not exported: category 'dog': in --map-classes, but no label has it" in printed
    lines = {line.split()[0]: line for line in printed.splitlines() if line}
    assert lines["num_points"].split()[:3] == ["num_points", "2", "2"]
    assert lines["num_points"].endswith("(told)")
    assert lines["category"].split() == ["category", "2", "0"]
    assert " Van " in (tmp_path / "a" / "label_02" / "0000.txt").read_text()
    classes = tmp_path / "classes.yaml"
    classes.write_text("Car:\n")
    assert main([*export, "--map-classes", str(classes), "-o", str(tmp_path / "b"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["cuboids"] == 0
    assert document["not_exported"][0] == "category 'Car': left out by --map-classes, 2 rows"
    assert {row["column"] for row in document["check"]} >= {"cuboids", "x", "yaw", "track_id"}
    for wrong in ("Car", "=car"):
        assert main([*export, "--map-classes", wrong, "-o", str(tmp_path / "c")]) == 2
        assert "is no file and no name=name" in capsys.readouterr().err
    assert main([*export[:-2], "coco", "--check", "-o", str(tmp_path / "c")]) == 2
    assert "no cuboids to read back" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_export_turns_one_format_into_another(source: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out.h5")
    assert main(["import", str(source), out]) == 0
    for labels, name in (
        (str(source), "csv"),
        (str(tmp_path / "csv" / "labels.csv"), "argoverse2"),
    ):
        arguments = ["export", labels, "--recording", out, "--format", name]
        assert main([*arguments, "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "argoverse2" / "annotations.feather").is_file()


def test_export_of_an_unknown_format_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as error:
        main(["export", "x.parquet", "--format", "kiti", "-o", str(tmp_path / "x")])
    assert error.value.code == 2
