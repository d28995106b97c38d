"""Labels that cannot be lost: an append-only log of edits and the labels that it adds up to."""

from lidar_label.store.edits import (
    MAIN,
    Applied,
    CommentState,
    Conflict,
    EditRequest,
    Entry,
    Labels,
    TrackState,
    WindowState,
)
from lidar_label.store.rows import Comment, Cuboid, Track, Window
from lidar_label.store.store import Store

__all__ = [
    "MAIN",
    "Applied",
    "Comment",
    "CommentState",
    "Conflict",
    "Cuboid",
    "EditRequest",
    "Entry",
    "Labels",
    "Store",
    "Track",
    "TrackState",
    "Window",
    "WindowState",
]
