"""Files that are complete or absent, and a disk that is full or closed to us told in one line."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lidar_label.datasets.recording import Recording, RecordingWriter
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


WRITE = """
import resource, sys
from pathlib import Path
import numpy as np
from lidar_label.datasets.point_labels import PointLabelWriter, SweepLabels
from lidar_label.datasets.recording import RecordingWriter
from lidar_label.errors import UsageError

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
rng = np.random.default_rng(0)
try:
    if sys.argv[1] == "recording":
        with RecordingWriter(Path(sys.argv[2]) / "drive.h5", source="test") as writer:
            writer.add_lidar("top", np.eye(4))
            for i in range(4):
                writer.append_sweep("top", i, rng.normal(size=(100_000, 3)).astype(np.float32))
    else:
        with PointLabelWriter(Path(sys.argv[2]) / "drive.points.hdf5", {}) as labels:
            for i in range(4):
                track = rng.integers(0, 2**31 - 1, 100_000, dtype=np.int32)
                labels.append("top", i, SweepLabels(np.zeros(len(track), np.uint8), track))
except UsageError as error:
    print(error)
    sys.exit(2)
"""


@pytest.mark.parametrize("kind", ["recording", "points"])
@pytest.mark.parametrize("limit", [100, 700_000, 1_590_000])
def test_what_hdf5_cannot_write_leaves_nothing(tmp_path: Path, kind: str, limit: int) -> None:
    """A limit on the size of files stands in for a disk that takes no more.

    In a process of its own: HDF5 by itself crashes over it, at the latest when the process ends.
    """
    command = [sys.executable, "-c", WRITE, kind, str(tmp_path), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert "cannot be written (File too large)" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "drive.h5", source="first") as first:
        first.add_lidar("top", np.eye(4))
        with pytest.raises(UsageError, match="another run writes it"):
            RecordingWriter(tmp_path / "drive.h5", source="second")
        first.append_sweep("top", 0, np.ones((5, 3), np.float32))
    with Recording(tmp_path / "drive.h5") as recording:
        recording.verify()
        assert recording.source == "first"
