"""Lists, keys, settings, camera, tiles, and the pages around the editor."""

import re

import pytest
from editor_hands import choose, chosen, eventually, frame_of, from_above, saved


def test_a_track_is_accepted_with_one_key_and_the_next_is_chosen(annotated, open_editor):
    page = open_editor(annotated)
    page.keyboard.press("ArrowDown")
    first = chosen(page)
    page.keyboard.press("Enter")
    saved(page)
    assert annotated.tracks()[first]["state"] == "accepted"
    second = chosen(page)
    assert second != first
    page.keyboard.press("Backspace")
    saved(page)
    assert annotated.tracks()[second]["state"] == "rejected"
    page.get_by_label("open only").check()
    assert page.locator(".ll-row").count() == 2
    assert "2 of 4 judged" in page.locator(".ll-objects").inner_text()


def test_what_is_in_doubt_comes_first_with_its_reason(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[2]
    choose(page, track)
    page.keyboard.press("ArrowRight")
    page.get_by_label("one size in all frames").uncheck()
    page.get_by_label("other frames follow").uncheck()
    page.get_by_label("yaw in degrees").fill("170")
    page.get_by_label("yaw in degrees").press("Enter")
    saved(page)
    row = page.locator(".ll-row").first
    row.get_by_text("heading flips (frame 1)").wait_for()
    assert row.get_attribute("id") == f"ll-track-{track}"
    page.get_by_label("Find objects").fill("flips")
    assert page.locator(".ll-row").count() == 1


def test_clusters_without_a_cuboid_become_tracks(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    page.keyboard.press("Shift+Delete")
    page.get_by_role("button", name="Delete the track").click()
    saved(page)
    page.get_by_text("Clusters without a cuboid").click()
    page.get_by_role("button", name="Make a cuboid of cluster 1").click()
    made = eventually(lambda: set(annotated.tracks()) - set(annotated.ids), "a new track")
    assert annotated.cuboid(made.pop(), 0)["x"] == pytest.approx(14.0, abs=0.6)


def test_one_object_as_tiles_is_edited_together(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    page.keyboard.press("b")
    tiles = page.locator(".ll-tile")
    assert tiles.count() == 6
    tiles.nth(1).click()
    tiles.nth(4).click()
    page.get_by_role("dialog").get_by_role("button", name="Flip").click()
    eventually(lambda: abs(annotated.cuboid(track, 4)["yaw"]) > 3, "flipped")
    yaws = [abs(annotated.cuboid(track, frame)["yaw"]) > 3 for frame in range(6)]
    assert yaws == [False, True, False, False, True, False]
    tiles.nth(3).dblclick()
    assert frame_of(page) == 3


def test_camera_shows_projected_cuboids_and_chooses(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    image = page.get_by_alt_text("front at frame 0")
    assert image.evaluate("image => image.complete && image.naturalWidth") == 320
    assert page.locator(".ll-projected").count() == 4
    # The car at (14, 5) with a camera at (0.2, 0, 1.6), 200 px, centre 160: its middle is at 88 px.
    path = page.locator(".ll-projected").first.get_attribute("d")
    columns = [float(x) for x in re.findall(r"[ML](-?[\d.]+),", path)]
    assert (min(columns) + max(columns)) / 2 == pytest.approx(88, abs=12)
    page.locator(".ll-projected").first.dispatch_event("click")
    assert chosen(page) == track


def test_tape_colours_ground_and_themes(annotated, open_editor):
    page = open_editor(annotated)
    page.keyboard.press("v")
    page.keyboard.press("l")
    page.mouse.click(*from_above(page, 11.8, 5.0))
    page.mouse.click(*from_above(page, 11.8, 4.2))
    measured = page.locator(".ll-tape span").first.inner_text()
    assert float(measured.split()[0]) == pytest.approx(0.8, abs=0.6)
    page.keyboard.press("Escape")
    assert page.locator(".ll-tape").count() == 0
    plain = page.locator(".ll-main").screenshot()
    for mode in ("intensity", "class", "sensor", "ring", "time"):
        page.get_by_label("Colour of points").select_option(mode)
    assert page.locator(".ll-main").screenshot() != plain
    page.get_by_label("hide ground").check()
    page.get_by_label("Dark or light").click()
    assert "ll-light" in page.locator(".ll-editor").get_attribute("class")
    page.reload()
    page.wait_for_selector(".ll-light")
    assert page.get_by_label("hide ground").is_checked()


def test_presets_own_keys_and_their_conflicts(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    page.keyboard.press("?")
    assert "Flip the heading" in page.get_by_role("dialog").inner_text()
    page.keyboard.press("Escape")
    page.get_by_label("Settings and keys").click()
    page.get_by_label("keys of").select_option("CVAT")
    page.get_by_label(re.compile("Key for Flip the heading")).click()
    page.keyboard.press("h")
    assert "already means: Set on the ground" in page.get_by_role("alert").inner_text()
    page.get_by_label(re.compile("Key for Flip the heading")).click()
    page.keyboard.press("Shift+X")
    page.get_by_label("Close").click()
    page.keyboard.press("f")  # CVAT's next frame
    assert frame_of(page) == 1
    choose(page, track)
    page.keyboard.press("Shift+X")
    saved(page)
    assert abs(annotated.cuboid(track, 1)["yaw"]) > 3


def test_panels_work_by_keyboard_alone(annotated, open_editor):
    page = open_editor(annotated)
    controls = "button, input, select, a, [role=listbox], [role=option]"
    nameless = page.locator(controls).evaluate_all(
        """found => found.filter(e => !e.ariaLabel && !e.innerText && !e.closest('label')
        && !e.placeholder).map(e => e.outerHTML)"""
    )
    assert nameless == []
    page.get_by_label("Frame", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert frame_of(page) == 1
    page.get_by_role("listbox", name="Tracks").focus()
    page.keyboard.press("ArrowDown")
    first = chosen(page)
    page.keyboard.press("ArrowDown")
    assert chosen(page) not in {None, first}
    page.get_by_role("radio", name="bus").focus()
    page.keyboard.press("Enter")
    saved(page)
    assert annotated.tracks()[chosen(page)]["category"] == "bus"


def test_neighbouring_frames_are_ready(annotated, open_editor):
    page = open_editor(annotated)
    page.wait_for_timeout(300)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.keyboard.press("ArrowRight")
    eventually(lambda: frame_of(page) == 1, "next frame")
    assert not any("/frames/1/points" in url for url in requests), "it was fetched before"


def test_from_the_projects_to_an_annotated_drive(server, open_editor, browser):
    drive = server.open_project("machine work", None)
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"http://localhost:{server.port}/")
    page.get_by_role("link", name="machine work").click()
    page.get_by_role("link", name="drive", exact=True).click()
    page.get_by_text("2.5 m driven").wait_for()  # six frames, half a metre apart
    page.get_by_role("button", name="Annotate automatically").click()
    page.locator("table tbody tr").first.wait_for()
    assert all(track["state"] == "proposed" for track in drive.tracks().values())
    page.get_by_role("link", name="Open the editor").click()
    page.wait_for_selector(".ll-row")
    context.close()
