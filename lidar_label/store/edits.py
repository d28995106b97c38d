"""What callers say and hear: the edit asked for, what came of it, the conflict that stopped it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from lidar_label.arrays import Ints, Mask, Strings
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.errors import LidarLabelError
from lidar_label.store.rows import Comment, Cuboid, Track, Window, as_json

MAIN: Final = "main"


@dataclass(frozen=True)
class EditRequest:
    """One change that someone asks for.

    Attributes:
        operation: Its name; see `operations.OPERATIONS`.
        client_id: Made by the client, different for each edit; sent again with a retry, so that an
            edit whose answer was lost is not made twice.
        track_id: What it changes: one of the three. None for what is created: the store gives ids.
        window_id: Likewise.
        comment_id: Likewise.
        base_revision: The revision of that thing which the author saw. None: whatever it is now.
        frame: Where the operation has one.
        other_id: The second track or window, of operations on two.
        other_base_revision: Its revision which the author saw.
        payload: What the operation needs besides.
        batch: Edits of one author with the same one are undone and redone together; "" for an edit
            that is a step of its own. Made by the client, like `client_id`.
    """

    operation: str
    client_id: str
    track_id: int | None = None
    window_id: int | None = None
    comment_id: int | None = None
    base_revision: int | None = None
    frame: int | None = None
    other_id: int | None = None
    other_base_revision: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    batch: str = ""

    def digest(self) -> bytes:
        """The same for the same request; a retry is recognised by it. The bases do not count."""
        said = [self.operation, self.track_id, self.window_id, self.comment_id, self.frame]
        text = as_json({"said": [*said, self.other_id], "payload": self.payload})
        return hashlib.sha256(text.encode()).digest()[:16]


@dataclass(frozen=True)
class TrackState:
    """A track and all its cuboids as they stand; `track` is None where it is deleted."""

    track_id: int
    revision: int
    track: Track | None
    rows: tuple[Cuboid, ...] = ()

    @property
    def deleted(self) -> bool:
        """True when the track is gone, or never was."""
        return self.track is None


@dataclass(frozen=True)
class WindowState:
    """A window as it stands; `window` is None where it is deleted."""

    window_id: int
    revision: int
    window: Window | None

    @property
    def deleted(self) -> bool:
        """True when the window is gone, or never was."""
        return self.window is None


@dataclass(frozen=True)
class CommentState:
    """A comment as it stands; `comment` is None where it is deleted."""

    comment_id: int
    revision: int
    comment: Comment | None

    @property
    def deleted(self) -> bool:
        """True when the comment is gone, or never was."""
        return self.comment is None


State = TrackState | WindowState | CommentState


@dataclass(frozen=True)
class Applied:
    """What came of edits: the seq of the last one, and all that they touched, as it stands now."""

    seq: int
    tracks: tuple[TrackState, ...] = ()
    windows: tuple[WindowState, ...] = ()
    comments: tuple[CommentState, ...] = ()


class Conflict(LidarLabelError):
    """Something changed since the author last saw it; nothing was written. The newer states."""

    def __init__(self, text: str, states: Sequence[State]) -> None:
        super().__init__(text)
        self.states = tuple(states)


@dataclass(frozen=True)
class Entry:
    """One line of the history.

    Attributes:
        seq: Its number in its branch, from 1.
        author: Who.
        time_ns: When, by the clock of the store's machine; order is by `seq`, never by this.
        operation: What.
        note: Why, where one was given.
        reverts: The edit that this one undoes.
        undone_by: The edit that undid this one.
        touched: Kind and id of what it changed.
    """

    seq: int
    author: str
    time_ns: int
    operation: str
    note: str
    reverts: int | None
    undone_by: int | None
    touched: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of a recording, or of one frame of it, as they stand or stood.

    Attributes:
        revision: Seq of the newest edit in them.
        tracks: Track id → track, of every track that has a row here, in order of id.
        cuboids: (N,) in order of frame and track.
        keyframe: (N,) bool.
        source: (N,) `human`, `auto`, `import`, `interpolated`.
        edit_seq: (N,) the edit that wrote the row: the blame.
        windows: In order of start; empty for one frame.
        comments: In order of id; those of the frame, for one frame.
    """

    revision: int
    tracks: Mapping[int, Track]
    cuboids: Cuboids
    keyframe: Mask
    source: Strings
    edit_seq: Ints
    windows: tuple[Window, ...] = ()
    comments: tuple[Comment, ...] = ()


def as_labels(
    revision: int,
    tracks: Mapping[int, Track],
    rows: Sequence[Sequence[Any]],
    time_ns: Ints,
    windows: Sequence[Window] = (),
    comments: Sequence[Comment] = (),
) -> Labels:
    """Columns from rows in the order of `Cuboid`'s fields; `time_ns` is (F,) of the frames."""
    if rows:
        columns = dict(zip(Cuboid._fields, zip(*rows, strict=True), strict=True))
    else:
        columns = dict.fromkeys(Cuboid._fields, ())
    frame = np.array(columns["frame"], dtype=np.int32)
    ids = columns["track_id"]
    box = ("x", "y", "z", "length", "width", "height", "yaw")
    velocity = [np.array(columns[f"velocity_{axis}"], dtype=np.float32) for axis in "xy"]
    cuboids = Cuboids.of(
        np.column_stack([np.array(columns[name], dtype=np.float64) for name in box]),
        frame=frame,
        time_ns=time_ns[frame],
        track_id=np.array(ids, dtype=np.int64),
        category=_texts([tracks[i].category for i in ids]),
        pitch=np.array(columns["pitch"], dtype=np.float64),
        roll=np.array(columns["roll"], dtype=np.float64),
        score=np.array(columns["score"], dtype=np.float32),
        num_points=np.array(columns["num_points"], dtype=np.int32),
        residual=np.array(columns["residual"], dtype=np.float32),
        velocity=np.column_stack(velocity),
        reason=_texts(columns["reason"]),
        source_id=_texts([tracks[i].source_id for i in ids]),
        attributes=_texts(columns["attributes"]),
    )
    return Labels(
        revision=revision,
        tracks=tracks,
        cuboids=cuboids,
        keyframe=np.array(columns["keyframe"], dtype=np.bool_),
        source=_texts(columns["source"]),
        edit_seq=np.array(columns["edit_seq"], dtype=np.int64),
        windows=tuple(windows),
        comments=tuple(comments),
    )


def _texts(values: Sequence[str]) -> Strings:
    column = np.empty(len(values), dtype=np.object_)
    column[:] = values
    return column
