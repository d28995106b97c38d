"""A project's ontology has versions; labels say which, and move when a class changes."""

import pytest

from lidar_label.errors import InvalidConfig, InvalidEdit, NotFound
from lidar_label.store.migration_of_classes import ClassChange

from .asking import BOX, do, make_track

FIRST = """
name: road
classes:
  - name: car
    synonyms: [automobile]
    size: {length: [4.4, 0.45], width: [1.83, 0.14], height: [1.6, 0.19]}
    attributes:
      parked: [true, false]
      type: [saloon, minibus]
      brake_lights: {values: [lit, dark], scope: cuboid}
  - name: lorry
    size: {length: [8.5, 2.5], width: [2.5, 0.15], height: [3.3, 0.45]}
"""
SECOND = (
    FIRST.replace("name: lorry", "name: truck")
    + """
  - name: van
    size: {length: [5.3, 0.6], width: [2.0, 0.12], height: [2.25, 0.3]}
"""
)


@pytest.fixture
def project(store) -> int:
    return store.create_project("project", "boss", ontology=FIRST).id


@pytest.fixture
def recording(store, project, new_recording) -> int:
    return new_recording(store)


def test_classes_and_attributes_are_checked_against_the_current_version(store, recording):
    track = make_track(store, recording, category="Automobile", attributes={"parked": True})
    assert (track.track.category, track.track.ontology_version) == ("car", 1)
    bad = [
        ({"category": "spaceship"}, "does not know; give one of car, lorry"),
        ({"attributes": {"parked": "maybe"}}, "true or false"),
        ({"attributes": {"wings": 2}}, "no attribute wings"),
        ({"attributes": {"brake_lights": "lit"}}, "set on a cuboid"),
    ]
    for fields, says in bad:
        with pytest.raises(InvalidEdit, match=says):
            do(store, recording, "ann", "set_track", track_id=track.track_id, **fields)
    lit = do(
        store, recording, "ann", "set_cuboid",
        track_id=track.track_id, frame=0, attributes={"brake_lights": "lit"},
    ).tracks[0]  # fmt: skip
    assert lit.rows[0].attributes == '{"brake_lights":"lit"}'


def test_versions_are_kept_and_labels_say_which(store, project, recording):
    old = make_track(store, recording)
    added = store.set_ontology(project, SECOND, "boss", "vans apart")
    assert (added.version, store.project(project).ontology_version) == (2, 2)
    new = make_track(store, recording, category="van")
    assert [one.track.ontology_version for one in (old, new)] == [1, 2]
    assert [one.note for one in store.ontologies(project)] == ["", "vans apart"]
    assert store.ontology(project, 1).ontology.names == ("car", "lorry")
    assert store.ontology(project).ontology.version == 2
    with pytest.raises(InvalidEdit, match="version 2 of the ontology already"):
        store.set_ontology(project, SECOND, "boss")
    with pytest.raises(InvalidConfig, match="no list `classes`"):
        store.set_ontology(project, "name: x", "boss")
    with pytest.raises(NotFound, match="no ontology version 9"):
        store.ontology(project, 9)


def test_labels_move_when_a_class_is_renamed_or_split_and_can_go_back(
    store, project, recording, new_recording
):
    saloon = make_track(store, recording)
    minibus = make_track(store, recording, attributes={"type": "minibus"})
    long = make_track(store, recording, box={**BOX, "length": 7.0}, frame=9, cuboids=None)
    elsewhere = new_recording(store, "other")
    lorry = make_track(store, elsewhere, category="lorry")
    store.fork(recording, "check", "bob")
    store.set_ontology(project, SECOND, "boss")
    rules = [
        ClassChange("lorry", "truck"),
        ClassChange("car", "van", where={"type": "minibus"}),
        ClassChange("car", "van", longer_than_m=6.0),
    ]
    done = store.migrate_classes(project, rules, "boss", note="v2")
    assert done.moved == 5
    assert sorted(done.seqs) == [(recording, "check"), (recording, "main"), (elsewhere, "main")]
    assert done.left == {}
    tracks = store.labels(recording).tracks
    found = [tracks[one.track_id].category for one in (saloon, minibus, long)]
    assert found == ["car", "van", "van"]
    assert store.labels(elsewhere).tracks[lorry.track_id].category == "truck"
    assert store.history(elsewhere)[0].note == "v2"
    assert store.migrate_classes(project, rules, "boss").moved == 0
    store.undo(elsewhere, "boss", seq=done.seqs[elsewhere, "main"])
    assert store.labels(elsewhere).tracks[lorry.track_id].category == "lorry"
    again = store.migrate_classes(project, [ClassChange("car", "car")], "boss")
    assert again.left == {"lorry": 1}
    with pytest.raises(InvalidEdit, match="store the new ontology first"):
        store.migrate_classes(project, [ClassChange("car", "tank")], "boss")
    for branch in ("main", "check"):
        assert store.verify(recording, branch) == []


WINDOWS = """
  - name: walking
    synonyms: [car]
    kind: window
    attributes: {pace: {values: [slow, fast], scope: window}}
"""


def test_windows_have_classes_of_their_own(store, project, recording):
    span = {"start_ns": 1, "end_ns": 2}
    free = do(store, recording, "ann", "window_create", category="on foot", **span).windows[0]
    assert free.window.category == "on foot"  # where it has no class of windows
    store.set_ontology(project, FIRST + WINDOWS, "boss")
    with pytest.raises(InvalidEdit, match="does not know; give one of walking"):
        do(store, recording, "ann", "window_create", category="lorry", **span)
    with pytest.raises(InvalidEdit, match="does not know; give one of car, lorry"):
        make_track(store, recording, category="walking")
    fields = {"category": "car", "attributes": {"pace": "slow"}, **span}
    assert (
        do(store, recording, "ann", "window_create", **fields).windows[0].window.category
        == "walking"
    )
    assert make_track(store, recording, category="automobile").track.category == "car"
