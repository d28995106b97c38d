"""`lidar-label segment`: from signal files and recordings to windows, one clear line otherwise."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lidar_label import cli
from lidar_label.datasets.recording_writer import RecordingWriter
from lidar_label.datasets.signals import Signal
from lidar_label.datasets.windows import load_windows, save_windows


def load(name: str) -> Any:
    place = Path(__file__).parent.parent / "lidar_label" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


people, drives = load("people"), load("drives")


def as_csv(signal: Signal, path: Path) -> str:
    table = pd.DataFrame(signal.values, columns=list(signal.channels))
    table.insert(0, "time_ns", signal.time_ns)
    table.to_csv(path, index=False)
    return str(path)


def test_tags_name_the_rest_and_the_next_to_tag(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signal, truth = people.day(0)
    file = as_csv(signal, tmp_path / "phone.csv")
    save_windows(people.few_tags(truth), tmp_path / "tags.parquet")
    save_windows(truth, tmp_path / "truth.parquet")
    words = ["segment", file, "--tags", str(tmp_path / "tags.parquet"), "--suggest", "2"]
    words += ["--truth", str(tmp_path / "truth.parquet"), "--picture", str(tmp_path / "p.png")]
    words += ["--save-model", str(tmp_path / "m.json"), "--json", "--frame", "upright"]
    words += ["--report", str(tmp_path / "r.html"), "--motifs", "1", "--discords", "2"]
    assert cli.main(words) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["agreement"]["accuracy"] > 0.9
    assert sum("tag next" in note for note in document["notes"]) == 2
    assert sum(note.startswith(("motif", "discord")) for note in document["notes"]) == 3
    assert (tmp_path / "p.png").stat().st_size > 10_000
    assert "Against the truth" in (tmp_path / "r.html").read_text()
    again = [
        "segment",
        file,
        "--model",
        str(tmp_path / "m.json"),
        "--upright",
        "-o",
        str(tmp_path / "b.csv"),
    ]
    assert cli.main([*again, "--format", "csv"]) == 0
    found = load_windows(tmp_path / "phone.windows.parquet")
    assert (tmp_path / "b.csv").read_text().count("\n") == len(found) + 1


def test_the_slider_finds_more_or_fewer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = as_csv(people.day(1)[0], tmp_path / "phone.csv")
    counts = []
    for penalty in ("0.3", "1", "4"):
        assert cli.main(["segment", file, "--penalty", penalty, "--force", "--json"]) == 0
        counts.append(json.loads(capsys.readouterr().out)["windows"])
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


@pytest.mark.parametrize("imu", [True, False])
def test_a_recording_is_segmented_by_its_poses(
    imu: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signal, trajectory, truth = drives.drive(0)
    with RecordingWriter(tmp_path / "drive.h5", source="made up") as writer:
        writer.append_ego(trajectory.time_ns, trajectory.world_from_ego)
        if imu:
            writer.add_imu("imu", np.eye(4), signal.channels, signal.units)
            writer.append_imu("imu", signal.time_ns, signal.values)
    words = ["segment", str(tmp_path / "drive.h5"), *(["--layer", "driving"] if imu else [])]
    words += ["--report", str(tmp_path / "r.html")]
    assert cli.main(words) == 0
    assert "ego poses" in capsys.readouterr().out
    assert "brake" in (tmp_path / "r.html").read_text()
    found = load_windows(tmp_path / "drive.windows.parquet")
    assert found.category.tolist() == truth.category.tolist()


def test_the_driving_layer_from_a_phone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signal, _, truth = drives.drive(2)
    file = as_csv(signal, tmp_path / "phone.csv")
    assert cli.main(["segment", file, "--layer", "driving", "--format", "audacity"]) == 0
    assert "forward found" in capsys.readouterr().out
    lines = (tmp_path / "phone.windows.txt").read_text().splitlines()
    assert [line.split("\t")[2] for line in lines] == truth.category.tolist()


def test_what_cannot_be_segmented_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with RecordingWriter(tmp_path / "bare.h5", source="made up"):
        pass
    for words in (
        ["segment", str(tmp_path / "bare.h5")],
        ["segment", str(tmp_path / "absent.csv")],
    ):
        assert cli.main(words) == 2
        message = capsys.readouterr().err.strip()
        assert message
        assert "\n" not in message
    with pytest.raises(SystemExit) as stopped:
        cli.main(["segment", str(tmp_path / "bare.h5"), "--format", "poem"])
    assert stopped.value.code == 2
    assert "\n" not in capsys.readouterr().err.strip()
    assert [file.name for file in tmp_path.iterdir()] == ["bare.h5"]
