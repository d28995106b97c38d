import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lidar_label.datasets.cuboids import Cuboids
from lidar_label.errors import InvalidConfig, InvalidPoints
from lidar_label.kernels.boxes import iou_bev
from lidar_label.proposals import ProposalConfig, propose, read_sweep

from .scanned_scene import scan, standing

CAR_BEHIND = standing(16, 3, 4.5, 1.8, 1.55, 0.1)
CAR_BESIDE = standing(2, -9, 4.4, 1.8, 1.5, 0.0)
PERSON = standing(9, 6, 0.6, 0.6, 1.75, 0.3)
WALL = standing(5, 20, 40, 0.3, 2.6)


@pytest.fixture(scope="module")
def scene():
    points = scan([CAR_BEHIND, CAR_BESIDE, PERSON, WALL])
    points[:, 2] -= 1.8  # the sensor's own frame
    return points


@pytest.fixture(scope="module")
def proposals(scene):
    return propose(scene)


@pytest.mark.parametrize(
    ("truth", "category", "least"),
    [(CAR_BEHIND, "car", 0.7), (CAR_BESIDE, "car", 0.7), (PERSON, "pedestrian", 0.4)],
)
def test_objects_are_found_with_class_and_place(proposals, truth, category, least):
    overlap = iou_bev(proposals.boxes, np.array([truth]))[:, 0]
    best = int(overlap.argmax())
    assert overlap[best] > least
    assert proposals.category[best] == category
    bottom = proposals.boxes[best, 2] - proposals.boxes[best, 5] / 2
    assert bottom == pytest.approx(-1.8, abs=0.15)


def test_a_car_seen_from_behind_gets_its_full_length_away_from_the_sensor():
    truth = standing(15, 0, 4.5, 1.8, 1.55)
    cuboids = propose(scan([truth]))
    best = int(iou_bev(cuboids.boxes, np.array([truth]))[:, 0].argmax())
    box = cuboids.boxes[best]
    near_face = truth[0] - truth[3] / 2
    assert 4.0 < box[3] < 5.2
    assert box[0] - box[3] / 2 == pytest.approx(near_face, abs=0.3)
    assert "completed" in cuboids.reason[best]


def test_a_wall_cut_into_pieces_is_not_many_cars():
    pieces = [standing(x, 12, 3.6, 0.3, 2.6) for x in np.arange(-18, 22, 4.0)]
    cuboids = propose(scan(pieces))
    assert (cuboids.score > 0.5).sum() <= 1


def test_two_people_side_by_side_are_two():
    people = [standing(8, 0.0, 0.5, 0.5, 1.75), standing(8, 1.2, 0.5, 0.5, 1.7)]
    cuboids = propose(scan(people), ProposalConfig(min_score=0.2))
    overlap = iou_bev(cuboids.boxes, np.array(people))
    assert (overlap.max(axis=0) > 0.3).all()
    assert len(set(overlap.argmax(axis=0))) == 2


def test_columns_say_what_a_person_wants_to_know(proposals):
    assert len(proposals) >= 3
    assert (np.diff(proposals.score) <= 0).all()
    assert ((proposals.score >= ProposalConfig().min_score) & (proposals.score <= 1)).all()
    assert (proposals.num_points >= ProposalConfig().min_points).all()
    assert (proposals.residual >= 0).all()
    for category, reason in zip(proposals.category, proposals.reason, strict=True):
        assert category in reason
        assert "points" in reason


def test_same_points_same_boxes(scene, proposals):
    assert propose(scene).equals(proposals)


def test_boxes_do_not_depend_on_the_order_of_points(scene, proposals):
    shuffled = propose(np.random.default_rng(1).permutation(scene))
    assert len(shuffled) == len(proposals)
    overlap = iou_bev(proposals.boxes, shuffled.boxes)
    assert (overlap.max(axis=1) > 0.9).mean() > 0.9


def test_further_columns_other_types_and_points_that_are_not_finite_change_nothing(
    scene, proposals
):
    wide = np.column_stack((scene, np.arange(len(scene)))).astype(np.float64)
    broken = np.array([[np.nan, 0, 0, 1], [np.inf, 1, 1, 1], [0, -np.inf, np.inf, 1]])
    assert propose(np.concatenate((broken, wide))).equals(proposals)


def test_a_frame_near_the_ground_gives_the_same_boxes(proposals):
    """In a vehicle frame the sensor sits above and ahead of the origin; nobody says where."""
    ahead = 1.3
    points = scan([CAR_BEHIND, CAR_BESIDE, PERSON, WALL]) + np.float32([ahead, 0, 0])
    truth = np.array([CAR_BEHIND, CAR_BESIDE])
    truth[:, 0] += ahead
    assert (iou_bev(propose(points).boxes, truth).max(axis=0) > 0.7).all()


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((0, 3), np.float32),
        np.ones((1, 3), np.float32),
        np.ones((5000, 3), np.float32),
        np.full((100, 4), np.nan),
        np.column_stack((np.linspace(0, 50, 500), np.zeros(500), np.zeros(500))),
    ],
    ids=["empty", "one", "all equal", "nan", "a line on the ground"],
)
def test_nothing_to_see_gives_nothing(points):
    cuboids = propose(points)
    assert isinstance(cuboids, Cuboids)
    assert len(cuboids) == 0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3000), st.sampled_from([1.0, 30.0, 1e4, 1e6]))
