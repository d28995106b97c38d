"""A simulated person at the signals page: what a recording of postures costs, and by hand.

Each phone recording below `imu/hapt` is tagged twice in Chromium by real mouse and keyboard until
97 % of the named time is right in accepted windows. With the machine: the person answers "tag this
next" so many times, then sets right the true window of which the most is wrong (another class for a
window that is there, an end dragged, or drawn anew; and "more like this" where several others of
the class are wrong), looks through what is proposed and accepts it all. By hand: nothing is
proposed, the longest true windows that hold 97 % are drawn in order of time. A moment of two
windows of different classes is wrong. A person's seconds come from `browser_hands`'s model; what
the page makes a person wait is measured. The plan was chosen on the first half of the people.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from lidar_label.benchmarks.activity_recordings import Labelled, posture_recordings
from lidar_label.benchmarks.progress import say
from lidar_label.benchmarks.rows import Row, less_is_better
from lidar_label.benchmarks.signals_eyes import Eyes, Fix, longest_windows, next_fix
from lidar_label.benchmarks.signals_hands import SignalsHands
from lidar_label.benchmarks.signals_tagger import named_times
from lidar_label.benchmarks.view_server import ViewServer, chromium, find_chromium, served
from lidar_label.datasets.recording import RecordingWriter
from lidar_label.datasets.windows import UNKNOWN
from lidar_label.errors import UsageError

GOAL = 0.97
_KEYS = "1234567890qwertyuiop"
_MOST_FIXES = 80


@dataclass(frozen=True)
class Plan:
    """How a person goes about it.

    Attributes:
        answers: To "tag this next".
        alike: So many windows of a class must be wrong for "more like this"; 0: never asked.
    """

    answers: int = 40
    alike: int = 3


@dataclass(frozen=True)
class Cost:
    """Of one recording: windows tagged, clicks, keys, a person's and the page's seconds."""

    right: float
    windows: int
    clicks: int
    keys: int
    person_s: float
    page_s: float


@dataclass(frozen=True)
class Measured:
    """Both ways of one recording."""

    name: str
    person: str
    machine: Cost
    by_hand: Cost


def run(data: Path | None) -> list[Row]:
    """Drive the page on every posture recording of the data."""
    recordings = [] if data is None else posture_recordings(data)
    if not recordings:
        raise UsageError("signals_annotator: needs imu/hapt; name the folder that holds it by --data")  # fmt: skip # noqa: E501
    find_chromium()
    return rows(measure(recordings))


def measure(
    recordings: Sequence[Labelled], plan: Plan | None = None, *, by_hand: bool = True
) -> list[Measured]:
    """Tag each of them in a browser, with the machine and by hand."""
    plan = plan or Plan()
    found: list[Measured] = []
    with tempfile.TemporaryDirectory() as folder:
        files = [write_recording(one, Path(folder)) for one in recordings]
        with served(files[:1], Path(folder) / "store") as server:
            for recording, file in zip(recordings, files, strict=True):
                costs: list[Cost] = []
                for name in ("machine", "by hand")[: 1 + by_hand]:
                    with chromium() as page:
                        desk = open_page(server, page, recording, file, name)
                        costs.append(_cost(desk, plan, name == "machine"))
                    say(f"{recording.name} {name}: {costs[-1]}")
                found.append(Measured(recording.name, recording.person, costs[0], costs[-1]))
    return found


def write_recording(labelled: Labelled, folder: Path) -> Path:
    """A recording with the signal as one inertial unit."""
    signal, path = labelled.signal, folder / f"{Path(labelled.name).stem}.h5"
    units = ["rad/s" if name.startswith("gyro") else "m/s²" for name in signal.channels]
    with RecordingWriter(path, source=labelled.name) as writer:
        writer.add_imu("imu", np.eye(4), signal.channels, units)
        writer.append_imu("imu", signal.time_ns(np.arange(len(signal.values))), signal.values)
    return path


@dataclass(frozen=True, eq=False)
class Desk:
    """A recording open in the browser, with hands and eyes on it."""

    hands: SignalsHands
    eyes: Eyes
    recording: Labelled


def open_page(server: ViewServer, page: Any, recording: Labelled, file: Path, name: str) -> Desk:
    """A project of its own, with the classes of the truth, and its page."""
    names = sorted(set(recording.truth.category.tolist()))
    keys = dict(zip(names, _KEYS, strict=False))
    classes = [{"name": each, "key": keys[each]} for each in names]
    text = yaml.safe_dump({"name": "postures", "version": 1, "classes": classes})
    title = f"{recording.name} {name}"
    project = server.ask("/projects", {"name": title, "ontology": text})["id"]
    number = server.ask(f"/projects/{project}/recordings", {"uri": str(file)})["id"]
    page.set_default_timeout(300_000)
    page.goto(f"{server.address}/p/{project}/r/{number}/signals")
    page.wait_for_function("performance.getEntriesByName('signal visible').length > 0")
    page.wait_for_selector(".ll-signals[data-busy='']")
    times, truth = named_times(recording.truth)
    start = int(recording.signal.time_ns(0))
    api = f"/projects/{project}/recordings/{number}"
    eyes = Eyes(lambda: server.ask(f"{api}/labels")["windows"], start, recording.truth, times, truth)  # fmt: skip # noqa: E501
    return Desk(SignalsHands(page, keys=keys), eyes, recording)


def _cost(desk: Desk, plan: Plan, machine: bool) -> Cost:
    live = desk.hands.page.get_by_label("propose again after every tag")
    live.set_checked(machine)
    desk.hands.page.mouse.move(5, 5)
    began = time.perf_counter()
    windows = tag(desk, plan) if machine else tag_by_hand(desk)
    page_s = time.perf_counter() - began
    effort = desk.hands.effort
    right = desk.eyes.right(desk.eyes.accepted())
    return Cost(right, windows, effort.clicks, effort.keys, effort.seconds, page_s)  # fmt: skip


def tag_by_hand(desk: Desk) -> int:
    """Draw every window that is needed; how many."""
    needed = longest_windows(desk.recording.truth, GOAL)
    every = longest_windows(desk.recording.truth, 1.0)
    more = [row for row in every if row not in needed]
    for drawn, row in enumerate([*needed, *more]):
        if drawn >= len(needed) and desk.eyes.right(desk.eyes.accepted()) >= GOAL:
            return drawn
        desk.hands.think()
        desk.hands.draw(desk.eyes.true_span(row), str(desk.recording.truth.category[row]))
        desk.hands.saved()
    return len(every)


def tag(desk: Desk, plan: Plan) -> int:
    """Answer, set right, accept; how many windows were tagged one by one."""
    eyes = desk.eyes
    tagged = _answers(desk, plan.answers)
    tried: list[Fix] = []
    while eyes.right(shown := eyes.windows()) < GOAL and len(tried) < _MOST_FIXES:
        desk.hands.think()
        fix = next_fix(eyes, shown, tried)
        if fix is None:
            break
        tried.append(fix)
        _then_learn(desk, lambda fix=fix: _make(desk, fix))
        tagged += 1
        if plan.alike and eyes.wrong_windows(fix.category) >= plan.alike:
            tagged += _more_alike(desk, fix)
    if eyes.right(eyes.accepted()) < GOAL:
        for _ in eyes.proposed():
            desk.hands.think()  # is it right?
        _then_learn(desk, desk.hands.accept_all)
    return tagged


def _answers(desk: Desk, most: int) -> int:
    """To "tag this next": class keys, Backspace for what is mixed or has no name; how many keys."""
    hands, eyes = desk.hands, desk.eyes
    given = 0
    while given < most and eyes.right(eyes.windows()) < GOAL:
        before = given
        hands.ask("n")
        while given < most and (span := hands.offered()) is not None:
            hands.think()
            name, whole = eyes.truth_in(span)
            if name == UNKNOWN or not whole:
                hands.press("Backspace")
            else:
                _then_learn(desk, lambda name=name: hands.press(hands.keys[name]))
            given += 1
        if given == before:  # nothing is left to ask
            break
    if hands.offered() is not None:
        hands.press("Escape")
    return given


def _more_alike(desk: Desk, fix: Fix) -> int:
    """Choose the window, ask for others like it and judge them until two in a row are none."""
    hands, eyes = desk.hands, desk.eyes
    hands.choose(fix.span)
    hands.ask("f")
    taken = misses = 0
    while (span := hands.offered()) is not None:
        if misses == 2 or not eyes.wrong_windows(fix.category):
            hands.press("Escape")
            break
        hands.think()
        if eyes.truth_in(span) == (fix.category, True):
            _then_learn(desk, lambda: hands.press("Enter"))
            taken, misses = taken + 1, 0
        else:
            hands.press("Backspace")
            misses += 1
    return taken


def _make(desk: Desk, fix: Fix) -> None:
    hands = desk.hands
    say(f"{fix.how} {fix.category} {fix.at[0]:.1f} {fix.at[1]:.1f} after {desk.hands.effort}")
    if fix.how == "tag":
        hands.choose(fix.at)
        hands.press(hands.keys[fix.category])
    elif fix.how == "drop":
        hands.choose(fix.at)
        hands.press("Delete")
    elif fix.how == "move":
        hands.move_edge(fix.span, *fix.at)
    else:
        hands.draw(fix.span, fix.category)


def _then_learn(desk: Desk, do: Callable[[], None]) -> None:
    """Do it, and wait until it is saved and, once two classes are tagged, learned from."""
    before = desk.hands.answers
    do()
    desk.hands.settled()
    if len({one.category for one in desk.eyes.accepted()}) > 1:
        desk.hands.learned(before)


def rows(found: Sequence[Measured]) -> list[Row]:
    """Medians over the recordings; the note has the range."""
    people = sorted({one.person for one in found})
    half = [one for one in found if one.person in people[len(people) // 2 :]]
    made: list[Row] = []
    for which, some in (("", found), (", people not tuned on", half)):
        made += [_row(f"{what}{which}", name, unit, some) for what, name, unit in _FIGURES]
    return made


_FIGURES = (
    ("a person's time", "person_s", "s"),
    ("windows tagged one by one", "windows", ""),
    ("clicks", "clicks", ""),
    ("keys", "keys", ""),
    ("run of the page", "page_s", "s"),
)


def _row(what: str, name: str, unit: str, some: Sequence[Measured]) -> Row:
    ours = [float(getattr(one.machine, name)) for one in some]
    peer = [float(getattr(one.by_hand, name)) for one in some]
    right = min(min(one.machine.right, one.by_hand.right) for one in some)
    note = (
        f"{what}: {min(ours):.0f} to {max(ours):.0f}, by hand {min(peer):.0f} to {max(peer):.0f}, "
        f"of {len(some)} recordings of {len({one.person for one in some})} people; "
        f"right is at least {right:.3f}"
    )
    return less_is_better(
        f"{what}, median", statistics.median(ours), "every window by hand",
        statistics.median(peer), unit, note,
    )  # fmt: skip
