"""What a long job has done so far, kept on disk so that the next run goes on from there."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from lidar_label.cuboids import Cuboids
from lidar_label.errors import InvalidLabels, UsageError

_KEY_FILE = "job.json"


class WorkFolder:
    """One file a finished frame, in a folder that belongs to one job and to one process at a time.

    Every file is written whole or not at all, so a killed process leaves nothing that misleads. A
    folder of another job (another recording, configuration or version) is emptied.
    """

    def __init__(self, path: Path, job: Mapping[str, Any]) -> None:
        self.path = path
        self._job = json.dumps(job, sort_keys=True)
        self._lock: TextIO | None = None

    def __enter__(self) -> "WorkFolder":
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.path / "lock", self.path)
        key = self.path / _KEY_FILE
        if not key.is_file() or key.read_text(encoding="utf-8") != self._job:
            for file in self.path.glob("*.arrow*"):
                file.unlink()
            partial = key.with_suffix(".partial")
            partial.write_text(self._job, encoding="utf-8")
            partial.replace(key)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._lock:
            self._lock.close()

    def _file(self, frame: int) -> Path:
        return self.path / f"{frame:08d}.arrow"

    def load(self, frame: int) -> Cuboids | None:
        """What was found in the frame; None when it has not been done."""
        import pyarrow as pa

        try:
            with pa.OSFile(str(self._file(frame))) as file:
                return Cuboids.from_arrow(pa.ipc.open_file(file).read_all())
        except (OSError, pa.ArrowException, InvalidLabels):
            return None

    def save(self, frame: int, cuboids: Cuboids) -> None:
        """Keep what was found in the frame, as Arrow: Parquet takes five times as long to write."""
        import pyarrow as pa

        table = cuboids.to_arrow()
        path = self._file(frame)
        partial = path.with_suffix(".arrow.partial")
        with pa.OSFile(str(partial), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        partial.replace(path)

    def remove(self) -> None:
        """Delete the folder: its job is done."""
        shutil.rmtree(self.path)


def _lock(path: Path, folder: Path) -> TextIO:
    """An open file that no other process can lock; the system frees it when we end, even killed."""
    file = path.open("w", encoding="utf-8")
    try:
        import fcntl
    except ImportError:  # Windows: two runs at once are the user's care
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise UsageError(f"{folder}: another run is at work on this output; wait for it") from error
    return file
