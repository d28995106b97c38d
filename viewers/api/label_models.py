"""What the API takes and gives about labels, edits and fits."""

from typing import Annotated

from pydantic import Field, StringConstraints

from lidar_label.datasets.export_names import ExportFormat, WindowFormat
from lidar_label.viewers.api.models import Document, Finite, Id, Json, Nanoseconds, Question, Text


class CuboidColumns(Document):
    """Cuboids as columns, one row a cuboid and frame; metres, radians, ego frame of the frame."""

    track_id: list[int]
    frame: list[int]
    x: list[float]
    y: list[float]
    z: list[float]
    length: list[float]
    width: list[float]
    height: list[float]
    yaw: list[float]
    pitch: list[float]
    roll: list[float]
    score: list[float | None]
    num_points: list[int]
    residual: list[float | None]
    keyframe: list[bool]
    source: list[str]
    reason: list[str]
    edit_seq: list[int]


class Doubt(Document):
    """How much a track wants looking at, in [0, 1], and why."""

    score: float
    reasons: list[str]


class TrackDocument(Document):
    """A track without its cuboids."""

    track_id: int
    category: str
    attributes: Json
    rigid: bool
    size: tuple[float, float, float] | None
    revision: int
    state: str
    source: str
    source_id: str
    doubt: Doubt


class TrackStateDocument(TrackDocument):
    """A track with all its cuboids, or that it is gone."""

    deleted: bool
    cuboids: CuboidColumns


class WindowDocument(Document):
    """An activity."""

    window_id: int
    start_ns: Nanoseconds
    end_ns: Nanoseconds
    category: str
    tier: str
    sensor: str
    attributes: Json
    score: float | None
    start_uncertainty_ns: Nanoseconds
    end_uncertainty_ns: Nanoseconds
    reason: str
    state: str
    source: str
    revision: int
    deleted: bool = False


class CommentDocument(Document):
    """A remark or an issue."""

    comment_id: int
    kind: str
    text: str
    author: str
    frame: int | None
    time_ns: Nanoseconds | None
    x: float | None
    y: float | None
    z: float | None
    track_id: int | None
    window_id: int | None
    reply_to: int | None
    resolved: bool
    revision: int
    deleted: bool = False


class LabelsDocument(Document):
    """Labels of a recording or a frame."""

    revision: int
    tracks: list[TrackDocument]
    cuboids: CuboidColumns
    windows: list[WindowDocument]
    comments: list[CommentDocument]


class EditQuestion(Question):
    """One edit; see docs/api.md for the operations and their payloads."""

    operation: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    client_id: Annotated[
        str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]+$")
    ]
    track_id: Id | None = None
    window_id: Id | None = None
    comment_id: Id | None = None
    base_revision: Id | None = None
    frame: Id | None = None
    other_id: Id | None = None
    other_base_revision: Id | None = None
    payload: Json = Field(default_factory=dict)
    batch: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00]*$")] = Field(
        default="", description="edits of one person with the same one are undone together"
    )


class EditsQuestion(Question):
    """Edits to be made all or none."""

    edits: Annotated[list[EditQuestion], Field(min_length=1, max_length=1000)]


class UndoQuestion(Question):
    """What to undo or redo: one's last edit, or (undo) a certain one."""

    client_id: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00]*$")] = ""
    seq: Id | None = None


class AppliedDocument(Document):
    """What an edit made of the things it touched."""

    seq: int
    tracks: list[TrackStateDocument]
    windows: list[WindowDocument]
    comments: list[CommentDocument]


class ImportDocument(Document):
    """What came of a label file."""

    seq: int
    cuboids: int
    unmapped: dict[str, int] = Field(description="class that the ontology does not know → cuboids")


class ExportFormatsDocument(Document):
    """In what a recording's labels can be had."""

    cuboids: list[ExportFormat]
    windows: list[WindowFormat] = Field(description="of each of `signals`")
    signals: list[str]


class EntryDocument(Document):
    """One edit of the log."""

    seq: int
    author: str
    time_ns: Nanoseconds
    operation: str
    note: str
    reverts: int | None
    undone_by: int | None
    touched: list[tuple[str, int]]


class BlameDocument(Document):
    """Who made a cuboid as it stands."""

    frame: int
    seq: int
    author: str
    time_ns: Nanoseconds
    operation: str
    source: str


class DeletePreviewDocument(Document):
    """What would go with a track."""

    track_id: int
    category: str
    cuboids: int
    first_frame: int | None
    last_frame: int | None
    by_hand: int
    authors: list[str]
    comments: int


class FitQuestion(Question):
    """Where to fit: on an object (x, y[, z]) or about a rough box, ego frame of the frame."""

    frame: Annotated[int, Field(ge=0, lt=2**31)]
    click: Annotated[list[Finite], Field(min_length=2, max_length=3)] | None = None
    box: Annotated[list[Finite], Field(min_length=7, max_length=7)] | None = None
    category: Text | None = None


class FitDocument(Document):
    """The box that fits: x y z length width height yaw."""

    box: list[float]
    category: str
    score: float
    residual: float
    points: int
    reason: str


class ClusterDocument(Document):
    """Points above ground that no cuboid covers."""

    box: list[float]
    points: int


class ClustersDocument(Document):
    """The largest first."""

    clusters: list[ClusterDocument]
