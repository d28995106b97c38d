"""Proposals never overwrite a person; imports lose nothing; branches go out and come back."""

import numpy as np
import pytest

from lidar_label.cuboids import Cuboids
from lidar_label.datasets.windows import Windows
from lidar_label.errors import InvalidEdit
from lidar_label.store import Conflict

from .asking import do, make_track


def proposals(tracks: int = 3, frames: int = 5, shift: float = 0.0) -> Cuboids:
    """Cars 20 m apart, each at the same place in all frames."""
    frame = np.tile(np.arange(frames, dtype=np.int32), tracks)
    track_id = np.repeat(np.arange(tracks), frames)
    boxes = np.tile([0.0, 3.0, 0.8, 4.5, 1.9, 1.6, 0.1], (len(frame), 1))
    boxes[:, 0] = 20.0 * track_id + shift
    return Cuboids.of(
        boxes,
        frame=frame,
        time_ns=frame.astype(np.int64) * 100_000_000,
        track_id=track_id,
        category="car",
        score=np.linspace(0.1, 0.9, len(frame)),
        num_points=np.arange(len(frame)),
        reason=[f"car-sized, frame {k}" for k in frame],
        velocity=np.column_stack((track_id, -track_id)),
    )


def test_proposals_come_back_as_they_were(store, recording):
    given = proposals()
    loaded = store.load_proposals(recording, given)
    assert (loaded.cuboids, loaded.replaced, loaded.left_out) == (15, 0, 0)
    labels = store.labels(recording)
    ids = np.array([loaded.ids[i] for i in given.track_id.tolist()])
    wanted = given.replace(track_id=ids).select(np.lexsort((ids, given.frame)))
    assert labels.cuboids.equals(wanted)
    assert {one.state for one in labels.tracks.values()} == {"proposed"}
    assert set(labels.source) == {"auto"}


def test_new_proposals_replace_only_what_nobody_touched(store, recording):
    ids = store.load_proposals(recording, proposals()).ids
    moved = {"track_id": ids[0], "frame": 2, "box": {"x": 1.5}}
    do(store, recording, "ann", "set_cuboid", **moved)
    do(store, recording, "ann", "accept", track_id=ids[1])
    again = store.load_proposals(recording, proposals(shift=0.3))
    assert (again.replaced, again.cuboids, again.left_out) == (1, 5, 10)
    labels = store.labels(recording)
    assert sorted(labels.tracks) == [ids[0], ids[1], *again.ids.values()]
    rows = labels.cuboids.track_id == ids[0]
    assert labels.cuboids.boxes[rows, 0].tolist() == [0.0, 0.0, 1.5, 0.0, 0.0]
    assert labels.source[rows].tolist() == ["auto", "auto", "human", "auto", "auto"]


@pytest.mark.parametrize("how", ["reject", "delete_track", "delete_cuboids"])
def test_what_a_person_took_away_is_not_proposed_again(store, recording, how):
    ids = store.load_proposals(recording, proposals()).ids
    fields = {"frames": [0, 1, 2, 3, 4]} if how == "delete_cuboids" else {}
    do(store, recording, "ann", how, track_id=ids[1], **fields)
    again = store.load_proposals(recording, proposals())
    assert again.left_out == 5
    assert set(again.ids) == {0, 2}
    store.undo(recording, "auto")
    store.undo(recording, "ann")
    assert store.load_proposals(recording, proposals()).left_out == 0


def test_a_load_is_retried_and_undone_like_any_edit(store, recording):
    store.load_proposals(recording, proposals(), client_id="run-1")
    once = store.labels(recording).cuboids
    assert store.load_proposals(recording, proposals(), client_id="run-1").seq == 1
    assert store.labels(recording).cuboids.equals(once)
    store.load_proposals(recording, proposals(tracks=1), client_id="run-2")
    store.undo(recording, "auto")
    assert store.labels(recording).cuboids.equals(once)
    assert store.verify(recording) == []


def test_imports_map_synonyms_and_say_what_did_not_map(store, new_recording):
    project = store.create_project("project", "boss", ontology=FARM)
    recording = new_recording(store)
    names = ["cattle"] * 5 + ["Fence"] * 5 + ["tractor"] * 5
    done = store.import_labels(recording, "ann", proposals().replace(category=names))
    assert done.unmapped == {"tractor": 5}
    tracks = store.labels(recording).tracks
    assert [one.category for one in tracks.values()] == ["cow", "fence", "tractor"]
    assert {one.ontology_version for one in tracks.values()} == {project.ontology_version} == {1}
    assert {one.state for one in tracks.values()} == {"accepted"}
    assert set(store.labels(recording).source) == {"import"}


