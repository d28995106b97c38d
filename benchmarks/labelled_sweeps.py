"""The labelled sweeps of a folder of public samples, read just far enough to measure proposals."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Floats32, Mask, Strings
from lidar_label.errors import UsageError
from lidar_label.kernels.boxes import count_points_in_boxes

View = Callable[[Floats], Mask]


@dataclass(frozen=True)
class LabelledSweep:
    """One sweep with what people labelled in it.

    Attributes:
        name: Sensor and number.
        sensor: Which recording set-up it comes from.
        points: (N, 4) x y z intensity.
        boxes: (T, 7) labelled boxes.
        category: (T,) as the source spells it.
        labelled: Which places (M, 3) people looked at; the label sets of KITTI and View of Delft
            end at the edge of the camera's image.
    """

    name: str
    sensor: str
    points: Floats32
    boxes: Boxes
    category: Strings
    labelled: View = field(repr=False)

    @property
    def num_points(self) -> NDArray[np.int32]:
        """(T,) points inside each labelled box."""
        return count_points_in_boxes(np.ascontiguousarray(self.points[:, :3]), self.boxes)


def given_sweeps(data: Path | None) -> list[LabelledSweep]:
    """The labelled sweeps below the folder that a benchmark was given.

    Raises:
        UsageError: if there is none.
    """
    sweeps = list(labelled_sweeps(data)) if data else []
    if not sweeps:
        raise UsageError(f"{data}: no labelled sweep; give --data a folder that holds some")
    return sweeps


def labelled_sweeps(data: Path) -> Iterator[LabelledSweep]:
    """Every labelled sweep below `data`, of the sources that are there."""
    for folder, sensor in ((data / "kitti_object", "kitti"), (data / "view_of_delft/lidar", "vod")):
        for path in sorted((folder / "training" / "velodyne").glob("*.bin")):
            yield _kitti(path, sensor)
    for path in sorted((data / "sustechpoints" / "lidar").glob("*.pcd")):
        yield _sustech(path)
    for log in sorted((data / "argoverse2").glob("*/annotations.feather")):
        yield from _argoverse(log.parent)


def _everywhere(places: Floats) -> Mask:
    return np.ones(len(places), dtype=bool)


def _kitti(path: Path, sensor: str) -> LabelledSweep:
    from PIL import Image

    base, stem = path.parent.parent, path.stem
    calibration = {
        key: np.array(values.split(), dtype=np.float64)
        for key, _, values in (
            line.partition(":")
            for line in (base / "calib" / f"{stem}.txt").read_text().splitlines()
            if ":" in line
        )
    }
    rectify, camera = np.eye(4), np.eye(4)
    rectify[:3, :3] = calibration["R0_rect"].reshape(3, 3)
    camera[:3] = calibration["Tr_velo_to_cam"].reshape(3, 4)
    camera_from_lidar = rectify @ camera
    lidar_from_camera = np.linalg.inv(camera_from_lidar)
    projection = calibration["P2"].reshape(3, 4)
    with Image.open(next((base / "image_2").glob(f"{stem}.*"))) as image:
        width = image.width
    boxes: list[list[float]] = []
    category: list[str] = []
    for line in (base / "label_2" / f"{stem}.txt").read_text().splitlines():
        fields = line.split()
        # View of Delft labels a rider twice: as cyclist with the bicycle, and alone.
        if fields[0] == "DontCare" or (sensor == "vod" and fields[0] == "rider"):
            continue
        h, w, length, x, y, z, turn = map(float, fields[8:15])
        centre = lidar_from_camera @ np.array([x, y, z, 1.0])
        boxes.append([centre[0], centre[1], centre[2] + h / 2, length, w, h, -turn - np.pi / 2])
        category.append(fields[0])

    def in_view(places: Floats) -> Mask:
        seen = np.column_stack((places, np.ones(len(places)))) @ camera_from_lidar.T
        image = seen @ projection.T
        with np.errstate(divide="ignore", invalid="ignore"):
            column = image[:, 0] / image[:, 2]
        return (seen[:, 2] > 0.5) & (column >= 0) & (column < width)

    points = np.fromfile(path, dtype=np.float32).reshape(-1, 4)
    return LabelledSweep(
        f"{sensor} {stem}", sensor, points, np.array(boxes), np.array(category, object), in_view
    )


def _sustech(path: Path) -> LabelledSweep:
    label = json.loads((path.parent.parent / "label" / f"{path.stem}.json").read_text())
    boxes = [
        [*(item["psr"][part][axis] for part in ("position", "scale") for axis in "xyz"),
         item["psr"]["rotation"]["z"]]
        for item in label
    ]  # fmt: skip
    category = np.array([item["obj_type"] for item in label], object)
    points = _binary_pcd(path)
    return LabelledSweep(
        f"sustech {path.stem}", "sustech", points, np.array(boxes), category, _everywhere
    )


def _binary_pcd(path: Path) -> Floats32:
    raw = path.read_bytes()
    start = raw.index(b"DATA binary\n") + len(b"DATA binary\n")
    header = dict(
        line.split(" ", 1)
        for line in raw[:start].decode("latin1").splitlines()
        if " " in line and not line.startswith("#")
    )
    columns = zip(
        *(header[key].split() for key in ("FIELDS", "SIZE", "TYPE", "COUNT")), strict=True
    )
    layout: list[Any] = []
    for i, (name, size, kind, count) in enumerate(columns):
        if name != "_":
            layout.append((name, f"{kind.lower()}{size}"))
        elif int(count):
            layout.append((f"gap{i}", f"V{int(count) * int(size)}"))
    rows = np.frombuffer(raw, np.dtype(layout), int(header["POINTS"]), offset=start)
    return np.column_stack([rows[name] for name in ("x", "y", "z", "intensity")]).astype(np.float32)


def _argoverse(log: Path) -> Iterator[LabelledSweep]:
    from pyarrow import feather

    labels = feather.read_table(log / "annotations.feather").to_pydict()
    column = {key: np.array(values) for key, values in labels.items()}
    yaw = np.arctan2(
        2 * (column["qw"] * column["qz"] + column["qx"] * column["qy"]),
        1 - 2 * (column["qy"] ** 2 + column["qz"] ** 2),
    )
    names = ("tx_m", "ty_m", "tz_m", "length_m", "width_m", "height_m")
    boxes = np.column_stack([*(column[name] for name in names), yaw])
    for path in sorted((log / "sensors" / "lidar").glob("*.feather")):
        rows = column["timestamp_ns"] == int(path.stem)
        if not rows.any():
            continue
        table = feather.read_table(path)
        points = np.column_stack(
            [table.column(name).to_numpy() for name in ("x", "y", "z", "intensity")]
        ).astype(np.float32)
        yield LabelledSweep(
            f"av2 {path.stem[-9:]}",
            "av2",
            points,
            boxes[rows],
            column["category"][rows].astype(object),
            _everywhere,
        )
