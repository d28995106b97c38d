"""Tracks laid against the points of their objects: one measured size, each box on its faces.

What is opaque is moved so that the faces that the sensor sees lie where its beams stopped; what
stands is laid against the points of all frames together. Sizes are what was seen from end to end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Mask, wrap_angle
from lidar_label.calibration.transforms import invert
from lidar_label.kernels import box_alignment as at
from lidar_label.kernels.packed_points import percentiles
from lidar_label.ontology import LabelClass, Ontology, road_ontology
from lidar_label.track_smoothing import Paths
from lidar_label.track_stream import Stream, move_boxes, turn_back
from lidar_label.track_surroundings import Surroundings

_MARGIN = 0.4  # metres around a box in which its points may lie; people and cycles: half
_FEWEST = 5  # points that say something
_MANY = 20  # points that show an end
_FEWEST_LOOKS = 4  # that say how long a side is
_AGREE = 0.12  # metres by which half of them may fall short of the longest: no end was hidden
_MOST = 0.65  # share of them that agrees where strangers are told
_FAIR = 0.25  # sine of the angle at which a side is seen well enough to be measured
_HIGHEST_SHARE = 90  # percentile of what single frames show: strays lie above, hidden parts below
_SIZE_SD = 0.05  # metres, of a side seen from end to end
_LOW_GROUND = 10  # percentile of the ground's height below an object's points
_TOP_RANGE = 40.0  # metres within which beams lie close enough to show the top
_PLACE_SD, _YAW_SD = 0.3, 0.1  # of a detection, metres and radians
_PATH_SHARE = 0.5  # and of a smoothed path, as a share of it
_SHARPER = 0.5  # share of a detection's noise that is left in a box laid against its points
_MOST_POINTS = 800  # of what stands, of all frames together
_END = 0.2  # share of the length that is the front or the rear end
_END_POINTS = 10
_STEP = 0.12  # metres by which the rear is higher than the front, at least


@dataclass(frozen=True, eq=False)
class Looks:
    """Points of V boxes of tracks, each as its box sees them.

    Attributes:
        row: (V,) row of the paths.
        start: (V + 1,) points of look v are start[v]:start[v + 1].
        points: (P, 5) columns of `kernels.box_alignment`.
        fair: (V, 2) sine of the angle at which the length's and the width's side is seen.
        away: (V,) metres from the sensor.
        waist: (V,) metres above ground up to which points show the sides.
        rise: (V,) metres from the box's bottom up to the lowest ground below its points.
    """

    row: Ints
    start: Ints
    points: Floats32
    fair: Floats
    away: Floats
    waist: Floats
    rise: Floats


def refit(
    stream: Stream,
    track_of: Ints,
    paths: Paths,
    surroundings: Surroundings,
    human: Mask,
    ontology: Ontology | None = None,
) -> tuple[Stream, Floats]:
    """Lay all tracks against their points.

    Args:
        stream: Detections of all frames.
        track_of: (N,) track 0…T − 1 of each, −1 for none.
        paths: These tracks, smoothed.
        surroundings: Points of all frames.
        human: (N,) boxes of people, which stay.
        ontology: What is opaque, and the sizes of classes.

    Returns:
        The stream with the tracks' detections moved, and (T, 3) sizes.
    """
    names = _classes_of(stream, track_of, len(paths.group), ontology or road_ontology())
    solid = _are_solid(names)
    size = paths.boxes[paths.start[:-1], 3:6].copy()
    waist = np.where(solid, at.WAIST * size[:, 2], np.inf)
    looks = look(stream, paths, surroundings, np.where(solid, _MARGIN, _MARGIN / 2), waist)
    boxes = paths.boxes.copy()
    track = paths.track
    for _ in range(2):
        extent = at.extents(looks.start, looks.points, looks.waist)
        size = measured_sizes(looks, extent, paths, size, names, solid)
        moved = _aligned(looks, extent, size, track[looks.row], paths.still, solid)
        looks = replace(looks, points=at.move(looks.start, looks.points, moved))
        boxes[looks.row] = _shifted(boxes[looks.row], moved)
    boxes[:, 3:6] = size[track]
    boxes = _facing_ahead(looks, boxes, paths, size, names)
    ground = _ground_below(looks, paths, solid)
    return _taken_over(stream, paths, looks.row, boxes, ground, human), size


def look(
    stream: Stream, paths: Paths, surroundings: Surroundings, margin: Floats, waist: Floats
) -> Looks:
    """The points in and about all boxes of the paths; `margin` and `waist` (T,) metres."""
    order = np.argsort(paths.place, kind="stable")
    place = paths.place[order]
    bounds = np.searchsorted(place, np.arange(len(stream.frames) + 1))
    poses = stream.world_from_ego[place]
    ego = move_boxes(invert(poses), paths.boxes[order])
    speed = turn_back(poses, paths.velocity[order]).astype(np.float64)
    margins, waists = margin[paths.track[order]], waist[paths.track[order]]
    seen: list[Floats32] = [np.zeros((0, at.LOOK), dtype=np.float32)]
    counts = np.zeros(len(order), dtype=np.int64)
    lowest = np.full(len(order), np.nan)
    for frame in np.unique(place).tolist():
        rows = slice(bounds[frame], bounds[frame + 1])
        start, points, ground = surroundings.look(
            frame, ego[rows], margins[rows], waists[rows], speed[rows]
        )
        seen.append(points)
        counts[rows] = np.diff(start)
        lowest[rows] = percentiles(start, ground, _LOW_GROUND)
    points = np.concatenate(seen)
    first = np.cumsum(counts) - counts
    order_of = np.empty_like(order)
    order_of[order] = np.arange(len(order))
    mine = order_of[counts[order_of] >= _FEWEST]  # in order of the paths again
    start, own = at.take(points, first[mine], counts[mine])
    sight = ego[mine, :2] - surroundings.sensor
    away = np.maximum(np.hypot(*sight.T), 1e-3)
    across = np.abs(np.sin(np.arctan2(sight[:, 1], sight[:, 0]) - ego[mine, 6]))
    fair = np.column_stack((across, np.sqrt(1 - across**2)))
    rise = lowest[mine] - (ego[mine, 2] - ego[mine, 5] / 2)
    return Looks(order[mine], start, own, fair, away, waists[mine], rise)


def measured_sizes(
    looks: Looks,
    extent: Floats,
    paths: Paths,
    size: Floats,
    names: Sequence[LabelClass | None],
    solid: Mask,
) -> Floats:
    """(T, 3) sizes: what was seen from end to end where a side was, else at least what was seen."""
    track = paths.track[looks.row]
    count = np.diff(looks.start)
    spans = np.column_stack(
        (
            extent[:, at.HIGH_U] - extent[:, at.LOW_U],
            extent[:, at.HIGH_V] - extent[:, at.LOW_V],
            extent[:, at.TOP],
        )
    )
    result = size.copy()
    for t in np.unique(track).tolist():
        mine = (track == t) & (count >= _MANY)
        label = names[t]
        for axis in range(3):
            good = mine & (looks.fair[:, axis] > _FAIR if axis < 2 else looks.away < _TOP_RANGE)
            good &= np.isfinite(spans[:, axis])
            if good.sum() < _FEWEST_LOOKS:
                continue
            own = _without_strangers(spans[good, axis], label, axis)
            middle, seen = np.percentile(own, (50, _HIGHEST_SHARE)).tolist()
            whole = seen - middle < _AGREE and (axis == 2 or bool(solid[t]))
            result[t, axis] = _agreed(seen, whole, float(size[t, axis]), label, axis)
    return result


def _without_strangers(spans: Floats, label: LabelClass | None, axis: int) -> Floats:
    """Spans of one side without those in which a wall or a hedge beside it came into view.

    They are told where most looks agree on a length that the class has, and few go beyond; looks at
    ends that are hidden by turns do not agree.
    """
    middle = float(np.median(spans))
    short = label is not None and middle < label.size_mean[axis] - label.size_sd[axis]
    if short or (np.abs(spans - middle) < _AGREE).mean() < _MOST:
        return spans
    return spans[spans < middle + _AGREE]


def _agreed(seen: float, whole: bool, before: float, label: LabelClass | None, axis: int) -> float:
    """One side's length by what was seen of it, the class's spread against strays and hidden ends.

    Where an end was hidden, or much less was seen than the class has, it is at least that.
    """
    mean, sd = (label.size_mean[axis], label.size_sd[axis]) if label else (np.nan, np.nan)
    if not (whole and seen >= mean - 2.5 * sd):
        return max(min(seen, mean + 2 * sd) if label else seen, before)
    seen = min(seen, mean + 3 * sd)
    trust = sd**2 / (sd**2 + _SIZE_SD**2)
    return mean + trust * (seen - mean)


def _aligned(
    looks: Looks, extent: Floats, size: Floats, track: Ints, still: Mask, solid: Mask
) -> Floats:
    """(V, 3) moves of all boxes; those of what stands are one move from all frames' points.

    Points say where the faces of what is solid are; all else stays.
    """
    moved = np.zeros((len(track), 3))
    moving = np.flatnonzero(solid[track] & ~still[track])
    start, points = _points_of(looks, moving, moving + 1)
    flat = np.ascontiguousarray(size[track[moving], :2])
    place_sd, yaw_sd = _PLACE_SD * _PATH_SHARE, _YAW_SD * _PATH_SHARE
    moved[moving] = at.align(start, points, flat, place_sd, yaw_sd, extent[moving])
    names, first = np.unique(track, return_index=True)
    behind = np.append(first, len(track))[1:]
    standing = np.flatnonzero(solid[names] & still[names])
    start, points = _points_of(looks, first[standing], behind[standing])
    flat = np.ascontiguousarray(size[names[standing], :2])
    extent = at.extents(start, points, looks.waist[first[standing]])
    whole = at.align(start, points, flat, _PLACE_SD, _YAW_SD, extent, _MOST_POINTS)
    for k, move in zip(standing.tolist(), whole, strict=True):
        moved[first[k] : behind[k]] = move
    return moved


def _points_of(looks: Looks, first: Ints, behind: Ints) -> tuple[Ints, Floats32]:
    """The points of looks first[k] up to behind[k] as one, of all k in turn; see `at.take`."""
    begin = looks.start[first]
    return at.take(looks.points, begin, looks.start[behind] - begin)


def _shifted(boxes: Boxes, moved: Floats) -> Boxes:
    """(V, 7) boxes moved along, across and round."""
    cos, sin = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    result = boxes.copy()
    result[:, 0] += cos * moved[:, 0] - sin * moved[:, 1]
    result[:, 1] += sin * moved[:, 0] + cos * moved[:, 1]
    result[:, 6] = wrap_angle(boxes[:, 6] + moved[:, 2])
    return result


def _facing_ahead(
    looks: Looks, boxes: Boxes, paths: Paths, size: Floats, names: Sequence[LabelClass | None]
) -> Boxes:
    """Boxes of standing cars and vans turned round where the end behind is the lower one.

    A bonnet is lower than a tailgate, a boot and a hold, wherever both ends have been seen.
    """
    track = paths.track[looks.row]
    result = boxes.copy()
    for t in np.flatnonzero(paths.still).tolist():
        label = names[t]
        mine = np.flatnonzero(track == t)
        if label is None or label.name not in ("car", "van") or len(mine) == 0:
            continue
        points = looks.points[looks.start[mine[0]] : looks.start[mine[-1] + 1]]
        inner = np.abs(points[:, at.V]) < 0.35 * size[t, 1]
        along = points[:, at.U] / size[t, 0]
        tops: list[float] = []
        for side in (1, -1):
            end = inner & (side * along > 0.5 - _END) & (side * along < 0.5)
            if end.sum() >= _END_POINTS:
                tops.append(float(np.percentile(points[end, at.HEIGHT], 90)))
        if len(tops) == 2 and tops[0] > tops[1] + _STEP:
            rows = slice(paths.start[t], paths.start[t + 1])
            result[rows, 6] = wrap_angle(result[rows, 6] + np.pi)
    return result


def _ground_below(looks: Looks, paths: Paths, solid: Mask) -> Floats:
    """(M,) height in the world of the lowest ground below what stands and is solid, else infinite.

    Vehicles stand in the gutter beside kerbs, verges and hedges, where the ground is estimated too
    high from all that is about: the lowest below the points of one is nearest to its wheels.
    """
    own = (paths.still & solid)[paths.track[looks.row]]
    row = looks.row[own]
    ground = np.full(len(paths.place), np.inf)
    ground[row] = paths.boxes[row, 2] - paths.boxes[row, 5] / 2 + looks.rise[own]
    return ground


def _taken_over(
    stream: Stream, paths: Paths, seen: Ints, boxes: Boxes, ground: Floats, human: Mask
) -> Stream:
    """The stream with its detections replaced by the boxes of their tracks where points were."""
    has_points = np.zeros(len(paths.place), dtype=np.bool_)
    has_points[seen] = True
    rows = np.flatnonzero((paths.detection >= 0) & has_points)
    rows = rows[~human[paths.detection[rows]]]
    detection = paths.detection[rows]
    world = stream.boxes.copy()
    bottom = world[detection, 2] - world[detection, 5] / 2
    bottom = np.minimum(bottom, ground[rows])  # else it stays: it stands on the ground
    world[detection] = boxes[rows]
    world[detection, 2] = bottom + boxes[rows, 5] / 2
    deviation = stream.deviation.copy()
    deviation[detection] *= _SHARPER
    return replace(stream, boxes=world, deviation=deviation)


def solid_tracks(
    stream: Stream, track_of: Ints, count: int, ontology: Ontology | None = None
) -> Mask:
    """(T,) tracks of things on whose faces beams stop."""
    return _are_solid(_classes_of(stream, track_of, count, ontology or road_ontology()))


def _are_solid(names: Sequence[LabelClass | None]) -> Mask:
    return np.array([label is not None and label.opaque > 0.5 for label in names], dtype=np.bool_)


def _classes_of(
    stream: Stream, track_of: Ints, count: int, ontology: Ontology
) -> list[LabelClass | None]:
    """The class that most of each track's detections name."""
    rows = np.flatnonzero(track_of >= 0)
    names, code = np.unique(stream.detections.category[rows].astype(str), return_inverse=True)
    if len(names) == 0:
        return [None] * count
    votes = np.zeros((count, len(names)))
    np.add.at(votes, (track_of[rows], code), 1.0)
    known = [ontology.find(name) for name in names]
    return [known[k] for k in votes.argmax(axis=1)]
