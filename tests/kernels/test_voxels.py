"""Down-sampling keeps the first point of each voxel."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lidar_label.errors import InvalidConfig, InvalidPoints
from lidar_label.kernels.voxels import voxel_downsample, voxel_means

coordinates = st.floats(-20, 20, width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 3e38])


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(0, 80), st.just(3)), elements=coordinates),
    st.sampled_from([0.1, 0.25, 3.0, 1e3]),
)
def test_kept_points_are_those_of_the_twin(points, size):
    kept = voxel_downsample(points, size)
    assert kept.dtype == np.int64
    np.testing.assert_array_equal(kept, naive.voxel_downsample(points, size))


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(0, 80), st.just(5)), elements=coordinates),
    st.sampled_from([0.1, 0.25, 3.0, 1e3]),
)
def test_means_are_those_of_the_twin(columns, size):
    columns[:, 3:] = np.nan_to_num(columns[:, 3:], posinf=1, neginf=-1)
    means, twin = voxel_means(columns, size), naive.voxel_means(columns, size)
    assert means.shape == (len(twin), 5)
    np.testing.assert_allclose(means, np.reshape(twin, (-1, 5)), rtol=1e-6, atol=1e-6)


def test_which_voxels_are_kept_does_not_depend_on_the_order():
    rng = np.random.default_rng(0)
    points = rng.normal(0, 5, (5000, 3)).astype(np.float32)
    order = rng.permutation(5000)
    one, two = points[voxel_downsample(points, 0.5)], points[order]
    two = two[voxel_downsample(two, 0.5)]
    assert len(one) == len(two) < 5000
    np.testing.assert_array_equal(
        np.unique(np.floor(one * 2), axis=0), np.unique(np.floor(two * 2), axis=0)
    )


@pytest.mark.parametrize("at", [1e6, -1e9])
def test_equal_points_far_away_are_one(at):
    assert voxel_downsample(np.full((1000, 3), at), 0.1).tolist() == [0]


def test_keeps_all_where_voxels_are_small_and_scattered():
    points = np.random.default_rng(1).uniform(-1e6, 1e6, (3000, 3)).astype(np.float32)
    assert voxel_downsample(points, 1e-3).tolist() == list(range(3000))


def test_bad_input_is_refused():
    for size in (0, -1, np.nan, np.inf):
        with pytest.raises(InvalidConfig, match="size"):
            voxel_downsample(np.zeros((3, 3)), size)
        with pytest.raises(InvalidConfig, match="size"):
            voxel_means(np.zeros((3, 3)), size)
    with pytest.raises(InvalidPoints):
        voxel_downsample(np.zeros((3, 2)), 0.1)
