"""Every operation does what it says, from what it was based on, and is undone to the bit."""

import math

import numpy as np
import pytest

from lidar_label.calibration.transforms import from_yaw
from lidar_label.errors import InvalidEdit, NotFound
from lidar_label.store import Conflict

from .asking import BOX, ask, do, make_track


def xs(state) -> dict[int, float]:
    return {row.frame: row.x for row in state.rows}


def test_a_track_begins_with_a_cuboid_and_has_its_size(store, recording):
    done = do(store, recording, "ann", "create_track", frame=3, category="car", box=BOX)
    state = done.tracks[0]
    assert (done.seq, state.revision, state.deleted) == (1, 1, False)
    assert state.track.size == (4.5, 1.9, 1.6)
    assert (state.track.source, state.track.state) == ("human", "accepted")
    row = state.rows[0]
    assert (row.frame, row.x, row.yaw, row.keyframe, row.source) == (3, 10.0, 0.1, True, "human")


def test_move_rotate_and_resize_one_cuboid(store, recording):
    track = make_track(store, recording, frames=range(3), rigid=False)
    box = {"x": 1.0, "yaw": 4.0, "length": 5.0}
    after = do(store, recording, "ann", "set_cuboid", track_id=track.track_id, frame=1, box=box)
    row = after.tracks[0].rows[1]
    assert (row.x, row.y, row.length, row.width) == (1.0, 2.0, 5.0, 1.9)
    assert row.yaw == pytest.approx(4.0 - 2 * math.pi)
    assert xs(after.tracks[0]) == {0: 10.0, 1: 1.0, 2: 12.0}
    assert after.tracks[0].rows[0].length == 4.5


def test_a_rigid_track_has_one_size_and_stands_on_the_ground(store, recording):
    track = make_track(store, recording, frames=range(3))
    after = do(
        store, recording, "ann", "set_cuboid",
        track_id=track.track_id, frame=1, box={"height": 2.0, "z": 1.0},
    ).tracks[0]  # fmt: skip
    assert {row.height for row in after.rows} == {2.0} == {after.track.height}
    assert [row.z for row in after.rows] == pytest.approx([1.0, 1.0, 1.0])


def test_set_size_keeps_the_anchor(store, recording):
    track = make_track(store, recording, box=None, frames=[0])
    size = {"length": 6.5, "width": 1.9, "height": 1.6}
    rear = do(
        store, recording, "ann", "set_size", track_id=track.track_id, anchor=[-1, 0, -1], **size
    )
    row = rear.tracks[0].rows[0]
    assert row.x == pytest.approx(10.0 + math.cos(0.1))
    assert row.y == pytest.approx(2.0 + math.sin(0.1))
    assert row.z == pytest.approx(0.8)


def test_class_attributes_and_state(store, recording):
    track = make_track(store, recording, attributes={"parked": True})
    done = do(
        store, recording, "bob", "set_track", track_id=track.track_id,
        category="van", attributes={"colour": "red", "parked": None}, state="rejected",
    ).tracks[0].track  # fmt: skip
    assert (done.category, done.attribute_values, done.state) == (
        "van",
        {"colour": "red"},
        "rejected",
    )
    accepted = do(store, recording, "bob", "accept", track_id=track.track_id).tracks[0].track
    assert accepted.state == "accepted"
    rejected = do(store, recording, "bob", "reject", track_id=track.track_id, reason="a bush")
    assert rejected.tracks[0].track.state == "rejected"
    assert store.history(recording)[0].note == "a bush"


def test_delete_shows_first_what_goes(store, recording):
    track = make_track(store, recording, frames=range(5))
    do(store, recording, "bob", "set_cuboid", track_id=track.track_id, frame=7, box=BOX)
    do(store, recording, "eve", "comment_create", text="look", track_id=track.track_id)
    preview = store.preview_delete(recording, track.track_id)
    assert (preview.cuboids, preview.first_frame, preview.last_frame) == (6, 0, 7)
    assert (preview.by_hand, preview.authors, preview.comments) == (6, ("ann", "bob"), 1)
    gone = do(store, recording, "ann", "delete_track", track_id=track.track_id)
    assert gone.tracks[0].deleted
    assert gone.tracks[0].rows == ()
    assert len(store.labels(recording).cuboids) == 0
    with pytest.raises(NotFound, match="track"):
        store.preview_delete(recording, track.track_id)


def test_the_last_cuboid_takes_the_track_with_it(store, recording):
    track = make_track(store, recording, frames=range(3))
    some = do(store, recording, "ann", "delete_cuboids", track_id=track.track_id, frames=[0, 2])
    assert xs(some.tracks[0]) == {1: 11.0}
    rest = do(store, recording, "ann", "delete_cuboids", track_id=track.track_id, frames=[1])
    assert rest.tracks[0].deleted


