"""Notes who read what: one audit line a person, action, recording and minute, written in the back.

Changes are in the log of edits and noted at once; reads come by the hundred a second.
"""

import logging
import threading
import time
from collections import Counter

from lidar_label.errors import LidarLabelError
from lidar_label.store import Store
from lidar_label.viewers.api.permissions import Access

_EVERY_S = 10.0
_log = logging.getLogger("lidar_label.api")


class AccessLog:
    """Counts reads and writes the counts to the audit log."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts: Counter[tuple[str, str, int | None, str, str]] = Counter()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Write every ten seconds from now on."""
        self._thread = threading.Thread(target=self._run, name="access log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is left."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def read(self, access: Access, action: str, project: int | None, what: str) -> None:
        """Note a read."""
        with self._lock:
            self._counts[access.user, action, project, what, access.address] += 1

    def flush(self) -> None:
        """Write the counts."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        for (actor, action, project, what, address), count in counts.items():
            try:
                self._store.note(
                    actor,
                    action,
                    project_id=project,
                    object_=what,
                    address=address,
                    detail={"times": count, "until_s": int(time.time())},
                )
            except LidarLabelError as error:
                _log.error("audit line lost (%s %s %s × %d): %s", actor, action, what, count, error)

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            self.flush()
