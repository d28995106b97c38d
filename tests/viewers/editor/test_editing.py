"""Every editing operation by mouse and keyboard in a real browser; the server's labels prove it."""

import math

import pytest
from editor_hands import (
    choose,
    chosen,
    drag,
    eventually,
    frame_of,
    from_above,
    grip,
    middle,
    number,
    pixels_per_metre,
    saved,
)


def test_opens_with_points_cuboids_and_everything_saved(annotated, open_editor):
    page = open_editor(annotated)
    assert page.locator(".ll-row").count() == 4
    assert page.locator("[data-status]").inner_text() == "all edits saved"
    assert page.locator(".ll-minimap rect").count() == 4
    picture = page.locator(".ll-main").screenshot()
    assert len(set(picture[200:])) > 100
    assert len(picture) > 15_000, "a blank view is a small file"


@pytest.mark.parametrize(
    ("view", "name", "by", "key", "sign"),
    [
        ("top", "edge 1 0", (20, 0), "width", 1),
        ("top", "edge 0 1", (0, 15), "length", -1),
        ("side", "edge 0 1", (0, -18), "height", 1),
        ("front", "edge -1 0", (-15, 0), "width", 1),
    ],
)
def test_an_edge_is_dragged(annotated, open_editor, view, name, by, key, sign):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    before = annotated.cuboid(track, 0)
    axis = {"edge 1 0": "width", "edge -1 0": "width"}.get(name, "height")
    plane = {"top": ("width", "length"), "side": ("length", "height"), "front": ("width", "height")}[view]  # fmt: skip # noqa: E501
    scale = pixels_per_metre(page, view, before[plane[0 if axis == "width" else 1]], axis)
    drag(page, grip(page, view, name), by)
    saved(page)
    after = annotated.cuboid(track, 0)
    wanted = before[key] + sign * (abs(by[0]) + abs(by[1])) / scale
    assert after[key] == pytest.approx(wanted, abs=0.03)
    assert after["keyframe"]
    others = [annotated.cuboid(track, frame)[key] for frame in range(1, 6)]
    assert others == pytest.approx([after[key]] * 5), "a rigid track has one size"


