"""Parts of clouds: thinned to a budget, or near a place; each point as it was."""

import numpy as np
import pytest

from lidar_label.binary_columns import Column, decode, encode
from lidar_label.viewers.api.frame_clouds import quantised
from lidar_label.viewers.api.parts_of_clouds import points_near, thinned
from lidar_label.viewers.api.point_levels import order_by_level


def cloud(count: int, reach: float) -> tuple[bytes, np.ndarray]:
    """Encoded points in a square, and where they are; each has its number as its time."""
    rng = np.random.default_rng(count)
    xyz = rng.uniform(-reach, reach, (count, 3)).astype(np.float32)
    order, levels = order_by_level(xyz)
    column, origin = quantised(xyz)
    number = Column("number", np.arange(count, dtype=np.float32)[order])
    stored = Column("xyz", column.values[order], column.scale, column.bias)
    header = {"total": count, "level": 0, "levels": levels, "origin": origin}
    return encode(header, [stored, number]), xyz


@pytest.mark.parametrize("most", [1, 7, 900, 2999, 3000, 10_000])
def test_thinned_keeps_whole_levels_and_spreads_the_rest(most: int) -> None:
    content, xyz = cloud(3000, 4.0)
    header, columns = decode(thinned(content, most))
    assert header["count"] == len(columns["xyz"]) == min(most, 3000)
    assert header["total"] == 3000, "so that a client knows that there is more"
    whole, all_columns = decode(content)
    kept = columns["number"].astype(int)
    assert len(set(kept)) == len(kept)
    assert np.abs(columns["xyz"] - xyz[kept]).max() < 0.0011
    for level, count in enumerate(header["levels"]):
        wanted = whole["levels"][level]
        assert count == min(wanted, header["count"]) or wanted > most
        if wanted <= most:
            coarse = all_columns["number"][:wanted].astype(int)
            assert set(coarse) <= set(kept), "a level that fits is there as a whole"
    if most == 2999:
        gaps = np.diff(np.flatnonzero(np.isin(all_columns["number"], columns["number"])))
        assert gaps.max() <= 2


@pytest.mark.parametrize("reach", [4.0, 900.0])  # as int16 and as float32
def test_near_is_everything_within_the_radius(reach: float) -> None:
    content, xyz = cloud(5000, reach)
    x, y, radius = 0.3 * reach, -0.2 * reach, 0.4 * reach
    header, columns = decode(points_near(content, x, y, radius))
    far = np.hypot(xyz[:, 0] - x, xyz[:, 1] - y)
    kept = set(columns["number"].astype(int))
    sure = np.abs(far - radius) > 0.01
    assert kept & set(np.flatnonzero(sure)) == set(np.flatnonzero(sure & (far < radius)))
    assert header["levels"][0] == header["count"] == len(kept)
    assert decode(points_near(content, 1e6, 0, 1.0))[0]["count"] == 0
