"""The ground of made-up places whose truth is known, and of real sweeps beside a map."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lidar_label.errors import InvalidConfig, InvalidPoints
from lidar_label.kernels.ground import GroundConfig, estimate_ground, ground_mask
from lidar_label.kernels.ground_grid import CELLS, RINGS, SECTORS, offsets
from lidar_label.kernels.ground_growth import couple, couple_both, spread


def plane(slope_x: float, height: float, n: int = 20000, seed: int = 0) -> np.ndarray:
    """A sloped plane seen from above its origin: dense near, sparse far."""
    rng = np.random.default_rng(seed)
    radius = 3.0 * (60.0 / 3.0) ** rng.random(n)
    angle = rng.uniform(0, 2 * np.pi, n)
    xy = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    z = slope_x * xy[:, 0] - height + rng.normal(0, 0.02, n)
    return np.column_stack([xy, z]).astype(np.float32)


@pytest.mark.parametrize("slope", [-0.15, 0.0, 0.08, 0.15])
@pytest.mark.parametrize("height", [0.3, 1.73, 2.2])
def test_a_slope_is_ground_and_a_box_on_it_is_not(slope: float, height: float) -> None:
    ground = plane(slope, height)
    rng = np.random.default_rng(1)
    box = rng.uniform([9, -1, 0.3], [13, 1, 1.8], (500, 3))
    box[:, 2] += slope * box[:, 0] - height
    found = estimate_ground(np.concatenate([ground, box.astype(np.float32)]))
    assert found.mask[: len(ground)].mean() > 0.995
    assert found.mask[len(ground) :].mean() == 0
    assert found.sensor_height == pytest.approx(height, abs=0.05)
    places = rng.uniform(-40, 40, (100, 2))
    np.testing.assert_allclose(
        found.height_at(places), slope * places[:, 0] - height, rtol=0, atol=0.1
    )


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_nothing_or_next_to_nothing_is_no_crash(count: int) -> None:
    found = estimate_ground(np.zeros((count, 3), np.float32))
    assert found.mask.shape == (count,)
    assert np.isfinite(found.height_at(np.array([[0.0, 0.0], [1e9, -1e9], [np.nan, 0.0]]))).all()


def test_non_finite_points_are_never_ground_and_change_nothing() -> None:
    points = plane(0.02, 1.7)
    spoiled = points.copy()
    spoiled[::7, 2] = np.nan
    spoiled[3::7, 0] = np.inf
    bad = ~np.isfinite(spoiled).all(axis=1)
    mask = ground_mask(spoiled)
    assert not mask[bad].any()
    np.testing.assert_array_equal(mask[~bad], ground_mask(points[~bad]))


def test_wrong_input_is_one_clear_line() -> None:
    with pytest.raises(InvalidPoints, match="shape"):
        ground_mask(np.zeros((4, 2), np.float32))
    with pytest.raises(InvalidConfig, match="sensor_height"):
        ground_mask(np.zeros((4, 3), np.float32), sensor_height=float("nan"))
    with pytest.raises(InvalidConfig, match="above"):
        GroundConfig(above=0.0)


@pytest.mark.parametrize("seed", range(3))
def test_places_between_cells_are_interpolated_as_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    surface = rng.normal(0, 1, CELLS).astype(np.float32)
    rings = rng.uniform(0, RINGS, 500).astype(np.float32)
    sectors = rng.uniform(0, SECTORS - 1e-3, 500).astype(np.float32)
    rings[:4], sectors[:4] = (0, RINGS - 0.001, 3, 3), (0, SECTORS - 0.01, 0.2, SECTORS - 0.2)
    heights = rng.normal(0, 2, 500).astype(np.float32)
    above = np.empty_like(heights)
    offsets(rings, sectors, heights, surface, above)
    grid = surface.reshape(RINGS, SECTORS).astype(np.float64)
    for ring, sector, height, found in zip(rings, sectors, heights, above, strict=True):
        u, v = np.clip(float(ring) - 0.5, 0, RINGS - 1.001), (float(sector) - 0.5) % SECTORS
        i, j = int(u), int(v)
        a, b, beside = u - i, v - j, (j + 1) % SECTORS
        inner = (1 - b) * grid[i, j] + b * grid[i, beside]
        outer = (1 - b) * grid[i + 1, j] + b * grid[i + 1, beside]
        assert found == pytest.approx(height - (1 - a) * inner - a * outer, abs=2e-4)


@pytest.mark.parametrize("noise", [1e-4, 1e-3, 1e-2])
def test_neighbours_are_fused_as_by_solving_for_all_at_once(noise: float) -> None:
    """Gaussian variables on a circle: (W + L / noise) x = W m, L the circle's Laplacian."""
    rng = np.random.default_rng(0)
    mean, weight = rng.normal(0, 1, SECTORS), rng.uniform(50, 2000, SECTORS)
    ahead, back, fused = np.empty((4, SECTORS)), np.empty((4, SECTORS)), np.empty((2, SECTORS))
    couple(mean, weight, noise, ahead, back, fused[0])
    step = np.eye(SECTORS) - np.roll(np.eye(SECTORS), 1, axis=1)
    system = np.diag(weight) + step.T @ step / noise
    np.testing.assert_allclose(fused[0], np.linalg.solve(system, weight * mean), atol=2e-3)
    both = np.stack((mean, 2 * mean)), np.stack((weight, weight[::-1]))
    couple_both(*both, np.array([noise, noise / 2]), ahead, back, fused)
    for part, apart in ((0, noise), (1, noise / 2)):
        alone = np.empty(SECTORS)
        couple(both[0][part], both[1][part].copy(), apart, ahead, back, alone)
        np.testing.assert_array_equal(fused[part], alone)


