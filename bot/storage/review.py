"""Unanswered and disputed questions, without names, and what administrators have made of them.

The same question in the same chat is kept once. One that becomes an alias or a written question loses its chat and
moves to what has been adopted, which is kept for good; what a group's administrators make of it is a proposal until an
operator adopts it. The others, and proposals that nobody decides, go when the retention is over.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

from sqlalchemy import Row, case, delete, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.sql import Sql, insert
from bot.storage.usage import PRIVATE
from knowledge.normalising import normalise

Kind = Literal["unanswered", "disputed"]
Outcome = Literal["answered", "alias", "question", "dismissed"]
Taught = Literal["alias", "question"]

MAX_QUESTION: Final = 1_000
MAX_TERM: Final = 20

_MOST_PENDING: Final = 5_000
"""Where the database does not answer for long, the oldest notes are let go rather than all memory taken."""

_PROPOSED: Final = "draft_"
"""Before the outcome of what is adopted only once an operator agrees."""

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


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an administrator would teach, which counts once an operator adopts it; `term` is an alias's word."""

    id: int
    outcome: Taught
    question: str
    term: str
    articles: tuple[int, ...]

    @property
    def mark(self) -> str:
        """Ten characters that change with everything that it says: who adopts it means what they have seen."""
        return sha256(repr((self.outcome, self.question, self.term, self.articles)).encode()).hexdigest()[:10]


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
        self,
        item_id: int,
        outcome: Outcome,
        *,
        term: str = "",
        articles: Iterable[int] = (),
        at: datetime,
        proposed: bool = False,
    ) -> bool:
        """Say what has become of an item; False where somebody else was first.

        `proposed`: an alias or a written question waits for `adopt`.

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
                "outcome": _PROPOSED + outcome if proposed else outcome,
                "digest": _digest(term or row.question),
                "question": row.question,
                "term": term,
                "articles": _joined(articles),
                "language": row.language,
                "adopted_at": at,
            }
            statement = insert(connection, tables.adopted).values(**values)
            changed = {name: statement.excluded[name] for name in ("question", "articles", "adopted_at")}
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["outcome", "digest"], set_=changed)
            )
            return True

    async def proposals(self, *, after_id: int = 0) -> list[Proposal]:
        """What waits for an operator, the oldest first.

        Raises:
            StorageError: the database does not answer.
        """
        adopted = tables.adopted.c
        wanted = select(tables.adopted).where(adopted.outcome.startswith(_PROPOSED, autoescape=True))
        async with self._sql.reading() as connection:
            rows = (await connection.execute(wanted.where(adopted.id > after_id).order_by(adopted.id))).all()
        return [_proposal(row) for row in rows]

    async def adopt(self, proposal: Proposal, *, at: datetime) -> bool:
        """Let a proposal count; False where it is gone, or no longer what it was.

        Raises:
            StorageError: nothing has been changed.
        """
        adopted = tables.adopted.c
        async with self._sql.writing() as connection:
            if not await _still_stands(connection, proposal):
                return False
            row = (await connection.execute(select(tables.adopted).where(adopted.id == proposal.id))).one()
            same = (adopted.outcome == proposal.outcome) & (adopted.digest == row.digest)
            await connection.execute(delete(tables.adopted).where(same))
            statement = update(tables.adopted).where(adopted.id == proposal.id)
            await connection.execute(statement.values(outcome=proposal.outcome, adopted_at=at))
            return True

    async def decline(self, proposal: Proposal) -> bool:
        """Drop a proposal; False where it is gone, or no longer what it was.

        Raises:
            StorageError: nothing has been changed.
        """
        async with self._sql.writing() as connection:
            if not await _still_stands(connection, proposal):
                return False
            await connection.execute(delete(tables.adopted).where(tables.adopted.c.id == proposal.id))
            return True

    async def withdraw(self, adopted_id: int) -> bool:
        """Drop what was proposed or adopted under that id; False where there is nothing.

        Raises:
            StorageError: nothing has been changed.
        """
        async with self._sql.writing() as connection:
            gone = await connection.execute(delete(tables.adopted).where(tables.adopted.c.id == adopted_id))
            return gone.rowcount == 1

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
            counts = adopted.outcome.in_(("alias", "question"))
            kept = (await connection.execute(select(tables.adopted).where(counts).order_by(adopted.id))).all()
            left = (await connection.execute(select(tables.review).where(dismissed).order_by(review.id))).all()
        return [
            *(
                Resolved(row.id, row.outcome, row.question, row.term, _numbers(row.articles), row.language)
                for row in kept
            ),
            *(Resolved(row.id, "dismissed", row.question, "", (), row.language) for row in left),
        ]

    async def sweep(self, connection: AsyncConnection, before: datetime) -> None:
        """Drop what was last asked or proposed earlier; what has been adopted stays."""
        await connection.execute(delete(tables.review).where(tables.review.c.asked_at < before))
        adopted = tables.adopted.c
        undecided = adopted.outcome.startswith(_PROPOSED, autoescape=True) & (adopted.adopted_at < before)
        await connection.execute(delete(tables.adopted).where(undecided))


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
            "outcome": case((statement.excluded.kind == "disputed", null()), else_=tables.review.c.outcome),
        },  # somebody says once more that an answer is wrong: it is looked at once more
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


def _proposal(row: Row[Any]) -> Proposal:
    outcome = row.outcome.removeprefix(_PROPOSED)
    return Proposal(row.id, outcome, row.question, row.term, _numbers(row.articles))


async def _still_stands(connection: AsyncConnection, proposal: Proposal) -> bool:
    row = (
        await connection.execute(select(tables.adopted).where(tables.adopted.c.id == proposal.id).with_for_update())
    ).first()
    return row is not None and row.outcome.startswith(_PROPOSED) and _proposal(row) == proposal
