"""The matrix profile agrees with a slow twin, and finds what was planted."""

import numpy as np
import pytest

from lidar_label.errors import InvalidSignal
from lidar_label.kernels.matrix_profile import matrix_profile
from lidar_label.kernels.template_search import distance_profile


def slow(rows: np.ndarray, length: int, apart: int, normalised: bool) -> np.ndarray:
    rows = rows.astype(np.float32)
    count = len(rows) - length + 1
    distance = np.full(count, np.inf)
    for i in range(count):
        profile = distance_profile(rows[i : i + length], rows, normalised=normalised)
        profile[max(i - apart + 1, 0) : i + apart] = np.inf
        distance[i] = profile.min()
    return distance


@pytest.mark.parametrize(
    ("count", "width", "length", "normalised"),
    [
        (60, 1, 8, False), (150, 3, 12, False), (40, 2, 1, False),
        (60, 1, 8, True), (150, 3, 12, True),
    ],
)  # fmt: skip
def test_it_agrees_with_a_slow_twin(count: int, width: int, length: int, normalised: bool) -> None:
    rng = np.random.default_rng(count)
    rows = rng.normal(size=(count, width)).cumsum(axis=0) + 5.0
    rows[20:35, 0] = rows[20, 0]  # a flat stretch
    for apart in (1, max(length // 2, 1), length):
        distance, neighbour = matrix_profile(rows, length, apart=apart, normalised=normalised)
        wanted = slow(rows, length, apart, normalised)
        np.testing.assert_allclose(distance, wanted, atol=2e-3 if normalised else 1e-5)
        assert (np.abs(neighbour - np.arange(len(neighbour))) >= apart).all()


@pytest.mark.parametrize("normalised", [False, True])
def test_a_planted_pair_and_a_planted_oddity_are_found(normalised: bool) -> None:
    rng = np.random.default_rng(0)
    t = np.arange(3000)
    rows = np.column_stack((np.sin(t / 6.0), np.cos(t / 6.0))) + rng.normal(
        scale=0.2, size=(3000, 2)
    )
    shape = rng.normal(size=(40, 2)).cumsum(axis=0)
    rows[700:740] = shape
    rows[2100:2140] = shape
    rows[1500:1530] = rng.normal(size=(30, 2)).cumsum(axis=0)[::-1] * 0.7
    distance, neighbour = matrix_profile(rows, 40, normalised=normalised)
    assert (distance.argmin(), neighbour[distance.argmin()]) in {(700, 2100), (2100, 700)}
    assert abs(int(distance.argmax()) - 1495) < 45


def test_a_share_of_the_diagonals_is_never_too_low() -> None:
    rows = np.random.default_rng(1).normal(size=(400, 2))
    whole, _ = matrix_profile(rows, 10)
    part, _ = matrix_profile(rows, 10, share=0.3)
    assert (part >= whole - 1e-9).all()
    assert float((part / whole).mean()) < 1.3


def test_bad_input_is_refused() -> None:
    rows = np.zeros((10, 2))
    for bad, length, options in (
        (rows[:, 0], 3, {}), (rows, 11, {}), (rows, 0, {}), (rows * np.nan, 3, {}),
        (rows, 3, {"apart": 0}), (rows, 3, {"share": 0.0}),
    ):  # fmt: skip
        with pytest.raises(InvalidSignal):
            matrix_profile(bad, length, **options)
    distance, neighbour = matrix_profile(rows, 10)
    assert np.isinf(distance).all()
    assert neighbour.tolist() == [-1]
