"""Unanswered and disputed questions, without names, and what administrators have made of them.

The same question in the same chat is kept once. One that becomes an alias or a written question loses its chat and
moves to what has been adopted, which is kept for good; the others go when the retention is over.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.sql import Sql, insert
from bot.storage.usage import PRIVATE
from knowledge.normalising import normalise

Kind = Literal["unanswered", "disputed"]
Outcome = Literal["answered", "alias", "question", "dismissed"]

MAX_QUESTION: Final = 1_000
MAX_TERM: Final = 20

_MOST_PENDING: Final = 5_000
"""Where the database does not answer for long, the oldest notes are let go rather than all memory taken."""

_Key = tuple[int, Any, str]

_NAMING: Final = re.compile(
    r"@\w+"  # user names
    r"|(?:https?://|t\.me/|tg://)\S+"
    r"|[\w.+-]+@[\w-]+\.[\w.]+"
    r"|\+?\d{7,}[Xx]?|1\d\d[ -]?\d{4}[ -]?\d{4}"  # identity cards, telephones
)


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One question to be looked at; `articles` are those the answer cited, `asked` counts how often it came.

    `chat_id` is 0 and `reply_message_id` None where it was asked in a private chat.
    """

    id: int
    chat_id: int
    question: str
    kind: Kind
    reason: str
    articles: tuple[int, ...]
    language: str
    reply_message_id: int | None
    asked: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Resolved:
    """What an administrator has made of a question: `term` is an alias's everyday word, else empty.

    `articles` is empty where the question was dismissed: the bot was right to decline.
    """

    id: int
    outcome: Outcome
    question: str
    term: str
    articles: tuple[int, ...]
    language: str


