"""The store's tables, as SQLAlchemy knows them; `migrations/` makes them and is tested to agree.

Labels are kept twice: `edit` is the log that is only ever added to, and `track`, `cuboid`,
`window`, `comment` are its sum, brought up to date in the transaction that adds to the log.
Everything that people label belongs to a branch of a recording: `main`, or an annotator's own.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts up only columns that are spelled INTEGER.
_ID = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", _ID, primary_key=True, autoincrement=True)


def _project() -> Column[int]:
    return Column("project_id", _ID, ForeignKey("project.id"), nullable=False)


def _branch() -> Column[int]:
    return Column("branch_id", _ID, ForeignKey("branch.id"), primary_key=True, autoincrement=False)


def _key(name: str) -> Column[int]:
    return Column(name, BigInteger, primary_key=True, autoincrement=False)


def _time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


project = Table(
    "project",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("ontology_version", Integer, nullable=False),
    Column("settings", Text, nullable=False),
    _time("created_ns"),
)

ontology_version = Table(
    "ontology_version",
    metadata,
    Column("project_id", _ID, ForeignKey("project.id"), primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),  # the YAML as it was given
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
    _time("created_ns"),
)

recording = Table(
    "recording",
    metadata,
    _id(),
    _project(),
    Column("name", Text, nullable=False),
    Column("uri", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("time_ns", LargeBinary, nullable=False),  # (F,) int64, deflated
    Column("world_from_ego", LargeBinary),  # (F, 7) float64 x y z qw qx qy qz, deflated
    Column("details", Text, nullable=False),
    _time("created_ns"),
    UniqueConstraint("project_id", "name"),
)

branch = Table(
    "branch",
    metadata,
    _id(),
    Column("recording_id", _ID, ForeignKey("recording.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("head", BigInteger, nullable=False),  # seq of the newest edit
    Column("next_id", BigInteger, nullable=False),  # of tracks, windows and comments
    Column("forked_from", BigInteger),  # seq of `main` it started from
    Column("author", Text, nullable=False),
    _time("created_ns"),
    UniqueConstraint("recording_id", "name"),
)

edit = Table(
    "edit",
    metadata,
    _branch(),
    _key("seq"),
    Column("author", Text, nullable=False),
    _time("time_ns"),
    Column("operation", String(40), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("base_revision", BigInteger),
    Column("note", Text, nullable=False),
    Column("reverts", BigInteger),  # seq of the edit that this one undoes
    Column("ontology_version", Integer, nullable=False),
    Column("changes", LargeBinary, nullable=False),
    Column("batch", Text),  # edits that are one step for undo
    UniqueConstraint("branch_id", "author", "client_id"),
    UniqueConstraint("branch_id", "reverts"),
    Index(None, "branch_id", "author", "seq"),
    Index(None, "branch_id", "batch"),
)

touched = Table(
    "touched",
    metadata,
    _branch(),
    Column("kind", String(8), primary_key=True),
    _key("object_id"),
    _key("seq"),
    sqlite_with_rowid=False,
)

track = Table(
    "track",
    metadata,
    _branch(),
    _key("track_id"),
    Column("category", Text, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("rigid", Boolean, nullable=False),
    Column("length", Double),
    Column("width", Double),
    Column("height", Double),
    Column("state", String(10), nullable=False),
    Column("source", String(12), nullable=False),
    Column("source_id", Text, nullable=False),
    Column("ontology_version", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The key begins with the frame, so that a frame is one contiguous read.
cuboid = Table(
    "cuboid",
    metadata,
    _branch(),
    Column("frame", Integer, primary_key=True, autoincrement=False),
    _key("track_id"),
    *(
        Column(name, Double, nullable=False)
        for name in ("x", "y", "z", "length", "width", "height", "yaw", "pitch", "roll")
    ),
    Column("score", Double),
    Column("num_points", Integer, nullable=False),
    Column("residual", Double),
    Column("velocity_x", Double),
    Column("velocity_y", Double),
    Column("reason", Text, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("keyframe", Boolean, nullable=False),
    Column("source", String(12), nullable=False),
    Column("edit_seq", BigInteger, nullable=False),
    Index(None, "branch_id", "track_id"),
    sqlite_with_rowid=False,
)

window = Table(
    "window",
    metadata,
    _branch(),
    _key("window_id"),
    _time("start_ns"),
    _time("end_ns"),
    Column("category", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("sensor", Text, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("score", Double),
    _time("start_uncertainty_ns"),
    _time("end_uncertainty_ns"),
    Column("reason", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("source", String(12), nullable=False),
    Column("ontology_version", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Index(None, "branch_id", "start_ns"),
    sqlite_with_rowid=False,
)

comment = Table(
    "comment",
    metadata,
    _branch(),
    _key("comment_id"),
    Column("kind", String(8), nullable=False),  # comment | issue
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("frame", Integer),
    Column("time_ns", BigInteger),
    Column("x", Double),
    Column("y", Double),
    Column("z", Double),
    Column("track_id", BigInteger),
    Column("window_id", BigInteger),
    Column("reply_to", BigInteger),
    Column("resolved", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Where a film or sound lies on its recording's clock: time t of it (seconds from its beginning)
# is at start_ns + t · (1 + drift_ppm / 10⁶) · 10⁹.
medium = Table(
    "medium",
    metadata,
    _id(),
    Column("recording_id", _ID, ForeignKey("recording.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", String(8), nullable=False),  # video | audio
    Column("media_type", Text, nullable=False),
    Column("uri", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    _time("start_ns"),
    Column("drift_ppm", Double, nullable=False),
    Column("aligned_by", Text, nullable=False),  # person or method; empty: nobody yet
    Column("revision", BigInteger, nullable=False),
    _time("changed_ns"),
    UniqueConstraint("recording_id", "name"),
    Index(None, "content_hash"),
)

user = Table(
    "person",  # `user` is a reserved word of PostgreSQL
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("password_hash", Text),  # argon2id; none: cannot log in
    Column("site_admin", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    _time("created_ns"),
)

membership = Table(
    "membership",
    metadata,
    Column("project_id", _ID, ForeignKey("project.id"), primary_key=True, autoincrement=False),
    Column("user_id", _ID, ForeignKey("person.id"), primary_key=True, autoincrement=False),
    Column("role", String(12), nullable=False),
)

session = Table(
    "session",
    metadata,
    _id(),
    Column("user_id", _ID, ForeignKey("person.id"), nullable=False, index=True),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    _time("created_ns"),
    _time("expires_ns"),
)

api_token = Table(
    "api_token",
    metadata,
    _id(),
    Column("user_id", _ID, ForeignKey("person.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    _time("created_ns"),
    _time("expires_ns", nullable=True),
    Column("revoked", Boolean, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    _time("time_ns"),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("project_id", BigInteger),
    Column("object", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "project_id", "id"),
)

work_item = Table(
    "work_item",
    metadata,
    _id(),
    _project(),
    Column("recording_id", _ID, ForeignKey("recording.id"), nullable=False, index=True),
    Column("branch", Text, nullable=False),
    Column("first_frame", Integer, nullable=False),
    Column("last_frame", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("stage", String(10), nullable=False),  # annotate | review | accepted
    Column("assignee", Text),  # only this person may lease it
    Column("annotator", Text),  # who submitted it last
    Column("holder", Text),
    Column("lease", Text),  # the lease's secret, which the holder shows to renew or submit
    _time("leased_ns", nullable=True),
    _time("expires_ns", nullable=True),
    Column("rejections", Integer, nullable=False),
    _time("created_ns"),
    Index(None, "project_id", "stage", "priority"),
)

work_event = Table(
    "work_event",
    metadata,
    _id(),
    Column("item_id", _ID, ForeignKey("work_item.id"), nullable=False, index=True),
    _time("time_ns"),
    Column("actor", Text, nullable=False),
    Column("event", String(12), nullable=False),
    Column("reason", Text, nullable=False),
)
