"""One asymmetric box, read out of each format's files by that format's own definition, and drawn.

Nothing here uses our readers: every function takes the numbers as they stand in the file and
applies the convention that the format's documentation states. Run as a script it draws
docs/formats.png from what each export holds.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow.feather as feather
import source_folders as folders

from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.formats import export_labels
from lidar_label.datasets.recording import RecordingWriter

# Long, narrow and low, ahead and to the left, heading 30° to the left; its length, width and height
# and its three angles to the axes are all different, so that any two swapped show.
CENTRE, SIZE, YAW = (8.0, 3.0, 0.5), (6.0, 2.0, 1.0), np.radians(30)
EGO = (100.0, 50.0, np.radians(20))  # x, y, yaw in the world, for formats that write global boxes
DOCS = Path(__file__).resolve().parents[2] / "docs"


def corners(centre: np.ndarray, size: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """(8, 3) corners: the front's four first; size along the box's own x y z, rotation (3, 3)."""
    signs = np.array([(x, y, z) for x in (1, -1) for y in (1, -1) for z in (1, -1)])
    return signs * np.asarray(size) / 2 @ np.asarray(rotation).T + np.asarray(centre)


def turn_z(angle: float) -> np.ndarray:
    """Rotation about +z, from +x to +y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def quaternion(w: float, x: float, y: float, z: float) -> np.ndarray:
    """Rotation matrix of a unit quaternion, from its definition q p q*."""
    axis, n = np.array([x, y, z]), np.linalg.norm([x, y, z])
    if n == 0:
        return np.eye(3)
    k = axis / n
    cross = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    angle = 2 * np.arctan2(n, w)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def truth() -> np.ndarray:
    """The corners in the ego frame by hand: 30° to the left of forward."""
    return corners(np.array(CENTRE), np.array(SIZE), turn_z(YAW))


def of_kitti(words: list[str], calibration: Path) -> np.ndarray:
    """Bottom centre in the camera's frame; h w l; the box's x is its length when ry is 0."""
    h, w, length, x, y, z, ry = map(float, words)
    c, s = np.cos(ry), np.sin(ry)
    about_down = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    # The devkit's corners: x ± l/2, y from −h (the roof) to 0 (the ground), z ± w/2.
    signs = np.array([(a, b, d) for a in (1, -1) for b in (1, -1) for d in (0, 1)])
    local = np.column_stack((signs[:, 0] * length / 2, signs[:, 2] * -h, signs[:, 1] * w / 2))
    in_camera = local @ about_down.T + (x, y, z)
    fields = dict(line.split(": ") for line in calibration.read_text().splitlines())
    camera_from_lidar = np.array(fields["Tr_velo_to_cam"].split(), dtype=float).reshape(3, 4)
    return (in_camera - camera_from_lidar[:, 3]) @ np.linalg.inv(camera_from_lidar[:, :3]).T


def in_kitti(root: Path) -> np.ndarray:
    words = (root / "label_2" / "000000.txt").read_text().split()
    return of_kitti(words[8:15], root / "calib" / "000000.txt")


def in_kitti_tracking(root: Path) -> np.ndarray:
    words = (root / "label_02" / "0000.txt").read_text().split()
    return of_kitti(words[10:17], root / "calib" / "0000.txt")


def in_view_of_delft(root: Path) -> np.ndarray:
    base = root / "lidar" / "training"
    words = (base / "label_2" / "00000.txt").read_text().split()
    assert len(words) == 16
    return of_kitti(words[8:15], base / "calib" / "00000.txt")


def in_kitti_raw(root: Path) -> np.ndarray:
    """Bottom centre in the Velodyne's frame, which is the ego's; rz about its z."""
    (path,) = root.glob("*/*/tracklet_labels.xml")
    item = ET.parse(path).getroot().find("tracklets/item")
    pose = None if item is None else item.find("poses/item")
    assert item is not None
    assert pose is not None
    h, w, length = (float(item.findtext(key, "")) for key in "hwl")
    x, y, z, yaw = (float(pose.findtext(key, "")) for key in ("tx", "ty", "tz", "rz"))
    return corners(np.array([x, y, z + h / 2]), np.array([length, w, h]), turn_z(yaw))


def in_sustechpoints(root: Path) -> np.ndarray:
    (item,) = json.loads((root / "label" / "000000.json").read_text())
    parts = {
        key: np.array([item["psr"][key][axis] for axis in "xyz"])
        for key in ("position", "scale", "rotation")
    }
    assert parts["rotation"][:2].tolist() == [0, 0]
    return corners(parts["position"], parts["scale"], turn_z(parts["rotation"][2]))


def in_argoverse2(root: Path) -> np.ndarray:
    (row,) = feather.read_table(root / "annotations.feather").to_pylist()
    return corners(
        np.array([row[f"t{axis}_m"] for axis in "xyz"]),
        np.array([row["length_m"], row["width_m"], row["height_m"]]),
        quaternion(*(row[f"q{axis}"] for axis in "wxyz")),
    )


def in_nuscenes(root: Path) -> np.ndarray:
    """Global; size is width, length, height."""
    tables = root / "v1.0-lidar-label"
    (row,) = json.loads((tables / "sample_annotation.json").read_text())
    pose = json.loads((tables / "ego_pose.json").read_text())[0]
    width, length, height = row["size"]
    in_world = corners(
        np.array(row["translation"]), np.array([length, width, height]),
        quaternion(*row["rotation"]),
    )  # fmt: skip
    return (in_world - pose["translation"]) @ quaternion(*pose["rotation"])


