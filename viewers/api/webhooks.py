"""Tells other programs what happened, and loses nothing.

Events go to an outbox in the transaction that makes them, and a thread delivers them, signed, again
and again until they are taken.

The signature is `v1=` and the hexadecimal HMAC-SHA256 of `timestamp.body` under the webhook's
secret; the receiver refuses old timestamps, so that nothing can be replayed later.
"""

import hashlib
import hmac
import ipaddress
import json
import logging
import secrets
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, insert, select, update

from lidar_label.errors import InvalidConfig, LidarLabelError, NotFound
from lidar_label.store.database import Database
from lidar_label.store.events import Event
from lidar_label.viewers.api.tables import delivery, webhook

SIGNATURE_HEADER, TIMESTAMP_HEADER = "X-Lidar-Label-Signature", "X-Lidar-Label-Timestamp"
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 3600.0
_MOST_ATTEMPTS = 40  # more than a day
_TIMEOUT_S = 10.0
_POLL_S = 2.0
_BATCH = 50
_NS = 1_000_000_000
_log = logging.getLogger("lidar_label.api")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a body sent at a time, Unix seconds."""
    message = timestamp.encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Webhook:
    """Where events go; its secret is shown once."""

    id: int
    project_id: int
    url: str
    events: str
    active: bool
    created_ns: int


@dataclass(frozen=True)
class Delivery:
    """One event for one webhook."""

    id: int
    webhook_id: int
    event: str
    state: str
    attempts: int
    due_ns: int
    answer: str
    created_ns: int


_WEBHOOK = [webhook.c[name] for name in Webhook.__dataclass_fields__]
_DELIVERY = [delivery.c[name] for name in Delivery.__dataclass_fields__]


class Webhooks:
    """The webhooks of all projects and what waits for them."""

    def __init__(self, database: Database, *, private_addresses: bool) -> None:
        self._database = database
        self._private = private_addresses
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def listen(self, connection: Connection, event: Event) -> None:
        """Put an event into the outbox, in the transaction that makes it."""
        wanted = select(webhook.c.id, webhook.c.events).where(
            webhook.c.project_id == event.project_id, webhook.c.active
        )
        takers = [
            row.id
            for row in connection.execute(wanted)
            if not row.events or event.kind in row.events.split()
        ]
        if not takers:
            return
        now = time.time_ns()
        body = json.dumps(
            {
                "event": event.kind,
                "time_ns": str(now),
                "project": event.project_id,
                "recording": event.recording_id,
                "branch": event.branch,
                "seq": event.seq,
                "actor": event.actor,
                "detail": dict(event.detail),
            }
        ).encode()
        rows = [
            {
                "webhook_id": id_, "event": event.kind, "body": body, "state": "waiting",
                "attempts": 0, "due_ns": now, "answer": "", "created_ns": now,
            }
            for id_ in takers
        ]  # fmt: skip
        connection.execute(insert(delivery), rows)
        self._wake.set()

    def add(self, project: int, url: str, events: list[str]) -> tuple[Webhook, str]:
        """A new webhook and its secret.

        Raises:
            InvalidConfig: if the URL is not http(s) with a host, or may not be reached.
        """
        self._check(url)
        secret, now = secrets.token_urlsafe(32), time.time_ns()
        row = {
            "project_id": project, "url": url, "secret": secret, "events": " ".join(events),
            "active": True, "created_ns": now,
        }  # fmt: skip
        with self._database.write() as connection:
            id_ = connection.execute(insert(webhook).returning(webhook.c.id), row).scalar_one()
        return Webhook(id_, project, url, " ".join(events), True, now), secret

    def all(self, project: int) -> list[Webhook]:
        """Of a project."""
        wanted = select(*_WEBHOOK).where(webhook.c.project_id == project).order_by(webhook.c.id)
        with self._database.read() as connection:
            return [Webhook(*row) for row in connection.execute(wanted)]

    def remove(self, project: int, webhook_id: int) -> None:
        """Take a webhook away, and what waits for it.

        Raises:
            NotFound: if the project has none of that number.
        """
        self._find(project, webhook_id)
        with self._database.write() as connection:
            connection.execute(delete(delivery).where(delivery.c.webhook_id == webhook_id))
            connection.execute(delete(webhook).where(webhook.c.id == webhook_id))

    def deliveries(self, project: int, webhook_id: int, limit: int = 100) -> list[Delivery]:
        """Of a webhook, newest first."""
        self._find(project, webhook_id)
        wanted = select(*_DELIVERY).where(delivery.c.webhook_id == webhook_id)
        with self._database.read() as connection:
            ordered = wanted.order_by(delivery.c.id.desc()).limit(limit)
            return [Delivery(*row) for row in connection.execute(ordered)]

    def deliver_again(self, project: int, webhook_id: int) -> int:
        """Try all that was given up or waits, now; how many."""
        self._find(project, webhook_id)
        here = (delivery.c.webhook_id == webhook_id, delivery.c.state != "delivered")
        again = (
            update(delivery).where(*here).values(state="waiting", due_ns=time.time_ns(), attempts=0)
        )
        with self._database.write() as connection:
            count = connection.execute(again).rowcount
        self._wake.set()
        return count

    def start(self) -> None:
        """Deliver from now on."""
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the delivery under way; the rest stays in the outbox."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=_TIMEOUT_S + 1)

    def _find(self, project: int, webhook_id: int) -> Webhook:
        found = next((each for each in self.all(project) if each.id == webhook_id), None)
        if found is None:
            raise NotFound(f"project {project} has no webhook {webhook_id}")
        return found

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidConfig(f"webhook url {url!r}: give http:// or https:// and a host")
        if parts.username is not None:
            raise InvalidConfig(f"webhook url {url!r}: leave the user out; deliveries are signed")
        if self._private:
            return
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
        except OSError as error:
            raise InvalidConfig(f"webhook url {url!r}: the host is not found ({error})") from error
        for *_, address in found:
            if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
                raise InvalidConfig(
                    f"webhook url {url!r}: {address[0]} is no public address; "
                    "start the server with --private-webhooks to allow it"
                )

    def _run(self) -> None:
        import httpx

        with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False) as client:
            while not self._stopping:
                self._wake.clear()
                try:
                    busy = self._deliver_due(client)
                except LidarLabelError as error:  # the database is away: later
                    _log.warning("webhooks wait: %s", error)
                    busy = False
                if not busy:
                    self._wake.wait(_POLL_S)

    def _deliver_due(self, client: Any) -> bool:
        """Deliver what is due; True where more may be."""
        wanted = (
            select(
                delivery.c.id,
                delivery.c.event,
                delivery.c.body,
                delivery.c.attempts,
                webhook.c.url,
                webhook.c.secret,
            )
            .join(webhook, webhook.c.id == delivery.c.webhook_id)
            .where(
                delivery.c.state == "waiting", delivery.c.due_ns <= time.time_ns(), webhook.c.active
            )
            .order_by(delivery.c.id)
            .limit(_BATCH)
        )
        with self._database.read() as connection:
            due = connection.execute(wanted).all()
        for row in due:
            if self._stopping:
                break
            state, answer = self._send(client, row)
            attempts, wait = (
                row.attempts + 1,
                min(_FIRST_WAIT_S * 2.0**row.attempts, _LONGEST_WAIT_S),
            )
            if state == "waiting" and attempts >= _MOST_ATTEMPTS:
                state = "given-up"
            values = {
                "state": state, "answer": answer, "attempts": attempts,
                "due_ns": time.time_ns() + int(wait * _NS),
            }  # fmt: skip
            with self._database.write() as connection:
                connection.execute(update(delivery).where(delivery.c.id == row.id).values(**values))
        return len(due) == _BATCH

    def _send(self, client: Any, row: Any) -> tuple[str, str]:
        """One try: the new state, and what the receiver said."""
        import httpx

        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "lidar-label",
            "X-Lidar-Label-Event": row.event,
            "X-Lidar-Label-Delivery": str(row.id),
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: sign(row.secret, timestamp, row.body),
        }
        try:
            self._check(row.url)  # names may point elsewhere by now
            answer = client.post(row.url, content=row.body, headers=headers)
        except (httpx.HTTPError, LidarLabelError) as error:
            return "waiting", f"{type(error).__name__}: {error}"[:200]
        return ("delivered" if answer.is_success else "waiting"), f"HTTP {answer.status_code}"
