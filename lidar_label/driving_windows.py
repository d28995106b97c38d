"""The driving layer: stops, brakes, accelerations, turns and lane changes as windows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from lidar_label.arrays import Floats, Ints, Mask
from lidar_label.datasets.signals import NS_PER_S
from lidar_label.datasets.windows import Windows
from lidar_label.driving_motion import SMOOTHING_S, DrivingMotion
from lidar_label.errors import InvalidConfig

TIER = "driving"
STOP, BRAKE, ACCELERATE = "stop", "brake", "accelerate"
TURN_LEFT, TURN_RIGHT = "turn_left", "turn_right"
LANE_CHANGE_LEFT, LANE_CHANGE_RIGHT = "lane_change_left", "lane_change_right"
SPEED_CHANGE = "brake_or_accelerate"  # the vehicle's forward direction is not known

_LOOK_S = 3.0  # before and after a manoeuvre, to see whether the road shakes more or less
# Nepers: amplitudes of three axes over 3 s at 50 Hz differ by 0.05 at random; this is twice that.
_CLEAR = 0.1
_MOST = 0.7  # of a window must be free of others for it to stand


@dataclass(frozen=True)
class DrivingConfig:
    """Settings of the layer.

    Attributes:
        harsh: Horizontal acceleration in m/s² that makes a manoeuvre; a quarter of gravity is
            where passengers start to hold on.
        end_share: A manoeuvre lasts while the acceleration is beyond this share of its peak.
        gentle: Look for gentle turns, lane changes, brakes and accelerations, too.
        gentle_force: Acceleration along the vehicle in m/s² that counts then.
        turn_rate: Turn rate in rad/s that counts as turning.
        turn_angle: Change of heading in radians that makes a turn.
        lane_angle: Change of heading in radians in each half of a lane change.
        shortest_stop_s: A shorter rest is no stop.
        shortest_s: A gentle manoeuvre lasts at least this long.
    """

    harsh: float = 2.5
    end_share: float = 0.5
    gentle: bool = True
    gentle_force: float = 1.0
    turn_rate: float = 0.08
    turn_angle: float = 0.35
    lane_angle: float = 0.025
    shortest_stop_s: float = 2.0
    shortest_s: float = 1.0


@dataclass(frozen=True)
class _Found:
    first: int
    after: int
    category: str
    reason: str


def driving_windows(motion: DrivingMotion, config: DrivingConfig | None = None) -> Windows:
    """Find what the driver did; windows do not overlap, and time between them is plain driving.

    Harsh manoeuvres are found by force alone, which needs no direction, and named by the change
    of heading; then stops and gentle manoeuvres fill in where nothing harsh was found.

    Raises:
        InvalidConfig: if a setting is out of range.
    """
    config = config or DrivingConfig()
    if not 0 < config.end_share < 1 or min(config.harsh, config.gentle_force) <= 0:
        raise InvalidConfig("end_share must be within (0, 1), harsh and gentle_force > 0")
    free = motion.valid.copy()
    found: list[_Found] = []
    layers = [_harsh(motion, config), _stops(motion, config)]
    if config.gentle:
        layers += [
            _turns(motion, config),
            _lane_changes(motion, config),
            _speed_changes(motion, config),
        ]
    for layer in layers:
        for window in layer:
            kept = _trimmed(window, free)
            if kept is not None:
                found.append(kept)
                free[kept.first : kept.after] = False
    return _as_windows(motion, found)


def _trimmed(window: _Found, free: Mask) -> _Found | None:
    """The longest free part of a window, or None if that is less than most of it."""
    runs = _runs(free[window.first : window.after])
    if not len(runs):
        return None
    first, after = runs[int(np.diff(runs, axis=1).argmax())].tolist()
    if after - first < _MOST * (window.after - window.first):
        return None
    return replace(window, first=window.first + first, after=window.first + after)


def _as_windows(motion: DrivingMotion, found: list[_Found]) -> Windows:
    found = sorted(found, key=lambda window: window.first)
    names = [*(window.category for window in found), None]
    reasons = [*(window.reason for window in found), None]
    blur = round(SMOOTHING_S * NS_PER_S)
    return Windows.of(
        motion.time_ns(np.array([window.first for window in found], dtype=np.int64)),
        motion.time_ns(np.array([window.after for window in found], dtype=np.int64)),
        category=np.array(names, dtype=object)[:-1],
        start_uncertainty_ns=blur,
        end_uncertainty_ns=blur,
        tier=TIER,
        reason=np.array(reasons, dtype=object)[:-1],
    )


def _runs(mask: Mask) -> Ints:
    """(R, 2) first sample and sample after of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return edges.reshape(-1, 2)


def _harsh(motion: DrivingMotion, config: DrivingConfig) -> Iterator[_Found]:
    force = np.where(motion.valid, motion.force, 0.0)
    for first, after in _runs(force > config.harsh * config.end_share * 0.4).tolist():
        peak = float(force[first:after].max())
        if peak < config.harsh:
            continue
        strong = np.flatnonzero(force[first:after] > config.end_share * peak)
        window = first + int(strong[0]), first + int(strong[-1]) + 1
        yield _named(motion, *window, config, f"{peak:.1f} m/s² at its peak")


