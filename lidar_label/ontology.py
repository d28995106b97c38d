"""Classes: their names and synonyms, sizes, colours, keys and written guidelines, versioned."""

import dataclasses
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from lidar_label.arrays import Floats
from lidar_label.errors import InvalidConfig

_AXES = ("length", "width", "height")


@dataclass(frozen=True)
class LabelClass:
    """One class of an ontology.

    Attributes:
        name: As written in labels.
        synonyms: Other names of the same thing, of other data sets.
        size_mean: Length, width, height in metres.
        size_sd: Their standard deviations in metres.
        colour: `#rrggbb`.
        key: The keyboard key that selects it.
        guideline: One or two sentences for the people who label.
        attributes: Name → allowed values.
        opaque: 1 where beams stop on the near faces, 0 where they reach the middle of the object.
        propose: Whether the machine may propose it.
    """

    name: str
    synonyms: tuple[str, ...]
    size_mean: tuple[float, float, float]
    size_sd: tuple[float, float, float]
    colour: str = "#9ca3af"
    key: str = ""
    guideline: str = ""
    attributes: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    opaque: float = 1.0
    propose: bool = True


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

    def find(self, name: str) -> LabelClass | None:
        """The class called `name` or one of its synonyms; spelling of case, spaces, - is free."""
        wanted = _plain(name)
        for label in self.classes:
            if wanted == _plain(label.name) or wanted in map(_plain, label.synonyms):
                return label
        return None

    def canonical(self, name: str) -> str:
        """The ontology's name for `name`; `name` itself when the ontology does not know it."""
        label = self.find(name)
        return label.name if label else name

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
    return _parse(text, str(path))


@cache
def road_ontology() -> Ontology:
    """The ontology that comes with the package: what stands and moves on roads."""
    text = resources.files("lidar_label").joinpath("ontologies/road.yaml").read_text("utf-8")
    return _parse(text, "road.yaml")


def _parse(text: str, source: str) -> Ontology:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidConfig(f"{source}: not YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict) or not isinstance(content.get("classes"), list):
        raise InvalidConfig(f"{source}: no list `classes`; see lidar_label/ontologies/road.yaml")
    classes = tuple(_parse_class(entry, source) for entry in content["classes"])
    ontology = Ontology(str(content.get("name", "")), int(content.get("version", 1)), classes)
    _check_unique(ontology, source)
    return ontology


def _parse_class(entry: Any, source: str) -> LabelClass:
    if not isinstance(entry, dict) or "name" not in entry:
        raise InvalidConfig(f"{source}: a class without `name`: {entry!r}")
    name = str(entry["name"])
    known = {field.name for field in dataclasses.fields(LabelClass)} - {"size_mean", "size_sd"}
    unknown = set(entry) - known - {"size"}
    if unknown:
        raise InvalidConfig(f"{source}: class {name}: unknown field {sorted(unknown)[0]}")
    try:
        size = [tuple(map(float, entry["size"][axis])) for axis in _AXES]
        mean, sd = zip(*size, strict=True)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidConfig(
            f"{source}: class {name}: size needs length, width, height, each [mean, sd] in metres"
        ) from error
    if min(mean) <= 0 or min(sd) <= 0:
        raise InvalidConfig(f"{source}: class {name}: means and spreads of size must be > 0")
    attributes = tuple((key, tuple(values)) for key, values in entry.get("attributes", {}).items())
    return LabelClass(
        name=name,
        synonyms=tuple(map(str, entry.get("synonyms", ()))),
        size_mean=mean,
        size_sd=sd,
        colour=str(entry.get("colour", "#9ca3af")),
        key=str(entry.get("key", "")),
        guideline=str(entry.get("guideline", "")),
        attributes=attributes,
        opaque=float(entry.get("opaque", 1.0)),
        propose=bool(entry.get("propose", True)),
    )


def _check_unique(ontology: Ontology, source: str) -> None:
    seen: dict[str, str] = {}
    for label in ontology.classes:
        for name in (label.name, *label.synonyms):
            other = seen.setdefault(_plain(name), label.name)
            if other != label.name:
                raise InvalidConfig(f"{source}: {name} names both {other} and {label.name}")
