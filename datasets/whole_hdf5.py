"""HDF5 files that get their name only when they are complete, and survive a full disk."""

import io
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py

from lidar_label.datasets.whole_files import beside, unwritable
from lidar_label.errors import UsageError


class WholeHdf5:
    """An HDF5 file being written, under a partial name.

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
            self._disk = _Disk(self._partial)
            # 1.10's format: checksums on metadata, growing datasets found in one step.
            self.file = h5py.File(self._disk, "w", libver=("v110", "v110"))
        except OSError as error:
            raise unwritable(self.path, error) from error

    @contextmanager
    def writing(self) -> Generator[None]:
        """Tell what could not be written as our error.

        Raises:
            UsageError: if it cannot be written; NoSpace if the disk is full.
        """
        try:
            yield
        except (OSError, RuntimeError) as error:
            raise unwritable(self.path, self._disk.failure or error) from error
        if self._disk.failure is not None:
            raise unwritable(self.path, self._disk.failure)

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
                    self._disk.sync()
                with self.writing():
                    self._partial.replace(self.path)
                    _sync_folder(self.path.parent)
        finally:
            with suppress(OSError, RuntimeError):
                self.file.close()
            self._disk.close()
            self._partial.unlink(missing_ok=True)


class _Disk(io.RawIOBase):
    """What HDF5 writes to. It crashes the process over a write that fails, so none does.

    The first failure is kept, and what comes after it goes into memory until the file is closed.

    Attributes:
        failure: Why bytes are missing; None while all is well.
    """

    def __init__(self, path: Path) -> None:
        self.failure: OSError | None = None
        self._late: list[tuple[int, bytes]] = []
        self._at = 0
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            _lock(self._handle, path)
            os.ftruncate(self._handle, 0)
        except BaseException:
            os.close(self._handle)
            raise

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        """All of it, whatever happens."""
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            if self.failure is None:
                os.lseek(self._handle, self._at, os.SEEK_SET)
            while self.failure is None and len(left):
                left = left[os.write(self._handle, left) :]
        except OSError as error:
            self.failure = error
        if len(left):
            self._late.append((self._at + size - len(left), bytes(left)))
        self._at += size
        return size

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """What was written, as if nothing had failed."""
        view = memoryview(buffer).cast("B")
        os.lseek(self._handle, self._at, os.SEEK_SET)
        kept = os.read(self._handle, len(view))
        view[: len(kept)] = kept
        for begin, late in self._late:
            low, high = max(begin, self._at), min(begin + len(late), self._at + len(view))
            if low < high:
                view[low - self._at : high - self._at] = late[low - begin : high - begin]
        count = len(kept) if self.failure is None else len(view)
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a byte; HDF5 asks for the end, too."""
        ends = [os.fstat(self._handle).st_size, *(at + len(late) for at, late in self._late)]
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: max(ends)}
        self._at = base[whence] + offset
        return self._at

    def tell(self) -> int:
        """Where the next bytes go."""
        return self._at

    def truncate(self, size: int | None = None, /) -> int:
        """To a size, where the disk allows it."""
        size = self._at if size is None else size
        try:
            if self.failure is None:
                os.ftruncate(self._handle, size)
        except OSError as error:
            self.failure = error
        return size

    def sync(self) -> None:
        """Have the operating system put it on the disk."""
        os.fsync(self._handle)

    def close(self) -> None:
        """Let the file go, and its lock."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        super().close()


def _lock(handle: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: two runs at once are the user's care
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        same = os.path.samestat(os.fstat(handle), path.stat())  # else the other has named it
    except OSError:
        same = False
    if not same:
        raise UsageError(f"{path}: another run writes it just now; wait for it")


def _sync_folder(path: Path) -> None:
    """Have the operating system put a folder's names on disk, where it can."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
