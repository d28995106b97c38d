"""Tracks with all frames known: joined, smooth, one size, facing ahead; people's boxes kept."""

from dataclasses import replace

import numpy as np
import pytest

from lidar_label.calibration.transforms import from_yaw, invert
from lidar_label.cuboids import Cuboids
from lidar_label.errors import InvalidLabels
from lidar_label.keyframes import between, keyframes, solve_again
from lidar_label.refinement import RefinementConfig, refine, track_offline
from lidar_label.track_stream import move_boxes
from lidar_label.tracker_config import TrackerConfig
from lidar_label.tracking_metrics import evaluate_tracking, jitter


def path(frames, speed, *, start=(0.0, 0.0), yaw=0.0, rate=0.0):
    """(F, 7) a car of 4.4 × 1.8 × 1.6 m at 10 Hz."""
    heading = yaw + rate * 0.1 * np.arange(frames)
    steps = np.column_stack((np.cos(heading), np.sin(heading))) * speed * 0.1
    place = np.asarray(start) + np.vstack((np.zeros(2), np.cumsum(steps[:-1], axis=0)))
    size = np.tile([0.8, 4.4, 1.8, 1.6], (frames, 1))
    return np.column_stack((place, size, heading))


def ego(frames):
    """The ego on a bend."""
    way = path(frames, 6.0, start=(-20, 0), rate=0.1)
    return from_yaw(np.column_stack((way[:, :2], np.zeros(frames))), way[:, 6])


def truth_of(paths, poses):
    rows = []
    for name, boxes in enumerate(paths):
        rows.append(
            Cuboids.of(
                move_boxes(invert(poses), boxes),
                frame=np.arange(len(boxes)),
                time_ns=10**15 + np.arange(len(boxes)) * 10**8,
                track_id=name,
                category="car",
                source_id=str(name),
            )
        )
    return Cuboids.concatenate(rows)


def seen(truth, frames, *, seed=0, lost=0.15, clutter=1.0):
    """Detections: noise, drop-outs, a third of the headings turned round, and false boxes."""
    rng = np.random.default_rng(seed)
    kept = truth.select(rng.random(len(truth)) > lost)
    boxes = kept.boxes + rng.normal(0, 1, (len(kept), 7)) * [0.15, 0.15, 0.1, 0.3, 0.1, 0.1, 0.05]
    boxes[rng.random(len(kept)) < 0.3, 6] += np.pi
    kept = kept.replace(boxes=boxes, track_id=-1, score=rng.uniform(0.6, 0.99, len(kept)))
    parts = []
    for f in range(frames):
        n = rng.poisson(clutter)
        false = np.tile([0.0, 0, 0.8, 4, 1.8, 1.6, 0], (n, 1))
        false[:, :2] = rng.uniform(-80, 80, (n, 2))
        noise = Cuboids.of(
            false, frame=f, time_ns=10**15 + f * 10**8, category="car", score=0.3, source_id="x"
        )
        parts.append(Cuboids.concatenate([kept.select(kept.frame == f), noise]))
    return parts


FRAMES = 80
PATHS = (
    path(FRAMES, 10.0),
    path(FRAMES, 8.0, start=(60, 4), yaw=np.pi),
    path(FRAMES, 0.0, start=(10, -6), yaw=0.5),
    path(FRAMES, 7.0, start=(-10, 12), rate=0.15),
)


@pytest.fixture(scope="module")
def solved():
    poses = ego(FRAMES)
    truth = truth_of(PATHS, poses)
    return truth, poses, track_offline(seen(truth, FRAMES), poses)


def test_finds_every_object_once_and_nothing_else(solved):
    truth, _, labels = solved
    figures = evaluate_tracking(labels, truth, iou=0.5)["all"]
    assert figures["MOTA"] > 0.97
    assert figures["switches_with_gaps"] == 0
    assert len(set(labels.track_id.tolist())) == len(PATHS)


def test_sizes_are_rigid_and_headings_never_flip(solved):
    truth, poses, labels = solved
    figures = jitter(labels)
    assert figures["length"] == figures["width"] == figures["height"] == 0
    assert figures["flips"] == 0
    world = move_boxes(poses[labels.frame], labels.boxes)
    true = move_boxes(poses[truth.frame], truth.boxes)
    for name in range(len(PATHS)):
        mine = labels.source_id == str(name)
        at = truth.track_id == name
        apart = np.cos(world[mine, 6][:, None] - true[at, 6][None])
        facing = apart[np.arange(mine.sum()), labels.frame[mine] - truth.frame[at][0]]
        if name != 2:  # which end of a parked car leads cannot be seen from its motion
            assert facing.min() > 0.95


