import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lidar_label.kernels.free_space import (
    COLUMNS,
    HIDDEN,
    HIT,
    LOWEST,
    ROW_ANGLE,
    THROUGH,
    find_sensor,
    look_through,
    quick_atan2,
    range_image,
)
from lidar_label.kernels.rectangles import (
    ANGLE,
    IN_GROUND,
    IN_OTHER,
    IN_OWN,
    RING_OTHER,
    SHOULDER,
    U_HIGH,
    U_LOW,
    V_HIGH,
    V_LOW,
    fit_slices,
    ground_patches,
    surroundings,
)
from lidar_label.kernels.segment_grid import CELL
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


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-np.pi, np.pi),
    st.floats(1.5, 6),
    st.floats(0.6, 1.4),
    st.floats(-30, 30),
    st.floats(-30, 30),
)
def test_rectangles_are_recovered_from_two_faces(yaw, length, width, x, y):
    along, across = np.linspace(0, 1, 60), np.linspace(0, 1, 30)
    corner = np.concatenate(
        (
            np.column_stack((along * length, np.zeros(60))),
            np.column_stack((np.zeros(30), across * width)),
        )
    )
    c, s = np.cos(yaw), np.sin(yaw)
    plane = corner @ np.array([[c, s], [-s, c]]) + [x, y]
    points = np.column_stack((plane, np.full(90, 1.0))).astype(np.float32)
    order = np.arange(90)
    fit = fit_slices(points, points[:, 2], order, np.array([0]), np.array([90]), 50.0, np.zeros(2))[
        0
    ]
    turn = (fit[ANGLE] - yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4
    assert abs(turn) < np.deg2rad(3)
    sides = sorted((fit[U_HIGH] - fit[U_LOW], fit[V_HIGH] - fit[V_LOW]))
    np.testing.assert_allclose(sides, [width, length], atol=0.15)


def test_what_is_too_wide_or_too_few_is_not_fitted():
    points = np.concatenate((blob(0, 0), blob(30, 0)))
    order = np.arange(120)
    start, stop = np.array([0, 0]), np.array([120, 2])
    fits = fit_slices(points, points[:, 2], order, start, stop, 18.0, np.zeros(2))
    assert np.isnan(fits[:, ANGLE]).all()


def test_ends_of_wheels_are_lower_than_ends_of_a_body():
    across = np.linspace(-0.9, 0.9, 200)
    rng = np.random.default_rng(0)
    body = np.column_stack((np.full(200, 10.0), across, rng.uniform(0.3, 1.5, 200)))
    cyclist = body.copy()
    cyclist[np.abs(across) > 0.4, 2] *= 0.45
    shoulders = []
    for shape in (body, cyclist):
        points = shape.astype(np.float32)
        one = (np.arange(200), np.array([0]), np.array([200]))
        fit = fit_slices(points, points[:, 2], *one, 18.0, np.zeros(2))
        shoulders.append(fit[0, SHOULDER])
    assert shoulders[0] > 0.9
    assert shoulders[1] < 0.6


def test_surroundings_agree_with_counting_cell_by_cell():
    rng = np.random.default_rng(3)
    ground = np.column_stack((rng.uniform(0, 12, (4000, 2)), np.zeros(4000)))
    own, other = blob(5, 5, size=0.9, n=200), blob(6.0, 5, size=0.3, n=50, seed=2)
    points = np.concatenate((ground, own, other)).astype(np.float32)
    tree = segment_tree(points, points[:, 2], gaps=(0.25,))
    mine = int(np.argmax(tree.stop - tree.start))
    box = np.array([[5, 5, 1, 1.2, 1.0, 2, 0.3]])
    shares = surroundings(
        box,
        tree.cell_start[[mine]],
        tree.cell_stop[[mine]],
        tree.grid.state,
        tree.grid.rank,
        tree.grid.centre,
        ground_patches(tree.grid.state),
    )[0]
    side = tree.grid.side
    index = np.arange(side)
    x = (index + 0.5 - side / 2) * CELL
    dx, dy = np.meshgrid(x - 5, x - 5, indexing="ij")
    u = np.abs(np.cos(0.3) * dx + np.sin(0.3) * dy)
    v = np.abs(np.cos(0.3) * dy - np.sin(0.3) * dx)
    inside = (u <= 0.6 - 0.15) & (v <= 0.5 - 0.15)
    rank = tree.grid.rank
    is_own = (rank >= tree.cell_start[mine]) & (rank < tree.cell_stop[mine])
    assert shares[IN_OWN] == pytest.approx(is_own[inside].mean())
    assert shares[IN_OTHER] == pytest.approx(((rank >= 0) & ~is_own)[inside].mean())
    free = (tree.grid.state == 1) & (rank < 0)
    assert shares[IN_GROUND] == pytest.approx(free[inside].mean())
    ring = (u <= 1.2) & (v <= 1.1) & ~((u < 0.7) & (v < 0.6))
    assert shares[RING_OTHER] == pytest.approx(((rank >= 0) & ~is_own)[ring].mean())
    assert shares[RING_OTHER] > 0


def wall_at(x, sensor=1.8):
    """Points of a wall across the x axis, seen from height `sensor`."""
    y, z = (a.ravel() for a in np.meshgrid(np.arange(-8, 8, 0.04), np.arange(-4, 3, 0.04)))
    return np.column_stack((np.full(len(y), x), y, z - sensor)).astype(np.float32)


@pytest.mark.parametrize(("wall", "kind"), [(20.0, THROUGH), (10.0, HIT), (5.0, HIDDEN)])
def test_rays_end_behind_in_or_before_a_box(wall, kind):
    box = np.array([[10.0, 0, 0.8 - 1.8, 2, 2, 1.6, 0.2]])
    origin = np.zeros(3)
    counts = look_through(box, range_image(wall_at(wall), origin), origin)[0]
    assert counts.argmax() == kind
    assert counts[kind] > 0.9 * counts[: HIDDEN + 1].sum()


def test_range_images_hold_the_nearest_return():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(3000, 3)) * [20, 20, 1]
    points = points.astype(np.float32)
    image = range_image(points, np.zeros(3))
    naive = np.full(image.shape, np.inf)
    for x, y, z in points.astype(np.float64):
        reach = np.hypot(x, y)
        row = int(np.floor((np.arctan(z / reach) - LOWEST) / ROW_ANGLE))
        column = int((np.arctan2(y, x) + np.pi) * COLUMNS / (2 * np.pi)) % COLUMNS
        if reach > 0.5 and 0 <= row < image.shape[1]:
            naive[column, row] = min(naive[column, row], reach)
    # A point on the border of two cells may fall into either.
    same = np.isclose(image, naive, rtol=1e-5) | (np.isinf(image) & np.isinf(naive))
    assert same.mean() > 0.999
    np.testing.assert_array_equal(image, range_image(points[::-1].copy(), np.zeros(3)))


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_the_quick_angle_is_close_to_the_exact_one(y, x):
    assume(max(abs(x), abs(y)) > 1e-9)
    turn = quick_atan2(y, x) - np.arctan2(y, x)
    assert abs((turn + np.pi) % (2 * np.pi) - np.pi) < 2e-4


@pytest.mark.parametrize("place", [(0.0, 0.0), (1.4, 0.0), (-0.8, 0.5)])
def test_the_sensor_is_found_in_a_vehicle_frame(place):
    turn = np.linspace(-np.pi, np.pi, 2000)
    rings = [
        np.column_stack((place[0] + r * np.cos(turn), place[1] + r * np.sin(turn), 0 * turn))
        for r in (4.1, 4.6, 5.3, 6.2)
    ]
    points = (np.concatenate(rings) - [0, 0, 0.3]).astype(np.float32)
    height = points[:, 2] + np.float32(0.3)
    x, y, z = find_sensor(points, height)
    assert (x, y) == pytest.approx(place, abs=0.1)
    assert z == pytest.approx(4.1 * np.tan(np.deg2rad(25)) - 0.3, abs=0.1)


def test_a_sensor_at_the_origin_stays_there():
    points = (blob(5, 0) - [0, 0, 1.7]).astype(np.float32)
    assert find_sensor(points, points[:, 2] + np.float32(1.7)) == (0.0, 0.0, 0.0)
