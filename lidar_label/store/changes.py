"""What an edit changed, row by row, before and after: the log's entry, and its packed form.

Packed: deflated `u32 length of JSON | JSON | columns`. Cuboids, of which there are millions, go in
columns (little-endian, one after another, befores first); the few other rows go in the JSON.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lidar_label.errors import StoreUnavailable
from lidar_label.store.rows import Comment, Cuboid, Track, Window

_FORMAT = 1
_LEVEL = 3  # of deflate: 6 takes twice the time for 2 % less
_TEXT = ("reason", "attributes", "source")
_TYPES: dict[str, str] = {
    "frame": "<i4",
    "track_id": "<i8",
    "num_points": "<i4",
    "keyframe": "?",
    "edit_seq": "<i8",
}
_MAYBE = {"score", "residual", "velocity_x", "velocity_y"}  # None is packed as NaN


@dataclass(frozen=True)
class Changes:
    """Rows before and after; None where there was none, or is none any more."""

    tracks: Mapping[int, tuple[Track | None, Track | None]] = field(default_factory=dict)
    cuboids: Mapping[tuple[int, int], tuple[Cuboid | None, Cuboid | None]] = field(
        default_factory=dict
    )
    windows: Mapping[int, tuple[Window | None, Window | None]] = field(default_factory=dict)
    comments: Mapping[int, tuple[Comment | None, Comment | None]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.tracks or self.cuboids or self.windows or self.comments)

    def touched(self) -> list[tuple[str, int]]:
        """Kind and id of every object that changed; a cuboid's object is its track."""
        tracks = set(self.tracks) | {track_id for track_id, _ in self.cuboids}
        return [
            *(("track", track_id) for track_id in sorted(tracks)),
            *(("window", window_id) for window_id in sorted(self.windows)),
            *(("comment", comment_id) for comment_id in sorted(self.comments)),
        ]

    def pack(self) -> bytes:
        """As bytes for the log."""
        rows = [row for pair in self.cuboids.values() for row in pair[:1] if row]
        before = len(rows)
        rows += [row for pair in self.cuboids.values() for row in pair[1:] if row]
        head: dict[str, Any] = {"format": _FORMAT, "before": before, "after": len(rows) - before}
        for name in ("tracks", "windows", "comments"):
            pairs: Mapping[int, tuple[Any, Any]] = getattr(self, name)
            if pairs:
                head[name] = list(pairs.values())
        columns: list[bytes] = []
        if rows:
            by_name = dict(zip(Cuboid._fields, zip(*rows, strict=True), strict=True))
            head["text"] = {name: _pack_text(by_name.pop(name), columns) for name in _TEXT}
            for name, values in by_name.items():
                columns.append(np.array(values, dtype=_TYPES.get(name, "<f8")).tobytes())
        text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
        return zlib.compress(b"".join([struct.pack("<I", len(text)), text, *columns]), _LEVEL)

    @classmethod
    def unpack(cls, packed: bytes) -> "Changes":
        """Back from bytes.

        Raises:
            StoreUnavailable: if they were packed by a newer package.
        """
        content = zlib.decompress(packed)
        (length,) = struct.unpack_from("<I", content)
        head = json.loads(content[4 : 4 + length])
        if head["format"] > _FORMAT:
            raise StoreUnavailable(
                f"an edit is in format {head['format']}, this package reads up to {_FORMAT}; "
                "upgrade the package"
            )
        rows = _unpack_cuboids(memoryview(content)[4 + length :], head)
        return cls(
            tracks=_pairs(head.get("tracks", ()), Track),
            cuboids=_pair_up(rows[: head["before"]], rows[head["before"] :]),
            windows=_pairs(head.get("windows", ()), Window),
            comments=_pairs(head.get("comments", ()), Comment),
        )


def _pack_text(values: tuple[str, ...], columns: list[bytes]) -> list[str]:
    """The different texts; the column holds their indices."""
    place: dict[str, int] = {}
    index = [place.setdefault(value, len(place)) for value in values]
    columns.append(np.array(index, dtype="<u4").tobytes())
    return list(place)


def _unpack_cuboids(content: memoryview, head: dict[str, Any]) -> list[Cuboid]:
    n = head["before"] + head["after"]
    if n == 0:
        return []
    columns: dict[str, list[Any]] = {}
    at = 0
    names = [*_TEXT, *(name for name in Cuboid._fields if name not in _TEXT)]
    for name in names:
        kind = "<u4" if name in _TEXT else _TYPES.get(name, "<f8")
        column = np.frombuffer(content, dtype=kind, count=n, offset=at)
        at += column.nbytes
        values = column.tolist()
        if name in _TEXT:
            texts = head["text"][name]
            values = [texts[i] for i in values]
        elif name in _MAYBE:
            values = [None if value != value else value for value in values]
        columns[name] = values
    return [Cuboid(*row) for row in zip(*(columns[name] for name in Cuboid._fields), strict=True)]


def _pair_up(
    before: Iterable[Cuboid], after: Iterable[Cuboid]
) -> dict[tuple[int, int], tuple[Cuboid | None, Cuboid | None]]:
    was = {(row.track_id, row.frame): row for row in before}
    now = {(row.track_id, row.frame): row for row in after}
    return {key: (was.get(key), now.get(key)) for key in {**was, **now}}


def _pairs(pairs: Iterable[Any], kind: type[Any]) -> dict[int, tuple[Any, Any]]:
    found: dict[int, tuple[Any, Any]] = {}
    for pair in pairs:
        before: Any
        after: Any
        before, after = (None if row is None else kind(*row) for row in pair)
        key = before[0] if after is None else after[0]
        found[key] = (before, after)
    return found
