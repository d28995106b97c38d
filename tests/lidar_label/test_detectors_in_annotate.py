"""Boxes of others in `annotate`: a plugged-in ONNX network, as documented, and a file."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lidar_label import cli
from lidar_label.cuboids import Cuboids, load_cuboids, save_cuboids

DOCS = Path(__file__).parents[2] / "docs" / "detectors.md"


def write_network(path: Path) -> None:
    """A network whose one box stands where the points within 3 m of (14, 5) have their middle."""
    near = [
        helper.make_node("Slice", ["points", "zero", "two", "one"], ["plane"]),
        helper.make_node("Sub", ["plane", "place"], ["off"]),
        helper.make_node("Mul", ["off", "off"], ["square"]),
        helper.make_node("ReduceSum", ["square", "one"], ["away"], keepdims=1),
        helper.make_node("Less", ["away", "reach"], ["is_near"]),
        helper.make_node("Cast", ["is_near"], ["weight"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["plane", "weight"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "zero"], ["total"], keepdims=1),
        helper.make_node("ReduceSum", ["weight", "zero"], ["count"], keepdims=1),
        helper.make_node("Div", ["total", "count"], ["middle"]),
        helper.make_node("Concat", ["middle", "rest"], ["boxes"], axis=1),
        helper.make_node("Identity", ["sure"], ["scores"]),
        helper.make_node("Identity", ["kind"], ["labels"]),
    ]
    constants = {
        "zero": np.array([0], dtype=np.int64),
        "one": np.array([1], dtype=np.int64),
        "two": np.array([2], dtype=np.int64),
        "place": np.array([[14, 5]], dtype=np.float32),
        "reach": np.array([9], dtype=np.float32),
        "rest": np.array([[0.75, 4.4, 1.8, 1.5, 0]], dtype=np.float32),
        "sure": np.array([0.9], dtype=np.float32),
        "kind": np.array([0], dtype=np.int64),
    }
    graph = helper.make_graph(
        near,
        "tiny",
        [helper.make_tensor_value_info("points", TensorProto.FLOAT, ["n", 4])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 7]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1]),
            helper.make_tensor_value_info("labels", TensorProto.INT64, [1]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


@pytest.fixture
def plugged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package of docs/detectors.md as if it were installed, and its network."""
    blocks = re.findall(r"```(\w+)\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    code = next(text for kind, text in blocks if kind == "python" and "def make" in text)
    entry = next(text for kind, text in blocks if kind == "toml")
    name, target = re.search(r'^(\w+) = "(.*)"', entry, re.MULTILINE).groups()
    module = target.split(":")[0]
    package = tmp_path / "site" / module.split(".")[0]
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "detector.py").write_text(code, encoding="utf-8")
    info = tmp_path / "site" / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[lidar_label.detectors]\n{name} = {target}\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, module, raising=False)
    write_network(tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def test_the_documented_onnx_detector_runs_in_annotate(
    drive: Path, plugged_in: Path, tmp_path: Path
) -> None:
    out = tmp_path / "labels.parquet"
    options = ["--detector", "mine", "--detector-option", f"model={plugged_in}"]
    options += ["--detector-option", "min_score=0.5"]
    assert cli.main(["annotate", str(drive), "-o", str(out), "--json", *options]) == 0
    labels = load_cuboids(out)
    assert len(labels) == 6
    assert set(labels.track_id.tolist()) == {0}
    assert np.hypot(labels.boxes[:, 0] - 14, labels.boxes[:, 1] - 5).max() < 3
    nothing = tmp_path / "nothing.parquet"
    options[-1] = "min_score=0.95"
    assert cli.main(["annotate", str(drive), "-o", str(nothing), *options]) == 0
    assert len(load_cuboids(nothing)) == 0


def test_an_unknown_detector_is_one_line(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "labels.parquet"
    command = ["annotate", str(drive), "-o", str(out), "--detector", "absent"]
    assert cli.main(command) == 2
    assert "no detector absent; installed: none" in capsys.readouterr().err
    assert cli.main([*command, "--detector-option", "x"]) == 2
    assert "write KEY=VALUE" in capsys.readouterr().err
    assert not out.exists()


def test_detections_of_a_file_become_tracks(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = load_cuboids(drive.with_name("drive.labels.parquet"))
    found = truth.replace(track_id=-1, score=np.full(len(truth), 0.9))
    save_cuboids(found, tmp_path / "found.parquet")
    out = tmp_path / "labels.parquet"
    command = ["annotate", str(drive), "-o", str(out), "--json"]
    assert cli.main([*command, "--detections", str(tmp_path / "found.parquet")]) == 0
    assert json.loads(capsys.readouterr().out)["tracks"] == 4
    labels = load_cuboids(out)
    assert (
        np.hypot(*(labels.boxes[labels.frame == 3, :2] - truth.boxes[truth.frame == 3, :2]).T)[
            :3
        ].max()
        < 0.3
    )
    late = Cuboids.of([[1.0, 0, 0, 4, 2, 1, 0]], frame=9, category="car", score=0.9)
    save_cuboids(late, tmp_path / "late.parquet")
    assert cli.main([*command, "--detections", str(tmp_path / "late.parquet"), "--force"]) == 2
    assert "frame 9; there are 6" in capsys.readouterr().err
    assert cli.main([*command, "--detections", "x.json"]) == 2
