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


def test_stays_where_nothing_was_seen_and_turns_points_into_the_box():
    none = np.zeros((0, at.LOOK), dtype=np.float32)
    start = np.array([0, 0], dtype=np.int64)
    assert (
        at.align(start, none, np.ones((1, 2)), 0.3, 0.1, at.extents(start, none, np.ones(1))) == 0
    ).all()
    box = np.array([10.0, 5, 1, 4, 2, 1.5, np.pi / 2])
    xyz = np.array([[10, 7, 1], [9, 5, 1]], dtype=np.float32)
    late = np.array([0.1, 0.0], dtype=np.float32)
    seen = at.turn_into(
        xyz, np.ones(2, np.float32), late, box, np.array([0.0, 10]), np.zeros(2), np.arange(2), 9.0
    )
    assert seen[:, :2] == pytest.approx(np.array([[1.0, 0], [0, 1]]), abs=1e-5)
    assert seen[:, at.FACE_U].tolist() == [-1, -1]  # the sensor is behind and to the left
    assert seen[:, at.FACE_V].tolist() == [1, 1]


def test_extents_leave_out_a_stray():
    points = np.zeros((100, at.LOOK), dtype=np.float32)
    points[:, 0] = np.linspace(-2, 2, 100)
    points[0, 0] = -9
    low, high = at.extents(np.array([0, 100], dtype=np.int64), points, np.ones(1))[0, :2]
    assert (low, high) == pytest.approx((-1.96, 1.96), abs=0.01)


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


def test_points_above_the_waist_are_on_no_face():
    box = np.array([10.0, 5, 1, 4, 2, 1.5, 0])
    xyz = np.array([[8, 5, 0.5], [8, 5, 1.4]], dtype=np.float32)
    height, late = np.array([0.5, 1.4], dtype=np.float32), np.zeros(2, np.float32)
    seen = at.turn_into(xyz, height, late, box, np.zeros(2), np.zeros(2), np.arange(2), 0.9)
    assert seen[:, at.FACE_U].tolist() == [-1, 0]
    assert seen[:, at.FACE_V].tolist() == [-1, 0]


@pytest.mark.parametrize("seed", range(3))
def test_a_stepped_surface_fills_its_box(seed):
    points = corner(seed)
    start = np.array([0, len(points)], dtype=np.int64)
    unknown = np.full((1, at.EXTENT), np.nan)
    found = at.align(start, points, np.array([[LENGTH, WIDTH]]), 0.5, 0.2, unknown)[0]
    assert found == pytest.approx([0, 0, 0], abs=0.015)
