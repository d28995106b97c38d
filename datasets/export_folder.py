"""An export's folder: complete or not there at all, with its conventions and losses in words."""

import json
import shutil
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.arrays import Mask
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.errors import UsageError

CONVENTIONS = "CONVENTIONS.txt"
NOT_EXPORTED = "NOT_EXPORTED.txt"
NOTHING_LOST = "Nothing: every column that the labels carry is in this export."
_FIRST_LINE = "Conventions of this export by Lidar Label"


def check_target(directory: Path, force: bool) -> None:
    """Refuse a folder that an export would damage.

    Raises:
        UsageError: if it holds anything, or with `force` anything but a former export.
    """
    if directory.is_file():
        raise UsageError(f"{directory}: is a file; name a folder")
    names = sorted(child.name for child in directory.iterdir()) if directory.is_dir() else []
    if not names:
        return
    if not force:
        raise UsageError(f"{directory}: is not empty; choose another folder or pass --force")
    former = _former_names(directory)
    foreign = [name for name in names if name not in former]
    if foreign:
        raise UsageError(
            f"{directory}: --force replaces former exports only, and this folder holds "
            f"{', '.join(foreign[:3])}{' …' if len(foreign) > 3 else ''}; choose another folder"
        )


def write_folder(
    directory: Path,
    fill: Callable[[Path], tuple[str, Iterable[str]]],
    *,
    force: bool = False,
) -> list[Path]:
    """Have `fill` write into a partial folder beside `directory`, then give it that name.

    Args:
        directory: The final folder.
        fill: Writes the files; returns the text on conventions and the lines on what was lost.
        force: Replace a former export.

    Returns:
        All files, by name.

    Raises:
        UsageError: if the folder may not be replaced.
    """
    directory = directory.resolve()
    check_target(directory, force)
    partial = directory.with_name(directory.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        conventions, lost = fill(partial)
        lines = list(lost) or [NOTHING_LOST]
        (partial / NOT_EXPORTED).write_text("\n".join(lines) + "\n", encoding="utf-8")
        names = sorted({child.name for child in partial.iterdir()} | {CONVENTIONS})
        text = f"{_FIRST_LINE}\n\n{conventions.strip()}\n\nIn this folder: {', '.join(names)}\n"
        (partial / CONVENTIONS).write_text(text, encoding="utf-8")
        _replace(directory, partial)
    except OSError as error:
        raise UsageError(f"{directory}: cannot be written ({error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return sorted(path for path in directory.rglob("*") if path.is_file())


def not_exported(
    cuboids: Cuboids, held: Collection[str], kept_keys: Collection[str] = ()
) -> list[str]:
    """One line for each column that carries something and is not among those `held`.

    Args:
        cuboids: The labels.
        held: Columns that the format holds.
        kept_keys: Attributes that it holds; all if "attributes" is among `held`.
    """
    lines = [
        f"{name}: carried by {int(rows.sum())} of {len(cuboids)} cuboids; no place for it"
        for name, rows in carries(cuboids).items()
        if name not in held and rows.any()
    ]
    if "attributes" not in held:
        lost = _lost_keys(cuboids.attributes.tolist(), kept_keys)
        lines += [
            f"attribute {key!r}: carried by {count} of {len(cuboids)} cuboids; no place for it"
            for key, count in sorted(lost.items())
        ]
    return lines


def carries(cuboids: Cuboids) -> dict[str, Mask]:
    """Column → (N,) bool: the rows that say something in it; those that always do are not here."""
    return {
        "time_ns": cuboids.time_ns != 0,
        "track_id": cuboids.track_id >= 0,
        "pitch": cuboids.pitch != 0,
        "roll": cuboids.roll != 0,
        "score": np.isfinite(cuboids.score),
        "num_points": cuboids.num_points >= 0,
        "residual": np.isfinite(cuboids.residual),
        "velocity": np.asarray(np.isfinite(cuboids.velocity).any(axis=1)),
        "reason": cuboids.reason.astype(np.bool_),
        "source_id": cuboids.source_id.astype(np.bool_),
    }


def _lost_keys(attributes: Iterable[str], kept: Collection[str]) -> dict[str, int]:
    lost: dict[str, int] = {}
    for text in attributes:
        try:
            found: Any = json.loads(text) if text else {}
        except json.JSONDecodeError:
            found = None
        keys = [str(key) for key in found] if isinstance(found, dict) else ["(not a JSON object)"]
        for key in keys:
            if key not in kept:
                lost[key] = lost.get(key, 0) + 1
    return lost


def is_export(directory: Path) -> bool:
    """Whether the folder is an export of ours."""
    return bool(_former_names(directory))


def _former_names(directory: Path) -> set[str]:
    """What a former export of ours put into the folder; nothing if there was none."""
    try:
        lines = (directory / CONVENTIONS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return set()
    if not lines or lines[0] != _FIRST_LINE:
        return set()
    mark = "In this folder: "
    return {
        name for line in lines if line.startswith(mark) for name in line[len(mark) :].split(", ")
    }


def _replace(directory: Path, partial: Path) -> None:
    """Give `partial` the name of `directory`; a former export is kept until that has worked."""
    if not directory.exists():
        partial.rename(directory)
        return
    former = directory.with_name(directory.name + ".former")
    shutil.rmtree(former, ignore_errors=True)
    directory.rename(former)
    try:
        partial.rename(directory)
    except BaseException:
        former.rename(directory)
        raise
    shutil.rmtree(former, ignore_errors=True)
