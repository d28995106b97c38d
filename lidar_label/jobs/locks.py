"""Locks on files that the system frees when their holder ends, even killed; they name it.

Not leases: a lease needs clocks that agree and a time after which the dead are believed dead, in
which nobody may go on; flock ends with the process, on local disks and on NFS 4, Lustre and CephFS.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from lidar_label.errors import UsageError

_PAUSE_S = 0.1


class Lock:
    """A file that only one process holds; enter it to hold it."""

    def __init__(self, path: Path, job: str) -> None:
        self._path = path
        self._job = job
        self._file: TextIO | None = None

    def try_hold(self) -> bool:
        """Hold it, and write who does; False if another process holds it.

        Raises:
            UsageError: if the file system has no locks.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="utf-8")
        if not _lock(file, self._path):
            file.close()
            return False
        self._file = file
        file.seek(0)
        file.truncate()
        json.dump(_myself(self._job), file)
        file.flush()
        return True

    def hold(self, check: Callable[[], None]) -> None:
        """Wait until it is free; `check` is called meanwhile and may raise."""
        while not self.try_hold():
            check()
            time.sleep(_PAUSE_S)

    def free(self) -> None:
        """Let others hold it."""
        if self._file:
            with suppress(OSError):  # a full disk: the name stays, the lock does not
                self._file.seek(0)
                self._file.truncate()
            with suppress(OSError):
                self._file.close()
            self._file = None

    def __enter__(self) -> "Lock":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.free()


def read_owner(path: Path) -> dict[str, Any]:
    """Who wrote into the lock last and did not free it; {} if nobody or it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def describe_owner(owner: dict[str, Any]) -> str:
    """An owner in words."""
    if not owner:
        return "another job"
    return f"process {owner['pid']} on {owner['host']} since {owner['since']} ({owner['command']})"


def _myself(job: str) -> dict[str, Any]:
    return {
        "job": job,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:4]])[:120],
    }


def _lock(file: TextIO, path: Path) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: two runs at once are the user's care
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        raise UsageError(
            f"{path}: this file system has no locks ({error.strerror}); name an output elsewhere"
        ) from error
    return True