class ReviewStore:
    """Open questions and adopted ones."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._pending: dict[_Key, dict[str, Any]] = {}
        self._aside: dict[_Key, dict[str, Any]] = {}

    async def add(
        self,
        chat_id: int,
        question: str,
        *,
        kind: Kind,
        reason: str,
        articles: Iterable[int] = (),
        language: str,
        reply_message_id: int | None,
        at: datetime,
    ) -> int:
        """Keep a question, or raise its count where it is there already; returns its id.

        Raises:
            StorageError: it could not be kept.
        """
        row = _row(chat_id, question, kind, reason, articles, language, reply_message_id, at)
        async with self._sql.writing() as connection:
            statement = _upsert(connection).values(**row).returning(tables.review.c.id)
            return int((await connection.execute(statement)).scalar_one())

    def note(
        self,
        chat_id: int,
        question: str,
        *,
        kind: Kind,
        reason: str,
        articles: Iterable[int] = (),
        language: str,
        reply_message_id: int | None,
        at: datetime,
    ) -> None:
        """As `add`, but written behind: never waits, never fails."""
        row = _row(chat_id, question, kind, reason, articles, language, reply_message_id, at)
        _merge(self._pending, row)
        if len(self._pending) > _MOST_PENDING:
            del self._pending[next(iter(self._pending))]

    def set_aside(self) -> bool:
        """Set aside what is to be written next."""
        self._aside, self._pending = self._pending, {}
        return bool(self._aside)

    async def write(self, connection: AsyncConnection) -> None:
        """Write what has been set aside."""
        await connection.execute(_upsert(connection), list(self._aside.values()))

    def written(self) -> None:
        """It stands in the database."""
        self._aside = {}

    def put_back(self) -> None:
        """It does not: it is written with what has come since."""
        later, self._pending, self._aside = self._pending, self._aside, {}
        for row in later.values():
            _merge(self._pending, row)

    async def open_items(
        self, chat_ids: Sequence[int] | None, *, limit: int = 1, after_id: int = 0
    ) -> list[ReviewItem]:
        """What nobody has looked at yet in those chats (None: in all), the oldest first.

        Raises:
            StorageError: the database does not answer.
        """
        review = tables.review.c
        wanted = select(tables.review).where(review.outcome.is_(None), review.id > after_id)
        if chat_ids is not None:
            wanted = wanted.where(review.chat_id.in_(chat_ids))
        async with self._sql.reading() as connection:
            rows = (await connection.execute(wanted.order_by(review.id).limit(limit))).all()
        return [_item(row) for row in rows]

    async def get(self, item_id: int) -> ReviewItem | None:
        """The item of that id, if nobody has resolved it yet.

        Raises:
            StorageError: the database does not answer.
        """
        review = tables.review.c
        wanted = select(tables.review).where(review.id == item_id, review.outcome.is_(None))
        async with self._sql.reading() as connection:
            row = (await connection.execute(wanted)).first()
        return _item(row) if row else None

    async def resolve(
        self, item_id: int, outcome: Outcome, *, term: str = "", articles: Iterable[int] = (), at: datetime
    ) -> bool:
        """Say what has become of an item; False where somebody else was first.

        Raises:
            StorageError: nothing has been changed.
        """
        review = tables.review.c
        still_open = (review.id == item_id) & review.outcome.is_(None)
        async with self._sql.writing() as connection:
            if outcome in ("answered", "dismissed"):
                done = await connection.execute(update(tables.review).where(still_open).values(outcome=outcome))
                return done.rowcount == 1
            row = (await connection.execute(select(tables.review).where(still_open).with_for_update())).first()
            if row is None:
                return False
            await connection.execute(delete(tables.review).where(review.id == item_id))
            values = {
                "outcome": outcome,
                "digest": _digest(term or row.question),
                "question": row.question,
                "term": term,
                "articles": _joined(articles),
                "language": row.language,
                "adopted_at": at,
            }
            statement = insert(connection, tables.adopted).values(**values)
            statement = statement.on_conflict_do_update(
                index_elements=["outcome", "digest"], set_={"articles": statement.excluded.articles}
            )
            await connection.execute(statement)
            return True

    async def reopen(self, item_id: int) -> None:
        """What was answered could not be sent after all.

        Raises:
            StorageError: it stays resolved.
        """
        async with self._sql.writing() as connection:
            await connection.execute(update(tables.review).where(tables.review.c.id == item_id).values(outcome=None))

    async def resolved(self) -> list[Resolved]:
        """Everything adopted, then what was declined and dismissed; for additions and the export.

        Raises:
            StorageError: the database does not answer.
        """
        adopted, review = tables.adopted.c, tables.review.c
        dismissed = (review.outcome == "dismissed") & (review.kind == "unanswered")
        async with self._sql.reading() as connection:
            kept = (await connection.execute(select(tables.adopted).order_by(adopted.id))).all()
            left = (await connection.execute(select(tables.review).where(dismissed).order_by(review.id))).all()
        return [
            *(
                Resolved(row.id, row.outcome, row.question, row.term, _numbers(row.articles), row.language)
                for row in kept
            ),
            *(Resolved(row.id, "dismissed", row.question, "", (), row.language) for row in left),
        ]

    async def sweep(self, connection: AsyncConnection, before: datetime) -> None:
        """Drop what was last asked earlier; what has been adopted stays."""
        await connection.execute(delete(tables.review).where(tables.review.c.asked_at < before))


def _row(
    chat_id: int,
    question: str,
    kind: Kind,
    reason: str,
    articles: Iterable[int],
    language: str,
    reply_message_id: int | None,
    at: datetime,
) -> dict[str, Any]:
    private = chat_id > PRIVATE
    question = without_names(question)[:MAX_QUESTION]
    return {
        "chat_id": PRIVATE if private else chat_id,
        "digest": _digest(question),
        "kind": kind,
        "question": question,
        "reason": reason,
        "articles": _joined(articles),
        "language": language,
        "reply_message_id": None if private else reply_message_id,
        "asked": 1,
        "created_at": at,
        "asked_at": at,
    }


def _merge(rows: dict[_Key, dict[str, Any]], row: dict[str, Any]) -> None:
    key = (row["chat_id"], row["digest"], row["kind"])
    earlier = rows.get(key)
    rows[key] = row if earlier is None else row | {"asked": earlier["asked"] + row["asked"]}


def _upsert(connection: AsyncConnection) -> Any:
    statement = insert(connection, tables.review)
    return statement.on_conflict_do_update(
        index_elements=["chat_id", "digest", "kind"],
        set_={
            "asked": tables.review.c.asked + statement.excluded.asked,
            "reason": statement.excluded.reason,
            "articles": statement.excluded.articles,
            "reply_message_id": statement.excluded.reply_message_id,
            "asked_at": statement.excluded.asked_at,
        },
    )


def without_names(question: str) -> str:
    """The question without user names, addresses and long numbers, which would say whom it is about.

    Nor with what databases refuse: NUL, lone surrogates.
    """
    plain = question.encode("utf-8", "ignore").decode().replace("\x00", "")
    return _NAMING.sub("…", plain).strip()


def _digest(question: str) -> str:
    plain = "".join(character for character in normalise(question) if character.isalnum())
    return sha256((plain or question).encode("utf-8", "replace")).hexdigest()


def _joined(articles: Iterable[int]) -> str:
    return ",".join(map(str, articles))


def _numbers(joined: str) -> tuple[int, ...]:
    return tuple(int(number) for number in joined.split(",") if number)


def _item(row: Row[Any]) -> ReviewItem:
    return ReviewItem(
        row.id,
        row.chat_id,
        row.question,
        row.kind,
        row.reason,
        _numbers(row.articles),
        row.language,
        row.reply_message_id,
        row.asked,
        row.created_at,
    )
