"""HDF5 files that get their name only when they are complete."""

import errno
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py

from lidar_label.datasets.whole_files import beside, unwritable

_SPARE_BYTES = 16 << 20  # for what HDF5 still holds back; a chunk and its like


class WholeHdf5:
    """An HDF5 file being written, under a partial name.

    HDF5 crashes the process, at the latest when it ends, over a write that fails. So the room on
    the disk is looked at before each: a full disk is told while all that was written is in order.

    Attributes:
        path: The final one.
        file: What is written to.
    """

    def __init__(self, path: str | Path) -> None:
        """Open it.

        Raises:
            UsageError: if it cannot be written; NoSpace if the disk is full.
        """
        self.path = Path(path)
        self._partial = beside(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._check_room(0)
            # 1.10's format: checksums on metadata, growing datasets found in one step.
            self.file = h5py.File(self._partial, "w", libver=("v110", "v110"))
        except OSError as error:
            raise unwritable(self.path, error) from error

    @contextmanager
    def writing(self, size: int = 0) -> Generator[None]:
        """Check that there is room for so many bytes, and tell what HDF5 could not write.

        Raises:
            UsageError: if it cannot be written; NoSpace if the disk is full.
        """
        try:
            self._check_room(size)
            yield
        except (OSError, RuntimeError) as error:
            raise unwritable(self.path, error) from error

    def end(self, kind: type[BaseException] | None, finish: Callable[[], None]) -> None:
        """What its writer does at the end of a `with` block: finish, sync and name it, or drop it.

        Args:
            kind: Of the exception that ended the block; None if it ended well.
            finish: Writes what is still missing.

        Raises:
            UsageError: if it cannot be written; NoSpace if the disk is full.
        """
        try:
            if kind is None:
                with self.writing():
                    finish()
                    self.file.close()
                    _sync(self._partial)
                    self._partial.replace(self.path)
                    _sync(self.path.parent)
        finally:
            with suppress(OSError, RuntimeError):
                self.file.close()
            self._partial.unlink(missing_ok=True)

    def _check_room(self, size: int) -> None:
        if shutil.disk_usage(self.path.parent).free < size + _SPARE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))


def _sync(path: Path) -> None:
    """Have the operating system put a file or folder on disk, where it can."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
