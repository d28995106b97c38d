"""Pairs of labels and truths: the greedy rule against its obvious twin; frames aligned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import affinity, geometry

from lidar_label.cuboids import Cuboids
from lidar_label.label_matching import align_frames, match_greedily, measure_overlaps

levels = st.sampled_from([0.2, 0.5, 0.5, 0.8, 1.0])  # few values, so that ties are common


def naive_greedy(pairs: dict[tuple[int, int], float], score: list[float]) -> list[int]:
    """By falling score, then falling overlap: each label takes the free truth it overlaps most."""
    result = [-1] * len(score)
    taken: set[int] = set()
    waiting = set(range(len(score)))
    while True:
        best = None
        for label in waiting:
            free = [(v, -t) for (own, t), v in pairs.items() if own == label and t not in taken]
            if free:
                overlap, minus_truth = max(free)
                offer = (score[label], overlap, -label, -minus_truth)
                best = max(best, offer) if best else offer
        if best is None:
            return result
        label, truth = -best[2], best[3]
        result[label] = truth
        taken.add(truth)
        waiting.remove(label)


@given(
    st.dictionaries(st.tuples(st.integers(0, 6), st.integers(0, 6)), levels, max_size=30),
    st.lists(levels, min_size=7, max_size=7),
)
def test_rounds_give_the_greedy_pairs(
    pairs: dict[tuple[int, int], float], score: list[float]
) -> None:
    label = np.array([a for a, _ in pairs], dtype=np.int64)
    truth = np.array([b for _, b in pairs], dtype=np.int64)
    got = match_greedily(label, truth, np.array(list(pairs.values())), np.array(score), 7)
    assert got.tolist() == naive_greedy(pairs, score)


def test_a_surer_label_takes_the_truth_from_a_better_fitting_one() -> None:
    label, truth = np.array([0, 1, 1]), np.array([0, 0, 1])
    got = match_greedily(label, truth, np.array([0.9, 0.6, 0.5]), np.array([0.2, 0.8]), 2)
    assert got.tolist() == [-1, 0]


def naive_overlap(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    def rectangle(box: np.ndarray) -> geometry.Polygon:
        flat = geometry.box(-box[3] / 2, -box[4] / 2, box[3] / 2, box[4] / 2)
        turned = affinity.rotate(flat, box[6], origin=(0, 0), use_radians=True)
        return affinity.translate(turned, box[0], box[1])

    p, q = rectangle(a), rectangle(b)
    shared = p.intersection(q).area
    low, high = max(a[2] - a[5] / 2, b[2] - b[5] / 2), min(a[2] + a[5] / 2, b[2] + b[5] / 2)
    volume = shared * max(high - low, 0)
    return (
        shared / p.union(q).area,
        volume / (p.area * a[5] + q.area * b[5] - volume),
        shared / p.area,
    )


def test_overlaps_agree_with_polygons_and_stay_in_their_frame() -> None:
    rng = np.random.default_rng(3)
    boxes = np.column_stack(
        (rng.uniform(-4, 4, (40, 3)), rng.uniform(1, 5, (40, 3)), rng.uniform(-3, 3, 40))
    )
    labels, truth = boxes[:20], boxes[20:]
    label_keys, truth_keys = rng.integers(0, 2, 20), rng.integers(0, 2, 20)
    pairs = measure_overlaps(labels, truth, label_keys, truth_keys)
    got = {
        (i, j): (a, b, c)
        for i, j, a, b, c in zip(
            pairs.label, pairs.truth, pairs.bev, pairs.solid, pairs.covered, strict=True
        )
    }
    assert len(got) > 20
    for i in range(20):
        for j in range(20):
            expected = naive_overlap(labels[i], truth[j])
            if label_keys[i] == truth_keys[j] and expected[0] > 1e-9:
                np.testing.assert_allclose(got[i, j], expected, atol=1e-6)
            else:
                assert got.get((i, j), (0, 0, 0))[0] < 1e-9


def test_boxes_that_are_not_finite_overlap_nothing() -> None:
    boxes = np.array([[0, 0, 0, 4, 2, 2, 0.0], [np.nan, 0, 0, 4, 2, 2, 0]])
    keys = np.zeros(2, dtype=np.int64)
    assert measure_overlaps(boxes, boxes, keys, keys).label.tolist() == [0]


def at(frames: list[int], times: list[int]) -> Cuboids:
    return Cuboids.of(np.ones((len(frames), 7)), frame=frames, time_ns=times)


MS = 1_000_000


@pytest.mark.parametrize(
    ("labels", "truth", "aligned_by", "together"),
    [
        (at([0, 1], [0, 0]), at([1, 2], [5, 6]), "frame", {(1, 0)}),
        (at([0, 1], [9 * MS, 99 * MS]), at([0, 1], [8 * MS, 98 * MS]), "frame", {(0, 0), (1, 1)}),
        # The same index at another time: a source that starts counting elsewhere.
        (at([0, 1], [200 * MS, 300 * MS]), at([0, 1], [100 * MS, 201 * MS]), "time", {(0, 1)}),
        # Labels at 100 Hz, truth at 10 Hz: only the nearest moment is the same one.
        (
            at([5, 6, 7], [92 * MS, 101 * MS, 109 * MS]),
            at([0, 1], [100 * MS, 200 * MS]),
            "time",
            {(1, 0)},
        ),
    ],
)  # fmt: skip
def test_frames_are_brought_together(
    labels: Cuboids, truth: Cuboids, aligned_by: str, together: set[tuple[int, int]]
) -> None:
    keys = align_frames(labels, truth)
    assert keys.aligned_by == aligned_by
    equal = keys.labels[:, None] == keys.truth[None, :]
    assert {(int(i), int(j)) for i, j in zip(*np.nonzero(equal), strict=True)} == together


def test_no_rows_align_too() -> None:
    for by in ("auto", "frame", "time"):
        keys = align_frames(Cuboids.empty(), at([1], [5]), by=by)
        assert (len(keys.labels), len(keys.truth)) == (0, 1)
