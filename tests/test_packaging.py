"""The five folders install as one package, whole, and run from a wheel, a checkout and `-m`."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
FOLDERS = SETUPTOOLS["package-dir"]


def run(*command: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)  # type: ignore[call-overload]


def sources() -> dict[str, Path]:
    """Installed path → file of everything that should be in the wheel."""
    found = {}
    for top, package in (
        (ROOT / folder, package) for package, folder in FOLDERS.items() if "/" not in folder
    ):
        for path in top.rglob("*"):
            wanted = path.suffix in {".py", ".yaml", ".html", ".css", ".typed"}
            if wanted and "editor" not in path.parts:
                found[str(Path(*package.split("."), path.relative_to(top)))] = path
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the checkout, so that the checkout stays as it was."""
    place = tmp_path_factory.mktemp("wheel")
    copy = place / "source"
    ignore = shutil.ignore_patterns(
        ".git", ".venv", "build", "out", "*.egg-info", "__pycache__", "node_modules"
    )
    shutil.copytree(ROOT, copy, ignore=ignore)
    built = run(
        sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation",
        "--quiet", "--wheel-dir", str(place), str(copy),
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    return next(place.glob("*.whl"))


def test_every_package_folder_is_listed() -> None:
    for top in ("lidar_label", "kernels", "calibration", "datasets", "viewers", "benchmarks"):
        for init in (ROOT / top).rglob("__init__.py"):
            folder = str(init.parent.relative_to(ROOT))
            package = "lidar_label" if folder == "lidar_label" else folder.replace("/", ".")
            if not package.startswith("lidar_label"):
                package = "lidar_label." + package
            assert package in SETUPTOOLS["packages"], f"{folder} is not in pyproject's packages"


def test_wheel_holds_every_source_file(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    missing = [name for name in sources() if name not in inside]
    assert not missing


def test_wheel_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import lidar_label, lidar_label.kernels.boxes as b, lidar_label.datasets.cuboids;"
        "print(lidar_label.__file__, b.__file__)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = run(sys.executable, "-c", code, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(str(tmp_path / "site")) == 2


def test_checkout_runs_without_installation(tmp_path: Path) -> None:
    for name in (*FOLDERS.values(), "pyproject.toml"):
        if "/" not in name:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(
                    source,
                    tmp_path / name,
                    ignore=shutil.ignore_patterns("__pycache__", "node_modules"),
                )
            else:
                shutil.copy(source, tmp_path / name)
    done = run(sys.executable, "-m", "lidar_label", "--version", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    code = "import lidar_label.kernels.jit as j; print(j.__file__)"
    done = run(sys.executable, "-c", code, cwd=tmp_path)
    assert done.stdout.strip() == str(tmp_path / "kernels" / "jit.py")
