"""What the API takes and gives about jobs and work items."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from lidar_label.viewers.api.models import Document, Id, Json, Nanoseconds, Question, Text


class JobQuestion(Question):
    """Work to do on a recording."""

    kind: Literal["annotate"]
    settings: Json = Field(default_factory=dict)


class JobDocument(Document):
    """A job."""

    id: int
    project_id: int
    recording_id: int
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
    stage: str
    done: int
    total: int
    message: str
    author: str
    created_ns: Nanoseconds


class WorkQuestion(Question):
    """Spans of frames, first and last included, to be labelled."""

    recording: Id
    spans: Annotated[list[tuple[Id, Id]], Field(min_length=1, max_length=10_000)]
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    assignee: Text | None = None


class WorkDocument(Document):
    """A work item."""

    id: int
    recording_id: int
    branch: str
    first_frame: int
    last_frame: int
    priority: int
    stage: str
    assignee: str | None
    annotator: str | None
    holder: str | None
    expires_ns: Nanoseconds | None
    rejections: int


class LeaseQuestion(Question):
    """What work to take."""

    stage: Literal["annotate", "review"] = "annotate"
    item: Id | None = None
    minutes: Annotated[float, Field(gt=0, le=480)] = 15


class LeaseDocument(Document):
    """Work taken; the secret renews, releases or submits it."""

    item: WorkDocument
    secret: str


class LeaseSecret(Question):
    """Of a lease."""

    secret: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00]*$")]
    reason: Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")] = ""


class ReopenQuestion(Question):
    """What to mend."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class WorkEventDocument(Document):
    """What happened to an item."""

    time_ns: Nanoseconds
    actor: str
    event: str
    reason: str
