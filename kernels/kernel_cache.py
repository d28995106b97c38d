"""Where compiled kernels are kept on disk: wherever there is a place to write.

numba keeps them beside the code or in the user's cache, refuses to start when it can write to
neither, and does not notice when a kernel changes that another one calls. Here a kernel is looked
up beside the code even where that is read-only (an image warmed up at its build), then in the
user's cache, then in a private temporary folder; with no place at all it is compiled in every run.
NUMBA_CACHE_DIR names the only place instead. A change of any of our modules that the kernel's
module imports makes it new.
"""

import functools
import hashlib
import os
import pickle
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba.core import caching, config
from numba.misc.appdirs import AppDirs

_NOT_COMPILED = {b"lidar_label", b"lidar_label.errors", b"lidar_label.arrays"}
_IMPORT = re.compile(rb"^from (lidar_label[\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)


class _Locator:
    """Where numba is to write the forms of one kernel, and what makes them stale."""

    def __init__(self, function: Callable[..., object], file: str) -> None:
        self._py_file, self._line = file, function.__code__.co_firstlineno
        self._folder = next((f for f in shelves(file) if _can_write(f)), shelves(file)[0])

    def get_cache_path(self) -> str:
        return str(self._folder)

    def ensure_cache_path(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def get_source_stamp(self) -> str:
        return source_stamp(self._py_file)

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, py_func: Callable[..., object], py_file: str) -> "_Locator":
        return cls(py_func, py_file)


class _CacheImpl(caching.CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class KernelCache(caching.FunctionCache):
    """The compiled forms of one kernel, on several shelves: read from any, written to one."""

    _impl_class: Any = _CacheImpl

    def __init__(self, function: Callable[..., object]) -> None:
        """Find the shelves for a function that stands in a module's file."""
        super().__init__(function)
        base, stamp = self._impl.filename_base, self._impl.locator.get_source_stamp()
        self._shelves: list[Any] = [
            caching.IndexDataCacheFile(str(folder), base, stamp)
            for folder in shelves(function.__code__.co_filename)
        ]

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled form for a signature; None when there is none or it is damaged."""
        target_context.refresh()
        key = self._index_key(sig, target_context.codegen())
        for shelf in self._shelves:
            with suppress(Exception):  # whatever a damaged file makes of unpickling
                data = shelf.load(key)
                if data is not None:
                    return self._impl.rebuild(target_context, data)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled form; without room or right to write, the next run compiles again."""
        with suppress(OSError):
            try:
                super().save_overload(sig, data)
            except (EOFError, pickle.PickleError, ValueError, LookupError, TypeError):
                self._cache_file.flush()  # a damaged index
                super().save_overload(sig, data)

    def holds_any(self) -> bool:
        """Whether some form of the kernel as it is now is kept."""
        for shelf in self._shelves:
            with suppress(Exception):
                if shelf._load_index():
                    return True
        return False


@functools.cache
def shelves(file: str) -> tuple[Path, ...]:
    """Folders that may hold the compiled kernels of a module, in the order they are looked in."""
    return tuple(_places(Path(file).absolute().parent))


def _places(folder: Path) -> Iterator[Path]:
    own = f"{folder.name}_{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    asked = getattr(config, "CACHE_DIR", "")  # NUMBA_CACHE_DIR
    if asked:
        yield Path(asked) / own
        return
    yield folder / "__pycache__"
    user = Path(AppDirs("lidar-label", False).user_cache_dir)
    if user.is_absolute():  # not so for a user without a home
        yield user / "kernels" / own
    with suppress(OSError):
        temporary = Path(tempfile.gettempdir()) / f"lidar-label-kernels-{_user()}"
        if _is_private(temporary):
            yield temporary / own


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _is_private(folder: Path) -> bool:
    """Make a folder that only we can write to; cached code is run, so nobody else may plant it."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not hasattr(os, "getuid"):
        return stat.S_ISDIR(status.st_mode)
    mine = status.st_uid == os.getuid() and not status.st_mode & 0o077
    return mine and stat.S_ISDIR(status.st_mode)


@functools.cache
def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


@functools.cache
def source_stamp(file: str) -> str:
    """Hash of a module's text and of all our modules that it imports, directly or not."""
    texts: dict[str, bytes] = {}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path in texts:
            continue
        texts[path] = text = Path(path).read_bytes()
        for module, names in _IMPORT.findall(text):
            for name in (module, *(module + b"." + n for n in re.findall(rb"\w+", names))):
                if name in _NOT_COMPILED:
                    continue
                imported = getattr(sys.modules.get(name.decode()), "__file__", None)
                if imported:
                    waiting.append(imported)
    digest = hashlib.sha256()
    for path in sorted(texts, key=lambda path: (Path(path).name, path)):
        digest.update(hashlib.sha256(texts[path]).digest())
    return digest.hexdigest()
