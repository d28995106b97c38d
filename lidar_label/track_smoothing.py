"""One object's boxes over time: one size, a smooth path, a heading that follows the motion.

Paths are smoothed forwards and backwards (Rauch, Tung and Striebel, AIAA Journal 1965); what stands
still gets one place in the world from all frames together.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Ints, Mask, wrap_angle
from lidar_label.kernels import motion
from lidar_label.kernels.motion import smooth_line, smooth_tracks
from lidar_label.ontology import Ontology, road_ontology
from lidar_label.track_stream import Stream
from lidar_label.tracker_config import models_of, noise_of

_HEIGHT_WANDERS = 0.15  # m per √s: roads slope, and poses drift
_SHORT, _LONG = 2, 20  # detections apart, to tell drift from noise
# How exactly, in metres and radians, a path meets the box of a person, which then replaces it.
_CERTAIN = 1e-4
# Detectors err less in height: ground and top are seen, limbs and wheels stick out sideways.
_HEIGHT_SHARE = 1 / 3


@dataclass(frozen=True)
class SmoothingConfig:
    """How much to believe detections and how much motion.

    Attributes:
        size_noise: Metres by which a single size is off by chance.
        static_speed: m/s; tracks whose measured path is slower than this stand still.
        static_drift: m/√s that a standing object may wander in the world because poses drift; None:
            as much as all standing objects of the recording show together.
        acceleration_factor: On the online rules' acceleration: who looks back can be stricter.
        heading_speed: m/s from which the way gone says where something faces.
    """

    size_noise: float = 0.15
    static_speed: float = 0.4
    static_drift: float | None = None
    acceleration_factor: float = 0.5
    heading_speed: float = 0.7


@dataclass(frozen=True, eq=False)
class Paths:
    """T tracks, each with one row for every frame from its first to its last; world frame.

    Attributes:
        start: (T + 1,) rows of track t are start[t]:start[t + 1].
        place: (M,) index of the frame.
        detection: (M,) row of the stream; −1 where there is none.
        boxes: (M, 7).
        velocity: (M, 2) m/s.
        group: (T,) index of the rules.
        still: (T,) stands still.
        drift: m/√s by which the poses drift, as standing objects show.
    """

    start: Ints
    place: Ints
    detection: Ints
    boxes: Boxes
    velocity: Floats
    group: Ints
    still: Mask
    drift: float

    @property
    def track(self) -> Ints:
        """(M,) which track each row belongs to."""
        return np.repeat(np.arange(len(self.group)), np.diff(self.start))


DEFAULT_SMOOTHING = SmoothingConfig()


def deviations(stream: Stream) -> Floats:
    """(N,) factor on a detection's noise: it grows with the distance and with doubt."""
    away = np.linalg.norm(stream.detections.boxes[:, :2], axis=1)
    doubt = 1 / (1 + np.exp(stream.log_odds))
    return (1 + away / 25) * (1 + 2 * doubt) * stream.deviation


def lay_out(stream: Stream, track_of: Ints, extend: int = 0) -> tuple[Ints, Ints, Ints]:
    """Rows of tracks 0…T − 1 over all their frames: start (T + 1,), place (M,), detection (M,)."""
    rows = np.flatnonzero(track_of >= 0)
    place_of = np.searchsorted(stream.start, rows, side="right") - 1
    track = track_of[rows]
    count = int(track.max(initial=-1)) + 1
    frames = len(stream.frames)
    first, last = np.full(count, frames), np.full(count, -1)
    np.minimum.at(first, track, place_of)
    np.maximum.at(last, track, place_of)
    first, last = np.maximum(first - extend, 0), np.minimum(last + extend, frames - 1)
    start = np.concatenate(([0], np.cumsum(last - first + 1))).astype(np.int64)
    place = np.arange(start[-1]) - np.repeat(start[:-1] - first, np.diff(start))
    detection = np.full(start[-1], -1, dtype=np.int64)
    detection[start[track] + place_of - first[track]] = rows
    return start, place.astype(np.int64), detection


