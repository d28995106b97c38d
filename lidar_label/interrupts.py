"""Ctrl-C is never lost, even when it arrives where Python cannot pass an exception on."""

import _thread
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

_AGAIN_S = 0.02


@contextmanager
def lost_interrupts_resent() -> Generator[None]:
    """Within the block, a Ctrl-C that was swallowed comes again a moment later.

    Python drops what is raised in a weak reference's callback or a finalizer, KeyboardInterrupt
    included ("Exception ignored in …"). h5py's object registry runs such callbacks all the time.
    """
    before = sys.unraisablehook

    def hook(lost: Any) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            before(lost)
            return
        # Not at once: it would be raised here, in the same callback, and be lost again.
        again = threading.Timer(_AGAIN_S, _thread.interrupt_main)
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
