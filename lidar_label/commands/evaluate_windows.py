"""`lidar-label evaluate` on windows of activities: over time, by segment, by class, by person."""

import argparse
import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lidar_label.errors import InvalidLabels, UsageError

if TYPE_CHECKING:
    from lidar_label.activity_evaluation import ActivityEvaluation

_FIGURES = (
    "accuracy", "macro_f1", "boundary_f1", "boundary_f1_2s", "boundary_error_s", "covering",
    "edit_score", "segment_f1_1s",
)  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Compare files or folders of windows; 1 when a requirement is not met."""
    from lidar_label.activity_evaluation import evaluate_windows
    from lidar_label.window_files import read_tags

    pairs = _pairs(Path(arguments.labels), Path(arguments.truth))
    results: dict[str, ActivityEvaluation] = {}
    for labels, truth in pairs:
        try:
            results[labels.stem] = evaluate_windows(read_tags(labels), read_tags(truth))
        except InvalidLabels as error:
            text = str(error)
            raise InvalidLabels(
                text if str(truth) in text or str(labels) in text else f"{truth}: {text}"
            ) from error
    rows = {name: _flat(result) for name, result in results.items()}
    whole = _mean(list(rows.values()))
    people = _people(rows, arguments.person) if arguments.person else {}
    answers = [_answer(text, whole) for text in arguments.require]
    if arguments.json:
        document = {
            "labels": arguments.labels,
            "truth": arguments.truth,
            "mean": whole,
            "spread": _spread(list(rows.values())),
            "recordings": rows,
            "people": people,
            "requirements": [
                {"requirement": text, "value": value, "minimum": minimum, "met": met}
                for text, value, minimum, met in answers
            ],
        }
        print(json.dumps(_plain(document), indent=1, allow_nan=False))  # noqa: T201
    else:
        print("\n".join(_lines(rows, whole, people)))  # noqa: T201
        for text, value, _, met in answers:
            print(f"{'met    ' if met else 'NOT MET'}  {text}: {value:.3f}")  # noqa: T201
    return 0 if all(met for *_, met in answers) else 1


def _pairs(labels: Path, truth: Path) -> list[tuple[Path, Path]]:
    """The files to compare: one with one, or those of the same name in two folders."""
    from lidar_label.window_files import holds_windows

    if labels.is_dir() != truth.is_dir():
        raise UsageError(f"{labels} and {truth}: give two files or two folders")
    if not labels.is_dir():
        return [(labels, truth)]
    true = {file.name.split(".")[0]: file for file in sorted(truth.iterdir()) if file.is_file()}
    found = [file for file in sorted(labels.iterdir()) if file.is_file() and holds_windows(file)]
    pairs = [(f, true[f.name.split(".")[0]]) for f in found if f.name.split(".")[0] in true]
    if not pairs:
        raise UsageError(f"{labels} and {truth}: no two files share a name")
    return pairs


def _flat(result: "ActivityEvaluation") -> dict[str, float]:
    """Every figure under one name: `macro_f1`, `segment_f1@50`, `f1/walking`."""
    content: dict[str, Any] = dataclasses.asdict(result)
    flat: dict[str, float] = {name: float(content[name]) for name in _FIGURES}
    for overlap, value in result.segment_f1.items():
        flat[f"segment_f1@{round(float(overlap) * 100)}"] = value
    for figure in ("f1", "precision", "recall", "seconds"):
        for name, value in content[f"class_{figure}"].items():
            flat[f"{figure}/{name}"] = float(value)
    return flat


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean(_known(rows, name))) for name in _names(rows)}


def _spread(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.std(_known(rows, name))) for name in _names(rows)}


def _names(rows: list[dict[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _known(rows: list[dict[str, float]], name: str) -> list[float]:
    known = [row[name] for row in rows if name in row and np.isfinite(row[name])]
    return known or [float("nan")]


def _people(rows: dict[str, dict[str, float]], pattern: str) -> dict[str, dict[str, float]]:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--person {pattern}: not a regular expression ({error})") from None
    groups: dict[str, list[dict[str, float]]] = {}
    for name, row in rows.items():
        match = expression.search(name)
        if match is None:
            raise UsageError(f"--person {pattern}: does not match the file name {name}")
        groups.setdefault(match.group(0), []).append(row)
    return {person: _mean(own) for person, own in groups.items()}


def _answer(text: str, whole: dict[str, float]) -> tuple[str, float, float, bool]:
    name, equals, least = text.replace(">=", "=").partition("=")
    try:
        minimum = float(least)
    except ValueError:
        equals, minimum = "", 0.0
    if not equals or name not in whole:
        raise UsageError(
            f"--require {text}: write FIGURE=MINIMUM with FIGURE one of {', '.join(whole)}"
        )
    return text, whole[name], minimum, bool(whole[name] >= minimum)


def _lines(
    rows: dict[str, dict[str, float]],
    whole: dict[str, float],
    people: dict[str, dict[str, float]],
) -> list[str]:
    spread = _spread(list(rows.values()))
    several = len(rows) > 1
    lines = [f"{len(rows)} recording{'s' if several else ''}"]
    for name, value in whole.items():
        if "/" not in name:
            margin = f" ± {spread[name]:.3f}" if several else ""
            lines.append(f"  {name:<28}{_number(value)}{margin}")
    classes = [name.removeprefix("f1/") for name in whole if name.startswith("f1/")]
    lines.append(f"  {'class':<28}     F1  precis  recall  seconds")
    for name in classes:
        figures = " ".join(_number(whole[f"{f}/{name}"]) for f in ("f1", "precision", "recall"))
        lines.append(f"  {name:<28}{figures} {whole[f'seconds/{name}']:8.1f}")
    for title, group in (("recording", rows if several else {}), ("person", people)):
        if group:
            lines.append(f"  {title:<28}acc     macro-F1  covering  boundary-F1")
        for name, row in group.items():
            keys = ("accuracy", "macro_f1", "covering", "boundary_f1")
            lines.append(f"  {name:<28}" + "  ".join(_number(row[key]) for key in keys))
    return lines


def _number(value: float) -> str:
    return "     –" if value != value else f"{value:7.3f}"


def _plain(content: Any) -> Any:
    """NaN is not JSON: None in its place."""
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_plain(value) for value in content]
    return None if isinstance(content, float) and content != content else content
