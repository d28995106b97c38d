"""The log is the truth: what is kept is its sum, any moment comes back, any edit can be undone."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lidar_label.errors import InvalidEdit
from lidar_label.store import Conflict, EditRequest, Store

from .asking import BOX, ask, do, make_track

FRAMES = 40


def random_edit(store: Store, recording: int, dice: random.Random) -> tuple[str, EditRequest]:
    """Something that one of three people might do to what is there; not always possible."""
    labels = store.labels(recording)
    tracks, windows = sorted(labels.tracks), [one.window_id for one in labels.windows]
    comments = [one.comment_id for one in labels.comments]
    frame, other = dice.randrange(FRAMES), dice.choice(tracks or [1])
    box = {**BOX, "x": dice.uniform(-50, 50), "yaw": dice.uniform(-9, 9)}
    about = {"track_id": dice.choice(tracks or [1])}
    span = {"start_ns": dice.randrange(1000), "end_ns": 1000 + dice.randrange(1000)}
    window = {"window_id": dice.choice(windows or [1])}
    wanted = [
        ("create_track", {"frame": frame, "category": "car", "box": box}),
        ("create_track", {"category": "bus", "rigid": False, "cuboids": [
            {"frame": f, "box": {**box, "length": 4 + f}} for f in dice.sample(range(FRAMES), 5)]}),
        ("set_cuboid", {**about, "frame": frame, "box": box}),
        ("set_cuboid", {**about, "frame": frame, "box": {**box, "length": dice.uniform(1, 9)}}),
        ("delete_cuboids", {**about, "frames": [frame]}),
        ("delete_track", about),
        ("set_track", {**about, "category": dice.choice(["car", "van"]), "rigid": frame % 2 == 0}),
        ("set_size", {**about, "length": 4.0, "width": 2.0, "height": dice.uniform(1, 2)}),
        ("merge_tracks", {**about, "other_id": other}),
        ("split_track", {**about, "frame": frame}),
        ("swap_tracks", {**about, "other_id": other, "frame": frame}),
        ("interpolate", about),
        ("propagate", {**about, "frame": frame, "to_frames": [(frame + 1) % FRAMES]}),
        (dice.choice(["accept", "reject"]), about),
        ("window_create", {**span, "category": "walk"}),
        ("window_split", {**window, "at_ns": dice.randrange(2000)}),
        ("window_move", {**window, **span}),
        ("window_delete", window),
        ("comment_create", {"frame": frame, "text": "what is this?"}),
        ("comment_resolve", {"comment_id": dice.choice(comments or [1])}),
    ]  # fmt: skip
    operation, fields = dice.choice(wanted)
    return dice.choice(["ann", "bob", "eve"]), ask(operation, **fields)


def everything(store: Store, recording: int, at: int | None = None) -> object:
    labels = store.labels(recording, at=at)
    columns = labels.cuboids.to_arrow().to_pydict()
    rest = (labels.keyframe.tolist(), labels.source.tolist(), labels.edit_seq.tolist())
    return repr((columns, rest, labels.tracks, labels.windows, labels.comments))


def plain(store: Store, recording: int) -> object:
    """Without what says only when a row was written."""
    labels = store.labels(recording)
    return (
        labels.cuboids.to_arrow().drop_columns(["score", "residual", "velocity_x", "velocity_y"]),
        {key: one._replace(revision=0) for key, one in labels.tracks.items()},
        [one._replace(revision=0) for one in labels.windows],
        [one._replace(revision=0) for one in labels.comments],
    )


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6))
def test_replay_time_travel_and_undo(tmp_path_factory, new_recording, seed):
    dice = random.Random(seed)
    path = tmp_path_factory.mktemp("log") / "labels.db"
    with Store.open(path) as store:
        recording = new_recording(store)
        seen = {0: everything(store, recording)}
        for _ in range(40):
            author, request = random_edit(store, recording, dice)
            try:
                if dice.random() < 0.15:
                    step = store.undo if dice.random() < 0.6 else store.redo
                    seq = step(recording, author).seq
                else:
                    seq = store.apply(recording, author, [request]).seq
            except (InvalidEdit, Conflict):
                assert everything(store, recording) == seen[max(seen)]
                continue
            seen[seq] = everything(store, recording)
        assert store.verify(recording) == []
        for seq, was in seen.items():
            assert everything(store, recording, at=seq) == was
        before = plain(store, recording)
        reverts = []
        for entry in store.history(recording, limit=6):
            if entry.undone_by is not None:
                break
            reverts.append(store.undo(recording, "boss", seq=entry.seq).seq)
        assert reverts
        for seq in reversed(reverts):
            store.undo(recording, "boss", seq=seq)
        assert plain(store, recording) == before
        assert store.verify(recording) == []


def test_undo_and_redo_walk_to_both_ends_across_sessions(url, clock, new_recording):
    with Store.open(url, clock=clock) as store:
        recording = new_recording(store)
        track = make_track(store, recording, frames=[0])
        for x in range(30):
            edit = {"track_id": track.track_id, "frame": 0, "box": {"x": float(x)}}
            do(store, recording, "ann", "set_cuboid", **edit)
    with Store.open(url, clock=clock) as store:
        for x in range(28, -1, -1):
            assert store.undo(recording, "ann").tracks[0].rows[0].x == x
        assert store.undo(recording, "ann").tracks[0].rows[0].x == 10.0
        assert store.undo(recording, "ann").tracks[0].deleted
        with pytest.raises(InvalidEdit, match="nothing to undo"):
            store.undo(recording, "ann")
    with Store.open(url, clock=clock) as store:
        assert store.redo(recording, "ann").tracks[0].rows[0].x == 10.0
        for x in range(30):
            assert store.redo(recording, "ann").tracks[0].rows[0].x == x
        with pytest.raises(InvalidEdit, match="nothing to redo"):
            store.redo(recording, "ann")
        assert store.undo(recording, "ann").tracks[0].rows[0].x == 28.0
        do(store, recording, "ann", "accept", track_id=track.track_id)
        with pytest.raises(InvalidEdit, match="has edited since"):
            store.redo(recording, "ann")


def test_an_undo_over_others_work_is_a_conflict_until_they_undo_it(store, recording):
    track = make_track(store, recording, frames=[0, 1])
    mine = {"track_id": track.track_id, "frame": 0, "box": {"x": 1.0}}
    do(store, recording, "ann", "set_cuboid", **mine)
    theirs = do(store, recording, "bob", "set_cuboid", **{**mine, "frame": 1})
    with pytest.raises(Conflict) as refused:
        store.undo(recording, "ann")
    assert refused.value.states == theirs.tracks
    store.undo(recording, "bob")
    assert store.undo(recording, "ann").tracks[0].rows[0].x == 10.0


def test_undoing_an_older_edit_of_ones_own_needs_its_result_untouched(store, recording):
    track = make_track(store, recording, frames=[0, 1])
    edit = {"track_id": track.track_id, "frame": 0}
    first = do(store, recording, "ann", "set_cuboid", **edit, box={"x": 1.0}).seq
    do(store, recording, "ann", "set_cuboid", track_id=track.track_id, frame=1, box={"x": 2.0})
    apart = store.undo(recording, "ann", seq=first)
    assert [row.x for row in apart.tracks[0].rows] == [10.0, 2.0]
    with pytest.raises(InvalidEdit, match="undone already"):
        store.undo(recording, "ann", seq=first)
    second = do(store, recording, "ann", "set_cuboid", **edit, box={"x": 3.0}).seq
    do(store, recording, "ann", "set_cuboid", **edit, box={"x": 4.0})
    with pytest.raises(Conflict):
        store.undo(recording, "ann", seq=second)
    with pytest.raises(InvalidEdit, match="no edit 99"):
        store.undo(recording, "ann", seq=99)


def test_a_retried_undo_undoes_once(store, recording):
    track = make_track(store, recording)
    do(store, recording, "ann", "set_cuboid", track_id=track.track_id, frame=0, box={"x": 1.0})
    once = store.undo(recording, "ann", client_id="u1")
    assert store.undo(recording, "ann", client_id="u1") == once
    assert once.tracks[0].rows[0].x == 10.0


def test_blame_and_history(store, recording, clock):
    track = make_track(store, recording, frames=range(3))
    clock.move(60)
    edit = do(store, recording, "bob", "set_cuboid", track_id=track.track_id, frame=1, box={"x": 1})
    other = make_track(store, recording, author="eve")
    blame = store.blame(recording, track.track_id)
    assert [(one.frame, one.author, one.seq) for one in blame] == [
        (0, "ann", 1), (1, "bob", edit.seq), (2, "ann", 1)
    ]  # fmt: skip
    assert blame[1].time_ns - blame[0].time_ns == 60_000_000_000
    store.undo(recording, "bob")
    history = store.history(recording, track_id=track.track_id)
    assert [(one.operation, one.author) for one in history] == [
        ("undo", "bob"), ("set_cuboid", "bob"), ("create_track", "ann")
    ]  # fmt: skip
    assert (history[0].reverts, history[1].undone_by) == (edit.seq, history[0].seq)
    of_cuboid = store.history(recording, track_id=track.track_id, frame=2)
    assert [one.seq for one in of_cuboid] == [1]
    assert [one.touched for one in store.history(recording, author="eve")] == [
        (("track", other.track_id),)
    ]
    first = store.history(recording, limit=2)
    assert [one.seq for one in first] == [4, 3]
    assert [one.seq for one in store.history(recording, before=3)] == [2, 1]


def test_the_log_cannot_be_changed(store, recording):
    make_track(store, recording)
    store.note("ann", "labels.read")
    for table in ("edit", "audit"):
        for statement in (f"UPDATE {table} SET time_ns = 0", f"DELETE FROM {table}"):
            with pytest.raises(Exception, match="only ever added"), store.database.write() as c:
                c.exec_driver_sql(statement)


def test_labels_that_were_damaged_are_found_and_mended_from_the_log(store, recording):
    make_track(store, recording, frames=range(5))
    was = everything(store, recording)
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE cuboid SET x = 0 WHERE frame = 1")
        connection.exec_driver_sql("DELETE FROM cuboid WHERE frame = 3")
    wrong = store.verify(recording)
    assert len(wrong) == 2
    assert "cuboid (1, 1)" in wrong[0]
    assert store.rebuild(recording) == 2
    assert everything(store, recording) == was
    assert store.verify(recording) == []


def test_a_frame_is_read_as_the_whole_is(store, recording):
    for k in range(3):
        make_track(store, recording, frames=range(k, 6))
    do(store, recording, "ann", "set_track", track_id=1, state="rejected")
    whole, frame = store.labels(recording), store.labels(recording, 2)
    here = whole.cuboids.frame == 2
    assert frame.cuboids.equals(whole.cuboids.select(here))
    assert set(frame.tracks) == {1, 2, 3}
    assert frame.cuboids.time_ns.tolist() == [200_000_000] * 3
    np.testing.assert_array_equal(frame.edit_seq, whole.edit_seq[here])
    past = store.labels(recording, 2, at=1)
    assert past.cuboids.track_id.tolist() == [1]
    with pytest.raises(InvalidEdit, match="no edit 50"):
        store.labels(recording, at=50)


def test_listeners_write_in_the_same_transaction_or_undo_it(url, new_recording):
    told: list[tuple[str, int | None]] = []

    def listen(_connection, event) -> None:
        told.append((event.kind, event.seq))
        if event.actor == "mallory":
            raise RuntimeError("no")

    with Store.open(url, listeners=[listen]) as store:
        recording = new_recording(store)
        request = ask("create_track", frame=0, category="car", box=BOX)
        store.apply(recording, "ann", [request])
        store.apply(recording, "ann", [request])
        assert told[-1] == ("edits.applied", 1)
        assert len(told) == 3, "a retry is not told again"
        with pytest.raises(RuntimeError):
            store.apply(recording, "mallory", [request])
        assert store.labels(recording).revision == 1
