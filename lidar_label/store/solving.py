"""A track's cuboids that nobody set, solved again around those that a person did."""

from collections.abc import Mapping

import numpy as np

from lidar_label.store.draft import Draft, Setting
from lidar_label.store.rows import INTERPOLATED, Cuboid

_NOTHING = 1e-6  # metres, radians; a row that moves less is as it was


def solve_track(
    draft: Draft, track_id: int, setting: Setting, before: Mapping[int, Cuboid]
) -> None:
    """Bend the path of a track through its keyframes, which stay; see `keyframes.solve_again`.

    The middle of the bottom is what is carried; every cuboid keeps its size. What the machine
    measured in a frame no longer holds where its cuboid has moved.

    Args:
        draft: Holds the track with what a person has just set.
        track_id: Of it.
        setting: Times and poses of the frames.
        before: Frame → its cuboid before this edit.
    """
    from lidar_label.cuboids import Cuboids
    from lidar_label.keyframes import solve_again

    rows = [row for _, row in sorted(draft.rows(track_id).items())]
    human = np.array([row.keyframe for row in rows], dtype=np.bool_)
    if human.all() or not human.any():
        return
    boxes = np.array([row[2:9] for row in rows], dtype=np.float64)
    bottom = boxes[:, 5] / 2
    boxes[:, 2] -= bottom
    passed = np.full_like(boxes, np.nan)
    known = _passed(before)
    for k, row in enumerate(rows):
        if (old := known.get(row.frame)) is not None:
            passed[k] = old[2:9]
            passed[k, 2] -= old.height / 2
    frame = np.array([row.frame for row in rows], dtype=np.int64)
    path = Cuboids.of(boxes, frame=frame, time_ns=setting.time_ns[frame])
    solved = solve_again(path, human, setting.world_from_ego, before=passed)
    placed = np.column_stack((solved.boxes[:, :3], solved.boxes[:, 6], solved.velocity))
    placed[:, 2] += bottom
    for row, place in zip(rows, placed.tolist(), strict=True):
        if not row.keyframe and _moves(row, place):
            draft.put(_moved(row, place))


def _passed(before: Mapping[int, Cuboid]) -> dict[int, Cuboid]:
    """The keyframes that are not newer than the path through them."""
    solved = max((row.edit_seq for row in before.values() if row.source == INTERPOLATED), default=0)
    return {f: row for f, row in before.items() if row.keyframe and row.edit_seq <= solved}


def _moves(row: Cuboid, place: list[float]) -> bool:
    x, y, z, yaw = place[:4]
    near = max(abs(x - row.x), abs(y - row.y), abs(z - row.z)) < _NOTHING
    return not near or abs(np.remainder(yaw - row.yaw + np.pi, 2 * np.pi) - np.pi) >= _NOTHING


def _moved(row: Cuboid, place: list[float]) -> Cuboid:
    x, y, z, yaw, velocity_x, velocity_y = (value + 0.0 for value in place)
    return row._replace(
        x=x,
        y=y,
        z=z,
        yaw=yaw,
        velocity_x=velocity_x,
        velocity_y=velocity_y,
        score=None,
        num_points=-1,
        residual=None,
        reason="",
        source=INTERPOLATED,
    )