def test_merge_prefers_what_people_set(store, recording):
    a = make_track(store, recording, frames=[0, 1, 2])
    b = make_track(store, recording, frames=[2, 3])
    do(store, recording, "ann", "set_cuboid", track_id=b.track_id, frame=2, box={"x": 99.0})
    merged = do(
        store, recording, "ann", "merge_tracks",
        track_id=a.track_id, other_id=b.track_id, prefer="other",
    )  # fmt: skip
    assert [one.deleted for one in merged.tracks] == [False, True]
    assert xs(merged.tracks[0]) == {0: 10.0, 1: 11.0, 2: 99.0, 3: 13.0}


def test_split_and_swap(store, recording):
    a = make_track(store, recording, frames=range(6))
    parts = do(store, recording, "ann", "split_track", track_id=a.track_id, frame=4).tracks
    assert [len(part.rows) for part in parts] == [4, 2]
    assert parts[1].track.category == "car"
    b = make_track(store, recording, frames=range(6))
    swapped = do(
        store, recording, "ann", "swap_tracks",
        track_id=a.track_id, other_id=b.track_id, frame=2, to_frame=3,
    ).tracks  # fmt: skip
    assert [len(one.rows) for one in swapped] == [4, 6]
    everything = do(
        store, recording, "ann", "swap_tracks", track_id=a.track_id, other_id=b.track_id, frame=0
    ).tracks
    assert [len(one.rows) for one in everything] == [6, 4]


def test_interpolation_is_straight_in_the_world(store, new_recording):
    """The ego turns and drives; an object that stands in the world is restored exactly."""
    poses = from_yaw(
        np.column_stack((np.arange(40) * 0.7, np.arange(40) * 0.2, np.zeros(40))),
        np.arange(40) * 0.05,
    )
    recording = new_recording(store, world_from_ego=poses)
    place = np.array([30.0, 4.0, 1.0, 1.0])

    def box(frame: int) -> dict[str, float]:
        x, y, z, _ = np.linalg.inv(poses[frame]) @ place
        return {**BOX, "x": float(x), "y": float(y), "z": float(z), "yaw": 0.3 - frame * 0.05}

    track = make_track(store, recording, cuboids=[{"frame": f, "box": box(f)} for f in (2, 12)])
    rows = do(store, recording, "ann", "interpolate", track_id=track.track_id).tracks[0].rows
    assert [row.frame for row in rows] == list(range(2, 13))
    assert [row.keyframe for row in rows] == [True] + [False] * 9 + [True]
    for row in rows:
        wanted = box(row.frame)
        assert (row.x, row.y, row.yaw) == pytest.approx((wanted["x"], wanted["y"], wanted["yaw"]))
    spread = do(
        store, recording, "ann", "propagate", track_id=track.track_id, frame=12, to_frames=[2, 20]
    ).tracks[0]
    assert xs(spread)[2] == rows[0].x, "a keyframe stays"
    assert xs(spread)[20] == pytest.approx(box(20)["x"])


def test_propagation_goes_on_with_the_velocity(store, recording):
    from lidar_label.cuboids import Cuboids

    moving = Cuboids.of(
        np.array([[10.0, 0, 1, 4, 2, 1.5, 0]]), frame=0, category="car", velocity=[[5.0, -1.0]]
    )
    track_id = next(iter(store.load_proposals(recording, moving.replace(track_id=3)).ids.values()))
    done = do(
        store, recording, "ann", "propagate",
        track_id=track_id, frame=0, to_frames=[10], moving=True,
    ).tracks[0]  # fmt: skip
    assert (done.rows[1].x, done.rows[1].y) == pytest.approx((15.0, -1.0))
    assert done.rows[1].source == "interpolated"


def test_windows(store, recording):
    made = do(
        store, recording, "ann", "window_create",
        start_ns="100", end_ns=900, category="walk", sensor="phone",
    )  # fmt: skip
    one = made.windows[0].window
    assert (one.start_ns, one.end_ns, one.category, one.tier) == (100, 900, "walk", "activity")
    two = do(store, recording, "ann", "window_split", window_id=one.window_id, at_ns=500).windows
    assert [(w.window.start_ns, w.window.end_ns) for w in two] == [(100, 500), (500, 900)]
    later = two[1].window_id
    do(store, recording, "ann", "window_move", window_id=later, end_ns=1000)
    tagged = do(store, recording, "ann", "window_tag", window_id=later, category="run")
    assert tagged.windows[0].window.category == "run"
    merged = do(store, recording, "ann", "window_merge", window_id=one.window_id, other_id=later)
    assert [w.deleted for w in merged.windows] == [False, True]
    assert merged.windows[0].window.end_ns == 1000
    do(store, recording, "ann", "window_reject", window_id=one.window_id)
    assert store.labels(recording).windows[0].state == "rejected"
    do(store, recording, "ann", "window_delete", window_id=one.window_id)
    assert store.labels(recording).windows == ()


