"""How a vehicle moves along, across and turning, from a phone lying in it or from its poses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lidar_label.activity_features import sensor_columns
from lidar_label.arrays import Floats, Ints, Mask
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.datasets.signals import NS_PER_S, EvenSignal
from lidar_label.errors import InvalidSignal

Complexes = NDArray[np.complex128]

SMOOTHING_S = 0.4  # deviation of the Gaussian that takes out road and engine
_GRAVITY_S = 10.0  # longer than a manoeuvre, shorter than a phone stays as it was put
_POSE_RATE_HZ = 25.0
_COHERENT = 0.5  # correlation from which the sideways axis is taken as found
_REST_SPEED = 0.3  # m/s
_REST_SHAKE = 0.08  # m/s²: an idling engine shakes a phone by less, a road by more
_REST_TURN = 0.02  # rad/s
_SHAKE_S = 0.1  # deviation of the Gaussian that leaves the road's vibration
_SHAKE_FLOOR = 0.02  # m/s², noise of the sensor itself
_STRAIGHT = 0.05  # rad/s: slower turning is driving straight on
_PUSH = 1.0  # m/s² of acceleration that shows a direction
_ALIGNED = 0.7  # share of the horizontal acceleration that one axis must hold to be the vehicle's
_PACE_S = 2.0  # over which vibration tells how the speed changes


@dataclass(frozen=True, eq=False)
class DrivingMotion:
    """Motion of a vehicle on an even clock.

    Attributes:
        start_ns: Time of the first sample.
        rate_hz: Samples a second.
        force: (T,) float64 m/s², size of the horizontal acceleration.
        forward: (T,) float64 m/s², along the vehicle; NaN where its direction is not known.
        turn_rate: (T,) float64 rad/s about the vertical, left positive.
        shake: (T,) float64 (m/s²)², power of the road's vibration, which grows with speed; NaN
            where it was not felt.
        rest: (T,) bool, where it stands still.
        valid: (T,) bool, False in gaps.
        notes: What was found out or assumed, in words.
    """

    start_ns: int
    rate_hz: float
    force: Floats
    forward: Floats
    turn_rate: Floats
    shake: Floats
    rest: Mask
    valid: Mask
    notes: tuple[str, ...] = ()

    def as_signal(self) -> EvenSignal:
        """Forward acceleration and turn rate, to be drawn."""
        values = np.column_stack((self.forward, self.turn_rate)).astype(np.float32)
        channels = ("forward", "turn_rate")
        return EvenSignal(self.start_ns, self.rate_hz, values, self.valid, channels)

    def time_ns(self, sample: Ints) -> Ints:
        """Times of samples."""
        return self.start_ns + np.rint(sample * (NS_PER_S / self.rate_hz)).astype(np.int64)


def motion_from_signal(signal: EvenSignal) -> DrivingMotion:
    """Motion of the vehicle that a phone or sensor lies in, however it is turned.

    The size of the specific force beyond gravity, √(|a|² − g²), is the horizontal acceleration
    whichever way the sensor points, and stays right where a phone's own estimate of the vertical
    leans into the turn. Sideways is the direction whose acceleration goes with the turn rate, as
    v·ω does; it is sought fixed to the sensor and fixed to the earth. Without turns the axis along
    which the vehicle pushes while it drives straight on is forward, the sense in which vibration
    then grows, as it does with speed.

    Raises:
        InvalidSignal: if there is no accelerometer with three axes.
    """
    acc, gyro, _ = sensor_columns(signal)
    if not acc:
        raise InvalidSignal("no acc_x acc_y acc_z; the driving layer needs an accelerometer")
    rate = signal.rate_hz
    acceleration = signal.values[:, acc].astype(np.float64)
    turning = signal.values[:, gyro].astype(np.float64) if gyro else np.zeros_like(acceleration)
    smooth = _smooth(acceleration, SMOOTHING_S * rate)
    size = _smooth(np.linalg.norm(acceleration, axis=1), SMOOTHING_S * rate)
    gravity = float(np.median(size[signal.valid])) if signal.valid.any() else float(np.median(size))
    up = _smooth(acceleration, _GRAVITY_S * rate)
    up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-9)
    turn_rate = _smooth((turning * up).sum(axis=1), SMOOTHING_S * rate)
    force = np.sqrt(np.maximum(size**2 - gravity**2, 0.0))
    shake = ((acceleration - _smooth(acceleration, _SHAKE_S * rate)) ** 2).sum(axis=1)
    views = _level_views(smooth, up, turn_rate, rate)
    forward, note = _forward_by_turns(views, turn_rate)
    if np.isnan(forward).all():
        forward, note = _forward_by_pushes(views, turn_rate, force, shake, rate, note)
    return DrivingMotion(
        start_ns=signal.start_ns,
        rate_hz=rate,
        force=force,
        forward=forward,
        turn_rate=turn_rate,
        shake=shake + _SHAKE_FLOOR**2,
        rest=_at_rest(acceleration, turning, rate),
        valid=signal.valid,
        notes=(f"gravity {gravity:.2f} m/s²", note),
    )


def motion_from_poses(trajectory: Trajectory) -> DrivingMotion:
    """Motion of the ego from its poses (world_from_ego; x forward, z up).

    Raises:
        InvalidSignal: if the poses span less than half a second.
    """
    start, end = int(trajectory.time_ns[0]), int(trajectory.time_ns[-1])
    if end - start < NS_PER_S // 2:
        raise InvalidSignal("the ego poses span less than 0.5 s; nothing to segment")
    count = int((end - start) * _POSE_RATE_HZ / NS_PER_S) + 1
    clock = start + np.rint(np.arange(count) * (NS_PER_S / _POSE_RATE_HZ)).astype(np.int64)
    pose = trajectory.at(clock)
    width = SMOOTHING_S * _POSE_RATE_HZ
    velocity = np.gradient(_smooth(pose[:, :3, 3], width), 1 / _POSE_RATE_HZ, axis=0)
    speed = (velocity * pose[:, :3, 0]).sum(axis=1)
    yaw = np.unwrap(np.arctan2(pose[:, 1, 0], pose[:, 0, 0]))
    turn_rate = np.gradient(_smooth(yaw, width), 1 / _POSE_RATE_HZ)
    forward = np.gradient(speed, 1 / _POSE_RATE_HZ)
    return DrivingMotion(
        start_ns=start,
        rate_hz=_POSE_RATE_HZ,
        force=np.hypot(forward, speed * turn_rate),
        forward=forward,
        turn_rate=turn_rate,
        shake=np.full(count, np.nan),
        rest=np.abs(speed) < _REST_SPEED,
        valid=np.ones(count, dtype=np.bool_),
        notes=(f"from ego poses, up to {float(np.abs(speed).max()):.1f} m/s",),
    )


def _level_views(
    smooth: Floats, up: Floats, turn_rate: Floats, rate: float
) -> list[tuple[str, Complexes]]:
    """Horizontal acceleration as complex numbers, in axes fixed to the sensor and to the earth."""
    reference = np.eye(3)[int(np.abs(up.mean(axis=0)).argmin())]
    first = reference - (up @ reference)[:, None] * up
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    second = np.cross(up, first)
    level = (smooth * first).sum(axis=1) + 1j * (smooth * second).sum(axis=1)
    heading = np.cumsum(turn_rate) / rate
    return [("sensor", level), ("earth", level * np.exp(-1j * heading))]


def _forward_by_turns(views: list[tuple[str, Complexes]], turn_rate: Floats) -> tuple[Floats, str]:
    """Acceleration along the vehicle, NaN if no direction goes with the turn rate."""
    change = turn_rate - turn_rate.mean()
    best, coherence, frame, left = views[0][1], 0.0, "", 1.0 + 0j
    for name, seen in views:
        both = float(np.sqrt((np.abs(seen) ** 2).sum() * (change**2).sum()))
        found = complex((seen * change).sum()) / max(both, 1e-12)
        if abs(found) > coherence:
            best, coherence, frame, left = seen, abs(found), name, found / abs(found)
    if coherence < _COHERENT:
        unknown = np.full(len(turn_rate), np.nan)
        return unknown, f"forward not known (coherence {coherence:.2f}): turns too few or unclear"
    ahead = np.asarray((best * np.conj(-1j * left)).real, dtype=np.float64)
    ahead -= np.median(ahead)
    return ahead, f"forward found in the {frame}'s axes from the turns (coherence {coherence:.2f})"


def _forward_by_pushes(
    views: list[tuple[str, Complexes]],
    turn_rate: Floats,
    force: Floats,
    shake: Floats,
    rate: float,
    otherwise: str,
) -> tuple[Floats, str]:
    """Acceleration along the axis of pushes on straight roads; NaN if there is no such axis."""
    straight = (force > _PUSH) & (np.abs(turn_rate) < _STRAIGHT)
    pace = np.gradient(_smooth(np.log(shake + _SHAKE_FLOOR**2), _PACE_S * rate))
    for name, seen in views:
        axis = np.exp(0.5j * np.angle((seen[straight] ** 2).sum()))  # doubled angles: no sense yet
        along = np.asarray((seen * np.conj(axis)).real, dtype=np.float64)
        share = float((along[straight] ** 2).sum() / max(float((force[straight] ** 2).sum()), 1e-9))
        sense = float((along[straight] * pace[straight]).sum())
        if straight.sum() > rate and share > _ALIGNED and sense != 0.0:
            along -= np.median(along)
            note = f"forward found in the {name}'s axes from pushes ({share:.0%} along one axis)"
            return along * np.sign(sense), note
    return np.full(len(turn_rate), np.nan), otherwise


def _at_rest(acceleration: Floats, turning: Floats, rate: float) -> Mask:
    """Where neither shakes: deviations over a second."""
    width = max(round(rate), 3)
    shake = _moving_deviation(np.linalg.norm(acceleration, axis=1), width)
    spin = np.sqrt(sum(_moving_deviation(turning[:, k], width) ** 2 for k in range(3)))
    return np.asarray((shake < _REST_SHAKE) & (spin < _REST_TURN))


def _moving_deviation(values: Floats, width: int) -> Floats:
    from scipy.ndimage import uniform_filter1d

    centred = values - values.mean()
    mean: Floats = uniform_filter1d(centred, width)
    square: Floats = uniform_filter1d(centred**2, width)
    return np.sqrt(np.maximum(square - mean**2, 0.0))


def _smooth(values: NDArray[np.floating], deviation: float) -> Floats:
    from scipy.ndimage import gaussian_filter1d

    smooth: Floats = gaussian_filter1d(
        np.asarray(values, dtype=np.float64), max(deviation, 1e-3), axis=0
    )
    return smooth
