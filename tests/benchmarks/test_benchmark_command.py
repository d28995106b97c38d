"""`lidar-label benchmark`: finds the benchmarks, runs them, prints rows or one JSON document."""

import json
from pathlib import Path

import pytest

from lidar_label import cli
from lidar_label.benchmarks import benchmark_command
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better

NOISY = """
import os
from lidar_label.benchmarks.rows import less_is_better
from lidar_label.errors import UsageError

def run(data):
    os.write(1, b"a peer in C++ says hello\\n")
    if data is None:
        raise UsageError("needs data")
    return [less_is_better("sorting", 2.0, "bubble sort", 6.0, "ms", "of 9 numbers")]
"""


@pytest.fixture
def noisy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One benchmark, whose peer prints past Python."""
    (tmp_path / "noisy_benchmark.py").write_text(NOISY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(benchmark_command, "_modules", lambda: {"noisy": "noisy_benchmark"})
    monkeypatch.chdir(tmp_path)


def test_ratios_say_how_many_times_better_we_are() -> None:
    assert less_is_better("a", 2.0, "peer", 6.0, "ms").ratio == 3
    assert more_is_better("a", 0.75, "peer", 0.5, "").ratio == 1.5
    assert less_is_better("a", 2.0, "peer", None, "ms") == Row("a", 2.0, "peer", None, "ms", None)


@pytest.mark.usefixtures("noisy")
def test_json_is_one_document_whatever_peers_print(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["benchmark", "noisy", "--json", "--data", str(tmp_path)]) == 0
    captured = capfd.readouterr()
    document = json.loads(captured.out)
    assert document["benchmarks"]["noisy"][0]["ratio"] == 3
    assert "hello" in captured.err


@pytest.mark.usefixtures("noisy")
def test_the_table_names_peer_ratio_and_note(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["benchmark", "--data", str(tmp_path)]) == 0
    out = capfd.readouterr().out
    assert all(text in out for text in ("sorting", "bubble sort", "3.00 ×", "of 9 numbers"))


@pytest.mark.usefixtures("noisy")
def test_without_data_all_goes_on_and_one_refuses(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["benchmark"]) == 0
    assert "needs data" in capfd.readouterr().err
    assert cli.main(["benchmark", "noisy"]) == 2
    assert cli.main(["benchmark", "quiet"]) == 2
    assert "there are noisy" in capfd.readouterr().err
    assert cli.main(["benchmark", "--data", "absent"]) == 2


def test_every_benchmark_of_the_project_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["benchmark", "--list"]) == 0
    assert {"chain", "recording_codecs"} <= set(capsys.readouterr().out.split())