def test_comments_and_issues_are_pinned(store, recording):
    made = do(
        store, recording, "ann", "comment_create",
        frame=4, text="whose shadow?", kind="issue", x=1.0, y=2.0, z=0.0, time_ns="123",
    ).comments[0].comment  # fmt: skip
    assert (made.frame, made.x, made.time_ns, made.author, made.kind) == (
        4,
        1.0,
        123,
        "ann",
        "issue",
    )
    do(store, recording, "bob", "comment_create", text="a tree's", reply_to=made.comment_id)
    do(store, recording, "bob", "comment_resolve", comment_id=made.comment_id)
    assert [one.resolved for one in store.labels(recording, 4).comments] == [True]
    assert len(store.labels(recording).comments) == 2
    do(store, recording, "ann", "comment_change", comment_id=made.comment_id, text="solved")
    do(store, recording, "ann", "comment_delete", comment_id=made.comment_id)
    assert [one.text for one in store.labels(recording).comments] == ["a tree's"]


def test_an_edit_of_what_has_changed_is_refused_with_the_newer_state(store, recording):
    track = make_track(store, recording, frames=range(3))
    newer = do(
        store, recording, "bob", "set_cuboid",
        track_id=track.track_id, base_revision=track.revision, frame=0, box={"x": 7.0},
    )  # fmt: skip
    late = ask(
        "set_cuboid", track_id=track.track_id, base_revision=track.revision, frame=2, box={"x": 8.0}
    )
    with pytest.raises(Conflict, match=f"track {track.track_id}") as refused:
        store.apply(recording, "ann", [late])
    assert refused.value.states == newer.tracks
    assert store.labels(recording).cuboids.boxes[:, 0].tolist() == [7.0, 11.0, 12.0]


def test_a_batch_is_made_whole_or_not_at_all_and_names_every_conflict(store, recording):
    tracks = [make_track(store, recording) for _ in range(3)]
    for one in tracks[:2]:
        do(store, recording, "bob", "set_cuboid", track_id=one.track_id, frame=0, box={"x": 1.0})
    batch = [
        ask("set_cuboid", track_id=t.track_id, base_revision=t.revision, frame=0, box={"x": 5.0})
        for t in tracks
    ]
    with pytest.raises(Conflict) as refused:
        store.apply(recording, "ann", batch)
    assert [one.track_id for one in refused.value.states] == [t.track_id for t in tracks[:2]]
    assert store.labels(recording).cuboids.boxes[:, 0].tolist() == [1.0, 1.0, 10.0]


def test_edits_of_one_batch_build_on_each_other(store, recording):
    track = make_track(store, recording)
    base = {"track_id": track.track_id, "base_revision": track.revision}
    done = store.apply(
        recording,
        "ann",
        [ask("set_cuboid", **base, frame=f, box={**BOX, "x": float(f)}) for f in (1, 2, 3)],
    )
    assert done.seq == track.revision + 3
    assert xs(done.tracks[0]) == {0: 10.0, 1: 1.0, 2: 2.0, 3: 3.0}


def test_something_deleted_is_a_conflict_for_who_has_not_seen_it(store, recording):
    track = make_track(store, recording)
    do(store, recording, "bob", "delete_track", track_id=track.track_id)
    move = {"track_id": track.track_id, "frame": 0, "box": {"x": 1.0}}
    with pytest.raises(Conflict) as refused:
        do(store, recording, "ann", "set_cuboid", base_revision=track.revision, **move)
    assert refused.value.states[0].deleted
    assert refused.value.states[0].revision == 2
    with pytest.raises(InvalidEdit, match="not there"):
        do(store, recording, "ann", "set_cuboid", **move)


def test_a_retry_is_not_made_twice(store, recording):
    first = ask("create_track", frame=0, category="car", box=BOX)
    made = store.apply(recording, "ann", [first])
    assert store.apply(recording, "ann", [first]) == made
    track = made.tracks[0]
    base = {"track_id": track.track_id, "base_revision": track.revision, "frame": 0}
    second = ask("set_cuboid", **base, box={"x": 1.0})
    store.apply(recording, "ann", [second])
    third = ask("set_cuboid", **base, box={"y": 1.0})
    # The answer to `second` was lost; the client sends it again together with its next edit.
    both = store.apply(recording, "ann", [second, third])
    assert (both.tracks[0].rows[0].x, both.tracks[0].rows[0].y) == (1.0, 1.0)
    assert store.labels(recording).revision == 3
    with pytest.raises(InvalidEdit, match="asked for something else"):
        store.apply(recording, "ann", [ask("accept", track_id=1, client_id=first.client_id)])
    other = store.apply(recording, "bob", [first])
    assert other.tracks[0].track_id != track.track_id, "client ids are each author's own"


