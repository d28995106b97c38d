"""LAS, LAZ, .bin, .npy, .npz: what other programs write, large coordinates, damaged files."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import laspy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from point_file_checks import cloud, refused

from lidar_label.datasets.point_fields import to_nanoseconds
from lidar_label.datasets.point_files import POINT_SUFFIXES, read_points, write_pcd, write_ply
from lidar_label.datasets.point_folder import point_files
from lidar_label.errors import InvalidSource

# LAS and LAZ


def write_las(
    path: Path, xyz: np.ndarray, gps_time: np.ndarray | None = None, standard: bool = True
) -> None:
    header = laspy.LasHeader(point_format=1, version="1.2")
    header.scales = np.full(3, 0.001)
    header.offsets = np.floor(xyz.mean(axis=0)) if len(xyz) else np.zeros(3)
    header.global_encoding.gps_time_type = laspy.header.GpsTimeType(int(standard))
    las = laspy.LasData(header)
    las.x, las.y, las.z = xyz.T
    las.intensity = np.arange(len(xyz)) % 65536
    las.classification = np.full(len(xyz), 2)
    if gps_time is not None:
        las.gps_time = gps_time
    las.write(path)


@pytest.mark.parametrize("suffix", [".las", ".laz", ".LAZ"])
def test_las_in_large_coordinates_gets_an_origin(tmp_path: Path, suffix: str) -> None:
    xyz = np.round(cloud(200).astype(float) * 50, 3)
    xyz += [691_000.0, 5_335_000.0, 512.0]
    path = tmp_path / f"a{suffix}"
    write_las(path, xyz)
    found = read_points(path)
    assert found.xyz.dtype == np.float32
    assert np.abs(found.origin - xyz.mean(axis=0)).max() < 100
    np.testing.assert_allclose(found.xyz + found.origin, xyz, atol=1e-4)
    assert found.intensity is not None
    assert found.intensity[:3].tolist() == [0, 1, 2]
    assert set(found.fields["classification"].tolist()) == {2}
    assert found.point_time_ns is None
    again = read_points(path, origin=np.array([690_000.0, 5_335_000.0, 0.0]))
    assert again.origin.tolist() == [690_000.0, 5_335_000.0, 0.0]
    np.testing.assert_allclose(again.xyz + again.origin, xyz, atol=1e-3)


def test_las_near_its_origin_stays_there_and_keeps_gps_time(tmp_path: Path) -> None:
    seconds = np.array([0.0, 0.25, 1.5]) + 384_000_000.0  # 2023-11-23T10:39:42Z, in adjusted time
    write_las(tmp_path / "a.las", cloud(3), seconds)
    found = read_points(tmp_path / "a.las")
    assert found.origin.tolist() == [0, 0, 0]
    assert found.time_is_absolute
    assert found.point_time_ns is not None
    start = (384_000_000 + 1_000_000_000 + 315_964_800 - 18) * 10**9
    assert (found.point_time_ns - start).tolist() == [0, 250_000_000, 1_500_000_000]
    write_las(tmp_path / "week.las", cloud(3), np.array([100.0, 200.0, 90_000.0]), standard=False)
    found = read_points(tmp_path / "week.las")
    assert found.point_time_ns is not None
    assert found.point_time_ns.tolist() == [100 * 10**9, 200 * 10**9, 90_000 * 10**9]
    assert not found.time_is_absolute


def test_las_without_points_and_cut_short(tmp_path: Path) -> None:
    write_las(tmp_path / "none.las", np.zeros((0, 3)))
    found = read_points(tmp_path / "none.las")
    assert len(found) == 0
    assert "no points" in found.warnings[-1]
    for suffix in (".las", ".laz"):
        path = tmp_path / f"a{suffix}"
        write_las(path, cloud(5000).astype(float))
        whole = path.read_bytes()
        for size in (10, 150, 230, len(whole) // 2, len(whole) - 40):
            path.write_bytes(whole[:size])
            refused(path)


def test_las_with_an_absurd_count(tmp_path: Path) -> None:
    for suffix in (".las", ".laz"):
        path = tmp_path / f"a{suffix}"
        write_las(path, cloud(10).astype(float))
        content = bytearray(path.read_bytes())
        content[107:111] = (4_000_000_000).to_bytes(4, "little")
        path.write_bytes(content)
        tracemalloc.start()
        assert "4000000000 points" in refused(path)
        assert tracemalloc.get_traced_memory()[1] < 20e6
        tracemalloc.stop()


# Bare numbers


def test_bin_of_kitti_and_nuscenes_and_named_columns(tmp_path: Path) -> None:
    rows = np.arange(20, dtype="<f4")
    rows.tofile(tmp_path / "a.bin")
    rows.tofile(tmp_path / "a.pcd.bin")
    kitti = read_points(tmp_path / "a.bin")
    assert kitti.xyz[1].tolist() == [4, 5, 6]
    assert kitti.intensity is not None
    assert kitti.intensity[1] == 7
    nuscenes = read_points(tmp_path / "a.pcd.bin")
    assert nuscenes.xyz[1].tolist() == [5, 6, 7]
    assert nuscenes.ring is not None
    assert nuscenes.ring.tolist() == [4, 9, 14, 19]
    named = read_points(tmp_path / "a.bin", columns=("z", "_", "y", "x", "rcs"))
    assert named.xyz[0].tolist() == [3, 2, 0]
    assert list(named.fields) == ["rcs"]


def test_bin_of_a_wrong_size_names_sizes_that_would_fit(tmp_path: Path) -> None:
    np.zeros(21, "<f4").tofile(tmp_path / "a.bin")
    text = refused(tmp_path / "a.bin")
    assert "84 bytes" in text
    assert "rows of 3 or 7" in text
    (tmp_path / "a.bin").write_bytes(b"\0" * 13)
    assert "cut short" in refused(tmp_path / "a.bin")


def test_numbers_that_are_no_places_are_refused(tmp_path: Path) -> None:
    np.full(40, 3e30, "<f4").tofile(tmp_path / "a.bin")
    assert "no place in metres" in refused(tmp_path / "a.bin")


def test_an_empty_file_has_no_points_and_says_so(tmp_path: Path) -> None:
    for suffix in POINT_SUFFIXES:
        path = tmp_path / f"a{suffix}"
        path.write_bytes(b"")
        found = read_points(path)
        assert found.xyz.shape == (0, 3)
        assert "no points" in found.warnings[0]


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2"])
def test_npy(tmp_path: Path, dtype: str) -> None:
    array = np.arange(30).reshape(5, 6).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    found = read_points(tmp_path / "a.npy")
    assert np.array_equal(found.xyz, array[:, :3])
    assert found.intensity is not None
    assert list(found.fields) == ["column_4", "column_5"]
    np.save(tmp_path / "f.npy", np.asfortranarray(array))
    assert np.array_equal(read_points(tmp_path / "f.npy").xyz, array[:, :3])
    assert read_points(tmp_path / "a.npy").xyz.flags.c_contiguous


def test_npy_with_named_fields_and_npz(tmp_path: Path) -> None:
    table = np.zeros(4, [("x", "f8"), ("y", "f8"), ("z", "f8"), ("ring", "u1")])
    table["ring"] = [1, 2, 3, 4]
    np.save(tmp_path / "a.npy", table)
    found = read_points(tmp_path / "a.npy")
    assert found.ring is not None
    assert found.ring.tolist() == [1, 2, 3, 4]
    np.savez(tmp_path / "a.npz", xyz=cloud(4), intensity=np.arange(4), other=np.arange(9))
    np.savez_compressed(tmp_path / "b.npz", x=np.arange(3), y=np.arange(3), z=np.arange(3))
    found = read_points(tmp_path / "a.npz")
    assert np.array_equal(found.xyz, cloud(4))
    assert found.intensity is not None
    assert found.intensity.tolist() == [0, 1, 2, 3]
    assert found.fields == {}
    assert read_points(tmp_path / "b.npz").xyz[2].tolist() == [2, 2, 2]


def npy_with_header(shape: str, dtype: str = "'<f4'") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x93NUMPY", "not a whole .npy"),
        (npy_with_header("(1000000000000, 4)"), "not a whole .npy"),
        (npy_with_header("(2, 4)") + b"\0" * 31, "not a whole .npy"),
        (npy_with_header("(2,)") + b"\0" * 8, "(2,)"),
        (npy_with_header("(2, 2)") + b"\0" * 16, "(2, 2)"),
        (npy_with_header("(1,)", "'|O'") + b"\x80\3K\1.", "not a whole .npy"),
    ],
)
def test_damaged_npy_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    assert words in refused(tmp_path / "a.npy")


def test_damaged_npz_is_refused(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "a.npz"
    path.write_bytes(b"PK\3\4 and no more")
    assert "not a whole .npz" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("points.npy", npy_with_header("(1000000000000, 4)"))
    assert "damaged" in refused(path)
    np.savez(path, labels=np.zeros(3))
    assert "labels; name the array" in refused(path)
    np.savez(path, points=np.array([{"x": 1}], dtype=object))
    assert "damaged" in refused(path)


# All of them


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "absent.pcd")
    assert "not a point file" in refused(tmp_path / "a.xlsx")
    (tmp_path / "folder.pcd").mkdir()
    assert "cannot be read" in refused(tmp_path / "folder.pcd")
    np.zeros(12, "<f4").tofile(tmp_path / "a.bin")
    np.save(tmp_path / "a.npy", np.zeros((2, 3)))
    assert "3 columns, but 2 names" in refused(tmp_path / "a.npy", columns=("x", "y"))
    assert "no field z" in refused(tmp_path / "a.bin", columns=("x", "y", "w", "v"))


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.pcd": lambda path: write_pcd(path, cloud(60), ring=np.arange(60, dtype=np.uint8)),
    "text.pcd": lambda path: write_pcd(path, cloud(60), text=True, t=np.linspace(0, 0.1, 60)),
    "a.ply": lambda path: write_ply(path, cloud(60), intensity=np.arange(60, dtype=np.uint8)),
    "text.ply": lambda path: write_ply(path, cloud(60), encoding="ascii"),
    "a.las": lambda path: write_las(path, cloud(60).astype(float), np.arange(60.0)),
    "a.laz": lambda path: write_las(path, cloud(60).astype(float), np.arange(60.0)),
    "a.npy": lambda path: np.save(path, cloud(60)),
    "a.npz": lambda path: np.savez_compressed(path, points=cloud(60)),
    "a.bin": lambda path: cloud(60).tofile(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_damaged_anywhere_it_is_read_or_refused_in_little_memory(tmp_path: Path, name: str) -> None:
    """Cut, flipped and overwritten at random: points or one line, nothing else, nothing huge."""
    path = tmp_path / name
    WRITERS[name](path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    outcomes = set()
    read_points(path)
    tracemalloc.start()
    for trial in range(80):
        content = bytearray(whole)
        place = int(rng.integers(len(whole) if trial % 2 else min(len(whole), 300)))
        if trial % 4 < 2:
            content[place] ^= 1 << int(rng.integers(8))
        elif trial % 4 == 2:
            content[place : place + 4] = rng.bytes(4)
        else:
            content = content[:place]
        path.write_bytes(content)
        try:
            found = read_points(path)
        except InvalidSource as error:
            outcomes.add("refused")
            lines = str(error).splitlines()
            outcomes |= {"more than a line"} if len(lines) > 1 else set()
        else:
            outcomes.add("read")
            outcomes |= set() if np.isfinite(found.xyz).all() else {"not finite"}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert outcomes == {"read", "refused"}
    assert peak < 30e6


@pytest.mark.parametrize(
    ("values", "expected", "absolute"),
    [
        (np.array([0, 50_000, 99_999_000], "u4"), [0, 50_000, 99_999_000], False),  # Ouster
        (np.array([0.0, 0.05, 0.1]), [0, 50_000_000, 100_000_000], False),  # Velodyne, seconds
        (np.array([1820.25, 1820.3]), [1_820_250_000_000, 1_820_300_000_000], False),  # of the hour
        (np.array([0.0, 99.5]), [0, 99_500_000], False),  # milliseconds
        (np.array([0.0, 1e5]), [0, 100_000_000], False),  # microseconds
        (np.array([0.0, 1e8]), [0, 100_000_000], False),  # nanoseconds
        (np.array([1_700_000_000.25]), [1_700_000_000_250_000_000], True),
        (np.array([1_700_000_000_123], "i8"), [1_700_000_000_123_000_000], True),
        (np.array([1_700_000_000_123_456], "i8"), [1_700_000_000_123_456_000], True),
        (np.array([1_700_000_000_123_456_789], "u8"), [1_700_000_000_123_456_789], True),
        (np.array([1.7e18]), [1_700_000_000_000_000_000], True),
        (np.zeros(0), [], False),
    ],
)
def test_units_of_time_are_told_by_size(
    values: np.ndarray, expected: list[int], absolute: bool
) -> None:
    times, is_absolute = to_nanoseconds(values)
    assert times.dtype == np.int64
    assert is_absolute == absolute
    assert (
        np.abs(times - np.array(expected, dtype=np.int64)).max(initial=0) <= 300
    )  # float64's step


@given(st.floats(-1e7, 1e7), st.floats(-1e7, 1e7), st.integers(0, 99))
def test_an_origin_keeps_places_to_a_millimetre(x: float, y: float, seed: int) -> None:
    from lidar_label.datasets.point_fields import points_from_fields

    xyz = np.random.default_rng(seed).uniform(-500, 500, (20, 3))
    xyz += [x, y, 300.0]
    found = points_from_fields(Path("a"), dict(zip("xyz", xyz.T, strict=True)))
    assert np.abs(found.xyz + found.origin - xyz).max() < 1e-3


def test_a_table_of_points_and_what_is_none(tmp_path: Path) -> None:
    table = tmp_path / "scan.csv"
    table.write_text("X,Y,Z,Intensity,note\n1,2,3,40,a\n4,5,6.5,7,b\n")
    points = read_points(table)
    assert points.xyz.tolist() == [[1, 2, 3], [4, 5, 6.5]]
    assert points.intensity is not None
    assert points.intensity.tolist() == [40, 7]
    assert point_files(tmp_path) == [table]
    (tmp_path / "samples.csv").write_text("time,x,y,z\n0,1,2,3\n")
    (tmp_path / "boxes.csv").write_text("x,y,z,length,width,height,yaw\n1,2,3,4,5,6,0\n")
    assert point_files(tmp_path) == [table], "samples and boxes are no points"
    table.write_text("x,y\n1,2\n")
    assert "no column z" in refused(table)
    table.write_text("x,y,z\n1,2,high\n")
    assert "column z" in refused(table)
    table.write_text("x,y,z\n1,2\n3,4,5\n")
    assert "not a CSV of points" in refused(table)
