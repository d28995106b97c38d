"""The online tracker's loop: predict, pair, correct, begin and end all tracks of a frame."""

import numpy as np

from lidar_label.arrays import Floats, Ints, Mask
from lidar_label.kernels.assignment import assign_sparse
from lidar_label.kernels.jit import kernel
from lidar_label.kernels.motion import (
    HEADING,
    POSITION,
    SPEED,
    STATE,
    TURN,
    TURNING,
    YAW,
    X,
    Y,
    begin,
    correct,
    face_forward,
    fold,
    step,
    turn_round,
)

# Columns of a row of rules, one row a group of classes. Scores are log-odds, times are seconds.
(
    BIRTH,
    KEEP,
    STRONG,
    HITS,
    TENTATIVE_S,
    MISSED_S,
    HIDDEN_S,
    COAST_S,
    LIMIT,
    SHAPE,
    ENTRY,
    DOUBT,
) = range(12)
RULES = 12

# Columns of what a track knows of its shape.
Z, Z_VARIANCE, LENGTH, WIDTH, HEIGHT = range(5)
SHAPE_WIDTH = 5

# Columns of a reported row.
ROW_TRACK, ROW_FRAME, ROW_DETECTION = range(3)
ROW_BOX = 3
ROW_VELOCITY = 10
ROW_SCORE = 12
ROW_WIDTH = 13

_BACKWARDS = 1.0  # m/s from which a vehicle that seems to reverse has been seen the wrong way round
_FACING_MEMORY = 0.9  # what each detection leaves of the votes before it
_HEIGHT_WANDERS = 0.3  # m per √s
DOUBT_LOG_ODDS = -2.0  # of the doubt that a track begins with
_SIZE_MEMORY = 20.0  # detections after which older ones count less


@kernel
def overlap_volume(a: Floats, b: Floats) -> float:
    """IoU of two boxes (7,) as volumes; b is clipped by the sides of a (Sutherland–Hodgman)."""
    top = min(a[2] + a[5] / 2, b[2] + b[5] / 2)
    bottom = max(a[2] - a[5] / 2, b[2] - b[5] / 2)
    dx, dy = b[0] - a[0], b[1] - a[1]
    reach = (np.hypot(a[3], a[4]) + np.hypot(b[3], b[4])) / 2
    if top <= bottom or dx * dx + dy * dy >= reach * reach:
        return 0.0
    cos, sin = np.cos(a[6]), np.sin(a[6])
    cx, cy = cos * dx + sin * dy, -sin * dx + cos * dy
    cos, sin = np.cos(b[6] - a[6]), np.sin(b[6] - a[6])
    px, py = np.empty(12), np.empty(12)
    qx, qy = np.empty(12), np.empty(12)
    for k in range(4):
        u = b[3] / 2 if k in (0, 3) else -b[3] / 2
        v = b[4] / 2 if k < 2 else -b[4] / 2
        px[k], py[k] = cx + cos * u - sin * v, cy + sin * u + cos * v
    n = 4
    for side in range(4):
        half = a[3] / 2 if side < 2 else a[4] / 2
        sign = 1.0 if side % 2 == 0 else -1.0
        m = 0
        for k in range(n):
            following = (k + 1) % n
            here = sign * (px[k] if side < 2 else py[k]) - half
            there = sign * (px[following] if side < 2 else py[following]) - half
            if here <= 0:
                qx[m], qy[m] = px[k], py[k]
                m += 1
            if (here <= 0) != (there <= 0):
                share = here / (here - there)
                qx[m] = px[k] + share * (px[following] - px[k])
                qy[m] = py[k] + share * (py[following] - py[k])
                m += 1
        n = m
        for k in range(n):
            px[k], py[k] = qx[k], qy[k]
        if n < 3:
            return 0.0
    area = 0.0
    for k in range(n):
        following = (k + 1) % n
        area += px[k] * py[following] - px[following] * py[k]
    shared = abs(area) / 2 * (top - bottom)
    whole = a[3] * a[4] * a[5] + b[3] * b[4] * b[5] - shared
    return shared / whole if whole > 0 else 0.0


