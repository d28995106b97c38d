"""A server of its own with a recorded drive, and a real Chromium on it."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lidar_label.cuboids import Cuboids, load_cuboids
from lidar_label.viewers.pages.app import ASSETS

sys.path.append(str(Path(__file__).parent))  # for editor_hands and editor_server
from editor_server import SIZE, Drive, Server

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
SOFTWARE_GL = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")  # fmt: skip # noqa: E501


@pytest.fixture(scope="session")
def truth(drive: Path) -> Cuboids:
    return load_cuboids(drive.with_name("drive.labels.parquet"))


@pytest.fixture(scope="session")
def server(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not (ASSETS / "editor.js").exists():
        pytest.skip("the editor is not bundled: run `make setup`")
    running = Server(drive, tmp_path_factory.mktemp("store"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright, of the dev extra"
    )
    if CHROMIUM is None:
        pytest.skip("needs Chromium or Chrome, which is not on the PATH")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=list(SOFTWARE_GL))
        yield running
        running.close()


@pytest.fixture
def annotated(server: Server, truth: Cuboids, request: pytest.FixtureRequest) -> Drive:
    """A project of this test alone."""
    return server.open_project(re.sub(r"\W+", " ", request.node.name).strip(), truth)


@pytest.fixture
def open_editor(browser, request: pytest.FixtureRequest):
    """Opens the editor of a drive; an error in the browser's console fails the test."""
    contexts, errors = [], []

    def start(drive: Drive, *, context=None, allow_errors: bool = False):
        context = context or browser.new_context(viewport=SIZE)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        if not allow_errors:
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda line: line.type == "error" and errors.append(line.text))
        page.goto(f"{drive.url}/edit")
        page.wait_for_selector(".ll-main")
        page.wait_for_function("performance.getEntriesByName('frame visible').length > 0")
        return page

    yield start
    folder = os.environ.get("EDITOR_SCREENSHOTS")
    if folder and contexts and contexts[-1].pages:
        contexts[-1].pages[-1].screenshot(path=str(Path(folder) / f"{request.node.name}.png"))
    for context in set(contexts):
        context.close()
    assert errors == []
