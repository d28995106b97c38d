"""Imports point only to the left: kernels ← calibration ← datasets ← lidar_label ← viewers."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ("kernels", "calibration", "datasets", "lidar_label", "viewers", "benchmarks")
FOUNDATION = {"lidar_label.errors", "lidar_label.arrays"}  # import nothing of ours


def modules() -> list[Path]:
    return sorted(path for folder in HOUSE for path in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import in line {node.lineno}"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def folder_of(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] != "lidar_label" or module in FOUNDATION or module == "lidar_label.__version__":
        return None
    if any(module.startswith(name + ".") for name in FOUNDATION):
        return None
    if len(parts) > 1 and parts[1] in HOUSE and parts[1] != "lidar_label":
        return parts[1]
    return "lidar_label" if len(parts) > 1 else None


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_left(path: Path) -> None:
    here = HOUSE.index(path.relative_to(ROOT).parts[0])
    foundation = "lidar_label." + path.stem in FOUNDATION
    for module in imported(path):
        assert module.split(".")[0] not in set(HOUSE) - {"lidar_label"}, (
            f"{path}: import {module} by its installed name, lidar_label.{module}"
        )
        folder = folder_of(module)
        assert not (foundation and folder), f"{path} is foundation and imports {module}"
        if folder:
            assert HOUSE.index(folder) <= here, f"{path} imports {module}: an arrow to the right"


def test_the_check_sees_an_arrow_to_the_right() -> None:
    assert folder_of("lidar_label.viewers.report") == "viewers"
    assert folder_of("lidar_label.proposals.propose") == "lidar_label"
    assert folder_of("lidar_label.errors.InvalidPoints") is None
    assert HOUSE.index("viewers") > HOUSE.index("kernels")
