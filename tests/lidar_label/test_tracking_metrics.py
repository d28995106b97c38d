"""Tracking figures: small cases by hand, and the independent evaluator of ../shared at random."""

import importlib.util
import types

import numpy as np
import pytest

from lidar_label.cuboids import Cuboids
from lidar_label.tracking_metrics import (
    Scene,
    clear_mot,
    evaluate_tracking,
    hota,
    jitter,
    score_scenes,
)


def walk(frames, ids, offset=0.0, score=0.9, category="car"):
    """One 4 × 2 m box a frame and id, standing at 10 m times its id."""
    rows = [(f, i) for f in frames for i in ids]
    boxes = np.array([[10.0 * i + offset, 5, 0, 4, 2, 1.5, 0] for _, i in rows]).reshape(-1, 7)
    return Cuboids.of(
        boxes,
        frame=[f for f, _ in rows],
        track_id=[i for _, i in rows],
        category=category,
        score=score,
    )


def test_the_truth_itself_is_perfect():
    truth = walk(range(10), [1, 2])
    figures = evaluate_tracking(truth, truth)["all"]
    for name in ("MOTA", "HOTA", "DetA", "AssA", "LocA", "MOTP"):
        assert figures[name] == pytest.approx(1)
    assert (figures["switches"], figures["fragments"], figures["missed"]) == (0, 0, 0)


def test_one_change_of_id_by_hand():
    truth = walk(range(10), [1])
    labels = truth.replace(track_id=np.where(np.arange(10) < 5, 7, 8))
    figures = evaluate_tracking(labels, truth)["classes"]["car"]
    assert figures["switches"] == figures["switches_with_gaps"] == 1
    assert figures["MOTA"] == pytest.approx(0.9)
    # Each half is 5 of 5 label rows and 5 of 10 true ones: AssA = 5 / 10, HOTA = √(1 · ½).
    assert figures["AssA"] == pytest.approx(0.5)
    assert figures["HOTA"] == pytest.approx(np.sqrt(0.5))


def test_a_change_across_missed_frames_counts_only_with_gaps():
    truth = walk(range(10), [1])
    labels = truth.replace(track_id=np.where(np.arange(10) < 5, 7, 8)).select(
        np.array([0, 1, 2, 3, 7, 8, 9])
    )
    figures = evaluate_tracking(labels, truth)["all"]
    assert (figures["switches"], figures["switches_with_gaps"]) == (0, 1)
    assert figures["missed"] == 3
    assert figures["MOTA"] == pytest.approx(0.7)


def test_dont_care_areas_forgive_and_other_classes_do_not():
    truth = Cuboids.concatenate(
        [walk(range(5), [1]), walk(range(5), [3], category="DontCare").replace(track_id=-1)]
    )
    labels = walk(range(5), [1, 3])
    assert evaluate_tracking(labels, truth)["classes"]["car"]["MOTA"] == pytest.approx(1)
    elsewhere = walk(range(5), [1, 4])
    assert evaluate_tracking(elsewhere, truth, iou=0.5)["classes"]["car"]["MOTA"] == pytest.approx(
        0
    )


def test_jitter_sees_sizes_and_flips():
    steady = walk(range(9), [1])
    assert jitter(steady) == {"flips": 0, "length": 0, "width": 0, "height": 0, "yaw": 0}
    boxes = steady.boxes.copy()
    boxes[::2, 3] += 0.2
    boxes[4, 6] = np.pi
    shaken = jitter(steady.replace(boxes=boxes))
    assert shaken["length"] == pytest.approx(0.2)
    assert shaken["flips"] == 2


def test_no_labels_and_no_truth():
    truth = walk(range(3), [1])
    nothing = evaluate_tracking(Cuboids.empty(), truth)["all"]
    assert (nothing["MOTA"], nothing["HOTA"], nothing["missed"]) == (0, 0, 3)
    only = evaluate_tracking(truth, Cuboids.empty())["all"]
    assert (only["HOTA"], only["false_positives"]) == (0, 3)


