"""KITTI raw's labels, tracklet_labels.xml: one size and class a tracklet, a pose a frame, no ids.

tx ty tz is the centre of the box's bottom face in the Velodyne's frame, rz the yaw about +z from
+x, h w l the sizes: run_demoTracklets.m and tracklets.h of the raw devkit (Geiger et al., IJRR
2013).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import numpy as np

from lidar_label.arrays import Floats, Ints
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.intake import Tally, read_text, texts
from lidar_label.datasets.kitti import note_classes
from lidar_label.datasets.kitti_labels import Seen
from lidar_label.errors import InvalidSource

FILE = "tracklet_labels.xml"
CLASSES = (
    "Car", "Van", "Truck", "Pedestrian", "Person (sitting)", "Cyclist", "Tram", "Misc",
)  # fmt: skip
# What tracklets.h allows; kept in a label's attributes by these names.
STATES = {"state": (0, 1, 2), "occlusion": (-1, 0, 1, 2), "truncation": (-1, 0, 1, 2, 99)}
_LABELLED, _UNSET, _NOT_WHOLE = 2, -1, 1
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")  # XML has no place for them
_SIZES, _PLACES = ("l", "w", "h"), ("tx", "ty", "tz", "rx", "ry", "rz")


def read_tracklets(path: Path, tally: Tally, frames: Sequence[int] | None = None) -> Cuboids:
    """Read the file; a tracklet's place in it is its track.

    Args:
        path: The file.
        tally: Counts what is odd.
        frames: Number of each frame's files; poses of others are left out. None: number n is
            frame n.

    Raises:
        InvalidSource: naming the file and the tracklet that does not read.
    """
    text = read_text(path).replace('standalone="true"', 'standalone="yes"', 1)  # KITTI's own
    if "<!ENTITY" in text:
        raise InvalidSource(f"{path}: defines entities, which tracklets have none of; remove them")
    try:
        root = ET.fromstring(text)  # noqa: S314  # entities are refused above
    except (ET.ParseError, ValueError) as error:
        raise InvalidSource(f"{path}: is no XML ({error}); copy it again") from error
    places = None if frames is None else {number: place for place, number in enumerate(frames)}
    boxes: list[list[float]] = []
    columns: list[tuple[int, int, str, str]] = []
    for track, item in enumerate(root.findall("tracklets/item")):
        where = f"{path}, tracklet {track}"
        size = [_number(item, key, where) for key in _SIZES]
        category = item.findtext("objectType") or ""
        first = _whole(item, "first_frame", where)
        for number, pose in enumerate(item.findall("poses/item"), start=first):
            frame = number if places is None else places.get(number)
            if frame is None or not 0 <= frame < 2**31:
                tally.warn("{n} labels belong to frames without a sweep and are left out")
                continue
            x, y, z, roll, pitch, yaw = (_number(pose, key, where) for key in _PLACES)
            tally.warn("{n} labels are tilted by rx or ry, which is not read", int(roll or pitch))
            boxes.append([x, y, z + size[2] / 2, *size, yaw])
            columns.append((frame, track, category, _kept(pose)))
    labels = Cuboids.of(
        np.array(boxes, dtype=np.float64).reshape(-1, 7),
        frame=[row[0] for row in columns],
        track_id=[row[1] for row in columns],
        category=texts(row[2] for row in columns),
        attributes=texts(row[3] for row in columns),
    )
    note_classes(tally, labels, CLASSES)
    return labels.select(np.argsort(labels.frame, kind="stable"))


def write_tracklets(cuboids: Cuboids, seen: Sequence[Seen | None], path: Path) -> list[str]:
    """Write a tracklet for each run of frames in which a track has one size and class.

    Args:
        cuboids: In the Velodyne's frame.
        seen: Per row what the camera sees of it, None where it does not.
        path: The file.

    Returns:
        Lines on what was lost.
    """
    order = np.lexsort((cuboids.frame, cuboids.track_id))
    runs = np.split(order, np.flatnonzero(_breaks(cuboids.select(order))))
    runs = [run for run in runs if len(run)]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in _lines(cuboids, seen, runs))
    names = cuboids.category.tolist()
    lost = [
        f"category {name!r}: written as {_printable(name)!r}, {names.count(name)} rows"
        for name in sorted({name for name in names if _printable(name) != name})
    ]
    for key in STATES:
        named = [text for text in cuboids.attributes.tolist() if f'"{key}"' in text]
        odd = sum(key not in kept_attributes(text) for text in named)
        if odd:
            lost.append(f"attribute {key!r}: {odd} rows hold no value that KITTI has; replaced")
    tracked = cuboids.track_id >= 0
    split = len(runs) - len(np.unique(cuboids.track_id[tracked])) - int((~tracked).sum())
    if split:
        lost.append(
            f"track_id: gaps and changes of size or class cut tracks into {split} more tracklets"
        )
    return lost


def kept_attributes(text: str) -> dict[str, int]:
    """Those of a row's attributes that a pose has a place for, with values that it allows."""
    try:
        found: Any = json.loads(text) if text else {}
    except json.JSONDecodeError:
        return {}
    if not isinstance(found, dict):
        return {}
    known: Mapping[str, Any] = found
    return {
        key: known[key]
        for key, allowed in STATES.items()
        if type(known.get(key)) is int and known[key] in allowed
    }


