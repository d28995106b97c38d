"""Exported clouds, read by others' libraries and by ours: the same points, in the ego frame."""

import json
from pathlib import Path

import numpy as np
import pytest
import source_folders as folders

from lidar_label.calibration.rig import Lidar
from lidar_label.cli import main
from lidar_label.datasets.cloud_export import CLOUD_FORMATS
from lidar_label.datasets.cloud_round_trip import cloud_differences
from lidar_label.datasets.cuboids import Cuboids, save_cuboids
from lidar_label.datasets.export_folder import CONVENTIONS, NOT_EXPORTED
from lidar_label.datasets.exports import export_labels
from lidar_label.datasets.formats import import_source
from lidar_label.datasets.recording import Recording, RecordingWriter

START = 1_700_000_000 * 10**9
FRAMES, STEP_NS = 3, 10**8


def drive(path: Path, start: int = START, speed: float = 10.0) -> Path:
    """Two LiDARs on an ego that drives along x; only the first has rings, both have point times.

    The second sits at (1, 2, 0.5), turned left by 90°.
    """
    turned = np.array([[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 0.5], [0, 0, 0, 1.0]])
    scan = folders.scan()
    with RecordingWriter(path, source="test") as writer:
        writer.add_lidar("top", np.eye(4))
        writer.add_lidar("side", turned)
        for i in range(FRAMES):
            time_ns = start + i * STEP_NS
            seen = time_ns + np.arange(len(scan)) * 123_457
            rings = np.arange(len(scan), dtype=np.uint16) % 64
            writer.append_sweep("top", time_ns, scan[:, :3], scan[:, 3], rings, seen)
            writer.append_sweep("side", time_ns, scan[:100, :3], scan[:100, 3] * 200, None)
        times = start + np.arange(-1, FRAMES + 1) * STEP_NS
        poses = np.zeros((len(times), 7))
        poses[:, 0], poses[:, 3] = speed * (times - start) / 1e9, 1
        writer.append_ego(times, poses)
    return path


def labels() -> Cuboids:
    return Cuboids.of(np.tile(folders.CAR, (2, 1)), frame=[0, 2], track_id=[4, 4], category="Car")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drive(tmp_path_factory.mktemp("clouds") / "drive.h5")


def expected() -> np.ndarray:
    """Frame 0 by hand: 123.457 µs a point at 10 m/s ahead, and the side's turned and shifted."""
    scan = folders.scan()[:, :3].astype(np.float64)
    top = scan + np.arange(len(scan))[:, None] * [123_457e-9 * 10, 0, 0]
    side = np.column_stack((1 - scan[:100, 1], 2 + scan[:100, 0], 0.5 + scan[:100, 2]))
    return np.concatenate((top, side))


@pytest.mark.parametrize("form", ["pcd", "ply"])
def test_open3d_reads_the_cloud(form: str, recording: Path, tmp_path: Path) -> None:
    open3d = pytest.importorskip("open3d")
    export_labels(labels(), recording, form, tmp_path / "out")
    cloud = open3d.t.io.read_point_cloud(str(tmp_path / "out" / f"{START}.{form}")).point
    np.testing.assert_allclose(cloud.positions.numpy(), expected(), atol=1e-5)
    scan = folders.scan()
    intensity = np.concatenate((scan[:, 3], scan[:100, 3] * 200))
    np.testing.assert_array_equal(cloud["intensity"].numpy()[:, 0], intensity)
    seconds = np.append(np.arange(200) * 123_457e-9, np.zeros(100))
    np.testing.assert_allclose(cloud["time"].numpy()[:, 0], seconds, rtol=0, atol=1e-12)
    assert cloud["sensor"].numpy()[:, 0].tolist() == [0] * 200 + [1] * 100


@pytest.mark.parametrize("form", ["las", "laz"])
def test_laspy_reads_the_cloud(form: str, recording: Path, tmp_path: Path) -> None:
    import laspy

    export_labels(labels(), recording, form, tmp_path / "out")
    las = laspy.read(tmp_path / "out" / f"{START}.{form}")
    assert (str(las.header.version), las.header.point_format.id) == ("1.4", 6)
    found = np.column_stack((las.x, las.y, las.z))
    np.testing.assert_allclose(found, expected(), rtol=0, atol=0.5e-4 + 1e-5)
    # 2023-11-14 22:13:20 UTC is 1384035218 s of GPS time (from 1980-01-06, 18 leap seconds ahead).
    assert float(las.gps_time[0]) == 1_384_035_218 - 10**9
    assert las.ring.tolist() == [i % 64 for i in range(200)] + [65535] * 100
    scan = folders.scan()
    np.testing.assert_array_equal(las.intensity[200:], np.rint(scan[:100, 3] * 200))
    np.testing.assert_array_equal(las.intensity_float[:200], scan[:, 3])


