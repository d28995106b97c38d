"""PCD: whatever fields in whatever order and encoding; other programs' files; damaged ones."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lidar_label.calibration.load_open3d import load_open3d
from lidar_label.datasets.lzf import decompress
from lidar_label.datasets.pcd import read_pcd, write_pcd
from lidar_label.errors import InvalidSource

XYZ = np.array([[1.5, -2, 0.25], [3, 4, 5], [-6, 7, 8]], dtype=np.float32)
TYPES = ["f4", "f8", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8"]


def pcd(
    fields: str, size: str, types: str, count: str | None, data: bytes, **head: object
) -> bytes:
    """A PCD file put together by hand."""
    points = head.pop("POINTS", 3)
    lines: dict[str, object] = {"VERSION": ".7", "FIELDS": fields, "SIZE": size, "TYPE": types}
    lines |= {"COUNT": count} if count is not None else {}
    lines |= {"WIDTH": points, "HEIGHT": 1, "VIEWPOINT": "0 0 0 1 0 0 0", "POINTS": points}
    lines |= {"DATA": "binary", **head}
    text = "".join(f"{key} {value}\n" for key, value in lines.items() if value is not None)
    return b"# .PCD v.7 - Point Cloud Data file format\n" + text.encode() + data


def refused(path: Path) -> str:
    with pytest.raises(InvalidSource) as raised:
        read_pcd(path)
    text = str(raised.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text


@given(
    kinds=st.lists(st.sampled_from(TYPES), max_size=4),
    text=st.booleans(),
    count=st.integers(0, 12),
    seed=st.integers(0, 99),
)
def test_any_fields_survive_both_encodings(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[str], text: bool, count: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("pcd") / "a.pcd"
    rng = np.random.default_rng(seed)
    xyz = rng.normal(size=(count, 3)).astype(np.float32)
    fields = {}
    for i, kind in enumerate(kinds):
        shape = (count, 2) if i == 3 else (count,)
        fields[f"f{i}"] = rng.integers(0, 2**63, shape).astype("u8").astype(kind)
    write_pcd(path, xyz, text=text, **fields)
    found = read_pcd(path)
    assert np.array_equal(found.xyz, xyz)
    assert list(found.fields) == list(fields)
    for name, values in fields.items():
        assert found.fields[name].dtype == values.dtype
        assert np.array_equal(found.fields[name], values)


def test_fields_in_another_order_with_padding_and_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.pcd"
    row = [
        ("z", "<f4"), ("pad", "u1", 3), ("ring", "<u2"), ("y", "<f8"), ("normal", "<f4", 3),
        ("Intensity", "u1"), ("t", "<u4"), ("x", "<f4"), ("rgb", "<f4"),
    ]  # fmt: skip
    table = np.zeros(3, row)
    table["x"], table["y"], table["z"] = XYZ.T
    table["ring"], table["Intensity"], table["t"] = [7, 8, 9], [10, 20, 255], [0, 50, 99_000_000]
    table["normal"] = np.arange(9).reshape(3, 3)
    path.write_bytes(
        pcd(
            "z _ ring y normal Intensity t x rgb",
            "4 1 2 8 4 1 4 4 4",
            "F U U F F U U F F",
            "1 3 1 1 3 1 1 1 1",
            table.tobytes(),
        )
    )
    found = read_pcd(path)
    assert np.array_equal(found.xyz, XYZ)
    assert found.intensity is not None
    assert found.intensity.tolist() == [10, 20, 255]
    assert found.ring is not None
    assert found.ring.tolist() == [7, 8, 9]
    assert found.point_time_ns is not None
    assert found.point_time_ns.tolist() == [0, 50, 99_000_000]
    assert not found.time_is_absolute
    assert list(found.fields) == ["normal", "rgb"]
    assert found.fields["normal"].tolist() == np.arange(9.0).reshape(3, 3).tolist()
    assert found.warnings == ()


@pytest.mark.parametrize("encoding", ["ascii", "binary", "compressed"])
@pytest.mark.parametrize("count", [1, 3, 5000])
def test_files_of_open3d(tmp_path: Path, encoding: str, count: int) -> None:
    o3d = load_open3d()

    rng = np.random.default_rng(count)
    # Rounded, so that the compressor finds repetitions to refer back to.
    xyz = np.round(rng.normal(size=(count, 3)), 1).astype(np.float32)
    intensity = rng.integers(0, 4, (count, 1)).astype(np.float32)
    cloud = o3d.t.geometry.PointCloud(xyz)
    cloud.point["intensity"] = o3d.core.Tensor(intensity)
    path = tmp_path / "a.pcd"
    options = {"write_ascii": encoding == "ascii", "compressed": encoding == "compressed"}
    assert o3d.t.io.write_point_cloud(str(path), cloud, **options)
    assert encoding in path.read_bytes()[:400].decode("ascii", "replace")
    found = read_pcd(path)
    np.testing.assert_allclose(found.xyz, xyz, atol=1e-6)
    assert found.intensity is not None
    np.testing.assert_allclose(found.intensity, intensity[:, 0], atol=1e-6)


def test_points_that_are_not_finite_are_dropped_with_their_fields(tmp_path: Path) -> None:
    xyz = np.vstack((XYZ, [[np.nan, 0, 0], [0, np.inf, 0], [1, 1, 1]])).astype(np.float32)
    for text in (False, True):
        write_pcd(tmp_path / "a.pcd", xyz, text=text, ring=np.arange(6, dtype=np.uint16))
        found = read_pcd(tmp_path / "a.pcd")
        assert found.dropped_non_finite == 2
        assert found.ring is not None
        assert found.ring.tolist() == [0, 1, 2, 5]


def test_an_organised_cloud_and_a_missing_points_line(tmp_path: Path) -> None:
    path = tmp_path / "a.pcd"
    data = np.arange(18, dtype="<f4").tobytes()
    path.write_bytes(pcd("x y z", "4 4 4", "F F F", None, data, WIDTH=3, HEIGHT=2, POINTS=6))
    assert len(read_pcd(path)) == 6
    text = path.read_bytes().replace(b"POINTS 6\n", b"")
    path.write_bytes(text)
    assert len(read_pcd(path)) == 6


def test_a_viewpoint_is_told_and_not_applied(tmp_path: Path) -> None:
    path = tmp_path / "a.pcd"
    path.write_bytes(
        pcd("x y z", "4 4 4", "F F F", None, XYZ.tobytes(), VIEWPOINT="1 2 3 0.5 0.5 0.5 0.5")
    )
    found = read_pcd(path)
    assert np.array_equal(found.xyz, XYZ)
    assert found.viewpoint is not None
    assert found.viewpoint.tolist() == [1, 2, 3, 0.5, 0.5, 0.5, 0.5]
    assert "VIEWPOINT" in found.warnings[0]


def test_bytes_after_the_points_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.pcd").write_bytes(
        pcd("x y z", "4 4 4", "F F F", None, XYZ.tobytes() + b"\0" * 9)
    )
    found = read_pcd(tmp_path / "a.pcd")
    assert len(found) == 3
    assert "9 bytes after its last point" in found.warnings[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x y z\n1 2 3\n", "no DATA line"),
        (b"\0" * 200_000, "no DATA line"),
        (pcd("x y z", "4 4", "F F F", None, b""), "SIZE 4 4"),
        (pcd("x y z", "4 4 4", "F F", None, b""), "2 entries of TYPE"),
        (pcd("x y z", "4 4 3", "F F F", None, b""), "field z has TYPE F SIZE 3"),
        (pcd("x y z", "4 4 4", "F F Q", None, b""), "TYPE Q"),
        (pcd("x y z", "4 4 4", "F F F", "1 1", b""), "COUNT 1 1"),
        (pcd("x y z", "4 4 4", "F F F", "1 1 -1", b""), "COUNT 1 1 -1"),
        (pcd("x y", "4 4", "F F", None, b"\0" * 24), "no field z"),
        (pcd("x y z", "4 4 4", "F F F", "1 1 2", b"\0" * 48), "several values"),
        (pcd("x y z", "4 4 4", "F F F", None, XYZ.tobytes()[:-1]), "cut short, 35 bytes"),
        (pcd("x y z", "4 4 4", "F F F", None, b"", POINTS=10**12), "cut short, 0 bytes"),
        (pcd("x y z", "4 4 4", "F F F", None, b"", POINTS=10**30), "whole numbers"),
        (pcd("x y z", "4 4 4", "F F F", None, b"", POINTS=-1), "whole numbers"),
        (pcd("x y z", "4 4 4", "F F F", None, XYZ.tobytes(), HEIGHT=2), "is not POINTS 3"),
        (pcd("x y z", "4 4 4", "F F F", None, b"", DATA="zip"), "DATA zip"),
        (pcd("x y z", "4 4 4", "F F F", None, b"", WIDTH=None, POINTS="three"), "POINTS three"),
        (pcd("x y z", "4 4 4", "F F F", None, XYZ.tobytes(), VIEWPOINT="1 2"), "VIEWPOINT 1 2"),
        (pcd("x y z", "4 4 4", "F F F", None, b"1 2 3\n4 5 6\n77.5 8\n", DATA="ascii"), "line"),
        (pcd("x y z", "4 4 4", "F F F", None, b"1 2 3\n4 5 six\n7 8 9\n", DATA="ascii"), "line"),
        (pcd("x y z", "4 4 4", "F F F", None, b"1 2 3\n44444 55555 6\n", DATA="ascii"), "2 lines"),
        (pcd("x y z", "4 4 4", "F F F", None, b"1 2 3\n", DATA="ascii", POINTS=10**9), "cut short"),
        (
            pcd("x y z", "4 4 4", "F F F", None, b"\1\2", DATA="binary_compressed"),
            "cut short, 2 bytes",
        ),
        (
            pcd(
                "x y z", "4 4 4", "F F F", None, b"\5\0\0\0\x24\0\0\0abcde",
                DATA="binary_compressed",
            ),
            "damaged",
        ),
        (
            pcd(
                "x y z", "4 4 4", "F F F", None,
                np.array([4, 12 * 10**8], "<u4").tobytes() + b"abcd",
                DATA="binary_compressed", POINTS=10**8,
            ),
            "damaged",
        ),
        (pcd("x y z", "4 4 4", "F F F", None, b"\xf0" * 36), "no place in metres"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused_in_a_line(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.pcd").write_bytes(content)
    assert words in refused(tmp_path / "a.pcd")


def naive_lzf(data: bytes, size: int) -> bytes | None:
    """The decoder written from the format's description, slice by slice."""
    out = bytearray()
    data = bytes(data)
    try:
        i = 0
        while i < len(data):
            control = data[i]
            if control < 32:
                literal = data[i + 1 : i + 2 + control]
                if len(literal) != control + 1:
                    return None
                out += literal
                i += 2 + control
            else:
                length = control >> 5
                i += 1
                if length == 7:
                    length += data[i]
                    i += 1
                back = ((control & 31) << 8) + data[i] + 1
                i += 1
                if back > len(out):
                    return None
                for _ in range(length + 2):
                    out.append(out[-back])
            if len(out) > size:
                return None
    except IndexError:
        return None
    return bytes(out) if len(out) == size else None


