"""Edits of comments and issues, each pinned to a place, a time, a track or a window."""

from typing import Any

from lidar_label.store.asked import Asked
from lidar_label.store.draft import Draft, Setting
from lidar_label.store.edits import EditRequest
from lidar_label.store.rows import Comment

_LONGEST = 20_000


def comment_create(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """{text, kind?: comment|issue, time_ns?, x?, y?, z?, reply_to?}.

    Frame, track and window are the request's; x y z are in the ego frame of that frame.
    """
    asked = Asked(request, setting)
    place = ("x", "y", "z")
    pins = ("time_ns", "reply_to")
    asked.only("text", "kind", *place, *pins)
    comment = Comment(
        comment_id=draft.new_id(),
        kind=asked.choice("kind", ("comment", "issue"), "comment"),
        text=_text(asked),
        author=setting.author,
        frame=None if request.frame is None else asked.frame(),
        track_id=request.track_id,
        window_id=request.window_id,
    )
    given: dict[str, Any] = {name: asked.number(name) for name in place if asked.has(name)}
    given |= {name: asked.integer(name) for name in pins if asked.has(name)}
    draft.put(comment._replace(**given))


def comment_change(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """Another text: {text}."""
    asked = Asked(request, setting)
    asked.only("text")
    draft.put(draft.comment(request.comment_id)._replace(text=_text(asked)))


def comment_resolve(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """Done with, or open again: {resolved?}."""
    asked = Asked(request, setting)
    asked.only("resolved")
    comment = draft.comment(request.comment_id)
    draft.put(comment._replace(resolved=asked.flag("resolved", True)))


def comment_delete(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """The comment goes."""
    Asked(request, setting).only()
    draft.drop(draft.comment(request.comment_id))


def _text(asked: Asked) -> str:
    text = asked.text("text").strip()
    if not text:
        raise asked.wrong("payload.text", "is empty; say something")
    if len(text) > _LONGEST:
        raise asked.wrong("payload.text", f"has {len(text)} characters; up to {_LONGEST} fit")
    return text
