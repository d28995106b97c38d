"""Tells when numba compiles, which takes a while and happens on the first run only."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from numba.core import event


class _Once(event.Listener):
    """Calls `tell` when the first compilation starts; a kernel read from the cache starts none."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell: Callable[[], None] | None = tell

    def on_start(self, event: Any) -> None:  # noqa: ARG002
        if self._tell:
            self._tell()
            self._tell = None

    def on_end(self, event: Any) -> None:
        pass


@contextmanager
def announce_compiling(tell: Callable[[], None]) -> Generator[None]:
    """Call `tell` once if anything is compiled within the block, before it is."""
    with event.install_listener("numba:compile", _Once(tell)):
        yield
