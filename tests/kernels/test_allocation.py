"""What is freed stays with the process, so that the next sweep finds it."""

import platform
import subprocess
import sys

import pytest

_FAULTS = """
import resource, sys
import numpy as np
from lidar_label.kernels.allocation import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()
rounds = []
for _ in range(12):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [np.ones(500_000, np.float32) for _ in range(3)]
    del blocks
    rounds.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(sum(rounds[4:]))
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other allocators keep what they like"
)
def test_arrays_of_a_sweep_fault_once_and_not_every_time() -> None:
    faults = {
        way: int(subprocess.check_output([sys.executable, "-c", _FAULTS, way]))
        for way in ("kept", "as it is")
    }
    assert faults["kept"] < 100 < faults["as it is"]
