"""What a simulated person does at the signals page by mouse and keyboard; see `browser_hands`."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lidar_label.benchmarks.browser_hands import BrowserHands

_NS_PER_S = 1e9
_ZOOM = 0.6  # by which the page's keys come nearer
_LANE_Y, _CHANNELS_Y = 34.0, 300.0  # below the top of the canvas
_LEAST_PX, _GOOD_PX = 24.0, 80.0  # of a window that is to be grasped
_MOST_PANS = 6
_PAN = 0.2  # of the view, by the page's keys
_LONGEST_LEARNING_S = 15.0
Span = tuple[float, float]


@dataclass
class SignalsHands(BrowserHands):
    """One person at one page, with a signal open; times are seconds after its first sample.

    Attributes:
        keys: Class → the key that gives it.
        answers: Proposals that the machine has made anew so far.
    """

    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    answers: int = 0

    def __post_init__(self) -> None:
        if self.page is not None:
            self.page.on("response", self._count)

    def _count(self, response: Any) -> None:
        self.answers += response.request.method == "POST" and response.url.endswith("/proposals")

    def view(self) -> Span:
        """What is on the screen."""
        first, last = self._canvas().get_attribute("data-view").split()
        return float(first) / _NS_PER_S, float(last) / _NS_PER_S

    def show(self, span: Span) -> None:
        """Bring a span onto the screen, wide enough to be grasped, by the fewest keys."""
        first, last = self.view()
        length, width = last - first, self._canvas().bounding_box()["width"]
        wide = (span[1] - span[0]) / length * width
        room = min(max(0.02 * length, 1.0), 0.1 * length)
        if _LEAST_PX <= wide <= 0.85 * width:
            behind, ahead = span[1] + room - last, first - (span[0] - room)
            pans = math.ceil(max(behind, ahead, 0.0) / (_PAN * length))
            if pans <= _MOST_PANS:
                for _ in range(pans):
                    self.press("ArrowRight" if behind > 0 else "ArrowLeft")
                return
        self.press("v")
        first, last = self.view()
        nearer = _GOOD_PX / max((span[1] - span[0]) / (last - first) * width, 1e-3)
        if nearer > 1:
            self.point(*self.place((span[0] + span[1]) / 2, _CHANNELS_Y))
            for _ in range(math.ceil(math.log(nearer) / -math.log(_ZOOM))):
                self.press("=")

    def place(self, seconds: float, y: float) -> Span:
        """Where a time is on the screen."""
        box, (first, last) = self._canvas().bounding_box(), self.view()
        x = box["x"] + (seconds - first) / (last - first) * box["width"]
        return min(max(x, box["x"] + 1), box["x"] + box["width"] - 1), box["y"] + y

    def draw(self, span: Span, category: str) -> None:
        """A new window: its class first, then a drag over the channels, both ends exactly."""
        self.press("Escape")
        self.press(self.keys[category])
        self.show(span)
        self._drag(span[0], span[1], _CHANNELS_Y)

    def choose(self, span: Span) -> None:
        """Click a window in its lane."""
        self.show(span)
        first, last = self.view()
        middle = (max(span[0], first) + min(span[1], last)) / 2
        self.click(*self.place(middle, _LANE_Y))

    def move_edge(self, span: Span, start: float, end: float) -> None:
        """Drag one end of a window in its lane; the span is what must be seen of it."""
        self.show(span)
        self._drag(start, end, _LANE_Y)

    def accept_all(self) -> None:
        """Put the slider to its least and press the button that accepts."""
        for label, key in (("Least confidence", "Home"), ("accept", None)):
            control = self.page.get_by_label(label) if key else self.page.locator(".ll-accept")
            control.scroll_into_view_if_needed()
            box = control.bounding_box()
            self.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            if key:
                self.press(key)

    def offered(self) -> Span | None:
        """The stretch that the page asks about, as its title tells; None where there is none."""
        current = self.page.locator(".ll-offered [aria-current='true']")
        if not current.count():
            return None
        first, last = current.get_attribute("data-span").split()
        return float(first) / _NS_PER_S, float(last) / _NS_PER_S

    def ask(self, key: str) -> None:
        """Press a key that offers stretches, and wait for them."""
        self.settled()
        self.press(key)
        self.page.wait_for_selector(".ll-offered [aria-current='true'], .ll-notice:not(:empty)")
        self.settled()

    def settled(self) -> None:
        """Wait until all is saved and the machine is at rest."""
        self.page.wait_for_selector(".ll-signals[data-status='saved'][data-busy='']")

    def learned(self, before: int) -> None:
        """Wait until the machine has proposed anew since it had made so many answers.

        A drag that changed nothing is answered by nothing, so that the wait has an end.
        """
        end = time.monotonic() + _LONGEST_LEARNING_S
        while self.answers <= before and time.monotonic() < end:
            self.page.wait_for_timeout(20)
        self.settled()

    def _canvas(self) -> Any:
        return self.page.locator("canvas.ll-signal")

    def _drag(self, start: float, end: float, y: float) -> None:
        a, b = np.array(self.place(start, y)), np.array(self.place(end, y))
        self.drag(a, b - a, holding="Alt")
