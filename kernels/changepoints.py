"""Change points of a vector signal: exact penalised search (PELT, Killick et al., JASA 2012).

The cost of a segment is the squared distance of its rows to their mean, in O(1) by running sums.
Rows that are random Fourier features of a signal (Rahimi & Recht, NIPS 2007) make it the cost of a
Gaussian kernel (Arlot, Celisse & Harchaoui, JMLR 2019), which sees any change of distribution and
saturates for large ones, so that one violent moment does not outweigh many quiet ones.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints
from lidar_label.errors import InvalidSignal
from lidar_label.kernels.jit import simd_kernel


def partition(
    rows: NDArray[Any], penalty: float, *, min_length: int = 1, horizon: int = 20_000
) -> Ints:
    """Find the segmentation with the least cost + penalty · segments.

    Args:
        rows: (N, D) float, one row a moment.
        penalty: What one more segment must save, ≥ 0.
        min_length: The fewest rows of a segment.
        horizon: Start points older than this many rows are dropped unless pruning has kept fewer;
            the search is exact for segments shorter than this.

    Returns:
        (M,) int64 rising, the first row of every segment but the first.

    Raises:
        InvalidSignal: if rows are not (N, D), not finite, or a setting is out of range.
    """
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    if rows.ndim != 2:
        raise InvalidSignal(f"rows have shape {rows.shape}; pass (N, D)")
    if not np.isfinite(rows).all():
        raise InvalidSignal("rows hold NaN or infinity; fill or cut the gaps first")
    if penalty < 0 or min_length < 1 or horizon < 1:
        raise InvalidSignal("penalty must be ≥ 0, min_length and horizon ≥ 1")
    if len(rows) < 2 * min_length:
        return np.zeros(0, dtype=np.int64)
    return _pelt(rows, float(penalty), int(min_length), int(horizon))


def two_sided_gain(rows: NDArray[Any], first: int, last: int) -> Floats:
    """How much splitting rows[first:last] at each place would save.

    Args:
        rows: (N, D) float.
        first: Start of the stretch.
        last: End of the stretch, exclusive.

    Returns:
        (last − first + 1,) float64: gain of a boundary before row first + i; 0 at both ends.
    """
    part = np.ascontiguousarray(rows[first:last], dtype=np.float32)
    return _split_gain(part)


def level_and_spread_cost(values: NDArray[Any], low: int, high: int, floors: Floats) -> Floats:
    """How well a split at each place explains samples by a level and a spread on either side.

    The cost is the Gaussian one with both free, n₁ Σ ln σ₁² + n₂ Σ ln σ₂² (Chen & Gupta, JASA
    1997), each from running sums; half a difference of it is a difference in nats.

    Args:
        values: (T, C) float, the samples about a boundary.
        low: First place to split at, ≥ 1.
        high: Place after the last, ≤ T.
        floors: (C,) noise of each channel, added to its spread.

    Returns:
        (high − low,) float64: cost of a boundary before sample low + i.
    """
    values = np.ascontiguousarray(values, dtype=np.float32)
    return _level_and_spread(values, int(low), int(high), np.asarray(floors, dtype=np.float64) ** 2)


@simd_kernel
def _pelt(rows: Floats32, penalty: float, min_length: int, horizon: int) -> Ints:
    n, width = rows.shape
    total = np.zeros(width)  # running sum of rows[:t]
    squared = 0.0  # running sum of |rows[:t]|²
    # One column a live start, so that all of them are weighed by few long loops.
    start_sum = np.zeros((width, 64))  # the running sum there
    start_cost = np.zeros(64)  # least cost up to there, less the running sum of squares there
    start = np.zeros(64, np.int64)
    value = np.zeros(64)
    doomed = np.zeros(64, np.int64)  # when a start lost for good; a successor needs min_length rows
    best = np.full(n + 1, np.inf)
    previous = np.zeros(n + 1, np.int64)
    pending = np.zeros((min_length, width))  # sums at starts too young to use
    pending_squared = np.zeros(min_length)
    best[0] = -penalty
    start_cost[0] = -penalty
    live = 1
    for t in range(1, n + 1):
        for k in range(width):
            total[k] += rows[t - 1, k]
            squared += float(rows[t - 1, k]) ** 2
        if t >= min_length:
            for a in range(live):
                value[a] = 0.0
            for k in range(width):
                whole = total[k]
                for a in range(live):
                    d = whole - start_sum[k, a]
                    value[a] += d * d
            lowest = np.inf
            for a in range(live):
                value[a] = start_cost[a] + squared - value[a] / (t - start[a])
                lowest = min(lowest, value[a])
            for a in range(live):
                if value[a] == lowest:
                    previous[t] = start[a]
                    break
            best[t] = lowest + penalty
            kept = 0
            for a in range(live):
                if doomed[a] == 0 and value[a] > best[t]:
                    doomed[a] = t
                old = t - start[a] > horizon and start[a] != previous[t]
                lost = doomed[a] > 0 and t >= doomed[a] + min_length - 1
                if not lost and not old:
                    if kept != a:
                        start[kept] = start[a]
                        start_cost[kept] = start_cost[a]
                        doomed[kept] = doomed[a]
                        for k in range(width):
                            start_sum[k, kept] = start_sum[k, a]
                    kept += 1
            live = kept
        young = t - min_length + 1  # becomes usable for the next t
        slot = t % min_length
        if young >= min_length:
            if live == len(start):
                grown = np.zeros((width, 2 * live))
                grown[:, :live] = start_sum
                start_sum = grown
                start_cost = np.concatenate((start_cost, np.zeros(live)))
                start = np.concatenate((start, np.zeros(live, np.int64)))
                value = np.concatenate((value, np.zeros(live)))
                doomed = np.concatenate((doomed, np.zeros(live, np.int64)))
            source = young % min_length
            start[live] = young
            start_cost[live] = best[young] - (squared if young == t else pending_squared[source])
            doomed[live] = 0
            for k in range(width):
                start_sum[k, live] = total[k] if young == t else pending[source, k]
            live += 1
        for k in range(width):
            pending[slot, k] = total[k]
        pending_squared[slot] = squared
    count = 0
    t = n
    while previous[t] > 0:
        t = previous[t]
        count += 1
    changes = np.zeros(count, np.int64)
    t = n
    for i in range(count - 1, -1, -1):
        t = previous[t]
        changes[i] = t
    return changes


@simd_kernel
def _split_gain(rows: Floats32) -> Floats:
    n, width = rows.shape
    gain = np.zeros(n + 1)
    whole = np.zeros(width)
    left = np.zeros(width)
    for i in range(n):
        for k in range(width):
            whole[k] += rows[i, k]
    base = 0.0
    for k in range(width):
        base += whole[k] * whole[k]
    for i in range(1, n):
        a = 0.0
        b = 0.0
        for k in range(width):
            left[k] += rows[i - 1, k]
            a += left[k] * left[k]
            right = whole[k] - left[k]
            b += right * right
        gain[i] = a / i + b / (n - i) - base / n
    return gain


@simd_kernel
def _level_and_spread(values: Floats32, low: int, high: int, noise: Floats) -> Floats:
    n, width = values.shape
    cost = np.zeros(high - low)
    for c in range(width):
        centre = values[0, c]  # keeps the squares small
        whole = square = 0.0
        for i in range(n):
            x = values[i, c] - centre
            whole += x
            square += x * x
        left = left_square = 0.0
        for i in range(high - 1):
            x = values[i, c] - centre
            left += x
            left_square += x * x
            k = i + 1
            if k >= low:
                before = left / k
                after = (whole - left) / (n - k)
                spread = max(left_square / k - before * before, 0.0)
                rest = max((square - left_square) / (n - k) - after * after, 0.0)
                cost[k - low] += k * np.log(spread + noise[c])
                cost[k - low] += (n - k) * np.log(rest + noise[c])
    return cost
