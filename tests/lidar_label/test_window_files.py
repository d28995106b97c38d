"""Windows leave for other programs and tags come back."""

import json
from pathlib import Path

import numpy as np
import pytest

from lidar_label import cli
from lidar_label.datasets.export_names import WINDOW_FORMATS
from lidar_label.datasets.windows import Windows, load_windows
from lidar_label.errors import InvalidLabels, UsageError
from lidar_label.window_files import read_tags, write_windows

ORIGIN = 1_700_000_000_000_000_000
WINDOWS = Windows.of(
    np.array([ORIGIN, ORIGIN + 1_500_000_000]),
    np.array([ORIGIN + 1_500_000_000, ORIGIN + 4_000_000_000]),
    category=np.array(["walking", "größer, quick"], dtype=object),
    score=np.array([0.5, np.nan], dtype=np.float32),
)


@pytest.mark.parametrize(
    ("form", "name"), [("parquet", "w.parquet"), ("csv", "w.csv"), ("audacity", "w.txt")]
)
def test_what_was_written_is_read_back(form: str, name: str, tmp_path: Path) -> None:
    write_windows(WINDOWS, tmp_path / name, form, ORIGIN)
    again = read_tags(tmp_path / name, ORIGIN)
    assert again.start_ns.tolist() == WINDOWS.start_ns.tolist()
    assert again.end_ns.tolist() == WINDOWS.end_ns.tolist()
    assert again.category.tolist() == WINDOWS.category.tolist()
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_elan_and_label_studio_hold_what_they_need(tmp_path: Path) -> None:
    write_windows(WINDOWS, tmp_path / "e.txt", "elan", ORIGIN)
    assert (tmp_path / "e.txt").read_text().splitlines()[2] == "activity\t1500\t4000\tgrößer, quick"
    write_windows(WINDOWS, tmp_path / "l.json", "label-studio", ORIGIN, "walk.csv")
    task = json.loads((tmp_path / "l.json").read_text())[0]
    assert task["data"] == {"ts": "walk.csv"}
    regions = task["predictions"][0]["result"]
    assert regions[0]["value"] == {
        "start": 0.0, "end": 1.5, "instant": False, "timeserieslabels": ["walking"],
    }  # fmt: skip
    assert regions[1]["score"] is None


def test_an_elan_document_reads_as_what_was_written(tmp_path: Path) -> None:
    elan = pytest.importorskip("pympi", reason="pip install .[dev] brings pympi-ling").Elan
    over = np.array([ORIGIN, ORIGIN + 1_500_000_000, ORIGIN + 500_000_000])
    windows = Windows.of(
        over,
        over + np.array([1_500_000_000, 2_500_000_000, 400_000_000]),
        category=np.array(["walking", "größer, <quick> & so", "stumble"], dtype=object),
        tier=np.array(["activity", "activity", "activity"], dtype=object),
    )
    write_windows(windows, tmp_path / "w.eaf", "eaf", ORIGIN)
    document = elan.Eaf(str(tmp_path / "w.eaf"))
    assert set(document.get_tier_names()) == {"activity", "activity 2"}
    rows = [row[:3] for row in document.get_annotation_data_for_tier("activity")]
    assert sorted(rows) == [(0, 1500, "walking"), (1500, 4000, "größer, <quick> & so")]
    rows = [row[:3] for row in document.get_annotation_data_for_tier("activity 2")]
    assert rows == [(500, 900, "stumble")]
    document.to_file(str(tmp_path / "again.eaf"))
    assert len(elan.Eaf(str(tmp_path / "again.eaf")).get_tier_names()) == 2


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("a.csv", "from,to,what\n0,1,x\n", "start_s end_s category"),
        ("a.csv", "start_s,end_s,category\n0,one,x\n", "line 2"),
        ("a.csv", "start_s,end_s,category\n3,1,x\n", "ends before"),
        ("a.txt", "0.0\t1.0\twalking\n2.0\n", "line 2"),
    ],
)
def test_bad_tags_name_file_and_line(name: str, text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InvalidLabels) as raised:
        read_tags(path)
    assert word in str(raised.value)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("form", WINDOW_FORMATS)
def test_every_form_that_is_offered_is_written(form: str, tmp_path: Path) -> None:
    write_windows(WINDOWS, tmp_path / "w", form, ORIGIN)
    assert b"walking" in (tmp_path / "w").read_bytes()


def test_an_unknown_form_is_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=WINDOW_FORMATS[0]):
        write_windows(WINDOWS, tmp_path / "w", "papyrus")


def write_walk(path: Path) -> None:
    """20 s of rest, 20 s of walking, 20 s of rest, as a phone writes it."""
    rng = np.random.default_rng(0)
    t = np.arange(3000) / 50
    walking = (t >= 20) & (t < 40)
    z = 9.81 + walking * 2.5 * np.sin(2 * np.pi * 1.9 * t) + rng.normal(scale=0.05, size=3000)
    rows = [
        f"{round(s * 1e9)},{rng.normal(scale=0.05):.4f},0.1,{v:.4f}"
        for s, v in zip(t, z, strict=True)
    ]
    path.write_text("time_ns,acc_x,acc_y,acc_z\n" + "\n".join(rows) + "\n")


def test_segment_finds_and_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_walk(tmp_path / "phone.csv")
    assert cli.main(["segment", str(tmp_path / "phone.csv"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["windows"] == 3
    edges = load_windows(tmp_path / "phone.windows.parquet").start_ns / 1e9
    assert np.abs(edges - [0, 20, 40]).max() < 0.6
    assert cli.main(["segment", str(tmp_path / "phone.csv")]) == 2
    assert "--force" in capsys.readouterr().err
    tags = tmp_path / "tags.csv"
    tags.write_text("start_s,end_s,category\n5,9,rest\n26,30,walk\n")
    truth = tmp_path / "truth.csv"
    truth.write_text("start_s,end_s,category\n0,20,rest\n20,40,walk\n40,60,rest\n")
    command = ["segment", str(tmp_path / "phone.csv"), "--tags", str(tags), "--truth", str(truth)]
    model = tmp_path / "model.json"
    assert cli.main([*command, "--json", "--force", "--save-model", str(model)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["agreement"]["accuracy"] > 0.95
    assert answer["agreement"]["edit_score"] == 1.0
    again = ["segment", str(tmp_path / "phone.csv"), "--model", str(model), "--force", "--json"]
    assert cli.main(again) == 0
    assert set(json.loads(capsys.readouterr().out)["seconds"]) == {"rest", "walk"}


def test_a_file_that_is_no_model_is_named(tmp_path: Path, capsys) -> None:
    write_walk(tmp_path / "phone.csv")
    (tmp_path / "model.json").write_text("no model")
    model = str(tmp_path / "model.json")
    assert cli.main(["segment", str(tmp_path / "phone.csv"), "--model", model]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "model.json: not an activity model" in error
    assert "--save-model" in error
