"""Motion of boxes on the ground: extended Kalman filter and Rauch–Tung–Striebel smoother.

Two models share one layout, so that all tracks run through the same loops. The measurement is
always the first three numbers, x y yaw:

- TURNING, constant turn rate and speed, for what has wheels: x y yaw speed turn_rate;
- FREE, constant velocity, for what can step aside: x y yaw velocity_x velocity_y.

Measurements are independent numbers, so they enter one by one and nothing is inverted
(Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to Tracking and Navigation", 2001).
"""

import numpy as np

from lidar_label.arrays import Floats, Ints
from lidar_label.kernels.jit import kernel

TURNING, FREE = 0, 1
X, Y, YAW, SPEED, TURN = range(5)
STATE = 5

# Columns of a row of noise, all standard deviations.
ACCELERATION, TURN_ACCELERATION, DRIFT, POSITION, HEADING, START_SPEED, START_TURN = range(7)
NOISE = 7

_TURN_FADES_S = 2.0  # a turn that nothing confirms dies out; without this noise spins parked cars


@kernel
def fold(angle: float) -> float:
    """Wrap radians into [−π, π)."""
    return angle - 2 * np.pi * np.floor((angle + np.pi) / (2 * np.pi))


@kernel
def begin(model: int, measured: Floats, noise: Floats, state: Floats, spread: Floats) -> None:
    """Start a track (`state` (5,), `spread` (5, 5)) at a measurement x y yaw, speed unknown."""
    state[:] = 0.0
    state[:3] = measured[:3]
    spread[:] = 0.0
    spread[X, X] = spread[Y, Y] = noise[POSITION] ** 2
    spread[YAW, YAW] = noise[HEADING] ** 2
    spread[SPEED, SPEED] = noise[START_SPEED] ** 2
    spread[TURN, TURN] = noise[START_TURN if model == TURNING else START_SPEED] ** 2


@kernel
def step(
    model: int, dt: float, noise: Floats, state: Floats, spread: Floats, jacobian: Floats
) -> None:
    """Move a track `dt` seconds on, in place; `jacobian` (5, 5) receives d(after)/d(before)."""
    for i in range(STATE):
        for j in range(STATE):
            jacobian[i, j] = 1.0 if i == j else 0.0
    added = np.zeros((STATE, STATE))
    push = noise[ACCELERATION] ** 2
    half = dt * dt / 2
    if model == TURNING:
        middle = state[YAW] + state[TURN] * dt / 2
        cos, sin = np.cos(middle), np.sin(middle)
        way = state[SPEED] * dt
        jacobian[X, YAW], jacobian[Y, YAW] = -way * sin, way * cos
        jacobian[X, SPEED], jacobian[Y, SPEED] = dt * cos, dt * sin
        jacobian[X, TURN], jacobian[Y, TURN] = -way * sin * dt / 2, way * cos * dt / 2
        jacobian[YAW, TURN] = dt
        fade = np.exp(-dt / _TURN_FADES_S)
        jacobian[TURN, TURN] = fade
        state[X] += way * cos
        state[Y] += way * sin
        state[YAW] += state[TURN] * dt
        state[TURN] *= fade
        reach = (half * cos, half * sin, 0.0, dt, 0.0)
        for i in range(STATE):
            for j in range(STATE):
                added[i, j] = reach[i] * reach[j] * push
        twist = noise[TURN_ACCELERATION] ** 2
        added[YAW, YAW] += half * half * twist
        added[YAW, TURN] += half * dt * twist
        added[TURN, YAW] += half * dt * twist
        added[TURN, TURN] += dt * dt * twist
    else:
        jacobian[X, SPEED] = jacobian[Y, TURN] = dt
        state[X] += state[SPEED] * dt
        state[Y] += state[TURN] * dt
        for a, b in ((X, SPEED), (Y, TURN)):
            added[a, a] += half * half * push
            added[a, b] += half * dt * push
            added[b, a] += half * dt * push
            added[b, b] += dt * dt * push
        added[YAW, YAW] += noise[TURN_ACCELERATION] ** 2 * dt
    wander = noise[DRIFT] ** 2 * dt
    added[X, X] += wander
    added[Y, Y] += wander
    half_way = np.zeros((STATE, STATE))
    for i in range(STATE):
        for k in range(STATE):
            if jacobian[i, k] != 0.0:
                for j in range(STATE):
                    half_way[i, j] += jacobian[i, k] * spread[k, j]
    for i in range(STATE):
        for j in range(i, STATE):
            total = added[i, j]
            for k in range(STATE):
                total += half_way[i, k] * jacobian[j, k]
            spread[i, j] = total
            spread[j, i] = total


