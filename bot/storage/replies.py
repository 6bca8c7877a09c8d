"""Which message of ours answers which of theirs: an edited question edits its answer. Ids only, for two days."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.recent import Recent
from bot.storage.sql import Sql, insert

EDITABLE_FOR: Final = timedelta(days=2)
"""Telegram lets people edit a message for 48 hours; later the pair of ids is of no use."""

_MOST_PENDING: Final = 20_000
"""Where the database does not answer for long, the oldest pairs are let go rather than all memory taken."""

_Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Pair:
    reply_id: int
    person_id: int | None
    kept_at: datetime


class ReplyStore:
    """Pairs of ids, with those of late in memory; written behind."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._recent: Recent[_Key, _Pair] = Recent(5_000)
        self._pending: OrderedDict[_Key, _Pair] = OrderedDict()
        self._aside: OrderedDict[_Key, _Pair] = OrderedDict()

    def keep(self, chat_id: int, question_id: int, reply_id: int, *, person_id: int | None, at: datetime) -> None:
        """Remember which message answers which; `person_id` only lets `/forget` find it. Never waits, never fails."""
        key, pair = (chat_id, question_id), _Pair(reply_id, person_id, at)
        self._recent[key] = pair
        self._pending[key] = pair
        if len(self._pending) > _MOST_PENDING:
            self._pending.popitem(last=False)

    async def find(self, chat_id: int, question_id: int) -> int | None:
        """The id of the message that answers that question, or None.

        Raises:
            StorageError: it is not in memory and the database does not answer.
        """
        key = (chat_id, question_id)
        pair = self._recent.get(key) or self._pending.get(key) or self._aside.get(key)
        if pair:
            return pair.reply_id
        replies = tables.replies.c
        async with self._sql.reading() as connection:
            found = await connection.execute(
                select(replies.reply_id).where(replies.chat_id == chat_id, replies.question_id == question_id)
            )
            reply_id: int | None = found.scalar_one_or_none()
        return reply_id

    def set_aside(self) -> bool:
        """Set aside the pairs that are not written yet."""
        self._aside, self._pending = self._pending, OrderedDict()
        return bool(self._aside)

    async def write(self, connection: AsyncConnection) -> None:
        """Write what was set aside."""
        statement = insert(connection, tables.replies)
        statement = statement.on_conflict_do_update(
            index_elements=["chat_id", "question_id"],
            set_={name: statement.excluded[name] for name in ("reply_id", "person_id", "kept_at")},
        )
        rows = [
            {
                "chat_id": chat_id,
                "question_id": question_id,
                "reply_id": pair.reply_id,
                "person_id": pair.person_id,
                "kept_at": pair.kept_at,
            }
            for (chat_id, question_id), pair in self._aside.items()
        ]
        await connection.execute(statement, rows)

    def written(self) -> None:
        """What was set aside is safe."""
        self._aside = OrderedDict()

    def put_back(self) -> None:
        """Keep what was set aside for the next time; a newer pair wins."""
        self._pending = OrderedDict({**self._aside, **self._pending})
        self._aside = OrderedDict()

    def let_go(self, *, user_id: int | None = None, chat_id: int | None = None) -> None:
        """Forget what memory holds of a person or a chat."""
        for (chat, question_id), pair in self._recent.items():
            if chat == chat_id or (user_id is not None and user_id in (pair.person_id, chat)):
                self._recent.pop((chat, question_id))

    async def sweep(self, connection: AsyncConnection, before: datetime) -> None:
        """Drop the pairs of earlier times, from memory too."""
        for key, pair in self._recent.items():
            if pair.kept_at < before:
                self._recent.pop(key)
        await connection.execute(delete(tables.replies).where(tables.replies.c.kept_at < before))
