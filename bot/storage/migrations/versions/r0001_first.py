"""Chats, counts, review, adopted questions, replies, passages."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("passages", "replies", "adopted", "review", "usage", "once", "chats")


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "chats",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trigger", sa.String(16)),
        sa.Column("unanswered_after_min", sa.Integer()),
        sa.Column("language", sa.String(8)),
        sa.Column("length", sa.String(8)),
        sa.Column("quiz_anonymous", sa.Boolean()),
        sa.Column("language_model", sa.Boolean()),
        sa.Column("quiet_from", sa.Integer()),
        sa.Column("quiet_until", sa.Integer()),
        sa.PrimaryKeyConstraint("chat_id", name="pk_chats"),
    )
    op.create_table(
        "once",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("chat_id", "event", name="pk_once"),
    )
    op.create_table(
        "usage",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("article", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "chat_id", "event", "article", name="pk_usage"),
    )
    op.create_table(
        "review",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("articles", sa.String(256), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("reply_message_id", sa.BigInteger()),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.PrimaryKeyConstraint("id", name="pk_review"),
        sa.UniqueConstraint("chat_id", "digest", "kind", name="uq_review"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_review_asked_at", "review", ["asked_at"])
    op.create_table(
        "adopted",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("term", sa.String(64), nullable=False),
        sa.Column("articles", sa.String(256), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_adopted"),
        sa.UniqueConstraint("outcome", "digest", name="uq_adopted"),
    )
    op.create_table(
        "replies",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("question_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reply_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger()),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chat_id", "question_id", name="pk_replies"),
    )
    op.create_index("ix_replies_person_id", "replies", ["person_id"])
    op.create_index("ix_replies_kept_at", "replies", ["kept_at"])
    op.create_table(
        "passages",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_passages"),
    )
    op.create_index("ix_passages_expires_at", "passages", ["expires_at"])


def downgrade() -> None:
    """Drop them all."""
    for table in TABLES:
        op.drop_table(table)
