"""The editor on two real sweeps with an image and labels (KITTI object 000001 and 000002)."""

import re

import pytest
from editor_hands import choose, drag, eventually, frame_of, grip, middle, saved
from editor_server import Drive, Server

from lidar_label.viewers.pages.app import ASSETS


@pytest.fixture(scope="module")
def street(shared, tmp_path_factory):
    """The sweeps on a server of their own, which a test may kill."""
    source = shared / "kitti_object"
    if not (source / "training" / "velodyne" / "000001.bin").exists():
        pytest.skip("needs kitti_object with sweep 000001 in ../shared/data")
    if not (ASSETS / "editor.js").exists():
        pytest.skip("the editor is not bundled: run `make setup`")
    server = Server(source, tmp_path_factory.mktemp("street"))
    server.start()
    project, recording = map(int, re.findall(r"/[pr]/(\d+)", server.page))
    drive = Drive(server, project, recording)
    drive.ids = sorted(drive.tracks())
    yield drive
    server.stop()


def first_seen(drive: Drive) -> int:
    return next(track for track in drive.ids if drive.cuboid(track, 0))


def ahead(page) -> None:
    page.locator(".ll-plane-top").hover(position={"x": 8, "y": 30})
    page.keyboard.press("w")


def test_loads_selects_edits_undoes_and_keeps_it_over_a_reload(street, open_editor):
    page = open_editor(street)
    assert page.locator(".ll-row").count() == len(street.ids)
    assert len(page.locator(".ll-main").screenshot()) > 60_000, "120,000 points are no blank view"
    picture = page.get_by_alt_text(re.compile("at frame 0"))
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 1000
    assert page.locator(".ll-projected").count() > 0
    track = first_seen(street)
    choose(page, track)
    before = street.cuboid(track, 0)
    ahead(page)
    drag(page, grip(page, "top", "edge 1 0"), (14, 0))
    saved(page)
    edited = street.cuboid(track, 0)
    assert edited["width"] > before["width"] + 0.05
    page.keyboard.press("Control+z")
    eventually(lambda: street.cuboid(track, 0)["width"] == before["width"], "the drag is undone")
    assert street.cuboid(track, 0)["x"] != before["x"], "the key is not"
    page.reload()
    page.wait_for_selector(".ll-row")
    choose(page, track)
    assert float(page.get_by_label("width in metres").input_value()) == pytest.approx(
        before["width"], abs=0.006
    )
    page.keyboard.press("Control+z")
    eventually(lambda: street.cuboid(track, 0)["x"] == before["x"], "undone over the reload")
    page.keyboard.press("ArrowRight")
    eventually(lambda: frame_of(page) == 1, "the next sweep")
    drag(page, middle(page.locator(".ll-main")), (80, 10))


def test_killed_in_mid_edit_nothing_is_lost(street, open_editor):
    track = first_seen(street)
    page = open_editor(street, allow_errors=True)
    choose(page, track)
    before = street.cuboid(track, 0)
    ahead(page)
    saved(page)
    page.keyboard.press("w")
    street.server.kill()
    page.keyboard.press("w")
    page.wait_for_selector("[data-status='offline']")
    page.keyboard.press("z")
    street.server.start()
    saved(page)
    after = street.cuboid(track, 0)
    moved = ((after["x"] - before["x"]) ** 2 + (after["y"] - before["y"]) ** 2) ** 0.5
    assert moved == pytest.approx(0.15, abs=1e-4), "three steps, each once"
    assert after["yaw"] == pytest.approx(before["yaw"] + 0.0349066, abs=1e-4)


def test_two_browsers_on_one_real_track(street, open_editor):
    track = first_seen(street)
    first = open_editor(street, allow_errors=True)  # Chromium logs the 409
    second = open_editor(street, allow_errors=True)
    answers: list[int] = []
    second.on("response", lambda answer: answers.append(answer.status))
    for page in (first, second):
        choose(page, track)
    first.keyboard.press("z")
    saved(first)
    second.keyboard.press("g")
    second.wait_for_selector("[data-status='conflict']")
    assert 409 in answers
    assert "Someone else changed" in second.get_by_role("dialog").inner_text()
    second.get_by_role("button", name="Take theirs").click()
    saved(second)
