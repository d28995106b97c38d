"""Edits that put cuboids between or after those that a person made: interpolate, propagate."""

import numpy as np

from lidar_label.arrays import Boxes, Floats
from lidar_label.store.asked import Asked
from lidar_label.store.draft import Draft, Setting
from lidar_label.store.edits import EditRequest
from lidar_label.store.rows import INTERPOLATED, Cuboid
from lidar_label.store.solving import solve_track

_NS_PER_S = 1e9


def interpolate(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """Cuboids between keyframes, in the world: {from_frame?, to_frame?, solve?}.

    Keyframes stay; the frames between the first and the last of them get cuboids or new ones, on
    straight lines. With `solve` those there are keep the shape of their path, which is bent to go
    through the keyframes, beyond the first and the last of them too; one keyframe will do.
    """
    asked = Asked(request, setting)
    asked.only("from_frame", "to_frame", "solve")
    solve = asked.flag("solve", False)
    track = draft.track(request.track_id)
    rows = draft.rows(track.track_id)
    first = asked.frame(request.payload.get("from_frame", 0), "payload.from_frame")
    last = asked.frame(request.payload.get("to_frame", setting.frames - 1), "payload.to_frame")
    keys = [row for f, row in sorted(rows.items()) if row.keyframe and first <= f <= last]
    least = 1 if solve else 2
    if len(keys) < least:
        raise asked.wrong(
            "payload.from_frame",
            f"to to_frame holds {len(keys)} keyframes of track {track.track_id}; "
            f"set {'a cuboid' if solve else 'two cuboids'} by hand first",
        )
    kept = set(rows) if solve else {row.frame for row in keys}
    frames = [f for f in range(keys[0].frame, keys[-1].frame + 1) if f not in kept]
    ends = [rows[f] for f in sorted(rows)] if solve else keys
    before = dict(rows)
    boxes = _between(ends, frames, setting.world_from_ego)
    for frame, box in zip(frames, boxes.tolist(), strict=True):
        draft.put(_placed(rows.get(frame), keys[0], frame, box))
    if solve:
        solve_track(draft, track.track_id, setting, before)


def propagate(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """The cuboid of `frame` in other frames: {to_frames, moving?}.

    It stays where it is in the world, or with `moving` goes on with its velocity. Keyframes stay.
    """
    asked = Asked(request, setting)
    asked.only("to_frames", "moving")
    track, frame = draft.track(request.track_id), asked.frame()
    rows = draft.rows(track.track_id)
    if frame not in rows:
        raise asked.wrong("frame", f"is {frame}, where the track has no cuboid")
    key = rows[frame]
    kept = {f for f, row in rows.items() if row.keyframe} | {frame}
    frames = [f for f in asked.frame_list("to_frames") if f not in kept]
    boxes = _between([key], frames, setting.world_from_ego)
    if asked.flag("moving", False):
        if key.velocity_x is None or key.velocity_y is None:
            raise asked.wrong("payload.moving", f"is true, but frame {frame} has no velocity")
        boxes[:, :2] += _way(key, frames, setting)
    for at, box in zip(frames, boxes.tolist(), strict=True):
        draft.put(_placed(rows.get(at), key, at, box))


def _between(keys: list[Cuboid], frames: list[int], world_from_ego: Floats | None) -> Boxes:
    from lidar_label.cuboids import Cuboids
    from lidar_label.keyframes import between

    boxes = np.array([row[2:9] for row in keys], dtype=np.float64)
    cuboids = Cuboids.of(boxes, frame=np.array([row.frame for row in keys]))
    return between(cuboids, np.array(frames, dtype=np.int64), world_from_ego)


def _way(key: Cuboid, frames: list[int], setting: Setting) -> Floats:
    """(F', 2) metres along each frame's ego axes that the velocity has carried the object."""
    from lidar_label.calibration.transforms import pose7_to_matrix

    seconds = (setting.time_ns[frames] - setting.time_ns[key.frame]) / _NS_PER_S
    way = np.column_stack((seconds * key.velocity_x, seconds * key.velocity_y))
    if setting.world_from_ego is None:
        return way
    turns = pose7_to_matrix(setting.world_from_ego[[key.frame, *frames]])[:, :2, :2]
    in_world = way @ turns[0].T
    return np.einsum("nji,nj->ni", turns[1:], in_world)


def _placed(old: Cuboid | None, key: Cuboid, frame: int, box: list[float]) -> Cuboid:
    """A cuboid that follows from keyframes; what the machine measured there no longer holds."""
    x, y, z, length, width, height, yaw = (value + 0.0 for value in box)
    return Cuboid(
        frame=frame,
        track_id=key.track_id,
        x=x,
        y=y,
        z=z,
        length=length,
        width=width,
        height=height,
        yaw=yaw,
        pitch=key.pitch,
        roll=key.roll,
        attributes=old.attributes if old else "",
        source=INTERPOLATED,
    )
