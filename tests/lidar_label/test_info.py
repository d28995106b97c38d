"""`lidar-label info`: what it says of a recording, to people and to programs, and of bad files."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from lidar_label.cli import main
from lidar_label.datasets.recording import RecordingWriter

EYE = np.eye(4)
MS = 1_000_000
START_NS = 1_700_000_000_000_000_000  # 2023-11-14 22:13:20 UTC


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "drive.h5"
    with RecordingWriter(path, source="made by hand") as writer:
        writer.set_origin([500_000.5, 0, 0])
        writer.add_lidar("top", EYE, "HDL-64")
        writer.add_camera("front", EYE, intrinsics=EYE[:3, :3], width=640, height=480)
        writer.add_imu("imu", EYE, ("ax", "flag"), ("m/s²", ""))
        for i in (0, 1, 2, 3, 7, 8):  # 4, 5 and 6 are missing
            xyz = np.zeros((0 if i == 3 else 10 + i, 3))
            xyz[:1] = np.nan
            writer.append_sweep("top", START_NS + i * 100 * MS, xyz)
        writer.append_image("front", START_NS, b"jpeg")
        writer.append_imu("imu", START_NS + np.arange(100) * 10 * MS, np.zeros((100, 2)))
        poses = np.zeros((3, 7))
        poses[:, 3], poses[:, 0] = 1, [0, 3, 3]
        poses[2, 1] = 4
        writer.append_ego(START_NS + np.arange(3) * 200 * MS, poses)
    return path


def test_json_is_one_document_with_the_counts(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(recording), "--json", "--verify"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["frames"] == 6
    assert found["images"] == 1
    assert found["start_ns"] == START_NS
    assert found["duration_s"] == pytest.approx(0.99)
    assert found["origin"] == [500_000.5, 0, 0]
    assert found["source"] == "made by hand"
    assert found["verified"] is True
    assert found["bytes"] == recording.stat().st_size
    with h5py.File(recording) as file:
        assert found["content_hash"] == file.attrs["content_hash"]
    assert found["ego"] == {
        "poses": 3,
        "method": "",
        "rate_hz": 5.0,
        "path_length_m": 7.0,
        "frames_covered": 4,
    }
    top, front, imu = found["sensors"]
    assert (top["name"], top["kind"], top["model"]) == ("top", "lidar", "HDL-64")
    assert (top["count"], top["rate_hz"]) == (6, 10.0)
    assert top["gaps"] == [{"after": 3, "time_ns": START_NS + 300 * MS, "seconds": 0.4}]
    assert (top["gap_count"], top["longest_gap_s"]) == (1, 0.4)
    assert (top["empty_sweeps"], top["dropped_non_finite"]) == (1, 5)
    assert top["points"] == 9 + 10 + 11 + 16 + 17
    assert (front["count"], front["rate_hz"], front["width"]) == (1, None, 640)
    assert (imu["count"], imu["rate_hz"]) == (100, 100.0)
    assert imu["channels"] == ["ax (m/s²)", "flag"]


def test_lines_say_the_same_to_people(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(recording)]) == 0
    text = capsys.readouterr().out
    for words in (
        "6 sweeps at 10 Hz",
        "1 gap, up to 0.40 s",
        "7.0 m driven, 4 of 6 frames covered",
        "2023-11-14 22:13:20 UTC",
        "500000.500 0.000 0.000",
        "640 × 480",
        "5 non-finite points left out",
    ):
        assert words in text


def test_a_recording_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RecordingWriter(tmp_path / "a.h5", source="nothing"):
        pass
    assert main(["info", str(tmp_path / "a.h5")]) == 0
    assert "no poses" in capsys.readouterr().out
    assert main(["info", str(tmp_path / "a.h5"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["duration_s"] is None


@pytest.mark.parametrize("damage", ["absent", "text", "cut", "changed"])
def test_a_bad_file_is_one_line_and_exit_2(
    recording: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if damage == "absent":
        recording.unlink()
    elif damage == "text":
        recording.write_text("no recording")
    elif damage == "cut":
        recording.write_bytes(recording.read_bytes()[:-100])
    else:
        with h5py.File(recording, "r+") as file:
            file["lidar/top/xyz"][0] = 7.0
    assert main(["info", str(recording), "--json", "--verify"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert len(output.err.splitlines()) == 1
    assert "drive.h5" in output.err
