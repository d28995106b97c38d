"""Free space: where rays end, from the range image to the boxes they meet."""

import naive_segments
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
    ROWS,
    THROUGH,
    hidden_ends,
    look_through,
    quick_atan2,
    range_image,
)
from lidar_label.kernels.sensor_place import find_sensor


def blob(x, y, size=0.5, n=60, low=0.4, high=1.6, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.uniform([-size / 2, -size / 2, low], [size / 2, size / 2, high], (n, 3))
    return (points + np.array([x, y, 0])).astype(np.float32)


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


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_rays_end_as_the_slow_twin_says(seed):
    rng = np.random.default_rng(seed)
    image = rng.uniform(2, 60, (COLUMNS, ROWS)).astype(np.float32)
    image[rng.random(image.shape) < 0.3] = np.inf
    low, high = [-40, -40, -2, 0.3, 0.3, 0.5, -4], [40, 40, 1, 12, 3, 4, 4]
    boxes = rng.uniform(low, high, (20, 7))
    boxes[0, [1, 6]] = 0.0  # the sensor looks along its sides
    origin = rng.uniform(-2, 2, 3)
    expected = [naive_segments.look_through(box, image, origin) for box in boxes]
    np.testing.assert_array_equal(look_through(boxes, image, origin), expected)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_ends_are_hidden_by_what_stands_before_them(seed):
    rng = np.random.default_rng(seed)
    points = np.concatenate([blob(*rng.uniform(-15, 15, 2), seed=i) for i in range(12)])
    height = points[:, 2].copy()
    height[::9] = 5.0  # too high to hide anything
    spot = rng.uniform(-20, 20, (30, 2))
    half = rng.uniform(0.2, 4, (30, 2))
    angle = rng.uniform(0, np.pi / 2, 30)
    c, s = np.cos(angle), np.sin(angle)
    u, v = c * spot[:, 0] + s * spot[:, 1], c * spot[:, 1] - s * spot[:, 0]
    fits = np.column_stack((angle, u - half[:, 0], u + half[:, 0], v - half[:, 1], v + half[:, 1]))
    fits[3] = np.nan
    sensor = np.array([0.3, -0.2])
    found = hidden_ends(points, height, fits, sensor, 0.3, 2.5)
    expected = naive_segments.hidden_ends(points, height, fits, sensor, 0.3, 2.5)
    # A direction on the border of two bins may fall into either.
    assert (found == expected).mean() > 0.98
    assert not found[3].any()


def test_no_points_bad_points_and_far_ones_leave_the_image_empty():
    odd = np.array(
        [[np.nan, 1, 0], [1, np.inf, 0], [5, 5, np.nan], [1e30, 1e30, 0], [0, 0, -1], [5, 0, 90]],
        np.float32,
    )
    for points in (np.zeros((0, 3), np.float32), odd):
        assert np.isinf(range_image(points, np.zeros(3))).all()


def test_more_points_than_a_block_are_seen_alike():
    rng = np.random.default_rng(1)
    points = (rng.normal(size=(5000, 3)) * [20, 20, 1]).astype(np.float32)
    parts = [range_image(points[k : k + 700], np.zeros(3)) for k in range(0, 5000, 700)]
    np.testing.assert_array_equal(range_image(points, np.zeros(3)), np.minimum.reduce(parts))
