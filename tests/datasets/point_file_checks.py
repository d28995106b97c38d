"""Points to write into files, and the check that a damaged one is refused in one line."""

from pathlib import Path

import numpy as np
import pytest

from lidar_label.datasets.point_files import read_points
from lidar_label.errors import InvalidSource


def cloud(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)


def refused(path: Path, **options: object) -> str:
    with pytest.raises(InvalidSource) as raised:
        read_points(path, **options)  # type: ignore[arg-type]
    text = str(raised.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text