@kernel
def overlap_volumes(a: Floats, b: Floats) -> Floats:
    """(P,) IoU as volumes of boxes a[i] and b[i], both (P, 7)."""
    result = np.empty(len(a))
    for i in range(len(a)):
        result[i] = overlap_volume(a[i], b[i])
    return result


@kernel
def bearing_span(box: Floats, origin: Floats) -> tuple[float, float, float]:
    """Bearing of a box's centre from `origin`, the half angle it fills, and its distance."""
    dx, dy = box[0] - origin[0], box[1] - origin[1]
    centre = np.arctan2(dy, dx)
    half = 0.0
    cos, sin = np.cos(box[6]), np.sin(box[6])
    for k in range(4):
        u = box[3] / 2 if k < 2 else -box[3] / 2
        v = box[4] / 2 if k % 2 == 0 else -box[4] / 2
        corner = np.arctan2(dy + sin * u + cos * v, dx + cos * u - sin * v)
        half = max(half, abs(fold(corner - centre)))
    return centre, half, np.hypot(dx, dy)


@kernel
def _is_hidden(box: Floats, spans: Floats, origin: Floats) -> bool:
    """True when a nearer box stands before the middle of this one, seen from `origin`."""
    centre, _, away = bearing_span(box, origin)
    for k in range(len(spans)):
        if spans[k, 2] < away - 1.0 and abs(fold(spans[k, 0] - centre)) < spans[k, 1]:
            return True
    return False


@kernel
def _box_of(state: Floats, shape: Floats, box: Floats) -> None:
    box[0], box[1], box[2] = state[X], state[Y], shape[Z]
    box[3], box[4], box[5] = shape[LENGTH], shape[WIDTH], shape[HEIGHT]
    box[6] = fold(state[YAW])


@kernel
def _measure(
    box: Floats, noise: Floats, factor: float, state: Floats, z: Floats, r: Floats
) -> None:
    """Measurement x y yaw of a box and its variances; an axis off by about 90° is not believed."""
    z[0], z[1], z[2] = box[0], box[1], box[6]
    r[0] = r[1] = (noise[POSITION] * factor) ** 2
    r[2] = (noise[HEADING] * factor) ** 2
    if abs(fold(2 * (box[6] - state[YAW]))) / 2 > np.pi / 4:
        r[2] = np.inf


@kernel
def _pair(
    strong: bool,
    first: int,
    boxes: Floats,
    score: Floats,
    group: Ints,
    rules: Floats,
    live: int,
    kind: Ints,
    spread: Floats,
    predicted: Floats,
    used: Mask,
    matched: Ints,
) -> None:
    """Give free tracks the strong (or the weak) detections of one frame, at least total cost.

    A pair costs the distance of the centres over the mean of the two diagonals, widened by how
    unsure the prediction is, plus SHAPE times what they lack of full overlap.
    """
    n = len(boxes)
    start = np.zeros(live + 1, dtype=np.int64)
    room = 16 * (live + n)
    column, cost = np.empty(room, dtype=np.int64), np.empty(room)
    count = 0
    eligible, halves = np.empty(n, dtype=np.int64), np.empty(n)
    candidates = 0
    for d in range(n):
        is_strong = score[d] >= rules[group[d], STRONG]
        if not used[d] and score[d] >= rules[group[d], KEEP] and is_strong == strong:
            eligible[candidates] = d
            halves[candidates] = np.hypot(boxes[d, 3], boxes[d, 4]) / 2
            candidates += 1
    for t in range(live):
        start[t] = count
        if matched[t] >= 0:
            continue
        limit, weight = rules[kind[t], LIMIT], rules[kind[t], SHAPE]
        box = predicted[t]
        unsure = 2 * np.sqrt(spread[t, X, X] + spread[t, Y, Y])
        half = np.hypot(box[3], box[4]) / 2
        for k in range(candidates):
            d = eligible[k]
            reach = half + halves[k] + unsure
            dx, dy = boxes[d, 0] - box[0], boxes[d, 1] - box[1]
            square, most = dx * dx + dy * dy, limit * reach
            if square >= most * most or group[d] != kind[t]:
                continue
            away = np.sqrt(square) / reach
            price = away + weight * (1 - overlap_volume(box, boxes[d]))
            if price >= limit:
                continue
            if count == room:
                room *= 2
                wider, dearer = np.empty(room, dtype=np.int64), np.empty(room)
                wider[:count], dearer[:count] = column, cost
                column, cost = wider, dearer
            column[count], cost[count] = d, price / limit
            count += 1
    start[live] = count
    choice = assign_sparse(start, column, cost, n, 1.0)
    for t in range(live):
        if choice[t] >= 0:
            matched[t] = first + choice[t]
            used[choice[t]] = True


