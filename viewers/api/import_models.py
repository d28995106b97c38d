"""What the API takes and gives about imports."""

from typing import Annotated

from pydantic import Field, StringConstraints

from lidar_label.viewers.api.models import Document, Finite, Question, SensorDocument, Text

_Path = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]
_IDENTITY = [1.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


class SentFile(Question):
    """An upload that has come whole, and where it belongs below the folder that was dropped."""

    upload: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    path: _Path


class ImportSourceQuestion(Question):
    """Files that were sent, or a path of the server within the places allowed."""

    files: Annotated[list[SentFile], Field(max_length=200_000)] = Field(default_factory=list)
    path: _Path | None = None


class FormatDocument(Document):
    """A format that can be chosen."""

    name: str
    looks: str


class SourceDocument(Document):
    """A source to be imported; `problem` says why no format was recognised."""

    id: str
    name: str
    format: str | None
    problem: str
    formats: list[FormatDocument]


class PreviewQuestion(Question):
    """Read it as this format."""

    format: Text
    sequence: Text | None = None


class PreviewDocument(Document):
    """What the first sweeps show; points and images have routes of their own."""

    format: str
    points: int
    sensors: list[SensorDocument]
    cameras: list[str] = Field(description="those that have an image")


class ImportQuestion(PreviewQuestion):
    """Import it so."""

    name: Text
    turn: Annotated[list[Finite], Field(min_length=16, max_length=16)] = Field(
        default_factory=lambda: list(_IDENTITY),
        description="ego_from_source, row by row: a rotation to x forward, y left, z up",
    )
    inverted: Annotated[list[Text], Field(max_length=100)] = Field(
        default_factory=list, description="sensors whose place the source states the wrong way"
    )
