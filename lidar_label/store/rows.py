"""The four things that edits change, one immutable row each: track, cuboid, window, comment.

`None` stands for what is not known; the columns of `Cuboids` say NaN there, and JSON cannot.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

# Who made a row as it stands.
HUMAN: Final = "human"
AUTO: Final = "auto"
IMPORT: Final = "import"
INTERPOLATED: Final = "interpolated"  # follows from a person's keyframes; may be solved again
SOURCES = (HUMAN, AUTO, IMPORT, INTERPOLATED)

PROPOSED: Final = "proposed"
ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"
STATES = (PROPOSED, ACCEPTED, REJECTED)


class Track(NamedTuple):
    """One object. `revision` is the seq of the last edit that touched it or one of its cuboids."""

    track_id: int
    category: str
    attributes: str = "{}"  # JSON object
    rigid: bool = True
    length: float | None = None
    width: float | None = None
    height: float | None = None
    state: str = ACCEPTED
    source: str = HUMAN
    source_id: str = ""
    ontology_version: int = 0
    revision: int = 0

    @property
    def size(self) -> tuple[float, float, float] | None:
        """Length, width, height in metres of a rigid track, where one is set."""
        if self.length is None or self.width is None or self.height is None:
            return None
        return self.length, self.width, self.height

    @property
    def attribute_values(self) -> dict[str, Any]:
        """The attributes, decoded."""
        return json.loads(self.attributes)


class Cuboid(NamedTuple):
    """One box in one frame, in the ego frame of that frame; metres, radians.

    `edit_seq` is the edit that wrote the row. `keyframe`: a person's, or as good as one;
    interpolation starts from these and never moves them.
    """

    frame: int
    track_id: int
    x: float
    y: float
    z: float
    length: float
    width: float
    height: float
    yaw: float
    pitch: float = 0.0
    roll: float = 0.0
    score: float | None = None
    num_points: int = -1
    residual: float | None = None
    velocity_x: float | None = None
    velocity_y: float | None = None
    reason: str = ""
    attributes: str = ""  # JSON object or ""
    keyframe: bool = False
    source: str = HUMAN
    edit_seq: int = 0

    @property
    def size(self) -> tuple[float, float, float]:
        """Length, width, height in metres."""
        return self.length, self.width, self.height


class Window(NamedTuple):
    """One activity over [start_ns, end_ns) of one sensor's signal; an event where both agree."""

    window_id: int
    start_ns: int
    end_ns: int
    category: str
    tier: str = "activity"
    sensor: str = ""
    attributes: str = "{}"  # JSON object
    score: float | None = None
    start_uncertainty_ns: int = 0
    end_uncertainty_ns: int = 0
    reason: str = ""
    state: str = ACCEPTED
    source: str = HUMAN
    ontology_version: int = 0
    revision: int = 0

    @property
    def attribute_values(self) -> dict[str, Any]:
        """The attributes, decoded."""
        return json.loads(self.attributes)


class Comment(NamedTuple):
    """A remark or an issue, pinned to a frame, a time, a place, a track or a window."""

    comment_id: int
    kind: str
    text: str
    author: str
    frame: int | None = None
    time_ns: int | None = None
    x: float | None = None
    y: float | None = None
    z: float | None = None
    track_id: int | None = None
    window_id: int | None = None
    reply_to: int | None = None
    resolved: bool = False
    revision: int = 0


Row: TypeAlias = Track | Cuboid | Window | Comment
Rows: TypeAlias = Mapping[tuple[int, int], Cuboid]  # (track_id, frame) → row


def as_json(values: Mapping[str, Any]) -> str:
    """A JSON object spelled one way, so that equal objects are equal text."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
