"""Answers kept in memory, the ones used last, up to a number of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable


class KeptBytes:
    """Bytes by key; what several threads ask for at once is made by the first of them."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._size = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    def get(self, key: str, make: Callable[[], bytes]) -> bytes:
        """The bytes of this key, made if they are not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
            try:
                return self._keep(key, make())
            finally:
                with self._lock:
                    self._making.pop(key, None)

    def _keep(self, key: str, content: bytes) -> bytes:
        with self._lock:
            if key not in self._kept and len(content) <= self._most:
                self._kept[key] = content
                self._size += len(content)
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1])
        return content
