"""A simulated annotator at the editor's page: what a corrected track costs, and by hand.

A simulated drive is annotated by the machine; its first tracks that a person would not accept
(`annotator.is_right`) are set right through real mouse and keyboard in Chromium, twice. With the
tracker: the person sets one cuboid amid the first wrong stretch, lets the others follow, looks at
the tiles, and so on; by hand: every frame in turn, with the same means, nothing follows. Then one
key accepts. Only frames that the machine's track and the true object share count. A person's
seconds come from `editor_hands`'s model; what the page makes a person wait is measured.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.arrays import Boxes, Mask
from lidar_label.benchmarks.annotator import is_right, next_wrong, pair_up
from lidar_label.benchmarks.editor_hands import Hands
from lidar_label.benchmarks.rows import Row, less_is_better
from lidar_label.benchmarks.view_server import ViewServer, chromium, find_chromium, served
from lidar_label.cuboids import Cuboids, load_cuboids

_FRAMES = 100
_TRACKS = 6
_FEWEST_FRAMES, _FEWEST_WRONG = 10, 4
_MOST_FIXES = 60  # of one track
_SECONDS = 10.0


@dataclass(frozen=True, eq=False)
class Task:
    """One machine's track and the object that it should be, in the frames of both.

    Attributes:
        labels: (F) rows of the machine.
        truth: (F) rows of the same frames.
    """

    labels: Cuboids
    truth: Cuboids


@dataclass(frozen=True)
class Cost:
    """Of all tracks: cuboids set, clicks, keys, a person's and the page's seconds, tracks left."""

    fixes: int
    clicks: int
    keys: int
    person_s: float
    page_s: float
    left_wrong: int


def run(data: Path | None) -> list[Row]:
    """Drive the page; on `drive0.h5` among the data where it is, else on a drive made here."""
    find_chromium()
    with tempfile.TemporaryDirectory() as folder:
        drive = _drive(data, Path(folder))
        proposals = _annotated(drive, Path(folder) / "proposals.parquet")
        truth = load_cuboids(drive.with_name(f"{drive.stem}.labels.parquet"))
        found = tasks(proposals, truth)
        with served([drive], Path(folder) / "store") as server, chromium() as page:
            by_track, by_frame = (_correct(server, page, drive, found, how) for how in (True, False))  # fmt: skip # noqa: E501
    return _rows(found, by_track, by_frame)


def _drive(data: Path | None, folder: Path) -> Path:
    ready = None if data is None else data / "drive0.h5"
    if ready is not None and ready.with_name("drive0.labels.parquet").exists():
        return ready
    from lidar_label.datasets.simulation.drive import simulate
    from lidar_label.datasets.simulation.suite import SimulationConfig

    out = folder / "drive0.h5"
    simulate(out, SimulationConfig(seconds=_SECONDS))
    return out


def _annotated(drive: Path, out: Path) -> Cuboids:
    from lidar_label.annotation import AnnotationConfig
    from lidar_label.annotation_file import annotate_to_file

    annotate_to_file(drive, out, AnnotationConfig(), workers=1)
    return load_cuboids(out)


def tasks(labels: Cuboids, truth: Cuboids) -> list[Task]:
    """The machine's first tracks, by number, that a person would have to correct."""
    labels = labels.select(labels.frame < _FRAMES)
    pairs = pair_up(labels, truth)
    object_of = np.full(len(labels), -1)
    object_of[pairs[:, 0]] = truth.track_id[pairs[:, 1]]
    found: list[Task] = []
    for name in np.unique(labels.track_id[labels.track_id >= 0]):
        seen, counts = np.unique(object_of[labels.track_id == name], return_counts=True)
        owner = int(seen[counts.argmax()])
        own, true = (c.select(np.argsort(c.frame)) for c in (
            labels.select(labels.track_id == name), truth.select(truth.track_id == owner)))  # fmt: skip # noqa: E501
        both = np.intersect1d(own.frame, true.frame)
        own, true = own.select(np.isin(own.frame, both)), true.select(np.isin(true.frame, both))
        if owner < 0 or len(both) < _FEWEST_FRAMES or len(own) != len(true):
            continue
        if (~is_right(own.boxes, true.boxes, true.category)).sum() >= _FEWEST_WRONG:
            found.append(Task(own, true))
    return found[:_TRACKS]


def _correct(
    server: ViewServer, page: Any, drive: Path, found: list[Task], with_tracker: bool
) -> Cost:
    project = server.ask("/projects", {"name": f"tracker {with_tracker}"})["id"]
    recording = server.ask(f"/projects/{project}/recordings", {"uri": str(drive)})["id"]
    api = f"/projects/{project}/recordings/{recording}"
    frames = len(server.ask(api)["time_ns"])
    ids = [_propose(server, api, k, task.labels) for k, task in enumerate(found)]
    page.goto(f"{server.address}/p/{project}/r/{recording}/edit")
    page.wait_for_function("performance.getEntriesByName('frame visible').length > 0")
    hands = Hands(page)
    fixes = left = 0
    start = time.perf_counter()
    for track, task in zip(ids, found, strict=True):
        row = page.locator(f"#ll-track-{track}").bounding_box()
        hands.click(row["x"] + 30, row["y"] + 12)
        _let_follow(page, with_tracker)
        boxes = _Boxes(server, api, track, task.truth)
        fixed = (_by_track if with_tracker else _by_frame)(hands, boxes, frames)
        fixes += fixed
        left += int(not boxes.right().all())
        hands.think()
        hands.press("Enter")
        hands.saved()
    effort = hands.effort
    seconds = time.perf_counter() - start
    return Cost(fixes, effort.clicks, effort.keys, effort.seconds, seconds, left)


