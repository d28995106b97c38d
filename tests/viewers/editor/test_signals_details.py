"""By keyboard alone: events, channels, attributes, comments, own keys; and the import of a CSV."""

from collections.abc import Iterator
from pathlib import Path

import editor_hands as hands
import numpy as np
import pytest
from editor_server import SIZE, Server
from signals_screen import START_NS, S, Screen

from lidar_label.datasets.recording import RecordingWriter
from lidar_label.viewers.pages.app import ASSETS


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not (ASSETS / "editor.js").exists():
        pytest.skip("the editor is not bundled: run `make setup`")
    path = tmp_path_factory.mktemp("phone") / "phone.h5"
    times = np.arange(0, 30, 0.02)
    values = np.column_stack([np.sin(times * 9) * (times > 15), np.cos(times), times * 0 + 9.8])
    with RecordingWriter(path, source="made up") as writer:
        writer.add_imu("imu", np.eye(4), ("acc_x", "acc_y", "acc_z"), ("m/s²",) * 3)
        writer.append_imu("imu", START_NS + np.rint(times * S).astype(np.int64), values)
    running = Server(path, tmp_path_factory.mktemp("store"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def page(browser):
    errors: list[str] = []
    page = browser.new_page(viewport=SIZE)
    page.set_default_timeout(30_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


def test_by_keyboard_alone(page, phone: Server) -> None:
    page.goto(phone.page)
    page.wait_for_selector(".ll-signals[data-busy='']")
    page.get_by_label("propose again after every tag").uncheck()
    page.locator("canvas.ll-signal").focus()
    screen = Screen(page, phone)
    # an event at the cursor, tagged, moved, undone
    page.keyboard.press("j")
    page.keyboard.press("b")
    page.keyboard.press("4")
    hands.eventually(lambda: [w["category"] for w in screen.windows()] == ["walking"], "an event")
    [event] = screen.windows()
    assert event["start_ns"] == event["end_ns"]
    page.get_by_text("Event ").first.wait_for()
    # what is said of it
    page.get_by_label("phone").focus()
    page.keyboard.type("pocket")
    page.keyboard.press("Enter")
    hands.eventually(lambda: screen.windows()[0]["attributes"].get("phone") == "pocket", "said")
    page.get_by_label("New comment").focus()
    page.keyboard.type("a stumble?")
    page.keyboard.press("Enter")
    comment = page.locator(".ll-comment")
    comment.wait_for()
    assert "a stumble?" in comment.inner_text()
    labels = phone.ask("/projects/1/recordings/1/labels")
    assert labels["comments"][0]["window_id"] == event["window_id"]
    comment.get_by_text("done").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".ll-comment[data-resolved='true']")
    # a window of one channel
    page.get_by_label("Channel of new windows").select_option("acc_y")
    page.locator("canvas.ll-signal").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    hands.eventually(lambda: len(screen.windows()) == 2, "a window")
    assert sorted(w["sensor"] for w in screen.windows()) == ["imu", "imu/acc_y"]
    csv = phone_text(phone, "/projects/1/recordings/1/signals/imu/windows?form=csv")
    assert len(csv.strip().splitlines()) == 3
    # another key for undo, kept by the browser
    page.keyboard.press("?")
    page.get_by_label("Key for Undo").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("4")
    page.get_by_text("already means: class walking").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.press("z")
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    hands.eventually(lambda: len(screen.windows()) == 1, "undone by the new key")
    page.reload()
    page.wait_for_selector(".ll-signals[data-busy='']")
    page.keyboard.press("?")
    assert page.get_by_label("Key for Undo: z").count() == 1


def phone_text(phone: Server, path: str) -> str:
    from urllib.request import urlopen

    with urlopen(f"http://localhost:{phone.port}/api/v1{path}") as answer:
        return answer.read().decode()


def test_a_csv_is_imported_as_a_person_says(page, phone: Server, tmp_path: Path) -> None:
    rows = [f"2026-07-01 12:00:{k / 50:06.3f};{k % 7 / 100};0.02;1.0;{k}" for k in range(200)]
    path = tmp_path / "watch.csv"
    path.write_text("\n".join(["when;ax;ay;az;beats", *rows]) + "\n")
    page.goto(phone.page.rsplit("/r/", 1)[0])
    page.get_by_label("Files to import").set_input_files(path)
    page.get_by_text("no time column and no rate").wait_for()
    assert page.get_by_text("Import", exact=True).is_disabled()
    page.get_by_label("Time column").select_option("when")
    page.get_by_label("Time zone").fill("Mars/Olympus")
    page.get_by_label("Time zone").blur()
    page.get_by_text("time zone 'Mars/Olympus' is unknown").wait_for()
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_label("Time zone").blur()
    page.get_by_text("200 samples at 50.00 Hz").wait_for()
    page.get_by_label("Read beats").uncheck()
    hands.eventually(lambda: page.locator(".ll-previews figure").count() == 3, "three channels")
    assert "2026-07-01 10:00:00.000 UTC" in page.get_by_label("What it becomes").inner_text()
    page.get_by_text("Import", exact=True).click()
    page.get_by_text("watch", exact=True).wait_for()
    page.get_by_role("link", name="Open the signals").last.click()
    page.wait_for_function("performance.getEntriesByName('signal visible').length > 0")
    assert "acc_z" in page.locator(".ll-readings").inner_text()


def test_a_window_stays_inside_the_one_it_lies_in(page, phone: Server) -> None:
    page.goto(phone.page)
    page.wait_for_selector(".ll-signals[data-busy='']")
    page.get_by_label("propose again after every tag").uncheck()
    screen = Screen(page, phone)

    def made(tier: str) -> list[tuple[float, float]]:
        spans = [(int(w["start_ns"]), int(w["end_ns"])) for w in screen.windows() if w["tier"] == tier]  # fmt: skip # noqa: E501
        return [((a - START_NS) / S, (b - START_NS) / S) for a, b in spans if b > a + S]

    def draw(tier: str, start: float, end: float, *, exact: bool = False) -> None:
        before = len(made(tier))
        page.get_by_label("Tier").select_option(tier)
        page.keyboard.press("Escape")
        if exact:
            page.keyboard.down("Alt")
        screen.drag(start, end, y=500)
        page.keyboard.up("Alt")
        hands.eventually(lambda: len(made(tier)) == before + 1, tier)

    draw("context", 3.0, 12.0)
    [(start, end)] = made("context")
    draw("posture", 8.0, 17.0)
    assert made("posture")[0][1] == end
    draw("posture", 9.0, 19.0, exact=True)
    assert max(b for _, b in made("posture")) > end + 5
    finding = page.get_by_label("Findings").get_by_role("button")
    assert finding.count() == 1
    assert "leaves" in finding.inner_text()
    # the context is made shorter: what lies inside follows, and one undo brings both back
    page.locator("canvas.ll-signal").focus()
    screen.drag(end, end - 2, y=22 + 12)
    hands.eventually(lambda: made("context")[0][1] < end - 1, "a shorter context")
    assert min(b for _, b in made("posture")) == made("context")[0][1]
    page.keyboard.press("Control+z")
    hands.eventually(lambda: made("context") == [(start, end)], "as it was")
    assert min(b for _, b in made("posture")) == end