@kernel
def correct(measured: Floats, variance: Floats, state: Floats, spread: Floats) -> None:
    """Take in a measurement x y yaw with its three variances, in place.

    Yaw counts modulo π: boxes say where an object's axis lies, its motion says which end leads.
    """
    column = np.empty(STATE)
    for k in range(3):
        if variance[k] == np.inf:
            continue
        difference = measured[k] - state[k]
        if k == YAW:
            difference = fold(2 * difference) / 2
        total = spread[k, k] + variance[k]
        for i in range(STATE):
            column[i] = spread[i, k]
        for i in range(STATE):
            state[i] += column[i] * difference / total
        for i in range(STATE):
            for j in range(STATE):
                spread[i, j] -= column[i] * column[j] / total


@kernel
def _solve(matrix: Floats, right: Floats) -> Floats:
    """X of matrix · X = right for a symmetric positive definite 5 × 5 (Cholesky)."""
    n = len(matrix)
    low = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= low[i, k] * low[j, k]
            if i == j:
                low[i, i] = np.sqrt(max(total, 1e-15))
            else:
                low[i, j] = total / low[j, j]
    result = right.copy()
    for c in range(right.shape[1]):
        for i in range(n):
            total = result[i, c]
            for k in range(i):
                total -= low[i, k] * result[k, c]
            result[i, c] = total / low[i, i]
        for i in range(n - 1, -1, -1):
            total = result[i, c]
            for k in range(i + 1, n):
                total -= low[k, i] * result[k, c]
            result[i, c] = total / low[i, i]
    return result


