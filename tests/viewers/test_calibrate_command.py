"""`lidar-label calibrate`: what is off is found, said, and mended in a new recording."""

import json
from pathlib import Path

import numpy as np
import pytest

from lidar_label.calibration.extrinsics import difference
from lidar_label.calibration.transforms import from_yaw, invert
from lidar_label.cli import main
from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.datasets.recording_copy import copy_with_places
from lidar_label.datasets.simulation.drive import simulate
from lidar_label.datasets.simulation.suite import SimulationConfig


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated drive of two LiDARs and a camera, three turns."""
    path = tmp_path_factory.mktemp("rig") / "right.h5"
    config = SimulationConfig(seconds=0.3, seed=1, beams=(64, 32), radars=1, cameras=1)
    simulate(path, config)
    return path


def asked(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, dict]:
    code = main(["calibrate", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def verdicts(document: dict) -> dict[str, str]:
    return {place["sensor"]: place["verdict"] for place in document["places"]}


def test_a_right_rig_is_right(right: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = asked(capsys, right, "--check")
    assert code == 0
    assert verdicts(found) == {"front": "right", "camera_front": "right"}


def test_a_wrong_rig_is_found_shown_and_mended(
    right: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, mended = tmp_path / "wrong.h5", tmp_path / "mended.h5"
    with Recording(right) as recording:
        truth = recording.rig["front"].ego_from_sensor
        camera = recording.rig["camera_front"].ego_from_sensor
        moved = truth @ from_yaw(np.array([0.08, 0.04, 0.02]), np.radians(1.5))
        copy_with_places(recording, wrong, {"front": moved, "camera_front": invert(camera)})
    before = wrong.read_bytes()
    code, found = asked(capsys, wrong, "--check", "--report", tmp_path / "page", "--write", mended)
    assert code == 1
    assert verdicts(found) == {"front": "off", "camera_front": "inverted"}
    assert wrong.read_bytes() == before
    page = (tmp_path / "page" / "calibration.html").read_text(encoding="utf-8")
    assert "the wrong way round" in page
    assert page.count("<img") == 4
    assert (tmp_path / "page" / "front_corrected.png").is_file()
    with Recording(mended) as recording, Recording(right) as original:
        metres, turn = difference(truth, recording.rig["front"].ego_from_sensor)
        assert metres < 0.015
        assert turn < np.radians(0.1)
        assert np.allclose(recording.rig["camera_front"].ego_from_sensor, camera, atol=1e-9)
        for name in original.lidars:
            assert np.array_equal(recording.sweep(name, 2).xyz, original.sweep(name, 2).xyz)
        for name in original.radars:
            theirs = original.radar_sweep(name, 1).radial_velocity
            assert np.array_equal(recording.radar_sweep(name, 1).radial_velocity, theirs)
        assert recording.image("camera_front", 0) == original.image("camera_front", 0)
        assert np.array_equal(recording.imu("imu").values, original.imu("imu").values)
        assert recording.trajectory is not None
        assert original.trajectory is not None
        assert len(recording.trajectory) == len(original.trajectory)


def test_a_lidar_given_the_wrong_way_round_is_told(
    right: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Recording(right) as recording:
        inverse = invert(recording.rig["front"].ego_from_sensor)
        copy_with_places(recording, tmp_path / "wrong.h5", {"front": inverse})
    code, found = asked(capsys, tmp_path / "wrong.h5", "--check")
    assert code == 1
    assert verdicts(found)["front"] == "inverted"


def gyroscope_drive(path: Path, late_s: float) -> Path:
    """Ego poses that swing, and a gyroscope in degrees on a clock that is ahead."""
    at = np.arange(0, 30, 0.01)
    yaw = 0.6 * np.sin(0.7 * at) + 0.2 * np.sin(1.9 * at)
    rate = 0.42 * np.cos(0.7 * at) + 0.38 * np.cos(1.9 * at)
    zero = 0 * at
    poses = np.column_stack((8 * at, zero, zero, np.cos(yaw / 2), zero, zero, np.sin(yaw / 2)))
    noise = np.random.default_rng(0).normal(0, 0.1, (len(at), 3))
    with RecordingWriter(path, source="test") as writer:
        writer.add_imu("imu", np.eye(4), ["gyro_x", "gyro_y", "gyro_z"], ["deg/s"] * 3)
        times = np.rint(at * 1e9).astype(np.int64)
        writer.append_ego(times + 10**9, poses)
        rates = np.degrees(np.column_stack((zero, zero, rate))) + noise
        writer.append_imu("imu", times + 10**9 + round(late_s * 1e9), rates)
    return path


def test_a_late_clock_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = gyroscope_drive(tmp_path / "r.h5", 0.03)
    code, found = asked(capsys, path, "--clocks")
    assert code == 1
    (clock,) = found["clocks"]
    assert clock["reference"] == "ego"
    assert abs(clock["offset_s"] - 0.03) < 0.002
    assert abs(clock["gain"] - 1) < 0.02
    assert main(["calibrate", str(path), "--clocks", "--tolerance-ms", "40"]) == 0
    assert "+30.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--clocks, --check"),
        (["--clocks", "--report"], "of --check"),
        (["--clocks", "--max-offset", "0"], "--max-offset 0"),
        (["--check"], "nothing to compare"),
    ],
)
def test_bad_questions_get_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    path = gyroscope_drive(tmp_path / "r.h5", 0.0)
    assert main(["calibrate", str(path), *words]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]
