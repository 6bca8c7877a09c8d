"""Updates that are stored before Telegram forgets them, and the processes that take them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "inbox",
        sa.Column("update_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lane", sa.String(64), nullable=False),
        sa.Column("raw", sa.LargeBinary()),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("owner", sa.String(32)),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("sent", sa.String(256)),
        sa.Column("why", sa.String(64)),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("update_id", name="pk_inbox"),
    )
    still_open = sa.text("state = 0")
    op.create_index("ix_inbox_open", "inbox", ["update_id"], sqlite_where=still_open, postgresql_where=still_open)
    op.create_index("ix_inbox_changed_at", "inbox", ["changed_at"])
    op.create_table(
        "replicas",
        sa.Column("replica", sa.String(32), nullable=False),
        sa.Column("joined_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("replica", name="pk_replicas"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("replicas")
    op.drop_table("inbox")
