import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lidar_label.errors import InvalidBoxes, InvalidConfig, InvalidPoints, UsageError
from lidar_label.kernels.boxes import count_points_in_boxes, iou_bev
from lidar_label.one_click import fit_at

from .scanned_scene import scan, standing

CAR = standing(16, 3, 4.5, 1.8, 1.55, 0.4)
OTHER_CAR = standing(12, -6, 4.4, 1.8, 1.5, 0.0)
PERSON = standing(9, 6, 0.6, 0.6, 1.75, 0.3)


@pytest.fixture(scope="module", params=["vehicle frame", "sensor frame"])
def sweep(request):
    """The scene, and how far its frame's origin is above the ground."""
    down = 1.8 if request.param == "sensor frame" else 0.0
    points = scan([CAR, OTHER_CAR, PERSON, standing(5, 20, 40, 0.3, 2.6)])
    points[:, 2] -= down
    return points, down


@pytest.mark.parametrize(
    ("truth", "category", "least"),
    [(CAR, "car", 0.7), (OTHER_CAR, "car", 0.7), (PERSON, "pedestrian", 0.35)],
)
@pytest.mark.parametrize("angle", [0.0, 2.0, 4.0])
def test_a_click_beside_the_middle_gives_the_box_and_its_class(
    sweep, truth, category, least, angle
):
    points, down = sweep
    near = 0.3 if category == "pedestrian" else 0.5
    fit = fit_at(
        points, click=(truth[0] + near * np.cos(angle), truth[1] + near * np.sin(angle), 0.5)
    )
    assert iou_bev(fit.box[None], np.array([truth]))[0, 0] > least
    assert fit.category == category
    assert fit.box[2] - fit.box[5] / 2 == pytest.approx(-down, abs=0.15)
    assert 0 < fit.score <= 1
    assert fit.num_points == count_points_in_boxes(points, fit.box[None])[0] > 10
    assert "points" in fit.reason


def test_a_rough_box_is_mended_and_keeps_its_heading(sweep):
    points, _ = sweep
    for turn in (0.0, np.pi):
        rough = np.add(CAR, (0.3, -0.3, 0.2, -0.6, 0.3, 0.2, 0.15))
        rough[6] += turn
        fit = fit_at(points, box=rough, category="taxi")
        assert fit.category == "car"
        better = iou_bev(fit.box[None], np.array([CAR]))[0, 0]
        assert better > max(iou_bev(rough[None], np.array([CAR]))[0, 0], 0.75)
        assert np.cos(fit.box[6] - rough[6]) > 0.9


def test_where_nothing_stands_the_guess_is_kept_and_says_so(sweep):
    points, _ = sweep
    fit = fit_at(points, click=(-12.0, 4.0, 0.0), category="van")
    assert fit.score == 0
    assert fit.category == "van"
    assert fit.box[:2] == pytest.approx((-12.0, 4.0))
    assert "nothing stands here" in fit.reason
    rough = np.array(standing(-12, 4, 4, 2, 1.5, 3.0))
    np.testing.assert_array_equal(fit_at(points, box=rough).box, rough)


def test_bad_input_is_named(sweep):
    points, _ = sweep
    with pytest.raises(UsageError, match="either click"):
        fit_at(points)
    with pytest.raises(UsageError, match="either click"):
        fit_at(points, click=(1, 2, 3), box=CAR)
    with pytest.raises(UsageError, match="finite"):
        fit_at(points, click=(np.nan, 2, 3))
    with pytest.raises(InvalidBoxes, match="7 finite"):
        fit_at(points, box=[1, 2, 3, 4, 5, 6, np.inf])
    with pytest.raises(InvalidBoxes, match="sizes > 0"):
        fit_at(points, box=[1, 2, 3, 4, 0, 6, 0])
    with pytest.raises(InvalidConfig, match="no class dragon"):
        fit_at(points, click=(1, 2, 3), category="dragon")
    with pytest.raises(InvalidPoints):
        fit_at(points[:, :2], click=(1, 2, 3))


@settings(max_examples=20)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(0, 60), st.just(4)),
        elements=st.one_of(st.floats(-30, 30, width=32), st.sampled_from([np.nan, np.inf, 1e6])),
    )
)
def test_any_points_give_a_finite_box(points):
    fit = fit_at(points, click=(3, 2, 0))
    assert np.isfinite(fit.box).all()
    assert (fit.box[3:6] > 0).all()
    assert 0 <= fit.score <= 1
