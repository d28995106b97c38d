"""Sources that are about to be imported: gathered from uploads or pointed at, and looked at first.

A draft is a folder with `draft.json`, the files sent (`source/`) and a small recording of the first
sweeps (`preview.h5`). It goes when its import is done, or after a week.
"""

import contextlib
import json
import re
import shutil
import time
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import Any

from lidar_label.errors import InvalidSource, UsageError
from lidar_label.viewers.api.problems import Problem, not_found
from lidar_label.viewers.api.uploads import Upload, Uploads

_ID = re.compile(r"[0-9a-f]{32}")
_KEPT_S = 7 * 24 * 3600.0
_SPARE_BYTES = 1 << 28


@dataclass(frozen=True)
class Draft:
    """One source.

    Attributes:
        id: 32 hexadecimal digits.
        project: Where it is to be imported.
        name: What the recording would be called.
        source: Folder or file on this machine.
    """

    id: str
    project: int
    name: str
    source: str


class Drafts:
    """The drafts of one server, below one folder."""

    def __init__(self, folder: Path, uploads: Uploads) -> None:
        self._folder = folder
        self._uploads = uploads

    def point_at(self, project: int, path: Path) -> Draft:
        """A source that this machine has already.

        Raises:
            UsageError: if there is nothing at the path.
        """
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder; give the path as the server sees it")
        return self._keep(Draft(token_hex(16), project, path.stem if path.is_file() else path.name, str(path)))  # fmt: skip # noqa: E501

    def gather(self, project: int, files: Sequence[tuple[Upload, str]]) -> Draft:
        """A source of files that were sent; one .zip is unpacked.

        Args:
            project: Whose uploads they are.
            files: Each with its path below the folder that was dropped.

        Raises:
            Problem: if one has not come whole, or its path leads elsewhere.
            InvalidSource: if the .zip is damaged.
        """
        id_ = token_hex(16)
        root = self._folder / id_ / "source"
        root.mkdir(parents=True)
        try:
            for upload, path in files:
                self._uploads.deliver(upload, root / _inside(path))
            only = _only_child(root)
            if only.is_file() and only.suffix.lower() == ".zip":
                _unpack(only, root / only.stem)
                only.unlink()
                only = _only_child(root / only.stem)
        except BaseException:
            shutil.rmtree(self._folder / id_)
            raise
        name = only.stem if only.is_file() else only.name
        return self._keep(Draft(id_, project, name if only != root else "dropped files", str(only)))

    def find(self, project: int, draft_id: str) -> Draft:
        """A draft of a project.

        Raises:
            Problem: 404.
        """
        if _ID.fullmatch(draft_id):
            with contextlib.suppress(OSError, ValueError):
                text = (self._folder / draft_id / "draft.json").read_text(encoding="utf-8")
                known: dict[str, Any] = json.loads(text)
                if known["project"] == project:
                    return Draft(**known)
        raise not_found(f"no import {draft_id} in this project; begin one")

    def preview(self, draft: Draft) -> Path:
        """Where its small recording stands."""
        return self._folder / draft.id / "preview.h5"

    def drop(self, draft: Draft) -> None:
        """Forget it and the files that were sent for it."""
        shutil.rmtree(self._folder / draft.id, ignore_errors=True)

    def _keep(self, draft: Draft) -> Draft:
        self._drop_old()
        place = self._folder / draft.id
        place.mkdir(parents=True, exist_ok=True)
        (place / "draft.json").write_text(json.dumps(asdict(draft)), encoding="utf-8")
        return draft

    def _drop_old(self) -> None:
        for place in self._folder.iterdir() if self._folder.is_dir() else ():
            with contextlib.suppress(OSError):
                if time.time() - place.stat().st_mtime > _KEPT_S:
                    shutil.rmtree(place)


def _inside(path: str) -> PurePosixPath:
    """A relative path that stays below where it is put."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or {"..", "."} & set(parts):
        raise Problem(422, f"path {path!r} leads elsewhere; give it below the dropped folder")
    return PurePosixPath(*parts)


def _only_child(folder: Path) -> Path:
    """What a folder holds, if that is one thing; else the folder."""
    found = [one for one in folder.iterdir() if one.name not in {"__MACOSX", ".DS_Store"}]
    return found[0] if len(found) == 1 else folder


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as packed:
            size = sum(one.file_size for one in packed.infolist())
            free = shutil.disk_usage(archive.parent).free - _SPARE_BYTES
            if size > free:
                raise Problem(507, f"{archive.name} unpacks to {size} bytes, the disk has {free}")
            for one in packed.infolist():
                if not one.is_dir():
                    _inside(one.filename)
            packed.extractall(folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise InvalidSource(
            f"{archive.name}: not a readable .zip ({error}); pack it again"
        ) from error
