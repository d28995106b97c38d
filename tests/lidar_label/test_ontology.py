import re

import numpy as np
import pytest
from pyarrow import feather

from lidar_label.errors import InvalidConfig, InvalidLabels
from lidar_label.ontology import (
    CUBOID,
    WINDOW,
    choices,
    load_ontology,
    parse_ontology,
    ready_made,
    ready_made_text,
    road_ontology,
)

SMALL = """
name: farm
version: 2
classes:
  - name: cow
    synonyms: [cattle, Moo Cow]
    size: {length: [2.2, 0.2], width: [0.8, 0.1], height: [1.4, 0.1]}
  - name: fence
    propose: false
    size: {length: [2, 1], width: [0.1, 0.1], height: [1.2, 0.2]}
"""


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("lorry", "truck"),
        ("Car", "car"),
        ("Van", "van"),
        ("Cyclist", "cyclist"),
        ("Person_sitting", "pedestrian"),
        ("Misc", "other"),
        ("REGULAR_VEHICLE", "car"),
        ("WHEELED_RIDER", "cyclist"),
        ("BICYCLIST", "cyclist"),
        ("moped_scooter", "motorcycle"),
        ("rider", "cyclist"),
        ("Motor", "motorcycle"),
        ("vehicle.bus.rigid", "bus"),
        ("human.pedestrian.adult", "pedestrian"),
        (" heavy-truck ", "truck"),
        ("spaceship", "spaceship"),
    ],
)
def test_names_of_data_sets_are_understood(name, canonical):
    assert road_ontology().canonical(name) == canonical


def test_every_class_can_be_used_on_the_screen_and_by_the_machine():
    ontology = road_ontology()
    keys = [label.key for label in ontology.classes]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch("#[0-9a-f]{6}", label.colour) for label in ontology.classes)
    assert all(label.guideline for label in ontology.classes)
    assert {"car", "truck", "bus", "cyclist", "pedestrian"} <= {
        label.name for label in ontology.proposable()
    }
    n = len(ontology.proposable())
    assert ontology.size_means().shape == ontology.size_sds().shape == (n, 3)
    assert ((ontology.opacities() >= 0) & (ontology.opacities() <= 1)).all()
    assert (ontology.size_means()[:, 0] >= ontology.size_means()[:, 1]).all()


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "farm.yaml"
    path.write_text(SMALL)
    ontology = load_ontology(path)
    assert (ontology.name, ontology.version, ontology.names) == ("farm", 2, ("cow", "fence"))
    assert ontology.canonical("MOO-COW") == "cow"
    assert ontology.find("horse") is None
    np.testing.assert_allclose(ontology.size_means(), [[2.2, 0.8, 1.4]])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: [", "not YAML"),
        ("name: x", "classes"),
        ("classes: [{synonyms: [a]}]", "name"),
        ("classes: [{name: a, propose: true}]", "propose needs size"),
        ("classes: [{name: a, colour: red}]", "#rrggbb"),
        ("classes: [{name: a, key: x}, {name: b, key: x}]", "key x selects both a and b"),
        ("classes: [{name: a, attributes: [b]}]", "not an object"),
        ("classes: [{name: a, attributes: {b: 3}}]", "list of values"),
        ("classes: [{name: a, attributes: {b: [one]}}]", "at least two"),
        ("classes: [{name: a, attributes: {b: {type: date}}}]", "type date"),
        ("classes: [{name: a, attributes: {b: {type: number, colour: 1}}}]", "colour"),
        ("classes: [{name: a, attributes: {b: {type: number, max: 1, default: 2}}}]", "default"),
        (SMALL.replace("height: [1.4, 0.1]", "height: [1.4]"), "size"),
        (SMALL.replace("[2.2, 0.2]", "[2.2, 0]"), "> 0"),
        (SMALL.replace("propose: false", "porpoise: false"), "porpoise"),
        (SMALL.replace("name: fence", "name: cattle"), "both"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, says):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(InvalidConfig, match=says) as error:
        load_ontology(path)
    assert "wrong.yaml" in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidConfig, match=r"absent\.yaml"):
        load_ontology(tmp_path / "absent.yaml")


def test_the_ready_made_ones_can_be_used_on_the_screen():
    assert {"road", "kitti", "nuscenes", "argoverse2", "view_of_delft", "activities"} <= set(
        ready_made()
    )
    counts = {}
    for name in ready_made():
        ontology = parse_ontology(ready_made_text(name), name)
        counts[name] = len(ontology.classes)
        assert ontology.name == name
        assert all(label.guideline for label in ontology.classes)
        assert len({label.key for label in ontology.classes}) == len(ontology.classes)
        assert len({label.colour for label in ontology.classes}) == len(ontology.classes)
        sizes = [label.size_mean for label in ontology.proposable()]
        assert np.isfinite(sizes).all()
    assert counts["nuscenes"] == 23
    assert counts["argoverse2"] == 30
    assert counts["view_of_delft"] == 13
    with pytest.raises(InvalidConfig, match="there are activities"):
        ready_made_text("../road")


