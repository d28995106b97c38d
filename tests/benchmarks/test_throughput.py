"""Throughput: each worker does its share of the same work, and says what time it took."""

import numpy as np
import pytest

from lidar_label.benchmarks import throughput
from lidar_label.benchmarks.kernel_inputs import scene


def test_work_is_dealt_once_to_one_of_the_workers() -> None:
    dealt = throughput._dealt([0, 1, 2, 0, 1], 2)
    assert [len(part) for part in dealt] == [3, 2]
    assert sorted(k for part in dealt for k in part) == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("rate", [throughput._by_processes, throughput._by_threads])
def test_workers_answer_with_rates_that_agree(rate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "_ROUNDS", 1)
    found = rate([scene(3000), np.zeros((0, 3), np.float32)], [0, 1, 0], 2)
    assert found.sweeps_per_second > 0
    assert found.processor_ms > 0
