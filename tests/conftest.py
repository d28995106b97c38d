"""What tests share: a recorded drive, and the folder of real recordings beside the project."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import settings

# Two cores, compiled kernels: no deadlines; the same examples in every run.
settings.register_profile("project", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("project")

ROOT = Path(__file__).resolve().parent.parent
_SPEC = importlib.util.spec_from_file_location(
    "recorded_drive", Path(__file__).parent / "recorded_drive.py"
)
recorded_drive = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(recorded_drive)


@pytest.fixture(scope="session")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of six frames with its truth beside it."""
    path = tmp_path_factory.mktemp("drive") / "drive.h5"
    recorded_drive.write_drive(path)
    return path


@pytest.fixture(scope="session")
def shared() -> Path:
    """`../shared/data`; skips where it is absent, as on a user's machine."""
    data = ROOT.parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip(
            "needs the real recordings in ../shared/data, which are not beside this checkout"
        )
    return data
