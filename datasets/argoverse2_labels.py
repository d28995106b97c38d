"""Argoverse 2's annotations.feather, read into cuboids and written from them.

One row a cuboid and moment: length_m along the heading, width_m, height_m; unit quaternion
qw qx qy qz = ego_from_box; centre tx_m ty_m tz_m in the ego frame at timestamp_ns.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lidar_label.calibration.transforms import from_quaternion
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.feather import finite, numbers, quaternions, read_feather, texts
from lidar_label.datasets.intake import Tally
from lidar_label.datasets.intake import texts as text_column
from lidar_label.datasets.rotations import from_matrices, to_quaternions
from lidar_label.datasets.track_numbers import track_numbers
from lidar_label.errors import InvalidSource

CLASSES = (
    "ANIMAL", "ARTICULATED_BUS", "BICYCLE", "BICYCLIST", "BOLLARD", "BOX_TRUCK", "BUS",
    "CONSTRUCTION_BARREL", "CONSTRUCTION_CONE", "DOG", "LARGE_VEHICLE", "MESSAGE_BOARD_TRAILER",
    "MOBILE_PEDESTRIAN_CROSSING_SIGN", "MOTORCYCLE", "MOTORCYCLIST", "OFFICIAL_SIGNALER",
    "PEDESTRIAN", "RAILED_VEHICLE", "REGULAR_VEHICLE", "SCHOOL_BUS", "SIGN", "STOP_SIGN",
    "STROLLER", "TRAFFIC_LIGHT_TRAILER", "TRUCK", "TRUCK_CAB", "VEHICULAR_TRAILER", "WHEELCHAIR",
    "WHEELED_DEVICE", "WHEELED_RIDER",
)  # fmt: skip
_SIZE = ("length_m", "width_m", "height_m")
_CENTRE = ("tx_m", "ty_m", "tz_m")
_COLUMNS = ("timestamp_ns", "track_uuid", "category", *_SIZE, "qw", "qx", "qy", "qz", *_CENTRE)
# Our own track numbers as UUIDs of version 8 (RFC 9562: custom), so that they come back.
_NUMBERED, _UNTRACKED = "00000000", "ffffffff"
_OURS = "-8000-8000-"


def read_annotations(path: Path, tally: Tally, times: Sequence[int] | None = None) -> Cuboids:
    """Every row as a cuboid of the ego frame.

    Args:
        path: annotations.feather.
        tally: Counts rows at other times and classes that AV2 does not have.
        times: Of the frames; rows at another time are left out. When None, the file's own times
            in their order are the frames.

    Raises:
        InvalidSource: naming the column or row at fault.
    """
    table = read_feather(path, _COLUMNS)
    time_ns = numbers(path, table, "timestamp_ns").astype(np.int64)
    wanted = np.unique(time_ns) if times is None else np.array(times, dtype=np.int64)
    order = np.argsort(wanted, kind="stable")
    place = np.clip(np.searchsorted(wanted[order], time_ns), 0, max(len(wanted) - 1, 0))
    frame = order[place] if len(wanted) else place
    known = wanted[frame] == time_ns if len(wanted) else np.zeros(len(time_ns), dtype=bool)
    lost = np.unique(time_ns[~known])
    tally.warn(
        f"{{n}} labels at {len(lost)} moments without a sweep are left out", int((~known).sum())
    )
    size = finite(path, table, _SIZE)
    if (size < 0).any():
        row = int(np.argmax((size < 0).any(axis=1)))
        raise InvalidSource(f"{path}: the size of row {row} is {size[row].tolist()}; make it ≥ 0")
    rotation = from_quaternion(np.zeros((len(size), 3)), quaternions(path, table))[:, :3, :3]
    yaw, pitch, roll = from_matrices(rotation)
    uuids = texts(path, table, "track_uuid")
    kept = [uuid for uuid, keep in zip(uuids, known, strict=True) if keep]
    tracks, sources = track_numbers(kept, _number)
    columns = {}
    if "num_interior_pts" in table.column_names:
        columns["num_points"] = numbers(path, table, "num_interior_pts").astype(np.int32)[known]
    if "score" in table.column_names:
        columns["score"] = numbers(path, table, "score").astype(np.float32)[known]
    category = text_column(texts(path, table, "category"))[known]
    boxes = np.column_stack((finite(path, table, _CENTRE), size, yaw))[known]
    listed = set(CLASSES)
    for name in sorted(set(category.tolist()) - listed):
        tally.warn(
            f"{{n}} labels have the class {name!r}, unknown to Argoverse 2",
            int((category == name).sum()),
        )
    return Cuboids.of(
        boxes,
        frame=frame[known],
        time_ns=time_ns[known],
        track_id=tracks,
        source_id=sources,
        category=category,
        pitch=pitch[known],
        roll=roll[known],
        **columns,
    )


def annotation_times(path: Path) -> list[int]:
    """The moments that have labels, in order of time."""
    table = read_feather(path, ("timestamp_ns",))
    return np.unique(numbers(path, table, "timestamp_ns").astype(np.int64)).tolist()


def write_annotations(cuboids: Cuboids, path: Path) -> None:
    """Write annotations.feather; `score` only where there is one."""
    import pyarrow as pa
    from pyarrow import feather

    q = to_quaternions(cuboids.boxes[:, 6], cuboids.pitch, cuboids.roll)
    arrays: dict[str, pa.Array] = {
        "timestamp_ns": pa.array(cuboids.time_ns, type=pa.int64()),
        "track_uuid": pa.array(track_uuids(cuboids), type=pa.string()),
        "category": pa.array(cuboids.category, type=pa.string()),
    }
    arrays |= {name: pa.array(cuboids.boxes[:, 3 + i]) for i, name in enumerate(_SIZE)}
    arrays |= {name: pa.array(q[:, i]) for i, name in enumerate(("qw", "qx", "qy", "qz"))}
    arrays |= {name: pa.array(cuboids.boxes[:, i]) for i, name in enumerate(_CENTRE)}
    arrays["num_interior_pts"] = pa.array(cuboids.num_points.astype(np.int64))
    if np.isfinite(cuboids.score).any():
        arrays["score"] = pa.array(cuboids.score)
    feather.write_feather(pa.table(arrays), str(path))


def track_uuids(cuboids: Cuboids) -> list[str]:
    """The source's ids, or our track numbers in the form of UUIDs; each untracked row its own."""
    return [
        source or (_uuid(_NUMBERED, track) if track >= 0 else _uuid(_UNTRACKED, row))
        for row, (source, track) in enumerate(
            zip(cuboids.source_id.tolist(), cuboids.track_id.tolist(), strict=True)
        )
    ]


def _uuid(mark: str, number: int) -> str:
    return f"{mark}-{number >> 48:04x}{_OURS}{number & (1 << 48) - 1:012x}"


def _number(uuid: str) -> int | None:
    """The track number of a UUID that we made; −1 for a row without a track."""
    mark, high, ours, low = uuid[:8], uuid[9:13], uuid[13:24], uuid[24:]
    if len(uuid) != 36 or ours != _OURS or mark not in (_NUMBERED, _UNTRACKED):
        return None
    try:
        return -1 if mark == _UNTRACKED else int(high, 16) << 48 | int(low, 16)
    except ValueError:
        return None
