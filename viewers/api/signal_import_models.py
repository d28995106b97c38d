"""What the import of signals takes and gives; see `models` for the conventions."""

from typing import Annotated, Literal

from pydantic import Field

from lidar_label.viewers.api.models import Document, Nanoseconds, Question, Text


class SignalOptionsQuestion(Question):
    """What a person says where the reader need not guess; null: recognise it."""

    time_column: Annotated[str, Field(max_length=500)] | None = Field(
        None, description='"" where samples are evenly spaced'
    )
    time_unit: Literal["ns", "us", "ms", "s"] | None = None
    time_zone: Text | None = Field(None, description="of dates that name none; UTC when null")
    rate_hz: Annotated[float, Field(gt=0, le=1e6)] | None = None
    channels: Annotated[list[str], Field(max_length=1000)] = Field(default_factory=list)
    units: dict[str, str] = Field(default_factory=dict, description="by column")


class SignalImportQuestion(SignalOptionsQuestion):
    """The recording to make."""

    name: Text


class ColumnDocument(Document):
    """A column of the file."""

    name: str
    numeric: bool
    examples: list[str]


class PreviewedChannel(Document):
    """A channel as it will be."""

    name: str
    unit: str
    values: list[float | None] = Field(description="every so many samples")


class SignalPreview(Document):
    """What the file becomes; with `problem` it cannot be read so."""

    columns: list[ColumnDocument]
    problem: str = ""
    channels: list[PreviewedChannel] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    samples: int = 0
    rate_hz: float = 0.0
    from_ns: Nanoseconds = "0"
    to_ns: Nanoseconds = "0"
    gaps: int = 0
