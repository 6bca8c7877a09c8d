"""The tables, as the newest migration leaves them (a test compares the two). All times are UTC, ISO 8601 in SQLite."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect

metadata: Final = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s", "ix": "ix_%(column_0_label)s"}
)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as UTC; SQLite has no time zones of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As UTC; naive where the database is."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware again."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


chats = Table(
    "chats",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("trigger", String(16)),
    Column("unanswered_after_min", Integer),
    Column("language", String(8)),
    Column("length", String(8)),
    Column("quiz_anonymous", Boolean),
    Column("language_model", Boolean),
    Column("quiet_from", Integer),
    Column("quiet_until", Integer),
)
"""A column that is null has never been changed: the default holds."""

once = Table(
    "once",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("event", String(32), primary_key=True),
)

usage = Table(
    "usage",
    metadata,
    Column("day", Date, primary_key=True),
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("event", String(32), primary_key=True),
    Column("article", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
)
"""`chat_id` is 0 for all private chats together; `article` is 0 where an event has none."""

review = Table(
    "review",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("chat_id", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("question", Text, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("articles", String(256), nullable=False),
    Column("language", String(8), nullable=False),
    Column("reply_message_id", BigInteger),
    Column("asked", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("outcome", String(16)),
    UniqueConstraint("chat_id", "digest", "kind"),
    Index(None, "asked_at"),
)

adopted = Table(
    "adopted",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("outcome", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("question", Text, nullable=False),
    Column("term", String(64), nullable=False),
    Column("articles", String(256), nullable=False),
    Column("language", String(8), nullable=False),
    Column("adopted_at", Moment, nullable=False),
    UniqueConstraint("outcome", "digest"),
)
"""Aliases and written questions that administrators have added or proposed: with neither chat nor message."""

replies = Table(
    "replies",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("question_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reply_id", BigInteger, nullable=False),
    Column("person_id", BigInteger),
    Column("kept_at", Moment, nullable=False),
    Index(None, "person_id"),
    Index(None, "kept_at"),
)

passages = Table(
    "passages",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index(None, "expires_at"),
)

turns = Table(
    "turns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("chat_id", BigInteger, nullable=False),
    Column("topic_id", BigInteger, nullable=False),
    Column("person_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("question", Text, nullable=False),
    Column("articles", String(256), nullable=False),
    Column("said_at", Moment, nullable=False),
    Index(None, "chat_id"),
    Index(None, "person_id"),
    Index(None, "said_at"),
)
"""Only where the settings ask for it. `topic_id` and `message_id` are 0 where there is none."""

inbox = Table(
    "inbox",
    metadata,
    Column("update_id", BigInteger, primary_key=True, autoincrement=False),
    Column("lane", String(64), nullable=False),
    Column("raw", LargeBinary),
    Column("state", SmallInteger, nullable=False),
    Column("owner", String(32)),
    Column("attempts", SmallInteger, nullable=False),
    Column("sent", String(256)),
    Column("why", String(64)),
    Column("changed_at", Double, nullable=False),
    Index("ix_inbox_open", "update_id", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
    Index("ix_inbox_changed_at", "changed_at"),
)
"""Updates as Telegram wrote them; `raw` is null once done. `changed_at`: seconds since 1970, by the database."""

replicas = Table(
    "replicas",
    metadata,
    Column("replica", String(32), primary_key=True),
    Column("joined_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
)
"""Who takes from the inbox: a process that has not been seen for a while is dead, and its updates are anybody's."""
sessions = Table(
    "sessions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("chat_id", BigInteger, nullable=False),
    Column("topic_id", BigInteger, nullable=False),
    Column("trainer_id", BigInteger, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("edition", Integer, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("touched_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Index(None, "opened_at"),
    Index(
        None,
        "chat_id",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    sqlite_autoincrement=True,  # an old button must never mean a new session
)
"""In one chat one session runs at a time. `salt` is empty and `trainer_id` 0 once it has ended."""

session_events = Table(
    "session_events",
    metadata,
    Column("session_id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("at", Moment, nullable=False),
    Column("voter", String(32), nullable=False),
    Column("payload", Text, nullable=False),
)

polls = Table(
    "polls",
    metadata,
    Column("poll_id", String(32), primary_key=True),
    Column("session_id", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Index(None, "session_id"),
)

consents = Table(
    "consents",
    metadata,
    Column("session_id", Integer, primary_key=True, autoincrement=False),
    Column("person_id", BigInteger, primary_key=True, autoincrement=False),
    Column("voter", String(32), nullable=False),
    Column("name", String(64), nullable=False),
    Column("until", Moment, nullable=False),
    Index(None, "person_id"),
    Index(None, "until"),
)
"""Who agreed to be named in a session, and until when they were told that it is kept."""

standings = Table(
    "standings",
    metadata,
    Column("person_id", BigInteger, primary_key=True, autoincrement=False),
    Column("item_id", String(24), primary_key=True),
    Column("answered_at", Moment, nullable=False),
    Column("was_right", Boolean, nullable=False),
    Column("due_at", Moment),
    Column("phase", Integer, nullable=False),
    Column("step", Integer),
    Column("stability", Double),
    Column("difficulty", Double),
    Index(None, "answered_at"),
)
"""How a question stands with a person who practises in private; `due_at` is null where it was never answered wrong."""

runs = Table(
    "runs",
    metadata,
    Column("person_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("message_id", BigInteger, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("touched_at", Moment, nullable=False),
    Index(None, "touched_at"),
)
"""The last round of practice and the last exam of a person."""
