"""Reads what a request says, field by field, and says in one line what is wrong with it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lidar_label.errors import InvalidEdit, InvalidLabels
from lidar_label.ontology import CUBOID, WINDOW, Ontology
from lidar_label.store.draft import Setting
from lidar_label.store.edits import EditRequest
from lidar_label.store.rows import as_json

BOX = ("x", "y", "z", "length", "width", "height", "yaw", "pitch", "roll")
SIZE = ("length", "width", "height")
_MOST_M = 1e7  # farther than any place from its recording's origin


@dataclass(frozen=True)
class Asked:
    """The payload of one request."""

    request: EditRequest
    setting: Setting

    def wrong(self, name: str, what: str) -> InvalidEdit:
        """The error for a field."""
        return InvalidEdit(f"{self.request.operation}: {name} {what}")

    def has(self, name: str) -> bool:
        """True when the field is there and not null."""
        return self.request.payload.get(name) is not None

    def only(self, *names: str) -> None:
        """No other fields than these (and `reason`, which every edit may carry)."""
        for name in self.request.payload:
            if name not in names and name != "reason":
                known = ", ".join(names) or "nothing"
                raise self.wrong(f"payload.{name}", f"is unknown; it takes {known}")

    def value(self, name: str) -> Any:
        """A field that must be there."""
        if not self.has(name):
            raise self.wrong(f"payload.{name}", "is missing")
        return self.request.payload[name]

    def text(self, name: str, default: str | None = None) -> str:
        """A field of text."""
        value = self.value(name) if default is None or self.has(name) else default
        if not isinstance(value, str):
            raise self.wrong(f"payload.{name}", f"is {value!r}; give text")
        return value

    def choice(self, name: str, among: tuple[str, ...], default: str) -> str:
        """A field of few values."""
        value = self.text(name, default)
        if value not in among:
            raise self.wrong(f"payload.{name}", f"is {value!r}; give one of {', '.join(among)}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """A field of true or false."""
        value = self.request.payload.get(name, default)
        if not isinstance(value, bool):
            raise self.wrong(f"payload.{name}", f"is {value!r}; give true or false")
        return value

    def number(self, name: str) -> float:
        """A field with a finite number."""
        return self.finite(self.value(name), f"payload.{name}")

    def finite(self, value: Any, name: str) -> float:
        """A finite number within ±10⁷."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, f"is {value!r}; give a number")
        if not math.isfinite(value) or abs(value) > _MOST_M:
            raise self.wrong(name, f"is {value}; give a finite number within ±10⁷")
        return float(value) + 0.0  # −0.0 becomes 0.0, as SQLite keeps it

    def integer(self, name: str) -> int:
        """A whole number; decimal text too, since JavaScript cannot say int64."""
        return self.whole(self.value(name), f"payload.{name}")

    def whole(self, value: Any, name: str) -> int:
        """A whole number that fits 64 bits."""
        if isinstance(value, str) and value.removeprefix("-").isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
            raise self.wrong(name, f"is {value!r}; give a whole number")
        return value

    def frame(self, value: Any = None, name: str = "frame") -> int:
        """A frame of the recording; the request's own when no value is given."""
        if value is None:
            value = self.request.frame
        if value is None:
            raise self.wrong(name, "is missing")
        number = self.whole(value, name)
        if not 0 <= number < self.setting.frames:
            raise self.wrong(name, f"is {number}; frames go from 0 to {self.setting.frames - 1}")
        return number

    def frame_list(self, name: str) -> list[int]:
        """A field with a list of different frames, in order."""
        value = self.value(name)
        if not isinstance(value, list | tuple) or not value:
            raise self.wrong(f"payload.{name}", f"is {value!r}; give a list of frames")
        return sorted({self.frame(one, f"payload.{name}") for one in value})

    def object(self, value: Any, name: str) -> Mapping[str, Any]:
        """An object."""
        if not isinstance(value, Mapping):
            raise self.wrong(name, f"is {value!r}; give an object")
        return value

    def box(self, value: Any, name: str = "payload.box") -> dict[str, float]:
        """The parameters of a box that are given; yaw in (−π, π], sizes above 0."""
        box: dict[str, float] = {}
        for key, one in self.object(value, name).items():
            if key not in BOX:
                raise self.wrong(f"{name}.{key}", f"is unknown; a box has {' '.join(BOX)}")
            box[key] = self.finite(one, f"{name}.{key}")
            if key in SIZE and box[key] <= 0:
                raise self.wrong(f"{name}.{key}", f"is {one}; sizes are above 0 m")
        if "yaw" in box:
            box["yaw"] = wrapped(box["yaw"])
        return box

    def category(self, name: str = "category") -> tuple[str, int]:
        """The ontology's name of the class, and the ontology's version."""
        wanted = self.text(name)
        ontology = self._ontology()
        found = ontology.find(wanted)
        if found is None and ontology.classes:
            raise self.wrong(
                f"payload.{name}",
                f"is {wanted!r}, which {ontology.name} v{ontology.version} does not know; "
                f"give one of {', '.join(ontology.names)}",
            )
        return (found.name if found else wanted), ontology.version

    def attributes(self, category: str, given: Any, scope: str) -> dict[str, Any]:
        """The attributes that are given, checked against the class; null takes one away.

        `scope` is "track" or "cuboid": some attributes hold for an object, some for a moment.
        """
        ontology = self._ontology()
        try:
            return {
                name: None if value is None else ontology.checked(category, name, value, scope)
                for name, value in self.object(given or {}, "payload.attributes").items()
            }
        except InvalidLabels as error:
            raise self.wrong("payload.attributes", f"does not hold: {error}") from error

    def _ontology(self) -> Ontology:
        """The classes of what the request is about."""
        window = self.request.operation.startswith("window_")
        return self.setting.ontology().of(WINDOW if window else CUBOID)


def wrapped(angle: float) -> float:
    """Radians in (−π, π]."""
    if -math.pi < angle <= math.pi:
        return angle
    return math.pi - (math.pi - angle) % (2 * math.pi)


def merged(attributes: str, given: Mapping[str, Any]) -> str:
    """A JSON object of attributes with some set, and those given as null taken away."""
    values = {**(json.loads(attributes) if attributes else {}), **given}
    return as_json({name: value for name, value in values.items() if value is not None})
