"""Recordings kept open between requests, and which places they may be in."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lidar_label.errors import InvalidRecording, UsageError

if TYPE_CHECKING:
    from lidar_label.datasets.recording import Recording

_MOST_OPEN = 32


@dataclass(frozen=True)
class Places:
    """Folders and URL prefixes from which recordings may be registered.

    Attributes:
        folders: Of this machine, resolved.
        prefixes: Of URLs, such as `s3://bucket/drives/`.
    """

    folders: tuple[Path, ...] = ()
    prefixes: tuple[str, ...] = ()

    @classmethod
    def of(cls, places: "tuple[str | Path, ...] | list[str | Path]") -> "Places":
        """Sort folders from URLs."""
        urls = tuple(str(p).rstrip("/") + "/" for p in places if "://" in str(p))
        folders = tuple(Path(p).expanduser().resolve() for p in places if "://" not in str(p))
        return cls(folders, urls)

    def check(self, uri: str) -> str:
        """The path resolved, or the URL as it is, if it is in one of the places.

        Raises:
            UsageError: if not.
        """
        if "://" in uri:
            climbs = ".." in uri or "%2e" in uri.lower() or "::" in uri or "\\" in uri
            if not climbs and any(uri.startswith(prefix) for prefix in self.prefixes):
                return uri
        elif "\0" not in uri:
            path = Path(uri).expanduser()
            path = path.resolve() if path.is_absolute() else self._beneath(path)
            if any(path.is_relative_to(folder) for folder in self.folders):
                return str(path)
        allowed = [*map(str, self.folders), *self.prefixes]
        raise UsageError(
            f"{uri!r} is outside the places that this server may read "
            f"({', '.join(allowed) or 'none'}); start it with --data FOLDER"
        )

    def _beneath(self, path: Path) -> Path:
        """A relative path in the first folder that has it."""
        found = [folder / path for folder in self.folders if (folder / path).exists()]
        return found[0].resolve() if found else (self.folders or (Path("/"),))[0] / path


class OpenRecordings:
    """The recordings used last, open; many threads may ask.

    One that is dropped here closes when the last request that reads it ends.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Recording] = OrderedDict()

    def get(self, uri: str, content_hash: str | None = None) -> "Recording":
        """The recording at a path or URL.

        Raises:
            InvalidRecording: if it cannot be read or is not the one with that hash.
        """
        from lidar_label.datasets.recording import Recording

        with self._lock:
            recording = self._open.get(uri)
            if recording is None:
                recording = Recording(self.local(uri))
                self._open[uri] = recording
                if len(self._open) > _MOST_OPEN:
                    self._open.popitem(last=False)
            self._open.move_to_end(uri)
        if content_hash is not None and recording.content_hash != content_hash:
            self.forget(uri)
            raise InvalidRecording(
                f"{uri}: holds {recording.content_hash}, but {content_hash} was registered; "
                "put the former file back, or register this one under another name"
            )
        return recording

    def forget(self, uri: str) -> None:
        """Open it anew the next time."""
        with self._lock:
            self._open.pop(uri, None)

    def local(self, uri: str) -> Path:
        """A path of this machine; what a URL names is fetched once into the cache."""
        if "://" not in uri:
            return Path(uri)
        import fsspec.core

        name = hashlib.blake2b(uri.encode(), digest_size=16).hexdigest()
        path = self._cache / "fetched" / f"{name}.h5"
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{threading.get_ident()}.partial")
        try:
            source, place = fsspec.core.url_to_fs(uri)
            source.get_file(place, str(partial))
            partial.replace(path)
        except (OSError, ValueError, ImportError) as error:
            raise InvalidRecording(f"{uri}: cannot be fetched ({error})") from error
        finally:
            partial.unlink(missing_ok=True)
        return path
