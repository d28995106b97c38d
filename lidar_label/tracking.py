"""Tracks from detections, frame by frame: world frame, Kalman filters, optimal assignment.

After Weng et al., "AB3DMOT" (IROS 2020); weak detections come second, as in Zhang et al.,
"ByteTrack" (ECCV 2022).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Ints, Strings
from lidar_label.calibration.transforms import invert
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.kernels import following as at
from lidar_label.track_stream import Stream, gather, move_boxes, turn_back
from lidar_label.tracker_config import (
    DEFAULT_CONFIG,
    GroupRules,
    TrackerConfig,
    from_log_odds,
    models_of,
    noise_of,
    rules_of,
)

__all__ = ["GroupRules", "TrackerConfig", "track"]


def track(
    detections: Sequence[Cuboids],
    world_from_ego: NDArray[Any] | None = None,
    config: TrackerConfig = DEFAULT_CONFIG,
) -> Cuboids:
    """Follow objects through frames, knowing in each frame only what came before.

    Args:
        detections: One `Cuboids` a frame, ego frame of that frame; an empty one where nothing was
            detected. Their `frame` and `time_ns` are taken over.
        world_from_ego: (F, 4, 4) or (F, 7) x y z qw qx qy qz; None: the ego stood still.
        config: Rules of the classes.

    Returns:
        Boxes with `track_id`, filtered, in each frame's ego frame, in order of frame and track.
        `score` is the track's so far; the detection's own score and attributes are in
        `attributes`; boxes that were predicted, not detected, say so in `reason`.

    Raises:
        InvalidLabels: if poses and frames differ in number.
    """
    stream = gather(detections, world_from_ego, config)
    _, rows, _ = run(stream)
    return report(stream, rows)


def run(stream: Stream) -> tuple[Ints, Floats, int]:
    """The kernel's answer: (N,) track of each detection, (R, 13) rows, number of tracks."""
    counts = np.diff(stream.start)
    longest = max(max(rule.missed_s, rule.tentative_s) + rule.hidden_s for rule in stream.rules)
    gaps = np.diff(stream.seconds)
    frame_s = float(np.median(gaps)) if len(gaps) else 0.1
    window = int(longest / max(frame_s, 1e-3)) + 3
    before = np.maximum(np.arange(len(counts)) - window, 0)
    capacity = int((stream.start[1:] - stream.start[before]).max(initial=0)) + 1
    coast = max(rule.coast_s for rule in stream.rules)
    room = int(len(stream.boxes) * (2 + coast / max(frame_s, 1e-3))) + 16
    return at.follow(
        stream.start,
        stream.seconds,
        np.ascontiguousarray(stream.world_from_ego[:, :2, 3]),
        stream.boxes,
        stream.log_odds,
        stream.group,
        np.ones(len(stream.boxes)),
        models_of(stream.rules),
        noise_of(stream.rules),
        rules_of(stream.rules),
        capacity,
        room,
    )


def report(stream: Stream, rows: Floats) -> Cuboids:
    """Rows of the kernel as cuboids of each frame's ego frame."""
    place = rows[:, at.ROW_FRAME].astype(np.int64)
    detection = rows[:, at.ROW_DETECTION].astype(np.int64)
    name = rows[:, at.ROW_TRACK].astype(np.int64)
    poses = stream.world_from_ego[place]
    seen = detection >= 0
    source = _last_detection(name, detection)
    shown = stream.detections.select(source)
    frame_from = move_boxes(invert(poses), rows[:, at.ROW_BOX : at.ROW_BOX + 7])
    attributes = np.full(len(rows), "", dtype=object)
    attributes[seen] = with_score(shown.attributes[seen], shown.score[seen])
    reason = np.where(seen, shown.reason, "predicted: not detected in this frame")
    return Cuboids.of(
        frame_from,
        frame=stream.frames[place],
        time_ns=stream.time_ns[place],
        track_id=name,
        category=_voted(name, shown.category, seen),
        pitch=shown.pitch,
        roll=shown.roll,
        score=from_log_odds(rows[:, at.ROW_SCORE]),
        num_points=np.where(seen, shown.num_points, -1),
        residual=np.where(seen, shown.residual, np.nan),
        velocity=turn_back(poses, rows[:, at.ROW_VELOCITY : at.ROW_VELOCITY + 2]),
        reason=reason,
        source_id=shown.source_id,
        attributes=attributes,
    )


def with_score(attributes: Strings, score: NDArray[Any]) -> Strings:
    """(N,) JSON objects with the detection's own score put in."""
    result = np.empty(len(attributes), dtype=object)
    for i, (text, value) in enumerate(zip(attributes.tolist(), score.tolist(), strict=True)):
        inner = text.strip()[1:-1] if text else ""
        entry = "" if value != value else f'"detection_score": {value:.6g}'
        result[i] = f"{{{', '.join(part for part in (inner, entry) if part)}}}"
    return result


def _last_detection(name: Ints, detection: Ints) -> Ints:
    """(R,) the detection of each row, of a predicted one the last before it."""
    order = np.lexsort((np.arange(len(name)), name))
    sorted_detection = detection[order]
    place = np.where(sorted_detection >= 0, np.arange(len(order)), -1)
    place = np.maximum.accumulate(place)
    result = np.empty(len(name), dtype=np.int64)
    result[order] = sorted_detection[place] if len(order) else sorted_detection
    return result


def _voted(name: Ints, category: Strings, seen: NDArray[np.bool_]) -> Strings:
    """(R,) the class that each track's detections named most often so far."""
    if len(set(category.tolist())) < 2:
        return category
    votes: dict[int, Counter[str]] = {}
    result = np.empty(len(name), dtype=object)
    for i, (track_id, kind, counts) in enumerate(
        zip(name.tolist(), category.tolist(), seen.tolist(), strict=True)
    ):
        tally = votes.setdefault(track_id, Counter())
        if counts or not tally:
            tally[kind] += 1
        result[i] = tally.most_common(1)[0][0]
    return result
