"""Compiled kernels are found again wherever they can be kept, and kernels run where they cannot."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import lidar_label
from lidar_label.kernels import jit, kernel_cache

CALLER = """
from lidar_label.kernels.callee import add
from lidar_label.kernels.jit import kernel

@kernel
def twice(x):
    return 2 * add(x)
"""
CALLEE = """
from lidar_label.kernels.jit import simd_kernel

@simd_kernel
def add(x):
    return x + {}
"""
RUN = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from lidar_label.kernels.caller import twice
answer = twice(20)
print(answer, sum(twice.stats.cache_hits.values()) if hasattr(twice, "stats") else "off")
"""


@pytest.fixture
def site():
    """A copy of the package's foundation with a kernel that calls another, as installed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # any user may read
        yield lay_out(Path(folder))


def lay_out(root):
    package = root / "site" / "lidar_label"
    (package / "kernels").mkdir(parents=True)
    source = Path(lidar_label.__file__).parent
    for name in ("__init__.py", "errors.py", "arrays.py"):
        shutil.copy(source / name, package)
    for module in (jit, kernel_cache):
        shutil.copy(module.__file__, package / "kernels")
    (package / "kernels" / "__init__.py").touch()
    (package / "kernels" / "caller.py").write_text(CALLER)
    (package / "kernels" / "callee.py").write_text(CALLEE.format(1))
    for folder in ("home", "temporary"):
        (root / folder).mkdir()
    return root


def run(site, *, user=(), **variables):
    """Call the kernel in a new process: its answer, and how often the cache was hit."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(site / "site"),
        "HOME": str(site / "home"),
        "PYTHONDONTWRITEBYTECODE": "1",
        **variables,
    }
    done = subprocess.run(
        [*user, sys.executable, "-c", RUN, str(site / "temporary")],
        env=environment, cwd=site, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return tuple(done.stdout.split())


def block(path):
    """Put a file where a folder would be made: even root cannot write into it."""
    shutil.rmtree(path, ignore_errors=True)
    path.write_text("not a folder")


def kept(folder):
    return sorted(folder.rglob("*.nbc"))


def test_kept_beside_the_code_until_a_kernel_it_calls_changes(site):
    kernels = site / "site" / "lidar_label" / "kernels"
    assert run(site) == ("42", "0")
    assert run(site) == ("42", "1")
    assert len(kept(kernels / "__pycache__")) == 2
    (kernels / "callee.py").write_text(CALLEE.format(2))
    assert run(site) == ("44", "0")
    for file in (*kept(kernels), *kernels.rglob("*.nbi")):
        file.write_bytes(file.read_bytes()[:50])  # as after a crash
    assert run(site) == ("44", "0")
    assert run(site) == ("44", "1")


def test_kept_with_the_user_then_in_a_private_folder_then_nowhere(site):
    block(site / "site" / "lidar_label" / "kernels" / "__pycache__")
    assert run(site) == ("42", "0")
    assert kept(site / "home")
    assert run(site) == ("42", "1")
    block(site / "home")
    assert run(site) == ("42", "0")
    (private,) = (site / "temporary").iterdir()
    assert kept(private)
    assert run(site) == ("42", "1")
    private.chmod(0o777)  # others could have planted something
    assert run(site) == ("42", "0")
    block(site / "temporary")
    assert run(site) == ("42", "0")


def test_the_user_may_name_the_folder_or_turn_compiling_off(site):
    assert run(site, NUMBA_CACHE_DIR=str(site / "named")) == ("42", "0")
    assert len(kept(site / "named")) == len(kept(site)) == 2
    assert run(site, NUMBA_DISABLE_JIT="1") == ("42", "off")


def test_read_only_installation_and_home(site):
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    try:
        subprocess.run([*nobody, sys.executable, "-c", "import numba"], check=True, cwd=site)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs root and setpriv, to become a user who may read all and write nothing")
    assert run(site, user=nobody, HOME="/nonexistent") == ("42", "0")
    assert not kept(site)
    assert run(site) == ("42", "0")  # root warms the installation up
    assert run(site, user=nobody, HOME="/nonexistent") == ("42", "1")