def test_any_points_give_sane_boxes(seed, n, spread):
    rng = np.random.default_rng(seed)
    cuboids = propose((rng.normal(size=(n, 3)) * [spread, spread, 1.5]).astype(np.float32))
    assert np.isfinite(cuboids.boxes).all()
    assert (cuboids.boxes[:, 3:6] > 0).all()


def test_wrong_shapes_are_refused():
    with pytest.raises(InvalidPoints):
        propose(np.zeros((4, 2)))


@pytest.mark.parametrize(
    "setting",
    [
        {"min_score": 1.5},
        {"min_points": 1},
        {"max_range": 0.0},
        {"sensor_origin": (0.0, 0.0, float("nan"))},
    ],
)
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(InvalidConfig, match=next(iter(setting))):
        ProposalConfig(**setting)


def test_a_higher_bar_leaves_the_best(scene, proposals):
    bar = float(np.median(proposals.score))
    few = propose(scene, ProposalConfig(min_score=bar))
    assert 0 < len(few) <= len(proposals)
    assert (few.score >= bar).all()


def test_real_sweeps_reach_the_floor(shared):
    """The figures this must not fall below; the benchmark says how they are counted."""
    from lidar_label.benchmarks.labelled_sweeps import labelled_sweeps
    from lidar_label.benchmarks.proposals import measure, our_proposals

    figures = measure(labelled_sweeps(shared), our_proposals)["all"]
    assert figures["targets"] == 122
    assert figures["recall@0.5"] > 0.45
    assert figures["precision@0.3"] > 0.35
    assert figures["AP@0.5"] > 0.35


def _parked_bicycle(x, y):
    """Points in the plane of two wheels and a frame, 0.2 to 1 m above ground."""
    rng = np.random.default_rng(1)
    return np.column_stack(
        (rng.uniform(-0.85, 0.85, 90) + x, rng.normal(0, 0.04, 90) + y, rng.uniform(0.2, 1.0, 90))
    )


def test_what_stands_beside_a_bicycle_speaks_against_a_person_and_not_against_it():
    rng = np.random.default_rng(2)
    ground = np.column_stack((rng.uniform(-20, 20, (60_000, 2)), np.zeros(60_000)))
    alone = np.concatenate((ground, _parked_bicycle(0, 8))).astype(np.float32)
    racked = np.concatenate((alone, _parked_bicycle(0.1, 8.65))).astype(np.float32)
    config = ProposalConfig(sensor_origin=(0.0, 0.0, 1.8))
    odds = {}
    for key, points in (("alone", alone), ("racked", racked)):
        readings = read_sweep(points, config)
        close = np.hypot(readings.boxes[:, 0], readings.boxes[:, 1] - 8) < 0.3
        column = readings.evidence.names.index("others around")
        for name in ("bicycle", "cyclist"):
            kind = readings.class_names.index(name)
            rows = np.flatnonzero(close & (readings.hypotheses.kind == kind))
            if len(rows):
                best = rows[readings.evidence.first[rows].argmax()]
                others = float(readings.evidence.values[best, column])
                odds[key, name] = float(readings.evidence.first[best]), others
    assert odds["racked", "bicycle"][1] > odds["alone", "bicycle"][1] + 0.1
    assert odds["racked", "bicycle"][0] > odds["alone", "bicycle"][0] - 0.5


def test_a_bicycle_is_read_along_its_axis_whatever_sticks_out():
    rng = np.random.default_rng(4)
    ground = np.column_stack((rng.uniform(-20, 20, (60_000, 2)), np.zeros(60_000)))
    bar = np.column_stack((np.full(12, 0.55), np.linspace(-0.3, 0.3, 12) + 8, np.full(12, 1.0)))
    points = np.concatenate((ground, _parked_bicycle(0, 8), bar)).astype(np.float32)
    readings = read_sweep(points, ProposalConfig(sensor_origin=(0.0, 0.0, 1.8)))
    bicycle = readings.hypotheses.kind == readings.class_names.index("bicycle")
    truth = np.array([[0, 8, 0.5, 1.75, 0.6, 1.0, 0]])
    iou = iou_bev(readings.boxes[bicycle], truth)[:, 0]
    assert iou.max() > 0.7
    yaw = readings.boxes[bicycle][int(iou.argmax()), 6]
    assert abs(np.sin(yaw)) < np.sin(np.deg2rad(8))
