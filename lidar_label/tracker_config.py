"""How tracks of each group of classes move, begin and end; settings that a person can read."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from lidar_label.arrays import Floats, Ints
from lidar_label.errors import InvalidConfig
from lidar_label.kernels import following as at
from lidar_label.kernels import motion
from lidar_label.ontology import Ontology

_SURE = 1e-6  # scores are kept this far from 0 and 1 when they become log-odds


@dataclass(frozen=True)
class GroupRules:
    """How one group of classes moves and when its tracks begin and end.

    Attributes:
        classes: The ontology's names; classes of one group may be confused for one another.
        motion: `turning` (constant turn rate and speed) or `free` (constant velocity).
        acceleration: m/s², standard deviation, as the next ones.
        turn_acceleration: rad/s² (turning); rad/√s that a free object's heading wanders.
        drift: m/√s that the centre wanders by itself.
        position: Metres, of a detection's centre.
        heading: Radians, of a detection's yaw.
        start_speed: m/s of an object seen for the first time.
        birth_score: In [0, 1]; a detection from which a track may begin.
        keep_score: Detections below are not looked at.
        strong_score: Detections from here on are paired first, weaker ones with what is left.
        hits: Detections until a track is reported.
        tentative_s: Seconds without a detection after which a track not yet reported ends.
        missed_s: Likewise of a reported one.
        hidden_s: Time behind something nearer that does not count, at most.
        coast_s: Seconds without a detection over which the predicted box is reported.
        limit: Highest cost of a pair: distance of centres over the mean diagonal, plus
            `shape` × (1 − IoU).
        shape: See `limit`.
        size_error: Metres by which all sizes of one object may be off together, by a detector's
            habit; against it stands the spread of the class in the ontology (offline only).
        entry_overlap: No track begins where one seen in this frame overlaps by more (3D IoU).
        doubt: Detections' worth of doubt that a track begins with; few detections weigh less, the
            more so the rarer the class is beside its false alarms.
        fill_s: Longest gap between detections, in seconds, that is filled (offline only).
        end_score: The first and the last detection of a track reach this (offline only).
        far_m: Metres from the ego from which what comes nearer was there before it was detected.
        lead_s: Seconds by which tracks that begin so far away are carried back (offline, where no
            points tell).
    """

    classes: tuple[str, ...]
    motion: Literal["turning", "free"] = "turning"
    acceleration: float = 3.0
    turn_acceleration: float = 0.5
    drift: float = 0.1
    position: float = 0.3
    heading: float = 0.15
    start_speed: float = 10.0
    birth_score: float = 0.5
    keep_score: float = 0.1
    strong_score: float = 0.5
    hits: int = 2
    tentative_s: float = 0.25
    missed_s: float = 1.0
    hidden_s: float = 2.0
    coast_s: float = 0.25
    limit: float = 0.7
    shape: float = 0.2
    entry_overlap: float = 0.2
    size_error: float = 0.05
    doubt: float = 3.0
    fill_s: float = 1.0
    end_score: float = 0.7
    far_m: float = 50.0
    lead_s: float = 0.0


@dataclass(frozen=True)
class TrackerConfig:
    """Rules for each group of classes, and the ontology that their names come from.

    Attributes:
        groups: Classes in none of them form groups of their own with the last one's rules.
        ontology: Whose synonyms hold; the package's road ontology when None.
    """

    groups: tuple[GroupRules, ...] = (
        GroupRules(
            ("car", "van", "truck", "bus", "trailer"),
            position=0.1,
            heading=0.1,
            size_error=0.02,
            lead_s=0.5,
        ),
        GroupRules(
            ("cyclist", "bicycle", "motorcycle"),
            position=0.08,
            heading=0.1,
            start_speed=6.0,
            size_error=0.2,
            doubt=30.0,
            fill_s=2.0,
        ),
        GroupRules(
            ("pedestrian",),
            motion="free",
            acceleration=1.0,
            turn_acceleration=1.0,
            position=0.08,
            heading=0.3,
            size_error=0.15,
            start_speed=1.5,
            limit=1.0,
            fill_s=2.0,
        ),
        GroupRules(("other",), motion="free", acceleration=0.5, start_speed=1.0),
    )
    ontology: Ontology | None = None

    def __post_init__(self) -> None:
        if not self.groups:
            raise InvalidConfig("groups is empty; give rules for at least one group of classes")

    def group_of(self, name: str, ontology: Ontology) -> int:
        """Index of the group of a class by any of its names; the last where there is none."""
        wanted = ontology.canonical(name)
        for index, group in enumerate(self.groups):
            if wanted in group.classes:
                return index
        return len(self.groups) - 1


DEFAULT_CONFIG = TrackerConfig()
# For labels that people correct: a weak end is quicker cut off than a missing one is drawn. Our own
# proposals err less in the sizes of cycles than the detector by which their default was chosen.
LABEL_CONFIG = TrackerConfig(
    tuple(
        replace(
            group,
            keep_score=0.05,
            end_score=0.5,
            size_error=0.1 if "cyclist" in group.classes else group.size_error,
        )
        for group in DEFAULT_CONFIG.groups
    )
)


def log_odds(score: Floats | float) -> Floats:
    """Scores in [0, 1] as log-odds, finite."""
    bounded = np.clip(np.asarray(score, dtype=np.float64), _SURE, 1 - _SURE)
    return np.log(bounded / (1 - bounded))


def from_log_odds(value: Floats) -> Floats:
    """The inverse of `log_odds`."""
    return 1 / (1 + np.exp(-np.asarray(value, dtype=np.float64)))


def models_of(groups: tuple[GroupRules, ...]) -> Ints:
    """(G,) motion models for the kernels."""
    numbers = {"turning": motion.TURNING, "free": motion.FREE}
    return np.array([numbers[group.motion] for group in groups], dtype=np.int64)


def noise_of(groups: tuple[GroupRules, ...]) -> Floats:
    """(G, 7) noise for the kernels, see `kernels.motion`."""
    noise = np.zeros((len(groups), motion.NOISE))
    for row, group in zip(noise, groups, strict=True):
        row[motion.ACCELERATION] = group.acceleration
        row[motion.TURN_ACCELERATION] = group.turn_acceleration
        row[motion.DRIFT] = group.drift
        row[motion.POSITION] = group.position
        row[motion.HEADING] = group.heading
        row[motion.START_SPEED] = group.start_speed
        row[motion.START_TURN] = 0.3
    return noise


def rules_of(groups: tuple[GroupRules, ...]) -> Floats:
    """(G, 12) rules for the kernels, see `kernels.following`."""
    rules = np.zeros((len(groups), at.RULES))
    for row, group in zip(rules, groups, strict=True):
        row[at.BIRTH] = log_odds(group.birth_score)
        row[at.KEEP] = log_odds(group.keep_score)
        row[at.STRONG] = log_odds(group.strong_score)
        row[at.HITS] = group.hits
        row[at.TENTATIVE_S] = group.tentative_s
        row[at.MISSED_S] = group.missed_s
        row[at.HIDDEN_S] = group.hidden_s
        row[at.COAST_S] = group.coast_s
        row[at.LIMIT] = group.limit
        row[at.SHAPE] = group.shape
        row[at.ENTRY] = group.entry_overlap
        row[at.DOUBT] = group.doubt
    return rules
