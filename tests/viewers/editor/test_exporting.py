"""Labels leave by the recording's page, in the formats that the command line writes."""

import zipfile
from pathlib import Path

import pytest

from lidar_label.datasets.export_names import EXPORT_FORMATS
from lidar_label.datasets.formats import read_labels


@pytest.fixture
def recording_page(annotated, browser):
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(annotated.url)
    page.get_by_label("Format of cuboids").wait_for()
    yield page
    context.close()


def test_labels_are_downloaded_in_the_format_chosen(recording_page, truth, tmp_path: Path):
    page = recording_page
    choice = page.get_by_label("Format of cuboids")
    assert choice.locator("option").all_inner_texts() == list(EXPORT_FORMATS)
    choice.select_option("openlabel")
    page.get_by_label("proposals too").check()
    with page.expect_download() as found:
        page.get_by_role("button", name="Export").click()
    assert found.value.suggested_filename.endswith("-openlabel.zip")
    found.value.save_as(tmp_path / "labels.zip")
    zipfile.ZipFile(tmp_path / "labels.zip").extractall(tmp_path / "labels")
    cuboids, _ = read_labels(tmp_path / "labels", None)
    assert len(cuboids) == len(truth)


def test_what_cannot_be_exported_is_told_on_the_page(recording_page, annotated):
    page = recording_page
    page.route("**/export?*", lambda route: route.continue_(url=route.request.url.replace("format=kitti", "format=no")))  # fmt: skip # noqa: E501
    page.get_by_role("button", name="Export").click()
    page.get_by_role("alert").wait_for()
    assert "format" in page.get_by_role("alert").inner_text()
