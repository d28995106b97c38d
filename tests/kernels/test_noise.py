"""Lattice noise: stays in its range, is smooth, and repeats."""

import numpy as np

from lidar_label.kernels.noise import lattice_noise


def naive(points, spacing, seed):
    """Blends the values at the eight nodes around each point, which are asked for one by one."""
    result = []
    for point in np.asarray(points) / spacing:
        low = np.floor(point)
        share = point - low
        share = share * share * (3 - 2 * share)
        total = 0.0
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod(np.where(corner, share, 1 - share))
            total += weight * lattice_noise((low + corner)[None] * spacing, spacing, seed)[0]
        result.append(total)
    return np.array(result)


def test_noise_blends_the_values_at_the_nodes():
    points = np.random.default_rng(0).uniform(-40, 40, (200, 3))
    for spacing in (0.5, 1.0, 4.0):
        np.testing.assert_allclose(
            lattice_noise(points, spacing, 3), naive(points, spacing, 3), atol=1e-6
        )


def test_nodes_are_spread_evenly_and_depend_on_the_seed():
    nodes = np.stack(np.meshgrid(*[np.arange(-15.0, 15)] * 3), -1).reshape(-1, 3)
    values = lattice_noise(nodes, 1.0)
    assert (values >= 0).all()
    assert (values < 1).all()
    counts = np.histogram(values, 10, (0, 1))[0]
    assert abs(counts / len(nodes) - 0.1).max() < 0.01
    assert abs(np.corrcoef(values, lattice_noise(nodes, 1.0, 1))[0, 1]) < 0.03
    assert abs(np.corrcoef(values, lattice_noise(nodes + np.eye(3)[0], 1.0))[0, 1]) < 0.03
    np.testing.assert_array_equal(values, lattice_noise(nodes, 1.0))
    assert lattice_noise(np.zeros((0, 3)), 1.0).shape == (0,)