def frames_at_random(seed):
    """Frames as the independent evaluator holds them, and the mean score of each track."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(25):
        frame = types.SimpleNamespace()
        frame.gid = rng.permutation(6)[: rng.integers(0, 6)]
        frame.tid = rng.permutation(8)[: rng.integers(0, 8)]
        frame.gaside = rng.random(len(frame.gid)) < 0.15
        frame.taside = rng.random(len(frame.tid)) < 0.15
        same = frame.gid[:, None] == frame.tid[None] % 6
        iou = rng.uniform(0, 0.5, same.shape) + same * rng.uniform(0, 0.5, same.shape)
        frame.iou = np.where(rng.random(same.shape) < 0.5, iou, same * iou)
        frames.append(frame)
    return frames, dict(enumerate((8 - np.arange(8)) / 8))  # sums are exact


def scene_of(frames, score):
    parts = {name: [] for name in Scene.__dataclass_fields__}
    rows = labels = 0
    for number, frame in enumerate(frames):
        i, j = np.nonzero(frame.iou)
        parts["truth_frame"].append(np.full(len(frame.gid), number))
        parts["truth_id"].append(frame.gid)
        parts["ignored"].append(frame.gaside)
        parts["label_frame"].append(np.full(len(frame.tid), number))
        parts["label_id"].append(frame.tid)
        parts["score"].append(np.array([score[t] for t in frame.tid], dtype=float))
        parts["forgiven"].append(frame.taside)
        parts["truth"].append(rows + i)
        parts["label"].append(labels + j)
        parts["iou"].append(frame.iou[i, j])
        rows, labels = rows + len(frame.gid), labels + len(frame.tid)
    return Scene(**{name: np.concatenate(values) for name, values in parts.items()})


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_the_independent_evaluator(shared, seed):
    spec = importlib.util.spec_from_file_location(
        "mot_eval", shared.parent / "tools" / "mot_eval.py"
    )
    peer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peer)
    data = [frames_at_random(2 * seed), frames_at_random(2 * seed + 1)]
    theirs = peer.sweep(data, 0.25)
    ours = score_scenes([scene_of(*one) for one in data], 0.25)
    assert ours["MOTA"] == pytest.approx(theirs["best"]["mota"])
    assert ours["MOTP"] == pytest.approx(theirs["best"]["motp"])
    for mine, name in (("sAMOTA", "samota"), ("AMOTA", "amota"), ("AMOTP", "amotp")):
        assert ours[mine] == pytest.approx(theirs[name])
    counts = theirs["best"]
    assert (ours["switches"], ours["switches_with_gaps"], ours["fragments"]) == (
        counts["ids"],
        counts["ids_gap"],
        counts["frag"],
    )
    for name, value in peer.hota(data, theirs["thr"]).items():
        assert ours[name] == pytest.approx(value), name


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_trackeval(seed):
    from trackeval.metrics import CLEAR, HOTA

    frames, score = frames_at_random(seed)
    for frame in frames:  # TrackEval knows no rows that are set aside
        frame.gaside[:] = False
        frame.taside[:] = False
    gt, gt_at = np.unique(np.concatenate([f.gid for f in frames]), return_inverse=True)
    labels, label_at = np.unique(np.concatenate([f.tid for f in frames]), return_inverse=True)
    data = {
        "num_timesteps": len(frames),
        "num_gt_ids": len(gt),
        "num_tracker_ids": len(labels),
        "num_gt_dets": len(gt_at),
        "num_tracker_dets": len(label_at),
        "gt_ids": np.split(gt_at, np.cumsum([len(f.gid) for f in frames])[:-1]),
        "tracker_ids": np.split(label_at, np.cumsum([len(f.tid) for f in frames])[:-1]),
        "similarity_scores": [f.iou for f in frames],
    }
    theirs = HOTA().eval_sequence(data)
    scene = scene_of(frames, score)
    for name, value in hota([scene]).items():
        assert value == pytest.approx(theirs[name].mean()), name
    counts, _ = clear_mot(scene, 0.5)
    # Its pairs prefer last frame's, so that only what no preference changes is equal.
    clear = CLEAR({"THRESHOLD": 0.5, "PRINT_CONFIG": False}).eval_sequence(data)
    assert counts.truth == clear["CLR_TP"] + clear["CLR_FN"]
    assert counts.found == clear["CLR_TP"]
    assert counts.wrong == clear["CLR_FP"]
