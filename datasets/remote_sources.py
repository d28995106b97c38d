"""Sources by URL (s3://, gs://, http://, … whatever fsspec opens): listed, and copied with a check.

A source is copied, not streamed: readers want files beside each other, HDF5 wants to seek, and a
recording is read more than once. What was copied and checked stays and is not fetched again.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from lidar_label.datasets.whole_files import is_full, unwritable
from lidar_label.errors import InvalidSource, NoSpace, UnreachableSource, UsageError

_TRIES, _FIRST_PAUSE_S = 5, 0.2
_LIST = ".copied.jsonl"
_AT_ONCE = 8  # files under way: a store answers slowly, but many at a time
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+(::|://)")
T = TypeVar("T")
Copied = Callable[[int, int], None]  # bytes done, bytes in all


@dataclass(frozen=True)
class RemoteFile:
    """One file of a source.

    Attributes:
        name: Its path below the source's URL, by `/`; the file's name where the source is a file.
        path: As the file system knows it.
        size: Bytes.
        mark: What changes when the file does: its ETag, checksum or time.
    """

    name: str
    path: str
    size: int
    mark: str


def is_url(source: object) -> bool:
    """Whether this names something by URL; a Windows drive letter is none."""
    return isinstance(source, str) and _SCHEME.match(source) is not None


def url_name(url: str) -> str:
    """The last part of a URL's path."""
    return PurePosixPath(url.rstrip("/").split("://", 1)[-1]).name


def list_remote(url: str) -> list[RemoteFile]:
    """The files of a URL, by name; of a file that file.

    Raises:
        UsageError: if the package for this kind of URL is not installed.
        InvalidSource: if nothing is there or it may not be read.
        UnreachableSource: if the store does not answer.
    """
    system, root = _open(url)

    def find() -> dict[str, dict[str, Any]]:
        system.invalidate_cache()
        return system.find(root, detail=True)

    found = _tried(find, url)
    if not found:
        raise InvalidSource(f"{url}: no such file or folder")
    return sorted(
        (_remote_file(path, info, root) for path, info in found.items()), key=lambda f: f.name
    )


def glob_remote(pattern: str) -> list[str]:
    """The URLs that a pattern with * ? [ ] names, in order."""
    system, path = _open(pattern)

    def find() -> list[str]:
        system.invalidate_cache()
        return [str(name) for name in system.glob(path)]

    return sorted(str(system.unstrip_protocol(name)) for name in _tried(find, pattern))


def local_copy(
    source: str | Path, cache: Path | None = None, *, progress: Copied | None = None
) -> Path:
    """The path of a source on this machine: itself, or of a URL a checked copy in the cache.

    Args:
        source: A path or a URL.
        cache: The folder for copies; the user's own when None. A source has its folder below it.
        progress: Called with (bytes done, bytes in all) after each file.

    Raises:
        UsageError, InvalidSource, UnreachableSource: as `list_remote`.
        NoSpace: if the copy does not fit on the disk.
    """
    if not is_url(source):
        return Path(source)
    url = str(source)
    files = list_remote(url)
    key = hashlib.sha256(url.encode()).hexdigest()[:16]
    home = (cache or cache_folder()) / key
    place = home / (url_name(url) or "source")
    single = len(files) == 1 and files[0].name == url_name(url)
    targets = {file: place if single else place / _safe(file.name, url) for file in files}
    had = _read_list(home)
    todo = [file for file in files if not _is_copied(targets[file], file, had.get(file.name))]
    total = sum(file.size for file in files)
    done = total - sum(file.size for file in todo)
    if todo:
        system, _ = _open(url)
        _make_folder(home)
        with ThreadPoolExecutor(_AT_ONCE) as pool, (home / _LIST).open("a") as copied:
            waiting = {pool.submit(_copy, system, file, targets[file], url): file for file in todo}
            try:
                for future in as_completed(waiting):
                    file = waiting[future]
                    line = {"name": file.name, "mark": file.mark, "sha256": future.result()}
                    copied.write(json.dumps(line) + "\n")
                    copied.flush()
                    done += file.size
                    if progress:
                        progress(done, total)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    if not single:
        _drop_others(place, set(targets.values()))
    return place


