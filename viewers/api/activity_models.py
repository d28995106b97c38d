"""What the routes of activity windows take and give; see `models` for the conventions."""

from typing import Annotated

from pydantic import Field, StringConstraints

from lidar_label.viewers.api.models import Document, Nanoseconds, Question


class ClockDocument(Document):
    """A signal's time."""

    from_ns: Nanoseconds
    to_ns: Nanoseconds
    samples: int
    rate_hz: float = Field(description="median")
    gaps: list[tuple[Nanoseconds, Nanoseconds]] = Field(
        description="last time before and first time after each pause in the sampling"
    )


class ChangesDocument(Document):
    """Where a signal changes, in order of time; columns."""

    time_ns: list[Nanoseconds]
    low_ns: list[Nanoseconds]
    high_ns: list[Nanoseconds]
    gain: list[float] = Field(description="in penalties: the higher, the clearer")


class ProposalsQuestion(Question):
    """To propose what is not tagged."""

    client_id: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00]*$")] = ""


class ProposalsDocument(Document):
    """What came of it."""

    tags: int = Field(description="windows learned from")
    proposed: int
    replaced: int = Field(description="earlier proposals that nobody had touched")
    unknown_s: float = Field(description="seconds that are unlike every tag")


class SuggestionDocument(Document):
    """A window worth tagging."""

    start_ns: Nanoseconds
    end_ns: Nanoseconds
    worth: float
    reason: str
    guess: str


class SimilarDocument(Document):
    """A stretch like another."""

    start_ns: Nanoseconds
    end_ns: Nanoseconds
    score: float = Field(description="1 where they are the same")
    reason: str