def smooth(
    stream: Stream,
    track_of: Ints,
    *,
    human: Mask | None = None,
    config: SmoothingConfig = DEFAULT_SMOOTHING,
    ontology: Ontology | None = None,
    extend: int = 0,
    sizes: Floats | None = None,
) -> Paths:
    """Smooth all tracks.

    Args:
        stream: The detections.
        track_of: (N,) track of each, 0…T − 1 without holes, at most one a frame; −1 for none.
        human: (N,) boxes made by people; their size and place are certain.
        config: See there.
        ontology: For the sizes of classes; the package's road ontology when None.
        extend: Frames to add before the first and after the last detection.
        sizes: (T, 3) where they are known.
    """
    start, place, detection = lay_out(stream, track_of, extend)
    count = len(start) - 1
    track = np.repeat(np.arange(count), np.diff(start))
    seen = detection >= 0
    rows = detection[seen]
    certain = np.zeros(len(stream.boxes), dtype=np.bool_) if human is None else human
    deviation = deviations(stream)
    group = np.zeros(count, dtype=np.int64)
    group[track[seen]] = stream.group[rows]
    weight = np.where(certain[rows], 1e6, 1 / deviation[rows] ** 2)
    error = np.array([rule.size_error for rule in stream.rules])[group]
    size = sizes
    if size is None:
        size = _sizes(stream, track[seen], rows, weight, certain, count, error, config, ontology)
    noise = noise_of(stream.rules)[group]
    noise[:, motion.ACCELERATION] *= config.acceleration_factor
    models = models_of(stream.rules)[group]
    measured = np.zeros((len(place), 3))
    measured[seen] = _anchored(stream, rows, size[track[seen]], certain, ontology)
    variance = np.full((len(place), 3), np.inf)
    factor = np.where(certain[rows], 0, deviation[rows])
    for column, sd in ((0, motion.POSITION), (1, motion.POSITION), (2, motion.HEADING)):
        spread = noise[track[seen], sd] * factor
        variance[seen, column] = np.maximum(spread, _CERTAIN) ** 2
    seconds = stream.seconds[place]
    _distrust_crossways(track, seen, measured, variance)
    still = _stand_still(track, seconds, measured, variance, count, config)
    noise[still, motion.ACCELERATION] = 0
    noise[still, motion.TURN_ACCELERATION] = 0
    noise[still, motion.START_SPEED] = 1e-6
    noise[still, motion.START_TURN] = 1e-6
    drift = pose_drift(track, seconds, measured, variance, still)
    static_drift = drift if config.static_drift is None else config.static_drift
    noise[still, motion.DRIFT] = static_drift
    models[still] = motion.FREE
    first = np.zeros((count, motion.STATE))
    first_seen = np.full(count, len(place), dtype=np.int64)
    np.minimum.at(first_seen, track[seen], np.flatnonzero(seen))
    first[:, :3] = measured[first_seen]
    states, _ = smooth_tracks(start, models, noise, seconds, measured, variance, first)
    free = (models == motion.FREE) & ~still
    if free.any():
        _face_where_it_goes(states, free[track], variance, measured, config)
        states, _ = smooth_tracks(start, models, noise, seconds, measured, variance, first)
    velocity = _velocities(states, models[track], still[track])
    step_s = np.where(np.diff(track, prepend=-1) == 0, np.diff(seconds, prepend=0.0), 0.0)
    yaw = _headings(states, velocity, step_s, size, track, seen, rows, stream, weight)
    height = np.zeros(len(place))
    height[seen] = stream.boxes[rows, 2]
    wander = np.where(still, static_drift, _HEIGHT_WANDERS)
    z = smooth_line(start, seconds, height, variance[:, 0], wander)
    boxes = np.column_stack((states[:, :2], z, size[track], yaw))
    return Paths(start, place, detection, boxes, velocity, group, still, drift)


def _sizes(
    stream: Stream,
    track: Ints,
    rows: Ints,
    weight: Floats,
    certain: Mask,
    count: int,
    error: Floats,
    config: SmoothingConfig,
    ontology: Ontology | None,
) -> Floats:
    """(T, 3) one size a track: the best-seen frames count most, the class's spread as a prior."""
    best = weight**2
    total = np.bincount(track, best, minlength=count)
    counted = total**2 / np.maximum(np.bincount(track, best**2, minlength=count), 1e-300)
    prior, spread = _class_sizes(stream, track, rows, count, ontology or road_ontology())
    by_person = np.bincount(track, certain[rows], minlength=count) > 0
    size = np.empty((count, 3))
    for axis in range(3):
        mean = np.bincount(track, best * stream.boxes[rows, 3 + axis], minlength=count)
        mean = mean / np.maximum(total, 1e-300)
        habit = error if axis < 2 else _HEIGHT_SHARE * error
        doubt = habit**2 + config.size_noise**2 / np.maximum(counted, 1)
        trust = spread[:, axis] ** 2 / (spread[:, axis] ** 2 + doubt)
        trust = np.where(by_person | ~np.isfinite(prior[:, axis]), 1.0, trust)
        known = np.where(np.isfinite(prior[:, axis]), prior[:, axis], mean)
        size[:, axis] = known + trust * (mean - known)
    return size


