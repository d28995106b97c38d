"""Files that are complete or absent, and a disk that is full or closed to us told in one line."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lidar_label.datasets.point_labels import PointLabelWriter, SweepLabels
from lidar_label.datasets.recording import RecordingWriter
from lidar_label.datasets.whole_files import is_full, unwritable, written_whole
from lidar_label.errors import NoSpace, UsageError


def test_a_name_is_given_at_the_end_and_only_if_all_went_well(tmp_path: Path) -> None:
    path = tmp_path / "new" / "page.html"
    with written_whole(path) as partial:
        partial.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    with pytest.raises(UnicodeEncodeError), written_whole(path) as partial:
        partial.write_text("half \ud800", encoding="utf-8")
    assert path.read_text() == "whole"
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    (tmp_path / "page.html.partial").symlink_to("/dev/full")
    full = pytest.raises(NoSpace, match=r"^\S+page\.html: the disk is full; free [^\n]+$")
    with full, written_whole(path) as partial:
        partial.write_text("much")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    named = pytest.raises(UsageError, match=r"file/a\.csv: cannot be written \(.+\)")
    with named, written_whole(tmp_path / "file" / "a.csv") as partial:
        partial.write_text("")
    with pytest.raises(UsageError, match=r"file/a\.h5: cannot be written"):
        RecordingWriter(tmp_path / "file" / "a.h5", source="test")


def test_a_full_disk_is_found_behind_another_error() -> None:
    error = RuntimeError("wrapped")
    error.__cause__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert is_full(error)
    assert isinstance(unwritable("a", error), NoSpace)
    assert not is_full(OSError(errno.EACCES, "no"))


@pytest.mark.parametrize("kind", ["recording", "points"])
@pytest.mark.parametrize("rows", [0, 1])
def test_a_full_disk_is_seen_before_hdf5_fails(
    tmp_path: Path, kind: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room for the file's beginning and `rows` sweeps, then none."""
    asked = 0

    def usage(_: Path) -> shutil._ntuple_diskusage:
        nonlocal asked
        asked += 1
        return shutil._ntuple_diskusage(1 << 40, 0, 1 << 30 if asked <= rows + 1 else 1 << 20)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    path = tmp_path / "drive.h5"

    def write() -> None:
        if kind == "recording":
            with RecordingWriter(path, source="test") as writer:
                writer.add_lidar("top", np.eye(4))
                for i in range(4):
                    writer.append_sweep("top", i, np.ones((9, 3), np.float32))
        else:
            with PointLabelWriter(path, {}) as labels:
                for i in range(4):
                    labels.append("top", i, SweepLabels(np.zeros(9, np.uint8), np.zeros(9, "i4")))

    with pytest.raises(NoSpace, match=r"drive\.h5: the disk is full; free some"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_what_hdf5_cannot_write_is_one_line_and_exit_2(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a quota, which shows only when it is met."""
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, -1))"
    run = "from lidar_label.cli import main; sys.exit(main(sys.argv[1:]))"
    command = ["simulate", str(tmp_path / "drive.h5"), "--seconds", "0.3", "--beams", "32"]
    done = subprocess.run(
        [sys.executable, "-c", f"{limit}; {run}", *command, "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "cannot be written (File too large)" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
