"""Tracks for labels: known from both ends, pieces joined, one size, smooth, without ghosts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Ints, Mask
from lidar_label.calibration.transforms import invert
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.errors import InvalidLabels
from lidar_label.kernels.following import DOUBT_LOG_ODDS
from lidar_label.point_following import World
from lidar_label.pose_correction import with_corrected_poses
from lidar_label.track_ends import carried_on
from lidar_label.track_lead import led_in
from lidar_label.track_refit import refit, solid_tracks
from lidar_label.track_smoothing import Paths, SmoothingConfig, smooth
from lidar_label.track_stitching import StitchingConfig, doubles, renumber, stitch
from lidar_label.track_stream import Stream, gather, move_boxes, turn_back
from lidar_label.track_surroundings import Surroundings
from lidar_label.tracker_config import DEFAULT_CONFIG, TrackerConfig, from_log_odds, log_odds
from lidar_label.tracking import run, with_score

_DRIFT_LEFT = 0.3  # share of the poses' drift that correcting them leaves


@dataclass(frozen=True)
class RefinementConfig:
    """What becomes of tracks when all frames are known.

    Attributes:
        smoothing: Sizes, paths and headings.
        stitching: Pieces of one object.
        birth_factor: On the online rules' birth score: who looks back can begin tracks on less.
        min_score: Tracks of a lower score are ghosts and left out.
        min_detections: Tracks with fewer detections are left out, unless a person made one.
        pose_rounds: How often the poses are corrected by what stands still; 0 believes them.
        extend: Frames to go on before the first and after the last detection.
    """

    smoothing: SmoothingConfig = field(default_factory=SmoothingConfig)
    stitching: StitchingConfig = field(default_factory=StitchingConfig)
    birth_factor: float = 0.5
    min_score: float = 0.3
    min_detections: int = 3
    pose_rounds: int = 1
    extend: int = 0


DEFAULT_REFINEMENT = RefinementConfig()


def track_offline(
    detections: Sequence[Cuboids],
    world_from_ego: NDArray[Any] | None = None,
    config: TrackerConfig = DEFAULT_CONFIG,
    refinement: RefinementConfig = DEFAULT_REFINEMENT,
    *,
    surroundings: Surroundings | None = None,
) -> Cuboids:
    """Track with all frames known: `tracking.track`'s association, then `refine`.

    Args:
        detections: One `Cuboids` a frame, see `track`.
        world_from_ego: (F, 4, 4) or (F, 7); None: the ego stood still.
        config: Rules of the classes.
        refinement: What becomes of the tracks.
        surroundings: The points of all frames, against which boxes are then laid.

    Returns:
        Boxes with `track_id` in order of track and frame; see `refine`.
    """
    eager = replace(
        config,
        groups=tuple(
            replace(
                rules,
                hits=1,
                birth_score=rules.keep_score
                + refinement.birth_factor * (rules.birth_score - rules.keep_score),
            )
            for rules in config.groups
        ),
    )
    stream = gather(detections, world_from_ego, eager)
    track_of, _, _ = run(stream)
    human = np.zeros(len(track_of), dtype=np.bool_)
    return _refined(stream, track_of, human, config, refinement, surroundings)


def _refined(
    stream: Stream,
    track_of: Ints,
    human: Mask,
    config: TrackerConfig,
    refinement: RefinementConfig,
    surroundings: Surroundings | None,
) -> Cuboids:
    track_of = renumber(track_of)

    def smoothed(extend: int = 0, sizes: Floats | None = None) -> Paths:
        return smooth(
            stream,
            track_of,
            human=human,
            config=refinement.smoothing,
            ontology=config.ontology,
            extend=extend,
            sizes=sizes,
        )

    for _ in range(3):
        root = stitch(smoothed(), stream.seconds, refinement.stitching)
        if (root == np.arange(len(root))).all():
            break
        track_of = renumber(np.where(track_of >= 0, root[track_of], -1))
    for _ in range(refinement.pose_rounds):
        paths = smoothed()
        if paths.drift > 0 and refinement.smoothing.static_drift is None:
            left = replace(refinement.smoothing, static_drift=_DRIFT_LEFT * paths.drift)
            refinement = replace(refinement, smoothing=left)
        stream = with_corrected_poses(stream, track_of, paths.still, paths.drift)
    strength = track_strength(stream, track_of)
    counts = np.bincount(track_of[track_of >= 0], minlength=len(strength))
    made = np.bincount(track_of[human & (track_of >= 0)], minlength=len(strength)) > 0
    ghost = doubles(smoothed(), strength, refinement.stitching)
    ghost |= counts < refinement.min_detections
    ghost |= from_log_odds(strength) < refinement.min_score
    ghost &= ~made
    track_of = np.where((track_of >= 0) & ~ghost[track_of], track_of, -1)
    track_of = renumber(_without_weak_ends(stream, track_of, human))
    strength = track_strength(stream, track_of)
    if surroundings is None or len(strength) == 0:
        return to_cuboids(stream, led_in(smoothed(refinement.extend), stream), strength, human)
    stream, sizes = refit(stream, track_of, smoothed(), surroundings, human, config.ontology)
    paths = smoothed(refinement.extend, sizes)
    world = World(surroundings, stream.world_from_ego, stream.seconds)
    solid = solid_tracks(stream, track_of, len(strength), config.ontology)
    return to_cuboids(stream, carried_on(paths, world, solid), strength, human)


def refine(
    tracks: Cuboids,
    world_from_ego: NDArray[Any] | None = None,
    config: TrackerConfig = DEFAULT_CONFIG,
    refinement: RefinementConfig = DEFAULT_REFINEMENT,
    *,
    human: Mask | None = None,
    surroundings: Surroundings | None = None,
) -> Cuboids:
    """Make labels of tracks: join, smooth, give one size, turn forwards, fill gaps, drop ghosts.

    Args:
        tracks: Boxes with `track_id` as they were detected (not yet smoothed), any order; rows
            of −1 are left out.
        world_from_ego: (F, 4, 4) or (F, 7), pose of frame number i in row i; None: the ego stood.
        config: Rules of the classes.
        refinement: See there.
        human: (N,) boxes that a person set; they come back exactly.
        surroundings: The points of all frames, against which boxes are then laid.

    Returns:
        Boxes in order of track and frame, track ids from 0, one score a track.
    """
    certain = np.zeros(len(tracks), dtype=np.bool_) if human is None else np.asarray(human)
    kept = np.flatnonzero(tracks.track_id >= 0)
    kept = kept[np.argsort(tracks.frame[kept], kind="stable")]
    tracks, certain = tracks.select(kept), certain[kept]
    last = int(tracks.frame.max(initial=-1)) + 1
    frames = last if world_from_ego is None else len(world_from_ego)
    if last > frames:
        raise InvalidLabels(f"frame {last - 1} has no pose; there are {frames}")
    parts = np.searchsorted(tracks.frame, np.arange(frames + 1))
    entries = [tracks.select(np.arange(a, b)) for a, b in pairwise(parts.tolist())]
    stream = gather(entries, world_from_ego, config)
    return _refined(stream, tracks.track_id, certain, config, refinement, surroundings)


def track_strength(stream: Stream, track_of: Ints) -> Floats:
    """(T,) log-odds of each track: the mean of its detections', drawn down when they are few."""
    kept = track_of >= 0
    count = int(track_of.max(initial=-1)) + 1
    total = np.bincount(track_of[kept], stream.log_odds[kept], minlength=count)
    number = np.bincount(track_of[kept], minlength=count)
    doubt = np.zeros(count)
    doubt[track_of[kept]] = np.array([rule.doubt for rule in stream.rules])[stream.group[kept]]
    return (total + doubt * DOUBT_LOG_ODDS) / np.maximum(number + doubt, 1e-9)


