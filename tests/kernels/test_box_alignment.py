"""Boxes laid against points: the near faces go where the beams stopped, far ones stay free."""

import numpy as np
import pytest

from lidar_label.kernels import box_alignment as at

LENGTH, WIDTH = 4.4, 1.8


def corner(seed=0, *, strays=0):
    """(K, 5) points on the rear and the right side of a car at rest in its own frame.

    Doors and bumpers lie up to 7 cm inside the box that is measured over all of them.
    """
    rng = np.random.default_rng(seed)
    rear = np.column_stack((np.full(60, -LENGTH / 2), rng.uniform(-WIDTH / 2, WIDTH / 2, 60)))
    side = np.column_stack((rng.uniform(-LENGTH / 2, LENGTH / 2, 120), np.full(120, -WIDTH / 2)))
    rear[:, 0] += rng.uniform(0, 0.07, 60)
    side[:, 1] += rng.uniform(0, 0.07, 120)
    inner = rng.uniform((-1, -0.6), (1, 0.6), (40, 2))
    off = rng.uniform((-2.6, -1.3), (2.6, 1.3), (strays, 2))
    places = np.vstack((rear, side)) + rng.normal(0, 0.02, (180, 2))
    places = np.vstack((places, inner, off))
    points = np.zeros((len(places), at.LOOK), dtype=np.float32)
    points[:, :2], points[:, at.HEIGHT] = places, rng.uniform(0.3, 1.4, len(places))
    points[:, at.FACE_U], points[:, at.FACE_V] = -1, -1
    return points


def seen_by(points, along, across, turn):
    """The same points as a box sees them that is off by so much."""
    cos, sin = np.cos(turn), np.sin(turn)
    x, y = points[:, 0].astype(float), points[:, 1].astype(float)
    moved = points.copy()
    moved[:, 0], moved[:, 1] = along + cos * x - sin * y, across + sin * x + cos * y
    return moved


@pytest.mark.parametrize("off", [(0.0, 0, 0), (0.3, -0.2, 0.06), (-0.25, 0.3, -0.08)])
@pytest.mark.parametrize("strays", [0, 12])
def test_finds_how_far_a_box_is_off(off, strays):
    points = seen_by(corner(strays=strays), *off)
    start = np.array([0, len(points)], dtype=np.int64)
    size = np.array([[LENGTH, WIDTH]])
    found = at.align(start, points, size, 0.5, 0.2, np.full((1, at.EXTENT), np.nan))[0]
    assert found == pytest.approx(off, abs=0.04)


@pytest.mark.parametrize("seed", range(3))
def test_takes_the_place_that_costs_least(seed):
    """Giving up dear places early changes nothing: against a search of all of them."""
    rng = np.random.default_rng(seed)
    points = seen_by(corner(seed, strays=20), *rng.normal(0, (0.2, 0.15, 0.04)))
    points = points[:: 1 + seed]
    if seed == 1:
        points[:, at.FACE_V] = 0
    start, size = np.array([0, len(points)], dtype=np.int64), np.array([[LENGTH, WIDTH]])
    extent = at.extents(start, points, np.array([np.inf]))
    found = at.align(start, points, size, 0.3, 0.1, extent)[0]
    assert found == pytest.approx(naive_align(points, extent[0], 0.3, 0.1), abs=1e-9)


