"""`lidar-label simulate`: what it prints, writes, refuses, and leaves when interrupted."""

import json
import os
from pathlib import Path

import pytest
from interrupted_command import check_interrupt_leaves_nothing

from lidar_label.cli import main
from lidar_label.datasets.cuboids import load_cuboids, read_provenance
from lidar_label.datasets.recording import Recording

QUICK = ["--seconds", "0.2", "--beams", "32", "--no-cameras", "--radars", "0"]


def test_simulate_writes_a_recording_and_its_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "drive.h5"
    assert main(["simulate", str(out), *QUICK, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["sweeps"] == {"top": 2}
    assert document["images"] == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "drive.h5", "drive.labels.parquet", "drive.points.hdf5",
    }  # fmt: skip
    labels = load_cuboids(document["labels"])
    assert len(labels) == document["cuboids"] > 0
    with Recording(out) as recording:
        assert read_provenance(document["labels"])["recording"] == recording.content_hash
        assert int(recording.point_counts("top").sum()) == document["points"]
    assert main(["simulate", str(out), *QUICK]) == 2
    assert "exists" in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 3
    assert main(["simulate", str(out), *QUICK, "--force"]) == 0
    assert "1" in capsys.readouterr().out


def test_bad_options_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "drive.h5")
    for options, text in (
        (["--seconds", "0"], "--seconds 0: give"),
        (["--seconds", "nan"], "--seconds nan: give"),
        (["--beams", "16"], "--beams 16: give 32, 64, 128"),
        (["--image-size", "big"], "--image-size big: give width and height"),
        (["--seed", "-1"], "--seed -1: give"),
        (["--workers", "0"], "--workers 0: give at least 1"),
    ):
        assert main(["simulate", out, *options]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert text in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out" / "drive.h5"
    command = ["simulate", str(out), "--seconds", "60", *QUICK[2:]]
    check_interrupt_leaves_nothing(command, out)
