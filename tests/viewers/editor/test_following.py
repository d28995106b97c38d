"""After a person sets a cuboid the tracker moves those that nobody set, in one step of undo."""

import pytest
from editor_hands import choose, eventually, frame_of, saved


def ahead(page, times: int) -> None:
    page.locator(".ll-plane-top").hover(position={"x": 8, "y": 30})
    for _ in range(times):
        page.keyboard.press("w")


def test_other_frames_follow_and_one_undo_takes_all_back(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    page.keyboard.press("ArrowRight")
    before = {frame: annotated.cuboid(track, frame) for frame in range(6)}
    ahead(page, 1)
    saved(page)
    for frame in range(6):  # a parked car: all of it has moved
        after = annotated.cuboid(track, frame)
        assert after["x"] == pytest.approx(before[frame]["x"] + 0.05), frame
        assert after["keyframe"] == (frame == 1)
    page.keyboard.press("Control+z")
    eventually(lambda: annotated.cuboid(track, 1) == dict(before[1], edit_seq=annotated.cuboid(track, 1)["edit_seq"]), "undone")  # fmt: skip # noqa: E501
    assert annotated.cuboid(track, 4)["x"] == before[4]["x"]
    page.keyboard.press("Control+Shift+Z")
    eventually(lambda: annotated.cuboid(track, 4)["x"] != before[4]["x"], "done again")


def test_a_persons_cuboids_stay_and_the_rest_is_bent_between(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    before = annotated.cuboid(track, 2)
    page.keyboard.press("k")
    first = annotated.cuboid(track, 0)
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert frame_of(page) == 4
    ahead(page, 4)
    saved(page)
    assert annotated.cuboid(track, 0)["x"] == first["x"]
    assert annotated.cuboid(track, 2)["x"] == pytest.approx(before["x"] + 0.1, abs=2e-3)
    assert annotated.cuboid(track, 2)["source"] == "interpolated"


def test_switched_off_the_others_stay_and_lines_are_straight(annotated, open_editor):
    page, track = open_editor(annotated), annotated.ids[0]
    choose(page, track)
    page.get_by_label("other frames follow").uncheck()
    before = annotated.cuboid(track, 3)
    ahead(page, 2)
    saved(page)
    assert annotated.cuboid(track, 3)["x"] == before["x"]
    page.keyboard.press("i")
    assert "two keyframes" in page.locator(".ll-notice").inner_text()
    page.reload()
    page.wait_for_selector(".ll-row")
    choose(page, track)
    assert not page.get_by_label("other frames follow").is_checked()
