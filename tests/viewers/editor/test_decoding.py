"""The browser's decoder reads what the server's encoder writes, value for value."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lidar_label.datasets.recording import Recording
from lidar_label.viewers.api.frame_clouds import encode_frame

EDITOR = Path(__file__).resolve().parents[3] / "viewers" / "editor"
_READ = """
import { readFileSync } from "node:fs";
import { decodePoints } from "./decode.mjs";
const file = readFileSync(process.argv[2]);
const cloud = decodePoints(file.buffer.slice(file.byteOffset, file.byteOffset + file.length));
console.log(JSON.stringify({ ...cloud, xyz: [...cloud.xyz], time: [...cloud.time],
  intensity: [...cloud.intensity], ring: [...cloud.ring], ground: [...cloud.ground] }));
"""


@pytest.mark.parametrize("level", [0, 3])
def test_typescript_decodes_what_python_encodes(drive: Path, tmp_path: Path, level: int) -> None:
    node, esbuild = shutil.which("node"), EDITOR / "node_modules" / ".bin" / "esbuild"
    if node is None or not esbuild.exists():
        pytest.skip("needs node and the editor's packages: run `make setup`")
    with Recording(drive) as recording:
        encoded = encode_frame(recording, 1, sensors=(), level=level, deskew=True)
        xyz = recording.frame_points(1).xyz
    (tmp_path / "points").write_bytes(encoded)
    (tmp_path / "read.mjs").write_text(_READ)
    source = EDITOR / "src" / "points" / "decode.ts"
    subprocess.run([str(esbuild), str(source), f"--outfile={tmp_path}/decode.mjs"], check=True)
    read = subprocess.run(
        [node, str(tmp_path / "read.mjs"), str(tmp_path / "points")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    cloud = json.loads(read.stdout)
    points = np.array(cloud["xyz"]).reshape(-1, 3)
    assert cloud["total"] == len(xyz)
    assert len(points) == cloud["count"] == cloud["levels"][level]
    assert all(len(cloud[name]) == len(points) for name in ("time", "intensity", "ring", "ground"))
    nearest = [np.abs(xyz - point).max(axis=1).min() for point in points[::500]]
    assert max(nearest) <= 0.0051, "half a step of the coarsest quantisation"
    if level == 0:
        order = [np.lexsort(np.round(p, 1).T) for p in (points, xyz)]
        assert np.allclose(np.sort(points[order[0], 0]), np.sort(xyz[order[1], 0]), atol=0.006)
        assert 0.3 < np.mean(cloud["ground"]) < 1
