"""PLY: our own, other programs', elements beside the vertices, damaged files."""

from pathlib import Path

import numpy as np
import pytest
from point_file_checks import cloud, refused

from lidar_label.calibration.load_open3d import load_open3d
from lidar_label.datasets.point_files import read_points, write_ply

ENCODINGS = ["ascii", "binary_little_endian", "binary_big_endian"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("count", [0, 1, 40])
def test_ply_survives(tmp_path: Path, encoding: str, count: int) -> None:
    xyz = cloud(count)
    intensity = np.linspace(0, 1, count)
    classes = np.arange(count).astype(np.int16)
    write_ply(tmp_path / "a.ply", xyz, encoding=encoding, intensity=intensity, label=classes)
    found = read_points(tmp_path / "a.ply")
    assert np.array_equal(found.xyz, xyz)
    assert found.intensity is not None
    assert np.array_equal(found.intensity, intensity.astype(np.float32))
    assert found.fields["label"].dtype == np.int16
    assert found.fields["label"].dtype.isnative
    assert np.array_equal(found.fields["label"], classes)


@pytest.mark.parametrize("text", [True, False])
def test_ply_of_open3d_with_faces_and_normals(tmp_path: Path, text: bool) -> None:
    o3d = load_open3d()

    mesh = o3d.geometry.TriangleMesh.create_sphere(2.0, resolution=8)
    mesh.compute_vertex_normals()
    path = tmp_path / "a.ply"
    o3d.io.write_triangle_mesh(str(path), mesh, write_ascii=text)
    found = read_points(path)
    np.testing.assert_allclose(found.xyz, np.asarray(mesh.vertices), atol=1e-5)
    assert {"nx", "ny", "nz"} <= set(found.fields)


@pytest.mark.parametrize("text", [True, False])
def test_ply_with_another_element_before_its_vertices(tmp_path: Path, text: bool) -> None:
    head = (
        f"ply|format {'ascii' if text else 'binary_little_endian'} 1.0|comment made by hand|"
        "element camera 2|property double a|property uchar b|element vertex 1|"
        "property float x|property float y|property float z|end_header|"
    ).replace("|", "\r\n")
    body = b"1 2\r\n3 4\r\n5 6 7\r\n" if text else b"\1" * 18 + np.array([5, 6, 7], "<f4").tobytes()
    (tmp_path / "a.ply").write_bytes(head.encode() + body)
    assert read_points(tmp_path / "a.ply").xyz.tolist() == [[5, 6, 7]]


PLY_HEAD = (
    "ply\nformat {} 1.0\nelement vertex {}\nproperty float x\nproperty float y\n{}end_header\n"
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"plyx", "does not start with ply"),
        (b"ply\nformat ascii 1.0\n", "header does not end"),
        (b"ply\nformat middle_endian 1.0\nend_header\n", "middle_endian"),
        (b"ply\nelement vertex 0\nend_header\n", "no format"),
        (b"ply\nformat ascii 1.0\nend_header\n", "no element vertex"),
        (b"ply\nformat ascii 1.0\nelement vertex 1\nend_header\n1\n", "no properties"),
        (PLY_HEAD.format("ascii", 1, "").encode() + b"1 2\n", "no field z"),
        (PLY_HEAD.format("ascii", 1, "property float x\n").encode() + b"1 2 3\n", "one name"),
        (PLY_HEAD.format("ascii", 2, "property float z\n").encode() + b"11 222 333\n", "1 lines"),
        (PLY_HEAD.format("ascii", 1, "property float z\n").encode() + b"1 2 zed\n", "line"),
        (PLY_HEAD.format("ascii", 10**13, "property float z\n").encode(), "cut short"),
        (PLY_HEAD.format("ascii", 10**20, "property float z\n").encode(), "is no PLY"),
        (
            PLY_HEAD.format("binary_big_endian", 10**12, "property float z\n").encode(),
            "cut short, 0 bytes",
        ),
        (PLY_HEAD.format("ascii", 1, "property list uchar int z\n").encode(), "lists"),
    ],
)
def test_damaged_ply_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.ply").write_bytes(content)
    assert words in refused(tmp_path / "a.ply")