@pytest.mark.parametrize("form", CLOUD_FORMATS)
@pytest.mark.parametrize("start", [START, 0])
def test_clouds_come_back(form: str, start: int, tmp_path: Path) -> None:
    path = drive(tmp_path / "drive.h5", start)
    export_labels(labels(), path, form, tmp_path / "out")
    with Recording(path) as opened:
        rows = {row.column: row for row in cloud_differences(tmp_path / "out", form, opened)}
    assert not any(row.differ for row in rows.values())
    counts = {name: row.carried for name, row in rows.items()}
    assert counts == {
        "points": 900, "point xyz": 900, "point intensity": 900, "point ring": 600,
        "point time": 900, "point sensor": 900,
    }  # fmt: skip
    assert "0 top, 1 side" in (tmp_path / "out" / CONVENTIONS).read_text()


def test_a_changed_cloud_is_found(recording: Path, tmp_path: Path) -> None:
    export_labels(labels(), recording, "ply", tmp_path / "out")
    path = tmp_path / "out" / f"{START + STEP_NS}.ply"
    data = bytearray(path.read_bytes())
    head = data.index(b"end_header\n") + len(b"end_header\n")
    data[head : head + 4] = np.float32(123).tobytes()
    path.write_bytes(data)
    with Recording(recording) as opened:
        rows = {row.column: row for row in cloud_differences(tmp_path / "out", "ply", opened)}
    assert (rows["point xyz"].differ, rows["point time"].differ) == (1, 0)


@pytest.mark.parametrize("form", CLOUD_FORMATS)
def test_an_export_is_imported_with_its_labels(form: str, recording: Path, tmp_path: Path) -> None:
    """Frames and points are the same again, and points are not deskewed a second time."""
    export_labels(labels(), recording, form, tmp_path / "out")
    result = import_source(tmp_path / "out", tmp_path / "again.h5", poses=False)
    assert result.labels is not None
    assert result.labels.frame.tolist() == [0, 2]
    np.testing.assert_array_equal(result.labels.boxes, labels().boxes)
    packed = form in ("las", "laz")
    with Recording(recording) as before, Recording(tmp_path / "again.h5") as after:
        assert after.rig.get("lidar", Lidar).motion_compensated
        times = [[frame.time_ns for frame in opened.frames] for opened in (before, after)]
        assert times[1] == pytest.approx(times[0], abs=100 if packed else 0)
        ours, theirs = before.frame_points(1), after.frame_points(1)
        np.testing.assert_allclose(ours.xyz, theirs.xyz, rtol=0, atol=1e-4 if packed else 0)
        np.testing.assert_array_equal(ours.intensity, theirs.intensity)
        np.testing.assert_array_equal(ours.ring, theirs.ring)
        apart = np.abs(ours.point_time_ns - theirs.point_time_ns).max()
        assert apart <= (100 if packed else 0)


def test_check_compares_the_points_too(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_cuboids(labels(), tmp_path / "labels.parquet")
    words = ["export", str(tmp_path / "labels.parquet"), "--recording", str(recording)]
    words += ["--format", "laz", "-o", str(tmp_path / "out"), "--check", "--json"]
    assert main(words) == 0
    checked = {row["column"]: row for row in json.loads(capsys.readouterr().out)["check"]}
    assert checked["point xyz"]["carried"] == 900
    assert 0 < checked["point xyz"]["largest"] < 1e-4
    assert checked["x"]["carried"] == 2
    assert main(["export", words[1], "--format", "pcd", "-o", str(tmp_path / "none")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "give the recording (--recording)" in error
    assert not (tmp_path / "none").exists()


def test_a_kitti_drive_of_two_lidars_has_the_merged_clouds(recording: Path, tmp_path: Path) -> None:
    """Their points are of the frame's moment, so that a reader's own deskewing moves nothing."""
    export_labels(labels(), recording, "kitti-raw", tmp_path / "out")
    result = import_source(tmp_path / "out", tmp_path / "again.h5")
    assert result.labels is not None
    assert result.labels.frame.tolist() == [0, 2]
    lost = (tmp_path / "out" / NOT_EXPORTED).read_text()
    assert "points: merged and moved to their frame's time, 3 sweeps" in lost
    assert "ring of each point: no place for it, 3 sweeps" in lost
    with Recording(recording) as before, Recording(tmp_path / "again.h5") as after:
        assert [frame.time_ns for frame in before.frames] == [f.time_ns for f in after.frames]
        for i in range(FRAMES):
            ours, theirs = before.frame_points(i), after.frame_points(i)
            np.testing.assert_allclose(ours.xyz, theirs.xyz, rtol=0, atol=2e-5)
            np.testing.assert_array_equal(ours.intensity, theirs.intensity)
        moved = after.trajectory
        assert moved is not None
        np.testing.assert_allclose(moved.world_from_ego[:, 0], [0, 1, 2], atol=1e-6)
