"""A person sets one cuboid, the others of its track follow, and one undo takes all of it back."""

import numpy as np
import pytest

from lidar_label.calibration.transforms import from_yaw
from lidar_label.cuboids import Cuboids
from lidar_label.errors import InvalidEdit
from lidar_label.keyframes import solve_again

from .asking import BOX, ask, do, make_track

FRAMES = 20


@pytest.fixture
def proposed(store, recording):
    """A car that drives 1 m a frame, as the machine proposed it: 0.6 m too far left."""
    boxes = np.array([[10.0 + f, 2.6, 0.8, 4.5, 1.9, 1.6, 0.1] for f in range(FRAMES)])
    path = Cuboids.of(boxes, frame=np.arange(FRAMES), track_id=1, category="car", score=0.8)
    track = next(iter(store.load_proposals(recording, path).ids.values()))
    return recording, track


def rows_of(store, recording, track):
    return {
        row.frame: row for row in store.labels(recording).rows if row.track_id == track
    }  # fmt: skip


def right(frame):
    return {**BOX, "x": 10.0 + frame, "y": 2.0}


def test_the_others_follow_and_one_undo_takes_it_back(store, proposed):
    recording, track = proposed
    before = do(store, recording, "ann", "set_track", track_id=track, state="proposed").tracks[0]
    first = do(
        store, recording, "ann", "set_cuboid",
        track_id=track, frame=4, box=right(4), solve=True,
    ).tracks[0].rows  # fmt: skip
    assert (first[4].y, first[4].keyframe, first[4].source) == (2.0, True, "human")
    assert abs(first[5].y - 2.0) < abs(first[12].y - 2.0) < 0.6, "fades: the car moves"
    last = do(
        store, recording, "ann", "set_cuboids",
        track_id=track, cuboids=[{"frame": 16, "box": right(16)}], solve=True,
    ).tracks[0].rows  # fmt: skip
    assert [row.y for row in last[4:17]] == pytest.approx([2.0] * 13, abs=0.02)
    assert last[4][:11] == first[4][:11], "a person's cuboid stays exactly"
    assert last[9].source == "interpolated"
    assert (last[9].score, last[9].num_points, last[9].keyframe) == (None, -1, False)
    assert {row.size for row in last} == {(4.5, 1.9, 1.6)}
    store.undo(recording, "ann")
    once = store.undo(recording, "ann").tracks[0]
    assert [row[:-1] for row in once.rows] == [row[:-1] for row in before.rows]


def test_ten_small_steps_end_where_one_large_one_does(store, new_recording):
    ended = []
    for steps in (1, 10):
        recording = new_recording(store, f"in {steps}")
        boxes = np.array([[10.0 + f, 2.6, 0.8, 4.5, 1.9, 1.6, 0.1] for f in range(FRAMES)])
        path = Cuboids.of(boxes, frame=np.arange(FRAMES), track_id=1, category="car", score=0.8)
        track = next(iter(store.load_proposals(recording, path).ids.values()))
        do(store, recording, "ann", "set_cuboid", track_id=track, frame=12, box={}, solve=True)
        for k in range(1, steps + 1):
            box = {"x": 14.0, "y": 2.6 - 0.6 * k / steps, "yaw": 0.1 + 3.0 * k / steps}
            done = do(
                store, recording, "ann", "set_cuboid", track_id=track, frame=4, box=box, solve=True
            )
        ended.append(np.array([row[2:9] for row in done.tracks[0].rows]))
        again = do(
            store, recording, "ann", "set_cuboid", track_id=track, frame=4, box=box, solve=True
        )
        assert again.tracks == () or np.array(
            [row[2:9] for row in again.tracks[0].rows]
        ) == pytest.approx(ended[-1]), "nothing changed, so nothing moves"
    near = 2 * np.abs(np.sin((ended[0][:, 6] - ended[1][:, 6]) / 2))
    assert near.max() < 1e-4
    assert np.abs(ended[0][:, :3] - ended[1][:, :3]).max() < 1e-4


def test_it_is_what_the_tracker_says(store, new_recording):
    poses = from_yaw(
        np.column_stack((np.arange(40) * 0.7, np.arange(40) * 0.2, np.zeros(40))),
        np.arange(40) * 0.05,
    )
    recording = new_recording(store, world_from_ego=poses)
    made = make_track(store, recording, frames=range(12))
    cuboids = [{"frame": row.frame, "box": {}, "keyframe": False} for row in made.rows]
    do(store, recording, "ann", "set_cuboids", track_id=made.track_id, cuboids=cuboids)
    box = {**BOX, "x": 13.5, "y": 2.4, "yaw": 0.2}
    done = do(
        store, recording, "ann", "set_cuboid",
        track_id=made.track_id, frame=3, box=box, solve=True,
    ).tracks[0].rows  # fmt: skip
    told = np.array([row[2:9] for row in made.rows])
    told[3] = [13.5, 2.4, 0.8, 4.5, 1.9, 1.6, 0.2]
    times = store.recording(recording)
    path = Cuboids.of(told, frame=np.arange(12), time_ns=np.arange(12) * 10**8)
    wanted = solve_again(path, np.arange(12) == 3, poses)
    assert times.frames == len(poses)
    assert np.array([row[2:9] for row in done]) == pytest.approx(wanted.boxes, abs=2e-3)


def test_gaps_are_filled_and_one_keyframe_will_do(store, proposed):
    recording, track = proposed
    do(store, recording, "ann", "delete_cuboids", track_id=track, frames=[7, 8])
    with pytest.raises(InvalidEdit, match="set a cuboid by hand first"):
        do(store, recording, "ann", "interpolate", track_id=track, solve=True)
    for frame in (2, 14):
        do(store, recording, "ann", "set_cuboid", track_id=track, frame=frame, box=right(frame))
    done = do(store, recording, "ann", "interpolate", track_id=track, solve=True).tracks[0].rows
    assert [row.frame for row in done] == list(range(FRAMES))
    assert [row.y for row in done[2:15]] == pytest.approx([2.0] * 13, abs=0.02)
    assert done[7].source == "interpolated"


def test_sizes_of_a_track_that_is_not_rigid_are_its_frames_own(store, proposed):
    recording, track = proposed
    do(store, recording, "ann", "set_track", track_id=track, rigid=False)
    taller = {**right(4), "height": 2.6, "z": 1.3}
    done = do(
        store, recording, "ann", "set_cuboid", track_id=track, frame=4, box=taller, solve=True
    ).tracks[0].rows  # fmt: skip
    assert [row.height for row in done[3:6]] == [1.6, 2.6, 1.6]
    assert done[5].z - done[5].height / 2 == pytest.approx(0.0, abs=0.02), "it stands on the ground"


def test_nothing_follows_where_a_person_set_everything(store, recording):
    track = make_track(store, recording, frames=range(4))
    done = store.apply(
        recording, "ann",
        [ask("set_cuboid", track_id=track.track_id, frame=1, box={"x": 20.0}, solve=True)],
    )  # fmt: skip
    assert [row.x for row in done.tracks[0].rows] == [10.0, 20.0, 12.0, 13.0]
    with pytest.raises(InvalidEdit, match="true or false"):
        do(store, recording, "ann", "set_cuboid", track_id=track.track_id, frame=1, box={}, solve=1)
