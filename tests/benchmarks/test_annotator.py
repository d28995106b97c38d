"""The simulated person: what is right costs nothing, what is wrong what a person would pay."""

import numpy as np

from lidar_label.benchmarks.annotator import annotate_by_frame, annotate_by_track
from lidar_label.cuboids import Cuboids

FRAMES = 40
POSES = np.repeat(np.eye(4)[None], FRAMES, axis=0)


def two_cars():
    parts = []
    for name, y in ((1, -5.0), (2, 5.0)):
        boxes = np.tile([0.0, y, 0.8, 4.4, 1.8, 1.6, 0], (FRAMES, 1))
        boxes[:, 0] = np.arange(FRAMES) * 0.8
        parts.append(
            Cuboids.of(
                boxes,
                frame=np.arange(FRAMES),
                time_ns=10**15 + np.arange(FRAMES) * 10**8,
                track_id=name,
                category="car",
                score=0.9,
            )
        )
    return Cuboids.concatenate(parts)


def test_the_truth_costs_nothing():
    truth = two_cars()
    assert annotate_by_track(truth, truth, POSES).edits == 0
    assert annotate_by_frame(truth, truth).edits == 0


def test_a_slip_along_the_whole_track_costs_two_edits_and_forty_frame_by_frame():
    truth = two_cars()
    boxes = truth.boxes.copy()
    boxes[truth.track_id == 1, 0] += 1.5
    labels = truth.replace(boxes=boxes)
    by_track = annotate_by_track(labels, truth, POSES)
    assert by_track.corrected <= 3
    assert by_track.edits == by_track.corrected
    assert annotate_by_frame(labels, truth).corrected == FRAMES


def test_ghosts_breaks_and_what_is_missing():
    truth = two_cars()
    broken = truth.replace(
        track_id=np.where((truth.track_id == 1) & (truth.frame >= 20), 7, truth.track_id)
    )
    assert annotate_by_track(broken, truth, POSES).said().startswith("0 corrected, 0 drawn, 1 joi")
    ghost = truth.select(truth.track_id == 2).replace(track_id=9)
    ghost = ghost.replace(boxes=ghost.boxes + np.array([0, 30.0, 0, 0, 0, 0, 0]))
    both = Cuboids.concatenate([truth, ghost])
    assert annotate_by_track(both, truth, POSES).deleted == 1
    assert annotate_by_frame(both, truth).deleted == FRAMES
    alone = truth.select(truth.track_id == 2)
    missing = annotate_by_track(alone, truth, POSES)
    assert (missing.drawn, missing.corrected) == (2, 0)  # its first and last box
    assert annotate_by_frame(alone, truth).drawn == FRAMES