def test_places_are_better_than_detections_and_speeds_right(solved):
    truth, _, labels = solved
    at = {(f, s): k for k, (f, s) in enumerate(zip(truth.frame, truth.source_id, strict=True))}
    rows = [at[f, s] for f, s in zip(labels.frame, labels.source_id, strict=True)]
    off = np.hypot(*(labels.boxes[:, :2] - truth.boxes[rows, :2]).T)
    assert np.sqrt(np.mean(off**2)) < 0.6 * 0.15 * np.sqrt(2)
    speed = np.hypot(*labels.velocity.T)
    for name, true in enumerate((10, 8, 0, 7)):
        assert np.median(speed[labels.source_id == str(name)]) == pytest.approx(true, abs=0.3)


def test_a_standing_object_has_one_place_in_the_world(solved):
    _, poses, labels = solved
    rows = labels.source_id == "2"
    world = move_boxes(poses[labels.frame[rows]], labels.boxes[rows])
    assert np.abs(world[:, :2] - world[:, :2].mean(axis=0)).max() < 0.1
    assert (labels.velocity[rows] == 0).all()


def test_a_long_gap_is_joined_and_filled():
    poses = ego(FRAMES)
    truth = truth_of(PATHS[:1], poses)
    hidden = (truth.frame >= 30) & (truth.frame < 52)
    parts = seen(truth.select(~hidden), FRAMES, lost=0, clutter=0)
    assert set(track_offline(parts, poses).frame.tolist()) == set(truth.frame[~hidden].tolist())
    patient = TrackerConfig((replace(TrackerConfig().groups[0], fill_s=2.5),))
    labels = track_offline(parts, poses, patient)
    assert set(labels.track_id.tolist()) == {0}
    assert labels.frame.tolist() == list(range(FRAMES))
    assert set(labels.reason[hidden].tolist()) == {"filled in between detections of its track"}
    off = np.hypot(*(labels.boxes - truth.boxes)[:, :2].T)
    assert off.max() < 0.6


def test_a_track_begins_and_ends_with_a_sure_detection():
    poses = ego(FRAMES)
    truth = truth_of(PATHS[:1], poses)
    parts = seen(truth, FRAMES, lost=0, clutter=0)
    unsure = [part.replace(score=0.4 if f < 7 or f == 40 else 0.9) for f, part in enumerate(parts)]
    labels = track_offline(unsure, poses)
    assert labels.frame.tolist() == list(range(7, FRAMES))


def test_what_stands_mends_poses_that_drift():
    frames = 80
    true_poses = ego(frames)
    parked = [path(frames, 0.0, start=(x, y), yaw=0.3) for x in (-20, 0, 20, 40) for y in (-8, 9)]
    truth = truth_of(parked, true_poses)
    parts = seen(truth, frames, lost=0, clutter=0)
    poses = true_poses.copy()
    poses[:, 0, 3] += 0.01 * np.arange(frames)  # the odometry's scale is wrong: 0.1 m/s

    def error(pose_rounds):
        labels = track_offline(parts, poses, refinement=RefinementConfig(pose_rounds=pose_rounds))
        assert len(set(labels.track_id.tolist())) == len(parked)
        at = {(f, s): k for k, (f, s) in enumerate(zip(truth.frame, truth.source_id, strict=True))}
        rows = [at[f, s] for f, s in zip(labels.frame, labels.source_id, strict=True)]
        off = np.hypot(*(labels.boxes - truth.boxes[rows])[:, :2].T)
        return np.sqrt(np.mean(off**2))

    assert error(1) < 0.5 * error(0)
    assert error(1) < 0.06


def test_refine_takes_tracks_of_any_source_and_keeps_a_persons_boxes():
    poses = ego(FRAMES)
    truth = truth_of(PATHS, poses)
    rng = np.random.default_rng(3)
    noisy = truth.replace(boxes=truth.boxes + rng.normal(0, 0.1, truth.boxes.shape), score=0.9)
    human = np.zeros(len(noisy), dtype=bool)
    human[[5, 100, 200]] = True
    result = refine(noisy, poses, human=human)
    assert len(result) == len(noisy)
    for row in np.flatnonzero(human):
        same = (result.frame == noisy.frame[row]) & (result.source_id == noisy.source_id[row])
        assert (result.boxes[same] == noisy.boxes[row]).all()
    assert len(refine(Cuboids.empty(), None)) == 0