def _class_sizes(
    stream: Stream, track: Ints, rows: Ints, count: int, ontology: Ontology
) -> tuple[Floats, Floats]:
    """(T, 3) mean and spread of each track's class; NaN where the ontology does not know it."""
    names, code = np.unique(stream.detections.category[rows].astype(str), return_inverse=True)
    votes = np.zeros((count, max(len(names), 1)))
    np.add.at(votes, (track, code), 1.0)
    known = [ontology.find(name) for name in names]
    mean = np.array([label.size_mean if label else [np.nan] * 3 for label in known]).reshape(-1, 3)
    sd = np.array([label.size_sd if label else [1.0] * 3 for label in known]).reshape(-1, 3)
    choice = votes.argmax(axis=1)
    if not len(names):
        return np.full((count, 3), np.nan), np.ones((count, 3))
    return mean[choice], sd[choice]


def _anchored(
    stream: Stream, rows: Ints, size: Floats, certain: Mask, ontology: Ontology | None
) -> Floats:
    """(K, 3) x y yaw of boxes that take on the track's size, their near corner staying in place.

    Beams stop on the near faces of what is opaque, so a box that was too short was so at its far
    end; what beams go through keeps its middle.
    """
    ontology = ontology or road_ontology()
    boxes, poses = stream.boxes[rows], stream.world_from_ego
    place = np.searchsorted(stream.start, rows, side="right") - 1
    sight = boxes[:, :2] - poses[place, :2, 3]
    cos, sin = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    opaque = {}
    for name in set(stream.detections.category[rows].tolist()):
        label = ontology.find(name)
        opaque[name] = label.opaque if label else 0.0
    solid = np.array([opaque[name] for name in stream.detections.category[rows].tolist()])
    solid = np.where(certain[rows], 0.0, solid)
    along = np.clip((cos * sight[:, 0] + sin * sight[:, 1]) / 2, -1, 1) * solid
    across = np.clip((cos * sight[:, 1] - sin * sight[:, 0]) / 2, -1, 1) * solid
    u = along * (size[:, 0] - boxes[:, 3]) / 2
    v = across * (size[:, 1] - boxes[:, 4]) / 2
    return np.column_stack(
        (boxes[:, 0] + cos * u - sin * v, boxes[:, 1] + sin * u + cos * v, boxes[:, 6])
    )


def _distrust_crossways(track: Ints, seen: Mask, measured: Floats, variance: Floats) -> None:
    """Leave out headings that lie across the axis that most of the track agrees on."""
    weight = np.zeros(len(track))
    weight[seen] = 1 / variance[seen, 2]
    double = 2 * measured[:, 2]
    count = int(track.max(initial=-1)) + 1
    c = np.bincount(track, weight * np.cos(double), minlength=count)
    s = np.bincount(track, weight * np.sin(double), minlength=count)
    agreement = np.hypot(c, s) / np.maximum(np.bincount(track, weight, minlength=count), 1e-300)
    across = np.abs(wrap_angle(double - np.arctan2(s, c)[track])) > 2 * np.pi / 3
    variance[across & (agreement > 0.6)[track], 2] = np.inf


def _stand_still(
    track: Ints,
    seconds: Floats,
    measured: Floats,
    variance: Floats,
    count: int,
    config: SmoothingConfig,
) -> Mask:
    """(T,) tracks that a straight line through their places says do not move.

    Seen briefly, the slope of the line is unsure; then moving is not ruled out, and the track is
    still only if its places agree with one point.
    """
    seen = np.isfinite(variance[:, 0])
    w = np.where(seen, 1 / np.where(seen, variance[:, 0], 1.0), 0.0)

    def total(values: NDArray[Any]) -> Floats:
        return np.bincount(track, w * values, minlength=count).astype(np.float64)

    weight = np.maximum(total(np.ones(len(track))), 1e-300)
    middle = total(seconds) / weight
    t = seconds - middle[track]
    lever = np.maximum(total(t * t), 1e-12)
    slope = np.column_stack([total(t * measured[:, axis]) / lever for axis in range(2)])
    speed, unsure = np.hypot(*slope.T), np.sqrt(1 / lever)
    mean = np.column_stack([total(measured[:, axis]) / weight for axis in range(2)])
    off = np.hypot(*(measured[:, :2] - mean[track]).T)
    scatter = np.sqrt(total(off**2 / np.where(seen, variance[:, 0], 1.0)) / weight)
    return (speed < config.static_speed) & (unsure < config.static_speed) & (scatter < 3.0)


