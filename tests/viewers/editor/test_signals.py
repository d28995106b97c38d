"""The signals page in a real Chromium: a CSV of a made-up phone, by mouse and by keyboard."""

import importlib.util
import io
import os
from collections.abc import Iterator
from pathlib import Path

import editor_hands as hands
import numpy as np
import pytest
from editor_server import SIZE, Server
from PIL import Image
from signals_screen import START_NS, S, Screen

from lidar_label.datasets.recording import RecordingWriter
from lidar_label.datasets.windows import Windows
from lidar_label.viewers.pages.app import ASSETS

_SPEC = importlib.util.spec_from_file_location(
    "people", Path(__file__).parents[2] / "lidar_label" / "people.py"
)
people = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(people)

GAP_S = (100.0, 104.0)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Windows]:
    """A phone's CSV with a gap, and what its owner did."""
    signal, windows = people.day(3, bouts=16)
    time_ns = signal.time_ns - signal.time_ns[0]
    kept = (time_ns < GAP_S[0] * S) | (time_ns >= GAP_S[1] * S)
    path = tmp_path_factory.mktemp("phone") / "phone.csv"
    rows = [
        ",".join([str(t + START_NS), *(f"{value:.5f}" for value in row)])
        for t, row in zip(time_ns[kept].tolist(), signal.values[kept].tolist(), strict=True)
    ]
    path.write_text("\n".join(["time_ns," + ",".join(signal.channels), *rows]) + "\n")
    return path, windows


