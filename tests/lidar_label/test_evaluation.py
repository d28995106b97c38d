"""Recall, precision, AP and errors: what counts, what is set aside, and cases worked by hand."""

import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lidar_label.cuboids import Cuboids
from lidar_label.errors import InvalidConfig
from lidar_label.evaluation import EvaluationConfig, compare, evaluate
from lidar_label.evaluation_scores import average_precision

CAR = [10.0, 0.0, 0.0, 4.0, 2.0, 1.5, 0.0]


def boxes(*shifts: tuple[float, float]) -> np.ndarray:
    """Cars at 10 m, each moved along x and y."""
    return np.array([[10 + dx, dy, 0, 4, 2, 1.5, 0] for dx, dy in shifts])


def test_perfect_labels_are_perfect() -> None:
    rng = np.random.default_rng(0)
    centres = np.arange(30) * 6.0 - 80
    rows = np.column_stack(
        (centres, rng.permutation(centres), rng.normal(size=30), rng.uniform(1, 5, (30, 4)))
    )
    truth = Cuboids.of(rows, frame=np.arange(30) % 4, category="car")
    result = evaluate(truth, truth)
    for row in result.scores:
        if row.truth:
            assert (row.recall, row.precision, row.f1, row.ap) == (1, 1, 1, 1)
    assert result.best_iou["bev"] == pytest.approx(1)
    assert result.errors[0].pairs == 30
    assert result.errors[0].centre.mean == 0


def test_a_case_worked_by_hand() -> None:
    # Shifted by 1 m of 4: IoU 3/5. Truth 3 is missed, label 3 is nowhere.
    truth = Cuboids.of(boxes((0, 0), (0, 5), (0, 10), (0, 15)), category="car")
    labels = Cuboids.of(
        boxes((0, 0), (1, 5), (1, 10), (0, 40)),
        category=np.array(["car", "car", "van", "car"], dtype=object),
        score=[0.9, 0.8, 0.7, 0.95],
    )
    result = evaluate(labels, truth)
    half = result.find(0.5)
    assert (half.truth, half.labels, half.right) == (4, 4, 3)
    assert half.recall == half.precision == half.f1 == 0.75
    # By falling score: wrong, right, right, right; the envelope is 3/4 up to recall 3/4.
    assert half.ap == pytest.approx(0.75 * 0.75)
    assert result.find(0.7).right == 1
    assert result.find(0.5, classes="aware").right == 2
    van = result.find(0.5, classes="aware", by="class", group="van")
    assert (van.truth, van.labels, van.right) == (0, 1, 0)
    assert np.isnan(van.recall)
    assert np.isnan(van.ap)
    assert result.confusion == (("car", "car", 2), ("car", "van", 1))
    assert result.best_iou["bev"] == pytest.approx((1 + 0.6 + 0.6 + 0) / 4)


def test_synonyms_are_one_class() -> None:
    truth = Cuboids.of([CAR], category="REGULAR_VEHICLE")
    labels = Cuboids.of([CAR], category="car")
    assert evaluate(labels, truth).find(0.7, classes="aware").right == 1


def test_height_counts_in_3d_only() -> None:
    raised = [*CAR[:2], 0.75, *CAR[3:]]  # half its height: 3D IoU 1/3
    result = evaluate(Cuboids.of([raised]), Cuboids.of([CAR]))
    assert [result.find(t).right for t in (0.3, 0.5, 0.7)] == [1, 1, 1]
    assert [result.find(t, measure="3d").right for t in (0.3, 0.5, 0.7)] == [1, 0, 0]
    assert result.best_iou["3d"] == pytest.approx(1 / 3)


def test_two_labels_on_one_truth_are_one_right_and_one_wrong() -> None:
    labels = Cuboids.of(boxes((0.2, 0), (0, 0)), score=[0.9, 0.5])
    comparison = compare(labels, Cuboids.of([CAR]))
    assert comparison.match("bev", 0.5).tolist() == [0, -1]


