"""Points packed by squares: every box finds those in and about it, as a plain search does."""

import numpy as np
import pytest

from lidar_label.kernels import box_alignment as at
from lidar_label.kernels.packed_points import NOTHING_PACKED, PackedPoints, look, pack, percentiles

TIME_NS = 1_700_000_000_000_000_000
SENSOR = np.array([1.0, 0.5])


def sweep(rng, count=60_000):
    """Points all about, some beyond the square that is kept; heights; times within 0.2 s."""
    xyz = rng.uniform(-30, 30, (count, 3)).astype(np.float32)
    xyz[:, 2] = rng.uniform(-3, 6, count)
    xyz[:50, :2] *= 5
    height = (xyz[:, 2] + 1.7).astype(np.float32)
    return xyz, height, TIME_NS + rng.integers(-100_000_000, 100_000_000, count)


def naive_look(xyz, height, times, box, margin, waist, velocity):
    """Points in and about a box, all of the sweep looked at, in steps of 5 mm and 0.2 ms."""
    places = np.rint(xyz.astype(float) / 0.005) * 0.005
    late = np.rint((times - TIME_NS) / 1e9 / 0.0002) * 0.0002
    cos, sin = np.cos(box[6]), np.sin(box[6])
    turn = np.array([[cos, sin], [-sin, cos]])
    off = np.abs(np.column_stack(((places[:, :2] - box[:2]) @ turn.T, places[:, 2] - box[2])))
    half = box[3:6] / 2
    inside = (off <= half + np.array([margin, margin, 0.5])).all(axis=1)
    inside &= (height > 0.2) & (height < 4.5) & (np.abs(xyz).max(axis=1) < 120)
    seen = (places[inside, :2] - late[inside, None] * velocity - box[:2]) @ turn.T
    sight = turn @ (SENSOR - box[:2])
    faces = np.where(np.abs(sight) >= half[:2], np.sign(sight), 0)
    above = height[inside]
    low = np.rint(above.astype(float) / 0.005) * 0.005 <= waist
    return (
        np.column_stack((seen, above, low[:, None] * faces)),
        places[inside, 2] - above,
    )


def farthest_match(some, others):
    """How far the rows of each are off the nearest row of the other, at most."""
    off = np.abs(some[:, None] - others[None]).max(axis=2)
    return max(off.min(axis=0).max(initial=0), off.min(axis=1).max(initial=0))


@pytest.mark.parametrize("seed", range(4))
def test_finds_what_a_plain_search_finds(seed):
    rng = np.random.default_rng(seed)
    xyz, height, times = sweep(rng)
    boxes = np.column_stack(
        (
            rng.uniform(-32, 32, (40, 2)), rng.uniform(-1, 1, 40), rng.uniform(0.5, 12, 40),
            rng.uniform(0.5, 4, 40), rng.uniform(1, 3, 40), rng.uniform(-3.14, 3.14, 40),
        )
    )  # fmt: skip
    margin, velocity = rng.uniform(0, 0.5, 40), rng.normal(0, 8, (40, 2))
    waist = np.where(rng.random(40) < 0.5, rng.uniform(0.3, 2, 40), np.inf)
    packed = pack(xyz, height, times, TIME_NS)
    start, seen, ground = look(*packed, boxes, margin, waist, velocity, SENSOR)
    assert start[0] == 0
    assert start[-1] == len(seen) == len(ground) > 1024  # more than the first room
    for m, box in enumerate(boxes):
        rows = slice(start[m], start[m + 1])
        wanted, below = naive_look(xyz, height, times, box, margin[m], waist[m], velocity[m])
        assert len(wanted) == start[m + 1] - start[m]
        found = np.column_stack((seen[rows], ground[rows]))
        if len(found):
            assert farthest_match(found, np.column_stack((wanted, below))) < 0.006


@pytest.mark.parametrize("place", [(500.0, 0), (-500, 0), (0, 500), (0, -500), (119.5, -119.5)])
def test_a_box_beyond_the_squares_finds_nothing_there(place):
    rng = np.random.default_rng(0)
    box = np.array([[*place, 0, 4, 2, 1.5, 0.3]])
    start, seen, _ = look(
        *pack(*sweep(rng), TIME_NS), box, np.ones(1), np.ones(1), np.zeros((1, 2)), SENSOR
    )
    assert start.tolist() == [0, 0]
    assert len(seen) == 0


def test_the_rim_of_the_squares_is_found():
    xyz = np.array([[119.99, -119.99, 0], [-119.99, 119.99, 0], [120.01, 0, 0]], dtype=np.float32)
    found = pack(xyz, np.ones(3, np.float32), np.full(3, TIME_NS), TIME_NS)
    assert len(found.rows) == 2
    boxes = np.array([[119.0, -119, 0, 4, 4, 2, 0], [-119, 119, 0, 4, 4, 2, 0]])
    start, _, _ = look(*found, boxes, np.zeros(2), np.ones(2), np.zeros((2, 2)), SENSOR)
    assert start.tolist() == [0, 1, 2]


def test_no_points_and_no_boxes():
    none = np.zeros((0, 7))
    start, seen, _ = look(*NOTHING_PACKED, none, np.zeros(0), np.zeros(0), np.zeros((0, 2)), SENSOR)
    assert start.tolist() == [0]
    assert seen.shape == (0, at.LOOK)
    empty = pack(
        np.zeros((0, 3), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64), TIME_NS
    )
    assert isinstance(empty, PackedPoints)
    assert empty.begins.shape == NOTHING_PACKED.begins.shape
    assert len(empty.rows) == 0


def test_times_beyond_a_second_count_as_a_second():
    xyz = np.array([[10, 0, 0]], dtype=np.float32)
    found = pack(xyz, np.ones(1, np.float32), np.array([TIME_NS + 5 * 10**9]), TIME_NS)
    box = np.array([[10.0, 0, 0, 4, 2, 1.5, 0]])
    _, seen, _ = look(*found, box, np.zeros(1), np.ones(1), np.array([[1.0, 0]]), SENSOR)
    assert seen[0, at.U] == pytest.approx(-1.0, abs=1e-4)


def test_percentiles_of_each_box_are_numpys():
    values = np.random.default_rng(0).normal(0, 1, 30).astype(np.float32)
    found = percentiles(np.array([0, 11, 11, 12, 30]), values, 10.0)
    wanted = [np.percentile(part, 10) for part in (values[:11], values[11:12], values[12:])]
    assert found[[0, 2, 3]] == pytest.approx(wanted, abs=1e-6)
    assert np.isnan(found[1])
