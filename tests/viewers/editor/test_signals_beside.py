"""Beside a signal: cuboids, image and points of its recording, films and sounds on its clock."""

import io
from collections.abc import Iterator
from pathlib import Path

import editor_hands as hands
import numpy as np
import pytest
from editor_server import SIZE, Drive, Server
from PIL import Image
from scipy.io import wavfile
from signals_screen import START_NS, S, Screen

from lidar_label.cuboids import Cuboids
from lidar_label.datasets.recording import RecordingWriter
from lidar_label.viewers.pages.app import ASSETS

SOUND_S, FILM_S = 4.2, 2.0  # when each begins on the signal's clock
SECONDS = 40


def knocks() -> np.ndarray:
    """When somebody knocked on the phone, in seconds, at uneven times."""
    times = np.cumsum(np.random.default_rng(5).uniform(0.4, 2.5, 60))
    return times[times < SECONDS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phone that was knocked on, a sound of it, and a film in which it shakes."""
    if not (ASSETS / "editor.js").exists():
        pytest.skip("the editor is not bundled: run `make setup`")
    folder = tmp_path_factory.mktemp("knocked")
    rng = np.random.default_rng(1)
    times = np.arange(0, SECONDS, 0.01)
    values = ring(times)[:, None] * [3, 1, 2]
    values += [0, 0, 9.8]
    values += rng.normal(0, 0.05, values.shape)
    with RecordingWriter(folder / "phone.h5", source="made up") as writer:
        writer.add_imu("imu", np.eye(4), ("acc_x", "acc_y", "acc_z"), ("m/s²",) * 3)
        writer.append_imu("imu", START_NS + np.rint(times * S).astype(np.int64), values)
    rate = 8000
    own = np.arange(0, 30, 1 / rate)
    heard = ring(own + SOUND_S, 900) * 0.3 + rng.normal(0, 0.005, len(own))
    wavfile.write(folder / "knocks.wav", rate, (heard * 32767).clip(-32768, 32767).astype(np.int16))
    write_film(folder / "film.webm")
    return folder


def ring(times: np.ndarray, speed: float = 90.0) -> np.ndarray:
    since = times[:, None] - knocks()
    decay = np.where(since >= 0, np.exp(-np.maximum(since, 0) / 0.08), 0)
    return (decay * np.sin(since * speed)).sum(axis=1)


def write_film(path: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason="writes the film; of the benchmark extra")
    film = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"VP80"), 25, (160, 90))
    for shift in ring(np.arange(0, 16, 1 / 25) + FILM_S):
        image = np.full((90, 160, 3), 60, np.uint8)
        cv2.circle(image, (80 + int(60 * shift), 45), 12, (255, 255, 255), -1)
        film.write(image)
    film.release()


@pytest.fixture(scope="module")
def phone(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(folder / "phone.h5", tmp_path_factory.mktemp("store"))
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


def idle(page) -> None:
    page.wait_for_selector(".ll-signals[data-busy='']")


def add(page, path: Path):
    page.get_by_label("Film or sound").set_input_files(path)
    page.get_by_text(path.name, exact=True).wait_for()
    idle(page)
    return page.locator(".ll-medium").filter(has_text=path.name)


def start_of(medium) -> float:
    return float(medium.locator("[data-start]").get_attribute("data-start"))


def test_films_and_sounds_are_aligned_and_stay_so(page, phone: Server, folder: Path) -> None:
    page.goto(phone.page)
    idle(page)
    screen = Screen(page, phone)
    sound = add(page, folder / "knocks.wav")
    film = add(page, folder / "film.webm")
    for medium, truth in ((sound, SOUND_S), (film, FILM_S)):
        medium.get_by_text("align by correlation").click()
        hands.eventually(
            lambda medium=medium, truth=truth: abs(start_of(medium) - truth) < 0.06, "aligned", 20
        )
        idle(page)
    page.mouse.click(*screen.at(10.0, 400))
    now = "film => film.currentTime"
    hands.eventually(lambda: abs(film.locator("video").evaluate(now) - 8.0) < 0.1, "at the cursor")
    page.keyboard.press("Space")
    hands.eventually(lambda: film.locator("video").evaluate(now) > 8.4, "playing")
    assert sound.locator("audio").evaluate("sound => !sound.paused")
    page.keyboard.press("Space")
    hands.eventually(lambda: film.locator("video").evaluate("film => film.paused"), "stopped")
    # the sound, in the second strip, dragged by two seconds
    before = start_of(sound)
    screen.drag(10.0, 12.0, y=22 + 24 + 40 + 20)
    hands.eventually(lambda: abs(start_of(sound) - before - 2) < 0.15, "dragged")
    hands.eventually(lambda: "by hand" in sound.inner_text(), "saved")
    moved = start_of(sound)
    page.keyboard.press("Control+z")
    hands.eventually(lambda: abs(start_of(sound) - before) < 1e-6, "as it lay before")
    hands.eventually(lambda: "by correlation" in sound.inner_text(), "by what it lay there")
    page.keyboard.press("Control+y")
    hands.eventually(lambda: start_of(sound) == moved, "moved again")
    hands.eventually(lambda: "by hand" in sound.inner_text(), "saved again")
    page.reload()
    hands.eventually(lambda: page.locator(".ll-medium").count() == 2, "there again")
    assert start_of(page.locator(".ll-medium").filter(has_text="knocks.wav")) == moved


# A film of H.264 in MP4, red for 1.5 s and then blue, by the browser's own encoder.
RECORD = """
async () => {
  const canvas = document.createElement('canvas'), pen = canvas.getContext('2d');
  [canvas.width, canvas.height] = [160, 96];
  const film = new MediaRecorder(canvas.captureStream(25), {mimeType: 'video/mp4;codecs=avc1'});
  const parts = [], began = performance.now();
  film.ondataavailable = ({data}) => parts.push(data);
  const paint = setInterval(() => {
    pen.fillStyle = performance.now() - began < 1500 ? 'red' : 'blue';
    pen.fillRect(0, 0, 160, 96);
  }, 20);
  film.start();
  await new Promise(done => setTimeout(done, 3500));
  const ended = new Promise(done => film.onstop = done);
  film.stop();
  await ended;
  clearInterval(paint);
  return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
}
"""
COLOUR = """
film => {
  const pen = document.createElement('canvas').getContext('2d');
  pen.drawImage(film, 0, 0, 9, 9);
  const [red, , blue] = pen.getImageData(4, 4, 1, 1).data;
  return film.seeking ? 'seeking' : red > 150 ? 'red' : blue > 150 ? 'blue' : 'neither';
}
"""


def test_an_mp4_is_sought_by_ranges_of_bytes(page, phone: Server, tmp_path: Path) -> None:
    page.goto(phone.page)
    idle(page)
    if not page.evaluate("MediaRecorder.isTypeSupported('video/mp4;codecs=avc1')"):
        pytest.skip("this browser does not encode H.264")
    path = tmp_path / "colours.mp4"
    path.write_bytes(bytes(page.evaluate(RECORD)))
    answers: list[int] = []
    page.on("response", lambda answer: answer.url.endswith("/content") and answers.append(answer.status))  # fmt: skip # noqa: E501
    medium = add(page, path)
    film, screen = medium.locator("video"), Screen(page, phone)
    hands.eventually(lambda: film.evaluate("film => film.readyState") > 1, "shown")
    assert 3 < film.evaluate("film => film.duration") < 10
    start = start_of(medium)
    for seconds, colour in ((0.7, "red"), (2.8, "blue"), (0.5, "red")):
        page.mouse.click(*screen.at(start + seconds, 500))
        hands.eventually(lambda colour=colour: film.evaluate(COLOUR) == colour, colour)
    assert set(answers) == {206}


def test_derived_channels_and_frequencies(page, phone: Server) -> None:
    page.goto(phone.page)
    idle(page)
    page.keyboard.press("d")
    hands.eventually(lambda: "tilt roll" in page.locator(".ll-readings").inner_text(), "derived")
    page.keyboard.press("k")
    page.wait_for_function("document.querySelector('[aria-label=\"Frequencies of\"]').value")
    page.wait_for_timeout(400)
    idle(page)
    # the strip at the bottom is drawn: many colours, and red ones where it was knocked
    colours = page.locator("canvas.ll-signal").evaluate(
        """canvas => {
          const {width, height} = canvas;
          const {data} = canvas.getContext('2d').getImageData(0, height - 40, width, 30);
          let red = 0, blue = 0;
          for (let i = 0; i < data.length; i += 4) {
            red += data[i] > 120;
            blue += data[i + 2] > 60 && data[i] < 40;
          }
          return [red, blue];
        }"""
    )
    assert min(colours) > 50, colours


@pytest.fixture
def drive_with_imu(truth: Cuboids, tmp_path: Path) -> Iterator[Drive]:
    """Six frames of points with the drive's objects in them, every other one with an image."""
    if not (ASSETS / "editor.js").exists():
        pytest.skip("the editor is not bundled: run `make setup`")
    image = io.BytesIO()
    Image.new("RGB", (64, 32), "teal").save(image, "PNG")
    lens = np.array([[50, 0, 32], [0, 50, 16], [0, 0, 1.0]])
    cloud = np.random.default_rng(1).uniform([-30, -30, -1], [30, 30, 3], (3000, 3))
    with RecordingWriter(tmp_path / "drive.h5", source="made up") as writer:
        writer.add_lidar("top", np.eye(4))
        writer.add_camera("front", np.eye(4), intrinsics=lens, width=64, height=32)
        writer.add_imu("imu", np.eye(4), ("acc_x",), ("m/s²",))
        for frame in range(6):
            writer.append_sweep("top", START_NS + frame * S // 10, cloud.astype(np.float32))
            if frame % 2 == 0:
                writer.append_image("front", START_NS + frame * S // 10, image.getvalue())
        times = START_NS + np.arange(-5, 60) * (S // 100)
        writer.append_imu("imu", times, np.sin(np.arange(65) / 20)[:, None])
    running = Server(tmp_path / "drive.h5", tmp_path / "store")
    running.start()
    yield running.open_project("one clock", truth)
    running.stop()


def test_cuboids_image_and_points_on_one_clock(page, drive_with_imu: Drive) -> None:
    page.goto(f"{drive_with_imu.url}/signals?frame=3")
    page.wait_for_selector(".ll-cloud[data-frame='3'][data-boxes='4']")
    assert int(page.locator(".ll-cloud").get_attribute("data-points")) > 500
    assert page.locator(".ll-frame-note").inner_text().startswith("cuboids of frame 3")
    assert page.locator(".ll-frame").get_attribute("data-frame") in {"2", "4"}  # 3 has no image
    screen = Screen(page, drive_with_imu.server)
    page.mouse.move(*screen.at(0.45, 300))
    page.wait_for_selector(".ll-cloud[data-frame='4']")
    page.mouse.click(*screen.at(0.45, 22 + 24 + 4))  # the first row of tracks
    link = page.locator(".ll-frame-note a")
    hands.eventually(lambda: "track=" in link.get_attribute("href"), "an object chosen")
    link.click()
    page.wait_for_selector(".ll-main")
    hands.eventually(lambda: hands.frame_of(page) == 4, "the same frame")
    assert hands.chosen(page) in drive_with_imu.ids
    page.get_by_text("signals", exact=True).click()
    page.wait_for_selector(".ll-cloud[data-frame='4']")
