"""A source dropped on the project's page: recognised, turned, cameras proven, imported."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from editor_hands import eventually

from lidar_label.cuboids import load_cuboids
from lidar_label.datasets.exports import export_labels
from lidar_label.datasets.point_files import write_pcd
from lidar_label.datasets.recording import Recording

_DROP = """
([name, content]) => {
  const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name));
  const zone = document.querySelector('.ll-drop');
  for (const kind of ['dragover', 'drop'])
    zone.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: data}));
}
"""


def yard() -> np.ndarray:
    """Ground, a car ahead and a wall left; x forward, y left, z up."""
    rng = np.random.default_rng(3)
    ground = np.column_stack([rng.uniform(-30, 30, (6000, 2)), np.full(6000, -1.7)])
    car = rng.uniform([8, -1, -1.7], [12, 1, -0.1], (900, 3))
    wall = rng.uniform([-20, 10, -1.7], [20, 10.2, 3], (3000, 3))
    return np.concatenate([ground, car, wall]).astype(np.float32)


@pytest.fixture
def project_page(server, browser, request):
    """The page of a project of the test's own, and the project's number."""
    project = server.ask("/projects", {"name": request.node.name})["id"]
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(f"http://localhost:{server.port}/p/{project}")
    page.locator(".ll-drop").wait_for()
    yield page, project
    context.close()


def test_a_dropped_sweep_is_turned_upright_and_opened(server, project_page, tmp_path):
    page, project = project_page
    write_pcd(tmp_path / "yard.pcd", yard()[:, [1, 2, 0]])  # x left, y up, z forward
    content = base64.b64encode((tmp_path / "yard.pcd").read_bytes()).decode()
    page.evaluate(_DROP, ["yard.pcd", content])
    axes = page.get_by_role("group", name="Axes")
    axes.wait_for()
    assert page.get_by_label("Format", exact=True).input_value() == "points"
    assert "forward is +x" in axes.inner_text()
    page.get_by_role("button", name="Roll 90°").click()
    page.get_by_role("button", name="Turn left 90°").click()
    assert "forward is +z of the source, left +x, up +y" in axes.inner_text()
    assert len(page.get_by_label("Points from above").screenshot()) > 5_000
    page.get_by_label("Name of the recording").fill("the yard")
    page.get_by_role("button", name="Import and open").click()
    page.wait_for_url("**/edit")
    page.wait_for_selector(".ll-main")
    recording = server.ask(f"/projects/{project}/recordings")[0]
    assert (recording["name"], recording["frames"]) == ("the yard", 1)
    rig = server.ask(f"/projects/{project}/recordings/{recording['id']}")["sensors"][0]
    assert np.reshape(rig["ego_from_sensor"], (4, 4))[:3, :3].tolist() == [
        [0, 0, 1],
        [1, 0, 0],
        [0, 1, 0],
    ]


def test_cameras_of_a_folder_are_proven_by_overlay(server, project_page, drive, truth):
    page, project = project_page
    folder = drive.parent / "nuscenes of the wizard"
    if not folder.exists():
        with Recording(drive) as recording:
            export_labels(load_cuboids(drive.with_name("drive.labels.parquet")), recording, "nuscenes", folder)  # fmt: skip # noqa: E501
    page.get_by_label("Path or URL of the recording").fill(str(folder))
    page.get_by_role("button", name="Add", exact=True).click()
    overlay = page.get_by_label(re.compile("Points over the image"))
    overlay.first.wait_for()
    inside = int(eventually(lambda: overlay.first.get_attribute("data-inside"), "painted"))
    assert inside > 200
    page.get_by_role("button", name="inverse?").first.click()
    turned = eventually(
        lambda: int(overlay.first.get_attribute("data-inside")) != inside, "the other way round"
    )
    assert turned
    page.get_by_role("button", name="inverse?").first.click()
    page.get_by_role("button", name="Import and open").click()
    page.wait_for_url("**/edit")
    page.wait_for_selector(".ll-row")
    made = server.ask(f"/projects/{project}/recordings")[0]
    labels = server.ask(f"/projects/{project}/recordings/{made['id']}/labels")
    assert len(labels["tracks"]) == len(set(truth.track_id.tolist()))


def test_what_is_no_source_is_one_line_and_another_format_can_be_tried(project_page, tmp_path):
    page, _ = project_page
    (tmp_path / "mine").mkdir()
    for k in range(3):
        (tmp_path / "mine" / f"{k}.txt").write_text("no points")
    page.get_by_label("Folder to import").set_input_files(tmp_path / "mine")
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "in no format that we know" in alert.inner_text()
    assert "\n" not in alert.inner_text()
    assert page.get_by_role("button", name="Import and open").is_disabled()
    page.get_by_label("Format", exact=True).select_option("kitti-object")
    eventually(lambda: "in no format" not in alert.inner_text(), "why it is no KITTI")
    page.get_by_role("button", name="Leave it").click()
    page.get_by_label("Path or URL of the recording").fill("/etc")
    page.get_by_role("button", name="Add", exact=True).click()
    eventually(lambda: "outside the places" in alert.inner_text(), "refused")


def test_a_recording_is_sent_as_it_is(server, project_page, drive):
    page, project = project_page
    page.get_by_label("Files to import").set_input_files(drive)
    page.locator(".ll-card").wait_for()
    assert server.ask(f"/projects/{project}/recordings")[0]["name"] == "drive"


def test_a_folder_that_is_chosen_is_sent_whole(server, project_page, tmp_path: Path):
    page, project = project_page
    (tmp_path / "sweeps").mkdir()
    for k in range(3):
        write_pcd(tmp_path / "sweeps" / f"{k}.pcd", yard())
    page.get_by_label("Folder to import").set_input_files(tmp_path / "sweeps")
    page.get_by_role("button", name="Import and open").click()
    page.wait_for_url("**/edit")
    assert server.ask(f"/projects/{project}/recordings")[0]["frames"] == 3


def test_an_import_under_way_is_called_off(server, project_page, tmp_path: Path):
    page, project = project_page
    (tmp_path / "sweeps").mkdir()
    for k in range(60):
        write_pcd(tmp_path / "sweeps" / f"{k}.pcd", yard() + np.float32([0.1 * k, 0, 0]))
    page.get_by_label("Folder to import").set_input_files(tmp_path / "sweeps")
    page.get_by_role("button", name="Import and open").click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("alert").wait_for()
    assert "cancel" in page.get_by_role("alert").inner_text()
    assert server.ask(f"/projects/{project}/recordings") == []
    page.get_by_role("button", name="Import and open").click()  # nothing of it is lost
    page.wait_for_url("**/edit")
    assert server.ask(f"/projects/{project}/recordings")[0]["frames"] == 60
