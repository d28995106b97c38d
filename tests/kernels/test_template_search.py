"""A template is found where it is, and profiles are what their definition says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lidar_label.errors import InvalidSignal
from lidar_label.kernels.template_search import best_matches, distance_profile


def naive(template: np.ndarray, rows: np.ndarray, normalised: bool) -> np.ndarray:
    def standard(part: np.ndarray) -> np.ndarray:
        deviation = part.std(axis=0)
        return (part - part.mean(axis=0)) / np.where(deviation > 1e-6, deviation, np.inf)

    shape = standard if normalised else lambda part: part
    m = len(template)
    return np.array(
        [
            np.sqrt(((shape(rows[i : i + m]) - shape(template)) ** 2).mean())
            for i in range(len(rows) - m + 1)
        ]
    )


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 6), st.just(2)),
        elements=st.integers(-8, 8).map(float),
    ),
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(6, 25), st.just(2)),
        elements=st.integers(-8, 8).map(float),
    ),
    st.booleans(),
)
def test_profiles_are_their_definition(
    template: np.ndarray, rows: np.ndarray, normalised: bool
) -> None:
    found = distance_profile(template, rows, normalised=normalised)
    expected = naive(template.astype(float), rows.astype(float), normalised)
    assert np.allclose(found, expected, atol=2e-3)


def test_a_template_is_found_where_it_is() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 3))
    rows[300:330] = 2 * rows[100:130] + 5
    plain = distance_profile(rows[100:130], rows)
    assert best_matches(plain, 1, 30).tolist() == [100]
    assert plain[100] == 0
    shape = distance_profile(rows[100:130], rows, normalised=True)
    assert sorted(best_matches(shape, 2, 30).tolist()) == [100, 300]


def test_matches_keep_apart_and_within_what_is_allowed() -> None:
    profile = np.array([3.0, 0, 1, 2, 9, 1])
    assert best_matches(profile, 9, 2).tolist() == [1, 5, 3]
    assert best_matches(profile, 1, 2, profile != 0).tolist() == [2]


@pytest.mark.parametrize(
    ("template", "rows"),
    [
        (np.zeros((3, 2)), np.zeros((2, 2))),
        (np.zeros((0, 2)), np.zeros((2, 2))),
        (np.zeros((2, 1)), np.zeros((2, 2))),
        (np.full((1, 1), np.nan), np.zeros((2, 1))),
    ],
)
def test_bad_input_is_refused(template: np.ndarray, rows: np.ndarray) -> None:
    with pytest.raises(InvalidSignal):
        distance_profile(template, rows)