def test_solving_again_keeps_human_boxes_and_carries_on_what_they_say():
    frames = 200
    poses = ego(frames)
    truth = truth_of([path(frames, 9.0, rate=0.05)], poses)
    world = move_boxes(poses, truth.boxes)
    world[:, :2] += np.column_stack((0.3 + np.arange(frames) / 200, np.full(frames, -0.4)))
    world[:, 3] += 0.5
    world[:, 6] += np.pi  # the whole track is the wrong way round
    boxes = move_boxes(invert(poses), world)
    human = np.isin(np.arange(frames), [0, 60, 199])
    boxes[human] = truth.boxes[human]
    solved = solve_again(truth.replace(boxes=boxes), human, poses)
    assert (solved.boxes[human] == truth.boxes[human]).all()
    assert solved.boxes[:, 3:6] == pytest.approx(truth.boxes[:, 3:6])
    assert np.hypot(*(solved.boxes - truth.boxes)[:, :2].T).max() < 0.02
    assert np.cos(solved.boxes[:, 6] - truth.boxes[:, 6]).min() > 1 - 1e-4
    assert np.hypot(*solved.velocity.T)[10:-10] == pytest.approx(np.full(frames - 20, 9.0), abs=0.1)


def test_one_box_of_a_moving_track_moves_its_neighbours_and_not_the_far_end():
    truth = truth_of([path(100, 9.0)], ego(100))
    boxes = truth.boxes.copy()
    boxes[10, 1] += 1.0
    human = np.arange(100) == 10
    solved = solve_again(truth.replace(boxes=boxes), human, ego(100))
    off = np.hypot(*(solved.boxes - truth.boxes)[:, :2].T)
    assert off[[9, 10, 11]] == pytest.approx([1, 1, 1], abs=0.05)
    assert off[-1] < 0.06
    untouched = solve_again(truth, np.zeros(100, dtype=bool), ego(100))
    assert (untouched.boxes == truth.boxes).all()


def test_a_standing_object_follows_a_persons_box_everywhere():
    poses = ego(60)
    truth = truth_of([path(60, 0.0, start=(10, -6), yaw=0.5)], poses)
    world = move_boxes(poses, truth.boxes)
    world[:, :2] += [0.4, 0.2]
    boxes = move_boxes(invert(poses), world)
    boxes[30] = truth.boxes[30]
    solved = solve_again(truth.replace(boxes=boxes), np.arange(60) == 30, poses)
    assert solved.boxes == pytest.approx(truth.boxes, abs=1e-6)


def naive_keyframes(moment, boxes, metres, radians):
    """The fewest, by trying all subsets of growing size."""
    from itertools import combinations

    n = len(moment)
    for count in range(n - 1):
        for inner in combinations(range(1, n - 1), count):
            knots = [0, *inner, n - 1]
            restored = np.column_stack(
                [np.interp(moment, moment[knots], boxes[knots, k]) for k in range(7)]
            )
            off = restored - boxes
            if (
                np.linalg.norm(off[:, :3], axis=1).max() <= metres
                and np.abs(off[:, 3:6]).max() <= metres
                and np.abs(off[:, 6]).max() <= radians
            ):
                return len(knots)
    return n


@pytest.mark.parametrize("seed", range(12))
def test_keyframes_are_the_fewest(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 9))
    boxes = path(n, 5.0)
    boxes[:, 1] += np.cumsum(rng.normal(0, 0.04, n))
    boxes[:, 6] += np.cumsum(rng.normal(0, 0.01, n))
    track = Cuboids.of(boxes, frame=np.sort(rng.choice(20, n, replace=False)), category="car")
    rows = keyframes(track)
    expected = naive_keyframes(track.frame.astype(float), boxes, 0.05, np.deg2rad(1))
    assert len(rows) == expected


def test_keyframes_restore_a_drive_within_tolerance():
    poses = ego(FRAMES)
    track = truth_of([path(FRAMES, 8.0, rate=0.2)], poses)
    rows = keyframes(track, poses)
    restored = between(track.select(rows), track.frame, poses)
    assert len(rows) < FRAMES / 3
    assert np.linalg.norm((restored - track.boxes)[:, :3], axis=1).max() <= 0.05 + 1e-9
    turn = np.angle(np.exp(1j * (restored - track.boxes)[:, 6]))
    assert np.abs(turn).max() <= np.deg2rad(1) + 1e-9
    straight = truth_of([path(FRAMES, 8.0)], poses)
    assert keyframes(straight, poses).tolist() == [0, FRAMES - 1]


def test_refuses_what_is_not_one_track():
    twice = Cuboids.of(np.tile([1.0, 0, 0, 4, 2, 1, 0], (2, 1)), frame=[3, 3])
    with pytest.raises(InvalidLabels, match="two boxes in one frame"):
        keyframes(twice)
    with pytest.raises(InvalidLabels, match="do not rise"):
        solve_again(twice, np.zeros(2, dtype=bool))
    with pytest.raises(InvalidLabels, match="no pose"):
        refine(twice.replace(track_id=0), np.eye(4)[None])
    with pytest.raises(InvalidLabels, match="no keyframes"):
        between(Cuboids.empty(), np.arange(3))
