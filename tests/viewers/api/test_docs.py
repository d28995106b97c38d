"""The curl examples of docs/api.md work as they stand."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from kill_storm import ForkingServer

DOCS = Path(__file__).resolve().parents[3] / "docs" / "api.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_walk_through_works(drive: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    for name in ("drive.h5", "drive.labels.parquet"):
        shutil.copy(drive.with_name(name), tmp_path)
    with ForkingServer.running(tmp_path, tmp_path) as server:
        script = "set -euo pipefail\n" + "\n".join(blocks)
        script = script.replace("http://127.0.0.1:8050", server.url)
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
    assert '"state":"done"' in done.stdout
    assert (tmp_path / "frame.llp").read_bytes().startswith(b"LLP1")
