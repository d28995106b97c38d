"""`lidar-label batch`: what it prints, writes, serves and refuses."""

import json
import re
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from lidar_label import cli
from lidar_label.jobs.job_progress import JobEvent
from lidar_label.jobs.metrics import Metrics
from lidar_label.jobs.results import job_results
from lidar_label.viewers import batch_command


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs without processes of their own: theirs are tested beside the jobs."""
    real = batch_command._options

    def options(arguments: object) -> object:
        from dataclasses import replace

        return replace(real(arguments), workers=0)  # type: ignore[arg-type, type-var]

    monkeypatch.setattr(batch_command, "_options", options)


def run(*words: object) -> int:
    return cli.main(["batch", *map(str, words)])


def test_labels_reports_and_a_summary(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.h5").write_text("no")
    out = tmp_path / "out"
    code = run(drive, tmp_path / "bad.h5", "-o", out, "--report", "--price-per-hour", "0.1")
    text = capsys.readouterr().out
    assert code == 1
    assert "1 recordings done, 0 were finished, 1 in quarantine" in text
    page = (out / "summary.html").read_text()
    assert not re.search(r'(src|href)="(https?:)?//', page)
    (result,) = job_results(out)
    assert f"recordings/{result.name}/report/report.html" in page
    assert "not an HDF5 file" in page
    report = (result.folder / "report" / "report.html").read_text()
    assert f"<h1>{drive.name}</h1>" in report
    summary = json.loads((out / "summary.json").read_text())
    assert summary["classes"] == result.summary["labels"]["classes"]
    assert summary["cost"]["process_hour"] == 0.1
    assert run(drive, "-o", out, "--report") == 0
    assert "1 were finished" in capsys.readouterr().out


def test_reports_are_the_same_bytes_too(drive: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run(drive, "-o", tmp_path / name, "--report") == 0
    (one,), (two,) = job_results(tmp_path / "one"), job_results(tmp_path / "two")
    pages = [result.folder / "report" / "report.html" for result in (one, two)]
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert one.summary == two.summary


def test_a_dry_run_writes_nothing(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(drive, "-o", out, "--dry-run", "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert [entry["uri"] for entry in plan["to_do"]] == [str(drive)]
    assert plan["bytes"] == drive.stat().st_size
    assert not out.exists()
    assert run(drive, "-o", out) == 0
    capsys.readouterr()
    assert run(drive, "-o", out, "--dry-run") == 0
    assert "0 to do" in capsys.readouterr().out
    assert run(drive, "-o", out, "--dry-run", "--export", "csv") == 1
    assert "1 made with other settings" in capsys.readouterr().out


def test_events_are_lines_of_json_and_the_last_sums_up(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(drive, "-o", tmp_path / "out", "--json", "--diff", drive.parent) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["start", "done", "end", "summary"]
    assert events[1]["progress"]["sweeps"] == 6
    assert events[1]["progress"]["seconds_left"] == 0
    assert events[-1]["diff"]["recordings_compared"] == 1
    counts = events[-1]["diff"]
    found = sum(counts[key] for key in ("added", "same")) + counts["moved"]
    assert found >= events[-1]["cuboids"]  # every new cuboid is one of these
    (details,) = (tmp_path / "out" / "diff").iterdir()
    changes = json.loads(details.read_text())["changes"]
    assert len([c for c in changes if c["change"] == "removed"]) == counts["removed"]


def test_numbers_for_prometheus(drive: Path, tmp_path: Path) -> None:
    file = tmp_path / "job.prom"
    assert run(drive, "-o", tmp_path / "out", "--metrics", file) == 0
    numbers = dict(line.rsplit(" ", 1) for line in file.read_text().splitlines() if line[0] != "#")
    assert float(numbers['lidar_label_batch_recordings{state="done"}']) == 1
    assert float(numbers["lidar_label_batch_sweeps"]) == 6
    assert float(numbers["lidar_label_batch_complete"]) == 1


def test_numbers_are_served_while_the_job_runs(drive: Path, tmp_path: Path) -> None:
    from lidar_label.jobs.batch import JobOptions, run_job
    from lidar_label.jobs.sources import expand_sources

    seen: list[str] = []
    with Metrics("0") as metrics:

        def listen(event: JobEvent) -> None:
            metrics(event)
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}/metrics") as answer:
                seen.append(answer.read().decode())

        sources = expand_sources([str(drive)])
        run_job(sources, tmp_path / "out", options=JobOptions(workers=0), listen=listen)
    assert 'recordings{state="waiting"} 1.0' in seen[0]
    assert 'recordings{state="done"} 1.0' in seen[-1]
    assert not any("metrics" in thread.name for thread in threading.enumerate())


def test_people_s_labels_are_put_around(drive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(drive, "-o", out, "--around", drive.parent) == 0
    (result,) = job_results(out)
    labels = result.cuboids()
    from lidar_label.cuboids import load_cuboids

    truth = load_cuboids(drive.with_name("drive.labels.parquet"))
    assert np.isnan(truth.score).all()
    assert labels.select(np.isnan(labels.score)).equals(truth)


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["--workers", "0"], "--workers 0"),
        (["--memory", "lots"], "--memory lots"),
        (["--export", "cvs"], "no export format cvs"),
        (["--model", "m.json"], "--segment"),
        (["--segment", "--model", "absent.json"], "absent.json"),
        (["--metrics", "file.txt"], "ends in .prom"),
        (["--diff", "absent"], "absent: no such folder of labels"),
        (["--around", "absent"], "absent: no such folder of labels"),
        (["--scheduler", "tcp://x:1", "--workers", "2"], "leave one out"),
    ],
)
def test_wrong_usage_is_one_line_and_nothing_is_written(
    drive: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    word: str,
) -> None:
    out = tmp_path / "out"
    assert run(drive, "-o", out, *words) == 2
    error = capsys.readouterr().err
    assert word in error
    assert error.count("\n") == 1
    assert not list(out.glob("recordings/*"))
    assert run("absent*.h5", "-o", out) == 2
    assert "no such file or folder" in capsys.readouterr().err
