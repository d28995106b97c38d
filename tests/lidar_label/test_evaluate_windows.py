"""`evaluate` recognises windows and judges them over time, by segment, class and person."""

import json
from pathlib import Path

import numpy as np
import pytest

from lidar_label import cli
from lidar_label.activity_evaluation import evaluate_windows
from lidar_label.datasets.signals import NS_PER_S
from lidar_label.datasets.windows import UNKNOWN, Windows, save_windows
from lidar_label.window_files import write_windows


def windows(edges_s: list[float], names: list[str]) -> Windows:
    edges = np.array(edges_s) * NS_PER_S
    return Windows.of(edges[:-1], edges[1:], category=np.array([*names, None], dtype=object)[:-1])


TRUTH = windows([0, 10, 20, 30], ["rest", "walk", "rest"])


def test_the_truth_itself_is_perfect() -> None:
    result = evaluate_windows(TRUTH, TRUTH)
    figures = (result.accuracy, result.macro_f1, result.edit_score, result.covering)
    assert figures == (1, 1, 1, 1)
    assert set(result.segment_f1.values()) == {1.0}
    assert result.segment_f1_1s == 1
    assert result.boundary_error_s == 0


def test_figures_by_hand() -> None:
    result = evaluate_windows(windows([0, 12, 20, 30], ["rest", "walk", "rest"]), TRUTH)
    assert result.accuracy == pytest.approx(28 / 30)
    assert result.class_recall["walk"] == pytest.approx(0.8)
    assert result.class_precision["rest"] == pytest.approx(20 / 22)
    assert result.class_seconds == {"rest": 20.0, "walk": 10.0}
    assert result.segment_f1["0.50"] == 1
    assert result.segment_f1_1s == pytest.approx(1 / 3)  # two of three have an end 2 s away
    assert result.boundary_f1 == pytest.approx(0.5)
    assert result.boundary_f1_2s == 1
    assert result.boundary_error_s == pytest.approx(1.0)


def test_unnamed_time_counts_for_nothing() -> None:
    truth = TRUTH.select(np.array([0, 2]))
    found = windows([0, 10, 14, 20, 30], ["rest", "walk", "walk", "rest"])
    result = evaluate_windows(found, truth)
    assert (result.accuracy, result.macro_f1) == (1, 1)
    assert result.segment_f1["0.50"] == 1


def test_unknown_is_missed_not_wrong_segments() -> None:
    found = windows([0, 10, 20, 30], ["rest", UNKNOWN, "rest"])
    result = evaluate_windows(found, TRUTH)
    assert result.class_recall["walk"] == 0
    assert result.segment_f1["0.50"] == pytest.approx(0.8)  # 2 hits of 2 found and 3 true


def test_the_command_knows_windows_by_their_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_windows(TRUTH, tmp_path / "truth.parquet")
    write_windows(TRUTH, tmp_path / "found.csv", "csv")
    files = [str(tmp_path / "found.csv"), str(tmp_path / "truth.parquet")]
    assert cli.main(["evaluate", *files, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["mean"]["macro_f1"] == 1
    assert document["mean"]["f1/walk"] == 1
    assert cli.main(["evaluate", *files, "--require", "macro_f1=0.9"]) == 0
    assert "macro_f1" in capsys.readouterr().out
    half = TRUTH.select(np.array([0]))
    save_windows(half, tmp_path / "half.parquet")
    files[0] = str(tmp_path / "half.parquet")
    assert cli.main(["evaluate", *files, "--require", "f1/walk=0.5"]) == 1


def test_folders_by_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("found", "truth"):
        (tmp_path / folder).mkdir()
    worse = windows([0, 15, 20, 30], ["rest", "walk", "rest"])
    for name, found in (("a_user1", TRUTH), ("b_user1", TRUTH), ("a_user2", worse)):
        save_windows(found, tmp_path / "found" / f"{name}.windows.parquet")
        save_windows(TRUTH, tmp_path / "truth" / f"{name}.parquet")
    folders = [str(tmp_path / "found"), str(tmp_path / "truth")]
    assert cli.main(["evaluate", *folders, "--person", r"user\d", "--json"]) == 0
    people = json.loads(capsys.readouterr().out)["people"]
    assert people["user1"]["accuracy"] == 1
    assert people["user2"]["accuracy"] == pytest.approx(25 / 30)
    assert cli.main(["evaluate", *folders, "--person", r"user\d"]) == 0
    assert "user2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "remedy"),
    [
        (["--require", "macro_f1"], "FIGURE=MINIMUM"),
        (["--require", "beauty=1"], "FIGURE=MINIMUM"),
        (["--person", "("], "not a regular expression"),
        (["--person", "nobody"], "does not match"),
    ],
)
def test_bad_requests_are_one_line(
    extra: list[str], remedy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_windows(TRUTH, tmp_path / "a.parquet")
    path = str(tmp_path / "a.parquet")
    assert cli.main(["evaluate", path, path, *extra]) == 2
    message = capsys.readouterr().err.strip()
    assert remedy in message
    assert "\n" not in message


def test_an_empty_truth_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_windows(TRUTH, tmp_path / "a.parquet")
    save_windows(Windows.empty(), tmp_path / "b.parquet")
    assert cli.main(["evaluate", str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]) == 2
    assert "b.parquet" in capsys.readouterr().err