@kernel
def _is_crowded(
    box: Floats, g: int, live: int, kind: Ints, matched: Ints, predicted: Floats, entry: float
) -> bool:
    """True when a track seen in this frame already fills the place of a detection."""
    for t in range(live):
        if kind[t] == g and matched[t] >= 0 and overlap_volume(predicted[t], box) > entry:
            return True
    return False


@kernel
def follow(
    start: Ints,
    seconds: Floats,
    origin: Floats,
    boxes: Floats,
    score: Floats,
    group: Ints,
    deviation: Floats,
    models: Ints,
    noise: Floats,
    rules: Floats,
    capacity: int,
    room: int,
) -> tuple[Ints, Floats, int]:
    """Track N detections over F frames.

    Args:
        start: (F + 1,) detections of frame f are start[f]:start[f + 1].
        seconds: (F,) time of each frame.
        origin: (F, 2) where the sensor was, world frame.
        boxes: (N, 7) world frame.
        score: (N,) log-odds.
        group: (N,) row of `models`, `noise` and `rules`; only equal groups are paired.
        deviation: (N,) factor on the noise of each measurement.
        models: (G,) motion model.
        noise: (G, 7) see `motion`.
        rules: (G, 12) see above.
        capacity: Tracks alive at once, at most.
        room: Reported rows, at most.

    Returns:
        (N,) track of each detection, −1 for none; (R, 13) reported rows; number of tracks.
    """
    track_of = np.full(len(boxes), -1, dtype=np.int64)
    rows = np.zeros((room, ROW_WIDTH))
    state, spread = np.zeros((capacity, STATE)), np.zeros((capacity, STATE, STATE))
    jacobian = np.zeros((STATE, STATE))
    shape, predicted = np.zeros((capacity, SHAPE_WIDTH)), np.zeros((capacity, 7))
    name, kind = np.zeros(capacity, dtype=np.int64), np.zeros(capacity, dtype=np.int64)
    hits, matched = np.zeros(capacity, dtype=np.int64), np.zeros(capacity, dtype=np.int64)
    last_seen, hidden_s = np.zeros(capacity), np.zeros(capacity)
    evidence = np.zeros(capacity)  # sum of the log-odds of its detections
    facing = np.zeros(capacity)  # which end of it detections call the front, + if ours
    z, r = np.zeros(3), np.zeros(3)
    live, names, reported = 0, 0, 0
    for f in range(len(start) - 1):
        a, b = start[f], start[f + 1]
        dt = seconds[f] - seconds[f - 1] if f > 0 else 0.0
        for t in range(live):
            step(int(models[kind[t]]), dt, noise[kind[t]], state[t], spread[t], jacobian)
            shape[t, Z_VARIANCE] += _HEIGHT_WANDERS**2 * dt
            _box_of(state[t], shape[t], predicted[t])
        matched[:] = -1
        used = np.zeros(b - a, dtype=np.bool_)
        for strong in (True, False):
            _pair(
                strong, a, boxes[a:b], score[a:b], group[a:b], rules,
                live, kind, spread, predicted, used, matched,
            )  # fmt: skip
        for t in range(live):
            d = matched[t]
            if d < 0:
                continue
            g = kind[t]
            _measure(boxes[d], noise[g], float(deviation[d]), state[t], z, r)
            correct(z, r, state[t], spread[t])
            if models[g] == TURNING and face_forward(state[t], spread[t], _BACKWARDS):
                facing[t] = -facing[t]
            facing[t] = _FACING_MEMORY * facing[t] + np.cos(boxes[d, 6] - state[t, YAW])
            if facing[t] < 0 and (models[g] != TURNING or state[t, SPEED] < _BACKWARDS):
                turn_round(int(models[g]), state[t], spread[t])
                facing[t] = -facing[t]
            gain = shape[t, Z_VARIANCE] / (shape[t, Z_VARIANCE] + r[0])
            shape[t, Z] += gain * (boxes[d, 2] - shape[t, Z])
            shape[t, Z_VARIANCE] *= 1 - gain
            hits[t] += 1
            share = 1 / min(float(hits[t]), _SIZE_MEMORY)
            for k in range(3):
                shape[t, LENGTH + k] += share * (boxes[d, 3 + k] - shape[t, LENGTH + k])
            evidence[t] += score[d]
            last_seen[t], hidden_s[t] = seconds[f], 0.0
            track_of[d] = name[t]
            _box_of(state[t], shape[t], predicted[t])
        for d in range(a, b):
            g = group[d]
            if used[d - a] or score[d] < rules[g, BIRTH] or live == capacity:
                continue
            if _is_crowded(boxes[d], g, live, kind, matched, predicted, rules[g, ENTRY]):
                continue
            z[0], z[1], z[2] = boxes[d, 0], boxes[d, 1], boxes[d, 6]
            begin(int(models[g]), z, noise[g], state[live], spread[live])
            shape[live, Z] = boxes[d, 2]
            shape[live, Z_VARIANCE] = (noise[g, POSITION] * deviation[d]) ** 2
            shape[live, LENGTH : LENGTH + 3] = boxes[d, 3:6]
            _box_of(state[live], shape[live], predicted[live])
            name[live], kind[live], hits[live], matched[live] = names, g, 1, d
            facing[live] = 1.0
            last_seen[live], hidden_s[live], evidence[live] = seconds[f], 0.0, score[d]
            track_of[d] = names
            names += 1
            live += 1
        spans = np.empty((b - a, 3))
        for d in range(a, b):
            spans[d - a] = bearing_span(boxes[d], origin[f])
        kept = 0
        for t in range(live):
            rule = rules[kind[t]]
            if matched[t] < 0 and _is_hidden(predicted[t], spans, origin[f]):
                hidden_s[t] += dt
            gone_s = seconds[f] - last_seen[t]
            sure = hits[t] >= rule[HITS]
            allowed = rule[MISSED_S] if sure else rule[TENTATIVE_S]
            if gone_s - min(hidden_s[t], rule[HIDDEN_S]) > allowed:
                continue
            if sure and gone_s <= rule[COAST_S] and reported < room:
                row = rows[reported]
                row[ROW_TRACK], row[ROW_FRAME], row[ROW_DETECTION] = name[t], f, matched[t]
                row[ROW_BOX : ROW_BOX + 7] = predicted[t]
                if models[kind[t]] == TURNING:
                    row[ROW_VELOCITY] = state[t, SPEED] * np.cos(state[t, YAW])
                    row[ROW_VELOCITY + 1] = state[t, SPEED] * np.sin(state[t, YAW])
                else:
                    row[ROW_VELOCITY], row[ROW_VELOCITY + 1] = state[t, SPEED], state[t, TURN]
                doubted = evidence[t] + rule[DOUBT] * DOUBT_LOG_ODDS
                row[ROW_SCORE] = doubted / (hits[t] + rule[DOUBT])
                reported += 1
            if kept != t:
                state[kept], spread[kept], shape[kept] = state[t], spread[t], shape[t]
                name[kept], kind[kept], hits[kept] = name[t], kind[t], hits[t]
                last_seen[kept], hidden_s[kept] = last_seen[t], hidden_s[t]
                evidence[kept], facing[kept] = evidence[t], facing[t]
            kept += 1
        live = kept
    return track_of, rows[:reported], names
