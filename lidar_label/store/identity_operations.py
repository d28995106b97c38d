"""Edits of which cuboid belongs to which object: merge, split, swap."""

from lidar_label.store.asked import Asked
from lidar_label.store.draft import Draft, Setting
from lidar_label.store.edits import EditRequest
from lidar_label.store.rows import Track
from lidar_label.store.track_operations import put_resized


def merge_tracks(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """The other track's cuboids join this one, and it goes: {prefer?: this|other}.

    In a frame where both have a cuboid, a person's keyframe wins, else the preferred one.
    """
    asked = Asked(request, setting)
    asked.only("prefer")
    prefer = asked.choice("prefer", ("this", "other"), "this")
    track, other = _two(draft, asked)
    mine = draft.rows(track.track_id)
    for frame, row in sorted(draft.rows(other.track_id).items()):
        old = mine.get(frame)
        if old is None or (row.keyframe, prefer == "other") > (old.keyframe, prefer == "this"):
            put_resized(draft, track, row._replace(track_id=track.track_id))
    draft.touch(track.track_id)
    draft.drop(other)


def split_track(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """The cuboids from `frame` on become a new track of the same class."""
    asked = Asked(request, setting)
    asked.only()
    track, frame = draft.track(request.track_id), asked.frame()
    rows = draft.rows(track.track_id)
    later = [row for at, row in sorted(rows.items()) if at >= frame]
    if not later or len(later) == len(rows):
        raise asked.wrong(
            "frame", f"is {frame}; give one after the track's first and up to its last"
        )
    new = track._replace(track_id=draft.new_id())
    draft.put(new)
    for row in later:
        draft.drop(row)
        draft.put(row._replace(track_id=new.track_id))


def swap_tracks(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """Two tracks exchange their cuboids from `frame` on, or up to {to_frame}."""
    asked = Asked(request, setting)
    asked.only("to_frame")
    track, other = _two(draft, asked)
    first = asked.frame()
    last = asked.frame(request.payload.get("to_frame", setting.frames - 1), "payload.to_frame")
    mine, theirs = draft.rows(track.track_id), draft.rows(other.track_id)
    frames = [f for f in sorted({*mine, *theirs}) if first <= f <= last]
    if not frames:
        raise asked.wrong("frame", f"is {first}; neither track has a cuboid from there on")
    for frame in frames:
        a, b = mine.get(frame), theirs.get(frame)
        for row in (a, b):
            if row:
                draft.drop(row)
        if b:
            put_resized(draft, track, b._replace(track_id=track.track_id))
        if a:
            put_resized(draft, other, a._replace(track_id=other.track_id))
    for one in (track, other):
        if not draft.rows(one.track_id):
            draft.drop(one)


def _two(draft: Draft, asked: Asked) -> tuple[Track, Track]:
    request = asked.request
    track, other = draft.track(request.track_id), draft.track(request.other_id)
    if track.track_id == other.track_id:
        raise asked.wrong("other_id", f"is {other.track_id}, the same track; give another")
    return track, other