def naive_align(points, extent, place_sd, yaw_sd):
    """The cheapest of five places, five places across and five turns, three times finer."""
    best = np.zeros(3)
    weight = min(1.0, 40 * (len(points) // 200 + 1) / len(points))
    points = points[:: len(points) // 200 + 1].astype(float)
    middle = (extent[0] + extent[1]) / 2, (extent[2] + extent[3]) / 2
    whole = extent[1] - extent[0] > 0.85 * LENGTH, extent[3] - extent[2] > 0.85 * WIDTH
    for place_step, yaw_step in zip((0.18, 0.06, 0.02), (0.05, 0.017, 0.006), strict=True):
        steps = np.array(np.meshgrid(*[np.arange(-2, 3)] * 3)).reshape(3, -1).T
        places = best + steps * [place_step, place_step, yaw_step]
        costs = []
        for du, dv, turn in places:
            cost = (du**2 + dv**2) / place_sd**2 + (turn / yaw_sd) ** 2
            for known, off, half in zip(whole, (du, dv), middle, strict=True):
                cost += min(((off - half) / 0.12) ** 2, 9) if known else 0
            costs.append(cost + weight * sum(map(naive_cost, places_of(points, du, dv, turn))))
        best = places[int(np.argmin(costs))]
    return best


def places_of(points, du, dv, turn):
    x, y = points[:, 0] - du, points[:, 1] - dv
    along = np.cos(turn) * x + np.sin(turn) * y
    across = np.cos(turn) * y - np.sin(turn) * x
    return np.column_stack((along, across, points[:, at.FACE_U], points[:, at.FACE_V]))


def naive_cost(point):
    out = np.maximum(np.abs(point[:2]) - [LENGTH / 2, WIDTH / 2], 0)
    if out.any():
        return min((np.hypot(*out) + 0.035) ** 2 / 0.06**2, 12)
    halves = (LENGTH / 2, WIDTH / 2)
    inside = [
        half - a * face for half, a, face in zip(halves, point[:2], point[2:], strict=True) if face
    ]
    return min((min(inside, default=np.inf) - 0.035) ** 2 / 0.06**2, 4)


def test_stays_where_nothing_was_seen():
    none = np.zeros((0, at.LOOK), dtype=np.float32)
    start = np.array([0, 0], dtype=np.int64)
    extent = at.extents(start, none, np.ones(1))
    assert (at.align(start, none, np.ones((1, 2)), 0.3, 0.1, extent) == 0).all()


def test_points_move_with_their_box():
    points = corner()
    start = np.array([0, 100, 100, len(points)], dtype=np.int64)
    moves = np.array([[0.3, -0.2, 0.06], [1, 1, 1], [0, 0, 0]])
    seen = at.move(start, seen_by(points, *moves[0]), moves)
    assert seen[:100] == pytest.approx(points[:100], abs=1e-5)
    assert (seen[100:] == seen_by(points, *moves[0])[100:]).all()


def test_extents_leave_out_a_stray():
    points = np.zeros((100, at.LOOK), dtype=np.float32)
    points[:, 0] = np.linspace(-2, 2, 100)
    points[0, 0] = -9
    low, high = at.extents(np.array([0, 100], dtype=np.int64), points, np.ones(1))[0, :2]
    assert (low, high) == pytest.approx((-1.96, 1.96), abs=0.01)


def test_points_of_boxes_are_taken_in_turn():
    points = corner()
    start, taken = at.take(points, np.array([20, 0, 5, 7]), np.array([10, 3, 0, 2]))
    assert start.tolist() == [0, 10, 13, 13, 15]
    assert (taken == points[[*range(20, 30), 0, 1, 2, 7, 8]]).all()


def test_what_reaches_over_a_vehicle_neither_widens_nor_moves_it():
    """A hedge leans over the far side; windows stand back from the near one."""
    rng = np.random.default_rng(3)
    points = corner()
    points[:, at.HEIGHT] = rng.uniform(0.3, 0.9, len(points))
    hedge = np.zeros((60, at.LOOK), dtype=np.float32)
    hedge[:, at.U], hedge[:, at.V] = rng.uniform(-2, 2, 60), rng.uniform(1.0, 1.3, 60)
    windows = np.zeros((120, at.LOOK), dtype=np.float32)
    windows[:, at.U], windows[:, at.V] = rng.uniform(-1, 1, 120), -WIDTH / 2 + 0.2
    hedge[:, at.HEIGHT] = windows[:, at.HEIGHT] = 1.3
    whole = np.vstack((points, hedge, windows))
    start = np.array([0, len(whole)], dtype=np.int64)
    wide, low = (at.extents(start, whole, np.array([waist]))[0] for waist in (np.inf, 1.0))
    assert wide[at.HIGH_V] > 1.2
    assert low[at.HIGH_V] < WIDTH / 2 + 0.05
    assert low[at.TOP] == wide[at.TOP]


def test_nothing_up_to_the_waist_shows_no_ends():
    points = corner()
    points[:, at.HEIGHT] = 1.3
    found = at.extents(np.array([0, len(points)], dtype=np.int64), points, np.array([1.0]))[0]
    assert np.isnan(found[: at.TOP]).all()
    assert found[at.TOP] == pytest.approx(1.3)


@pytest.mark.parametrize("seed", range(3))
def test_a_stepped_surface_fills_its_box(seed):
    points = corner(seed)
    start = np.array([0, len(points)], dtype=np.int64)
    unknown = np.full((1, at.EXTENT), np.nan)
    found = at.align(start, points, np.array([[LENGTH, WIDTH]]), 0.5, 0.2, unknown)[0]
    assert found == pytest.approx([0, 0, 0], abs=0.015)
