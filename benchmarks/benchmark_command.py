"""`lidar-label benchmark [NAME]`: our figures beside a peer's, each a ratio within one run.

A benchmark is a module of this folder with `run(data: Path | None) -> list[Row]`.
"""

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lidar_label.errors import UsageError

if TYPE_CHECKING:
    from lidar_label.benchmarks.rows import Row

    Run = Callable[[Path | None], list[Row]]

_BESIDE = Path("../shared/data")  # where real recordings stand beside a checkout


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="one of them; all when left out")
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"real recordings ({_BESIDE})")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--list", action="store_true", help="name the benchmarks and end")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    names = sorted(_modules())
    if arguments.list:
        print("\n".join(names))  # noqa: T201
        return 0
    if arguments.name and arguments.name not in names:
        raise UsageError(f"no benchmark {arguments.name}; there are {', '.join(names)}")
    data: Path | None = arguments.data or (_BESIDE if _BESIDE.is_dir() else None)
    if arguments.data and not arguments.data.is_dir():
        raise UsageError(f"{arguments.data}: no such folder")
    results: dict[str, list[Row]] = {}
    for name in [arguments.name] if arguments.name else names:
        print(f"measuring {name} …", file=sys.stderr)  # noqa: T201
        results[name] = _measure(name, data, optional=not arguments.name)
    if arguments.json:
        document = {
            "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
            "benchmarks": {name: [asdict(row) for row in rows] for name, rows in results.items()},
        }
        print(json.dumps(document, indent=1))  # noqa: T201
    else:
        for name, rows in results.items():
            print("\n".join(_table(name, rows)))  # noqa: T201
    return 0


def _modules() -> dict[str, str]:
    """Benchmark name → its module: every file of this folder that defines `run`."""
    here = Path(__file__).parent
    return {
        path.stem: f"lidar_label.benchmarks.{path.stem}"
        for path in sorted(here.glob("*.py"))
        if path != Path(__file__) and "\ndef run(data" in path.read_text(encoding="utf-8")
    }


def _measure(name: str, data: Path | None, *, optional: bool) -> "list[Row]":
    benchmark: Run = importlib.import_module(_modules()[name]).run
    try:
        with _stdout_to_stderr():  # peers written in C++ print there, past sys.stdout
            return benchmark(data)
    except UsageError as error:
        if not optional:
            raise
        print(f"{name} left out: {error}", file=sys.stderr)  # noqa: T201
        return []


@contextmanager
def _stdout_to_stderr() -> Generator[None]:
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _table(name: str, rows: "list[Row]") -> list[str]:
    lines = ["", name]
    for row in rows:
        peer = "–" if row.peer is None else f"{row.peer:.4g}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f} ×"
        line = f"  {row.name:<58} {row.ours:>9.4g} {row.unit:<5} {peer:>9} {ratio:>10}"
        lines.append(f"{line}  {row.peer_name}" if row.peer_name else line)
    notes = sorted({row.note for row in rows if row.note})
    return [*lines, *(f"  {note}" for note in notes)]
