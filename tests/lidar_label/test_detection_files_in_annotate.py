"""Result files of KITTI, nuScenes and Argoverse 2 given to `annotate`: the same boxes come out."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from lidar_label import cli
from lidar_label.cuboids import Cuboids, load_cuboids
from lidar_label.datasets.formats import export_labels, import_source
from lidar_label.datasets.kitti_export import label_frame
from lidar_label.datasets.kitti_labels import format_lines
from lidar_label.datasets.recording import Recording


def found_by_another(drive: Path) -> Cuboids:
    """The truth as a detector's boxes."""
    truth = load_cuboids(drive.with_name("drive.labels.parquet"))
    return truth.replace(track_id=-1, score=np.full(len(truth), 0.75), source_id="", attributes="")


def annotated(recording: Path, file: Path) -> Cuboids:
    out = file.with_suffix(".out.parquet")
    command = ["annotate", str(recording), "-o", str(out), "--no-track", "--json"]
    assert cli.main([*command, "--detections", str(file)]) == 0
    return load_cuboids(out)


def assert_same(labels: Cuboids, wanted: Cuboids, within: float) -> None:
    assert labels.frame.tolist() == wanted.frame.tolist()
    for frame in np.unique(wanted.frame):
        a, b = labels.select(labels.frame == frame), wanted.select(wanted.frame == frame)
        nearest = np.linalg.norm(a.boxes[:, None, :3] - b.boxes[None, :, :3], axis=2).argmin(axis=1)
        assert sorted(nearest) == list(range(len(b)))
        np.testing.assert_allclose(a.boxes[:, :6], b.boxes[nearest, :6], atol=within)
        assert np.cos(a.boxes[:, 6] - b.boxes[nearest, 6]).min() > 1 - within
        np.testing.assert_allclose(a.score, b.score[nearest], atol=1e-6)


def test_kitti_results(drive: Path, tmp_path: Path) -> None:
    wanted = found_by_another(drive)
    with Recording(drive) as recording:
        rect_from_lidar = label_frame(recording).calibration.rect_from_lidar
    lines = format_lines(
        wanted.replace(score=np.nan), rect_from_lidar, [None] * len(wanted), tracking=True
    )
    (tmp_path / "found.txt").write_text("".join(f"{line} 0.75\n" for line in lines))
    assert_same(annotated(drive, tmp_path / "found.txt"), wanted, 0.02)


def test_argoverse2_results(drive: Path, tmp_path: Path) -> None:
    wanted = found_by_another(drive)
    columns = {
        name: wanted.boxes[:, k]
        for k, name in enumerate(("tx_m", "ty_m", "tz_m", "length_m", "width_m", "height_m"))
    }
    half = wanted.boxes[:, 6] / 2
    columns |= {"qw": np.cos(half), "qx": 0 * half, "qy": 0 * half, "qz": np.sin(half)}
    table = pa.table(
        {
            **columns,
            "score": wanted.score,
            "timestamp_ns": wanted.time_ns,
            "category": wanted.category.tolist(),
        }
    )
    feather.write_feather(table, tmp_path / "found.feather")
    assert_same(annotated(drive, tmp_path / "found.feather"), wanted, 1e-6)


def test_nuscenes_results_by_the_tokens_that_an_import_keeps(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = found_by_another(drive)
    export_labels(wanted, drive, "nuscenes", tmp_path / "scene")
    (result,) = (tmp_path / "scene").rglob("results.json")
    scene = import_source(tmp_path / "scene", tmp_path / "scene.h5").recording_path
    document = json.loads(result.read_text())
    document["results"]["of another scene"] = []
    result.write_text(json.dumps(document))
    assert_same(annotated(scene, result), wanted, 1e-4)

    command = ["annotate", str(scene), "-o", str(tmp_path / "x.parquet"), "--detections"]
    document["results"] = {"of another scene": []}
    result.write_text(json.dumps(document))
    assert cli.main([*command, str(result)]) == 2
    said = capsys.readouterr().err
    assert "sample of another scene is none of scene.h5" in said
    assert said.count("\n") == 1
    result.write_text('{"results": []}')
    assert cli.main([*command, str(result)]) == 2
    assert "not filed by sample token" in capsys.readouterr().err
    assert not (tmp_path / "x.parquet").exists()


def test_another_kind_of_file_is_one_line(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["annotate", str(drive), "-o", str(tmp_path / "x.parquet"), "--detections", "a.xml"]
    assert cli.main(command) == 2
    assert ".json (nuScenes)" in capsys.readouterr().err
