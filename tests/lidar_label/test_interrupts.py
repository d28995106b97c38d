"""A Ctrl-C that Python would drop comes again."""

import signal
import sys
import time

import pytest

from lidar_label.interrupts import lost_interrupts_resent


class InterruptedWhileDying:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_in_a_finalizer_is_not_lost() -> None:
    with lost_interrupts_resent():
        InterruptedWhileDying()  # dies at once; what it raises is dropped
        with pytest.raises(KeyboardInterrupt):
            time.sleep(20)


def test_other_dropped_errors_go_where_they_went(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        def __del__(self) -> None:
            raise ValueError("on purpose")

    seen = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    with lost_interrupts_resent():
        Failing()
    assert [lost.exc_type for lost in seen] == [ValueError]
    assert sys.unraisablehook == seen.append
