"""A recorded drive for the tests of this folder."""

import importlib.util
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location(
    "recorded_drive", Path(__file__).parent.parent / "recorded_drive.py"
)
recorded_drive = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(recorded_drive)


@pytest.fixture(scope="session")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of six frames with its truth beside it."""
    path = tmp_path_factory.mktemp("drive") / "drive.h5"
    recorded_drive.write_drive(path)
    return path
