"""The ground of made-up places whose truth is known, and of real sweeps beside a map."""

import numpy as np
import pytest

from lidar_label.errors import InvalidConfig, InvalidPoints
from lidar_label.kernels.ground import GroundConfig, estimate_ground, ground_mask


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