@pytest.fixture(scope="module")
def phone(truth, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not (ASSETS / "editor.js").exists():
        pytest.skip("the editor is not bundled: run `make setup`")
    running = Server(truth[0], tmp_path_factory.mktemp("store"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def page(browser, phone: Server, request: pytest.FixtureRequest):
    """The page that `lidar-label view phone.csv` names; an error in its console fails the test."""
    errors: list[str] = []
    context = browser.new_context(viewport=SIZE)
    page = context.new_page()
    page.set_default_timeout(60_000)  # the first question about changes compiles
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: line.type == "error" and errors.append(line.text))
    page.goto(phone.page)
    page.wait_for_function("performance.getEntriesByName('signal visible').length > 0")
    page.wait_for_selector(".ll-signals[data-busy='']")
    yield page
    folder = os.environ.get("EDITOR_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{request.node.name}.png"))
    context.close()
    assert errors == []


def test_a_phone_is_tagged_by_mouse_and_keyboard(page, phone: Server, truth) -> None:
    screen = Screen(page, phone)
    changes = phone.ask("/projects/1/recordings/1/signals/imu/changes")
    change = [(int(t) - START_NS) / S for t in changes["time_ns"]]
    bouts = truth[1]
    edge = [(int(t) - int(bouts.start_ns[0])) / S for t in bouts.start_ns]

    # a view nearer, and back again; the cursor says its exact time and values
    page.mouse.move(*screen.at(20))
    page.mouse.wheel(0, -400)
    hands.eventually(lambda: screen.view[1] - screen.view[0] < 100, "nearer")
    page.keyboard.press("v")
    hands.eventually(lambda: screen.view[0] == 0 and screen.view[1] > 150, "the whole")
    page.mouse.move(*screen.at(20))
    assert page.locator(".ll-exact").inner_text().startswith("2026-09-21 14:13:")
    assert "acc_x" in page.locator(".ll-readings").inner_text()
    page.mouse.move(*screen.at(102))
    assert "no sample" in page.locator(".ll-readings").inner_text()

    # a window drawn nearly over a bout is caught by the changes about it
    page.get_by_label("propose again after every tag").uncheck()
    screen.drag(change[0] + 0.4, change[1] - 0.4)
    screen.settled()
    [(start, end, _)] = screen.spans()
    assert (start, end) == (change[0], change[1])
    assert abs(start - edge[1]) < 1.5
    name = class_at(bouts, (start + end) / 2)
    page.keyboard.press(KEYS[name])
    hands.eventually(lambda: screen.spans()[0][2] == name, "its class")

    # its end dragged in the lane, undone and redone
    screen.drag(end, end + 5, y=33)
    hands.eventually(lambda: screen.spans()[0][1] > end + 3, "a later end")
    page.keyboard.press("Control+z")
    hands.eventually(lambda: screen.spans()[0][1] == end, "the end as it was")
    page.keyboard.press("Control+y")
    hands.eventually(lambda: screen.spans()[0][1] > end + 3, "the later end again")
    page.keyboard.press("Control+z")
    hands.eventually(lambda: screen.spans()[0][1] == end, "the end as it was")

    # split by key, merged by key, deleted and brought back
    page.mouse.click(*screen.at((start + end) / 2))
    page.keyboard.press("s")
    hands.eventually(lambda: len(screen.spans()) == 2, "two halves")
    page.keyboard.press("m")
    hands.eventually(lambda: screen.spans() == [(start, end, name)], "one again")
    page.keyboard.press("Delete")
    hands.eventually(lambda: not screen.spans(), "none")
    page.keyboard.press("Control+z")
    hands.eventually(lambda: len(screen.spans()) == 1, "there again")

    # another one by keys alone: between two changes, its class, its end one change further
    page.keyboard.press("Escape")
    page.mouse.move(*screen.at(change[4] + 0.5))
    page.mouse.move(5, 5)
    page.keyboard.press("j")
    page.keyboard.press("c")
    hands.eventually(
        lambda: (change[5], change[6]) in [span[:2] for span in screen.spans()], "made"
    )
    page.keyboard.press("3")
    page.keyboard.press("Shift+ArrowRight")
    hands.eventually(lambda: (change[5], change[7], "lying") in screen.spans(), "tagged, longer")
    page.keyboard.press("Delete")
    hands.eventually(lambda: len(screen.spans()) == 1, "the first alone")


def test_what_comes_next_is_there_before_it_is_asked_for(browser, tmp_path: Path) -> None:
    """Far more samples than pixels, so that a nearer view needs finer blocks."""
    path = tmp_path / "long.h5"
    with RecordingWriter(path, source="made up") as writer:
        writer.add_imu("imu", np.eye(4), ("acc_x",), ("m/s²",))
        times = START_NS + np.arange(400_000) * (S // 100)
        writer.append_imu("imu", times, np.random.default_rng(1).normal(size=(len(times), 1)))
    server = Server(path, tmp_path / "store")
    server.start()
    try:
        page = browser.new_page(viewport=SIZE)
        asked: list[str] = []
        page.on("requestfinished", lambda one: "pixels=" in one.url and asked.append(one.url))
        page.goto(server.page)
        page.wait_for_selector(".ll-signals[data-busy='']")
        page.mouse.move(*Screen(page, server).at(1000.0))
        page.mouse.wheel(0, -300)
        fine = "performance.getEntriesByName('signal fine').length"
        hands.eventually(lambda: page.evaluate(fine) == 1, "drawn finely")
        page.wait_for_load_state("networkidle")
        assert len(asked) > 1
        page.route("**/*pixels=*", lambda route: None)  # the server does not answer any more
        page.mouse.wheel(0, -340)
        hands.eventually(lambda: page.evaluate(fine) == 2, "drawn finely from what is here")
        page.close()
    finally:
        server.stop()


def test_the_machine_proposes_the_rest(page, phone: Server, truth) -> None:
    screen = Screen(page, phone)
    bouts = truth[1]
    tag_classes_by_suggestion(page, screen, bouts)
    hands.eventually(lambda: len(screen.windows("proposed")) > 4, "proposals", 60)
    screen.settled()
    if os.environ.get("EDITOR_SCREENSHOTS"):
        page.wait_for_timeout(1500)  # the last tag is learned from
        screen.settled()
        page.mouse.click(*screen.at(44, 33))
        page.keyboard.press("f")
        page.wait_for_selector(".ll-offered li")
        page.screenshot(path=str(Path(os.environ["EDITOR_SCREENSHOTS"]) / "proposals.png"))
        page.keyboard.press("Escape")
    tagged = len(screen.spans())
    page.keyboard.press("Shift+Enter")
    hands.eventually(lambda: len(screen.spans()) > tagged + 4, "sure ones accepted")
    screen.settled()
    assert right_share(screen.spans(), bouts) > 0.9
    page.keyboard.press("Control+z")
    hands.eventually(lambda: len(screen.spans()) == tagged, "all taken back together")


def test_what_someone_else_has_changed_is_not_overwritten(browser, phone: Server) -> None:
    api = "/projects/1/recordings/1"
    span = {"start_ns": str(START_NS + 200 * S), "end_ns": str(START_NS + 205 * S)}
    made = {"operation": "window_create", "client_id": "two 1"}
    made["payload"] = {**span, "category": "cycling", "sensor": "imu", "tier": "context"}
    [window] = phone.ask(f"{api}/edits", {"edits": [made]})["windows"]
    page = browser.new_page(viewport=SIZE)
    page.goto(phone.page)
    page.get_by_label("Tier").select_option("context")
    page.locator(f"[data-window='{window['window_id']}']").click()
    about = {"window_id": window["window_id"], "base_revision": window["revision"]}
    later = {"start_ns": span["start_ns"], "end_ns": str(START_NS + 207 * S)}
    moved = {**about, "operation": "window_move", "client_id": "two 2", "payload": later}
    [window] = phone.ask(f"{api}/edits", {"edits": [moved]})["windows"]
    page.keyboard.press("9")
    page.get_by_text("not saved").wait_for()
    page.wait_for_selector(".ll-signals[data-status='saved']")
    assert "cycling" in page.locator("[data-window]").inner_text()
    assert "7.0 s" in page.locator("[data-window]").inner_text()
    page.keyboard.press("9")  # now they have seen it
    page.get_by_text("driving 3:20").wait_for()
    page.keyboard.press("Delete")
    page.wait_for_selector("[data-window]", state="detached")
    page.close()


def test_the_camera_shows_what_was_at_the_cursor(browser, tmp_path: Path) -> None:
    path = tmp_path / "drive.h5"
    write_filmed(path)
    server = Server(path, tmp_path / "store")
    server.start()
    try:
        page = browser.new_page(viewport=SIZE)
        page.goto(f"{server.page.rsplit('/', 1)[0]}/signals")
        page.wait_for_selector(".ll-frame")
        assert {"walking", "driving"} < class_names(page)
        assert "car" not in class_names(page)
        screen = Screen(page, server)
        page.keyboard.press("4")
        screen.drag(2.0, 4.0)
        hands.eventually(lambda: [one[2] for one in screen.spans()] == ["walking"], "an activity")
        for frame in (2, 7):
            page.mouse.move(*screen.at(frame + 0.1))
            page.wait_for_selector(f".ll-frame[data-frame='{frame}']")
        page.goto(f"{server.page.rsplit('/', 1)[0]}/edit")
        page.wait_for_selector(".ll-main")
        assert "car" in class_names(page)
        assert "walking" not in class_names(page)
        page.go_back()
        page.wait_for_selector(".ll-frame")
        assert page.locator(".ll-frame").evaluate("async image => (await image.decode(), image.naturalWidth)") == 64  # fmt: skip # noqa: E501
        page.close()
    finally:
        server.stop()


def class_names(page) -> set[str]:
    """What may be chosen on the page, without the keys."""
    page.get_by_role("radiogroup", name="Class").wait_for()
    names = page.locator("[aria-label='Class'] button").evaluate_all(
        "all => all.map(one => [...one.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join(''))"  # noqa: E501
    )
    return {name.strip() for name in names}


def write_filmed(path: Path) -> None:
    """Ten seconds of an inertial unit with a camera's image and a sweep every second."""
    image = io.BytesIO()
    Image.new("RGB", (64, 32), "teal").save(image, "PNG")
    with RecordingWriter(path, source="made up") as writer:
        writer.add_lidar("top", np.eye(4))
        lens = np.array([[50, 0, 32], [0, 50, 16], [0, 0, 1.0]])
        writer.add_camera("front", np.eye(4), intrinsics=lens, width=64, height=32)
        writer.add_imu("imu", np.eye(4), ("acc_x",), ("m/s²",))
        for second in range(10):
            writer.append_sweep("top", START_NS + second * S, np.ones((5, 3), np.float32))
            writer.append_image("front", START_NS + second * S, image.getvalue())
        times = START_NS + np.arange(900) * (S // 100)
        writer.append_imu("imu", times, np.sin(np.arange(900) / 20)[:, None])


KEYS = {"standing": "1", "lying": "3", "walking": "4", "running": "5"}


def tag_classes_by_suggestion(page, screen: Screen, bouts: Windows) -> None:
    """Answer what the page asks, until every class is tagged."""
    for _ in range(6):
        page.keyboard.press("n")
        page.wait_for_selector(".ll-offered [aria-current='true']")
        before = len(screen.spans())
        cursor = page.locator(".ll-exact").inner_text()
        page.keyboard.press(KEYS[class_at(bouts, seconds_of(cursor) + 1.28)])
        hands.eventually(lambda before=before: len(screen.spans()) > before, "a tag")
        page.keyboard.press("Escape")
        screen.settled()
        if {name for _, _, name in screen.spans()} == set(bouts.category):
            return


def seconds_of(text: str) -> float:
    """From `2026-09-21 14:13:20.000000000 UTC`, which is where the phone begins."""
    hours, minutes, seconds = text.split(" ")[1].split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds) - (14 * 3600 + 13 * 60 + 20)


def class_at(bouts: Windows, seconds: float) -> str:
    place = int(np.searchsorted(bouts.start_ns - bouts.start_ns[0], seconds * S, "right")) - 1
    return str(bouts.category[place])


def right_share(spans: list[tuple[float, float, str]], bouts: Windows) -> float:
    """Share of the time in accepted windows that has its true class."""
    times = [(t, name) for a, b, name in spans for t in np.arange(a, b, 0.1)]
    return float(np.mean([class_at(bouts, t) == name for t, name in times]))