@pytest.mark.parametrize(
    ("truth", "config"),
    [
        ({"category": "DontCare"}, EvaluationConfig()),
        ({"category": "misc"}, EvaluationConfig(ignore_classes=("other",))),
        ({"num_points": 4}, EvaluationConfig(min_points=5)),
        ({}, EvaluationConfig(max_range=9.0)),
    ],
    ids=["dont care", "ignored by synonym", "few points", "far"],
)
def test_ignored_truth_is_neither_missed_nor_wrong(
    truth: dict[str, object], config: EvaluationConfig
) -> None:
    row = Cuboids.of([CAR], **truth)
    found = evaluate(Cuboids.of([CAR], category="car"), row, config)
    assert (found.find(0.5).truth, found.find(0.5).labels) == (0, 0)
    assert sum(found.counts.truth_ignored.values()) == 1
    assert evaluate(Cuboids.empty(), row, config).find(0.5).truth == 0


def test_a_truth_that_counts_goes_before_an_ignored_one() -> None:
    # The label lies better on the ignored truth, and is right all the same.
    truth = Cuboids.of(boxes((0, 0), (0.5, 0)), num_points=[3, 50])
    comparison = compare(Cuboids.of([CAR]), truth, EvaluationConfig(min_points=10))
    assert comparison.match("bev", 0.5).tolist() == [1]


def test_inside_a_dont_care_region_half_is_enough() -> None:
    region = Cuboids.of([[10, 0, 0, 40, 40, 2, 0]], category="DontCare")
    labels = Cuboids.of(boxes((0, 0), (21, 0), (24, 0)))
    match = compare(labels, region).match("bev", 0.3)
    assert match.tolist() == [-2, -1, -1]  # inside, a quarter inside, outside
    few = region.replace(category="car", num_points=1)
    match = compare(labels, few, EvaluationConfig(min_points=5)).match("bev", 0.3)
    assert match.tolist() == [-1, -1, -1]  # a small truth forgives by IoU only


def test_labels_beyond_the_range_are_set_aside_unless_right() -> None:
    truth = Cuboids.of(boxes((9.5, 0)))
    labels = Cuboids.of(boxes((10.5, 0), (30, 0)))
    comparison = compare(labels, truth, EvaluationConfig(max_range=20))
    assert comparison.match("bev", 0.5).tolist() == [0, -2]


def test_unknown_points_count_and_are_reported() -> None:
    result = evaluate(Cuboids.empty(), Cuboids.of([CAR]), EvaluationConfig(min_points=10))
    assert result.find(0.5).truth == 1
    assert result.counts.truth_points_unknown == 1


def test_bands_add_up_and_pairs_count_where_the_truth_is() -> None:
    truth = Cuboids.of(boxes((9.5, 0), (30, 0), (100, 0)), num_points=[300, 20, 5])
    labels = Cuboids.of(boxes((10.5, 0), (30, 0), (-10, 7)), num_points=[8, 20, 9])
    result = evaluate(labels, truth)
    near = result.find(0.5, by="distance", group="0–20 m")
    assert (near.truth, near.labels, near.right) == (1, 2, 1)
    assert result.find(0.5, by="distance", group="≥ 60 m").recall == 0
    assert result.find(0.5, by="points", group="≥ 200").right == 1
    for by in ("distance", "points", "class"):
        rows = [r for r in result.scores if (r.by, r.measure, r.iou, r.classes) == (by, "bev", 0.5, "agnostic")]  # fmt: skip # noqa: E501
        assert sum(r.truth for r in rows) == 3
        assert sum(r.labels for r in rows) == 3
        assert sum(r.right for r in rows) == 2


def test_heading_error_modulo_a_turn_and_half_a_turn() -> None:
    truth = Cuboids.of(boxes((0, 0), (0, 5)))
    turned = truth.boxes.copy()
    turned[:, 6] = [0.1, np.pi - 0.1]
    turned[:, 0] += 0.3
    turned[:, 3] += 0.5
    errors = evaluate(Cuboids.of(turned), truth).errors[0]
    assert errors.pairs == 2
    assert errors.heading.mean == pytest.approx((0.1 + np.pi - 0.1) / 2)
    assert errors.heading_axis.mean == pytest.approx(0.1)
    assert errors.heading_axis.bias == pytest.approx(0)
    assert errors.reversed_share == 0.5
    assert errors.centre.median == pytest.approx(0.3)
    assert errors.length.bias == pytest.approx(0.5)