def _breaks(rows: Cuboids) -> Ints:
    """(N,) 1 where a tracklet begins, of rows in order of track and frame."""
    new = np.ones(len(rows), dtype=np.int64)
    if len(rows) > 1:
        follows = (rows.track_id[1:] >= 0) & (np.diff(rows.track_id) == 0)
        follows &= np.diff(rows.frame.astype(np.int64)) == 1
        follows &= (np.diff(rows.boxes[:, 3:6], axis=0) == 0).all(axis=1)
        follows &= (rows.category[1:] == rows.category[:-1]).astype(np.bool_)
        new[1:] = ~follows
    return new


def _lines(cuboids: Cuboids, seen: Sequence[Seen | None], runs: Sequence[Ints]) -> Iterator[str]:
    """The file; as boost writes it, an element's class stands where it comes first."""
    names, attributes = cuboids.category.tolist(), cuboids.attributes.tolist()
    yield '<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>'
    yield "<!DOCTYPE boost_serialization>"
    yield '<boost_serialization signature="serialization::archive" version="9">'
    yield '<tracklets class_id="0" tracking_level="0" version="0">'
    yield f"\t<count>{len(runs)}</count>\n\t<item_version>1</item_version>"
    for i, run in enumerate(runs):
        length, width, height = cuboids.boxes[run[0], 3:6].tolist()
        yield f"\t<item{_first(i, 1, 1)}>"
        yield f"\t\t<objectType>{escape(_printable(names[run[0]]))}</objectType>"
        yield f"\t\t<h>{height!r}</h>\n\t\t<w>{width!r}</w>\n\t\t<l>{length!r}</l>"
        yield f"\t\t<first_frame>{cuboids.frame[run[0]]}</first_frame>"
        yield f"\t\t<poses{_first(i, 2, 0)}>\n\t\t\t<count>{len(run)}</count>"
        yield "\t\t\t<item_version>1</item_version>"
        for j, row in enumerate(run.tolist()):
            tags = _pose(cuboids.boxes[row], seen[row], attributes[row])
            content = "".join(f"<{key}>{value!r}</{key}>" for key, value in tags.items())
            yield f"\t\t\t<item{_first(i + j, 3, 1)}>{content}</item>"
        yield "\t\t</poses>\n\t\t<finished>1</finished>\n\t</item>"
    yield "</tracklets>\n</boost_serialization>"


def _first(i: int, kind: int, version: int) -> str:
    return "" if i else f' class_id="{kind}" tracking_level="0" version="{version}"'


def _pose(box: Floats, view: Seen | None, attributes: str) -> dict[str, float | int]:
    kept = kept_attributes(attributes)
    x, y, z, _, _, height, yaw = box.tolist()
    whole = view is not None and view.truncated == 0
    return {
        **{"tx": x, "ty": y, "tz": z - height / 2, "rx": 0, "ry": 0, "rz": yaw},
        "state": kept.get("state", _LABELLED),
        "occlusion": kept.get("occlusion", _UNSET if view is None else view.occluded),
        "occlusion_kf": 0,
        "truncation": kept.get("truncation", 0 if whole else _NOT_WHOLE),
    }


def _kept(pose: ET.Element) -> str:
    found: dict[str, int] = {}
    for key, allowed in STATES.items():
        text = (pose.findtext(key) or "").strip()
        if text.lstrip("-").isdecimal() and len(text) < 4 and int(text) in allowed:
            found[key] = int(text)
    return json.dumps(found) if found else ""


def _printable(name: str) -> str:
    return _UNPRINTABLE.sub("_", name)


def _number(item: ET.Element, key: str, where: str) -> float:
    text = (item.findtext(key) or "").strip()
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InvalidSource(f"{where}: {key} is {text[:40]!r}, no finite number; correct it")
    return value


def _whole(item: ET.Element, key: str, where: str) -> int:
    value = _number(item, key, where)
    if value != int(value) or not 0 <= value < 2**31:
        raise InvalidSource(f"{where}: {key} is {value:g}; give a frame's number, from 0")
    return int(value)
