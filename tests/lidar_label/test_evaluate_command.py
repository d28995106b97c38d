"""`lidar-label evaluate`: a table for people, one JSON document for programs, a gate for CI."""

import json
from pathlib import Path

import numpy as np
import pytest

from lidar_label import cli
from lidar_label.cuboids import Cuboids, save_cuboids


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Four truths, three of them found, one of these roughly; one has few points."""
    boxes = np.array([[10.0 + 8 * i, 0, 0, 4, 2, 1.5, 0] for i in range(4)])
    truth = Cuboids.of(boxes, category="Car", num_points=[100, 40, 20, 3])
    shifted = boxes[:3] + np.array([[0, 0, 0, 0, 0, 0, 0], [0.2] + [0] * 6, [0.9] + [0] * 6])
    labels = Cuboids.of(shifted, category="car", score=[0.9, 0.8, 0.7])
    save_cuboids(labels, tmp_path / "labels.parquet")
    save_cuboids(truth, tmp_path / "truth.parquet")
    return [str(tmp_path / "labels.parquet"), str(tmp_path / "truth.parquet")]


def test_the_table_has_the_figures(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    half = next(line for line in lines if line.startswith("BEV 0.5, class-agnostic"))
    assert half.split()[3:] == ["0.750", "1.000", "0.857", "0.750", "3/4/3"]
    assert any(line.startswith("car ") for line in lines)


def test_json_is_one_document(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", *files, "--json", "--min-points", "10"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["counts"]["truth"] == 3
    assert document["counts"]["truth_ignored"] == {"class": 0, "points": 1, "range": 0}
    row = next(
        row
        for row in document["scores"]
        if (row["measure"], row["iou"], row["classes"], row["by"]) == ("3d", 0.7, "aware", "all")
    )
    assert (row["truth"], row["labels"], row["right"]) == (3, 3, 2)
    assert row["recall"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("requirement", "code"),
    [
        ("recall@0.5=0.7", 0),
        ("recall@0.5=0.8", 1),
        ("recall@0.6=0.75", 0),
        ("recall@0.6/3d/aware/car>=0.75", 0),
        ("ap@0.7/aware=0.6", 1),
    ],
)
def test_a_requirement_decides_the_exit_code(
    files: list[str], requirement: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", *files, "--require", requirement]) == code
    assert ("NOT MET" in capsys.readouterr().out) == bool(code)
    assert cli.main(["evaluate", *files, "--json", "--require", requirement]) == code
    answer = json.loads(capsys.readouterr().out)["requirements"]
    assert [one["met"] for one in answer] == [not code]


@pytest.mark.parametrize(
    "extra",
    [
        ["--require", "recall=0.5"],
        ["--require", "beauty@0.5=0.5"],
        ["--require", "recall@0.5/unicorn=0.5"],
        ["--iou", "1.5"],
        ["--ontology", "absent.yaml"],
        ["--recording", "absent.h5"],
    ],
    ids=lambda extra: " ".join(extra),
)
def test_bad_input_is_one_line_and_exit_2(
    files: list[str], extra: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", *files, *extra]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1


def test_points_are_counted_in_the_recording(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = str(drive.with_name("drive.labels.parquet"))
    arguments = ["evaluate", truth, truth, "--json", "--min-points", "80"]
    assert cli.main(arguments) == 0
    unknown = json.loads(capsys.readouterr().out)["counts"]
    assert (unknown["truth"], unknown["truth_points_unknown"]) == (24, 24)
    assert cli.main([*arguments, "--recording", str(drive)]) == 0
    counted = json.loads(capsys.readouterr().out)["counts"]
    assert 0 < counted["truth"] < 24
    assert counted["truth_points_unknown"] == 0


def test_labels_outside_the_camera_s_image_are_not_wrong(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = str(drive.with_name("drive.labels.parquet"))
    # Behind the ego, far to its left, and before it where nothing is.
    places = np.array([[x, y, 1.0, 2, 2, 2, 0] for x, y in ((-15, 0), (5, 40), (40, 0))])
    save_cuboids(Cuboids.of(places), tmp_path / "wrong.parquet")
    arguments = ["evaluate", str(tmp_path / "wrong.parquet"), truth, "--json"]
    looked = ["--recording", str(drive), "--seen-by", "front"]
    for extra, wrong in (([], 3), (looked, 1)):
        assert cli.main([*arguments, *extra]) == 0
        scores = json.loads(capsys.readouterr().out)["scores"]
        assert (scores[0]["labels"], scores[0]["right"]) == (wrong, 0)
    assert cli.main([*arguments, "--seen-by", "front"]) == 2
    assert cli.main([*arguments, "--recording", str(drive), "--seen-by", "rear"]) == 2


@pytest.fixture
def track_files(tmp_path: Path) -> list[str]:
    """One car over ten frames, whose track changes its number half way; a false track beside it."""
    boxes = np.array([[10.0 + f, 0, 0, 4, 2, 1.5, 0] for f in range(10)])
    truth = Cuboids.of(boxes, frame=np.arange(10), track_id=1, category="Car")
    found = truth.replace(track_id=np.where(np.arange(10) < 5, 7, 8), score=np.full(10, 0.9))
    false = truth.replace(
        boxes=boxes + np.array([0, 30, 0, 0, 0, 0, 0]), track_id=9, score=np.full(10, 0.2)
    )
    save_cuboids(Cuboids.concatenate([found, false]), tmp_path / "labels.parquet")
    save_cuboids(truth, tmp_path / "truth.parquet")
    save_cuboids(truth.replace(track_id=-1), tmp_path / "untracked.parquet")
    return [str(tmp_path / "labels.parquet"), str(tmp_path / "truth.parquet")]


def test_tracks_are_judged(track_files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", *track_files, "--tracking", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    car = document["classes"]["car"]
    assert (car["switches"], car["missed"], car["false_positives"]) == (1, 0, 0)
    assert car["MOTA"] == pytest.approx(0.9)
    assert car["HOTA"] == pytest.approx(np.sqrt(0.5))
    assert car["jitter"]["flips"] == 0
    assert cli.main(["evaluate", *track_files, "--tracking"]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("car"))
    assert row.split()[3] == "90.0"


def test_tracks_are_needed(track_files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    untracked = track_files[1].replace("truth", "untracked")
    assert cli.main(["evaluate", untracked, track_files[1], "--tracking"]) == 2
    assert "untracked.parquet: no track_id" in capsys.readouterr().err
    assert cli.main(["evaluate", *track_files, "--tracking", "--tracking-iou", "2"]) == 2
    assert "--tracking-iou 2" in capsys.readouterr().err
