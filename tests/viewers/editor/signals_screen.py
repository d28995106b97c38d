"""Times and places on the canvas of the signals page, and what the server has of it."""

import editor_hands as hands
from editor_server import Server

START_NS = 1_790_000_000_000_000_000
S = 1_000_000_000


class Screen:
    """Times and places on the canvas, and the windows that the server has."""

    def __init__(self, page, phone: Server) -> None:
        self.page, self.phone = page, phone
        self.canvas = page.locator("canvas.ll-signal")
        self.box = self.canvas.bounding_box()

    @property
    def view(self) -> tuple[float, float]:
        first, last = self.canvas.get_attribute("data-view").split()
        return float(first) / S, float(last) / S

    def at(self, seconds: float, y: float = 200.0) -> tuple[float, float]:
        first, last = self.view
        share = (seconds - first) / (last - first)
        return self.box["x"] + share * self.box["width"], self.box["y"] + y

    def drag(self, start: float, end: float, y: float = 200.0) -> None:
        a, b = self.at(start, y), self.at(end, y)
        hands.drag(self.page, a, (b[0] - a[0], 0))

    def settled(self) -> None:
        self.page.wait_for_selector(".ll-signals[data-status='saved'][data-busy='']")

    def windows(self, state: str = "accepted") -> list[dict]:
        labels = self.phone.ask("/projects/1/recordings/1/labels")
        return [one for one in labels["windows"] if one["state"] == state]

    def spans(self) -> list[tuple[float, float, str]]:
        """Seconds and class of the accepted windows, in order of time."""
        return [
            ((int(w["start_ns"]) - START_NS) / S, (int(w["end_ns"]) - START_NS) / S, w["category"])
            for w in self.windows()
        ]
