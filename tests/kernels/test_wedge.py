import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lidar_label.kernels.boxes import count_points_in_boxes
from lidar_label.kernels.wedge import count_inside, wedge

places = st.tuples(st.floats(-40, 40), st.floats(-40, 40))


def cloud(seed, n):
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 20, (n, 4)).astype(np.float32)
    points[rng.random(n) < 0.05, rng.integers(3)] = np.nan
    return points


@given(st.integers(0, 2**32 - 1), st.integers(0, 300), places, places, st.floats(0.5, 12))
def test_all_near_the_place_and_all_seen_past_it(seed, n, place, sensor, radius):
    points = cloud(seed, n)
    (x, y), (sx, sy) = place, sensor
    found = {tuple(p) for p in wedge(points, x, y, radius, sx, sy, 10**6)}
    finite = points[np.isfinite(points[:, :3]).all(axis=1), :3].astype(np.float64)
    distance = np.hypot(x - sx, y - sy)
    angle = np.arctan2(finite[:, 1] - sy, finite[:, 0] - sx) - np.arctan2(y - sy, x - sx)
    angle = np.abs((angle + np.pi) % (2 * np.pi) - np.pi)
    half = np.arcsin(radius / distance) if distance > radius else np.pi / 2
    near = np.hypot(finite[:, 0] - x, finite[:, 1] - y) < radius - 1e-6
    wanted = near | ((angle < half - 1e-6) & (distance > radius + 1e-6))
    assert {tuple(p.astype(np.float32)) for p in finite[wanted]} <= found
    far = np.hypot(finite[:, 0] - x, finite[:, 1] - y) > radius + 1e-6
    apart = np.hypot(finite[:, 0] - sx, finite[:, 1] - sy) > 6.0 + 1e-6
    unwanted = far & apart & (angle > half + 1e-6)
    if distance > radius + 1e-6:
        assert not {tuple(p.astype(np.float32)) for p in finite[unwanted]} & found


@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.integers(1, 50))
def test_no_more_than_asked_for_of_either_sort(seed, n, most):
    points = cloud(seed, n)
    few = wedge(points, 5.0, 5.0, 8.0, 0.0, 0.0, most)
    assert len(few) <= 2 * most
    near = np.hypot(few[:, 0] - 5, few[:, 1] - 5) <= 8
    assert (np.diff(near.astype(int)) <= 0).all()  # those near the place in front


@given(st.integers(0, 2**32 - 1), st.integers(0, 300))
def test_points_inside_are_those_of_the_general_kernel(seed, n):
    rng = np.random.default_rng(seed)
    points = cloud(seed, n)
    box = np.array([*rng.normal(0, 8, 3), *rng.uniform(1, 30, 3), rng.uniform(-3, 3)])
    assert count_inside(points, box) == count_points_in_boxes(points, box[None])[0]