FARM = """
name: farm
classes:
  - name: cow
    synonyms: [cattle]
    size: {length: [2.2, 0.2], width: [0.8, 0.1], height: [1.4, 0.1]}
    attributes: {breed: [angus, jersey]}
  - name: fence
    size: {length: [2, 1], width: [0.1, 0.1], height: [1.2, 0.2]}
"""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"frame": 40}, "cuboid 0 .frame 40. is in a frame"),
        ({"boxes": np.full((15, 7), np.nan)}, "not finite"),
        ({"boxes": np.zeros((15, 7))}, "has no size"),
        ({"track_id": 1}, "track 1 has two cuboids in frame 0"),
        ({"attributes": "{"}, "no JSON object"),
    ],
)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_cuboids_that_cannot_be_labels(store, recording, change, says):
    with pytest.raises(InvalidEdit, match=says):
        store.load_proposals(recording, proposals().replace(**change))
    assert store.labels(recording).revision == 0


def test_proposed_windows_are_cut_back_where_people_decided(store, recording):
    windows = Windows.of([0, 100, 200], [100, 200, 300], category=["walk", "run", "sit"], score=0.5)
    store.load_windows(recording, windows, sensor="phone")
    first, second, _ = store.labels(recording).windows
    do(store, recording, "ann", "window_move", window_id=second.window_id, end_ns=230)
    again = store.load_windows(recording, windows, sensor="phone")
    assert (again.replaced, again.left_out) == (2, 2)
    spans = [(one.start_ns, one.end_ns, one.source) for one in store.labels(recording).windows]
    assert spans == [(0, 100, "auto"), (100, 230, "human"), (230, 300, "auto")]
    assert first.window_id not in {one.window_id for one in store.labels(recording).windows}
    theirs = store.load_windows(recording, windows, sensor="watch", author="ann")
    assert theirs.cuboids == 3
    assert store.verify(recording) == []


def test_a_branch_is_apart_and_is_adopted(store, recording):
    a = make_track(store, recording, frames=range(3)).track_id
    b = make_track(store, recording, frames=range(3)).track_id
    store.fork(recording, "check-bob", "bob")
    on_branch = {"track_id": a, "frame": 0, "box": {"x": 5.0}}

    def bob(operation, **fields):
        from .asking import ask

        return store.apply(recording, "bob", [ask(operation, **fields)], branch="check-bob")

    bob("set_cuboid", **on_branch)
    bob("delete_track", track_id=b)
    new = bob("create_track", category="bus", frame=0, box=BUS).tracks[0].track_id
    assert len(store.labels(recording).tracks) == 2
    assert len(store.labels(recording, branch="check-bob").tracks) == 2
    done = store.adopt(recording, "check-bob", "boss", client_id="x")
    assert store.adopt(recording, "check-bob", "boss", client_id="x") == done
    labels = store.labels(recording)
    assert [one.category for one in labels.tracks.values()] == ["car", "bus"]
    assert labels.cuboids.boxes[labels.cuboids.track_id == a, 0].tolist() == [5.0, 11.0, 12.0]
    assert new not in {b}
    for branch in ("main", "check-bob"):
        assert store.verify(recording, branch) == []
    store.undo(recording, "boss")
    assert len(store.labels(recording).cuboids) == 6
    assert [one.name for one in store.branches(recording)] == ["main", "check-bob"]


BUS = {"x": 40.0, "y": 0.0, "z": 1.5, "length": 12.0, "width": 2.5, "height": 3.0, "yaw": 0.0}


def test_a_branch_is_not_adopted_over_what_main_has_changed(store, recording):
    a = make_track(store, recording).track_id
    store.fork(recording, "check", "bob")
    from .asking import ask

    edit = ask("set_cuboid", track_id=a, frame=0, box={"x": 5.0})
    store.apply(recording, "bob", [edit], branch="check")
    newer = do(store, recording, "ann", "set_cuboid", track_id=a, frame=0, box={"x": 6.0})
    with pytest.raises(Conflict) as refused:
        store.adopt(recording, "check", "boss")
    assert refused.value.states == newer.tracks
    blind = store.fork(recording, "blind", "eve", empty=True)
    assert blind.forked_from is None
    assert len(store.labels(recording, branch="blind").tracks) == 0
    past = store.fork(recording, "past", "eve", at=1)
    assert past.forked_from == 1
    assert store.labels(recording, branch="past").cuboids.boxes[0, 0] == 10.0
    with pytest.raises(InvalidEdit, match="exists"):
        store.fork(recording, "past", "eve")
