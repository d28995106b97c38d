"""Edits of tracks and their cuboids; each changes a draft as a request asks."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from lidar_label.store.asked import BOX, SIZE, Asked, merged
from lidar_label.store.draft import Draft, Setting
from lidar_label.store.edits import EditRequest
from lidar_label.store.rows import (
    ACCEPTED,
    AUTO,
    PROPOSED,
    REJECTED,
    SOURCES,
    STATES,
    Cuboid,
    Track,
)
from lidar_label.store.solving import solve_track

_UNMEASURED = tuple(Cuboid._field_defaults[name] for name in Cuboid._fields[11:])
_ON_THE_GROUND = (0.0, 0.0, -1.0)  # of an anchor: the middle of the bottom stays


def create_track(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """A new object, with its first cuboid or with several: {category, box | cuboids, …}."""
    asked = Asked(request, setting)
    asked.only("category", "attributes", "rigid", "state", "box", "cuboids", "source_id")
    category, version = asked.category()
    state = asked.choice("state", STATES, PROPOSED if setting.source == AUTO else ACCEPTED)
    track = Track(
        track_id=draft.new_id(),
        category=category,
        attributes=merged(
            "", asked.attributes(category, request.payload.get("attributes"), "track")
        ),
        rigid=asked.flag("rigid", True),
        state=state,
        source=setting.source,
        source_id=asked.text("source_id", ""),
        ontology_version=version,
    )
    draft.put(track)
    for frame, given in _wanted(asked):
        _set(draft, asked, track.track_id, frame, given)
    if not draft.rows(track.track_id):
        raise asked.wrong("payload.box", "is missing; a track begins with a cuboid")


def set_cuboid(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """Move, resize, rotate or add the cuboid of one frame: {box, keyframe?, attributes?, solve?}.

    With `solve` the track's cuboids that nobody set follow: the tracker bends their path.
    """
    asked = Asked(request, setting)
    asked.only(
        "box", "keyframe", "source", "attributes", "score", "num_points", "residual", "solve"
    )
    track = draft.track(request.track_id)
    before = dict(draft.rows(track.track_id))
    _set(draft, asked, track.track_id, asked.frame(), request.payload)
    if asked.flag("solve", False):
        solve_track(draft, track.track_id, setting, before)


def set_cuboids(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """The same in several frames at once: {cuboids: [{frame, box, keyframe?}], solve?}."""
    asked = Asked(request, setting)
    asked.only("cuboids", "solve")
    track = draft.track(request.track_id)
    asked.value("cuboids")
    before = dict(draft.rows(track.track_id))
    for frame, given in _wanted(asked):
        _set(draft, asked, track.track_id, frame, given)
    if asked.flag("solve", False):
        solve_track(draft, track.track_id, setting, before)


def _wanted(asked: Asked) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """Frame and what is asked of its cuboid, of `box` in the request's frame or of `cuboids`."""
    if asked.has("box"):
        yield asked.frame(), {"box": asked.value("box")}
    listed = asked.request.payload.get("cuboids") or ()
    if not isinstance(listed, list | tuple):
        raise asked.wrong("payload.cuboids", "is not a list")
    for k, one in enumerate(listed):
        given = asked.object(one, f"payload.cuboids[{k}]")
        yield asked.frame(given.get("frame"), f"payload.cuboids[{k}].frame"), given


def _set(draft: Draft, asked: Asked, track_id: int, frame: int, given: Mapping[str, Any]) -> None:
    track = draft.track(track_id)
    old = draft.rows(track_id).get(frame)
    box = asked.box(given.get("box") or {})
    row = old._replace(**box) if old else _new_cuboid(asked, track, frame, box)
    source = given.get("source") or asked.setting.source
    if source not in SOURCES:
        raise asked.wrong("source", f"is {source!r}; give one of {', '.join(SOURCES)}")
    keyframe = given.get("keyframe")
    row = row._replace(
        keyframe=(source != AUTO) if keyframe is None else bool(keyframe),
        source=source,
        **_figures(asked, given),
    )
    if given.get("attributes"):
        attributes = asked.attributes(track.category, given["attributes"], "cuboid")
        row = row._replace(attributes=merged(row.attributes, attributes))
    draft.put(row)
    if track.rigid and track.size != row.size:
        _resize(draft, track, row.size, _ON_THE_GROUND)


