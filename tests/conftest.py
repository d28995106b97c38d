"""What all tests share: the folder of real recordings, where it stands beside the project."""

from pathlib import Path

import pytest
from hypothesis import settings

# Two cores, compiled kernels: no deadlines; the same examples in every run.
settings.register_profile("project", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("project")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """`../shared/data`; skips where it is absent, as on a user's machine."""
    data = ROOT.parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip(
            "needs the real recordings in ../shared/data, which are not beside this checkout"
        )
    return data
