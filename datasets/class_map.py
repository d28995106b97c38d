"""Classes renamed or left out on the way into an export, and what became of each."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.intake import read_text, texts
from lidar_label.errors import UsageError


def read_class_map(text: str) -> dict[str, str]:
    """Class → its name in the export, "" to leave it out.

    Args:
        text: `a=b,c=d`, or a YAML file of lines `a: b`.

    Raises:
        UsageError: naming what is neither.
    """
    path = Path(text)
    if path.is_file():
        return _from_yaml(path)
    entries: dict[str, str] = {}
    for entry in text.split(","):
        name, sign, wanted = (part.strip() for part in entry.partition("="))
        if not (sign and name):
            raise UsageError(
                f"--map-classes: {entry!r} is no file and no name=name; write Car=car,dog= "
                "(leave out), or give a YAML file of such pairs"
            )
        entries[name] = wanted
    return entries


def map_classes(cuboids: Cuboids, class_map: Mapping[str, str]) -> tuple[Cuboids, list[str]]:
    """Cuboids by their new names, and one line a class on what became of it.

    A class that is not in the map keeps its name.
    """
    lines: list[str] = []
    for name, count in sorted(Counter(cuboids.category.tolist()).items()):
        rows = f"{count} rows"
        if name not in class_map:
            lines.append(f"category {name!r}: not in --map-classes, written as it is, {rows}")
        elif not class_map[name]:
            lines.append(f"category {name!r}: left out by --map-classes, {rows}")
        elif class_map[name] != name:
            lines.append(f"category {name!r}: written as {class_map[name]!r}, {rows}")
    absent = sorted(set(class_map) - set(cuboids.category.tolist()))
    lines += [f"category {name!r}: in --map-classes, but no label has it" for name in absent]
    kept = cuboids.select(np.array([class_map.get(n, n) != "" for n in cuboids.category], bool))
    return kept.replace(category=texts(class_map.get(n, n) for n in kept.category)), lines


def _from_yaml(path: Path) -> dict[str, str]:
    try:
        found: Any = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path}: not a YAML file of classes ({reason})") from error
    if not isinstance(found, dict) or not all(
        isinstance(value, str | None) for value in found.values()
    ):
        raise UsageError(f"{path}: not lines `class: its name in the export`; correct the file")
    return {str(name): str(value or "") for name, value in found.items()}
