"""Small valid folders of every dataset format, around one car whose numbers are worked out by hand.

The car: centre (10, 2, −0.5), length 4, width 2, height 1.5, yaw 0.3, in the LiDAR's frame, with
30 points in it. The camera stands at (0.3, 0.1, −0.2) and looks forward, so that its frame is
x = −y + 0.1, y = −z − 0.2, z = x − 0.3.
"""

import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import feather

CAR = np.array([10.0, 2.0, -0.5, 4.0, 2.0, 1.5, 0.3])
POINTS_IN_CAR = 30
# Bottom centre: (−2 + 0.1, −(−1.25) − 0.2, 10 − 0.3); rotation_y = −0.3 − π/2.
BOTTOM = (-1.9, 1.05, 9.7)
ROTATION_Y = -1.8707963267948966
LIDAR_TO_CAMERA = "0 -1 0 0.1 0 0 -1 -0.2 1 0 0 -0.3"
KITTI_LINE = "0.25 1 -1.7 10 20 60 50 1.5 2 4 -1.9 1.05 9.7 -1.8707963267948966"
IMAGE_SIZE = (100, 80)
CALIBRATION = f"""\
P0: 100 0 50 0 0 100 40 0 0 0 1 0
P2: 100 0 50 6 0 100 40 0 0 0 1 0
R0_rect: 1 0 0 0 1 0 0 0 1
Tr_velo_to_cam: {LIDAR_TO_CAMERA}
Tr_imu_to_velo: 1 0 0 -0.8 0 1 0 0.3 0 0 1 -0.8
"""


def scan(seed: int = 0, count: int = 200) -> np.ndarray:
    """(count, 4) float32 x y z intensity: 30 in the car, the others around and outside it."""
    rng = np.random.default_rng(seed)
    inside = rng.uniform(-0.49, 0.49, (POINTS_IN_CAR, 3)) * CAR[3:6]
    c, s = np.cos(CAR[6]), np.sin(CAR[6])
    inside = inside @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + CAR[:3]
    outside = rng.uniform(-30, -1, (count - POINTS_IN_CAR, 3))
    xyz = np.concatenate((inside, outside))
    return np.column_stack((xyz, rng.random(count))).astype("<f4")


def png(size: tuple[int, int] = IMAGE_SIZE) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (90, 120, 150)).save(stream, "PNG")
    return stream.getvalue()


def write(path: Path, content: str | bytes | np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.tobytes())


def kitti_object(root: Path) -> Path:
    base = root / "training"
    for number in ("000001", "000004"):
        write(base / "velodyne" / f"{number}.bin", scan())
        write(base / "calib" / f"{number}.txt", CALIBRATION)
        write(base / "image_2" / f"{number}.png", png())
        lines = f"Car {KITTI_LINE}\nDontCare -1 -1 -10 1 2 3 4 -1 -1 -1 -1000 -1000 -1000 -10\n"
        write(base / "label_2" / f"{number}.txt", lines)
    return root


def oxts_line(forward: float = 0.0, yaw: float = 0.0) -> str:
    """At 49° N, 8° E, so many metres east of there."""
    longitude = 8 + np.degrees(forward / 6378137.0 / np.cos(np.radians(49)))
    values = [49, longitude, 110, 0, 0, yaw, *range(6, 25), 4, 10, 4, 4, 0]
    return " ".join(f"{value:.12f}" for value in values)


def kitti_tracking(root: Path) -> Path:
    base = root / "training"
    for number in range(3):
        write(base / "velodyne" / "0005" / f"{number:06d}.bin", scan())
        write(base / "image_02" / "0005" / f"{number:06d}.png", png())
    lines = [f"{frame} 7 Car {KITTI_LINE}\n" for frame in range(3)]
    write(base / "label_02" / "0005.txt", "".join(lines))
    write(base / "calib" / "0005.txt", CALIBRATION)
    write(base / "oxts" / "0005.txt", "".join(oxts_line(i) + "\n" for i in range(3)))
    return root


def kitti_odometry(root: Path) -> Path:
    for number in range(3):
        write(root / "velodyne" / f"{number:06d}.bin", scan())
        write(root / "image_2" / f"{number:06d}.png", png())
    write(root / "calib.txt", CALIBRATION.replace("Tr_velo_to_cam", "Tr"))
    write(root / "times.txt", "0.0\n1.037e-01\n2.08e-01\n")
    poses = [f"1 0 0 0 0 1 0 0 0 0 1 {i}\n" for i in range(3)]
    write(root / "poses.txt", "".join(poses))
    return root


def timestamps(start: float, count: int = 2) -> str:
    return "".join(f"2011-09-26 13:04:{start + i / 10:012.9f}\n" for i in range(count))


