"""KITTI label lines of the object and tracking sets, read into cuboids and written from them.

Conventions of the files (Geiger et al., CVPR 2012; devkit readme): rectified frame of camera 0,
x right, y down, z forward; x y z is the centre of the box's bottom face; sizes in the order
height width length; `rotation_y` in [−π, π] about the camera's +y, 0 where the object heads along
the camera's +x. Ours: the LiDAR frame is the ego frame, x forward, y left, z up;

    centre = lidar_from_rect · (x y z) + (0 0 height/2),    yaw = −rotation_y − π/2.

The box stands on the LiDAR's z axis, as in the devkits of KITTI's followers and of View-of-Delft.
What a cuboid has no column for (truncated, occluded, alpha, the 2D box) is kept in `attributes`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.arrays import Boxes, Floats, Ints, Transform, wrap_angle
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.intake import read_text, texts
from lidar_label.errors import InvalidSource

CLASSES = (
    "Car", "Van", "Truck", "Pedestrian", "Person_sitting", "Cyclist", "Tram", "Misc", "Person",
)  # fmt: skip
OCCLUDED_FROM = (0.1, 0.5)  # share hidden from which KITTI's "partly" and "largely" are written
_OBJECT_COLUMNS = 15  # type truncated occluded alpha 2D×4 h w l x y z ry; a 16th is the score


@dataclass(frozen=True, eq=False)
class LabelLines:
    """Parsed lines of label files, in their own frame and order.

    Attributes:
        frame: (N,) int64 number of the frame, as the file says or as its name does.
        track_id: (N,) int64, −1 where the set has none.
        category: (N,) str.
        values: (N, 14) truncated occluded alpha left top right bottom h w l x y z ry.
        score: (N,) float32, NaN where the line has none.
    """

    frame: Ints
    track_id: Ints
    category: list[str]
    values: Floats
    score: Floats

    def __len__(self) -> int:
        return len(self.category)


@dataclass(frozen=True)
class Seen:
    """What a camera sees of a cuboid, in KITTI's columns.

    Attributes:
        box_2d: left top right bottom, pixels.
        truncated: Share of the 2D box cut off by the image's edge; −1 unknown.
        occluded: 0 visible, 1 partly, 2 largely hidden, −1 unknown.
    """

    box_2d: tuple[float, ...]
    truncated: float
    occluded: int


_UNSEEN = Seen((-1.0,) * 4, -1, -1)


def read_label_lines(path: Path, *, tracking: bool, frame: int = 0) -> LabelLines:
    """Read one label file of the object set, or of the tracking set with frame and id in front.

    Raises:
        InvalidSource: naming file, line and value of a line with too few columns or no number.
    """
    text = read_text(path)
    front = 2 if tracking else 0
    frames: list[int] = []
    tracks: list[int] = []
    categories: list[str] = []
    rows: list[list[float]] = []
    scores: list[float] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        place = f"{path}, line {number}"
        columns = len(words) - front
        if columns not in (_OBJECT_COLUMNS, _OBJECT_COLUMNS + 1):
            raise InvalidSource(
                f"{place}: {len(words)} columns; KITTI labels have {front + _OBJECT_COLUMNS}, "
                f"or {front + _OBJECT_COLUMNS + 1} with a score"
            )
        frames.append(_whole(words[0], place, "frame") if tracking else frame)
        tracks.append(_whole(words[1], place, "track id") if tracking else -1)
        categories.append(words[front])
        rows.append([_number(word, place) for word in words[front + 1 : front + 15]])
        has_score = columns > _OBJECT_COLUMNS and words[-1] != "nan"
        scores.append(_number(words[-1], place) if has_score else np.nan)
    return LabelLines(
        frame=np.array(frames, dtype=np.int64),
        track_id=np.array(tracks, dtype=np.int64),
        category=categories,
        values=np.array(rows, dtype=np.float64).reshape(-1, 14),
        score=np.array(scores, dtype=np.float64),
    )


def lines_to_cuboids(
    lines: LabelLines, lidar_from_rect: Transform, *, scores: bool = True
) -> tuple[Cuboids, int, int]:
    """Cuboids in the LiDAR frame; the frame column is the lines' own number.

    Args:
        lines: Parsed lines.
        lidar_from_rect: (4, 4) rectified camera frame → LiDAR frame.
        scores: Whether the last column is a score; View-of-Delft's is 1 in every label.

    Returns:
        The cuboids, the number of DontCare lines (2D only), and of lines without a 3D box.
    """
    ignored = np.array([name == "DontCare" for name in lines.category], dtype=bool)
    flat = ~ignored & (lines.values[:, 7:10] < 0).any(axis=1)
    keep = np.flatnonzero(~ignored & ~flat)
    values = lines.values[keep]
    cuboids = Cuboids.of(
        to_boxes(values[:, 10:13], values[:, 7:10], values[:, 13], lidar_from_rect),
        frame=lines.frame[keep],
        track_id=lines.track_id[keep],
        category=texts(lines.category[i] for i in keep),
        score=lines.score[keep].astype(np.float32) if scores else np.float32(np.nan),
        attributes=texts(_attributes(row) for row in values),
    )
    return cuboids, int(ignored.sum()), int(flat.sum())


def to_boxes(
    bottom: Floats, size_hwl: Floats, rotation_y: Floats, lidar_from_rect: Transform
) -> Boxes:
    """(N, 7) boxes in the LiDAR frame of (N, 3) bottom centres, sizes h w l and rotations."""
    boxes = np.empty((len(bottom), 7))
    boxes[:, :3] = bottom @ lidar_from_rect[:3, :3].T + lidar_from_rect[:3, 3]
    boxes[:, 2] += size_hwl[:, 0] / 2
    boxes[:, 3:6] = size_hwl[:, ::-1]
    boxes[:, 6] = wrap_angle(-rotation_y - np.pi / 2)
    return boxes


def from_boxes(boxes: Boxes, rect_from_lidar: Transform) -> tuple[Floats, Floats, Floats]:
    """Bottom centres (N, 3) in the rectified frame, sizes h w l (N, 3), rotation_y (N,)."""
    bottom = boxes[:, :3].copy()
    bottom[:, 2] -= boxes[:, 5] / 2
    bottom = bottom @ rect_from_lidar[:3, :3].T + rect_from_lidar[:3, 3]
    return bottom, boxes[:, [5, 4, 3]], wrap_angle(-boxes[:, 6] - np.pi / 2)


def format_lines(
    cuboids: Cuboids,
    rect_from_lidar: Transform,
    seen: Sequence[Seen | None],
    *,
    tracking: bool,
) -> list[str]:
    """One line a cuboid.

    Sizes are the shortest text that reads back as the same double; places are rounded to 1e-10 m
    and angles to 1e-12 rad, below which the change of frame leaves noise.

    Args:
        cuboids: In the LiDAR frame.
        rect_from_lidar: (4, 4).
        seen: Per row what the camera sees of it, None where it does not; used where `attributes`
            does not hold the source's own.
        tracking: Puts frame and track id in front.
    """
    bottom, size, rotation = from_boxes(cuboids.boxes, rect_from_lidar)
    alpha = wrap_angle(rotation - np.arctan2(bottom[:, 0], bottom[:, 2])).round(6)
    bottom, rotation = bottom.round(10), rotation.round(12)
    with_score = bool(np.isfinite(cuboids.score).any())
    lines: list[str] = []
    for i in range(len(cuboids)):
        kept = kitti_attributes(cuboids.attributes[i])
        view = seen[i] or _UNSEEN
        words: list[Any] = [int(cuboids.frame[i]), int(cuboids.track_id[i])] if tracking else []
        words += [
            as_word(cuboids.category[i]),
            kept.get("truncated", view.truncated),
            kept.get("occluded", view.occluded),
            kept.get("alpha", float(alpha[i])),
            *kept.get("box_2d", view.box_2d),
            *size[i].tolist(),
            *bottom[i].tolist(),
            float(rotation[i]),
        ]
        if with_score:
            words.append(cuboids.score[i])
        lines.append(" ".join(str(word) for word in words))
    return lines


def kitti_attributes(text: str) -> dict[str, Any]:
    """Those of a row's attributes that KITTI has columns for; nothing where they do not fit."""
    try:
        found = json.loads(text) if text else {}
    except json.JSONDecodeError:
        return {}
    if not isinstance(found, Mapping):
        return {}
    kept = {
        key: found[key]
        for key in ("truncated", "occluded", "alpha")
        if isinstance(found.get(key), int | float)
    }
    box: Any = found.get("box_2d")
    if isinstance(box, list) and len(box) == 4 and all(isinstance(v, int | float) for v in box):
        kept["box_2d"] = box
    return kept


def as_word(category: str) -> str:
    """The class as one word: spaces become underscores, an empty name becomes Misc."""
    return "_".join(category.split()) or "Misc"


def unknown_classes(categories: Iterable[str], known: Iterable[str]) -> dict[str, int]:
    """How often each class occurs that the format's own list does not have."""
    listed = set(known)
    found: dict[str, int] = {}
    for category in categories:
        if category not in listed:
            found[category] = found.get(category, 0) + 1
    return found


def _attributes(values: Floats) -> str:
    truncated, occluded, alpha, *box = values[:7].tolist()
    kept = {
        "truncated": int(truncated) if truncated == int(truncated) else truncated,
        "occluded": int(occluded),
        "alpha": alpha,
        "box_2d": box,
    }
    return json.dumps(kept)


def _whole(word: str, place: str, what: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise InvalidSource(f"{place}: {what} {word!r} is not a whole number; correct it") from None


def _number(word: str, place: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise InvalidSource(f"{place}: {word!r} is not a number; correct the line") from None
    if not np.isfinite(value):
        raise InvalidSource(f"{place}: {word} is not a finite number; correct or remove the line")
    return value
