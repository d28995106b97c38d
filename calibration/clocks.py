"""How far one sensor's clock is ahead of another's, and how it drifts, found from their motion.

Both sensors saw the same turns and ways, at times that differ by the offset. The offset is sought
by cross-correlation of the rates in windows, whose sums are stacked along lines of offset and
drift; then fitted to a fraction of a sample by least squares with robust weights (Cauchy) on the
summed rates, with autoregressive noise (Cochrane and Orcutt, JASA 1949): a gyroscope errs in its
rates, a registration in its poses. The motion may not tell the offset: then the result says so.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline

from lidar_label.arrays import Floats, Ints, Mask
from lidar_label.calibration.courses import Course

_NS_PER_S = 1e9
_GAP_STEPS = 3.0  # an interval so many times the usual one is a gap: nothing is known inside
_MEMORIES = (1.0, 0.9, 0.7, 0.4, 0.0)  # of the noise from sample to sample: of rates, …, of poses
_ROUNDS = 12  # of the fit; it settles in four to six
_CAUCHY = 2.385  # spreads; 95 % efficient on Gaussian noise (Holland and Welsch, 1977)
_SURE = 9.0  # log-likelihood ratio, doubled: three spreads
_TOGETHER_S = 1.0  # errors further apart are independent
_FINER = 0.8  # of the other's step
_MOMENT_S = 0.05  # half of it; vehicles turn in and out more slowly
_FAR_STEPS = 3.0  # of the search; offsets so near belong to one peak


@dataclass(frozen=True)
class ClockConfig:
    """What is sought and when it counts as found.

    Attributes:
        max_offset_s: Offsets up to this are sought.
        max_drift: Drifts up to this are sought.
        usual_drift: Spread of drifts, before any is measured; quartz is within 1e-4. It matters
            where a recording is too short to tell.
        step_s: Between the offsets tried; turns of a vehicle last many times longer.
        window_s: Over which the sums' own errors (bias) are taken to be a straight line.
        max_spread_s: An offset that is less certain than this is not determined.
        min_samples: With fewer shared samples nothing is determined.
    """

    max_offset_s: float = 1.0
    max_drift: float = 1e-3
    usual_drift: float = 1e-4
    step_s: float = 0.01
    window_s: float = 20.0
    max_spread_s: float = 0.002
    min_samples: int = 20


@dataclass(frozen=True)
class ClockEstimate:
    """A clock against the reference's: t_reference = t − offset_s − drift · (t − middle).

    Attributes:
        offset_s: By which it is ahead in the middle; positive: its stamps are too late.
        offset_spread_s: Standard deviation of the offset; infinite where nothing was found.
        drift: Seconds that it gains a second.
        drift_spread: Standard deviation of the drift.
        middle_ns: Time for which the offset holds.
        correlation: Of the two sensors' rates at that offset.
        gain: The sensor's rates over the reference's: near 1, −1 where its axis is upside down.
        determined: Whether the motion tells the offset.
        reason: Why not, in words; empty if it does.
    """

    offset_s: float
    offset_spread_s: float
    drift: float
    drift_spread: float
    middle_ns: int
    correlation: float
    gain: float
    determined: bool
    reason: str = ""

    def offset_at(self, time_ns: Ints | int) -> Floats:
        """Seconds by which the clock is ahead when it shows these times."""
        since = (np.asarray(time_ns, dtype=np.int64) - self.middle_ns) / _NS_PER_S
        return self.offset_s + self.drift * since

    def reversed(self) -> "ClockEstimate":
        """The reference's clock against this one's."""
        gain = 1 / self.gain if self.gain else 0.0
        return replace(self, offset_s=-self.offset_s, drift=-self.drift, gain=gain)


def estimate_clock(
    reference: Course, sensor: Course, config: ClockConfig = ClockConfig()
) -> ClockEstimate:
    """Offset and drift of a sensor's clock against a reference's.

    Args:
        reference: Of the sensor whose clock is right, (T, C).
        sensor: Of the other, (S, C), the same quantities.
        config: What is sought.
    """
    if min(len(reference.time_ns), len(sensor.time_ns)) < config.min_samples:
        return _unknown(sensor, "too few samples")
    if np.median(np.diff(sensor.time_ns)) < _FINER * np.median(np.diff(reference.time_ns)):
        # The finer of the two is interpolated.
        return estimate_clock(sensor, reference, config).reversed()
    match = _Match.of(reference, sensor, config.window_s)
    offsets, drifts, correlation = match.search(config)
    if not correlation.any():
        return _unknown(sensor, "too few samples at the same time, or no motion")
    line, at = np.unravel_index(np.argmax(np.abs(correlation)), correlation.shape)
    start = float(offsets[at]), float(drifts[line])
    fits = [match.fit(*start, memory, config.usual_drift) for memory in _MEMORIES]
    best = min(fits, key=lambda fit: fit.misfit)
    return _judge(best, offsets, correlation[line], match, config)


@dataclass(frozen=True)
class _Fit:
    offset: float
    drift: float
    gain: float
    offset_spread: float
    drift_spread: float
    misfit: float  # minus log-likelihood, a constant aside


@dataclass(frozen=True, eq=False)
class _Match:
    """The sensor's samples, and the reference's spline on which they are laid.

    Attributes:
        spline: The reference's sums over seconds since the middle.
        gap: (T − 1,) whether the reference knows nothing between two of its times.
        time: (S,) seconds since the middle by the sensor's clock.
        values: (S, C) the sensor's sums; both sides in units of how much its rates vary.
        window: (S,) number of each sample's window; a gap starts a new one.
        middle_ns: Of the sensor's times.
    """

    spline: CubicSpline
    gap: Mask
    time: Floats
    values: Floats
    window: Ints
    middle_ns: int

    @classmethod
    def of(cls, reference: Course, sensor: Course, window_s: float) -> "_Match":
        middle_ns = int(sensor.time_ns[0]) // 2 + int(sensor.time_ns[-1]) // 2
        fine, time = ((course.time_ns - middle_ns) / _NS_PER_S for course in (reference, sensor))
        steps, own = np.diff(fine), np.diff(time)
        breaks = np.cumsum(np.append(False, own > _GAP_STEPS * np.median(own)))
        slots = np.floor((time - time[0]) / window_s).astype(np.int64)
        window = np.unique(slots + breaks * (slots[-1] + 1), return_inverse=True)[1]
        varies = np.maximum((np.diff(sensor.values, axis=0) / own[:, None]).std(axis=0), 1e-9)
        return cls(
            CubicSpline(fine, reference.values / varies),
            steps > _GAP_STEPS * np.median(steps),
            time,
            sensor.values / varies,
            window,
            middle_ns,
        )

    def search(self, config: ClockConfig) -> tuple[Floats, Floats, Floats]:
        """Offsets (K,) and drifts (D,) tried, and the rates' correlation at each (D, K)."""
        count = round(config.max_offset_s / config.step_s)
        offsets: Floats = np.linspace(-count, count, 2 * count + 1) * config.step_s
        half = (self.time[-1] - self.time[0]) / 2
        lines = int(np.ceil(config.max_drift * half / config.step_s))
        drifts: Floats = np.linspace(-1.0, 1.0, 2 * lines + 1) * config.max_drift
        sums = np.stack([self._sums(float(offset)) for offset in offsets], axis=1)
        centre = np.bincount(self.window, self.time) / np.bincount(self.window)
        correlation: Floats = np.zeros((len(drifts), len(offsets)))
        for row, drift in enumerate(drifts):
            shift = np.rint(drift * centre / config.step_s).astype(np.int64)
            at = np.clip(np.arange(len(offsets)) + shift[:, None], 0, len(offsets) - 1)
            xx, xy, yy, n = sums[np.arange(len(centre))[:, None], at].sum(axis=0).T
            known = (n > len(self.time) / 2) & (xx > 0) & (yy > 0)
            correlation[row, known] = xy[known] / np.sqrt(xx[known] * yy[known])
        return offsets, drifts, correlation

    def _sums(self, offset: float) -> Floats:
        """(W, 4) by window: Σxx, Σxy, Σyy of the steps less their means, and how many there are."""
        when, rows = self._placed(offset, 0.0)
        x, y = (values[rows + 1] - values[rows] for values in (self.spline(when), self.values))
        group, windows = self.window[rows], int(self.window[-1]) + 1
        once = np.ones_like(y)
        x, y = (_without(values, once, once, group, windows) for values in (x, y))
        products = [(a * b).sum(axis=1) for a, b in ((x, x), (x, y), (y, y))]
        sums = [np.bincount(group, p, windows) for p in (*products, once[:, 0])]
        return np.column_stack(sums).astype(np.float64)

    def _placed(self, offset: float, drift: float) -> tuple[Floats, Ints]:
        """When the samples were by the reference's clock, and rows whose step it knows."""
        when = self.time - offset - drift * self.time
        left = np.searchsorted(self.spline.x, when, side="right") - 1
        inside = (left >= 0) & (left < len(self.gap))
        inside &= ~self.gap[np.clip(left, 0, len(self.gap) - 1)]
        rows = inside[1:] & inside[:-1] & (self.window[1:] == self.window[:-1])
        return np.clip(when, self.spline.x[0], self.spline.x[-1]), np.flatnonzero(rows)

    def fit(self, offset: float, drift: float, memory: float, usual_drift: float) -> _Fit:
        """Robust least squares; of the noise in the sums `memory` stays from sample to sample."""
        gain, spread = 1.0, np.ones(self.values.shape[1])
        error, covariance, wider = np.zeros((0, len(spread))), np.eye(3), 1.0
        known = np.diag([0.0, 0.0, usual_drift**-2])
        lags = round(_TOGETHER_S / float(np.median(np.diff(self.time))))
        for _ in range(_ROUNDS):
            when, rows = self._placed(offset, drift)
            speed = -gain * self._speed(when)
            columns = [
                values[rows + 1] - memory * values[rows]
                for values in (
                    self.values, self.spline(when), speed, speed * self.time[:, None],
                    np.ones_like(self.values),
                    np.broadcast_to(self.time[:, None], self.values.shape),
                )
            ]  # fmt: skip
            if len(error) != len(rows):
                error = np.zeros((len(rows), len(spread)))
            weight = 1 / (spread**2 + (error / _CAUCHY) ** 2)
            y, *columns = self._cleared(columns, weight, rows)
            design = np.column_stack([column.ravel() for column in columns])
            weighted = design * (weight.reshape(-1, 1) / wider)
            covariance = np.linalg.pinv(weighted.T @ design + known, hermitian=True)
            pull = weighted.T @ (y - gain * columns[0]).ravel() - known @ (gain, offset, drift)
            step = covariance @ pull
            error = y - (design @ step).reshape(y.shape) - gain * columns[0]
            spread = np.maximum(1.4826 * np.median(np.abs(error), axis=0), 1e-9)
            wider = _inflation(columns[1] * error / (spread**2 + (error / _CAUCHY) ** 2), lags)
            gain, offset, drift = (float(v) for v in np.add((gain, offset, drift), step))
        variance = np.diag(covariance)
        spreads = np.sqrt(np.where(variance[1:] > 0, variance[1:], np.inf))
        misfit = len(error) * float(np.log(spread).sum())
        return _Fit(offset, drift, gain, float(spreads[0]), float(spreads[1]), misfit)

    def _speed(self, when: Floats) -> Floats:
        """(S, C) rates over a moment: noise of the spline must not pass for change of motion."""
        ends = [np.clip(when + k * _MOMENT_S, *self.spline.x[[0, -1]]) for k in (-1, 1)]
        return (self.spline(ends[1]) - self.spline(ends[0])) / (ends[1] - ends[0])[:, None]

    def _cleared(self, columns: list[Floats], weight: Floats, rows: Ints) -> list[Floats]:
        """The columns but the last two, less what a straight line a window explains of them."""
        *kept, constant, slope = columns
        group, windows = self.window[rows], int(self.window[-1]) + 1
        slope = _without(slope, constant, weight, group, windows)
        for basis in (constant, slope):
            kept = [_without(column, basis, weight, group, windows) for column in kept]
        return kept