@pytest.mark.parametrize(
    ("operation", "fields", "says"),
    [
        ("fly", {}, "unknown; there are create_track"),
        ("create_track", {"frame": 0, "box": BOX}, "payload.category is missing"),
        ("create_track", {"category": "car"}, "payload.box is missing"),
        ("create_track", {"category": "car", "frame": 40, "box": BOX}, "frames go from 0 to 39"),
        ("create_track", {"category": "car", "frame": 0, "box": {"x": 1.0}}, "box.y is missing"),
        ("create_track", {"category": "car", "frame": 0, "box": {**BOX, "x": math.nan}}, "finite"),
        ("create_track", {"category": "car", "frame": 0, "box": {**BOX, "width": 0}}, "above 0"),
        ("create_track", {"category": "car", "frame": 0, "box": {**BOX, "x": "1"}}, "a number"),
        (
            "create_track",
            {"category": "car", "frame": 0, "box": {**BOX, "q": 1}},
            "box.q is unknown",
        ),
        (
            "create_track",
            {"category": "car", "frame": 0, "box": BOX, "state": "x"},
            "one of proposed",
        ),
        ("set_cuboid", {"frame": 0, "box": {}}, "track_id is missing"),
        ("set_cuboid", {"track_id": 99, "frame": 0, "box": {}}, "track 99 is not there"),
        ("set_cuboid", {"track_id": 1, "frame": 0, "bax": {}}, "payload.bax is unknown"),
        ("set_cuboid", {"track_id": 1, "frame": 0, "source": "cat"}, "one of human"),
        ("set_cuboids", {"track_id": 1, "cuboids": 3}, "not a list"),
        ("set_size", {"track_id": 1, "length": 1.0, "width": 1.0}, "payload.height is missing"),
        ("delete_cuboids", {"track_id": 1, "frames": [5]}, "has no cuboid"),
        ("split_track", {"track_id": 1, "frame": 0}, "after the track's first"),
        ("merge_tracks", {"track_id": 1, "other_id": 1}, "same track"),
        ("interpolate", {"track_id": 1}, "1 keyframes"),
        ("propagate", {"track_id": 1, "frame": 0, "to_frames": []}, "list of frames"),
        ("propagate", {"track_id": 1, "frame": 0, "to_frames": [1], "moving": True}, "no velocity"),
        ("window_create", {"start_ns": 5, "end_ns": 4, "category": "x"}, "swap"),
        ("window_create", {"start_ns": 1.5, "end_ns": 4, "category": "x"}, "whole number"),
        ("comment_create", {"text": "  "}, "empty"),
        ("accept", {"track_id": 1, "reason": 5}, "payload.reason"),
        ("set_cuboid", {"track_id": 1, "frame": 0, "client_id": ""}, "client_id"),
    ],
)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_is_wrong_is_said_and_nothing_is_written(store, recording, operation, fields, says):
    make_track(store, recording)
    with pytest.raises(InvalidEdit, match=says):
        do(store, recording, "ann", operation, **fields)
    assert store.labels(recording).revision == 1
    assert store.verify(recording) == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"track_id": 2**63}, "track_id is"),
        ({"track_id": 1, "base_revision": -(2**64)}, "base_revision is"),
        ({"track_id": 1, "reason": "a\0b"}, "NUL"),
        ({"track_id": 1, "reason": "\ud800"}, "not JSON"),
        ({"track_id": 1, "reason": {1, 2}}, "not JSON"),
        ({"track_id": 1, "client_id": "a\0b"}, "plain characters"),
        ({"track_id": 1, "client_id": "x" * 201}, "200 plain"),
    ],
)
def test_what_no_database_keeps_is_refused(store, recording, fields, says):
    make_track(store, recording)
    with pytest.raises(InvalidEdit, match=says):
        do(store, recording, "ann", "reject", **fields)
    with pytest.raises(InvalidEdit, match="no edit"):
        store.undo(recording, "ann", seq=2**70)
    assert store.labels(recording).revision == 1


def test_unknown_recordings_and_branches(store, recording):
    with pytest.raises(NotFound, match="recording 77"):
        do(store, 77, "ann", "accept", track_id=1)
    with pytest.raises(NotFound, match="branch mine"):
        store.apply(recording, "ann", [ask("accept", track_id=1)], branch="mine")