def pose_drift(
    track: Ints, seconds: Floats, measured: Floats, variance: Floats, still: Mask
) -> float:
    """How far standing objects seem to wander, m/√s, by what the poses are off.

    The mean square of the change over a long time less that over a short time is drift alone, for
    the noise of the detections is in both (the variogram of a random walk). One standard error is
    taken off, so that where no drift is seen objects are fixed.
    """
    seen = np.isfinite(variance[:, 0]) & still[track]
    per_second = [np.zeros(0)]
    for rows in np.split(np.arange(len(track)), np.flatnonzero(np.diff(track)) + 1):
        used = rows[seen[rows]]
        if len(used) <= _LONG:
            continue
        long_s = seconds[used[_LONG:]] - seconds[used[:-_LONG]]
        short_s = seconds[used[_SHORT : len(used) - _LONG + _SHORT]] - seconds[used[:-_LONG]]
        places = measured[used, :2]
        long_change = ((places[_LONG:] - places[:-_LONG]) ** 2).sum(axis=1)
        short = places[_SHORT : len(used) - _LONG + _SHORT] - places[:-_LONG]
        growth = (long_change - (short**2).sum(axis=1)) / (2 * (long_s - short_s))
        per_second.append(growth[::_LONG])  # changes that share no time
    every = np.concatenate(per_second)
    if len(every) < 3:
        return 0.0
    low = float(every.mean() - every.std(ddof=1) / np.sqrt(len(every)))
    return float(np.sqrt(max(low, 0.0)))


def _face_where_it_goes(
    states: Floats, rows: Mask, variance: Floats, measured: Floats, config: SmoothingConfig
) -> None:
    """Take the way gone as a second measurement of the heading of what walks fast enough."""
    vx, vy = states[:, motion.SPEED], states[:, motion.TURN]
    speed = np.hypot(vx, vy)
    going = rows & (speed > config.heading_speed)
    way = np.arctan2(vy, vx)
    way_variance = (0.3 * config.heading_speed / np.maximum(speed, 1e-3)) ** 2
    held = np.where(np.isfinite(variance[:, 2]), 1 / variance[:, 2], 0.0)
    apart = wrap_angle(2 * (measured[:, 2] - way)) / 2
    fused = way + apart * held / (held + 1 / way_variance)
    measured[going, 2] = fused[going]
    variance[going, 2] = 1 / (held + 1 / way_variance)[going]


def _velocities(states: Floats, model: Ints, still: Mask) -> Floats:
    turning = model == motion.TURNING
    speed = states[:, motion.SPEED]
    x = np.where(turning, speed * np.cos(states[:, motion.YAW]), speed)
    y = np.where(turning, speed * np.sin(states[:, motion.YAW]), states[:, motion.TURN])
    velocity: Floats = np.where(still[:, None], 0.0, np.column_stack((x, y)))
    return velocity


def _headings(
    states: Floats,
    velocity: Floats,
    step_s: Floats,
    size: Floats,
    track: Ints,
    seen: Mask,
    rows: Ints,
    stream: Stream,
    weight: Floats,
) -> Floats:
    """(M,) yaw with one end in front throughout.

    It is where the track goes, if that is further than the object is long (what stands seems to
    creep); else what most detections say.
    """
    yaw = states[:, motion.YAW]
    count = int(track.max(initial=-1)) + 1
    ahead = np.cos(yaw) * velocity[:, 0] + np.sin(yaw) * velocity[:, 1]
    gone = np.bincount(track, ahead * step_s, minlength=count)
    says = np.cos(stream.boxes[rows, 6] - yaw[seen]) * weight
    by_detection = np.bincount(track[seen], says, minlength=count)
    vote = np.where(np.abs(gone) > size[:, 0], gone, by_detection)
    return wrap_angle(yaw + np.where(vote < 0, np.pi, 0.0)[track])
