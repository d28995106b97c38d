"""The part of a branch that an edit is about, in memory, and what edits make of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lidar_label.arrays import Floats, Ints
from lidar_label.errors import InvalidEdit
from lidar_label.ontology import Ontology
from lidar_label.store.changes import Changes
from lidar_label.store.edits import CommentState, State, TrackState, WindowState
from lidar_label.store.rows import AUTO, HUMAN, Comment, Cuboid, Track, Window


@dataclass(frozen=True, eq=False)
class Setting:
    """What operations may know of where they happen.

    Attributes:
        author: Who edits.
        time_ns: (F,) int64 of the recording's frames.
        world_from_ego: (F, 7) x y z qw qx qy qz; None: the ego stood.
        ontology: Gives the project's current one; read only where an operation names a class.
    """

    author: str
    time_ns: Ints
    world_from_ego: Floats | None
    ontology: Callable[[], Ontology]

    @property
    def frames(self) -> int:
        """How many frames the recording has."""
        return len(self.time_ns)

    @property
    def source(self) -> str:
        """What rows of this author are marked as."""
        return AUTO if self.author == AUTO else HUMAN


class Draft:
    """Tracks with all their cuboids, windows and comments, as they will stand after the edit."""

    def __init__(self, seq: int, next_id: int) -> None:
        self.seq = seq
        self.next_id = next_id
        self.tracks: dict[int, Track] = {}
        self.cuboids: dict[int, dict[int, Cuboid]] = {}
        self.windows: dict[int, Window] = {}
        self.comments: dict[int, Comment] = {}
        self.gone: dict[tuple[str, int], int] = {}  # deleted things → the seq that deleted them
        self._was: dict[tuple[Any, ...], Any] = {}

    def new_id(self) -> int:
        """An id that nothing of this branch has had."""
        self.next_id += 1
        return self.next_id - 1

    def track(self, track_id: int | None) -> Track:
        """The track, or an error that names it."""
        return _present(self.tracks, track_id, "track")

    def window(self, window_id: int | None) -> Window:
        """The window, or an error that names it."""
        return _present(self.windows, window_id, "window")

    def comment(self, comment_id: int | None) -> Comment:
        """The comment, or an error that names it."""
        return _present(self.comments, comment_id, "comment")

    def rows(self, track_id: int) -> dict[int, Cuboid]:
        """Frame → cuboid of a track; change it only through `put` and `drop_cuboid`."""
        return self.cuboids.get(track_id, {})

    def put(self, row: Track | Cuboid | Window | Comment) -> None:
        """Add a row or replace the one with its key."""
        if isinstance(row, Cuboid):
            rows = self.cuboids.setdefault(row.track_id, {})
            self._was.setdefault(("cuboid", row.track_id, row.frame), rows.get(row.frame))
            rows[row.frame] = row
            self.touch(row.track_id)
        else:
            kind, place = self._place(row)
            self._was.setdefault((kind, row[0]), place.get(row[0]))
            place[row[0]] = row

    def touch(self, track_id: int) -> None:
        """Give a track a new revision though its own row stays."""
        self._was.setdefault(("track", track_id), self.tracks.get(track_id))

    def drop(self, row: Track | Cuboid | Window | Comment) -> None:
        """Take a row away; a track goes with its cuboids."""
        if isinstance(row, Cuboid):
            self._was.setdefault(("cuboid", row.track_id, row.frame), row)
            del self.cuboids[row.track_id][row.frame]
            self.touch(row.track_id)
            return
        if isinstance(row, Track):
            for cuboid in list(self.rows(row.track_id).values()):
                self.drop(cuboid)
        kind, place = self._place(row)
        self._was.setdefault((kind, row[0]), place.get(row[0]))
        place.pop(row[0], None)

    def _place(self, row: Track | Window | Comment) -> tuple[str, dict[int, Any]]:
        if isinstance(row, Track):
            return "track", self.tracks
        return ("window", self.windows) if isinstance(row, Window) else ("comment", self.comments)

    def finish(self) -> Changes:
        """Stamp what changed with this edit's seq, begin the next edit, return the changes."""
        tracks: dict[int, tuple[Track | None, Track | None]] = {}
        cuboids: dict[tuple[int, int], tuple[Cuboid | None, Cuboid | None]] = {}
        windows: dict[int, tuple[Window | None, Window | None]] = {}
        comments: dict[int, tuple[Comment | None, Comment | None]] = {}
        found: dict[str, tuple[dict[int, Any], dict[int, Any]]] = {
            "track": (tracks, self.tracks),
            "window": (windows, self.windows),
            "comment": (comments, self.comments),
        }
        for (kind, *key), before in self._was.items():
            if kind == "cuboid":
                track_id, frame = key
                rows = self.cuboids[track_id]
                after = rows.get(frame)
                if after is not None and before is not None and after[:-1] == before[:-1]:
                    rows[frame] = before
                    continue
                if after is not None:
                    rows[frame] = after = after._replace(edit_seq=self.seq)
                if after is not None or before is not None:
                    cuboids[track_id, frame] = (before, after)
                continue
            pairs, place = found[kind]
            after = place.get(key[0])
            if after is None:
                self.gone[kind, key[0]] = self.seq
            else:
                place[key[0]] = after = after._replace(revision=self.seq)
            if after != before:
                pairs[key[0]] = (before, after)
        self._was.clear()
        self.seq += 1
        return Changes(tracks, cuboids, windows, comments)

    def states(self, touched: Mapping[tuple[str, int], Any] | set[tuple[str, int]]) -> list[State]:
        """How the things of these kinds and ids stand, in order."""
        return [self.state(kind, one) for kind, one in sorted(touched)]

    def state(self, kind: str, one: int) -> State:
        """How one thing stands."""
        gone = self.gone.get((kind, one), 0)
        if kind == "track":
            track = self.tracks.get(one)
            rows = self.rows(one) if track else {}
            revision = track.revision if track else gone
            return TrackState(one, revision, track, tuple(rows[f] for f in sorted(rows)))
        if kind == "window":
            window = self.windows.get(one)
            return WindowState(one, window.revision if window else gone, window)
        comment = self.comments.get(one)
        return CommentState(one, comment.revision if comment else gone, comment)


class Operation(Protocol):
    """Changes a draft as a request asks; raises InvalidEdit where that cannot be."""

    def __call__(self, draft: Draft, request: Any, setting: Setting) -> None:
        """Change the draft."""


def _present(place: Mapping[int, Any], one: int | None, kind: str) -> Any:
    if one is None:
        raise InvalidEdit(f"{kind}_id is missing; say which {kind}")
    found = place.get(one)
    if found is None:
        raise InvalidEdit(f"{kind} {one} is not there; it was deleted, or never made")
    return found
