"""The report: one file that needs nothing else, pictures that show what is there."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lidar_label import cli
from lidar_label.annotation import annotate
from lidar_label.calibration.transforms import invert
from lidar_label.cuboids import Cuboids, load_cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.ontology import road_ontology
from lidar_label.viewers.charts import Series, Span, bars, curves, histogram, timeline
from lidar_label.viewers.pictures import DrawnBoxes, View, bird_eye, camera_view
from lidar_label.viewers.report import ReportConfig, choose_frames, rank_doubts, write_report

RED, BLUE = (255, 0, 0), (0, 0, 255)


class Page(HTMLParser):
    """Collects what a page loads and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.stack: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "img", "br", "link"}:
            self.stack.append(tag)
        self.loads += [v or "" for k, v in attrs if k in {"src", "href"} and tag != "a"]

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] not in {"style", "script"}:
            self.words.append(data)


@pytest.fixture(scope="module")
def written(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with truth, by the command."""
    folder = tmp_path_factory.mktemp("report")
    code = cli.main(
        [
            "annotate",
            str(drive),
            "-o",
            str(folder / "labels.parquet"),
            "--report",
            str(folder / "r"),
        ]
    )
    assert code == 0
    return folder / "r"


def test_the_page_needs_nothing_else(written: Path) -> None:
    text = (written / "report.html").read_text()
    page = Page(text)
    assert page.stack == []
    assert page.loads
    assert all(load.startswith("data:image/webp;base64,") for load in page.loads)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", text)
    for load in page.loads:
        Image.open(io.BytesIO(base64.b64decode(load.partition(",")[2]))).verify()


def test_the_page_says_what_was_found(drive: Path, written: Path) -> None:
    words = " ".join(" ".join(Page((written / "report.html").read_text()).words).split())
    labels = load_cuboids(written.parent / "labels.parquet")
    with Recording(drive) as recording:
        assert recording.content_hash in words
    assert f"{len(labels)} cuboids" in words
    assert "Against the truth" in words
    assert "recall at 0.5" in words
    assert labels.reason[np.argmin(labels.score)] in words


def test_pictures_stand_beside_it(written: Path) -> None:
    names = sorted(path.name for path in written.glob("*.png"))
    assert len(names) == 12
    assert names[:2] == ["frame_000000_above.png", "frame_000000_front.png"]
    with Image.open(written / names[0]) as above:
        assert above.width == 1500
        assert len(above.getcolors(1 << 24) or []) > 100


def test_a_recording_of_nothing_and_text_from_outside(drive: Path, tmp_path: Path) -> None:
    labels = Cuboids.of(
        [[10, 0, 0, 4, 2, 1.5, 0]], category="<script>alert(1)</script>", reason="a < b & c"
    )
    with Recording(drive) as recording:
        path = write_report(recording, labels, tmp_path / "odd", config=ReportConfig(pictures=1))
        text = path.read_text()
        assert "<script>alert" not in text
        assert "a &lt; b &amp; c" in text
        assert Page(text).stack == []
        empty = write_report(recording, Cuboids.empty(), tmp_path / "empty")
        assert Page(empty.read_text()).stack == []


def test_report_without_truth_has_no_verdict(drive: Path, tmp_path: Path) -> None:
    with Recording(drive) as recording:
        annotation = annotate(recording)
        path = write_report(recording, annotation.cuboids, tmp_path, annotation=annotation)
    words = " ".join(Page(path.read_text()).words)
    assert "Against the truth" not in words
    assert "read and propose" in words


def test_what_nobody_looked_at_is_not_judged(drive: Path, tmp_path: Path) -> None:
    truth = load_cuboids(drive.with_name("drive.labels.parquet"))
    behind = Cuboids.of([[-15, 0, 1, 4, 2, 1.5, 0]], category="car", score=0.2)
    with Recording(drive) as recording:
        for camera, word in ((None, "wrong"), ("front", "–")):
            path = write_report(recording, behind, tmp_path, truth=truth, truth_camera=camera)
            row = path.read_text().partition('<table class="doubts">')[2]
            assert (word == "wrong") == ('class="wrong"' in row)


def test_a_report_s_options_need_a_report(drive: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out.parquet")
    assert cli.main(["annotate", str(drive), "-o", out, "--seen-by", "front"]) == 2
    assert cli.main(["annotate", str(drive), "-o", out, "--workers", "0"]) == 2
    assert list(tmp_path.iterdir()) == []


def at(view: View, x: float, y: float, picture: Image.Image) -> tuple[int, int, int]:
    column, row = view.pixels(np.array([[x, y]]))[0].round().astype(int).tolist()
    return picture.getpixel((column, row))  # type: ignore[return-value]


def test_above_shows_points_ground_and_boxes_where_they_are() -> None:
    view = View((0.0, 0.0), 10.0, 400, 300)
    points = np.array([[5, 5, 0], [-5, 5, 2]], dtype=np.float32)
    box = np.array([[10.0, -5, 0, 4, 2, 1.5, np.pi / 2]])
    picture = bird_eye(
        points,
        points[:, 2],
        np.array([True, False]),
        [DrawnBoxes(box, [RED], ["car"], width=3)],
        view,
    )
    ground, high = at(view, 5, 5, picture), at(view, -5, 5, picture)
    nothing = at(view, -12, -12, picture)
    assert ground != nothing
    assert sum(high) > sum(ground)
    for x, y in ((9, -5), (11, -5), (10, -7), (10, -3)):  # turned: 2 wide along x, 4 long along y
        red, green, blue = at(view, x, y, picture)
        assert red > 150
        assert max(green, blue) < 100
    ahead, behind = at(view, 10, -4, picture), at(view, 10, -6, picture)
    assert ahead[0] > 150 > behind[0]  # the heading's line runs to the front only


def test_camera_shows_boxes_where_they_are(drive: Path) -> None:
    with Recording(drive) as recording:
        camera = recording.rig.camera("front")
        image = recording.image("front", 0)
    camera_from_ego = invert(camera.ego_from_sensor)
    ahead = np.array([[10.2, 0, 1.6, 4, 2, 2, 0.0], [-10.0, 0, 1.6, 4, 2, 2, 0]])
    picture = camera_view(
        image,
        camera,
        camera_from_ego,
        [DrawnBoxes(ahead, [RED, BLUE], ["", ""], width=2)],
        width=320,
    )
    pixels = np.asarray(picture).astype(int)
    red = np.argwhere(pixels[:, :, 0] - pixels[:, :, 2] > 80)
    # The near face is 8 m before the lens, 2 m wide: 200 px · 1 m / 8 m = 25 px to each side.
    assert red[:, 1].min() == pytest.approx(160 - 25, abs=3)
    assert red[:, 1].max() == pytest.approx(160 + 25, abs=3)
    assert red[:, 0].min() == pytest.approx(80 - 25, abs=3)
    assert not (pixels[:, :, 2] - pixels[:, :, 0] > 80).any()  # what is behind is not drawn


def test_frames_with_most_mistakes_get_pictures() -> None:
    labels = Cuboids.of(
        np.ones((30, 7)), frame=np.repeat([400, 700, 701], 10), score=np.repeat([0.9, 0.1, 0.2], 10)
    )
    chosen = choose_frames(1000, labels, None, 6)
    frames = [frame for frame, _ in chosen]
    assert len(frames) == 6
    assert {0, 999, 700, 400} <= set(frames)
    assert 701 not in frames  # its neighbour shows the same
    assert dict(chosen)[700] == "most doubt"
    assert choose_frames(3, labels, None, 6) == [(0, ""), (1, ""), (2, "")]


def test_doubt_is_ranked_by_object() -> None:
    labels = Cuboids.of(
        np.ones((5, 7)),
        frame=[0, 1, 2, 0, 1],
        track_id=[7, 7, 7, -1, -1],
        score=[0.9, 0.5, 0.7, 0.6, np.nan],
    )
    doubts = rank_doubts(labels)
    assert [(d.row, d.frames, d.first, d.last) for d in doubts] == [
        (3, 1, 0, 0),
        (1, 3, 0, 2),
        (4, 1, 1, 1),
    ]
    assert rank_doubts(Cuboids.empty()) == []


def test_charts_are_svg_with_the_numbers() -> None:
    values = np.array([0.1, 0.1, 0.9])
    for svg, word in (
        (bars({"car & co": 1234}, {}, "x"), "1,234"),
        (histogram([Series("a", "red", values)], 0, 1, 10, "score", "x"), ">2<"),
        (curves([(Series("BEV", "red", values), values)], "x"), "BEV"),
        (timeline([Span("car 1", "red", np.array([1, 2, 5]), np.ones(3))], 9, "x"), "car 1"),
    ):
        assert word in svg
        assert Page(svg.replace("/>", "></x>").replace("<path", "<x").replace("<rect", "<x")).stack == []  # fmt: skip # noqa: E501


def test_every_class_has_a_colour_that_can_be_drawn() -> None:
    assert all(re.fullmatch("#[0-9a-f]{6}", one.colour) for one in road_ontology().classes)
