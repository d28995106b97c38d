"""Classes: their names and synonyms, sizes, colours, keys and written guidelines, versioned."""

import dataclasses
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from lidar_label.arrays import Floats
from lidar_label.errors import InvalidConfig, InvalidLabels
from lidar_label.ontology_attributes import Attribute, parse_attributes

CUBOID, WINDOW = "cuboid", "window"  # what a class is of
_AXES = ("length", "width", "height")
_COLOUR = re.compile("#[0-9a-fA-F]{6}")
_Size = tuple[float, float, float]


@dataclass(frozen=True)
class LabelClass:
    """One class of an ontology.

    Attributes:
        name: As written in labels.
        synonyms: Other names of the same thing, of other data sets.
        size_mean: Length, width, height in metres; NaN where no size is given.
        size_sd: Their standard deviations in metres.
        colour: `#rrggbb`.
        key: The keyboard key that selects it.
        guideline: One or two sentences for the people who label.
        picture: Path or URL of a picture that shows it; a path is relative to the YAML file.
        attributes: What else is said of an object of it.
        opaque: 1 where beams stop on the near faces, 0 where they reach the middle of the object.
        propose: Whether the machine may propose it.
        kind: `CUBOID` or `WINDOW`, of which it is a class; "" of both.
    """

    name: str
    synonyms: tuple[str, ...]
    size_mean: tuple[float, float, float]
    size_sd: tuple[float, float, float]
    colour: str = "#9ca3af"
    key: str = ""
    guideline: str = ""
    picture: str = ""
    attributes: tuple[Attribute, ...] = ()
    opaque: float = 1.0
    propose: bool = True
    kind: str = ""


