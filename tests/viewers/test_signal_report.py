"""The report of a segmentation stands on its own and shows windows, bands, truth and confusions."""

import importlib.util
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from lidar_label.activities import as_even
from lidar_label.datasets.signals import NS_PER_S, EvenSignal
from lidar_label.datasets.windows import Windows
from lidar_label.viewers.signal_report import SignalReport, write_signal_report

_place = Path(__file__).parent.parent / "lidar_label" / "people.py"
_spec = importlib.util.spec_from_file_location("people", _place)
people = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(people)


class Balanced(HTMLParser):
    """Fails on a tag that closes nothing."""

    VOID = frozenset({"meta", "img", "br", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def shifted(truth: Windows, seconds: float) -> Windows:
    by = round(seconds * NS_PER_S)
    count = len(truth)
    return replace(
        truth, start_ns=truth.start_ns + by, end_ns=truth.end_ns + by,
        start_uncertainty_ns=np.full(count, NS_PER_S // 2),
    )  # fmt: skip


def page(tmp_path: Path, windows: Windows, truth: Windows | None, signal: EvenSignal) -> str:
    place = tmp_path / "deep" / "r.html"
    about = SignalReport("<b>walk</b>", ("a & b",))
    write_signal_report(signal, windows, place, about, truth)
    assert [file.name for file in place.parent.iterdir()] == ["r.html"]
    return place.read_text(encoding="utf-8")


def test_everything_is_on_one_page_of_its_own(tmp_path: Path) -> None:
    signal, truth = people.day(0)
    text = page(tmp_path, shifted(truth, 1.0), truth, as_even(signal))
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert parser.count["svg"] >= 2  # the whole, and minutes to look at
    assert not re.search(r"(src|href)=\"(?!#)", text)
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "&lt;b&gt;walk" in text
    assert "a &amp; b" in text
    for words in ("Look here first", "macro-F1", "± 0.50", 'class="band"', ">true</text>"):
        assert words in text
    assert text.count("differ from the truth") >= 2


def test_without_truth_nothing_is_judged(tmp_path: Path) -> None:
    signal, truth = people.day(0)
    text = page(tmp_path, truth, None, as_even(signal))
    assert "Against the truth" not in text
    assert "in doubt" in text


@pytest.mark.parametrize("count", [2, 30])
def test_a_short_signal_without_windows_is_drawn(count: int, tmp_path: Path) -> None:
    signal = EvenSignal(0, 50.0, np.zeros((count, 1), np.float32), np.ones(count, bool), ("depth",))
    text = page(tmp_path, Windows.empty(), None, signal)
    assert "nan" not in text.lower().replace("nanosecond", "")
