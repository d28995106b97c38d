"""A large file on its way: in pieces, with rate and time left, called off, gone on with later."""

import re

import numpy as np
import pytest
from editor_hands import eventually

from lidar_label.datasets.point_files import write_pcd

PIECE = 8 * 1024 * 1024
# What the page reads of files at once, and that nothing reads one whole.
_WATCH_MEMORY = """
window.largestRead = 0;
const read = Blob.prototype.arrayBuffer;
Blob.prototype.arrayBuffer = function () {
  window.largestRead = Math.max(window.largestRead, this.size);
  return read.call(this);
};
"""


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A sweep of some 27 MB: four pieces."""
    path = tmp_path_factory.mktemp("scan") / "scan.pcd"
    points = np.random.default_rng(0).uniform(-30, 30, (2_300_000, 3)).astype(np.float32)
    write_pcd(path, points)
    assert path.stat().st_size > 3 * PIECE
    return path


@pytest.fixture
def project_page(server, browser, request):
    project = server.ask("/projects", {"name": request.node.name})["id"]
    context = browser.new_context(viewport={"width": 1100, "height": 700})
    page = context.new_page()
    page.add_init_script(_WATCH_MEMORY)
    page.set_default_timeout(30_000)
    page.goto(f"http://localhost:{server.port}/p/{project}")
    page.locator(".ll-drop").wait_for()
    yield page, project
    context.close()


def stopped_after(page, pieces: int) -> list[int]:
    """Lets so many pieces through and holds the next; the offsets that were sent."""
    offsets: list[int] = []

    def decide(route):
        if route.request.method != "PATCH":
            route.continue_()
            return
        offsets.append(int(route.request.headers["upload-offset"]))
        if len(offsets) <= pieces:
            route.continue_()

    page.route("**/uploads/*", decide)
    return offsets


def on_its_way(page, offsets: list[int], count: int) -> None:
    """Waits for a piece; the page's requests are looked at only while Playwright is asked."""
    eventually(lambda: page.title() and len(offsets) == count, f"piece {count} is on its way", 30)


def test_sending_is_called_off_and_goes_on_after_a_reload(server, project_page, scan):
    page, project = project_page
    offsets = stopped_after(page, 2)
    page.get_by_label("Files to import").set_input_files(scan)
    on_its_way(page, offsets, 3)
    status = page.get_by_role("status").filter(has_text="sending: 17 MB of 28 MB")
    status.wait_for()
    assert re.search(r"28 MB, [\d.]+ [kMG]B/s", status.inner_text())
    assert len(page.get_by_label("Upload").screenshot()) > 100
    page.get_by_role("button", name="Cancel").click()
    note = page.get_by_role("note")
    note.wait_for()
    assert "17 MB of 28 MB of scan.pcd came" in note.inner_text()
    assert page.get_by_role("alert").count() == 0
    page.unroute("**/uploads/*")
    again = stopped_after(page, 99)
    page.reload()
    page.get_by_role("note").wait_for()
    page.get_by_label("Files to import").set_input_files(scan)
    page.get_by_role("button", name="Import and open").wait_for()
    assert offsets == [0, PIECE, 2 * PIECE]
    assert again == [2 * PIECE, 3 * PIECE]
    assert 0 < page.evaluate("window.largestRead") <= PIECE
    assert server.ask(f"/projects/{project}/uploads") == []


def test_a_page_that_is_closed_leaves_what_came_and_it_can_be_discarded(server, project_page, scan):
    page, project = project_page
    offsets = stopped_after(page, 1)
    page.get_by_label("Files to import").set_input_files(scan)
    on_its_way(page, offsets, 2)
    page.reload()
    page.get_by_role("note").wait_for()
    (left,) = server.ask(f"/projects/{project}/uploads")
    assert (left["name"], left["offset"]) == ("scan.pcd", PIECE)
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("note").wait_for(state="detached")
    assert server.ask(f"/projects/{project}/uploads") == []


def test_a_changed_file_is_sent_anew(server, project_page, scan, tmp_path):
    page, _ = project_page
    offsets = stopped_after(page, 1)
    page.get_by_label("Files to import").set_input_files(scan)
    on_its_way(page, offsets, 2)
    page.reload()
    page.get_by_role("note").wait_for()
    content = bytearray(scan.read_bytes())
    content[-1] ^= 1
    (tmp_path / "scan.pcd").write_bytes(content)
    page.unroute("**/uploads/*")
    again = stopped_after(page, 99)
    page.get_by_label("Files to import").set_input_files(tmp_path / "scan.pcd")
    page.get_by_role("button", name="Import and open").wait_for()
    assert again == [0, PIECE, 2 * PIECE, 3 * PIECE]
