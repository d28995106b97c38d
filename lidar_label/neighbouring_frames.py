"""What the frames of a recording say together of boxes that were proposed in each by itself.

A weak box that the frames around it confirm is an object that shows little of itself; a stronger
one that they do not confirm is a bush, a wall or a pole that looked like one from a few places. So
weak proposals are tracked too, and each track is judged by all its frames: how sure it was where it
was seen, in how many of its frames it was seen at all, and whether it went anywhere.
"""

from dataclasses import dataclass, replace

import numpy as np

from lidar_label.arrays import Floats, Ints, Mask, Transform
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.errors import InvalidConfig
from lidar_label.ontology import Ontology, road_ontology
from lidar_label.proposals import ProposalConfig
from lidar_label.track_stream import move_boxes
from lidar_label.tracker_config import from_log_odds, log_odds

# Log-odds: by itself, for one of the track's own, for one of (seen : not seen), for having gone 5 m
# or more. Logistic regression on the tracks of three simulated drives (seeds 1 to 3), rounded.
_SOLID = np.array([-0.5, 1.1, 0.6, 0.9])
_SEE_THROUGH = np.array([-0.7, 0.8, 0.7, 2.3])
_FAR_ENOUGH = 5.0  # metres; what stands does not seem to go so far
_SURE = 0.999  # scores count as no surer than this


@dataclass(frozen=True)
class NeighbourConfig:
    """How frames help each other.

    Attributes:
        weak_share: Of `ProposalConfig.min_score`: boxes down to there are tracked. Those that no
            track takes up are dropped below `min_score`.
        min_track_score: Tracks that are less likely to be kept are left out.
    """

    weak_share: float = 0.5
    min_track_score: float = 0.5

    def __post_init__(self) -> None:
        for name in ("weak_share", "min_track_score"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise InvalidConfig(f"neighbours: {name} is {value}; set it in [0, 1]")


def with_weak_ones(proposals: ProposalConfig, config: NeighbourConfig) -> ProposalConfig:
    """The settings with which boxes are proposed that are going to be tracked."""
    return replace(proposals, min_score=config.weak_share * proposals.min_score)


def judged(
    labels: Cuboids,
    world_from_ego: Transform,
    config: NeighbourConfig = NeighbourConfig(),
    *,
    reach: float,
    ontology: Ontology | None = None,
) -> Cuboids:
    """Score tracks by all their frames and leave out those that these do not confirm.

    Args:
        labels: Refined tracks (`refinement.track_offline`) of boxes that `propose` found, in each
            frame's ego frame; rows in frames in which the track was not proposed have no
            `num_points` (−1). Rows with a track id of −1 come back as they are.
        world_from_ego: (F, 4, 4), pose of frame number i in row i.
        config: See there.
        reach: Metres from the ego within which boxes were searched; frames in which an object was
            further away do not speak against it.
        ontology: Whose classes they are; None: `road_ontology()`.

    Returns:
        The rows that are left, in the same order, with the score of their track's judgement.
    """
    tracked = np.flatnonzero(labels.track_id >= 0)
    if len(tracked) == 0:
        return labels
    names, track = np.unique(labels.track_id[tracked], return_inverse=True)
    rows = labels.select(tracked)
    evidence = _evidence(rows, track, len(names), world_from_ego, reach)
    solid = _is_solid(rows, track, len(names), ontology or road_ontology())
    weights = np.where(solid[:, None], _SOLID, _SEE_THROUGH)
    judgement = from_log_odds((weights * evidence).sum(axis=1))
    score = labels.score.copy()
    score[tracked] = judgement[track]
    kept = np.ones(len(labels), dtype=np.bool_)
    kept[tracked] = judgement[track] >= config.min_track_score
    return labels.replace(score=score).select(kept)


def _evidence(
    rows: Cuboids, track: Ints, count: int, world_from_ego: Transform, reach: float
) -> Floats:
    """(T, 4) what the weights above are multiplied with."""
    within = np.hypot(rows.boxes[:, 0], rows.boxes[:, 1]) < reach
    seen = np.bincount(track[within & (rows.num_points >= 0)], minlength=count)
    unseen = np.bincount(track[within], minlength=count) - seen
    first, last = np.full(count, len(rows)), np.full(count, -1)
    order = np.lexsort((rows.frame, track))
    place = np.arange(len(rows))
    np.minimum.at(first, track[order], place)
    np.maximum.at(last, track[order], place)
    world = move_boxes(world_from_ego[rows.frame], rows.boxes)[order, :2]
    gone = np.hypot(*(world[last] - world[first]).T)
    own = np.zeros(count)
    own[track] = np.clip(rows.score, 1 - _SURE, _SURE)
    return np.column_stack(
        (
            np.ones(count),
            log_odds(own),
            np.log((seen + 0.5) / (unseen + 1.5)),
            np.minimum(gone / _FAR_ENOUGH, 1.0),
        )
    )


def _is_solid(rows: Cuboids, track: Ints, count: int, ontology: Ontology) -> Mask:
    """(T,) beams stop on its faces: a vehicle."""
    solid = np.zeros(count, dtype=np.bool_)
    opaque: dict[str, bool] = {}
    for name in set(rows.category.tolist()):
        label = ontology.find(name)
        opaque[name] = label is not None and label.opaque > 0.5
    solid[track] = [opaque[name] for name in rows.category.tolist()]
    return solid
