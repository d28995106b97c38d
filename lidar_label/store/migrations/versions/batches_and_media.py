"""Edits that are undone together, and films and sounds on a recording's clock."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add a column to the log, which keeps its lines as they are, and a table."""
    op.add_column("edit", sa.Column("batch", sa.Text(), nullable=True))
    op.create_index(op.f("ix_edit_branch_id_batch"), "edit", ["branch_id", "batch"], unique=False)
    op.create_table(
        "medium",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("recording_id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("drift_ppm", sa.Double(), nullable=False),
        sa.Column("aligned_by", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name=op.f("fk_medium_recording_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_medium")),
        sa.UniqueConstraint("recording_id", "name", name=op.f("uq_medium_recording_id_name")),
    )
    op.create_index(op.f("ix_medium_content_hash"), "medium", ["content_hash"], unique=False)
