"""Slow, obvious twins of the kernels between a sweep's points and the boxes read into them."""

import itertools

import numpy as np

CELL = 0.2


def closeness(xy, angle):
    """Mean of 1 / distance to the nearest side of the bounding rectangle, less half its area."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    local = xy @ turn
    low, high = local.min(axis=0), local.max(axis=0)
    nearest = np.minimum(local - low, high - local).min(axis=1)
    length, width = high - low + 0.1
    return (1 / np.maximum(nearest, 0.04)).mean() - 0.5 * length * width


def best_angle(xy):
    """Coarse over a quarter turn, then a third as coarse around the best."""
    step = np.pi / 2 / 15
    best = max((k * step for k in range(15)), key=lambda a: closeness(xy, a))
    around = [best, *(best + k * step / 3 for k in (-2, -1, 1, 2))]
    return max(around, key=lambda a: closeness(xy, a))


def slice_columns(points, angle, sensor):
    """All columns of `fit_slices` for one slice (3, n), at an angle."""
    x, y, height = np.asarray(points, dtype=np.float64)
    c, s = np.cos(angle), np.sin(angle)
    u, v = c * x + s * y, c * y - s * x
    nearest = np.minimum.reduce([u - u.min(), u.max() - u, v - v.min(), v.max() - v])
    top = height.max()
    dx, dy = x.mean() - sensor[0], y.mean() - sensor[1]
    across = (-dy * x + dx * y) / max(np.hypot(dx, dy), 1e-6)
    low, width = across.min(), np.ptp(across)
    shoulder = np.nan
    if width >= 1.1:
        left, right = across < low + 0.18 * width, across > across.max() - 0.18 * width
        ends = height[left].max(initial=0.0), height[right].max(initial=0.0)
        shoulder = sum(ends) / (2 * top)
    spread = np.linalg.eigvalsh(np.cov(x, y, bias=True))
    thickness = np.sqrt(max(spread[0], 0.0) * len(x)) / np.sqrt(max(spread[1] * len(x), 1e-12))
    return [
        angle, u.min(), u.max(), v.min(), v.max(), nearest.mean(), height.min(), top, shoulder,
        (3 * height < top).mean(), (3 * height > 2 * top).mean(), thickness,
    ]  # fmt: skip


def cells(points, height, low, high, cx, cy, side):
    """Cells of the band, by place: their points, their extent in height, and what goes on above."""
    members, above = {}, {}
    for i, (point, h) in enumerate(zip(points.astype(np.float64), height, strict=True)):
        row = int(np.floor((point[0] - cx) / CELL + side / 2))
        column = int(np.floor((point[1] - cy) / CELL + side / 2))
        if 0 <= row < side and 0 <= column < side and low <= h < 6.0:
            group = members if h <= high else above
            group.setdefault((row, column), []).append(i)
    result = {}
    for (row, column), own in members.items():
        heights = height[own]
        if heights.max() < 0.35:
            continue
        middle = points[own, :2].astype(np.float64).mean(axis=0)
        limit = heights.max() + 0.35 + 0.012 * np.hypot(*(middle - [cx, cy]))
        top = 0.0
        for dr, dc in itertools.product((-1, 0, 1), repeat=2):
            there = height[above.get((row + dr, column + dc), [])]
            if len(there) and there.min() < limit:
                top = max(top, there.max())
        result[row * side + column] = (own, middle, heights.min(), heights.max(), top)
    return result


def linked(a, b, scale, gap):
    """Whether two cells (middle, low, high) are within a gap, and within 0.8 m in height."""
    apart = np.hypot(*(a[0] - b[0])) / scale
    return apart <= gap and max(a[1] - b[2], b[1] - a[2]) <= 0.8 * scale


def surroundings(box, own, state, standing, centre, patches):
    """The ten shares of one box, cell by cell; `own` and `standing` are sets of (row, column)."""
    side = len(state)
    x, y, _, length, width, _, yaw = box
    c, s = np.cos(yaw), np.sin(yaw)

    def local(row, column, size, count):
        dx = (row + 0.5 - count / 2) * size + centre[0] - x
        dy = (column + 0.5 - count / 2) * size + centre[1] - y
        return abs(c * dx + s * dy), abs(c * dy - s * dx)

    zones = ([], [])
    for row, column in itertools.product(range(side), repeat=2):
        u, v = local(row, column, CELL, side)
        if u <= max(length / 2 - 0.15, 0.1) and v <= max(width / 2 - 0.15, 0.1):
            zones[0].append((row, column))
        elif (
            u <= length / 2 + 0.6
            and v <= width / 2 + 0.6
            and (u >= length / 2 + 0.1 or v >= width / 2 + 0.1)
        ):
            zones[1].append((row, column))
    shares = []
    for zone in zones:
        count = max(len(zone), 1)
        mine = sum(cell in own for cell in zone)
        stands = sum(cell in standing for cell in zone)
        free = sum(state[cell] == 1 and cell not in standing for cell in zone)
        tall = sum(state[cell] == 3 and cell in standing for cell in zone)
        rest = len(zone) - stands - free
        parts = [free, mine, stands - mine, tall, rest] if zone is zones[1] else [
            free, mine, stands - mine, rest,
        ]  # fmt: skip
        shares += [part / count for part in parts]
    seen = total = 0
    for i, j in itertools.product(range(len(patches)), repeat=2):
        u, v = local(i, j, 5 * CELL, len(patches))
        beside = u >= length / 2 or v >= width / 2
        if u <= length / 2 + 1.5 and v <= width / 2 + 1.5 and beside:
            total += 1
            seen += patches[i, j]
    return [*shares, seen / max(total, 1)]


def cuts(parent):
    """Every choice of nodes of a tree of which none lies within another."""
    count = len(parent)

    def ancestors(node):
        while parent[node] >= 0:
            node = parent[node]
            yield node

    for chosen in itertools.product((False, True), repeat=count):
        nodes = {node for node in range(count) if chosen[node]}
        if all(nodes.isdisjoint(ancestors(node)) for node in nodes):
            yield nodes


def look_through(box, image, origin):
    """How the rays towards one box end: in it, behind it, before it, nowhere."""
    columns, rows = image.shape
    lowest, row_angle = np.deg2rad(-32.0), np.deg2rad(0.7)
    dx, dy = box[0] - origin[0], box[1] - origin[1]
    half = box[3:5] / 2
    ground = box[2] - box[5] / 2 - origin[2]
    bottom, top = ground + 0.3, ground + min(max(0.95, 0.55 * box[5]), box[5] - 0.1)
    counts = [0, 0, 0, 0]
    if np.hypot(dx, dy) < np.hypot(*half) + 0.3:
        return counts
    c, s = np.cos(box[6]), np.sin(box[6])
    towards = np.arctan2(dy, dx)
    corners = [(i * half[0], j * half[1]) for i in (1, -1) for j in (1, -1)]
    angles = [np.arctan2(dy + s * u + c * v, dx + c * u - s * v) - towards for u, v in corners]
    angles = [(angle + np.pi) % (2 * np.pi) - np.pi for angle in angles]
    left, right = max(angles), min(angles)
    rays = min(int((left - right) / (2 * np.pi / columns)) + 1, 24)
    for ray in range(rays):
        angle = towards + right + (ray + 0.5) * (left - right) / rays
        direction = np.cos(angle - box[6]), np.sin(angle - box[6])
        middle = c * dx + s * dy, c * dy - s * dx
        enter, leave = 0.0, np.inf
        for m, p, h in zip(middle, direction, half, strict=True):
            ends = sorted(((m - h) / p, (m + h) / p)) if abs(p) > 1e-9 else (
                (-np.inf, np.inf) if abs(m) <= h else (np.inf, -np.inf)
            )  # fmt: skip
            enter, leave = max(enter, ends[0]), min(leave, ends[1])
        if leave <= enter + 0.02:
            continue
        column = int(np.floor((angle + np.pi) * columns / (2 * np.pi))) % columns
        first = int(np.floor((np.arctan(bottom / enter) - lowest) / row_angle)) + 1
        last = int(np.floor((np.arctan(top / enter) - lowest) / row_angle))
        for row in range(max(first, 0), min(last, rows)):
            reach = image[column, row]
            if np.isinf(reach):
                counts[3] += 1
            elif reach < enter - 0.5:
                counts[2] += 1
            else:
                counts[1 if reach > leave + 0.3 else 0] += 1
    return counts


def hidden_ends(points, height, fits, sensor, low, high):
    """Whether a point in the direction of each end, between two heights, is 1 m nearer than it."""
    near = {}
    for (x, y, _), h in zip(points.astype(np.float64), height, strict=True):
        if low < h < high:
            bin_ = int((np.arctan2(y - sensor[1], x - sensor[0]) + np.pi) * 720 / (2 * np.pi)) % 720
            near[bin_] = min(near.get(bin_, np.inf), np.hypot(x - sensor[0], y - sensor[1]))
    result = np.zeros((len(fits), 4), bool)
    for k, (angle, u0, u1, v0, v1, *_) in enumerate(fits):
        if np.isnan(angle):
            continue
        c, s = np.cos(angle), np.sin(angle)
        u, v = c * sensor[0] + s * sensor[1], c * sensor[1] - s * sensor[0]
        u, v = np.clip(u, u0, u1), np.clip(v, v0, v1)
        for end, (a, b) in enumerate(((u0 - 0.4, v), (u1 + 0.4, v), (u, v0 - 0.4), (u, v1 + 0.4))):
            dx, dy = c * a - s * b - sensor[0], s * a + c * b - sensor[1]
            bin_ = int((np.arctan2(dy, dx) + np.pi) * 720 / (2 * np.pi)) % 720
            result[k, end] = near.get(bin_, np.inf) < np.hypot(dx, dy) - 1.0
    return result