def in_openlabel(root: Path) -> np.ndarray:
    found = json.loads((root / "labels.openlabel.json").read_text())["openlabel"]
    (item,) = found["frames"]["0"]["objects"].values()
    x, y, z, qx, qy, qz, qw, *size = item["object_data"]["cuboid"][0]["val"]
    return corners(np.array([x, y, z]), np.array(size), quaternion(qw, qx, qy, qz))


def in_bag(root: Path) -> np.ndarray:
    from rosbags.highlevel import AnyReader
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    from lidar_label.datasets.rosbag_labels import DEFINITIONS

    place = root / "recording.bag" if (root / "recording.bag").exists() else root / "recording"
    store = get_typestore(Stores.ROS1_NOETIC if place.suffix else Stores.ROS2_HUMBLE)
    for name, text in DEFINITIONS.items():
        store.register(get_types_from_msg(text, name))
    with AnyReader([place], default_typestore=store) as reader:
        wanted = [c for c in reader.connections if c.topic == "/labels"]
        (message,) = [reader.deserialize(d, c.msgtype) for c, _, d in reader.messages(wanted)]
    box = message.detections[0].bbox
    at, q = box.center.position, box.center.orientation
    return corners(
        np.array([at.x, at.y, at.z]), np.array([box.size.x, box.size.y, box.size.z]),
        quaternion(q.w, q.x, q.y, q.z),
    )  # fmt: skip


def in_table(root: Path) -> np.ndarray:
    import pandas as pd

    csv = root / "labels.csv"
    table = pd.read_csv(csv) if csv.exists() else pd.read_parquet(root / "labels.parquet")
    row = table.iloc[0]
    size = np.array([row["length"], row["width"], row["height"]])
    return corners(np.array([row["x"], row["y"], row["z"]]), size, turn_z(row["yaw"]))


READERS: dict[str, Callable[[Path], np.ndarray]] = {
    "kitti": in_kitti,
    "kitti-tracking": in_kitti_tracking,
    "kitti-raw": in_kitti_raw,
    "view-of-delft": in_view_of_delft,
    "sustechpoints": in_sustechpoints,
    "argoverse2": in_argoverse2,
    "nuscenes": in_nuscenes,
    "openlabel": in_openlabel,
    "ros1": in_bag,
    "ros2": in_bag,
    "mcap": in_bag,
    **dict.fromkeys(("pcd", "ply", "las", "laz"), in_table),
    "csv": in_table,
    "parquet": in_table,
}


def recording(path: Path) -> Path:
    """One frame: an ego that stands turned in the world, and points on the box's surface."""
    x, y, yaw = EGO
    faces = truth()[np.random.default_rng(0).integers(0, 8, 40)]
    axes = np.array([[0, 0, 1, 1.5], [-1, 0, 0, 0.2], [0, -1, 0, 1.2], [0, 0, 0, 1.0]])
    lens = np.array([[300, 0, 320], [0, 300, 200], [0, 0, 1.0]])
    with RecordingWriter(path, source="asymmetric box") as writer:
        writer.add_lidar("top", np.eye(4))
        writer.add_camera("front", axes, intrinsics=lens, width=640, height=400)
        writer.append_sweep("top", 10**18, faces.astype(np.float32))
        writer.append_image("front", 10**18, folders.png((640, 400)))
        half = yaw / 2
        writer.append_ego(
            np.array([10**18]), np.array([[x, y, 0, np.cos(half), 0, 0, np.sin(half)]])
        )
    return path


def labels() -> Cuboids:
    """The box as our columns have it."""
    return Cuboids.of(np.array([[*CENTRE, *SIZE, YAW]]), time_ns=10**18, category="Car", track_id=1)


def draw(place: Path) -> None:
    """One panel a format: the box from above and from behind, as its file's numbers say."""
    import matplotlib.pyplot as plt

    with tempfile.TemporaryDirectory() as folder:
        drive = recording(Path(folder) / "drive.h5")
        figure, panels = plt.subplots(3, 6, figsize=(15, 7.6), layout="constrained")
        panels[-1, -1].set_axis_off()
        for panel, (form, read) in zip(panels.ravel(), READERS.items(), strict=False):
            export_labels(labels(), drive, form, Path(folder) / form)
            _panel(panel, form, read(Path(folder) / form))
    figure.suptitle("One box, read from each export's file by that format's own definition")
    figure.savefig(place, dpi=80)


def _panel(panel, form: str, found: np.ndarray) -> None:
    ring = [0, 2, 6, 4, 0]
    for points, colour in ((truth(), "#9ca3af"), (found, "#2563eb")):
        width = 5 if colour == "#9ca3af" else 1.5
        panel.plot(-points[ring, 1], points[ring, 0], color=colour, lw=width)
    front, middle = found[:4].mean(axis=0), found.mean(axis=0)
    panel.annotate(
        "", (-front[1], front[0]), (-middle[1], middle[0]),
        arrowprops={"arrowstyle": "->", "color": "#dc2626", "lw": 2},
    )  # fmt: skip
    heights = f"z {found[:, 2].min():.1f} … {found[:, 2].max():.1f} m"
    panel.plot([0], [0], "k^", ms=8)
    panel.text(0.4, -0.2, "ego", fontsize=7)
    panel.text(-7.6, 12.6, heights, fontsize=7)
    panel.set(xlim=(-8, 3), ylim=(-1, 13.5), aspect="equal", title=form, xticks=[], yticks=[])


if __name__ == "__main__":
    draw(DOCS / "formats.png")