def _named(
    motion: DrivingMotion, first: int, after: int, config: DrivingConfig, reason: str
) -> _Found:
    """A manoeuvre by what the heading does in it, else by what the speed does."""
    margin = round(0.5 * motion.rate_hz)
    low, high = max(first - margin, 0), min(after + margin, len(motion.force))
    heading = np.cumsum(motion.turn_rate[low:high]) / motion.rate_hz
    turned = float(heading[-1])
    reason = f"{reason}, heading {np.degrees(turned):+.0f}°"
    if abs(turned) >= config.turn_angle:
        return _Found(first, after, TURN_LEFT if turned > 0 else TURN_RIGHT, reason)
    swing = float(np.ptp(np.concatenate(([0.0], heading))))
    if swing >= config.lane_angle and abs(turned) < 0.5 * swing:
        left = float(heading[int(np.abs(heading).argmax())]) > 0
        return _Found(first, after, LANE_CHANGE_LEFT if left else LANE_CHANGE_RIGHT, reason)
    along = float(motion.forward[first:after].mean())
    if not np.isfinite(along):
        along = _pace_change(motion, first, after)
        if not abs(along) >= _CLEAR:
            return _Found(first, after, SPEED_CHANGE, reason)
        reason = f"{reason}, then the road shakes {np.exp(along):.1f} times as much"
    return _Found(first, after, ACCELERATE if along > 0 else BRAKE, reason)


def _pace_change(motion: DrivingMotion, first: int, after: int) -> float:
    """Log ratio of the road's vibration after and before, which grows with speed; NaN: no telling.

    Vibration tells the sense of a manoeuvre where the direction of its force is lost: a phone's own
    earth axes lean into long accelerations.
    """
    look = round(_LOOK_S * motion.rate_hz)
    before, later = motion.shake[max(first - look, 0) : first], motion.shake[after : after + look]
    if min(len(before), len(later)) < look / 2:
        return np.nan
    return 0.5 * float(np.log(later.mean() / before.mean()))


def _stops(motion: DrivingMotion, config: DrivingConfig) -> Iterator[_Found]:
    for first, after in _runs(motion.rest & motion.valid).tolist():
        if after - first >= config.shortest_stop_s * motion.rate_hz:
            yield _Found(first, after, STOP, "nothing moves")


def _turns(motion: DrivingMotion, config: DrivingConfig) -> Iterator[_Found]:
    for sign, name in ((1.0, TURN_LEFT), (-1.0, TURN_RIGHT)):
        rate = sign * motion.turn_rate
        for first, after in _runs(rate > 0.5 * config.turn_rate).tolist():
            turned = _angle(motion, first, after)
            if rate[first:after].max() >= config.turn_rate and abs(turned) >= config.turn_angle:
                yield _Found(first, after, name, f"heading {np.degrees(turned):+.0f}°")


def _lane_changes(motion: DrivingMotion, config: DrivingConfig) -> Iterator[_Found]:
    """Two turns against each other that leave the heading as it was."""
    quiet = config.lane_angle / 4.0  # rad/s: half of it is turned within two seconds
    lobes = [
        (first, after, _angle(motion, first, after))
        for sign in (1.0, -1.0)
        for first, after in _runs(sign * motion.turn_rate > quiet).tolist()
    ]
    lobes = sorted(lobe for lobe in lobes if abs(lobe[2]) >= config.lane_angle)
    longest = 10.0 * motion.rate_hz
    for (first, end, one), (start, after, two) in pairwise(lobes):
        together = abs(one + two) < 0.5 * max(abs(one), abs(two))
        small = max(abs(one), abs(two)) < config.turn_angle
        near = start - end < 2.0 * motion.rate_hz and after - first < longest
        if one * two < 0 and together and small and near:
            name = LANE_CHANGE_LEFT if one > 0 else LANE_CHANGE_RIGHT
            angles = f"heading {np.degrees(one):+.0f}° and back {np.degrees(two):+.0f}°"
            yield _Found(first, after, name, angles)


def _speed_changes(motion: DrivingMotion, config: DrivingConfig) -> Iterator[_Found]:
    forward = np.nan_to_num(motion.forward)
    for sign, name in ((1.0, ACCELERATE), (-1.0, BRAKE)):
        for first, after in _runs(sign * forward > config.gentle_force * config.end_share).tolist():
            peak = float((sign * forward[first:after]).max())
            if peak >= config.gentle_force and after - first >= config.shortest_s * motion.rate_hz:
                yield _Found(first, after, name, f"{sign * peak:+.1f} m/s² at its peak")


def _angle(motion: DrivingMotion, first: int, after: int) -> float:
    turned: Floats = motion.turn_rate[first:after]
    return float(turned.sum() / motion.rate_hz)
