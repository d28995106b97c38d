"""What the tests of jobs share: settings, and how the outputs of two jobs are compared."""

import hashlib
import json
from pathlib import Path

from lidar_label.jobs.batch import JobOptions
from lidar_label.jobs.job_config import JobConfig

CONFIG = JobConfig(exports=("kitti",))
ALONE = JobOptions(workers=0)


def hashes(out: Path) -> dict[str, str]:
    """File below recordings/ → SHA-256, without run.json, which says when and where."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((out / "recordings").rglob("*"))
        if path.is_file() and path.name != "run.json"
    }


def check_nothing_half_written(out: Path, truth: dict[str, str]) -> int:
    """Every recording with a folder has all its files as they should be; how many there are."""
    found = hashes(out)
    names = {path.split("/")[1] for path in found}
    wanted = {path: digest for path, digest in truth.items() if path.split("/")[1] in names}
    assert found == wanted
    for file in (out / "quarantine").glob("*.json"):
        assert json.loads(file.read_text())["reason"]
    return len(names)