def _let_follow(page: Any, wanted: bool) -> None:
    """The switch, set once by a person and not counted."""
    page.get_by_label("other frames follow").set_checked(wanted)
    page.locator(".ll-plane-top").hover(position={"x": 8, "y": 30})


@dataclass(frozen=True, eq=False)
class _Boxes:
    """The person's eyes: how one track stands beside what it should be."""

    server: ViewServer
    api: str
    track: int
    truth: Cuboids

    def right(self) -> Mask:
        """(F,) of the frames of the truth."""
        columns = self.server.ask(f"{self.api}/labels")["cuboids"]
        mine = np.array(columns["track_id"]) == self.track
        names = ("x", "y", "z", "length", "width", "height", "yaw")
        boxes = np.column_stack([np.array(columns[name])[mine] for name in names])
        boxes = boxes[np.argsort(np.array(columns["frame"])[mine])]
        return is_right(boxes, self.truth.boxes, self.truth.category)

    def frame(self, k: int) -> int:
        """The frame of a row of the truth."""
        return int(self.truth.frame[k])

    def wanted(self, k: int) -> Boxes:
        """(7,) the true box of that row."""
        return self.truth.boxes[k]


def _by_track(hands: Hands, boxes: _Boxes, frames: int) -> int:
    fixes = 0
    held = np.ones(len(boxes.truth), dtype=np.bool_)
    tried: set[int] = set()
    while True:
        hands.think()
        hands.press("b")  # the tiles tell which frames are wrong
        hands.page.wait_for_selector(".ll-tile")
        hands.press("Escape")
        right = boxes.right()
        if right.all() or fixes >= _MOST_FIXES:
            return fixes
        k = next_wrong(right, held)
        if k in tried:  # it is as right as the mouse can make it
            k = next((one for one in np.flatnonzero(~right).tolist() if one not in tried), -1)
        if k < 0:
            return fixes
        tried.add(k)
        hands.go_to(boxes.frame(k), frames)
        hands.set_right(boxes.wanted(k))
        fixes += 1


def _by_frame(hands: Hands, boxes: _Boxes, frames: int) -> int:
    fixes = 0
    hands.go_to(boxes.frame(0), frames)
    for k in range(len(boxes.truth)):
        while k and boxes.frame(k) > boxes.frame(k - 1) and not _shows(hands, boxes.frame(k)):
            hands.press("ArrowRight")
        hands.arrived(boxes.frame(k))
        hands.think()
        if not boxes.right()[k]:
            hands.set_right(boxes.wanted(k))
            fixes += 1
    return fixes


def _shows(hands: Hands, frame: int) -> bool:
    text = hands.page.locator(".ll-transport output").inner_text()
    return text.startswith(f"frame {frame} ")


def _propose(server: ViewServer, api: str, number: int, labels: Cuboids) -> int:
    names = ("x", "y", "z", "length", "width", "height", "yaw")
    cuboids = [
        {"frame": frame, "keyframe": False, "box": dict(zip(names, box, strict=True))}
        for frame, box in zip(labels.frame.tolist(), labels.boxes.tolist(), strict=True)
    ]
    payload = {"category": str(labels.category[0]), "state": "proposed", "cuboids": cuboids}
    edit = {"operation": "create_track", "client_id": f"proposal {number}", "payload": payload}
    return int(server.ask(f"{api}/edits", {"edits": [edit]})["tracks"][0]["track_id"])


def _rows(found: list[Task], by_track: Cost, by_frame: Cost) -> list[Row]:
    tracks = max(len(found), 1)
    frames = sum(len(task.truth) for task in found)
    note = (
        f"{len(found)} tracks, {frames} frames; seconds of a person by the keystroke-level model; "
        f"left with a wrong box: {by_track.left_wrong} and, by hand, {by_frame.left_wrong}"
    )

    def row(name: str, ours: float, peer: float, unit: str) -> Row:
        return less_is_better(
            f"{name} a corrected track", ours / tracks, "every frame by hand", peer / tracks, unit,
            note,
        )  # fmt: skip

    return [
        row("a person's time", by_track.person_s, by_frame.person_s, "s"),
        row("clicks", by_track.clicks, by_frame.clicks, ""),
        row("keys", by_track.keys, by_frame.keys, ""),
        row("cuboids set", by_track.fixes, by_frame.fixes, ""),
        row("run of the page", by_track.page_s, by_frame.page_s, "s"),
    ]
