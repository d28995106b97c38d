"""Files sent in chunks: what has arrived survives a broken line or a killed server.

An upload is a folder with what was promised (`upload.json`) and the bytes so far (`content`). Its
offset is the size of that file: every byte in it arrived in order, so sending goes on from there.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from starlette.concurrency import run_in_threadpool

from lidar_label.viewers.api.problems import Problem, not_found

_SPARE_BYTES = 1 << 28  # of the disk, left to others
_SYNC_BYTES = 1 << 24
_KEPT_S = 7 * 24 * 3600.0  # an upload that nobody goes on with
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Upload:
    """What was promised, and how much has come.

    Attributes:
        id: 32 hexadecimal digits.
        project: Whose recording it becomes.
        name: Of the recording.
        size: Bytes in all.
        sha256: Of them, 64 hexadecimal digits.
        author: Who sends it.
        offset: Bytes that have come.
    """

    id: str
    project: int
    name: str
    size: int
    sha256: str
    author: str
    offset: int = 0


class Uploads:
    """Uploads under way, below one folder."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most = most_bytes
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def begin(self, project: int, name: str, size: int, sha256: str, author: str) -> Upload:
        """Promise a file.

        Raises:
            Problem: 413 if it is larger than allowed, 507 if the disk has no room for it.
        """
        if size > self._most:
            raise Problem(413, f"size is {size} bytes; this server takes up to {self._most}")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._drop_old()
        free = shutil.disk_usage(self._folder).free - _SPARE_BYTES
        if size > free:
            raise Problem(
                507, f"size is {size} bytes, the disk has room for {max(free, 0)}", title="No room"
            )
        upload = Upload(token_hex(16), project, name, size, sha256.lower(), author)
        place = self._folder / upload.id
        place.mkdir()
        (place / "content").touch()
        promised = place / "upload.partial"
        promised.write_text(json.dumps(asdict(upload)), encoding="utf-8")
        promised.replace(place / "upload.json")
        return upload

    def find(self, project: int, upload_id: str) -> Upload:
        """An upload of a project, as far as it has come.

        Raises:
            Problem: 404.
        """
        place = self._folder / upload_id
        if _ID.fullmatch(upload_id):
            with contextlib.suppress(OSError, ValueError):
                promised: dict[str, Any] = json.loads(
                    (place / "upload.json").read_text(encoding="utf-8")
                )
                if promised["project"] == project:
                    size = (place / "content").stat().st_size
                    promised["offset"] = size
                    return Upload(**promised)
        raise not_found(f"no upload {upload_id} in this project; begin one")

    def waiting(self, project: int, author: str, after: str, limit: int) -> list[Upload]:
        """An author's uploads to a project, by id, from the first one after an id."""
        names = (place.name for place in self._folder.iterdir()) if self._folder.is_dir() else ()
        found: list[Upload] = []
        for name in sorted(name for name in names if name > after):
            with contextlib.suppress(Problem):  # another project's, or dropped just now
                upload = self.find(project, name)
                if upload.author == author:
                    found.append(upload)
            if len(found) == limit:
                break
        return found

    async def append(self, upload: Upload, offset: int, chunks: AsyncIterator[bytes]) -> Upload:
        """Add bytes where the last ones ended; what came before an interruption is kept.

        Raises:
            Problem: 409 with `offset` if they do not follow on, or another request is sending.
        """
        with self._alone(upload):
            upload = self.find(upload.project, upload.id)
            if offset != upload.offset:
                raise Problem(
                    409, f"send from byte {upload.offset}, not {offset}", offset=upload.offset
                )
            at = offset
            with (self._folder / upload.id / "content").open("ab") as file:
                unsynced = 0
                async for chunk in chunks:
                    if at + len(chunk) > upload.size:
                        raise Problem(413, f"more than the {upload.size} bytes that were promised")
                    file.write(chunk)
                    at, unsynced = at + len(chunk), unsynced + len(chunk)
                    if unsynced >= _SYNC_BYTES:
                        await run_in_threadpool(_sync, file.fileno(), file.flush)
                        unsynced = 0
                await run_in_threadpool(_sync, file.fileno(), file.flush)
        return self.find(upload.project, upload.id)

    def content(self, upload: Upload, suffix: str) -> Path:
        """The bytes of an upload that has come whole, under a name with a suffix, to look into.

        Raises:
            Problem: 409 if bytes are missing.
        """
        _check_whole(upload)
        place = self._folder / upload.id
        named = place / f"content{suffix}"
        if not named.exists():
            os.link(place / "content", named)
        return named

    def complete(self, upload: Upload, folder: Path, suffix: str = ".h5") -> tuple[Path, bool]:
        """Check the hash and move the file to its place in `folder`, under the name of its hash.

        Returns:
            The path, and whether nothing was there before.

        Raises:
            Problem: 409 if bytes are missing, 422 if the hash differs; then the upload is dropped.
        """
        with self._alone(upload):
            upload = self.find(upload.project, upload.id)
            content = self._checked(upload)
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{upload.sha256}{suffix}"
            fresh = not path.exists()
            content.replace(path)
            shutil.rmtree(self._folder / upload.id)
        return path, fresh

    def deliver(self, upload: Upload, path: Path) -> None:
        """Check the hash and move the file to a path; raises as `complete` does."""
        with self._alone(upload):
            content = self._checked(self.find(upload.project, upload.id))
            path.parent.mkdir(parents=True, exist_ok=True)
            content.replace(path)
            shutil.rmtree(self._folder / upload.id)

    def _checked(self, upload: Upload) -> Path:
        """The bytes, if all have come and are those promised."""
        _check_whole(upload)
        content = self._folder / upload.id / "content"
        with content.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != upload.sha256:
            shutil.rmtree(self._folder / upload.id)
            raise Problem(
                422, f"the bytes have SHA-256 {found}, {upload.sha256} was promised; send it anew"
            )
        return content

    def drop(self, upload: Upload) -> None:
        """Forget an upload and its bytes."""
        with self._alone(upload):
            shutil.rmtree(self._folder / upload.id, ignore_errors=True)

    @contextlib.contextmanager
    def _alone(self, upload: Upload) -> Generator[None]:
        with self._lock:
            if upload.id in self._busy:
                raise Problem(
                    409,
                    "another request sends this upload just now; ask for its offset",
                    offset=upload.offset,
                )
            self._busy.add(upload.id)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(upload.id)

    def _drop_old(self) -> None:
        for place in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if time.time() - (place / "content").stat().st_mtime > _KEPT_S:
                    shutil.rmtree(place)


def _sync(descriptor: int, flush: Callable[[], None]) -> None:
    flush()
    os.fsync(descriptor)


def _check_whole(upload: Upload) -> None:
    if upload.offset != upload.size:
        raise Problem(
            409,
            f"{upload.offset} of {upload.size} bytes have come; send the rest",
            offset=upload.offset,
        )
