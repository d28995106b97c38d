"""What a person's hands do in the editor."""

import math
import re
import time


def choose(page, track: int) -> None:
    page.locator(f"#ll-track-{track}").click()
    page.wait_for_selector(f"[data-chosen='{track}']")


def drag(page, start, by, *, keys=(), button="left") -> None:
    for key in keys:
        page.keyboard.down(key)
    page.mouse.move(*start)
    page.mouse.down(button=button)
    page.mouse.move(start[0] + by[0] / 2, start[1] + by[1] / 2)
    page.mouse.move(start[0] + by[0], start[1] + by[1])
    page.mouse.up(button=button)
    for key in keys:
        page.keyboard.up(key)


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def grip(page, view: str, name: str):
    return middle(page.locator(f".ll-plane-{view} [data-grip='{name}']"))


def pixels_per_metre(page, view: str, metres: float, axis: str = "width") -> float:
    """From the outline's corners; its bounding box would hold the strokes too."""
    points = page.locator(f".ll-plane-{view} [data-grip='middle']").get_attribute("points")
    places = [float(point.split(",")[axis == "height"]) for point in points.split()]
    return (max(places) - min(places)) / metres


def saved(page) -> None:
    page.wait_for_selector("[data-status='saved']")


def number(page, name: str) -> float:
    unit = "degrees" if name == "yaw" else "metres"
    return float(page.get_by_label(f"{name} in {unit}").input_value())


def frame_of(page) -> int:
    return int(re.search(r"frame (\d+)", page.locator(".ll-transport output").inner_text())[1])


def chosen(page) -> int | None:
    text = page.locator(".ll-views").get_attribute("data-chosen")
    return int(text) if text else None


def eventually(holds, what: str, seconds: float = 8.0):
    """Polls until it holds; the value that held."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = holds()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"never: {what}")


def from_above(page, x: float, y: float) -> tuple[float, float]:
    """Pixels of a place of the ego frame in the large view from above, as it is when it opens.

    It looks at (8, 0) from 38 m with 50° of view, forward up.
    """
    box = page.locator(".ll-main").bounding_box()
    scale = box["height"] / 2 / (38 * math.tan(math.radians(25)))
    return box["x"] + box["width"] / 2 - y * scale, box["y"] + box["height"] / 2 - (x - 8) * scale
