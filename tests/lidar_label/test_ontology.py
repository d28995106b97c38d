import re

import numpy as np
import pytest

from lidar_label.errors import InvalidConfig
from lidar_label.ontology import load_ontology, road_ontology

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
        ("classes: [{name: a}]", "size"),
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
