"""Files that claim far more than they hold: one clear line, and no memory taken for it."""

import re
import resource
import shutil
import zlib
from pathlib import Path

import h5py
import laspy
import numpy as np
import pytest
import source_folders as folders

from lidar_label.datasets import las, raw_points
from lidar_label.datasets.claimed_size import LARGEST_RATIO
from lidar_label.datasets.formats import import_source
from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.datasets.recording_layout import default_codec
from lidar_label.datasets.signal_files import read_signal
from lidar_label.errors import InvalidRecording, InvalidSource, LidarLabelError

ROWS = 1_000_000_000
CHUNK = 1_000_000


@pytest.fixture(autouse=True)
def little_memory():
    """No test here may take 1 GB more than the process had at its peak before."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    path = tmp_path / "drive.h5"
    with RecordingWriter(path, source="test") as writer:
        writer.add_lidar("top", np.eye(4))
        writer.append_sweep("top", 0, folders.scan()[:, :3])
        writer.append_ego(np.array([0]), np.array([[0, 0, 0, 1.0, 0, 0, 0]]))
    return path


def bomb(file: h5py.File, name: str, shape: tuple[int, ...], dtype: str, *, filled: bool) -> None:
    """Put a dataset of zeros in the place of one; its chunks are absent, or all the same gzip."""
    del file[name]
    chunks = (CHUNK, *shape[1:])
    item = file.create_dataset(name, shape, dtype, chunks=chunks, compression="gzip")
    if filled:
        packed = zlib.compress(np.zeros(chunks, dtype).tobytes(), 9)
        for start in range(0, shape[0], CHUNK):
            item.id.write_direct_chunk((start, *(0,) * (len(shape) - 1)), packed)


@pytest.mark.parametrize("filled", [False, True], ids=["absent chunks", "gzip"])
def test_a_sweep_of_zeros(filled: bool, drive: Path) -> None:
    with h5py.File(drive, "r+", libver="latest") as file:
        bomb(file, "lidar/top/xyz", (ROWS, 3), "f4", filled=filled)
        file["lidar/top/offset"][...] = [0, ROWS]
        for name in set(file["lidar/top"]) - {"xyz", "offset", "time_ns"}:
            del file[f"lidar/top/{name}"]
    with Recording(drive) as recording:
        with pytest.raises(InvalidRecording, match=r"rows claim 12000000000 bytes") as raised:
            recording.frame_points(0)
        if not filled:
            with pytest.raises(InvalidRecording, match=r"rows claim"):
                recording.verify()
    assert "\n" not in str(raised.value)
    assert str(drive) in str(raised.value)


@pytest.mark.parametrize("name", ["lidar/top/time_ns", "lidar/top/offset"])
def test_an_index_of_zeros(name: str, drive: Path) -> None:
    with h5py.File(drive, "r+", libver="latest") as file:
        bomb(file, name, (ROWS,), "i8", filled=False)
    with pytest.raises(InvalidRecording, match=r"rows claim 8000000000 bytes"):
        Recording(drive)


def test_poses_of_zeros(drive: Path) -> None:
    with h5py.File(drive, "r+", libver="latest") as file:
        bomb(file, "ego/world_from_ego", (ROWS, 7), "f8", filled=False)
    with Recording(drive) as recording, pytest.raises(InvalidRecording, match=r"rows claim"):
        _ = recording.trajectory


def test_a_signal_of_zeros(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "signal.h5", "w") as file:
        file.create_dataset("acc", (ROWS, 3), "f8", chunks=(CHUNK, 3), compression="gzip")
    with pytest.raises(LidarLabelError, match=r"rows claim") as raised:
        read_signal(tmp_path / "signal.h5")
    assert "\n" not in str(raised.value)


def test_an_honest_column_that_never_changes_is_no_bomb(tmp_path: Path) -> None:
    """Packed in our own chunks it stays below the ratio from which a claim is refused."""
    codec = default_codec()
    shape = (20 * codec.chunk_rows,)
    with h5py.File(tmp_path / "ring.h5", "w") as file:
        ring = file.create_dataset("ring", shape, "u2", chunks=(codec.chunk_rows,), **codec.filter)
        ring[...] = 7
        assert ring.id.get_storage_size() * LARGEST_RATIO > 1.5 * ring.nbytes


@pytest.mark.parametrize("packed", [False, True], ids=["las", "laz"])
def test_a_header_that_claims_points(packed: bool, tmp_path: Path) -> None:
    """The number of points in the header made the largest that its four bytes can say."""
    scan = folders.scan(count=3000)
    points = laspy.LasData(laspy.LasHeader(point_format=3, version="1.2"))
    points.x, points.y, points.z = scan[:, 0], scan[:, 1], scan[:, 2]
    path = tmp_path / "a" / ("b.laz" if packed else "b.las")
    path.parent.mkdir()
    points.write(path)
    data = bytearray(path.read_bytes())
    data[107:111] = b"\xff\xff\xff\x7f"
    path.write_bytes(data)
    with pytest.raises(InvalidSource, match=r"cut short") as raised:
        import_source(path, tmp_path / "out.h5")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out.h5").exists()
    shutil.rmtree(path.parent)


def test_packed_points_of_zeros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An .npz that packs a thousand times; the limit is lowered so that little need be packed."""
    monkeypatch.setattr(raw_points, "HARMLESS_BYTES", 1 << 22)
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, points=np.zeros((CHUNK, 3), dtype=np.float32))
    with pytest.raises(InvalidSource, match=r"state 12000128, more than points pack") as raised:
        import_source(path, tmp_path / "out.h5")
    assert "\n" not in str(raised.value)


def test_packed_points_of_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A LAZ that does hold what it says: 200,000 times one point, in a few kilobytes."""
    monkeypatch.setattr(las, "HARMLESS_BYTES", 1 << 20)
    points = laspy.LasData(laspy.LasHeader(point_format=0, version="1.2"))
    points.X = np.zeros(200_000, dtype=np.int32)
    path = tmp_path / "bomb.laz"
    points.write(path)
    assert path.stat().st_size < 10_000
    with pytest.raises(InvalidSource, match=r"cut short"):
        import_source(path, tmp_path / "out.h5")


def test_a_column_name_that_is_no_text(tmp_path: Path) -> None:
    root = folders.argoverse2(tmp_path / "log")
    path = next(root.rglob("annotations.feather"))
    damaged = path.read_bytes().replace(b"num_interior_pts", b"num_inte\xff\xff\xff\x7f_pts")
    path.write_bytes(damaged)
    with pytest.raises(InvalidSource, match=r"annotations.feather: not a whole feather file"):
        import_source(root, tmp_path / "out.h5")


def test_a_bag_whose_count_is_no_number(tmp_path: Path) -> None:
    root = folders.exported("mcap", tmp_path / "bag")
    path = next(root.rglob("metadata.yaml"))
    text = re.sub(r"(topic_metadata[^}]*?message_count: )\d+", r"\1x", path.read_text(), count=1)
    path.write_text(re.sub(r"message_count: \d+(?=\s+topic_metadata)", "message_count: x", text))
    with pytest.raises(InvalidSource, match=r"not a whole bag"):
        import_source(root, tmp_path / "out.h5")