def cache_folder() -> Path:
    """Where copies are kept: LIDAR_LABEL_CACHE, else the user's cache."""
    named = os.environ.get("LIDAR_LABEL_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lidar-label" / "sources"


def _open(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise UsageError(f"{url}: needs fsspec; pip install 'lidar-label[s3]'") from error
    try:
        system, root = url_to_fs(url)
    except ImportError as error:  # fsspec knows the scheme, its package is absent
        raise UsageError(f"{url}: {error}; for s3: pip install 'lidar-label[s3]'") from error
    except ValueError as error:
        raise UsageError(f"{url}: {error}") from error
    return system, str(root)


def _remote_file(path: str, info: Mapping[str, Any], root: str) -> RemoteFile:
    marks = ("ETag", "etag", "md5", "checksum", "LastModified", "mtime", "created")
    mark = next((str(info[key]) for key in marks if info.get(key)), "")
    below = path[len(root) :].strip("/") if path.startswith(root) else ""
    name = below or PurePosixPath(path).name
    return RemoteFile(name, path, int(info.get("size") or 0), mark.strip('"'))


def _tried(work: Callable[[], T], what: str) -> T:
    """The result of `work`, which is tried again where the store drops out."""
    last: Exception | None = None
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_FIRST_PAUSE_S * 2 ** (attempt - 1))
        try:
            return work()
        except FileNotFoundError as error:
            raise InvalidSource(f"{what}: no such file or folder") from error
        except PermissionError as error:
            raise InvalidSource(f"{what}: may not be read ({_line(error)})") from error
        except NoSpace:
            raise
        except Exception as error:  # each store has its own family of errors
            last = error
    assert last is not None
    raise UnreachableSource(
        f"{what}: the store failed {_TRIES} times ({_line(last)}); run it again when it is back"
    ) from last


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0] or type(error).__name__


def _copy(system: Any, file: RemoteFile, target: Path, url: str) -> str:
    """Copy one file whole, and return its SHA-256."""
    partial = target.with_name(target.name + ".partial")
    seen: list[str] = []

    def fetch() -> str:
        _make_folder(target.parent)
        try:
            system.get_file(file.path, str(partial))
            size, md5, sha256 = _digests(partial)
        except OSError as error:
            raise_if_full(error, target)
            raise
        if size != file.size:
            raise OSError(f"{file.name} came with {size} of {file.size} bytes")
        # An ETag is the MD5 of what was uploaded in one piece without a key of its owner's. Where
        # it is something else, two copies that agree are believed.
        if re.fullmatch(r"[0-9a-f]{32}", file.mark) and md5 != file.mark and md5 not in seen:
            seen.append(md5)
            raise OSError(f"{file.name} came with MD5 {md5}, not {file.mark}")
        return sha256

    try:
        sha256 = _tried(fetch, url)
        partial.replace(target)
        return sha256
    finally:
        partial.unlink(missing_ok=True)


def raise_if_full(error: BaseException, where: Path) -> None:
    """Raise NoSpace if the error, or one behind it, says that a disk or quota is full."""
    if is_full(error):
        raise unwritable(where, error) from error


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise_if_full(error, path)
        raise


def _safe(name: str, url: str) -> Path:
    """A name of the store as a path below ours."""
    parts = PurePosixPath(name).parts
    if not parts or any(part in ("..", "/", "\\") for part in parts) or name.startswith("/"):
        raise InvalidSource(f"{url}: holds a file named {name!r}; rename it")
    return Path(*parts)


def _is_copied(target: Path, file: RemoteFile, had: Mapping[str, str] | None) -> bool:
    if had is None or had.get("mark") != file.mark or not target.is_file():
        return False
    size, _, sha256 = _digests(target)
    return size == file.size and sha256 == had.get("sha256")


def _digests(path: Path) -> tuple[int, str, str]:
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            md5.update(block)
            sha256.update(block)
            size += len(block)
    return size, md5.hexdigest(), sha256.hexdigest()


def _read_list(home: Path) -> dict[str, dict[str, str]]:
    """What was copied, by name; a line that a kill cut short is left out."""
    found: dict[str, dict[str, str]] = {}
    try:
        lines = (home / _LIST).read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for line in lines:
        with suppress(ValueError, KeyError):
            entry = json.loads(line)
            found[entry["name"]] = entry
    return found


def _drop_others(place: Path, wanted: set[Path]) -> None:
    """Remove what an earlier copy had and the source has no more."""
    for path in sorted(place.rglob("*"), reverse=True):
        if path.is_file() and path not in wanted:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            shutil.rmtree(path)
