"""DBSCAN gives the partition of scikit-learn and of the slow twin, whatever the input."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.cluster import DBSCAN

from lidar_label.errors import InvalidConfig, InvalidPoints
from lidar_label.kernels import cells
from lidar_label.kernels.clustering import dbscan


def blobs(seed, count=400, spread=0.3, extent=4.0, at=0.0):
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-extent, extent, (8, 3))
    points = centres[rng.integers(0, 8, count)] + rng.normal(0, spread, (count, 3))
    points[: count // 5] = rng.uniform(-2 * extent, 2 * extent, (count // 5, 3))
    return (points + at).astype(np.float32)


def same_partition(ours, theirs):
    """Whether two labelings differ by no more than the names of the clusters."""
    pairs = set(zip(ours.tolist(), theirs.tolist(), strict=True))
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def check_against_sklearn(points, eps, min_points):
    ours = dbscan(points, eps, min_points)
    model = DBSCAN(eps=eps, min_samples=min_points).fit(points.astype(np.float64))
    core = np.zeros(len(points), dtype=bool)
    core[model.core_sample_indices_] = True
    assert ((ours < 0) == (model.labels_ < 0)).all()
    assert same_partition(ours[core], model.labels_[core])
    for i in np.flatnonzero((ours >= 0) & ~core):  # a border point is next to a core of its cluster
        near = np.linalg.norm(points.astype(np.float64) - points[i], axis=1) <= eps
        assert ours[i] in ours[near & core]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("eps", "min_points"), [(0.25, 1), (0.4, 4), (0.5, 10), (1.5, 30)])
def test_partition_is_that_of_the_twin_and_of_sklearn(seed, eps, min_points):
    points = blobs(seed)
    np.testing.assert_array_equal(
        dbscan(points, eps, min_points), naive.dbscan(points, eps, min_points)
    )
    check_against_sklearn(points, eps, min_points)


@given(
    hnp.arrays(np.int8, st.tuples(st.integers(0, 60), st.just(3)), elements=st.integers(-6, 6)),
    st.sampled_from([0.25, 0.5, 0.75, 1.0]),
    st.integers(1, 6),
)
def test_points_exactly_eps_apart_are_neighbours(lattice, eps, min_points):
    points = (lattice * 0.25).astype(np.float32)
    np.testing.assert_array_equal(
        dbscan(points, eps, min_points), naive.dbscan(points, eps, min_points)
    )


@given(st.integers(0, 1000))
def test_distances_are_not_rounded_to_single_precision(seed):
    points = np.random.default_rng(seed).uniform(-90, 90, (2, 3)).astype(np.float32)
    apart = float(np.linalg.norm(points[0].astype(np.float64) - points[1]))
    assert dbscan(points, apart * (1 + 1e-12), 2).tolist() == [0, 0]
    assert dbscan(points, apart * (1 - 1e-12), 2).tolist() == [-1, -1]


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_partition_does_not_depend_on_the_order(seed, shuffle):
    points = np.round(blobs(seed, 150), 1)  # rounded: many equal distances
    order = np.random.default_rng(shuffle).permutation(len(points))
    labels, shuffled = dbscan(points, 0.4, 5), dbscan(points[order], 0.4, 5)
    assert same_partition(labels[order], shuffled)


def test_clusters_are_numbered_by_their_first_point():
    points = np.repeat([[9.0, 0, 0], [0, 0, 0], [5, 0, 0]], 3, axis=0)
    assert dbscan(points, 0.5, 3).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_no_points_and_one_point():
    assert dbscan(np.empty((0, 3), np.float32), 0.5, 1).shape == (0,)
    assert dbscan(np.zeros((1, 3)), 0.5, 1).tolist() == [0]
    assert dbscan(np.zeros((1, 3)), 0.5, 2).tolist() == [-1]


def test_equal_points_are_one_cluster_in_linear_time():
    labels = dbscan(np.full((300_000, 3), 7.25, np.float32), 0.5, 10)
    assert (labels == 0).all()
    two = np.zeros((200_000, 3), np.float32)
    two[::2, 0] = 0.51
    assert dbscan(two, 0.5, 10)[:4].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(("gap", "clusters"), [(0.499, 1), (0.501, 2)])
def test_dense_slanted_planes_join_where_they_come_within_eps(gap, clusters):
    rng = np.random.default_rng(0)
    plane = np.zeros((20_000, 3))
    plane[:, :2] = rng.uniform(-1, 1, (len(plane), 2))
    plane[:, 2] = 0.7 * plane[:, 0] + 0.4 * plane[:, 1]
    normal = np.array([-0.7, -0.4, 1.0]) / np.sqrt(1 + 0.7**2 + 0.4**2)
    points = np.concatenate([plane, plane[:10_000] + gap * normal]).astype(np.float32)
    labels = dbscan(points, 0.5, 10)
    assert labels.max() + 1 == clusters
    assert (labels[:20_000] == 0).all()
    assert (labels[20_000:] == clusters - 1).all()


def test_points_that_are_not_finite_are_noise_and_disturb_nothing():
    points = blobs(3)
    bad = points.copy()
    bad[::7, 0], bad[1::7, 1], bad[2::7, 2] = np.nan, np.inf, -np.inf
    good = np.isfinite(bad).all(axis=1)
    labels = dbscan(bad, 0.5, 5)
    assert (labels[~good] == -1).all()
    np.testing.assert_array_equal(labels[good], dbscan(points[good], 0.5, 5))
    assert (dbscan(np.full((5, 3), np.nan), 0.5, 1) == -1).all()


@pytest.mark.parametrize("at", [1e3, -1e6, 1e6])
def test_far_from_the_origin(at):
    check_against_sklearn(blobs(5, at=at), 0.5, 5)


@pytest.mark.parametrize("eps", [1e-300, 1e-6, 1e-3, 1e4, 1e300, np.inf])
def test_tiny_and_huge_eps(eps):
    points = np.concatenate([blobs(1, 100), blobs(1, 100)])  # every point twice
    np.testing.assert_array_equal(dbscan(points, eps, 2), naive.dbscan(points, eps, 2))


def test_huge_extents():
    points = blobs(2, 200)
    points[::10] *= np.float32(1e30)
    np.testing.assert_array_equal(dbscan(points, 0.4, 4), naive.dbscan(points, 0.4, 4))


def test_keys_too_wide_for_one_word(monkeypatch):
    monkeypatch.setattr(cells, "_KEY_BITS", 3)
    for points in (blobs(4), blobs(4, extent=60), blobs(4, 300, at=1e6)):
        np.testing.assert_array_equal(dbscan(points, 0.5, 4), naive.dbscan(points, 0.5, 4))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_long_lines_of_points(axis):
    """Stacks of many chunks, cells on both sides of each border of chunks."""
    points = np.zeros((2000, 3), np.float32)
    points[:, axis] = np.random.default_rng(axis).uniform(-200, 200, 2000)
    points[::2, (axis + 1) % 3] = 0.3
    np.testing.assert_array_equal(dbscan(points, 0.5, 4), naive.dbscan(points, 0.5, 4))


def test_real_sweep_has_the_partition_of_sklearn(shared):
    sweep = np.fromfile(shared / "kitti_odometry_00/velodyne/000000.bin", np.float32).reshape(-1, 4)
    above = sweep[(sweep[:, 2] > -1.3) & (np.abs(sweep[:, :2]) < 25).all(axis=1), :3]
    check_against_sklearn(above, 0.5, 10)


def test_bad_input_is_refused():
    with pytest.raises(InvalidConfig, match="eps"):
        dbscan(np.zeros((3, 3)), 0.0, 3)
    with pytest.raises(InvalidConfig, match="eps"):
        dbscan(np.zeros((3, 3)), float("nan"), 3)
    with pytest.raises(InvalidConfig, match="min_points"):
        dbscan(np.zeros((3, 3)), 0.5, 0)
    with pytest.raises(InvalidPoints):
        dbscan(np.zeros((3, 2)), 0.5, 3)