def test_no_sector_stays_less_sure_than_its_neighbours() -> None:
    rng = np.random.default_rng(1)
    variance, covariance = rng.uniform(0.01, 5, (2, SECTORS)), rng.normal(0, 1, SECTORS)
    noise = np.array([0.02, 0.3])
    index = np.arange(SECTORS)
    apart = np.abs(index[:, None] - index)
    apart = np.minimum(apart, SECTORS - apart)
    expected = (variance[:, None] + noise[:, None, None] * apart).min(axis=2)
    correlation = covariance / np.sqrt(variance.prod(axis=0))
    spread(variance, covariance, noise, np.empty((4, SECTORS)), np.empty((4, SECTORS)))
    np.testing.assert_allclose(variance, expected, rtol=1e-12)
    np.testing.assert_allclose(covariance / np.sqrt(variance.prod(axis=0)), correlation)


def test_heights_are_above_the_surface_and_nan_where_a_point_is_not_finite() -> None:
    points = plane(0.05, 1.7)
    points[5] = np.nan
    found = estimate_ground(points)
    good = np.isfinite(points).all(axis=1)
    expected = points[good, 2] - found.height_at(points[good, :2])
    np.testing.assert_allclose(found.height[good], expected, atol=1e-4)
    assert np.isnan(found.height[5])
    np.testing.assert_array_equal(
        found.mask, (found.height >= np.float32(-0.3)) & (found.height <= np.float32(0.2))
    )


def test_ground_depends_neither_on_the_order_of_points_nor_on_threads() -> None:
    points = plane(0.05, 1.7, n=5000)
    order = np.random.default_rng(0).permutation(len(points))
    found = estimate_ground(points)
    np.testing.assert_array_equal(estimate_ground(points[order]).height, found.height[order])
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(estimate_ground, [points] * 8):
            np.testing.assert_array_equal(again.height, found.height)


def test_ground_is_found_a_thousand_kilometres_away_too() -> None:
    points = plane(0.0, 1.7)
    far = points + np.float32([1e6, -1e6, 0])  # in steps of 1/16 m
    mask = ground_mask(far)
    assert mask.mean() > 0.99