@kernel
def smooth_tracks(
    start: Ints,
    model: Ints,
    noise: Floats,
    seconds: Floats,
    measured: Floats,
    variance: Floats,
    first: Floats,
) -> tuple[Floats, Floats]:
    """Smooth many tracks, each over its own moments, forwards and then backwards (RTS 1965).

    Args:
        start: (T + 1,) moments of track t are start[t]:start[t + 1].
        model: (T,) TURNING or FREE.
        noise: (T, 7).
        seconds: (M,) time of each moment, rising within a track.
        measured: (M, 3) x y yaw; rows with infinite variance are not looked at.
        variance: (M, 3) m², m², rad²; infinite where there is no measurement.
        first: (T, 5) state to begin with.

    Returns:
        (M, 5) smoothed states and (M, 3) variances of x, y, yaw.
    """
    m = len(seconds)
    smooth = np.zeros((m, STATE))
    certainty = np.zeros((m, 3))
    longest = 1
    for t in range(len(model)):
        longest = max(longest, start[t + 1] - start[t])
    ahead = np.empty((longest, STATE))  # predicted
    ahead_spread = np.empty((longest, STATE, STATE))
    after = np.empty((longest, STATE))  # filtered
    after_spread = np.empty((longest, STATE, STATE))
    moves = np.empty((longest, STATE, STATE))
    state, spread = np.empty(STATE), np.empty((STATE, STATE))
    for t in range(len(model)):
        a, n = start[t], start[t + 1] - start[t]
        if n == 0:
            continue
        begin(model[t], first[t], noise[t], state, spread)
        state[:] = first[t]
        spread[X, X] = spread[Y, Y] = 1e4
        spread[YAW, YAW] = 10.0
        for k in range(n):
            if k > 0:
                dt = float(seconds[a + k] - seconds[a + k - 1])
                step(int(model[t]), dt, noise[t], state, spread, moves[k])
            ahead[k] = state
            ahead_spread[k] = spread
            correct(measured[a + k], variance[a + k], state, spread)
            after[k] = state
            after_spread[k] = spread
        smooth[a + n - 1] = after[n - 1]
        late = after_spread[n - 1].copy()
        for i in range(3):
            certainty[a + n - 1, i] = late[i, i]
        for k in range(n - 2, -1, -1):
            # gain = after_spread · jacobianᵀ · ahead_spread⁻¹, got as its transpose
            crossed = np.zeros((STATE, STATE))
            for i in range(STATE):
                for j in range(STATE):
                    for q in range(STATE):
                        crossed[i, j] += moves[k + 1][i, q] * after_spread[k][q, j]
            gain = _solve(ahead_spread[k + 1], crossed)  # transposed
            change = late - ahead_spread[k + 1]
            for i in range(STATE):
                total = after[k, i]
                for j in range(STATE):
                    total += gain[j, i] * (smooth[a + k + 1, j] - ahead[k + 1, j])
                smooth[a + k, i] = total
            half_way = np.zeros((STATE, STATE))
            for i in range(STATE):
                for j in range(STATE):
                    for q in range(STATE):
                        half_way[i, j] += gain[q, i] * change[q, j]
            for i in range(STATE):
                for j in range(STATE):
                    total = after_spread[k][i, j]
                    for q in range(STATE):
                        total += half_way[i, q] * gain[q, j]
                    late[i, j] = total
            for i in range(3):
                certainty[a + k, i] = late[i, i]
    return smooth, certainty


@kernel
def face_forward(state: Floats, spread: Floats, slower_than: float) -> bool:
    """Turn a TURNING track that drives backwards faster than `slower_than` round; True if so."""
    if state[SPEED] >= -slower_than:
        return False
    turn_round(TURNING, state, spread)
    return True


@kernel
def turn_round(model: int, state: Floats, spread: Floats) -> None:
    """Exchange front and back of a track, in place; it moves on as before."""
    state[YAW] = fold(state[YAW] + np.pi)
    if model != TURNING:
        return
    state[SPEED] = -state[SPEED]
    for i in range(STATE):
        if i != SPEED:
            spread[i, SPEED] = -spread[i, SPEED]
            spread[SPEED, i] = -spread[SPEED, i]


@kernel
def smooth_line(
    start: Ints, seconds: Floats, value: Floats, variance: Floats, wander: Floats
) -> Floats:
    """Smooth one number of many tracks that wanders by itself (random walk, RTS), such as height.

    Args:
        start: (T + 1,) moments of track t are start[t]:start[t + 1].
        seconds: (M,) time of each moment, rising within a track.
        value: (M,) measured.
        variance: (M,) of the measurements, infinite where there is none.
        wander: (T,) standard deviation per √s.

    Returns:
        (M,) smoothed; 0 for a track without any measurement.
    """
    result = np.zeros(len(value))
    ahead, after = np.zeros(len(value)), np.zeros(len(value))  # variances
    for t in range(len(wander)):
        a, b = start[t], start[t + 1]
        mean, spread = 0.0, 1e6
        for k in range(a, b):
            if k > a:
                spread += wander[t] ** 2 * (seconds[k] - seconds[k - 1])
            ahead[k] = spread
            if variance[k] != np.inf:
                gain = spread / (spread + variance[k])
                mean += gain * (value[k] - mean)
                spread *= 1 - gain
            result[k], after[k] = mean, spread
        for k in range(b - 2, a - 1, -1):
            # Predictions of a random walk keep the mean, so the filtered one is the prediction.
            result[k] += after[k] / ahead[k + 1] * (result[k + 1] - result[k])
    return result