def test_corner_middle_and_heading_are_dragged(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    before = annotated.cuboid(track, 0)
    drag(page, grip(page, "top", "corner 1 1"), (16, -16))
    saved(page)
    larger = annotated.cuboid(track, 0)
    assert larger["width"] > before["width"] + 0.1
    assert larger["length"] > before["length"] + 0.1
    x, y = grip(page, "side", "middle")
    drag(page, (x, y), (0, -20))
    saved(page)
    assert annotated.cuboid(track, 0)["z"] > larger["z"] + 0.1
    nose, centre = grip(page, "top", "heading"), grip(page, "top", "middle")
    reach = math.hypot(nose[0] - centre[0], nose[1] - centre[1])
    drag(page, nose, (-reach * math.sin(0.5), reach * (1 - math.cos(0.5))))
    saved(page)
    assert annotated.cuboid(track, 0)["yaw"] == pytest.approx(before["yaw"] + 0.5, abs=0.02)


def test_a_double_click_on_a_face_snaps_it_to_the_points(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    true = annotated.cuboid(track, 0)
    drag(page, grip(page, "side", "edge 0 1"), (0, -25))
    saved(page)
    page.mouse.dblclick(*grip(page, "side", "edge 0 1"))
    saved(page)
    eventually(
        lambda: abs(annotated.cuboid(track, 0)["height"] - true["height"]) < 0.2,
        "roof at the points",
    )


def test_keys_move_turn_flip_and_set_on_the_ground(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    before = annotated.cuboid(track, 0)
    page.locator(".ll-plane-top").hover(position={"x": 8, "y": 30})
    for key in "wwd":
        page.keyboard.press(key)
    page.locator(".ll-plane-side").hover(position={"x": 8, "y": 30})
    page.keyboard.press("w")
    saved(page)
    after = annotated.cuboid(track, 0)
    assert after["x"] == pytest.approx(before["x"] + 0.1)
    assert after["y"] == pytest.approx(before["y"] - 0.05)
    assert after["z"] == pytest.approx(before["z"] + 0.05)
    page.keyboard.press("z")
    saved(page)
    assert annotated.cuboid(track, 0)["yaw"] == pytest.approx(before["yaw"] + math.pi / 90)
    page.keyboard.press("x")
    page.keyboard.press("g")
    saved(page)
    turned = annotated.cuboid(track, 0)["yaw"]
    assert math.cos(turned - before["yaw"]) == pytest.approx(-1)
    page.keyboard.press("c")
    saved(page)
    assert annotated.cuboid(track, 0)["length"] == pytest.approx(before["width"])
    page.keyboard.press("h")
    saved(page)
    box = annotated.cuboid(track, 0)
    assert box["z"] - box["height"] / 2 == pytest.approx(0, abs=0.12)


def test_typed_numbers_are_taken_and_nonsense_is_refused(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    field = page.get_by_label("length in metres")
    field.fill("4.75")
    field.press("Enter")
    saved(page)
    assert annotated.cuboid(track, 0)["length"] == pytest.approx(4.75)
    page.get_by_label("yaw in degrees").fill("90")
    page.get_by_label("yaw in degrees").press("Enter")
    saved(page)
    assert annotated.cuboid(track, 0)["yaw"] == pytest.approx(math.pi / 2)
    field.fill("minus one")
    field.press("Enter")
    assert "give a finite number" in page.locator(".ll-notice").inner_text()
    assert number(page, "length") == 4.75


def test_draws_with_fit_without_fit_and_by_one_click(server, open_editor):
    drive = server.open_project("drawing", None)
    page = open_editor(drive)
    page.keyboard.press("v")
    corner, size = from_above(page, 17.2, 6.6), None
    opposite = from_above(page, 11.2, 3.6)
    size = (opposite[0] - corner[0], opposite[1] - corner[1])
    drag(page, corner, size, keys=["Shift"])
    first = eventually(drive.tracks, "a drawn track")
    free = drive.cuboid(next(iter(first)), 0)
    assert free["length"] == pytest.approx(6.0, abs=0.3)
    assert free["width"] == pytest.approx(3.0, abs=0.3)
    saved(page)
    page.keyboard.press("Shift+Delete")
    page.get_by_role("button", name="Delete the track").click()
    eventually(lambda: not drive.tracks(), "deleted")
    drag(page, corner, size, keys=["Control"])
    eventually(drive.tracks, "a fitted track")
    fitted = drive.cuboid(next(iter(drive.tracks())), 0)
    assert (fitted["x"], fitted["y"]) == pytest.approx((14.0, 5.0), abs=0.5)
    assert fitted["length"] < 5.2
    page.keyboard.press("Escape")
    page.keyboard.down("Control")
    page.mouse.click(*from_above(page, 18.0 - 2.2, 0.3))
    page.keyboard.up("Control")
    eventually(lambda: len(drive.tracks()) == 2, "a track by one click")


def test_frames_copies_and_paste(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    there = annotated.cuboid(track, 0)["x"]
    page.keyboard.press("ArrowRight")
    assert frame_of(page) == 1
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Control+c")
    page.keyboard.press("Alt+ArrowRight")
    saved(page)
    assert frame_of(page) == 1
    copied = annotated.cuboid(track, 1)
    assert copied["x"] == pytest.approx(annotated.cuboid(track, 0)["x"] - 0.5), "carried by the ego"
    page.keyboard.press("Delete")
    saved(page)
    assert annotated.cuboid(track, 1) is None
    page.keyboard.press("Control+v")
    saved(page)
    assert annotated.cuboid(track, 1)["x"] == pytest.approx(there)
    page.keyboard.press("Space")
    eventually(lambda: frame_of(page) == 5, "played to the end")


def test_interpolates_splits_merges_and_deletes(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    page.keyboard.press("k")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.locator(".ll-plane-top").hover(position={"x": 8, "y": 30})
    for _ in range(8):
        page.keyboard.press("d")
    page.keyboard.press("i")
    saved(page)
    first, between, last = (annotated.cuboid(track, frame) for frame in (0, 2, 4))
    assert between["source"] == "interpolated"
    assert between["y"] == pytest.approx((first["y"] + last["y"]) / 2)
    page.keyboard.press("Shift+S")
    saved(page)
    assert annotated.frames(track) == [0, 1, 2, 3]
    tail = max(annotated.tracks())
    assert annotated.frames(tail) == [4, 5]
    page.keyboard.press("m")
    page.locator(f"#ll-track-{tail}").click()
    saved(page)
    assert annotated.frames(track) == [0, 1, 2, 3, 4, 5]
    choose(page, track)
    page.keyboard.press("Shift+Delete")
    assert "6 cuboids in frames 0 to 5" in page.get_by_role("dialog").inner_text()
    page.get_by_role("button", name="Delete the track").click()
    saved(page)
    assert track not in annotated.tracks()


def test_undo_and_redo_work_over_a_reload(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    before = annotated.cuboid(track, 0)["yaw"]
    page.keyboard.press("z")
    saved(page)
    page.keyboard.press("g")
    saved(page)
    page.reload()
    page.wait_for_selector(".ll-row")
    page.keyboard.press("Control+z")
    eventually(
        lambda: annotated.cuboid(track, 0)["yaw"] == pytest.approx(before + math.pi / 90), "undone"
    )
    page.keyboard.press("Control+z")
    eventually(lambda: annotated.cuboid(track, 0)["yaw"] == pytest.approx(before), "undone twice")
    page.keyboard.press("Control+Shift+Z")
    eventually(lambda: annotated.cuboid(track, 0)["yaw"] != pytest.approx(before), "done again")


def test_class_attributes_and_one_size(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    page.get_by_role("radio", name="van").click()
    saved(page)
    assert annotated.tracks()[track]["category"] == "van"
    page.keyboard.press("Shift+Digit1")
    saved(page)
    assert annotated.tracks()[track]["category"] == "car"
    page.get_by_label("parked").select_option("true")
    saved(page)
    assert annotated.tracks()[track]["attributes"] == {"parked": True}
    page.get_by_label("one size in all frames").uncheck()
    saved(page)
    page.get_by_label("width in metres").fill("2.2")
    page.get_by_label("width in metres").press("Enter")
    saved(page)
    assert annotated.cuboid(track, 0)["width"] == pytest.approx(2.2)
    assert annotated.cuboid(track, 3)["width"] != pytest.approx(2.2)


def test_choosing_with_the_mouse_in_the_large_view(annotated, open_editor):
    page = open_editor(annotated)
    page.keyboard.press("v")
    page.mouse.click(*from_above(page, 14.0, 5.0))
    assert chosen(page) == annotated.ids[0]
    page.mouse.click(*from_above(page, 5.0, 8.0))
    assert chosen(page) is None
    page.mouse.dblclick(*from_above(page, 14.0, 5.0))
    before = page.locator(".ll-looking").evaluate("e => e.parentElement.getAttribute('transform')")
    assert "translate(-5" in before, "the view is centred on the car"
    drag(page, middle(page.locator(".ll-main")), (60, 0))
    after = page.locator(".ll-looking").evaluate("e => e.parentElement.getAttribute('transform')")
    assert after != before
