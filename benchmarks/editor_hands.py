"""What a simulated person does at the editor's page by mouse and keyboard; see `browser_hands`."""

import math
from dataclasses import dataclass

import numpy as np

from lidar_label.arrays import Boxes, Floats, wrap_angle
from lidar_label.benchmarks.browser_hands import BrowserHands

_CLOSE_M, _CLOSE_RAD = 0.08, math.radians(2.5)  # nobody drags what is off by less
_NUMBERS = ("x", "y", "z", "length", "width", "height", "yaw")
_LEAST_PX = 2.0


@dataclass
class Hands(BrowserHands):
    """One person at one page, with the editor open."""

    def go_to(self, frame: int, frames: int) -> None:
        """Click a frame in the timeline's head."""
        box = self.page.locator(".ll-rows canvas").bounding_box()
        name_px = 96  # of the names left of the frames, as Timeline.tsx draws it
        pitch = (box["width"] - name_px) / frames
        self.click(box["x"] + name_px + (frame + 0.5) * pitch, box["y"] + 6)
        self.arrived(frame)

    def arrived(self, frame: int) -> None:
        """Wait until the page shows a frame."""
        self.page.wait_for_function(
            "f => document.querySelector('.ll-transport output').innerText.startsWith(f)",
            arg=f"frame {frame} ",
        )

    def numbers(self) -> Floats:
        """(7,) the chosen cuboid as the panel shows it; metres, radians."""
        found = [
            float(self.page.get_by_label(f"{name} in {unit}").input_value())
            for name, unit in zip(_NUMBERS, ["metres"] * 6 + ["degrees"], strict=True)
        ]
        return np.array([*found[:6], math.radians(found[6])])

    def set_right(self, truth: Boxes) -> None:
        """Turn, then drag what is off, until the chosen cuboid is as it should be."""
        self.think()
        self._turn(truth)
        self._place_from_above(truth)
        for edge, side in (("edge 0 1", 1), ("edge 0 -1", -1)):
            box = self.numbers()
            off = (truth[2] + side * truth[5] / 2) - (box[2] + side * box[5] / 2)
            if abs(off) > _CLOSE_M:
                self._pull("side", edge, np.array([0.0, off]))

    def _turn(self, truth: Boxes) -> None:
        off = float(wrap_angle(truth[6:7] - self.numbers()[6])[0])
        if abs(off) > math.pi / 2:
            self.press("g")
            self.saved()
            off = float(wrap_angle(truth[6:7] - self.numbers()[6])[0])
        if abs(off) <= _CLOSE_RAD:
            return
        start = self._grip("top", "heading")
        middle = self._grip("top", "middle")
        arm = start - middle
        cos, sin = math.cos(off), math.sin(off)  # down is positive on the screen
        turned = np.array([cos * arm[0] + sin * arm[1], -sin * arm[0] + cos * arm[1]])
        self.drag(start, turned - arm)
        self.saved()

    def _place_from_above(self, truth: Boxes) -> None:
        """One drag of the middle where the size is right, else two opposite corners."""
        box = self.numbers()
        if np.abs(truth[3:5] - box[3:5]).max() <= _CLOSE_M:
            by = _in_box(box, truth[:2] - box[:2])
            if np.abs(by).max() > _CLOSE_M:
                self._pull("top", "middle", np.array([-by[1], by[0]]))
            return
        for name, right, up in (("corner 1 1", 1, 1), ("corner -1 -1", -1, -1)):
            box = self.numbers()
            wanted = _in_box(box, truth[:2] - box[:2]) + np.array([up * truth[3], -right * truth[4]]) / 2  # fmt: skip # noqa: E501
            by = wanted - np.array([up * box[3], -right * box[4]]) / 2
            if np.abs(by).max() > _CLOSE_M:
                self._pull("top", name, np.array([-by[1], by[0]]))

    def _pull(self, view: str, grip: str, metres: Floats) -> None:
        """Drag a grip so many metres right and up in a view."""
        by = metres * self._scale(view) * np.array([1.0, -1.0])
        if np.abs(by).max() >= _LEAST_PX:
            self.drag(self._grip(view, grip), by)
            self.saved()

    def _grip(self, view: str, name: str) -> Floats:
        box = self.page.locator(f".ll-plane-{view} [data-grip='{name}']").bounding_box()
        return np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])

    def _scale(self, view: str) -> float:
        """Pixels a metre: from the outline's corners, whose length is known."""
        outline = self.page.locator(f".ll-plane-{view} [data-grip='middle']")
        points = [
            [float(one) for one in pair.split(",")]
            for pair in outline.get_attribute("points").split()
        ]
        across = np.linalg.norm(np.array(points[0]) - np.array(points[1]))
        return float(across / self.numbers()[4 if view == "top" else 3])


def _in_box(box: Boxes, vector: Floats) -> Floats:
    """Ahead and left in the frame of a box, of a vector of the ego frame."""
    cos, sin = math.cos(box[6]), math.sin(box[6])
    return np.array([cos * vector[0] + sin * vector[1], -sin * vector[0] + cos * vector[1]])
