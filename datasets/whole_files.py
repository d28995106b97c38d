"""Files that get their name only when they are complete: no half-written one is ever seen."""

import errno
import os
import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from lidar_label.errors import LidarLabelError, NoSpace, UsageError

_HDF5_REASON = re.compile(r"error message = '([^']+)'")
_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def written_whole(path: str | Path) -> Generator[Path]:
    """A path beside `path` to write to; it gets that name if the block ends well, and goes if not.

    Raises:
        UsageError: if it cannot be written; NoSpace if the disk is full.
    """
    path = Path(path)
    partial = beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def unwritable(path: str | Path, error: BaseException) -> LidarLabelError:
    """A failed write told in one line: what, why, and what to do."""
    if is_full(error):
        return NoSpace(f"{path}: the disk is full; free some space and run it again")
    number, told = getattr(error, "errno", None), _HDF5_REASON.search(str(error))
    reason = os.strerror(number) if number else " ".join(str(error).split())
    reason = told[1] if told else reason
    return UsageError(f"{path}: cannot be written ({reason}); name another place")


def is_full(error: BaseException) -> bool:
    """Whether an error, or one behind it, says that a disk or quota is full."""
    behind: BaseException | None = error
    while behind is not None:
        if getattr(behind, "errno", None) in _FULL or "No space left" in str(behind):
            return True
        behind = behind.__cause__ or behind.__context__
    return False


def hdf5_failed(error: BaseException) -> bool:
    """Whether HDF5 failed to write; the library then crashes when the process ends."""
    behind: BaseException | None = error
    while behind is not None:
        if "file write failed" in str(behind):
            return True
        behind = behind.__cause__ or behind.__context__
    return False


def beside(path: Path) -> Path:
    """The name under which a file is written until it is complete."""
    return path.with_name(path.name + ".partial")