@dataclass(frozen=True)
class Ontology:
    """Classes under one name and version."""

    name: str
    version: int
    classes: tuple[LabelClass, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all classes, in their order."""
        return tuple(label.name for label in self.classes)

    def of(self, kind: str) -> "Ontology":
        """The classes of `CUBOID` or of `WINDOW` alone; none where it does not speak of them."""
        return self._by_kind[kind]

    @cached_property
    def _by_kind(self) -> "dict[str, Ontology]":
        return {
            kind: dataclasses.replace(
                self, classes=tuple(label for label in self.classes if label.kind in {kind, ""})
            )
            for kind in (CUBOID, WINDOW)
        }

    def find(self, name: str) -> LabelClass | None:
        """The class called `name` or one of its synonyms; spelling of case, spaces, - is free."""
        return self._by_name.get(_plain(name))

    @cached_property
    def _by_name(self) -> dict[str, LabelClass]:
        # Backwards, so that of two classes with one name the first is found.
        return {
            _plain(name): label
            for label in reversed(self.classes)
            for name in (*label.synonyms, label.name)
        }

    def canonical(self, name: str) -> str:
        """The ontology's name for `name`; `name` itself when the ontology does not know it."""
        label = self.find(name)
        return label.name if label else name

    def map_names(self, names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
        """A data set's names of classes → this ontology's, and those that map to none."""
        found = {name: self.find(name) for name in dict.fromkeys(names)}
        mapped = {name: label.name for name, label in found.items() if label is not None}
        return mapped, [name for name, label in found.items() if label is None]

    def checked(self, category: str, name: str, value: Any, scope: str) -> Any:
        """The attribute's value as it is kept; whatever it is where the class is unknown.

        Raises:
            InvalidLabels: if the class has no such attribute, or not of this scope or value.
        """
        label = self.find(category)
        if label is None:
            return value
        for attribute in label.attributes:
            if attribute.name == name:
                return attribute.checked(value, scope)
        known = ", ".join(attribute.name for attribute in label.attributes) or "none"
        raise InvalidLabels(f"{label.name} has no attribute {name}; it has {known}")

    def proposable(self) -> tuple[LabelClass, ...]:
        """The classes that the machine may propose."""
        return tuple(label for label in self.classes if label.propose)

    def size_means(self) -> Floats:
        """(C, 3) mean length, width, height of the proposable classes, metres."""
        return np.array([label.size_mean for label in self.proposable()])

    def size_sds(self) -> Floats:
        """(C, 3) standard deviations of the same."""
        return np.array([label.size_sd for label in self.proposable()])

    def opacities(self) -> Floats:
        """(C,) how far the classes stop beams at their near faces."""
        return np.array([label.opaque for label in self.proposable()])


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def load_ontology(path: str | Path) -> Ontology:
    """Read an ontology from YAML.

    Raises:
        InvalidConfig: naming the file and the field, if it is absent or not an ontology.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidConfig(f"{path}: cannot be read ({error.strerror})") from error
    return parse_ontology(text, str(path))


def ready_made() -> tuple[str, ...]:
    """Names of the ontologies that come with the package."""
    files = resources.files("lidar_label").joinpath("ontologies").iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".yaml")))


def ready_made_text(name: str) -> str:
    """The YAML of an ontology that comes with the package.

    Raises:
        InvalidConfig: if there is none of that name.
    """
    if name not in ready_made():
        raise InvalidConfig(f"no ontology {name!r}; there are {', '.join(ready_made())}")
    return resources.files("lidar_label").joinpath(f"ontologies/{name}.yaml").read_text("utf-8")


def choices(ontology: Ontology) -> tuple[LabelClass, ...]:
    """All classes, and the ready-made ones of a kind of label that the ontology does not speak of.

    They are what people choose from; where an ontology has no class of a kind, any name is taken.
    """
    found = list(ontology.classes)
    for kind, name in ((CUBOID, "road"), (WINDOW, "activities")):
        if not ontology.of(kind).classes:
            found += parse_ontology(ready_made_text(name), f"{name}.yaml").of(kind).classes
    return tuple(found)


@cache
def road_ontology() -> Ontology:
    """The ontology by which the machine proposes: what stands and moves on roads."""
    return parse_ontology(ready_made_text("road"), "road.yaml")


def parse_ontology(text: str, source: str) -> Ontology:
    """An ontology from the text of a YAML file.

    Raises:
        InvalidConfig: naming the source and the field, if it is none.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InvalidConfig(f"{source}: not YAML ({line}{reason})") from error
    if not isinstance(content, dict) or not isinstance(content.get("classes"), list):
        raise InvalidConfig(f"{source}: no list `classes`; see lidar_label/ontologies/road.yaml")
    kind = str(content.get("kind", ""))
    classes = tuple(_parse_class(entry, kind, source) for entry in content["classes"])
    ontology = Ontology(str(content.get("name", "")), int(content.get("version", 1)), classes)
    for one in (CUBOID, WINDOW):
        _check_unique(ontology.of(one), source)
    return ontology


def _parse_class(entry: Any, usual_kind: str, source: str) -> LabelClass:
    if not isinstance(entry, dict) or "name" not in entry:
        raise InvalidConfig(f"{source}: a class without `name`: {entry!r}")
    name = str(entry["name"])
    known = {field.name for field in dataclasses.fields(LabelClass)} - {"size_mean", "size_sd"}
    unknown = set(entry) - known - {"size"}
    if unknown:
        raise InvalidConfig(f"{source}: class {name}: unknown field {sorted(unknown)[0]}")
    mean, sd = _parse_size(entry, f"{source}: class {name}")
    colour = str(entry.get("colour", "#9ca3af"))
    if not _COLOUR.fullmatch(colour):
        raise InvalidConfig(f"{source}: class {name}: colour {colour}; write it as #rrggbb")
    propose = bool(entry.get("propose", "size" in entry))
    if propose and "size" not in entry:
        raise InvalidConfig(f"{source}: class {name}: propose needs size, by which it is proposed")
    kind = str(entry.get("kind", usual_kind or (CUBOID if "size" in entry else "")))
    if kind not in {CUBOID, WINDOW, ""} or (kind == WINDOW and "size" in entry):
        what = "windows have no size" if kind == WINDOW else f"write {CUBOID} or {WINDOW}"
        raise InvalidConfig(f"{source}: class {name}: kind {kind}; {what}")
    attributes = parse_attributes(entry.get("attributes", {}), f"{source}: class {name}")
    return LabelClass(
        name=name,
        synonyms=tuple(map(str, entry.get("synonyms", ()))),
        size_mean=mean,
        size_sd=sd,
        colour=colour,
        key=str(entry.get("key", "")),
        guideline=str(entry.get("guideline", "")),
        picture=str(entry.get("picture", "")),
        attributes=attributes,
        opaque=float(entry.get("opaque", 1.0)),
        propose=propose,
        kind=kind,
    )


def _parse_size(entry: Any, place: str) -> tuple[_Size, _Size]:
    """Means and spreads; a class without a size (an activity, say) has none that is known."""
    if "size" not in entry:
        return (math.nan, math.nan, math.nan), (1.0, 1.0, 1.0)
    try:
        size = [tuple(map(float, entry["size"][axis])) for axis in _AXES]
        mean, sd = zip(*size, strict=True)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidConfig(
            f"{place}: size needs length, width, height, each [mean, sd] in metres"
        ) from error
    if min(mean) <= 0 or min(sd) <= 0:
        raise InvalidConfig(f"{place}: means and spreads of size must be > 0")
    return mean, sd


def _check_unique(ontology: Ontology, source: str) -> None:
    seen: dict[str, str] = {}
    for label in ontology.classes:
        for name in (label.name, *label.synonyms):
            other = seen.setdefault(_plain(name), label.name)
            if other != label.name:
                raise InvalidConfig(f"{source}: {name} names both {other} and {label.name}")
    keys: dict[str, str] = {}
    for label in ontology.classes:
        if label.key and keys.setdefault(label.key, label.name) != label.name:
            raise InvalidConfig(
                f"{source}: key {label.key} selects both {keys[label.key]} and {label.name}"
            )
