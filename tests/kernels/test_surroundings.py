"""What a grid shows around boxes: the shares are those counted cell by cell."""

import naive_segments
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lidar_label.kernels.segment_grid import GROUND, LOW, TALL, UNSEEN
from lidar_label.kernels.surroundings import (
    IN_OWN,
    RING_OWN,
    ground_patches,
    surroundings,
    usual_patch_share,
)

SIDE = 60


def grid(seed):
    """A grid of 12 m with ground, things and gaps, and the cells of the things in some order."""
    rng = np.random.default_rng(seed)
    state = rng.choice([UNSEEN, GROUND], (SIDE, SIDE), p=(0.4, 0.6)).astype(np.uint8)
    standing = rng.choice(SIDE * SIDE, 300, replace=False).astype(np.int32)
    state.reshape(-1)[standing] = rng.choice([LOW, TALL], 300)
    state.reshape(-1)[rng.choice(SIDE * SIDE, 20)] |= 2  # too low to be a segment: no rank
    return state, standing


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.floats(-7, 7), st.floats(-7, 7)),
    st.floats(0.05, 6),
    st.floats(0.05, 3),
    st.floats(-4, 4),
)
def test_shares_are_those_counted_cell_by_cell(seed, place, length, width, yaw):
    state, ranked = grid(seed)
    centre = np.array([3.0, -2.0])
    box = np.array([[place[0] + 3.0123, place[1] - 2.0321, 1, length, width, 2, yaw]])
    patches = ground_patches(state)
    found = surroundings(box, np.array([40]), np.array([90]), state, ranked, centre, patches)[0]
    cells = [divmod(int(cell), SIDE) for cell in ranked]
    expected = naive_segments.surroundings(
        box[0], set(cells[40:90]), state, set(cells), centre, patches
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("yaw", [0.0, np.pi / 2, -np.pi / 2, np.pi, 2 * np.pi])
def test_boxes_along_the_axes_have_no_row_at_infinity(yaw):
    state = np.full((SIDE, SIDE), GROUND, np.uint8)
    box = np.array([[0.05, 0.05, 1, 2.0, 1.0, 2, yaw]])
    none = np.zeros(0, np.int32)
    nothing = np.zeros(1, np.int64)
    found = surroundings(box, nothing, nothing, state, none, np.zeros(2), ground_patches(state))[0]
    np.testing.assert_array_equal(found, [1, 0, 0, 0, 1, 0, 0, 0, 0, 1])


def test_a_box_off_the_grid_has_seen_nothing():
    state, ranked = grid(0)
    box = np.array([[1e6, -1e6, 0, 4, 2, 2, 0.3]])
    own = np.array([0]), np.array([10])
    found = surroundings(box, *own, state, ranked, np.zeros(2), ground_patches(state))
    assert not found.any()


def test_own_cells_are_told_from_others():
    state, ranked = grid(1)
    box = np.array([[0.3, 0.2, 1, 4.0, 2.0, 2, 0.5]])
    whole = np.array([0]), np.array([len(ranked)])
    nobody = np.array([0]), np.array([0])
    centre, patches = np.zeros(2), ground_patches(state)
    all_own = surroundings(box, *whole, state, ranked, centre, patches)[0]
    none_own = surroundings(box, *nobody, state, ranked, centre, patches)[0]
    assert all_own[IN_OWN] > 0 == none_own[IN_OWN]
    assert all_own[RING_OWN] > 0 == none_own[RING_OWN]
    assert all_own[IN_OWN + 1] == 0 == all_own[RING_OWN + 1]
    assert none_own[IN_OWN + 1] == all_own[IN_OWN]
    assert none_own[RING_OWN + 1] == all_own[RING_OWN]


@given(st.integers(0, 2**32 - 1))
def test_patches_have_ground_where_one_of_their_cells_has(seed):
    state, _ = grid(seed)
    state[np.random.default_rng(seed).random(state.shape) < 0.9] = UNSEEN
    expected = (state.reshape(12, 5, 12, 5) == GROUND).any(axis=(1, 3))
    np.testing.assert_array_equal(ground_patches(state), expected)


def test_the_usual_share_is_that_of_the_open_sectors():
    patches = np.zeros((40, 40), np.bool_)
    patches[:, 20:] = True  # half of the view is hidden
    shares = usual_patch_share(patches, 4.0)
    np.testing.assert_allclose(shares[:5], 1.0)