def _without(values: Floats, basis: Floats, weight: Floats, group: Ints, groups: int) -> Floats:
    """Values (R, C) less their weighted projection on a basis (R, C), group by group."""
    cleared = np.empty_like(values)
    for channel in range(values.shape[1]):
        v, b, w = values[:, channel], basis[:, channel], weight[:, channel]
        size = np.bincount(group, w * b * b, groups)
        share = np.bincount(group, w * b * v, groups) / np.where(size > 1e-12, size, np.inf)
        cleared[:, channel] = v - share[group] * b
    return cleared


def _inflation(score: Floats, lags: int) -> float:
    """By how much terms (R, C) of a sum that go together widen its variance (Newey, West 1987)."""
    lags = min(lags, len(score) // 4)
    products = [float((score[k:] * score[: len(score) - k]).sum()) for k in range(lags + 1)]
    if lags < 1 or products[0] <= 0:
        return 1.0
    taper = 1 - np.arange(1, lags + 1) / (lags + 1)
    # The fit makes the sum of all terms zero, so the far products are too low: the near count, too.
    near = 1 + 2 * max(products[1], 0.0) / products[0]
    return max(near, 1 + 2 * float(taper @ products[1:]) / products[0])


def _judge(
    fit: _Fit, offsets: Floats, correlation: Floats, match: _Match, config: ClockConfig
) -> ClockEstimate:
    """The fit, and whether other offsets explain the motion as well; correlation is (K,)."""
    best = int(np.argmax(np.abs(correlation)))
    peak = float(correlation[best])
    noise = np.maximum(1 - correlation**2, 1e-9)
    alike = len(match.time) * np.log(noise / noise[best]) < _SURE
    rivals = offsets[alike]
    off_by = float(np.abs(rivals - offsets[best]).max())
    reason = ""
    if max(rivals[-1], -rivals[0]) > offsets[-1] - config.step_s:
        reason = (
            "the motion fits at all offsets alike"
            if off_by > offsets[-1]
            else f"it may be more than {config.max_offset_s:g} s, which was not sought"
        )
    elif off_by > _FAR_STEPS * config.step_s + 3 * config.max_spread_s:
        reason = f"offsets from {rivals[0]:+.2f} to {rivals[-1]:+.2f} s fit alike"
    elif not fit.offset_spread <= config.max_spread_s:
        reason = f"uncertain by {fit.offset_spread * 1e3:.1f} ms: too little change of the motion"
    elif abs(fit.offset - offsets[best]) > _FAR_STEPS * config.step_s:
        reason = "correlation and least squares disagree"
    return ClockEstimate(
        fit.offset, fit.offset_spread, fit.drift, fit.drift_spread, match.middle_ns, peak,
        fit.gain, not reason, reason,
    )  # fmt: skip


def _unknown(sensor: Course, reason: str) -> ClockEstimate:
    middle = int(sensor.time_ns[len(sensor.time_ns) // 2]) if len(sensor.time_ns) else 0
    return ClockEstimate(0.0, np.inf, 0.0, np.inf, middle, 0.0, 0.0, False, reason)
