"""Edits that are one step: undone together, redone together, whole or not at all."""

import pytest
import sqlalchemy

from lidar_label.errors import InvalidEdit
from lidar_label.store import Conflict, Store, migrating

from .asking import ask, do, make_track


def states(store, recording) -> list[str]:
    return [one.state for one in store.labels(recording).windows]


def proposed(store, recording, count: int) -> list[int]:
    edits = [
        ask("window_create", start_ns=k, end_ns=k + 1, category="car", state="proposed")
        for k in range(count)
    ]
    return [one.window_id for one in store.apply(recording, "auto", edits).windows]


def test_fifty_accepted_windows_are_one_step(store, recording) -> None:
    windows = proposed(store, recording, 50)
    do(store, recording, "ann", "window_tag", window_id=windows[0], category="truck")
    accepts = [ask("window_accept", window_id=one, batch="b") for one in windows[1:]]
    store.apply(recording, "ann", accepts)
    assert states(store, recording) == ["accepted"] * 50
    undone = store.undo(recording, "ann", client_id="u")
    assert len(undone.windows) == 49
    assert states(store, recording) == ["accepted"] + ["proposed"] * 49
    assert store.undo(recording, "ann", client_id="u") == undone  # its answer was lost
    store.redo(recording, "ann")
    assert states(store, recording) == ["accepted"] * 50
    store.undo(recording, "ann")
    store.undo(recording, "ann")  # the single edit before them
    assert states(store, recording) == ["proposed"] * 50
    with pytest.raises(InvalidEdit, match="nothing to undo"):
        store.undo(recording, "ann")
    assert store.verify(recording) == []


def test_a_batch_may_come_in_several_calls_and_build_on_itself(store, recording) -> None:
    track = make_track(store, recording, "auto", frames=(0, 1, 2))
    about = {"track_id": track.track_id, "batch": "b"}
    do(store, recording, "ann", "set_cuboid", **about, frame=0, box={"x": 1.0})
    do(store, recording, "ann", "set_cuboid", **about, frame=0, box={"x": 2.0})
    do(store, recording, "ann", "accept", **about)
    store.undo(recording, "ann")
    labels = store.labels(recording)
    assert labels.cuboids.boxes[0, 0] == 10.0
    assert labels.tracks[track.track_id].state == "proposed"
    with pytest.raises(InvalidEdit, match="nothing to undo"):
        store.undo(recording, "ann")


def test_anothers_batch_of_the_same_name_stands(store, recording) -> None:
    first, second = proposed(store, recording, 2)
    do(store, recording, "ann", "window_accept", window_id=first, batch="b")
    do(store, recording, "bob", "window_accept", window_id=second, batch="b")
    store.undo(recording, "ann")
    assert states(store, recording) == ["proposed", "accepted"]


def test_a_batch_is_not_undone_in_part(store, recording) -> None:
    windows = proposed(store, recording, 3)
    accepts = [ask("window_accept", window_id=one, batch="b") for one in windows]
    store.apply(recording, "ann", accepts)
    do(store, recording, "bob", "window_move", window_id=windows[1], end_ns=9)
    with pytest.raises(Conflict, match=f"window {windows[1]}"):
        store.undo(recording, "ann")
    assert states(store, recording) == ["accepted"] * 3


def test_a_store_from_before_batches_is_brought_up_to_date(tmp_path) -> None:
    path = tmp_path / "old.db"
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrating.upgrade(connection, "old", to="0001")
        old = "INSERT INTO project VALUES (1, 'town', 0, '{}', 7)"
        connection.execute(sqlalchemy.text(old))
    engine.dispose()
    with Store.open(path) as store:
        assert store.project("town").id == 1
        assert store.media.of(1) == []
        with store.database.read() as connection:
            assert migrating.version(connection) == migrating.head() != "0001"
