"""Each export's convention, proven by one asymmetric box read as the format itself defines it."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import asymmetric_box as asymmetric
import numpy as np
import pytest

from lidar_label.datasets.export_folder import CONVENTIONS
from lidar_label.datasets.exports import EXPORTERS, export_labels

IMAGE_FORMATS = ("coco", "cvat")


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asymmetric.recording(tmp_path_factory.mktemp("box") / "drive.h5")


def test_the_box_by_hand() -> None:
    """The front's middle is 3 m along 30° from the centre; the right side is 1 m along −60°."""
    front = asymmetric.truth()[:4].mean(axis=0)
    np.testing.assert_allclose(front, [8 + 3 * np.sqrt(0.75), 3 + 1.5, 0.5])
    right = asymmetric.truth()[[2, 3, 6, 7]].mean(axis=0)
    np.testing.assert_allclose(right, [8 + 0.5, 3 - np.sqrt(0.75), 0.5])


@pytest.mark.parametrize("form", sorted(asymmetric.READERS))
def test_the_file_says_where_the_box_is(form: str, drive: Path, tmp_path: Path) -> None:
    export_labels(asymmetric.labels(), drive, form, tmp_path / "out")
    found = asymmetric.READERS[form](tmp_path / "out")
    # The corners as a set, and the front's among them: the box looks where it should.
    for part in (slice(0, 8), slice(0, 4)):
        ours, theirs = asymmetric.truth()[part], found[part]
        apart = np.linalg.norm(ours[:, None] - theirs[None], axis=2)
        assert apart.min(axis=0).max() < 1e-6
        assert apart.min(axis=1).max() < 1e-6


@pytest.mark.parametrize("form", IMAGE_FORMATS)
def test_the_file_says_where_the_box_is_in_the_image(
    form: str, drive: Path, tmp_path: Path
) -> None:
    export_labels(asymmetric.labels(), drive, form, tmp_path / "out")
    if form == "coco":
        content = json.loads((tmp_path / "out/annotations/instances_default.json").read_text())
        (left, top, width, height) = content["annotations"][0]["bbox"]
        found = [left, top, left + width, top + height]
    else:
        box = ET.parse(tmp_path / "out/front/annotations.xml").getroot().find("track/box")
        assert box is not None
        found = [float(box.attrib[name]) for name in ("xtl", "ytl", "xbr", "ybr")]
    # The camera stands at (1.5, 0.2, 1.2): pixel x = 320 − 300 (y − 0.2) / (x − 1.5), and so on;
    # both formats count from the image's corner, half a pixel before the first pixel's centre.
    points = asymmetric.truth()
    depth = points[:, 0] - 1.5
    x = 320.5 - 300 * (points[:, 1] - 0.2) / depth
    y = 200.5 - 300 * (points[:, 2] - 1.2) / depth
    np.testing.assert_allclose(found, [x.min(), y.min(), x.max(), y.max()], atol=0.011)


def test_every_format_is_proven_and_on_the_page() -> None:
    assert set(asymmetric.READERS) | set(IMAGE_FORMATS) == set(EXPORTERS)
    page = (asymmetric.DOCS / "formats.md").read_text(encoding="utf-8")
    for form in EXPORTERS:
        assert f"`{form}`" in page


@pytest.mark.parametrize("form", sorted(EXPORTERS))
def test_every_folder_states_its_contract(form: str, drive: Path, tmp_path: Path) -> None:
    export_labels(asymmetric.labels(), drive, form, tmp_path / "out")
    text = (tmp_path / "out" / CONVENTIONS).read_text(encoding="utf-8").lower()
    for word in ("frame", "x forward, y left", "yaw", "+z", "rad", "metres", "length", "centre"):
        assert word in text, word