_POSE = (
    "<tx>10.0</tx><ty>2.0</ty><tz>-1.25</tz><rx>0.0</rx><ry>0.0</ry><rz>0.3</rz><state>2</state>"
    "<occlusion>1</occlusion><occlusion_kf>0</occlusion_kf><truncation>0</truncation>"
    "<amt_occlusion>0.0</amt_occlusion><amt_occlusion_kf>-1</amt_occlusion_kf>"
    "<amt_border_l>0.0</amt_border_l><amt_border_r>0.0</amt_border_r>"
    "<amt_border_kf>-1</amt_border_kf>"
)
TRACKLETS = f"""\
<?xml version="1.0" encoding="UTF-8" standalone="true"?>
<!DOCTYPE boost_serialization>
<boost_serialization version="9" signature="serialization::archive">
<tracklets version="0" tracking_level="0" class_id="0">
<count>1</count><item_version>1</item_version>
<item version="1" tracking_level="0" class_id="1">
<objectType>Car</objectType><h>1.5</h><w>2.0</w><l>4.0</l><first_frame>0</first_frame>
<poses version="0" tracking_level="0" class_id="2"><count>2</count><item_version>2</item_version>
<item version="2" tracking_level="0" class_id="3">{_POSE}</item>
<item>{_POSE}</item>
</poses><finished>1</finished>
</item>
</tracklets>
</boost_serialization>
"""


def kitti_raw(root: Path) -> Path:
    date = root / "2011_09_26"
    drive = date / "2011_09_26_drive_0005_sync"
    for number in range(2):
        name = f"{number:010d}"
        write(drive / "velodyne_points" / "data" / f"{name}.bin", scan())
        write(drive / "image_02" / "data" / f"{name}.png", png())
        write(drive / "oxts" / "data" / f"{name}.txt", oxts_line(number) + "\n")
    write(drive / "tracklet_labels.xml", TRACKLETS)
    write(drive / "velodyne_points" / "timestamps.txt", timestamps(32.05))
    write(drive / "velodyne_points" / "timestamps_start.txt", timestamps(32.0))
    write(drive / "velodyne_points" / "timestamps_end.txt", timestamps(32.1))
    write(drive / "image_02" / "timestamps.txt", timestamps(32.06))
    write(drive / "oxts" / "timestamps.txt", timestamps(32.04))
    write(
        date / "calib_cam_to_cam.txt",
        "calib_time: 09-Jan-2012\nS_rect_00: 100 80\nR_rect_00: 1 0 0 0 1 0 0 0 1\n"
        "P_rect_00: 100 0 50 0 0 100 40 0 0 0 1 0\nS_rect_02: 100 80\n"
        "P_rect_02: 100 0 50 6 0 100 40 0 0 0 1 0\n",
    )
    write(date / "calib_velo_to_cam.txt", "R: 0 -1 0 0 0 -1 1 0 0\nT: 0.1 -0.2 -0.3\n")
    write(date / "calib_imu_to_velo.txt", "R: 1 0 0 0 1 0 0 0 1\nT: -0.8 0.3 -0.8\n")
    return root


def view_of_delft(root: Path) -> Path:
    for sensor in ("lidar", "radar"):
        base = root / sensor / "training"
        for number in ("00010", "00011"):
            calibration = CALIBRATION.replace("1 0 0 -0.8 0 1 0 0.3 0 0 1 -0.8", "")
            write(base / "calib" / f"{number}.txt", calibration)
    base = root / "lidar" / "training"
    for i, number in enumerate(("00010", "00011")):
        write(base / "velodyne" / f"{number}.bin", scan())
        write(base / "image_2" / f"{number}.jpg", png())
        write(base / "label_2" / f"{number}.txt", f"Car {KITTI_LINE} 1\n")
        # map_from_camera of a camera that looks along the map's x and moves along it.
        pose = [0, 0, 1, float(i), -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 1]
        write(base / "pose" / f"{number}.json", json.dumps({"mapToCamera": pose}) + "\n")
        radar = np.arange(14, dtype="<f4").reshape(2, 7)
        write(root / "radar" / "training" / "velodyne" / f"{number}.bin", radar)
    return root


def pcd(points: np.ndarray) -> bytes:
    header = (
        "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z intensity\nSIZE 4 4 4 4\nTYPE F F F F\n"
        f"COUNT 1 1 1 1\nWIDTH {len(points)}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\n"
        f"POINTS {len(points)}\nDATA binary\n"
    )
    return header.encode() + points.tobytes()


def sustech_object(**changes: object) -> dict[str, object]:
    psr = {
        "position": {"x": 10, "y": 2, "z": -0.5},
        "scale": {"x": 4, "y": 2, "z": 1.5},
        "rotation": {"x": 0, "y": 0, "z": 0.3},
    }
    return {"psr": psr, "obj_type": "Car", "obj_id": "12"} | changes