def _without_weak_ends(stream: Stream, track_of: Ints, human: Mask) -> Ints:
    """(N,) tracks that begin and end with a detection that is sure, −1 for those beyond.

    Where an object comes out of the distance or from behind another, its first detections are
    as likely wrong as right. A track without any sure one is left as it is; its score tells.
    """
    sure_from = log_odds(np.array([rule.end_score for rule in stream.rules]))[stream.group]
    sure = np.flatnonzero((track_of >= 0) & ((stream.log_odds >= sure_from) | human))
    count = int(track_of.max(initial=-1)) + 1
    first, last = np.full(count, len(track_of)), np.full(count, -1)
    np.minimum.at(first, track_of[sure], sure)
    np.maximum.at(last, track_of[sure], sure)
    row = np.arange(len(track_of))
    if count == 0:
        return track_of
    inside = (row >= first[track_of]) & (row <= last[track_of]) | (last[track_of] < 0)
    return np.where((track_of >= 0) & inside, track_of, -1)


def to_cuboids(stream: Stream, paths: Paths, strength: Floats, human: Mask) -> Cuboids:
    """Rows of all tracks in each frame's ego frame; a person's boxes exactly as they were."""
    shown = _worth_showing(stream, paths)
    track, place = paths.track[shown], paths.place[shown]
    detection = paths.detection[shown]
    seen = detection >= 0
    by_person = seen & human[detection]
    nearest = _nearest_detection(paths)[shown]
    rows = stream.detections.select(nearest)
    poses = stream.world_from_ego[place]
    boxes = move_boxes(invert(poses), paths.boxes[shown])
    boxes[by_person] = rows.boxes[by_person]
    attributes = np.full(len(place), "", dtype=object)
    attributes[seen] = with_score(rows.attributes[seen], rows.score[seen])
    attributes[by_person] = rows.attributes[by_person]
    beyond = ~_between_detections(paths)[0][shown]
    filled = np.where(
        beyond, "carried on beyond its detections", "filled in between detections of its track"
    )
    reason = np.where(seen, rows.reason, filled)
    return Cuboids.of(
        boxes,
        frame=stream.frames[place],
        time_ns=stream.time_ns[place],
        track_id=track,
        category=_category(stream, paths)[track],
        pitch=rows.pitch,
        roll=rows.roll,
        score=np.where(by_person, rows.score, from_log_odds(strength)[track]),
        num_points=np.where(seen, rows.num_points, -1),
        residual=np.where(seen, rows.residual, np.nan),
        velocity=turn_back(poses, paths.velocity[shown]),
        reason=reason,
        source_id=rows.source_id,
        attributes=attributes,
    )


