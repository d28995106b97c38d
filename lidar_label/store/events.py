"""Lets others write in the same transaction when something happens: a webhook's outbox, say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection


@dataclass(frozen=True)
class Event:
    """Something that a transaction is about to commit.

    Attributes:
        kind: `edits.applied`, `work.submitted`, `project.created`, …
        project_id: Where.
        recording_id: Where; None for what is not about one.
        branch: Where.
        seq: Of the last edit.
        actor: Who.
        detail: What else, fit for JSON.
    """

    kind: str
    project_id: int
    recording_id: int | None = None
    branch: str = ""
    seq: int | None = None
    actor: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


Listener = Callable[[Connection, Event], None]


@dataclass(frozen=True)
class Listeners:
    """Those who want to know. What they raise undoes the transaction."""

    listeners: Sequence[Listener] = ()

    def tell(self, connection: Connection, event: Event) -> None:
        """Call all of them."""
        for listener in self.listeners:
            listener(connection, event)