def sustechpoints(root: Path) -> Path:
    for name in ("000965", "000970"):
        write(root / "lidar" / f"{name}.pcd", pcd(scan()))
        write(root / "label" / f"{name}.json", json.dumps([sustech_object()]))
        write(root / "camera" / "front" / f"{name}.png", png())
    extrinsic = [0, -1, 0, 0.1, 0, 0, -1, -0.2, 1, 0, 0, -0.3, 0, 0, 0, 1]
    calibration = {"extrinsic": extrinsic, "intrinsic": [100, 0, 50, 0, 100, 40, 0, 0, 1]}
    write(root / "calib" / "camera" / "front.json", json.dumps(calibration))
    return root


AV2_TIMES = (315966265259836000, 315966265360032000)
AV2_TRACK = "1046f12a-152a-4e82-b61b-75468bcda8ae"


def table(path: Path, **columns: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    feather.write_feather(pa.table(columns), str(path))


def annotations(path: Path, **changes: object) -> None:
    n = len(AV2_TIMES)
    columns: dict[str, object] = {
        "timestamp_ns": np.array(AV2_TIMES),
        "track_uuid": [AV2_TRACK] * n,
        "category": ["REGULAR_VEHICLE"] * n,
        "length_m": np.full(n, 4.0),
        "width_m": np.full(n, 2.0),
        "height_m": np.full(n, 1.5),
        "qw": np.full(n, np.cos(0.15)),
        "qx": np.zeros(n),
        "qy": np.zeros(n),
        "qz": np.full(n, np.sin(0.15)),
        "tx_m": np.full(n, 10.0),
        "ty_m": np.full(n, 2.0),
        "tz_m": np.full(n, -0.5),
        "num_interior_pts": np.full(n, POINTS_IN_CAR),
    }
    table(path, **(columns | changes))


def av2_sweep(path: Path, **changes: object) -> None:
    points = scan().astype("f4")
    columns: dict[str, object] = {axis: points[:, i] for i, axis in enumerate("xyz")}
    columns["intensity"] = (points[:, 3] * 255).astype(np.uint8)
    columns["laser_number"] = (np.arange(len(points)) % 64).astype(np.uint8)
    columns["offset_ns"] = np.arange(len(points), dtype=np.int32) * 1000
    table(path, **(columns | changes))


def argoverse2(root: Path) -> Path:
    log = root / "7fab2350-7eaf-3b7e-a39d-6937a4c1bede"
    for time_ns in AV2_TIMES:
        av2_sweep(log / "sensors" / "lidar" / f"{time_ns}.feather")
        write(log / "sensors" / "cameras" / "ring_front_center" / f"{time_ns}.jpg", png())
    annotations(log / "annotations.feather")
    table(
        log / "calibration" / "egovehicle_SE3_sensor.feather",
        sensor_name=["up_lidar", "down_lidar", "ring_front_center"],
        qw=[1.0, 0.0, 0.5], qx=[0.0, 1.0, -0.5], qy=[0.0, 0.0, 0.5], qz=[0.0, 0.0, -0.5],
        tx_m=[1.35, 1.35, 1.6], ty_m=[0.0, 0.0, 0.0], tz_m=[1.64, 1.5, 1.4],
    )  # fmt: skip
    table(
        log / "calibration" / "intrinsics.feather",
        sensor_name=["ring_front_center"],
        fx_px=[100.0], fy_px=[100.0], cx_px=[50.0], cy_px=[40.0], k1=[-0.2], k2=[0.01], k3=[0.0],
        height_px=np.array([80], dtype=np.uint16), width_px=np.array([100], dtype=np.uint16),
    )  # fmt: skip
    table(
        log / "city_SE3_egovehicle.feather",
        timestamp_ns=np.array(AV2_TIMES),
        qw=[1.0, 1.0], qx=[0.0, 0.0], qy=[0.0, 0.0], qz=[0.0, 0.0],
        tx_m=[5172.6, 5173.6], ty_m=[2419.1, 2419.1], tz_m=[67.2, 67.2],
    )  # fmt: skip
    return root


def points(root: Path) -> Path:
    for number in range(3):
        write(root / f"sweep_{number}.pcd", pcd(scan()))
    return root


def exported(form: str, root: Path) -> Path:
    """SUSTechPOINTS' scene in a format that only our own export writes here."""
    from lidar_label.datasets.formats import export_labels, import_source

    with tempfile.TemporaryDirectory() as place:
        scene = import_source(sustechpoints(Path(place) / "scene"), Path(place) / "scene.h5")
        assert scene.labels is not None
        export_labels(scene.labels, scene.recording_path, form, root)
    return root


BUILDERS: dict[str, Callable[[Path], Path]] = {
    "kitti-object": kitti_object,
    "kitti-tracking": kitti_tracking,
    "kitti-odometry": kitti_odometry,
    "kitti-raw": kitti_raw,
    "view-of-delft": view_of_delft,
    "sustechpoints": sustechpoints,
    "argoverse2": argoverse2,
    "nuscenes": lambda root: exported("nuscenes", root),
    "rosbag": lambda root: exported("mcap", root),
    "openlabel": lambda root: exported("openlabel", root),
    "points": points,
}
