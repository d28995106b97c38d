"""What else an ontology says of an object: attributes with a type, for its life or for a moment."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lidar_label.errors import InvalidConfig, InvalidLabels

CHOICE: Final = "choice"
FLAG: Final = "flag"
NUMBER: Final = "number"
TEXT: Final = "text"
_TYPES = (CHOICE, FLAG, NUMBER, TEXT)
_SCOPES = ("track", "cuboid", "window")
_FIELDS = {"type", "values", "default", "scope", "min", "max", "unit", "guideline", "key"}
_LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Attribute:
    """One attribute of a class.

    Attributes:
        name: As written in labels.
        type: `choice` of `values`, `flag`, `number` within `minimum` and `maximum`, or `text`.
        values: Of a choice.
        default: What holds where nothing is said; None: nothing does.
        scope: `track`: the same for all frames of an object; `cuboid`: frame by frame; `window`.
        minimum: Least number.
        maximum: Greatest number.
        unit: Of a number, to be shown.
        guideline: A sentence for the people who label.
        key: The keyboard key that changes it.
    """

    name: str
    type: str
    values: tuple[Any, ...] = ()
    default: Any = None
    scope: str = "track"
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    guideline: str = ""
    key: str = ""

    def checked(self, value: Any, scope: str) -> Any:
        """The value as it is kept.

        Raises:
            InvalidLabels: if it is none that the attribute may have, or of the wrong scope.
        """
        if self.scope != scope:
            raise InvalidLabels(f"{self.name} is set on a {self.scope}, not on a {scope}")
        if self.type == CHOICE and value not in self.values:
            allowed = ", ".join(map(str, self.values))
            raise InvalidLabels(f"{self.name} is {value!r}; give one of {allowed}")
        if self.type == FLAG and not isinstance(value, bool):
            raise InvalidLabels(f"{self.name} is {value!r}; give true or false")
        if self.type == TEXT and (not isinstance(value, str) or len(value) > _LONGEST_TEXT):
            raise InvalidLabels(f"{self.name} is no text of up to {_LONGEST_TEXT} characters")
        if self.type == NUMBER:
            return self._number(value)
        return value

    def _number(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidLabels(f"{self.name} is {value!r}; give a number")
        least = -math.inf if self.minimum is None else self.minimum
        most = math.inf if self.maximum is None else self.maximum
        if not math.isfinite(value) or not least <= value <= most:
            raise InvalidLabels(f"{self.name} is {value}; give one from {least:g} to {most:g}")
        return float(value)


def parse_attributes(entries: Any, place: str) -> tuple[Attribute, ...]:
    """From YAML: name → list of values, or name → {type, values, default, scope, …}.

    Raises:
        InvalidConfig: beginning with `place`, if one is not an attribute.
    """
    if not isinstance(entries, Mapping):
        raise InvalidConfig(f"{place}: attributes are not an object of names")
    return tuple(_parse(str(name), entry, f"{place}: {name}") for name, entry in entries.items())


def _parse(name: str, entry: Any, place: str) -> Attribute:
    if isinstance(entry, list):
        entry = {"values": entry}
    if not isinstance(entry, Mapping):
        raise InvalidConfig(f"{place}: give a list of values, or an object with `type`")
    unknown = set(entry) - _FIELDS
    if unknown:
        raise InvalidConfig(f"{place}: unknown field {min(map(str, unknown))}")
    values = tuple(entry.get("values", ()))
    of_flags = len(values) == 2 and set(values) == {True, False}
    kind = str(entry.get("type", FLAG if of_flags else CHOICE))
    scope = str(entry.get("scope", "track"))
    if kind not in _TYPES or scope not in _SCOPES:
        raise InvalidConfig(
            f"{place}: type {kind}, scope {scope}; types are {', '.join(_TYPES)}, "
            f"scopes {', '.join(_SCOPES)}"
        )
    if kind == CHOICE and len(set(values)) < 2:
        raise InvalidConfig(f"{place}: a choice needs `values`, at least two different ones")
    bounds = [entry.get(name) for name in ("min", "max")]
    attribute = Attribute(
        name=name,
        type=kind,
        values=values if kind == CHOICE else (),
        default=entry.get("default"),
        scope=scope,
        minimum=None if bounds[0] is None else float(bounds[0]),
        maximum=None if bounds[1] is None else float(bounds[1]),
        unit=str(entry.get("unit", "")),
        guideline=str(entry.get("guideline", "")),
        key=str(entry.get("key", "")),
    )
    if attribute.default is not None:
        try:
            attribute.checked(attribute.default, scope)
        except InvalidLabels as error:
            raise InvalidConfig(f"{place}: default: {error}") from error
    return attribute
