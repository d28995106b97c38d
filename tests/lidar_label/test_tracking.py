"""The online tracker on drives made up here: who is who, how fast, and what ends a track."""

import json

import numpy as np
import pytest

from lidar_label.calibration.transforms import from_yaw, invert
from lidar_label.cuboids import Cuboids
from lidar_label.errors import InvalidLabels
from lidar_label.track_stream import move_boxes
from lidar_label.tracking import track


def drive(paths, poses, *, noise=0.05, seed=0, category="car", score=0.9, lost=()):
    """Detections of boxes at `paths` (F, K, 7) in the world, seen from `poses` (F, 4, 4)."""
    rng = np.random.default_rng(seed)
    result = []
    for f, (boxes, pose) in enumerate(zip(paths, poses, strict=True)):
        rows = [k for k in range(len(boxes)) if (f, k) not in lost]
        seen = boxes[rows] + rng.normal(0, noise, (len(rows), 7)) * [1, 1, 1, 0.5, 0.5, 0.5, 0.3]
        ego = move_boxes(np.repeat(invert(pose)[None], len(rows), axis=0), seen)
        result.append(
            Cuboids.of(
                ego,
                frame=f,
                time_ns=1_000_000_000 + f * 100_000_000,
                category=category,
                score=score,
                source_id=np.array([str(k) for k in rows], dtype=object),
            )
        )
    return result


def straight(start, speed, yaw, frames, size=(4.5, 1.9, 1.6)):
    way = speed * 0.1 * np.arange(frames)
    x, y = start[0] + way * np.cos(yaw), start[1] + way * np.sin(yaw)
    columns = [x, y, np.full(frames, 0.8), *(np.full(frames, s) for s in size)]
    return np.column_stack([*columns, np.full(frames, yaw)])


def curve(frames, speed=8.0, rate=0.2):
    """The ego on a circle."""
    yaw = rate * 0.1 * np.arange(frames)
    way = np.cumsum(np.column_stack((np.cos(yaw), np.sin(yaw))) * speed * 0.1, axis=0)
    return from_yaw(np.column_stack((way, np.zeros(frames))), yaw)


def ids_of(result):
    return {
        source: set(result.track_id[result.source_id == source].tolist())
        for source in set(result.source_id.tolist())
    }


def test_keeps_ids_and_finds_speeds_while_the_ego_turns():
    frames = 40
    paths = np.stack(
        [
            straight((10, 5), 12, 0.0, frames),
            straight((60, -4), 9, np.pi, frames),
            straight((15, -8), 0, 0.7, frames),
        ],
        axis=1,
    )
    poses = curve(frames)
    result = track(drive(paths, poses), poses)
    assert ids_of(result) == {"0": {0}, "1": {1}, "2": {2}}
    last = result.frame == frames - 1
    speed = np.hypot(*result.velocity[last].T)
    assert speed == pytest.approx([12, 9, 0], abs=0.5)
    world = move_boxes(np.repeat(poses[-1:], 3, axis=0), result.boxes[last])
    assert world[:, :2] == pytest.approx(paths[-1, :, :2], abs=0.15)


def test_neighbours_that_pass_closely_are_not_swapped():
    frames = 60
    paths = np.stack(
        [straight((0, 0), 15, 0, frames), straight((60, 2.2), 15, np.pi, frames)], axis=1
    )
    result = track(drive(paths, np.repeat(np.eye(4)[None], frames, axis=0)), None)
    assert ids_of(result) == {"0": {0}, "1": {1}}


def test_a_short_gap_is_bridged_and_a_long_one_ends_the_track():
    frames = 60
    paths = straight((0, 0), 10, 0, frames)[:, None]
    still = np.repeat(np.eye(4)[None], frames, axis=0)
    short = track(drive(paths, still, lost={(f, 0) for f in range(20, 25)}))
    assert set(short.track_id.tolist()) == {0}
    long = track(drive(paths, still, lost={(f, 0) for f in range(20, 45)}))
    assert len(set(long.track_id.tolist())) == 2