def _figures(asked: Asked, given: Mapping[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in ("score", "residual"):
        if given.get(name) is not None:
            figures[name] = asked.finite(given[name], name)
    if given.get("num_points") is not None:
        figures["num_points"] = asked.whole(given["num_points"], "num_points")
    return figures


def _new_cuboid(asked: Asked, track: Track, frame: int, box: dict[str, float]) -> Cuboid:
    if track.rigid and track.size:
        box = {**dict(zip(SIZE, track.size, strict=True)), **box}
    box = {"pitch": 0.0, "roll": 0.0, **box}
    for name in BOX:
        if name not in box:
            raise asked.wrong(f"box.{name}", f"is missing; frame {frame} has no cuboid yet")
    return Cuboid._make((frame, track.track_id, *(box[name] for name in BOX), *_UNMEASURED))


def _resize(
    draft: Draft, track: Track, size: tuple[float, float, float], anchor: tuple[float, float, float]
) -> None:
    """Give a rigid track and all its cuboids one size; `anchor` says what part of a box stays."""
    draft.put(track._replace(**dict(zip(SIZE, size, strict=True))))
    for row in list(draft.rows(track.track_id).values()):
        if row.size != size:
            draft.put(resized(row, size, anchor))


def put_resized(draft: Draft, track: Track, row: Cuboid) -> None:
    """Put a cuboid that comes from elsewhere, in the track's size where that is rigid."""
    if track.rigid and track.size and row.size != track.size:
        row = resized(row, track.size, _ON_THE_GROUND)
    draft.put(row)


def resized(
    row: Cuboid, size: tuple[float, float, float], anchor: tuple[float, float, float]
) -> Cuboid:
    """The cuboid with another size.

    Args:
        row: The cuboid.
        size: Length, width, height in metres.
        anchor: The point that stays, in half sizes from the centre: (0, 0, −1) the middle of the
            bottom, (1, 0, 0) the middle of the front.
    """
    ahead, left, up = (
        (old - new) / 2 * where for old, new, where in zip(row.size, size, anchor, strict=True)
    )
    cos, sin = math.cos(row.yaw), math.sin(row.yaw)
    return row._replace(
        x=row.x + ahead * cos - left * sin,
        y=row.y + ahead * sin + left * cos,
        z=row.z + up,
        **dict(zip(SIZE, size, strict=True)),
    )


def set_size(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """One size for the whole track, which becomes rigid: {length, width, height, anchor?}."""
    asked = Asked(request, setting)
    asked.only(*SIZE, "anchor")
    track = draft.track(request.track_id)
    box = asked.box({name: asked.value(name) for name in SIZE}, "payload")
    anchor = request.payload.get("anchor", _ON_THE_GROUND)
    if not isinstance(anchor, list | tuple) or len(anchor) != 3:
        raise asked.wrong("payload.anchor", f"is {anchor!r}; give three numbers from -1 to 1")
    ahead, left, up = (asked.finite(one, "payload.anchor") for one in anchor)
    track = track._replace(rigid=True, source=_touched_by(track, setting))
    _resize(draft, track, (box["length"], box["width"], box["height"]), (ahead, left, up))


def set_track(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """Class, attributes, rigidity or state: {category?, attributes?, rigid?, state?}."""
    asked = Asked(request, setting)
    asked.only("category", "attributes", "rigid", "state")
    track = draft.track(request.track_id)
    changed: dict[str, Any] = {"source": _touched_by(track, setting)}
    if asked.has("category"):
        changed["category"], changed["ontology_version"] = asked.category()
    if asked.has("attributes"):
        category = changed.get("category", track.category)
        given = asked.attributes(category, request.payload["attributes"], "track")
        changed["attributes"] = merged(track.attributes, given)
    changed["state"] = asked.choice("state", STATES, track.state)
    changed["rigid"] = asked.flag("rigid", track.rigid)
    track = track._replace(**changed)
    draft.put(track)
    rows = draft.rows(track.track_id)
    if track.rigid and rows and any(row.size != track.size for row in rows.values()):
        keys = [row for row in rows.values() if row.keyframe] or list(rows.values())
        _resize(draft, track, track.size or max(keys, key=_volume).size, _ON_THE_GROUND)


def _volume(row: Cuboid) -> float:
    return row.length * row.width * row.height


def _touched_by(track: Track, setting: Setting) -> str:
    return track.source if setting.source == AUTO else setting.source


def accept(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """A person says that the proposed track is right."""
    Asked(request, setting).only()
    draft.put(draft.track(request.track_id)._replace(state=ACCEPTED))


def reject(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """A person says that there is no such object: {reason?}. It is not proposed again."""
    Asked(request, setting).only()
    draft.put(draft.track(request.track_id)._replace(state=REJECTED))


def delete_track(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """The track with all its cuboids."""
    Asked(request, setting).only()
    draft.drop(draft.track(request.track_id))


def delete_cuboids(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """The cuboids of some frames: {frames}. A track whose last cuboid goes is deleted."""
    asked = Asked(request, setting)
    asked.only("frames")
    track = draft.track(request.track_id)
    rows = draft.rows(track.track_id)
    for frame in asked.frame_list("frames"):
        if frame not in rows:
            raise asked.wrong("payload.frames", f"holds {frame}, where the track has no cuboid")
        draft.drop(rows[frame])
    if not rows:
        draft.drop(track)
