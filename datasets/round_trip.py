"""Reads an export back and compares it with what was written, column by column."""

import json
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lidar_label.arrays import Floats, Ints, wrap_angle
from lidar_label.datasets.cloud_export import CLOUD_FORMATS, LABELS
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.export_folder import carries
from lidar_label.datasets.formats import read_labels
from lidar_label.datasets.recording import Recording
from lidar_label.errors import UsageError

# What each export is read back as; COCO and CVAT hold no cuboids.
READ_AS = {
    "kitti": "kitti-object",
    "kitti-tracking": "kitti-tracking",
    "kitti-raw": "kitti-raw",
    "view-of-delft": "view-of-delft",
    "sustechpoints": "sustechpoints",
    "argoverse2": "argoverse2",
    "nuscenes": "nuscenes",
    "openlabel": "openlabel",
    **dict.fromkeys(("ros1", "ros2", "mcap"), "rosbag"),
    **dict.fromkeys((*CLOUD_FORMATS, "csv", "parquet"), ""),  # a table beside
}
_SAME = 1e-8  # metres and radians that a change of frame may cost
_BOX = ("x", "y", "z", "length", "width", "height", "yaw")
_UNITS = {**dict.fromkeys(_BOX[:6], "m"), **dict.fromkeys(("yaw", "pitch", "roll"), "rad")}


@dataclass(frozen=True)
class Difference:
    """How one column came back.

    Attributes:
        column: Its name; `cuboids` for rows that came back or not.
        carried: Rows that say something in it.
        differ: Those of them that came back with something else.
        largest: Of the differences of numbers, also of those that count as the same; None of words.
        unit: Of `largest`.
        told: Whether NOT_EXPORTED.txt has a line on the column.
    """

    column: str
    carried: int
    differ: int
    largest: float | None
    unit: str
    told: bool


def check_holds_cuboids(form: str) -> None:
    """Refuse a format from which no cuboids can be read back.

    Raises:
        UsageError: naming it.
    """
    if form not in READ_AS:
        raise UsageError(f"{form} holds 2D boxes only, no cuboids to read back; leave --check out")


def read_back(directory: Path, form: str, recording: Recording | None) -> Cuboids:
    """The cuboids of an export that was written in format `form`, one of `READ_AS`."""
    table = "labels.parquet" if form == "parquet" else LABELS
    path = directory if READ_AS[form] else directory / table
    return read_labels(path, recording, READ_AS[form] or None)[0]


def differences(written: Cuboids, back: Cuboids, lost: Iterable[str] = ()) -> list[Difference]:
    """One row a column; rows are paired within their frame, nearest to nearest.

    Args:
        written: What was exported.
        back: What was read.
        lost: The lines of NOT_EXPORTED.txt.
    """
    told = {line.split(":")[0].split(" ")[0] for line in lost}
    told |= {"attributes"} if "attribute" in told else set()
    told |= set(_BOX) if any(line.startswith("x y z") for line in lost) else set()
    ours, theirs = _pairs(written, back)
    missing = len(written) - len(ours) + len(back) - len(theirs)
    rows = [Difference("cuboids", len(written), missing, None, "", "cuboids" in told)]
    a, b = written.select(ours), back.select(theirs)
    for name in (*_BOX, "pitch", "roll", "time_ns", "score", "num_points", "residual", "velocity"):
        rows.append(_of_numbers(name, a, b, told))
    for name in ("track_id", "category", "source_id", "reason", "attributes"):
        rows.append(_of_words(name, a, b, told))
    return rows


def table(rows: Sequence[Difference]) -> list[str]:
    """The rows as lines for people."""
    lines = [f"{'column':<12} {'carried':>8} {'differ':>8}  largest"]
    for row in rows:
        largest = "" if row.largest is None else f"{row.largest:.2g} {row.unit}".rstrip()
        note = (
            "" if not row.differ else "  (told)" if row.told else "  NOT TOLD in NOT_EXPORTED.txt"
        )
        lines.append(f"{row.column:<12} {row.carried:>8} {row.differ:>8}  {largest}{note}".rstrip())
    return lines


def _pairs(written: Cuboids, back: Cuboids) -> tuple[Ints, Ints]:
    """Rows of both that are one cuboid: in each frame the pairs with the least differences."""
    from scipy.optimize import linear_sum_assignment

    ours: list[int] = []
    theirs: list[int] = []
    for frame in np.intersect1d(written.frame, back.frame).tolist():
        a, b = np.flatnonzero(written.frame == frame), np.flatnonzero(back.frame == frame)
        apart = np.abs(written.boxes[a, None, :6] - back.boxes[None, b, :6]).sum(axis=2)
        # Of equal boxes the one with the same track, else the one in the same place of the file.
        apart += 1e-6 * (written.track_id[a, None] != back.track_id[None, b])
        apart += 1e-9 * np.abs(np.arange(len(a))[:, None] - np.arange(len(b))[None])
        first, second = linear_sum_assignment(apart)
        ours += a[first].tolist()
        theirs += b[second].tolist()
    return np.array(ours, dtype=np.int64), np.array(theirs, dtype=np.int64)


def _of_numbers(name: str, a: Cuboids, b: Cuboids, told: set[str]) -> Difference:
    carried = carries(a)[name] if name in carries(a) else np.ones(len(a), dtype=np.bool_)
    apart = _apart(name, a, b)[carried]
    same = _SAME if name in _UNITS else 0.0
    return Difference(
        column=name,
        carried=int(carried.sum()),
        differ=int((apart > same).sum()),
        largest=float(apart.max(initial=0)) if np.isfinite(apart).all() else None,
        unit=_UNITS.get(name, ""),
        told=name in told,
    )


def _apart(name: str, a: Cuboids, b: Cuboids) -> Floats:
    """(N,) how far the numbers of a column are apart, inf where only one of them is known."""
    one, other = (
        c.boxes[:, _BOX.index(name)] if name in _BOX else getattr(c, name) for c in (a, b)
    )
    apart = np.abs((one - other).astype(np.float64))
    if _UNITS.get(name) == "rad":
        apart = np.abs(wrap_angle(apart))
    apart = np.where(np.isnan(one) & np.isnan(other), 0.0, apart)
    apart = np.where(np.isnan(apart), np.inf, apart)
    return apart if apart.ndim == 1 else apart.max(axis=1)


def _of_words(name: str, a: Cuboids, b: Cuboids, told: set[str]) -> Difference:
    one, other = getattr(a, name).tolist(), getattr(b, name).tolist()
    carried = [value not in ("", -1) for value in one]
    same = _kept if name == "attributes" else operator.eq
    differ = sum(c and not same(x, y) for c, x, y in zip(carried, one, other, strict=True))
    return Difference(name, sum(carried), differ, None, "", name in told)


def _kept(written: str, back: str) -> bool:
    """Whether a row's attributes came back; a reader may add what the format says beside them."""
    try:
        ours, theirs = json.loads(written), json.loads(back or "{}")
    except json.JSONDecodeError:
        return written == back
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return written == back
    return all(key in theirs and theirs[key] == value for key, value in ours.items())