def _category(stream: Stream, paths: Paths) -> NDArray[np.object_]:
    """(T,) the class that the surest detections name most."""
    seen = paths.detection >= 0
    rows = paths.detection[seen]
    names, code = np.unique(stream.detections.category[rows].astype(str), return_inverse=True)
    votes = np.zeros((len(paths.group), max(len(names), 1)))
    np.add.at(votes, (paths.track[seen], code), from_log_odds(stream.log_odds[rows]))
    return names.astype(object)[votes.argmax(axis=1)] if len(names) else names.astype(object)


def _nearest_detection(paths: Paths) -> Ints:
    """(M,) the detection of each row, or the last before it, or else the first of its track."""
    index = np.arange(len(paths.place))
    seen = paths.detection >= 0
    before = np.maximum.accumulate(np.where(seen, index, -1))
    after = np.minimum.accumulate(np.where(seen, index, len(index))[::-1])[::-1]
    own = before >= paths.start[:-1][paths.track]
    return paths.detection[np.where(own, before, np.minimum(after, len(index) - 1))]


def _worth_showing(stream: Stream, paths: Paths) -> Mask:
    """(M,) rows with a detection, beyond all, and those in gaps short enough to be filled."""
    inside, before, after = _between_detections(paths)
    seconds = stream.seconds[paths.place]
    gap = np.zeros(len(inside))
    gap[inside] = seconds[after[inside]] - seconds[before[inside]]
    fill_s = np.array([rule.fill_s for rule in stream.rules])[paths.group]
    return (paths.detection >= 0) | ~inside | (gap <= fill_s[paths.track] + 1e-6)


def _between_detections(paths: Paths) -> tuple[Mask, Ints, Ints]:
    """(M,) rows within their track's detections; (M,) rows of the ones before and after each."""
    index = np.arange(len(paths.place))
    seen = paths.detection >= 0
    before = np.maximum.accumulate(np.where(seen, index, -1))
    after = np.minimum.accumulate(np.where(seen, index, len(index))[::-1])[::-1]
    begins, ends = paths.start[:-1][paths.track], paths.start[1:][paths.track]
    return (before >= begins) & (after < ends), before, after
