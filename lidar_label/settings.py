"""Settings from YAML, TOML or JSON into frozen config dataclasses; errors name the key."""

import dataclasses
import difflib
import json
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from lidar_label.errors import InvalidConfig, LidarLabelError

D = TypeVar("D")


def read_settings_file(path: str | Path) -> dict[str, Any]:
    """The mapping that a .yaml, .yml, .toml or .json file holds.

    Raises:
        InvalidConfig: naming the file, if it is absent, damaged or not a mapping.
    """
    path = Path(path)
    try:
        content = _parse(path.read_text(encoding="utf-8"), path.suffix.lower())
    except OSError as error:
        raise InvalidConfig(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # TOML, JSON and Unicode errors are ValueErrors
        raise InvalidConfig(f"{path}: {_one_line(error)}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InvalidConfig(f"{path}: holds a {type(content).__name__}; write `key: value` lines")
    return {str(key): value for key, value in content.items()}


def _parse(text: str, suffix: str) -> Any:
    if suffix == ".toml":
        return tomllib.loads(text)
    if suffix == ".json":
        return json.loads(text)
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(error) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def settings(kind: type[D], values: Mapping[str, Any], where: str, prefix: str = "") -> D:
    """A config dataclass with `values` in place of its defaults; nested mappings for nested ones.

    Args:
        kind: A dataclass whose fields all have defaults.
        values: Field → value.
        where: The file or source, for errors.
        prefix: Keys that lead to this mapping, for errors.

    Raises:
        InvalidConfig: naming the key and the nearest known one, or the key and its value.
    """
    hints = typing.get_type_hints(kind)
    fields = {field.name for field in dataclasses.fields(kind) if field.init}  # type: ignore[arg-type]
    chosen: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            raise InvalidConfig(f"{where}: unknown setting {prefix}{key}{nearest(key, fields)}")
        chosen[key] = _setting(hints[key], value, where, f"{prefix}{key}")
    try:
        return kind(**chosen)
    except LidarLabelError as error:
        raise InvalidConfig(f"{where}: {error}") from error


def _setting(hint: Any, value: Any, where: str, name: str) -> Any:
    inner = _dataclass_in(hint)
    if inner is not None and isinstance(value, Mapping):
        entries = typing.cast(Mapping[Any, Any], value)
        return settings(inner, {str(k): v for k, v in entries.items()}, where, f"{name}.")
    if inner is not None and typing.get_origin(hint) is tuple and isinstance(value, list):
        rows = typing.cast(list[Any], value)
        return tuple(_setting(inner, row, where, f"{name}[{i}]") for i, row in enumerate(rows))
    return _checked(hint, value, f"{where}: {name}")


def nearest(word: str, known: set[str]) -> str:
    """The end of an error about an unknown word: what may have been meant, or what there is."""
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(sorted(known))}"


def _dataclass_in(hint: Any) -> Any:
    """The dataclass that `hint` is or may be (`Config | None`), else None."""
    options = (hint, *typing.get_args(hint))
    return next((o for o in options if isinstance(o, type) and dataclasses.is_dataclass(o)), None)


def _checked(hint: Any, value: Any, name: str) -> Any:
    from pydantic import ConfigDict, TypeAdapter, ValidationError
    from pydantic.errors import PydanticUserError

    try:
        adapter = TypeAdapter[Any](hint, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:  # a dataclass brings its own configuration
        adapter = TypeAdapter[Any](hint)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidConfig(f"{name} = {value!r}: {first['msg'].lower()}") from error
