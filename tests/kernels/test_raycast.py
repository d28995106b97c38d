"""Ray casting agrees with a slow, obvious twin, and its chances have the stated odds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lidar_label.errors import InvalidBoxes, InvalidPoints
from lidar_label.kernels.height_field import height_at, make_height_field
from lidar_label.kernels.ray_targets import Moving, Standing
from lidar_label.kernels.raycast import GROUND, NOTHING, cast_rays
from lidar_label.kernels.solids import (
    BOX,
    CYLINDER,
    ELLIPSOID,
    Solids,
    place_solids,
    solid_bounds,
)
from lidar_label.kernels.volume_tree import build_tree

FAR = 60.0


def random_rotation(rng):
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def random_solids(rng, count, area=20.0):
    local = np.empty((count, 3, 4))
    for p in range(count):
        half = rng.uniform(0.2, 2.5, 3)
        turn = random_rotation(rng) if rng.random() < 0.5 else np.eye(3)
        centre = rng.uniform((0, 0, -1), (area, area, 5))
        local[p, :, :3] = turn.T / half[:, None]
        local[p, :, 3] = -local[p, :, :3] @ centre
    kind = rng.choice([BOX, CYLINDER, ELLIPSOID], count).astype(np.uint8)
    taper = rng.uniform(0, 1, (count, 3)) * rng.choice([0, 1], (count, 1))
    return Solids(kind, local, taper, np.zeros(count), np.zeros(count))


def random_ground(rng, size=21):
    heights = rng.normal(0, 0.5, (size, size)) * rng.choice([0.0, 1.0])
    return make_height_field(heights, 0.0, 0.0, 1.0)


def random_rays(rng, count, ground):
    origins = rng.uniform((2, 2, 3), (18, 18, 8), (count, 3))
    directions = rng.normal(size=(count, 3))
    axes = rng.random(count) < 0.2  # along an axis: divisions by zero
    directions[axes] = np.eye(3)[rng.integers(0, 3, axes.sum())] * rng.choice(
        [-1, 1], (axes.sum(), 1)
    )
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return origins, directions


def inside(kind, taper, q):
    """The definition of the unit shapes, for points (…, 3)."""
    x, y, z = q[..., 0], q[..., 1], q[..., 2]
    up = (z + 1) / 2
    if kind == ELLIPSOID:
        return x * x + y * y + z * z <= 1
    if kind == CYLINDER:
        return (np.abs(z) <= 1) & (x * x + y * y <= (1 - taper[0] * up) ** 2)
    return (
        (np.abs(z) <= 1)
        & (x <= 1 - taper[0] * up)
        & (-x <= 1 - taper[1] * up)
        & (np.abs(y) <= 1 - taper[2] * up)
    )


def naive_solid(solids, p, origin, direction):
    """First entry by fine steps and bisection; inf where the ray starts inside or misses."""
    a, b = solids.local[p, :, :3], solids.local[p, :, 3]

    def within(t):
        return inside(
            solids.kind[p],
            solids.taper[p],
            (origin + np.asarray(t)[..., None] * direction) @ a.T + b,
        )

    t = np.linspace(0, FAR, 6001)
    hit = within(t)
    if hit[0] or not hit.any():
        return np.inf
    i = int(np.argmax(hit))
    low, high = t[i - 1], t[i]
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if within(middle) else (middle, high)
    return high


def naive_ground(field, origin, direction):
    """First place on or below the grid by fine steps and bisection."""
    t = np.linspace(0, FAR, 60001)
    at = origin + t[:, None] * direction
    rows, columns = field.heights.shape
    over = (at[:, :2] >= 0).all(axis=1) & (at[:, 0] <= columns - 1) & (at[:, 1] <= rows - 1)
    below = over & (at[:, 2] <= height_at(field, at[:, :2]))
    return t[np.argmax(below)] if below.any() else np.inf


@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_the_naive_twin_on_standing_solids_and_ground(seed):
    rng = np.random.default_rng(seed)
    solids, ground = random_solids(rng, int(rng.choice([0, 1, 3, 40]))), random_ground(rng)
    origins, directions = random_rays(rng, 40, ground)
    hits = cast_rays(Standing.of(ground, solids), Moving.none(), origins, directions, far=FAR)
    for i in range(len(origins)):
        each = [naive_solid(solids, p, origins[i], directions[i]) for p in range(len(solids.kind))]
        land = naive_ground(ground, origins[i], directions[i])
        nearest = min([*each, land])
        if not np.isfinite(nearest):
            # A step of the twin may jump over a corner; then what we hit must be a true surface.
            if hits.target[i] != NOTHING:
                confirm_surface(solids, ground, hits, i, origins[i], directions[i])
            continue
        if abs(hits.distance[i] - nearest) > 2e-3:
            assert hits.distance[i] < nearest
            confirm_surface(solids, ground, hits, i, origins[i], directions[i])
        elif hits.target[i] >= 0:
            assert each[hits.target[i]] == pytest.approx(nearest, abs=2e-3)
        assert np.linalg.norm(hits.normal[i]) == pytest.approx(1, abs=1e-5)
        assert hits.normal[i] @ directions[i] < 1e-5


def confirm_surface(solids, ground, hits, i, origin, direction):
    """The hit lies on the surface of what it names: outside just before, inside just after."""
    p = hits.target[i]
    before, after = (origin + (hits.distance[i] + d) * direction for d in (-1e-4, 1e-4))
    if p == GROUND:
        gap = before[2] - height_at(ground, before[None, :2])[0]
        assert abs(gap) < 1e-2
        return
    a, b = solids.local[p, :, :3], solids.local[p, :, 3]
    assert not inside(solids.kind[p], solids.taper[p], a @ before + b)
    assert inside(solids.kind[p], solids.taper[p], a @ after + b)


def test_normals_of_simple_shapes():
    to_unit = np.hstack((np.eye(3), np.zeros((3, 1))))
    solids = Solids(
        np.array([BOX], np.uint8), to_unit[None], np.array([[1.0, 0, 0]]), np.zeros(1), np.zeros(1)
    )
    below = make_height_field(np.full((2, 2), -50.0), -100, -100, 200.0)
    # The face +x leans in by one half size over two: its normal is (2, 0, 1) / √5.
    hits = cast_rays(
        Standing.of(below, solids), Moving.none(), np.array([5.0, 0, 0]), np.array([[-1.0, 0, 0]])
    )
    assert hits.distance[0] == pytest.approx(4.5)
    np.testing.assert_allclose(hits.normal[0], np.array([2, 0, 1]) / np.sqrt(5), atol=1e-6)


def test_bodies_are_met_where_they_are_at_their_phase():
    rng = np.random.default_rng(3)
    count, ground = 6, make_height_field(np.full((2, 2), -50.0), -100, -100, 200.0)
    parts = random_solids(rng, 2 * count, area=1.0)
    poses = np.tile(np.eye(4), (2, count, 1, 1))
    for b in range(count):
        poses[0, b, :3, :3] = poses[1, b, :3, :3] = random_rotation(rng)
        poses[0, b, :3, 3] = rng.uniform(0, 20, 3)
        poses[1, b, :3, 3] = poses[0, b, :3, 3] + rng.uniform(-2, 2, 3)
    moving = Moving.of(parts, np.arange(count + 1) * 2, poses)
    no_solids = random_solids(rng, 0)
    met = 0
    for phase in (0.0, 0.37, 1.0):
        origins, directions = random_rays(rng, 300, ground)
        now = poses[0].copy()
        now[:, :3, 3] = (1 - phase) * poses[0, :, :3, 3] + phase * poses[1, :, :3, 3]
        still = place_solids(parts, np.repeat(now, 2, axis=0))
        expected = cast_rays(Standing.of(ground, still), Moving.none(), origins, directions)
        hits = cast_rays(Standing.of(ground, no_solids), moving, origins, directions, phase=phase)
        np.testing.assert_array_equal(hits.target, expected.target)
        np.testing.assert_allclose(hits.distance, expected.distance, atol=1e-4)
        np.testing.assert_allclose(hits.normal, expected.normal, atol=1e-4)
        met += (hits.target >= 0).sum()
    assert met > 50


def test_foliage_stops_rays_after_an_exponential_path_and_glass_lets_its_share_through():
    local = np.hstack((np.eye(3), np.zeros((3, 1))))[None]
    local[0, 0, 0] = 1 / 50  # 100 m thick along x
    crown = Solids(np.array([BOX], np.uint8), local, np.zeros((1, 3)), np.array([2.0]), np.zeros(1))
    below = make_height_field(np.full((2, 2), -50.0), -100, -100, 200.0)
    directions = np.tile([-1.0, 0, 0], (20000, 1))
    origin = np.array([60.0, 0, 0])
    hits = cast_rays(Standing.of(below, crown), Moving.none(), origin, directions, seed=5)
    depth = hits.distance - 10
    assert depth.min() >= 0
    assert depth.mean() == pytest.approx(2.0, abs=4 * 2.0 / np.sqrt(20000))
    assert np.median(depth) == pytest.approx(2 * np.log(2), abs=0.08)
    pane = crown._replace(free_path=np.zeros(1), transmission=np.array([0.7]))
    hits = cast_rays(Standing.of(below, pane), Moving.none(), origin, directions, seed=6)
    assert np.isinf(hits.distance).mean() == pytest.approx(0.7, abs=4 * np.sqrt(0.21 / 20000))
    again = cast_rays(Standing.of(below, pane), Moving.none(), origin, directions, seed=6)
    np.testing.assert_array_equal(hits.distance, again.distance)


def test_near_and_far_hide_what_lies_outside():
    solids = Solids(
        np.array([BOX, BOX], np.uint8),
        np.array([np.hstack((np.eye(3), [[-x], [0], [0]])) for x in (5.0, 20.0)]),
        np.zeros((2, 3)), np.zeros(2), np.zeros(2),
    )  # fmt: skip
    standing = Standing.of(make_height_field(np.full((2, 2), -50.0), -100, -100, 200.0), solids)
    ray = np.array([[1.0, 0, 0]])
    assert cast_rays(standing, Moving.none(), np.zeros(3), ray).target[0] == 0
    assert cast_rays(standing, Moving.none(), np.zeros(3), ray, near=7.0).target[0] == 1
    assert cast_rays(standing, Moving.none(), np.zeros(3), ray, far=3.0).target[0] == NOTHING


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_every_box_is_in_one_leaf_and_inside_its_ancestors(seed, count):
    rng = np.random.default_rng(seed)
    lower = rng.uniform(0, 50, (count, 3)) * rng.choice([0, 1])  # or all in one place
    bounds = np.hstack((lower, lower + rng.uniform(0, 5, (count, 3))))
    tree = build_tree(bounds)
    assert sorted(tree.order) == list(range(count))
    seen = []

    def visit(node):
        right, begin, end = tree.links[node]
        held = list(tree.order[begin:end]) if right < 0 else [*visit(node + 1), *visit(right)]
        if right < 0:
            seen.extend(held)
        if held:
            np.testing.assert_allclose(tree.bounds[node, :3], bounds[held, :3].min(axis=0))
            np.testing.assert_allclose(tree.bounds[node, 3:], bounds[held, 3:].max(axis=0))
        return held

    visit(0)
    assert sorted(seen) == list(range(count))


def test_bounds_hold_the_solid_and_touch_it():
    rng = np.random.default_rng(0)
    solids = random_solids(rng, 9)._replace(taper=np.zeros((9, 3)))
    bounds = solid_bounds(solids)
    unit = rng.uniform(-1, 1, (200_000, 3))
    for p in range(9):
        q = unit[inside(solids.kind[p], solids.taper[p], unit)]
        points = (q - solids.local[p, :, 3]) @ np.linalg.inv(solids.local[p, :, :3]).T
        assert (points >= bounds[p, :3] - 1e-9).all()
        assert (points <= bounds[p, 3:] + 1e-9).all()
        assert np.abs(points.min(axis=0) - bounds[p, :3]).max() < 0.5
        assert np.abs(points.max(axis=0) - bounds[p, 3:]).max() < 0.5


def test_bad_input_is_named():
    with pytest.raises(InvalidPoints, match="grid"):
        make_height_field(np.array([[0.0, np.nan], [0, 0]]), 0, 0, 1)
    with pytest.raises(InvalidBoxes, match="finite"):
        build_tree(np.full((1, 6), np.inf))
    standing = Standing.of(
        make_height_field(np.zeros((2, 2)), 0, 0, 1), random_solids(np.random.default_rng(0), 0)
    )
    with pytest.raises(InvalidPoints, match="directions"):
        cast_rays(standing, Moving.none(), np.zeros(3), np.zeros((4, 2)))
