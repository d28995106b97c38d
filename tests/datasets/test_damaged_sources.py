"""A damaged source gives one clear line or a counted warning, and never half a recording."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import source_folders as folders

from lidar_label.datasets.formats import import_source
from lidar_label.errors import InvalidSource, LidarLabelError

Damage = Callable[[Path], object]
LOG = "7fab2350-7eaf-3b7e-a39d-6937a4c1bede"
DRIVE = "2011_09_26/2011_09_26_drive_0005_sync"
AV2_SWEEP = f"{LOG}/sensors/lidar/{folders.AV2_TIMES[0]}.feather"


def cut(name: str, by: int = 7) -> Damage:
    return lambda root: (root / name).write_bytes((root / name).read_bytes()[:-by])


def empty(name: str) -> Damage:
    return lambda root: (root / name).write_bytes(b"")


def text(name: str, content: str) -> Damage:
    return lambda root: folders.write(root / name, content)


def swap(name: str, old: str, new: str) -> Damage:
    def damage(root: Path) -> None:
        content = (root / name).read_text()
        assert old in content
        (root / name).write_text(content.replace(old, new, 1))

    return damage


def remove(name: str) -> Damage:
    def damage(root: Path) -> None:
        assert (root / name).exists()
        shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink()

    return damage


def copy(name: str, to: str) -> Damage:
    return lambda root: shutil.copy(root / name, root / to)


def not_finite(name: str, rows: int = 3) -> Damage:
    def damage(root: Path) -> None:
        scan = folders.scan()
        scan[:rows, 1] = [np.nan, np.inf, -np.inf][:rows]
        pcd = name.endswith(".pcd")
        folders.write(root / name, folders.pcd(scan) if pcd else scan)

    return damage


def psr(**changes: object) -> Damage:
    def damage(root: Path) -> None:
        content = json.dumps([folders.sustech_object(**changes)])
        folders.write(root / "label/000965.json", content)

    return damage


def av2_labels(**changes: object) -> Damage:
    return lambda root: folders.annotations(root / LOG / "annotations.feather", **changes)


def av2_sweep(**changes: object) -> Damage:
    return lambda root: folders.av2_sweep(root / AV2_SWEEP, **changes)


@dataclass(frozen=True)
class Case:
    """What is done to a folder of a format, and what the error or the warning then says."""

    format: str
    what: str
    damage: Damage
    error: str = ""
    warning: str = ""


LABEL = "training/label_2/000001.txt"
CALIB = "training/calib/000001.txt"
BIN = "training/velodyne/000001.bin"
OXTS = f"{DRIVE}/oxts/data/0000000000.txt"
STAMPS = f"{DRIVE}/velodyne_points/timestamps.txt"
ENDS = f"{DRIVE}/velodyne_points/timestamps_end.txt"
VOD = "lidar/training"

CASES = (
    Case("kitti-object", "cut sweep", cut(BIN), r"000001.bin: 3193 bytes are not whole rows"),
    Case("kitti-object", "empty sweep", empty(BIN), warning="1 of 2 sweeps have no points"),
    Case("kitti-object", "not finite", not_finite(BIN),
         warning="dropped 3 non-finite points in 1 of 2 sweeps"),
    Case("kitti-object", "absurd", lambda r: folders.write(r / BIN, b"\x7e" * 160),
         r"000001.bin: point 0 is .*no place in metres"),
    Case("kitti-object", "sweep is a folder", lambda r: ((r / BIN).unlink(), (r / BIN).mkdir()),
         r"000001.bin: cannot be read"),
    Case("kitti-object", "name", copy(BIN, "training/velodyne/copy.bin"),
         r"copy.bin: its name is not a number"),
    Case("kitti-object", "name twice", copy(BIN, "training/velodyne/1.bin"),
         r"frame 1 is there twice"),
    Case("kitti-object", "few columns", swap(LABEL, " -1.8707963267948966", ""),
         r"000001.txt, line 1: 14 columns; KITTI labels have 15"),
    Case("kitti-object", "word", swap(LABEL, "9.7", "near"), r"line 1: 'near' is not a number"),
    Case("kitti-object", "nan", swap(LABEL, "9.7", "nan"), r"line 1: nan is not a finite number"),
    Case("kitti-object", "bytes", lambda r: folders.write(r / LABEL, b"Car \xff\xfe"),
         r"000001.txt: is no text"),
    Case("kitti-object", "class", swap(LABEL, "Car", "Spaceship"),
         warning="1 labels have the class 'Spaceship', unknown to this dataset"),
    Case("kitti-object", "no 3D box", swap(LABEL, "1.5 2 4", "-1 -1 -1"),
         warning="1 labels without a 3D box are left out"),
    Case("kitti-object", "no calibration of a label", remove(CALIB), r"calib/000001.txt: missing"),
    Case("kitti-object", "no calibration, no labels",
         lambda r: (remove("training/calib")(r), remove("training/label_2")(r)),
         warning="no calib folder: images are left out"),
    Case("kitti-object", "calibration without LiDAR", swap(CALIB, "Tr_velo_to_cam", "Tr_other"),
         r"000001.txt: no Tr_velo_to_cam"),
    Case("kitti-object", "short matrix", swap(CALIB, "P2: 100 0", "P2: 100"),
         r"000001.txt: P2 has 11 numbers; it needs 12"),
    Case("kitti-object", "no rotation", swap(CALIB, folders.LIDAR_TO_CAMERA,
         "0 -1 0 0.1 0 0 -1 -0.2 2 0 0 -0.3"), r"rotation in Tr_velo_to_cam is not a rotation"),
    Case("kitti-object", "mirror", swap(CALIB, folders.LIDAR_TO_CAMERA,
         "0 1 0 0.1 0 0 -1 -0.2 1 0 0 -0.3"), r"rotation in Tr_velo_to_cam is not a rotation"),
    Case("kitti-object", "nan in calibration", swap(CALIB, "P0: 100", "P0: nan"),
         r"P0 holds a value that is not finite"),
    Case("kitti-object", "negative focal length", swap(CALIB, "P2: 100", "P2: -100"),
         r"camera image_2: focal lengths"),
    Case("kitti-object", "other calibration",
         swap("training/calib/000004.txt", "P2: 100", "P2: 101"),
         warning="calibration differs from the first frame's in 1 frames"),
    Case("kitti-object", "no image", remove("training/image_2/000001.png"),
         warning="1 images of image_2 are missing or damaged"),
    Case("kitti-object", "damaged image", text("training/image_2/000004.png", "GIF89a"),
         warning="1 images of image_2 are missing or damaged"),
    Case("kitti-object", "label without sweep", remove(BIN),
         warning="2 labels belong to frames without a sweep"),
    Case("kitti-object", "sweep without label", remove(LABEL),
         warning="1 sweeps have no label file and count as unlabelled"),
    Case("kitti-tracking", "frame", swap("training/label_02/0005.txt", "0 7", "zero 7"),
         r"0005.txt, line 1: frame 'zero' is not a whole number"),
    Case("kitti-tracking", "id", swap("training/label_02/0005.txt", "0 7", "0 x"),
         r"line 1: track id 'x' is not a whole number"),
    Case("kitti-tracking", "no calibration", remove("training/calib/0005.txt"),
         r"calib/0005.txt: missing"),
    Case("kitti-tracking", "missing sweep", remove("training/velodyne/0005/000001.bin"),
         warning="1 labels belong to frames without a sweep"),
    Case("kitti-tracking", "oxts columns", text("training/oxts/0005.txt", "49 8 110\n"),
         r"oxts/0005.txt, line 1: 3 values; an OXTS line has 30"),
    Case("kitti-tracking", "oxts without place", swap("training/calib/0005.txt", "Tr_imu", "Tr_no"),
         warning="no calibration of the IMU beside the LiDAR: ego poses are left out"),
    Case("kitti-tracking", "poses", lambda r: (remove("training/oxts")(r),
         folders.write(r / "poses/0005.json", "[[1, 2]]")), r"0005.json: shape \(1, 2\)"),
    Case("kitti-tracking", "poses no JSON", lambda r: (remove("training/oxts")(r),
         folders.write(r / "poses/0005.json", "[[1, 2]")), r"0005.json: not a list of 4 × 4 poses"),
    Case("kitti-tracking", "poses no rotation", lambda r: (remove("training/oxts")(r),
         folders.write(r / "poses/0005.json", json.dumps([(np.eye(4) * 2).tolist()] * 3))),
         r"ego pose \d is not a rotation|ego pose \d has last row"),
    Case("kitti-odometry", "few times", text("times.txt", "0\n0.1\n"),
         r"times.txt: 2 lines; frame 2 needs line 3"),
    Case("kitti-odometry", "no time", swap("times.txt", "0.0", "noon"),
         r"times.txt, line 1: 'noon' is no time"),
    Case("kitti-odometry", "endless time", swap("times.txt", "0.0", "inf"),
         r"times.txt, line 1: 'inf' is no time"),
    Case("kitti-odometry", "time twice", swap("times.txt", "2.08", "1.037"), r"times.txt, line 3"),
    Case("kitti-odometry", "pose", swap("poses.txt", "1 0 0 0", "1 0 0"),
         r"poses.txt, line 1: not 12 numbers"),
    Case("kitti-odometry", "no calibration", remove("calib.txt"),
         warning="no calib.txt: the poses, which are the camera's, are left out"),
    Case("kitti-odometry", "no times", remove("times.txt"), warning="no times.txt: 10 Hz assumed"),
    Case("kitti-odometry", "too many poses", lambda r: folders.write(r / "poses.txt",
         "1 0 0 0 0 1 0 0 0 0 1 0\n" * 5), warning="2 poses have no time and are left out"),
    Case("kitti-raw", "stamp", swap(STAMPS, "2011-09-26 13:04:32.05", "13:04:32.05"),
         r"timestamps.txt, line 1: '13:04:32.050000000' is no time"),
    Case("kitti-raw", "few stamps", text(STAMPS, "2011-09-26 13:04:32\n"),
         r"timestamps.txt: 1 lines; 0000000001.bin needs line 2"),
    Case("kitti-raw", "same stamp", swap(STAMPS, ":32.15", ":32.05"),
         warning="sweeps: 1 have the time of another and are left out"),
    Case("kitti-raw", "stamps back", swap(STAMPS, ":32.05", ":33.05"),
         warning="sweeps: the time goes back at 1 places; sorted by time"),
    Case("kitti-raw", "no stamps", remove(STAMPS), warning="timestamps.txt: 10 Hz assumed"),
    Case("kitti-raw", "no ends", remove(ENDS), warning="a rotation is taken as 0.1 s"),
    Case("kitti-raw", "ends before start", swap(ENDS, ":32.1", ":31.1"),
         r"sweep 0000000000.bin takes -0.900 s"),
    Case("kitti-raw", "no calibration", remove("2011_09_26/calib_velo_to_cam.txt"),
         warning="no calib_velo_to_cam.txt beside or above the drive"),
    Case("kitti-raw", "half a calibration", remove("2011_09_26/calib_cam_to_cam.txt"),
         r"calib_cam_to_cam.txt: no such file"),
    Case("kitti-raw", "no place of the IMU", remove("2011_09_26/calib_imu_to_velo.txt"),
         warning="ego poses are left out"),
    Case("kitti-raw", "oxts word", swap(OXTS, "110.", "x"), r"0000000000.txt: holds a word"),
    Case("kitti-raw", "oxts nan", swap(OXTS, "110.000000000000", "nan"), r"not finite"),
    Case("kitti-raw", "oxts bytes", lambda r: (r / OXTS).write_bytes(b"\xff"), r"is no text"),
    Case("kitti-raw", "no sweeps", lambda r: [p.unlink() for p in
         (r / DRIVE / "velodyne_points/data").iterdir()], r"velodyne_points/data: no .bin files"),
    Case("view-of-delft", "cut radar", cut("radar/training/velodyne/00010.bin"),
         r"00010.bin: 49 bytes are not whole rows of 7"),
    Case("view-of-delft", "empty radar", empty("radar/training/velodyne/00010.bin"),
         warning="1 of 4 sweeps have no points"),
    Case("view-of-delft", "pose", text(f"{VOD}/pose/00010.json", '{"mapToCamera": [1, 2]}'),
         r"00010.json: no mapToCamera"),
    Case("view-of-delft", "pose of no JSON", text(f"{VOD}/pose/00010.json", "{"),
         r"00010.json: no mapToCamera"),
    Case("view-of-delft", "missing pose", remove(f"{VOD}/pose/00010.json"),
         warning="1 sweeps have no pose file"),
    Case("view-of-delft", "no radar calibration", remove("radar/training/calib"),
         warning="radar is left out"),
    Case("view-of-delft", "no calibration", lambda r: (remove(f"{VOD}/calib")(r),
         remove(f"{VOD}/label_2")(r)), warning="no lidar/training/calib"),
    Case("sustechpoints", "cut cloud", cut("lidar/000965.pcd"), r"000965.pcd: cut short"),
    Case("sustechpoints", "not finite", not_finite("lidar/000965.pcd"),
         warning="dropped 3 non-finite points in 1 of 2 sweeps"),
    Case("sustechpoints", "no JSON", text("label/000965.json", "[{"), r"000965.json: not a JSON"),
    Case("sustechpoints", "no list", text("label/000965.json", "3"), r"not a list of objects"),
    Case("sustechpoints", "no object", text("label/000965.json", "[3]"),
         r"object 1: psr.position.x is missing"),
    Case("sustechpoints", "no psr", text("label/000965.json", "[{}]"),
         r"psr.position.x is missing"),
    Case("sustechpoints", "size", psr(psr={"position": {"x": 0, "y": 0, "z": 0}, "scale":
         {"x": 4, "y": -2, "z": 1}, "rotation": {"x": 0, "y": 0, "z": 0}}), r"psr.scale is"),
    Case("sustechpoints", "nan", text("label/000965.json", json.dumps([folders.sustech_object()])
         .replace("0.3", "NaN")), r"psr.rotation.z is nan"),
    Case("sustechpoints", "no calibration", remove("calib"),
         warning="no calib/camera/front.json: its images are left out"),
    Case("sustechpoints", "short calibration",
         text("calib/camera/front.json", '{"extrinsic": [1], "intrinsic": [1]}'),
         r"front.json: no extrinsic of 16 numbers"),
    Case("sustechpoints", "no rotation", text("calib/camera/front.json", json.dumps(
         {"extrinsic": [2] * 16, "intrinsic": [1] * 9})), r"extrinsic is not a rotation"),
    Case("sustechpoints", "label without sweep", copy("label/000965.json", "label/000999.json"),
         warning="1 labels belong to frames without a sweep"),
    Case("sustechpoints", "missing image", remove("camera/front/000965.png"),
         warning="1 images of front are missing"),
    Case("argoverse2", "cut sweep", cut(AV2_SWEEP, 30), r"feather: not a whole feather file"),
    Case("argoverse2", "empty sweep", empty(AV2_SWEEP), r"feather: not a whole feather file"),
    Case("argoverse2", "no column", lambda r: folders.table(r / AV2_SWEEP, x=[1.0], y=[1.0]),
         r"no column z; it has x, y"),
    Case("argoverse2", "text for numbers", av2_sweep(x=["a"] * 200), r"column x is of object"),
    Case("argoverse2", "gaps", av2_sweep(x=[None] * 200), r"column x has gaps"),
    Case("argoverse2", "laser", av2_sweep(laser_number=np.full(200, 64, dtype=np.uint8)),
         r"laser_number runs from 64 to 64"),
    Case("argoverse2", "not finite", av2_sweep(y=np.append(np.full(3, np.nan, dtype="f4"),
         folders.scan()[3:, 1])), warning="dropped 3 non-finite points in 1 of 4 sweeps"),
    Case("argoverse2", "no points", lambda r: folders.table(r / AV2_SWEEP, **{
         name: np.zeros(0, dtype=np.float32 if name in "xyz" else np.int32) for name in
         ("x", "y", "z", "intensity", "laser_number", "offset_ns")}),
         warning="2 of 4 sweeps have no points"),
    Case("argoverse2", "name", copy(AV2_SWEEP, f"{LOG}/sensors/lidar/first.feather"),
         r"first.feather: its name is no time"),
    Case("argoverse2", "quaternion", av2_labels(qw=np.zeros(2)),
         r"quaternion of row 0 has length 0.149"),
    Case("argoverse2", "nan in label", av2_labels(tx_m=np.array([1, np.nan])),
         r"annotations.feather: tx_m of row 1 is nan"),
    Case("argoverse2", "size", av2_labels(width_m=np.array([2.0, -2.0])), r"the size of row 1"),
    Case("argoverse2", "other time", av2_labels(timestamp_ns=np.array([5, folders.AV2_TIMES[1]])),
         warning="1 labels at 1 moments without a sweep are left out"),
    Case("argoverse2", "class", av2_labels(category=["CAR", "CAR"]),
         warning="2 labels have the class 'CAR', unknown to Argoverse 2"),
    Case("argoverse2", "numbers for text", av2_labels(category=[1, 2]), r"category is not text"),
    Case("argoverse2", "no poses", remove(f"{LOG}/city_SE3_egovehicle.feather"),
         warning="no city_SE3_egovehicle.feather: ego poses are left out"),
    Case("argoverse2", "no rig", remove(f"{LOG}/calibration/egovehicle_SE3_sensor.feather"),
         warning="no calibration of up_lidar and down_lidar"),
    Case("argoverse2", "no lenses", remove(f"{LOG}/calibration/intrinsics.feather"),
         warning="no calibration/intrinsics.feather: 2 images are left out"),
    Case("points", "cut", cut("sweep_1.pcd"), r"sweep_1.pcd: cut short"),
    Case("points", "header", text("sweep_1.pcd", "VERSION 0.7\n"), r"sweep_1.pcd: not a PCD"),
    Case("points", "not finite", not_finite("sweep_2.pcd"),
         warning="dropped 3 non-finite points in 1 of 3 sweeps"),
    Case("points", "other kind", lambda r: folders.write(r / "more.bin", folders.scan()),
         warning="1 point files of another kind than most are left out"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.format} {case.what}")
def test_damage_is_told_in_one_line(case: Case, tmp_path: Path) -> None:
    root = folders.BUILDERS[case.format](tmp_path / "data")
    sound = import_source(root, tmp_path / "sound.h5", case.format)
    case.damage(root)
    out = tmp_path / "out" / "out.h5"
    if case.warning:
        result = import_source(root, out, case.format)
        new = [line for line in result.warnings if line not in sound.warnings]
        assert any(case.warning in line for line in new), result.warnings
        assert out.is_file()
        return
    with pytest.raises(LidarLabelError, match=case.error) as error:
        import_source(root, out, case.format)
    assert isinstance(error.value, InvalidSource)
    assert "\n" not in str(error.value)
    assert not out.parent.exists() or list(out.parent.iterdir()) == []


def import_error(root: Path, out: Path, form: str) -> str:
    """What the import says is wrong; nothing where it could be read."""
    try:
        import_source(root, out, form, overwrite=True)
    except InvalidSource as error:
        return str(error)
    return ""


def test_a_source_of_one_damaged_number_in_every_place(tmp_path: Path) -> None:
    """Any word of a label line or a calibration replaced gives an error, a warning or a reading."""
    root = folders.kitti_object(tmp_path / "data")
    for name in (LABEL, CALIB):
        content = (root / name).read_text()
        words = content.split(" ")
        for i in range(len(words)):
            for new in ("x", "nan", "-1", "1e400", ""):
                (root / name).write_text(" ".join((*words[:i], new, *words[i + 1 :])))
                message = import_error(root, tmp_path / "out.h5", "kitti-object")
                assert "\n" not in message
        (root / name).write_text(content)