def test_what_stands_behind_something_nearer_is_not_dead():
    frames = 60
    hidden = set(range(20, 42))
    parked = straight((30, 0), 0, 0, frames)
    bus = straight((15, 0), 0, np.pi / 2, frames, size=(12, 2.5, 3.2))
    bus[:, 1] = np.where([f in hidden for f in range(frames)], 0.0, 200.0)
    lost = {(f, 0) for f in hidden} | {(f, 1) for f in range(frames) if f not in hidden}
    paths = np.stack([parked, bus], axis=1)
    still = np.repeat(np.eye(4)[None], frames, axis=0)
    with_bus = track(drive(paths, still, lost=lost))
    assert len(ids_of(with_bus)["0"]) == 1
    without = track(drive(paths, still, lost=lost | {(f, 1) for f in range(frames)}))
    assert len(ids_of(without)["0"]) == 2


def test_single_false_boxes_are_not_reported():
    rng = np.random.default_rng(4)
    clutter = [
        Cuboids.of(
            np.column_stack(
                (rng.uniform(-120, 120, (5, 2)), rng.uniform(1, 4, (5, 4)), np.zeros(5))
            ),
            frame=f,
            category="car",
            score=0.6,
        )
        for f in range(30)
    ]
    assert len(set(track(clutter).track_id.tolist())) < 0.1 * 150


def test_pedestrians_and_cars_do_not_share_tracks():
    boxes = np.repeat([[5.0, 0, 0, 1, 1, 1.7, 0]], 2, axis=0)
    seen = [Cuboids.of(boxes, frame=f, category=["car", "pedestrian"]) for f in range(5)]
    result = track(seen)
    assert {tuple(pair) for pair in zip(result.track_id, result.category, strict=True)} == {
        (0, "car"),
        (1, "pedestrian"),
    }


def test_heading_does_not_flip_with_its_detections():
    frames = 40
    paths = straight((0, 0), 10, 0.3, frames)[:, None].copy()
    paths[::3, :, 6] += np.pi
    result = track(drive(paths, np.repeat(np.eye(4)[None], frames, axis=0), noise=0.02))
    assert np.abs(result.boxes[result.frame > 5, 6] - 0.3).max() < 0.1


def test_carries_score_attributes_and_frames_over():
    seen = [
        Cuboids.of(
            [[5.0 + f, 0, 0, 4, 2, 1.5, 0]],
            frame=10 + f,
            time_ns=10**18 + f * 50_000_000,
            category="car",
            score=0.8,
            attributes='{"box_2d": [1, 2, 3, 4]}',
        )
        for f in range(4)
    ]
    result = track(seen)
    assert result.frame.tolist() == [11, 12, 13]
    assert result.time_ns[-1] == 10**18 + 150_000_000
    assert json.loads(result.attributes[-1]) == {"box_2d": [1, 2, 3, 4], "detection_score": 0.8}
    assert 0.3 < result.score[0] < result.score[1] < result.score[2] < 0.8  # doubt fades


def test_frames_without_detections_and_no_frames_at_all():
    assert len(track([])) == 0
    assert len(track([Cuboids.empty()] * 3, np.repeat(np.eye(4)[None], 3, axis=0))) == 0
    one = Cuboids.of([[5.0, 0, 0, 4, 2, 1.5, 0]], frame=1, category="car", score=0.9)
    gap = track([Cuboids.empty(), one, Cuboids.empty(), one.replace(frame=3), Cuboids.empty()])
    assert gap.frame.tolist() == [3, 4]
    assert gap.reason.tolist() == ["", "predicted: not detected in this frame"]


@pytest.mark.parametrize(
    ("poses", "message"),
    [
        (np.eye(4)[None], "1 poses for 2 frames"),
        (np.zeros((2, 3, 3)), "shape"),
        (np.full((2, 4, 4), np.nan), "not finite"),
    ],
)
def test_refuses_poses_that_do_not_fit(poses, message):
    with pytest.raises(InvalidLabels, match=message):
        track([Cuboids.empty(), Cuboids.empty()], poses)


def test_refuses_frames_that_do_not_rise():
    one = Cuboids.of([[5.0, 0, 0, 4, 2, 1.5, 0]], frame=3)
    with pytest.raises(InvalidLabels, match="do not rise"):
        track([one, one])


def test_a_parked_car_first_seen_the_wrong_way_round_turns():
    frames = 20
    paths = straight((20, 0), 0, 0.3, frames)[:, None].copy()
    paths[:3, :, 6] += np.pi
    result = track(drive(paths, np.repeat(np.eye(4)[None], frames, axis=0), noise=0.02))
    assert np.cos(result.boxes[result.frame == 2, 6] - 0.3).max() < 0
    assert np.cos(result.boxes[result.frame > 10, 6] - 0.3).min() > 0.9
