"""Which tracks want looking at, and why: from what their cuboids say of themselves.

The score is the chance that a person would change something, put together as if the reasons were
independent; it orders a list, it is no measured probability.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from lidar_label.viewers.api.label_models import CuboidColumns, Doubt

_POOR_RESIDUAL_M = 0.25  # twice what a good fit has
_FEW_POINTS = 10
_TURN_RAD = math.radians(100)  # between neighbouring frames: the front became the back
_GROWTH = 0.25  # of a size between neighbouring frames
_STEP_M = 4.0  # beyond what 10 Hz and 140 km/h allow
_DIGITS = 4
Check = Callable[[CuboidColumns, Sequence[int]], tuple[float, str]]


def doubts(columns: CuboidColumns) -> Mapping[int, Doubt]:
    """Of each track that the machine had a part in; what people set is not doubted."""
    rows: dict[int, list[int]] = {}
    for row, track in enumerate(columns.track_id):
        rows.setdefault(track, []).append(row)
    found: dict[int, Doubt] = {}
    for track, own in rows.items():
        if all(columns.keyframe[row] for row in own):
            continue
        own.sort(key=lambda row: columns.frame[row])
        told = [check(columns, own) for check in _CHECKS]
        sure = math.prod(1 - weight for weight, _ in told)
        reasons = [reason for weight, reason in sorted(told, key=lambda each: -each[0]) if weight]
        found[track] = Doubt(score=round(1 - sure, _DIGITS), reasons=reasons)
    return found


def _score(columns: CuboidColumns, own: Sequence[int]) -> tuple[float, str]:
    scores = [score for row in own if (score := columns.score[row]) is not None]
    if not scores:
        return 0.0, ""
    mean = min(max(sum(scores) / len(scores), 0.0), 1.0)
    return 0.8 * (1 - mean), f"the machine is {mean:.0%} sure of it"


def _residual(columns: CuboidColumns, own: Sequence[int]) -> tuple[float, str]:
    poor = [row for row in own if (columns.residual[row] or 0) > _POOR_RESIDUAL_M]
    return _share(poor, own, 0.4), f"loose fit in {_frames(columns, poor)}"


def _points(columns: CuboidColumns, own: Sequence[int]) -> tuple[float, str]:
    few = [row for row in own if 0 <= columns.num_points[row] < _FEW_POINTS]
    return _share(few, own, 0.4), f"fewer than {_FEW_POINTS} points in {_frames(columns, few)}"


def _gaps(columns: CuboidColumns, own: Sequence[int]) -> tuple[float, str]:
    pairs = pairwise(own)
    after = [b for a, b in pairs if columns.frame[b] - columns.frame[a] > 1]
    return (0.4 if after else 0.0), f"frames are missing before {_frames(columns, after)}"


def _turns(columns: CuboidColumns, own: Sequence[int]) -> tuple[float, str]:
    pairs = pairwise(own)
    turned = [b for a, b in pairs if _turn(columns.yaw[a], columns.yaw[b]) > _TURN_RAD]
    return (0.6 if turned else 0.0), f"the heading turns round in {_frames(columns, turned)}"


def _sizes(columns: CuboidColumns, own: Sequence[int]) -> tuple[float, str]:
    sizes = (columns.length, columns.width, columns.height)
    jumps = [
        b
        for a, b in pairwise(own)
        if any(abs(size[b] - size[a]) > _GROWTH * max(size[a], size[b]) for size in sizes)
    ]
    return (0.4 if jumps else 0.0), f"the size jumps in {_frames(columns, jumps)}"


def _steps(columns: CuboidColumns, own: Sequence[int]) -> tuple[float, str]:
    """In the ego frame, where what stands still moves with the ego's speed at most."""
    far = [
        b
        for a, b in pairwise(own)
        if math.dist((columns.x[a], columns.y[a]), (columns.x[b], columns.y[b]))
        > 2 * _STEP_M * (columns.frame[b] - columns.frame[a])
    ]
    return (0.6 if far else 0.0), f"it leaps in {_frames(columns, far)}"


_CHECKS: tuple[Check, ...] = (_score, _residual, _points, _gaps, _turns, _sizes, _steps)


def _share(bad: Sequence[int], own: Sequence[int], most: float) -> float:
    return most * len(bad) / len(own)


def _turn(a: float, b: float) -> float:
    return abs(math.remainder(b - a, 2 * math.pi))


def _frames(columns: CuboidColumns, rows: Sequence[int]) -> str:
    frames = [columns.frame[row] for row in rows[:3]]
    text = "frame " + ", ".join(map(str, frames)) if frames else "no frame"
    return text if len(rows) <= 3 else f"{text} and {len(rows) - 3} more"