def test_frames_without_truth() -> None:
    truth = Cuboids.of([CAR], frame=3)
    labels = Cuboids.of([CAR, CAR], frame=[3, 4])
    assert evaluate(labels, truth).find(0.5).precision == 0.5
    result = evaluate(labels, truth, EvaluationConfig(frames="truth"))
    assert result.find(0.5).precision == 1
    assert result.counts.labels_left_out == 1
    assert result.counts.frames == 1
    assert result.counts.frames_without_truth == 1


def test_nothing_at_all() -> None:
    result = evaluate(Cuboids.empty(), Cuboids.empty())
    assert result.errors == ()
    text = json.dumps(result.as_json(), allow_nan=False)
    assert json.loads(text)["counts"]["frames"] == 0


def naive_ap(right: list[bool], score: list[float], truth: int) -> float:
    """The mean over truths of the best precision at that recall or beyond."""
    points = []
    for threshold in sorted(set(score)):
        chosen = [r for r, s in zip(right, score, strict=True) if s >= threshold]
        points.append((sum(chosen), sum(chosen) / len(chosen)))
    return (
        sum(max((p for n, p in points if n >= k), default=0) for k in range(1, truth + 1)) / truth
    )


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.4, 0.4, 0.9])), max_size=12),
    st.integers(0, 3),
)
def test_average_precision_is_its_definition(rows: list[tuple[bool, float]], missed: int) -> None:
    rows.sort(key=lambda row: -row[1])
    right, score = [r for r, _ in rows], [s for _, s in rows]
    truth = sum(right) + missed
    got = average_precision(np.array(right, dtype=bool), np.array(score), truth)
    if truth == 0:
        assert np.isnan(got)
    else:
        assert got == pytest.approx(naive_ap(right, score, truth))


def test_the_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    truth = Cuboids.of(np.column_stack((rng.uniform(-15, 15, (80, 2)), np.zeros(80), rng.uniform(2, 5, (80, 4)))))  # fmt: skip # noqa: E501
    labels = Cuboids.of(truth.boxes + rng.normal(0, 0.3, (80, 7)), score=rng.random(80))
    mixed = labels.select(rng.permutation(80))
    one, other = evaluate(labels, truth).as_json(), evaluate(mixed, truth).as_json()
    assert one["scores"] == other["scores"]
    assert one["errors"][0]["centre"]["mean"] == pytest.approx(other["errors"][0]["centre"]["mean"])


@pytest.mark.parametrize(
    "settings",
    [{"iou": (0.0,)}, {"iou": ()}, {"error_iou": 1.5}, {"distance_edges": (20.0, 0.0)}],
)
def test_settings_out_of_range(settings: dict[str, object]) -> None:
    with pytest.raises(InvalidConfig):
        EvaluationConfig(**settings)  # type: ignore[arg-type]


def test_many_frames_take_seconds() -> None:
    frames, each = 1000, 50
    rng = np.random.default_rng(1)
    n = frames * each
    rows = np.column_stack((rng.uniform(-60, 60, (n, 2)), np.zeros(n), rng.uniform(1, 5, (n, 4))))
    truth = Cuboids.of(rows, frame=np.repeat(np.arange(frames), each), num_points=20)
    labels = truth.replace(
        boxes=rows + rng.normal(0, 0.1, rows.shape) * [1, 1, 1, 0, 0, 0, 1], score=rng.random(n)
    )
    evaluate(labels.select(slice(0, 10)), truth.select(slice(0, 10)))  # compile first
    start = time.perf_counter()
    result = evaluate(labels, truth)
    assert result.find(0.3).recall > 0.95
    assert time.perf_counter() - start < 10
