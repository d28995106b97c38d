"""No edit is lost: the server killed in mid-edit, a page closed, two people on one track."""

import pytest
from editor_hands import choose, eventually, saved


@pytest.fixture
def own_server(server, drive, tmp_path):
    """A server that the test may kill."""
    running = type(server)(drive, tmp_path / "store")
    running.start()
    yield running
    running.stop()


def test_edits_survive_a_killed_server_and_a_closed_page(own_server, truth, open_editor, browser):
    drive = own_server.open_project("killed", truth)
    track = drive.ids[0]
    context = browser.new_context()
    page = open_editor(drive, context=context, allow_errors=True)
    choose(page, track)
    before = drive.cuboid(track, 0)
    page.locator(".ll-plane-top").hover(position={"x": 8, "y": 30})
    page.keyboard.press("w")
    saved(page)
    own_server.kill()
    page.keyboard.press("w")
    page.wait_for_selector("[data-status='offline']")  # what is on its way is not added to
    page.keyboard.press("g")
    own_server.start()
    saved(page)
    after = drive.cuboid(track, 0)
    assert after["x"] == pytest.approx(before["x"] + 0.1)
    assert abs(after["yaw"]) == pytest.approx(3.14159, abs=1e-4)
    own_server.kill()
    page.keyboard.press("w")
    page.wait_for_selector("[data-status='offline']")
    page.close()
    own_server.start()
    again = open_editor(drive, context=context)
    saved(again)
    assert drive.cuboid(track, 0)["x"] == pytest.approx(before["x"] + 0.05), "ahead is back now"
    operations = [
        line["operation"] for line in own_server.ask(f"{drive.api}/history?track={track}")
    ]
    assert operations.count("set_cuboids") == 4, "each counts once, however often it was sent"
    again.keyboard.press("Control+z")
    eventually(
        lambda: drive.cuboid(track, 0)["x"] == pytest.approx(before["x"] + 0.1), "one step back"
    )
    again.keyboard.press("Control+z")
    eventually(lambda: drive.cuboid(track, 0)["yaw"] == pytest.approx(before["yaw"]), "another")
    assert drive.cuboid(track, 0)["x"] == pytest.approx(before["x"] + 0.1), "waited, yet alone"


def test_a_new_track_made_offline_gets_its_id_later(own_server, truth, open_editor):
    drive = own_server.open_project("offline", truth)
    page = open_editor(drive, allow_errors=True)
    choose(page, drive.ids[0])
    page.keyboard.press("Control+c")
    own_server.kill()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+v")
    page.keyboard.press("g")
    page.wait_for_selector("[data-status='offline']")
    own_server.start()
    saved(page)
    made = set(drive.tracks()) - set(drive.ids)
    assert len(made) == 1
    assert abs(drive.cuboid(made.pop(), 0)["yaw"]) == pytest.approx(3.14159, abs=1e-4)


@pytest.mark.parametrize(
    ("keep", "yaw"), [("Take theirs", 0.034907), ("Apply mine on top", -3.14159)]
)
def test_two_browsers_on_one_track(annotated, open_editor, keep, yaw):
    first = open_editor(annotated, allow_errors=True)  # Chromium logs the 409
    second = open_editor(annotated, allow_errors=True)
    track = annotated.ids[0]
    for page in (first, second):
        choose(page, track)
    first.keyboard.press("z")
    saved(first)
    second.keyboard.press("g")
    second.wait_for_selector("[data-status='conflict']")
    assert str(track) in second.get_by_role("dialog").inner_text()
    second.get_by_role("button", name=keep).click()
    saved(second)
    eventually(
        lambda: abs(annotated.cuboid(track, 0)["yaw"]) == pytest.approx(abs(yaw), abs=1e-4), keep
    )
