"""Tables that only the server needs, in the store's database: jobs, webhooks and their outbox."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()
_ID = BigInteger().with_variant(Integer, "sqlite")

job = Table(
    "api_job",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("project_id", BigInteger, nullable=False, index=True),
    Column("recording_id", BigInteger, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("settings", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("stage", Text, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("host", Text, nullable=False),  # of the server that runs it
    Column("process", Integer, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("beat_ns", BigInteger, nullable=False),  # when its server last said that it runs
)

webhook = Table(
    "api_webhook",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("project_id", BigInteger, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),  # as it is: it signs what is sent
    Column("events", Text, nullable=False),  # separated by blanks; "" for all
    Column("active", Boolean, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
)

delivery = Table(
    "api_delivery",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("webhook_id", BigInteger, nullable=False, index=True),
    Column("event", String(40), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False),  # waiting | delivered | given-up
    Column("attempts", Integer, nullable=False),
    Column("due_ns", BigInteger, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Index("ix_api_delivery_due", "state", "due_ns"),
)
