"""KITTI calibration files: `key: numbers` lines of the object, tracking, odometry and raw sets."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lidar_label.arrays import Floats, Transform
from lidar_label.datasets.intake import read_text
from lidar_label.errors import InvalidSource

# The same matrix by its names in the object, the tracking and the odometry set.
_RECTIFICATION = ("R0_rect", "R_rect", "R_rect_00")
_LIDAR_TO_CAMERA = ("Tr_velo_to_cam", "Tr_velo_cam", "Tr")
_IMU_TO_LIDAR = ("Tr_imu_to_velo", "Tr_imu_velo")
CAMERAS = ("image_0", "image_1", "image_2", "image_3")


@dataclass(frozen=True, eq=False)
class KittiCalibration:
    """Where cameras and IMU sit beside the LiDAR, in KITTI's terms (Geiger et al., IJRR 2013).

    Attributes:
        rect_from_lidar: (4, 4) LiDAR frame → rectified frame of camera 0, in which labels are.
        projections: Camera folder (`image_2`) → (3, 4) rectified frame → pixels.
        lidar_from_imu: (4, 4), where the file says it.
        sizes: Camera folder → (width, height) pixels, where the file says it.
    """

    rect_from_lidar: Transform
    projections: dict[str, Floats] = field(default_factory=dict[str, Floats])
    lidar_from_imu: Transform | None = None
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    @property
    def lidar_from_rect(self) -> Transform:
        """(4, 4) rectified camera frame → LiDAR frame."""
        return inverse(self.rect_from_lidar)

    def camera(self, name: str) -> tuple[Transform, Floats]:
        """`lidar_from_camera` (4, 4) and pinhole intrinsics (3, 3) of a rectified camera.

        KITTI writes a camera's place beside camera 0 into the fourth column of its projection:
        P = K [I | t], so t = K⁻¹ · P's fourth column.
        """
        projection = self.projections[name]
        intrinsics = projection[:, :3]
        camera_from_rect = np.eye(4)
        camera_from_rect[:3, 3] = np.linalg.solve(intrinsics, projection[:, 3])
        return inverse(camera_from_rect @ self.rect_from_lidar), intrinsics

    def placed_cameras(self) -> list[str]:
        """Cameras with a usable projection: our own exports write zeros where there is none."""
        return [
            name for name, matrix in sorted(self.projections.items()) if abs(matrix[0, 0]) > 1e-6
        ]


def inverse(matrix: Transform) -> Transform:
    """The true inverse of a (4, 4) affine matrix.

    Files print seven digits, so their rotations are not quite orthonormal and the transpose is
    not quite the inverse: a label would not come back from its camera frame to where it was.
    """
    inverted = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    inverted[3] = (0.0, 0.0, 0.0, 1.0)
    return inverted


def read_fields(path: Path) -> dict[str, Floats]:
    """Every `key: numbers` line of a file; lines with words or nothing after the key are left out.

    Raises:
        InvalidSource: if the file cannot be read.
    """
    text = read_text(path)
    fields: dict[str, Floats] = {}
    for line in text.splitlines():
        words = line.replace(":", " ", 1).split()
        try:
            values = np.array([float(word) for word in words[1:]])
        except ValueError:
            continue
        if len(values):
            fields[words[0]] = values
    return fields


def read_calibration(path: Path) -> KittiCalibration:
    """Read calib.txt of the object, tracking or odometry set, or of View-of-Delft.

    Raises:
        InvalidSource: naming the file and the key that is missing or of the wrong length.
    """
    fields = read_fields(path)
    rectification = np.eye(4)
    name = next((key for key in _RECTIFICATION if key in fields), None)
    if name is not None:
        rectification[:3, :3] = _matrix(path, fields, name, (3, 3))
        _checked(path, name, rectification)
    lidar_key = next((key for key in _LIDAR_TO_CAMERA if key in fields), None)
    if lidar_key is None:
        raise InvalidSource(
            f"{path}: no {' / '.join(_LIDAR_TO_CAMERA)} line; add the LiDAR-to-camera matrix"
        )
    imu_key = next((key for key in _IMU_TO_LIDAR if key in fields), None)
    return KittiCalibration(
        rect_from_lidar=rectification @ _rigid(path, fields, lidar_key),
        projections={
            camera: _projection(path, fields, f"P{camera[-1]}")
            for camera in CAMERAS
            if f"P{camera[-1]}" in fields
        },
        lidar_from_imu=None if imu_key is None else _rigid(path, fields, imu_key),
    )


def read_raw_calibration(folder: Path) -> KittiCalibration:
    """Read the three calib_*.txt of a raw recording's date folder.

    Raises:
        InvalidSource: if calib_velo_to_cam.txt or calib_cam_to_cam.txt is missing or damaged.
    """
    camera_path = folder / "calib_cam_to_cam.txt"
    cameras = read_fields(camera_path)
    rectification = np.eye(4)
    rectification[:3, :3] = _matrix(camera_path, cameras, "R_rect_00", (3, 3))
    _checked(camera_path, "R_rect_00", rectification)
    imu_path = folder / "calib_imu_to_velo.txt"
    return KittiCalibration(
        rect_from_lidar=rectification @ _raw_rigid(folder / "calib_velo_to_cam.txt"),
        projections={
            f"image_{i:02d}": _projection(camera_path, cameras, f"P_rect_{i:02d}")
            for i in range(4)
            if f"P_rect_{i:02d}" in cameras
        },
        lidar_from_imu=_raw_rigid(imu_path) if imu_path.is_file() else None,
        sizes={
            f"image_{i:02d}": (int(size[0]), int(size[1]))
            for i in range(4)
            if len(size := cameras.get(f"S_rect_{i:02d}", np.zeros(0))) == 2
        },
    )


def write_calibration(path: Path, calibration: KittiCalibration) -> None:
    """Write the object set's keys with digits enough to read the same doubles back."""
    lines: list[str] = []
    for i in range(4):
        matrix = calibration.projections.get(f"image_{i}", np.zeros((3, 4)))
        lines.append(_line(f"P{i}", matrix))
    lines.append(_line("R0_rect", np.eye(3)))
    lines.append(_line("Tr_velo_to_cam", calibration.rect_from_lidar[:3]))
    imu = np.eye(4) if calibration.lidar_from_imu is None else calibration.lidar_from_imu
    lines.append(_line("Tr_imu_to_velo", imu[:3]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_raw_calibration(folder: Path, calibration: KittiCalibration) -> None:
    """Write the three calib_*.txt of a raw recording's date folder, with zeros for absent cameras.

    Camera 0's rectifying rotation is the identity: the LiDAR's place is beside the rectified frame.
    """
    lines: list[str] = []
    for i in range(4):
        name = f"image_{i:02d}"
        lines.append(_line(f"S_rect_{i:02d}", np.array(calibration.sizes.get(name, (0, 0)))))
        lines.append(_line(f"R_rect_{i:02d}", np.eye(3)))
        lines.append(_line(f"P_rect_{i:02d}", calibration.projections.get(name, np.zeros((3, 4)))))
    (folder / "calib_cam_to_cam.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    imu = np.eye(4) if calibration.lidar_from_imu is None else calibration.lidar_from_imu
    placed = {"calib_velo_to_cam.txt": calibration.rect_from_lidar, "calib_imu_to_velo.txt": imu}
    for name, matrix in placed.items():
        text = f"{_line('R', matrix[:3, :3])}\n{_line('T', matrix[:3, 3])}\n"
        (folder / name).write_text(text, encoding="utf-8")


def _line(key: str, matrix: Floats) -> str:
    return f"{key}: " + " ".join(repr(float(value) + 0.0) for value in matrix.ravel())


def _matrix(path: Path, fields: dict[str, Floats], key: str, shape: tuple[int, int]) -> Floats:
    values = fields.get(key)
    if values is None:
        raise InvalidSource(f"{path}: no line {key}; give a complete calibration")
    if values.size != shape[0] * shape[1]:
        raise InvalidSource(
            f"{path}: {key} has {values.size} numbers; it needs {shape[0] * shape[1]}"
        )
    if not np.isfinite(values).all():
        raise InvalidSource(f"{path}: {key} holds a value that is not finite; mend the file")
    return values.reshape(shape)


def _projection(path: Path, fields: dict[str, Floats], key: str) -> Floats:
    """A (3, 4) projection whose intrinsics can be inverted, or zeros where there is no camera."""
    matrix = _matrix(path, fields, key, (3, 4))
    with np.errstate(all="ignore"):
        singular = not 1e-9 < abs(np.linalg.det(matrix[:, :3])) < 1e30
    if singular and matrix.any():
        raise InvalidSource(f"{path}: {key} is no projection of a camera; mend the file")
    return matrix


def _rigid(path: Path, fields: dict[str, Floats], key: str) -> Transform:
    matrix = np.eye(4)
    matrix[:3] = _matrix(path, fields, key, (3, 4))
    return _checked(path, key, matrix)


def _raw_rigid(path: Path) -> Transform:
    fields = read_fields(path)
    matrix = np.eye(4)
    matrix[:3, :3] = _matrix(path, fields, "R", (3, 3))
    matrix[:3, 3] = _matrix(path, fields, "T", (3, 1))[:, 0]
    return _checked(path, "R", matrix)


def _checked(path: Path, key: str, matrix: Transform) -> Transform:
    rotation = matrix[:3, :3]
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 0.01 or np.linalg.det(rotation) < 0:
        raise InvalidSource(f"{path}: the rotation in {key} is not a rotation; mend the file")
    return matrix
