"""The command's edges: help without heavy packages, exit codes, one line for bad input."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lidar_label import cli

HEAVY = ("numpy", "numba", "h5py", "open3d", "pyarrow", "scipy", "matplotlib", "pydantic", "dash")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("statement", ["import lidar_label", "lidar_label.cli.main(['--help'])"])
def test_heavy_packages_load_late(statement: str) -> None:
    done = python(
        f"import sys, json, lidar_label.cli\ntry:\n    {statement}\nexcept SystemExit: pass\n"
        f"print(); print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main([command, "--help"])
    assert stopped.value.code == 0
    assert f"lidar-label {command}" in capsys.readouterr().out


def test_no_command_prints_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    assert "annotate" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        ["info", "absent.h5"],
        ["annotate", "absent.h5"],
        ["evaluate", "absent.parquet", "absent.parquet"],
        ["import", "absent", "out.h5"],
        ["export", "absent.parquet", "--recording", "absent.h5", "--format", "csv", "-o", "out"],
    ],
    ids=lambda argv: argv[0],
)
def test_a_missing_file_is_one_line_and_exit_2(
    argv: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(argv) == 2
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.strip()]
    assert len(lines) == 1
    assert "absent" in lines[0]
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["bake"], "bake"),
        (["export", "a.csv", "--format", "docx", "-o", "out"], "--format"),
        (["simulate", "a.h5", "--seconds", "long"], "--seconds"),
        (["project", "export", "p", "--format", "docx", "-o", "out"], "--format"),
        (["info"], "required"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(argv)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error
    assert "--help" in error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "/data/a.h5"),
            "/data/a.h5: Permission",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (MemoryError(), "out of memory"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    error: Exception,
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> int:
        raise error

    monkeypatch.setattr("lidar_label.commands.info.run", refuse)
    assert cli.main(["info", "a.h5"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert words in told
