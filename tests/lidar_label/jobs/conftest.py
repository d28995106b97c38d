"""Tiny recordings, and what an undisturbed job makes of them."""

import importlib.util
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from job_trials import ALONE, CONFIG

from lidar_label.jobs.batch import run_job
from lidar_label.jobs.sources import Source, expand_sources

_SPEC = importlib.util.spec_from_file_location(
    "recorded_drive", Path(__file__).parents[2] / "recorded_drive.py"
)
recorded_drive = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(recorded_drive)


@pytest.fixture(scope="session")
def drives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six recordings of two to seven frames, all different."""
    folder = tmp_path_factory.mktemp("drives")
    for i in range(6):
        recorded_drive.write_drive(folder / f"drive{i}.h5", frames=2 + i)
    return folder


@pytest.fixture(scope="session")
def sources(drives: Path) -> list[Source]:
    return expand_sources([str(drives / "*.h5")])


@pytest.fixture(scope="session")
def undisturbed(sources: list[Source], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a job that nothing happened to."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    assert run_job(sources, out, CONFIG, ALONE).complete
    return out
