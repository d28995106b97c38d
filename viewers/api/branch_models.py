"""What the API takes and gives about branches."""

from typing import Annotated

from pydantic import Field, StringConstraints

from lidar_label.viewers.api.models import Document, Id, Nanoseconds, Question


class BranchQuestion(Question):
    """A branch to be made, from `main` after edit `at` (as it is when left out) or from nothing."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
    at: Id | None = None
    empty: bool = False


class BranchDocument(Document):
    """One line of edits of a recording."""

    name: str
    head: int
    forked_from: int | None
    author: str
    created_ns: Nanoseconds


class AdoptQuestion(Question):
    """Which tracks of a branch to bring into `main`; all that changed when left out."""

    track_ids: Annotated[list[Id], Field(max_length=100_000)] | None = None
    client_id: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00]*$")] = ""
