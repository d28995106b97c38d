"""A simulated person's mouse and keyboard at a page in a real browser, counted and timed.

A person's seconds are those of the keystroke-level model (Card, Moran and Newell, "The
keystroke-level model for user performance time with interactive systems", CACM 1980): a key 0.28 s
(average typist), pointing 1.1 s, pressing or releasing a button 0.1 s, a decision 1.35 s.
"""

from dataclasses import dataclass, field
from typing import Any

from lidar_label.arrays import Floats

KEY_S, POINT_S, BUTTON_S, DECIDE_S = 0.28, 1.1, 0.1, 1.35


@dataclass
class Effort:
    """Clicks (a drag is one), keys, and the seconds that the model gives a person for them."""

    clicks: int = 0
    keys: int = 0
    seconds: float = 0.0


@dataclass
class BrowserHands:
    """One person at one page.

    Attributes:
        page: Playwright's.
        effort: What was done so far.
    """

    page: Any
    effort: Effort = field(default_factory=Effort)

    def think(self) -> None:
        """Look and decide."""
        self.effort.seconds += DECIDE_S

    def press(self, key: str) -> None:
        """One key or chord."""
        self.page.keyboard.press(key)
        self.effort.keys += 1
        self.effort.seconds += KEY_S

    def point(self, x: float, y: float) -> None:
        """Move the mouse to a place."""
        self.page.mouse.move(x, y)
        self.effort.seconds += POINT_S

    def click(self, x: float, y: float) -> None:
        """Point and click."""
        self.page.mouse.click(x, y)
        self.effort.clicks += 1
        self.effort.seconds += POINT_S + 2 * BUTTON_S

    def drag(self, start: Floats, by: Floats, holding: str | None = None) -> None:
        """Point, press, point, release; perhaps with a key held down meanwhile."""
        if holding is not None:
            self.page.keyboard.down(holding)
            self.effort.keys += 1
            self.effort.seconds += KEY_S
        self.page.mouse.move(*start.tolist())
        self.page.mouse.down()
        self.page.mouse.move(*(start + by / 2).tolist())
        self.page.mouse.move(*(start + by).tolist())
        self.page.mouse.up()
        if holding is not None:
            self.page.keyboard.up(holding)
        self.effort.clicks += 1
        self.effort.seconds += 2 * (POINT_S + BUTTON_S)

    def saved(self) -> None:
        """Wait until every edit is on the server's disk."""
        self.page.wait_for_selector("[data-status='saved']")
