"""What is large: more points than the budget, UTM coordinates, more frames than memory."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from editor_hands import choose, eventually, from_above, number, saved
from PIL import Image

from lidar_label.benchmarks.large_scene import UTM_ORIGIN, write_long_drive, write_survey
from lidar_label.datasets.recording import Recording

POINTS, BUDGET = 300_000, 100_000
FRAMES, SWEEP, MEMORY_MB = 80, 20_000, 4
_BYTES_A_POINT = 24  # positions as float32 and the answer from the server


def server_of(kind, source: Path, store: Path):
    running = kind(source, store)
    running.start()
    return running


@pytest.fixture
def survey(server, tmp_path):
    """A surveyed street at UTM coordinates, imported by `view`, and its cars in UTM."""
    cars = write_survey(tmp_path / "street.las", POINTS)
    running = server_of(type(server), tmp_path / "street.las", tmp_path / "store")
    yield running, cars
    running.stop()


@pytest.fixture
def long_drive(server, tmp_path):
    write_long_drive(tmp_path / "long.h5", FRAMES, SWEEP)
    running = server_of(type(server), tmp_path / "long.h5", tmp_path / "store")
    yield running
    running.stop()


def settled(browser, **settings):
    """A browser in which a person has set this before."""
    context = browser.new_context(viewport={"width": 1400, "height": 820})
    context.add_init_script(f"localStorage['lidar-label.settings'] = {json.dumps(json.dumps(settings))}")  # fmt: skip # noqa: E501
    return context


def test_a_survey_in_utm_beyond_the_budget(survey, open_editor, browser) -> None:
    server, cars = survey
    api = re.sub(r"^.*/p/(\d+)/r/(\d+)/edit$", r"/projects/\1/recordings/\2", server.page)
    drive = server_drive(server, api)
    page = open_editor(drive, context=settled(browser, pointBudget=BUDGET))
    page.get_by_text(f"{BUDGET:,} of {POINTS:,} points").wait_for()
    origin = np.array(server.ask(api)["origin"])
    assert np.abs(origin - UTM_ORIGIN).max() < 5, "taken off as float64, not rounded away"
    page.wait_for_function("performance.getEntriesByName('frame complete').length > 0")
    page.get_by_role("button", name="From above").click()
    eventually(lambda: coloured(page, ".ll-main") > 0.01, "the survey is seen")

    car = cars[np.argmin(np.hypot(*(cars[:, :2] - origin[:2] - (6, 5)).T))]
    page.keyboard.down("Control")
    page.mouse.click(*from_above(page, *(car[:2] - origin[:2])))
    page.keyboard.up("Control")
    eventually(drive.tracks, "a cuboid is fitted to the car")
    saved(page)
    track = next(iter(drive.tracks()))
    found = np.array([drive.cuboid(track, 0)[key] for key in ("x", "y", "z")]) + origin
    assert np.abs(found - car[:3]).max() < 0.25

    choose(page, track)
    eventually(lambda: near_answers(page), "all points about the cuboid are asked for")
    eventually(lambda: coloured(page, ".ll-plane-top") > 0.02, "the close view shows them")
    wanted = np.round(car[:2] - origin[:2], 3) + 0.0004
    for name, value in zip("xy", wanted, strict=True):
        page.get_by_label(f"{name} in metres").fill(repr(float(value)))
        page.keyboard.press("Enter")
        saved(page)
    page.reload()
    page.wait_for_selector(".ll-main")
    choose(page, track)
    kept = drive.cuboid(track, 0)
    world = np.array([kept["x"], kept["y"]]) + origin[:2]
    assert np.abs(world - (wanted + origin[:2])).max() < 1e-6
    assert np.abs(world - car[:2]).max() < 0.001
    assert number(page, "x") == pytest.approx(kept["x"], abs=0.006)


def test_memory_stays_flat_over_many_frames(long_drive, open_editor, browser) -> None:
    api = re.sub(r"^.*/p/(\d+)/r/(\d+)/edit$", r"/projects/\1/recordings/\2", long_drive.page)
    context = settled(browser, frameMemory=MEMORY_MB)
    page = open_editor(server_drive(long_drive, api), context=context)
    session = context.new_cdp_session(page)

    def held() -> float:
        """MB of the page's arrays and objects, garbage left out."""
        session.send("HeapProfiler.collectGarbage")
        usage = session.send("Runtime.getHeapUsage")
        return (usage["usedSize"] + usage["backingStorageSize"]) / 1e6

    def step(times: int) -> None:
        for _ in range(times):
            seen = page.evaluate("performance.getEntriesByName('frame complete').length")
            page.keyboard.press("ArrowRight")
            page.wait_for_function(
                "n => performance.getEntriesByName('frame complete').length > n", arg=seen
            )

    step(15)
    before = held()
    step(FRAMES - 20)
    after = held()
    passed = (FRAMES - 20) * SWEEP * _BYTES_A_POINT / 1e6
    assert after - before < 0.1 * passed, f"{before:.1f}, then {after:.1f} of {passed:.0f} MB"
    asked = page.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    frames = [int(m[1]) for name in asked if (m := re.search(r"/frames/(\d+)/points", name))]
    assert max(frames) <= FRAMES - 5 + 3, "fetched ahead three frames, no more"


def test_what_a_recording_holds_is_what_the_survey_said(tmp_path: Path) -> None:
    from lidar_label.datasets.formats import import_source

    cars = write_survey(tmp_path / "street.las", 50_000)
    import_source(tmp_path / "street.las", tmp_path / "street.h5")
    with Recording(tmp_path / "street.h5") as recording:
        world = recording.frame_points(0).xyz.astype(np.float64) + recording.origin
    inside = np.abs(world[:, None] - cars[None, :, :3]) <= cars[None, :, 3:6] / 2 + 0.001
    assert inside.all(axis=2).any(axis=1).sum() >= 50_000 // 20


def server_drive(server, api: str):
    from editor_server import Drive

    project, recording = map(int, re.findall(r"\d+", api))
    return Drive(server, project, recording)


def near_answers(page) -> list[str]:
    names = page.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    return [name for name in names if "near=" in name]


def coloured(page, selector: str) -> float:
    """The share of pixels of a view that are strongly coloured, as points are by height."""
    picture = Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB")
    pixels = np.asarray(picture).astype(int)
    return float((pixels.max(axis=2) - pixels.min(axis=2) > 90).mean())