@given(st.binary(max_size=60), st.integers(0, 300))
def test_lzf_of_any_bytes_agrees_with_the_naive_twin(data: bytes, size: int) -> None:
    assert decompress(data, size) == naive_lzf(data, size)


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(min_size=34, max_size=34)), max_size=8))
def test_lzf_of_well_formed_streams_agrees_with_the_naive_twin(
    tokens: list[tuple[int, bytes]],
) -> None:
    stream, size = bytearray(), 0
    for control, extra in tokens:
        if control < 32 or size == 0:
            stream += bytes([control % 32]) + extra[: control % 32 + 1]
            size += control % 32 + 1
        else:
            long = control >> 5 == 7
            back = 1 + extra[1] % min(size, 256)
            stream += bytes([control & 0xE0]) + (extra[:1] if long else b"") + bytes([back - 1])
            size += (control >> 5) + (extra[0] if long else 0) + 2
    expected = naive_lzf(bytes(stream), size)
    assert expected is not None
    assert decompress(bytes(stream), size) == expected


def test_a_real_file_with_a_mangled_header(shared: Path) -> None:
    """Its COUNTs of padding are wrong behind the intensity, so time and ring are none."""
    found = read_pcd(shared / "sustechpoints/lidar/000965.pcd")
    assert len(found) == 66781
    assert found.intensity is not None
    assert found.intensity.min() >= 0
    assert found.intensity.max() <= 255
    assert found.ring is None
    assert found.point_time_ns is None
    assert len(found.warnings) == 3