def test_classes_found_in_real_labels_are_all_known(shared):
    kitti = {
        line.split()[2]
        for path in (shared / "kitti_tracking").rglob("label_02/*.txt")
        for line in path.read_text().splitlines()
    }
    delft = {
        line.split()[0]
        for path in (shared / "view_of_delft").rglob("label_2/*.txt")
        for line in path.read_text().splitlines()
    }
    argoverse = {
        name
        for path in (shared / "argoverse2").rglob("annotations.feather")
        for name in feather.read_table(path, columns=["category"])["category"].to_pylist()
    }
    assert min(len(kitti), len(delft), len(argoverse)) >= 3
    for name, classes in [("kitti", kitti), ("argoverse2", argoverse)]:
        assert set(parse_ontology(ready_made_text(name), name).names) >= classes
    view_of_delft = parse_ontology(ready_made_text("view_of_delft"), "view_of_delft")
    assert view_of_delft.map_names(sorted(delft))[1] in ([], ["DontCare"])


def test_names_of_another_set_are_mapped_and_the_rest_is_listed():
    mapped, rest = road_ontology().map_names(["lorry", "Car", "spaceship", "lorry"])
    assert mapped == {"lorry": "truck", "Car": "car"}
    assert rest == ["spaceship"]


TYPED = """
name: typed
classes:
  - name: car
    picture: pictures/car.png
    attributes:
      parked: [true, false]
      colour: {values: [red, blue], default: red}
      speed: {type: number, min: 0, max: 80, unit: m/s, scope: cuboid}
      note: {type: text}
"""


@pytest.mark.parametrize(
    ("name", "value", "scope", "says"),
    [
        ("parked", True, "track", None),
        ("colour", "blue", "track", None),
        ("speed", 3, "cuboid", None),
        ("note", "dented", "track", None),
        ("parked", "yes", "track", "true or false"),
        ("colour", "green", "track", "one of red, blue"),
        ("speed", 81, "cuboid", "from 0 to 80"),
        ("speed", "fast", "cuboid", "a number"),
        ("speed", 3, "track", "set on a cuboid"),
        ("note", 3, "track", "no text"),
        ("wheels", 4, "track", "no attribute wheels; it has parked"),
    ],
)
def test_attributes_have_types_and_scopes(name, value, scope, says):
    ontology = parse_ontology(TYPED, "typed")
    if says is None:
        assert ontology.checked("car", name, value, scope) == value
        return
    with pytest.raises(InvalidLabels, match=says):
        ontology.checked("car", name, value, scope)


def test_the_text_says_what_a_class_looks_like():
    car = parse_ontology(TYPED, "typed").classes[0]
    assert car.picture == "pictures/car.png"
    assert [(one.name, one.type, one.default) for one in car.attributes] == [
        ("parked", "flag", None), ("colour", "choice", "red"),
        ("speed", "number", None), ("note", "text", None),
    ]  # fmt: skip


BOTH = """
name: both
classes:
  - name: bus
    synonyms: [bike]
    key: "1"
    size: {length: [12, 1], width: [2.5, 0.1], height: [3, 0.2]}
  - {name: riding_a_bus, kind: window, synonyms: [bus], key: "1"}
  - {name: other, key: "9"}
"""


def test_an_ontology_has_classes_of_cuboids_and_of_windows():
    both = parse_ontology(BOTH, "both")
    assert both.of(CUBOID).names == ("bus", "other")
    assert both.of(WINDOW).names == ("riding_a_bus", "other")
    assert both.of(CUBOID).canonical("bus") == "bus"
    assert both.of(WINDOW).canonical("bus") == "riding_a_bus"
    assert both.of(WINDOW).find("bike") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOTH.replace("kind: window", "kind: sound"), "write cuboid or window"),
        (BOTH.replace('key: "1"\n', 'key: "1"\n    kind: window\n'), "no size"),
        (BOTH.replace('key: "9"', 'key: "1"'), "key 1 selects both"),
    ],
)
def test_kinds_of_classes_are_checked(text, words):
    with pytest.raises(InvalidConfig, match=words):
        parse_ontology(text, "both")


def test_what_an_ontology_has_no_class_of_is_chosen_from_the_ready_made_ones():
    road, activities, both = road_ontology(), ready_made_text("activities"), choices(parse_ontology(BOTH, "b"))  # fmt: skip # noqa: E501
    assert not road.of(WINDOW).classes
    names = [label.name for label in choices(road) if label.kind == WINDOW]
    assert "walking" in names
    assert "car" not in names
    assert "car" in [label.name for label in choices(parse_ontology(activities, "a"))]
    assert len(both) == 3
