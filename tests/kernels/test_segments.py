"""Segments of a sweep: their cells, links and cuts are those of the slow twins."""

from concurrent.futures import ThreadPoolExecutor

import naive_segments
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lidar_label.errors import InvalidPoints
from lidar_label.kernels.finite_points import finite_points
from lidar_label.kernels.segment_cut import best_cut, outermost
from lidar_label.kernels.segment_grid import CELL, GROUND, LOW, TALL, rasterise
from lidar_label.kernels.segment_links import link
from lidar_label.kernels.segments import segment_tree


def blob(x, y, size=0.5, n=60, low=0.4, high=1.6, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.uniform([-size / 2, -size / 2, low], [size / 2, size / 2, high], (n, 3))
    return (points + np.array([x, y, 0])).astype(np.float32)


def roots(tree):
    return np.flatnonzero(tree.parent < 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_nodes_are_slices_that_nest(seed, count):
    rng = np.random.default_rng(seed)
    points = np.concatenate([blob(*rng.uniform(-20, 20, 2), seed=i) for i in range(count)])
    tree = segment_tree(points, points[:, 2])
    assert sorted(tree.order) == list(range(len(points)))
    for node, parent in enumerate(tree.parent):
        assert tree.start[node] < tree.stop[node]
        assert tree.cell_start[node] < tree.cell_stop[node]
        if parent >= 0:
            assert parent > node
            assert tree.level[parent] > tree.level[node]
            assert tree.start[parent] <= tree.start[node]
            assert tree.stop[node] <= tree.stop[parent]
    top = roots(tree)
    assert (tree.stop[top] - tree.start[top]).sum() == len(points)
    for parent in set(tree.parent[tree.parent >= 0]):
        children = tree.parent == parent
        assert (tree.stop - tree.start)[children].sum() == tree.stop[parent] - tree.start[parent]


@pytest.mark.parametrize(("distance", "expected"), [(0.9, 1), (1.2, 1), (2.5, 2)])
def test_gaps_up_to_the_widest_are_bridged(distance, expected):
    """Blobs 0.5 m wide: the widest gap of 1 m between cells joins them up to 1.5 m apart."""
    points = np.concatenate((blob(5, 0), blob(5 + distance, 0, seed=1)))
    assert len(roots(segment_tree(points, points[:, 2]))) == expected


def test_gaps_grow_with_distance():
    near = np.concatenate((blob(5, 0), blob(5, 2.2, seed=1)))
    far = near + np.float32([45, 0, 0])
    assert len(roots(segment_tree(near, near[:, 2]))) == 2
    assert len(roots(segment_tree(far, far[:, 2]))) == 1


def test_what_goes_on_above_is_told_from_what_hangs_above():
    wall = blob(5, 0, n=300, high=4.0)
    car_below_crown = np.concatenate((blob(5, 0, high=1.5), blob(5, 0, low=3.0, high=5.0)))
    tall = segment_tree(wall, wall[:, 2])
    low = segment_tree(car_below_crown, car_below_crown[:, 2])
    assert tall.tall_cells[roots(tall)].sum() > 0
    assert tall.tall_top.max() > 3.8
    assert low.tall_cells.sum() == 0


def test_kerbs_and_points_out_of_the_band_make_no_segment():
    kerb = blob(5, 0, low=0.26, high=0.34)
    crown = blob(5, 0, low=2.5, high=5)
    for points in (kerb, crown, np.zeros((0, 3), np.float32)):
        assert len(segment_tree(points, points[:, 2]).parent) == 0


def scene(seed, n=600):
    """Points of all heights in clumps, some of them off the grid, some not finite."""
    rng = np.random.default_rng(seed)
    points = np.concatenate([blob(*rng.uniform(-9, 9, 2), n=n // 6, high=3.0) for _ in range(6)])
    points[rng.random(len(points)) < 0.1, 2] = 0.05
    height = points[:, 2].copy()
    height[::50] = np.nan
    return points, height


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_cells_hold_what_the_slow_twin_counts(seed):
    points, height = scene(seed)
    centre, side = (0.3, -0.2), 80
    cells, state, members, cell_of = rasterise(points, height, 0.18, 2.2, *centre, side)
    twin = naive_segments.cells(points, height, 0.18, 2.2, *centre, side)
    assert cells.place.tolist() == sorted(twin)
    for k, place in enumerate(cells.place):
        own, middle, low, high, top = twin[place]
        assert sorted(members[cell_of == k]) == own
        assert cells.size[k] == len(own)
        np.testing.assert_allclose(cells.mean[k], middle, rtol=0, atol=1e-6)
        assert (cells.low[k], cells.high[k], cells.top[k]) == (low, high, top)
        assert state[place] == (TALL if top > 0 else LOW)
        assert cells.row_begin[place // side] <= k < cells.row_begin[place // side + 1]
    grounds = {
        int((x - centre[0]) / CELL + side / 2) * side + int((y - centre[1]) / CELL + side / 2)
        for (x, y, _), h in zip(points.astype(np.float64), height, strict=True)
        if h < 0.18 and max(abs(x - centre[0]), abs(y - centre[1])) < side * CELL / 2
    }
    assert set(np.flatnonzero(state == GROUND)) <= grounds <= set(np.flatnonzero(state))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(5, 30))
def test_links_are_those_among_all_pairs(seed, widening_range):
    points, height = scene(seed, 240)
    cells, *_ = rasterise(points, height, 0.18, 2.2, 0.0, 0.0, 100)
    count, gaps = len(cells.place), np.array([0.3, 0.45, 0.7, 1.0])
    scale = np.maximum(np.hypot(*cells.mean.T) / widening_range, 1.0)
    sets = np.arange(count, dtype=np.int32)
    found = set(zip(*(part.tolist() for part in link(cells, scale, gaps, 100, sets)), strict=True))
    rows = list(zip(cells.mean, cells.low, cells.high, strict=True))
    # Gaps are cut at 10 cells.
    places = np.stack(np.divmod(cells.place, 100), axis=1)
    reach = np.minimum((scale[:, None] * gaps / 0.2).astype(int) + 1, 10)
    expected, pairs = set(), []
    for i in range(count):
        for j in range(i + 1, count):
            far = np.abs(places[i] - places[j]).max()
            for level in (0, 3):
                if far <= reach[i, level] and naive_segments.linked(
                    rows[i], rows[j], scale[i], gaps[level]
                ):
                    pairs.append((i, j, level))
    root = np.arange(count)
    for i, j, level in pairs:
        if level == 0:
            root[root == max(root[i], root[j])] = min(root[i], root[j])
    np.testing.assert_array_equal(sets, root)
    for i, j, level in pairs:
        if level == 3 and root[i] != root[j]:
            apart = np.hypot(*(rows[i][0] - rows[j][0])) / scale[i]
            expected.add((i, j, max(1, int(np.searchsorted(gaps, apart)))))
    assert found == expected


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_segments_do_not_depend_on_the_order_of_points_or_on_threads(seed):
    points, height = scene(seed)
    order = np.random.default_rng(seed).permutation(len(points))
    tree = segment_tree(points, height, max_range=10.0)
    other = segment_tree(points[order], height[order], max_range=10.0)
    for name in ("start", "stop", "cell_start", "parent", "level", "tall_cells", "tall_top"):
        np.testing.assert_array_equal(getattr(tree, name), getattr(other, name))
    for begin, end in zip(tree.start, tree.stop, strict=True):
        assert set(tree.order[begin:end]) == set(order[other.order[begin:end]])
    np.testing.assert_array_equal(tree.points[:2].T, points[tree.order, :2])
    np.testing.assert_array_equal(tree.points[2], height[tree.order])
    with ThreadPoolExecutor(3) as pool:
        for again in pool.map(lambda _: segment_tree(points, height, max_range=10.0), range(6)):
            np.testing.assert_array_equal(again.order, tree.order)


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_equal_points_are_one_segment_at_most(count):
    points = np.full((count, 3), 1e6, np.float32)
    height = np.full(count, 1.0, np.float32)
    tree = segment_tree(points, height, centre=(1e6, 1e6))
    assert tree.start.tolist() == [0] * min(count, 1)
    assert len(segment_tree(points, height).parent) == 0  # off the grid


@given(st.integers(0, 2**32 - 1), st.integers(0, 9))
def test_the_best_cut_is_the_best_of_all(seed, count):
    rng = np.random.default_rng(seed)
    parent = np.full(count, -1, np.int32)
    for node in range(count - 1):
        if rng.random() < 0.7:
            parent[node] = rng.integers(node + 1, count)
    value = rng.integers(-2, 6, count).astype(np.float64)
    taken = set(np.flatnonzero(best_cut(parent, value)).tolist())
    worth = {frozenset(nodes): value[sorted(nodes)].sum() for nodes in naive_segments.cuts(parent)}
    assert worth[frozenset(taken)] == max(worth.values())
    roots_of = outermost(parent)
    for node in range(count):
        above = node
        while parent[above] >= 0:
            above = parent[above]
        assert roots_of[node] == above


@given(
    hnp.arrays(
        st.sampled_from((np.float32, np.float64, np.int32)),
        st.tuples(st.integers(0, 30), st.integers(3, 5)),
        elements=st.sampled_from([0, 1, -7, 1_000_000]),
    ),
    st.integers(0, 2**32 - 1),
)
def test_finite_points_are_those_without_nan_or_infinity(points, seed):
    rng = np.random.default_rng(seed)
    if points.dtype.kind == "f":
        points[rng.random(points.shape) < 0.1] = rng.choice([np.nan, np.inf, -np.inf, 3e38])
    expected = points[np.isfinite(points[:, :3]).all(axis=1), :3].astype(np.float32)
    found = finite_points(points)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(finite_points(np.asfortranarray(points)), expected)


def test_points_of_two_columns_are_refused():
    with pytest.raises(InvalidPoints, match="shape"):
        finite_points(np.zeros((4, 2), np.float32))
