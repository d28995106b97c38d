"""What the routes of films and sounds take and give; see `models` for the conventions."""

from typing import Annotated, Literal

from pydantic import Field

from lidar_label.viewers.api.models import Document, Finite, Id, Nanoseconds, Question, Text


class MediumDocument(Document):
    """A film or sound, and where it lies on the recording's clock."""

    id: int
    name: str
    kind: Literal["video", "audio"]
    media_type: str
    start_ns: Nanoseconds = Field(description="its beginning on the recording's clock")
    drift_ppm: float = Field(
        description="its second t is at start_ns + t · (1 + drift_ppm / 10⁶) · 10⁹"
    )
    aligned_by: str = Field(description="a person or a method; empty: nobody yet")
    revision: int


class MediumQuestion(Question):
    """A film or sound to lay beside a recording: a path on the server, or what was uploaded."""

    name: Text
    uri: Text | None = None
    upload: Text | None = None


class AlignmentQuestion(Question):
    """Where it lies."""

    start_ns: Nanoseconds
    drift_ppm: Finite = 0.0
    aligned_by: Literal["hand", "correlation"] = "hand"
    base_revision: Id


class CurveQuestion(Question):
    """How much moves in a film; a sound needs none, the server hears it."""

    rate_hz: Annotated[float, Field(gt=0, le=1000)]
    start_s: Finite = 0.0
    values: Annotated[list[Finite | None], Field(min_length=2, max_length=500_000)]


class CorrelateQuestion(Question):
    """Along which signal to lay it."""

    sensor: Text
    curve: CurveQuestion | None = None


class FoundAlignmentDocument(Document):
    """What correlation says; nothing is stored."""

    start_ns: Nanoseconds
    drift_ppm: float
    correlation: float
    runner_up: float = Field(description="the best correlation elsewhere: near it, it is not sure")
    pieces: int = Field(description="pieces that the drift is from; 0: too short to say")
