"""What a batch job works on: folders, patterns and URLs become sources, a recording each."""

import glob
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lidar_label.datasets.argoverse2 import find_logs
from lidar_label.datasets.formats import recognise
from lidar_label.datasets.kitti import object_folder
from lidar_label.datasets.kitti_raw import find_drives
from lidar_label.datasets.kitti_sequences import odometry_sequences, tracking_sequences
from lidar_label.datasets.remote_sources import glob_remote, is_url, list_remote, url_name
from lidar_label.errors import InvalidSource, UsageError

_RECORDINGS = (".h5", ".hdf5")
_DEPTH = 4  # folders below the one named in which recordings are looked for


@dataclass(frozen=True)
class Source:
    """One recording to be: a recording's file, or a dataset's folder, file or sequence.

    Attributes:
        uri: Absolute path or URL.
        sequence: Which one, where the folder holds several.
        name: Of its folder in the job's output: readable, and its own by a hash of `uri`.
        files: Number of files.
        size: Bytes of them all.
        largest: Bytes of the largest.
        fingerprint: Of names, sizes and times (or the store's ETags): changes when a file does.
    """

    uri: str
    sequence: str | None
    name: str
    files: int
    size: int
    largest: int
    fingerprint: str

    @property
    def is_recording(self) -> bool:
        """Whether it is a recording already."""
        return self.uri.lower().endswith(_RECORDINGS)

    @property
    def title(self) -> str:
        """What people call it."""
        last = url_name(self.uri) if is_url(self.uri) else Path(self.uri).name
        return f"{last} {self.sequence}" if self.sequence else last


def expand_sources(arguments: Iterable[str], format: str | None = None) -> list[Source]:  # noqa: A002
    """The sources that folders, patterns, recordings, URLs and @lists name, each once, by name.

    A folder is a source if it is in a format that we know, one a sequence where it holds several;
    else what its folders hold is. `@FILE` stands for the lines of a file.

    Args:
        arguments: As on the command line.
        format: The sources' format, where it is not to be recognised.

    Raises:
        UsageError: if an argument names nothing.
        InvalidSource: if a URL cannot be listed.
    """
    found: dict[tuple[str, str | None], Source] = {}
    for argument in _with_lists(arguments):
        before = len(found)
        uris = _remote_uris(argument) if is_url(argument) else _local_uris(argument, format)
        for uri, sequence in uris:
            if (uri, sequence) not in found:
                found[uri, sequence] = _source(uri, sequence)
        if len(found) == before and not _names_something(argument):
            raise UsageError(f"{argument}: no such file or folder; nothing to do for it")
    return sorted(found.values(), key=lambda source: source.name)


def _with_lists(arguments: Iterable[str]) -> Iterator[str]:
    for argument in arguments:
        if not argument.startswith("@"):
            yield argument
            continue
        try:
            lines = Path(argument[1:]).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{argument[1:]}: cannot be read as a list ({error})") from error
        yield from (line.strip() for line in lines if line.strip() and line.strip()[0] != "#")


def _names_something(argument: str) -> bool:
    return is_url(argument) or bool(_paths(argument))


def _paths(argument: str) -> list[Path]:
    """The path itself, or what it fits as a pattern; a name may hold brackets."""
    if Path(argument).exists():
        return [Path(argument)]
    return sorted(Path(found) for found in glob.glob(argument, recursive=True))  # noqa: PTH207


def _local_uris(argument: str, form: str | None) -> Iterator[tuple[str, str | None]]:
    paths = _paths(argument)
    for one in paths:
        yield from _below(one.absolute(), form, named=True)


def _below(
    path: Path, form: str | None, *, named: bool, depth: int = 0
) -> Iterator[tuple[str, str | None]]:
    """Sources at or below a path; what was named and is none stays one, to be refused by name."""
    if path.is_file():
        if named or path.suffix.lower() in _RECORDINGS:
            yield str(path), None
        return
    kind = form or _recognised(path)
    if kind is not None:
        yield from ((str(path), sequence) for sequence in _sequences(path, kind))
        return
    any_below = False
    if depth < _DEPTH:
        for child in sorted(path.iterdir()):
            if not child.name.startswith("."):
                for found in _below(child, form, named=False, depth=depth + 1):
                    any_below = True
                    yield found
    if named and not any_below:
        yield str(path), None


def _recognised(path: Path) -> str | None:
    try:
        return recognise(path)
    except InvalidSource:
        return None


def _sequences(path: Path, form: str) -> list[str | None]:
    """The names to choose by where a folder holds several recordings, else [None]."""
    listed: dict[str, Callable[[], list[str]]] = {
        "argoverse2": lambda: [log.name for log in find_logs(path)],
        "kitti-raw": lambda: [drive.name for drive in find_drives(path)],
        "kitti-odometry": lambda: odometry_sequences(path),
        "kitti-tracking": lambda: tracking_sequences(object_folder(path)),
    }
    names = sorted(listed[form]()) if form in listed and path.is_dir() else []
    return list(names) if len(names) > 1 else [None]


def _remote_uris(url: str) -> Iterator[tuple[str, str | None]]:
    urls = glob_remote(url) if re.search(r"[*?\[]", url) else [url.rstrip("/")]
    if not urls:
        raise UsageError(f"{url}: no file or folder of the store fits this pattern")
    for one in urls:
        if one.lower().endswith(_RECORDINGS):
            yield one, None
            continue
        names = [file.name for file in list_remote(one)]
        recordings = [name for name in names if name.lower().endswith(_RECORDINGS)]
        yield from ((f"{one}/{name}", None) for name in recordings)
        if not recordings:
            yield one, None


def _source(uri: str, sequence: str | None) -> Source:
    files = _remote_files(uri) if is_url(uri) else _local_files(Path(uri))
    digest = hashlib.sha256()
    for name, size, mark in files:
        digest.update(f"{name}\0{size}\0{mark}\n".encode())
    sizes = [size for _, size, _ in files]
    own = hashlib.sha256(f"{uri}\0{sequence or ''}".encode()).hexdigest()[:8]
    last = url_name(uri) if is_url(uri) else Path(uri).name
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", f"{last}_{sequence}" if sequence else last)
    readable = re.sub(r"\.(h5|hdf5)$", "", readable).strip("._")[:80]
    return Source(
        uri=uri,
        sequence=sequence,
        name=f"{readable or 'source'}-{own}",
        files=len(files),
        size=sum(sizes),
        largest=max(sizes, default=0),
        fingerprint=digest.hexdigest(),
    )


def _remote_files(url: str) -> list[tuple[str, int, str]]:
    return [(file.name, file.size, file.mark) for file in list_remote(url)]


def _local_files(path: Path) -> list[tuple[str, int, str]]:
    """Name below the path, bytes and time of each file, in order."""
    if path.is_file():
        stat = path.stat()
        return [(path.name, stat.st_size, str(stat.st_mtime_ns))]
    found: list[tuple[str, int, str]] = []
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder, name)
            try:
                stat = file.stat()
            except OSError:  # a link to nowhere, or gone by now: the reader will say
                found.append((str(file.relative_to(path)), 0, "absent"))
                continue
            found.append((str(file.relative_to(path)), stat.st_size, str(stat.st_mtime_ns)))
    return sorted(found)
