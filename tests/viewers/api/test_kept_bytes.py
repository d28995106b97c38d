"""Bytes kept: made once however many ask, within their bound, tried again after a failure."""

import threading
import time

import pytest

from lidar_label.viewers.api.kept_bytes import KeptBytes


def test_what_many_ask_for_at_once_is_made_once() -> None:
    kept, made = KeptBytes(100), []

    def make() -> bytes:
        made.append(threading.get_ident())
        time.sleep(0.05)
        return b"points"

    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: answers.append(kept.get("a", make))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"points"] * 8
    assert len(made) == 1


def test_the_oldest_go_when_the_bound_is_reached_and_a_failure_is_not_kept() -> None:
    kept = KeptBytes(10)
    with pytest.raises(OSError, match="away"):
        kept.get("a", lambda: (_ for _ in ()).throw(OSError("away")))
    assert kept.get("a", lambda: b"aaaa") == b"aaaa"
    assert kept.get("b", lambda: b"bbbb") == b"bbbb"
    kept.get("a", lambda: b"")
    kept.get("c", lambda: b"cccc")
    assert kept.get("a", lambda: b"new") == b"aaaa", "used last"
    assert kept.get("b", lambda: b"new") == b"new"
    assert kept.get("large", lambda: b"x" * 11) == b"x" * 11
    assert kept.get("large", lambda: b"again") == b"again", "more than all that may be kept"
