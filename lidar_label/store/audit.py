"""Who did what, when: rows that are only ever added."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from lidar_label.store import tables


@dataclass(frozen=True)
class AuditLine:
    """One access or change.

    Attributes:
        id: Its number; later lines have greater ones.
        time_ns: When.
        actor: Who; "" where nobody was logged in.
        action: What, as `labels.read` or `user.create`.
        project_id: Where; None outside projects.
        object: On what.
        address: From where.
        detail: What else.
    """

    id: int
    time_ns: int
    actor: str
    action: str
    project_id: int | None
    object: str
    address: str
    detail: Mapping[str, Any]


def note(
    connection: Connection,
    now: int,
    actor: str,
    action: str,
    *,
    project_id: int | None = None,
    object_: str = "",
    address: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line."""
    row = {
        "time_ns": now,
        "actor": _plain(actor),
        "action": action,
        "project_id": project_id,
        "object": _plain(object_),
        "address": _plain(address),
        "detail": json.dumps(dict(detail or {}), sort_keys=True),
    }
    connection.execute(insert(tables.audit), row)


def _plain(text: str) -> str:
    """As it can be kept and shown, whatever an attacker sent."""
    return text if text.isprintable() else ascii(text)


def lines(
    connection: Connection,
    *,
    project_id: int | None = None,
    actor: str | None = None,
    action: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[AuditLine]:
    """Newest first; those before a line's id, for the next page."""
    a = tables.audit.c
    statement = select(*(a[name] for name in AuditLine.__dataclass_fields__))
    if project_id is not None:
        statement = statement.where(a.project_id == project_id)
    if actor is not None:
        statement = statement.where(a.actor == actor)
    if action is not None:
        statement = statement.where(a.action == action)
    if before is not None:
        statement = statement.where(a.id < before)
    ordered = statement.order_by(a.id.desc()).limit(limit)
    return [
        AuditLine(*head, detail=json.loads(detail)) for *head, detail in connection.execute(ordered)
    ]
