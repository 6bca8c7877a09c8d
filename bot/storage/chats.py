"""A chat's own settings, and what has been said to it once and for all."""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal

from sqlalchemy import RowMapping, Select, delete, select

from bot.storage import tables
from bot.storage.recent import Recent
from bot.storage.sql import Sql, insert

FRESH_S: Final = 30.0
"""How long settings are believed without asking the database: another replica may have changed them."""

Trigger = Literal["addressed", "unanswered"]


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """How the bot behaves in one chat.

    `trigger` "unanswered" also takes a question that nobody answered in `unanswered_after_min` minutes. `quiet_from`
    and `quiet_until` are hours from 0 to 23, both None where there are no quiet hours.
    """

    trigger: Trigger = "addressed"
    unanswered_after_min: int = 10
    language: Literal["auto", "zh", "en"] = "auto"
    length: Literal["brief", "full"] = "full"
    quiz_anonymous: bool = True
    language_model: bool = True
    quiet_from: int | None = None
    quiet_until: int | None = None

    def quiet_at(self, hour: int) -> bool:
        """Whether that hour lies in the quiet ones, which may span midnight."""
        if self.quiet_from is None or self.quiet_until is None:
            return False
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= hour < self.quiet_until
        return hour >= self.quiet_from or hour < self.quiet_until


DEFAULTS: Final = ChatSettings()
_NAMES: Final = frozenset(field.name for field in fields(ChatSettings))


class ChatStore:
    """Settings by chat, read through a small memory."""

    def __init__(self, sql: Sql, clock: Callable[[], float] = time.monotonic) -> None:
        self._sql, self._clock = sql, clock
        self._known: Recent[int, tuple[float, ChatSettings]] = Recent(10_000)
        self._done: Recent[tuple[int, str], None] = Recent(10_000)
        self._lock = asyncio.Lock()  # a slow reader must not put old settings over new ones
        self._wanted: set[int] = set()

    async def settings(self, chat_id: int) -> ChatSettings:
        """The chat's settings; the defaults where none have been changed.

        Raises:
            StorageError: they are not in memory and the database does not answer.
        """
        if (known := self._fresh(chat_id)) is not None:
            return known
        self._wanted.add(chat_id)
        async with self._lock:
            if (known := self._fresh(chat_id)) is not None:
                return known
            wanted, self._wanted = self._wanted | {chat_id}, set()  # one query for all who wait
            async with self._sql.reading() as connection:
                rows = (await connection.execute(_rows(wanted))).mappings().all()
            found = {row["chat_id"]: row for row in rows}
            for one in wanted - {chat_id}:
                self._learn(one, found.get(one))
            return self._learn(chat_id, found.get(chat_id))

    async def change(self, chat_id: int, **changes: Any) -> ChatSettings:
        """Change some settings and leave the others as they are, whoever else changes them meanwhile.

        Raises:
            StorageError: nothing has been changed. TypeError: there is no such setting.
        """
        if unknown := changes.keys() - _NAMES:
            raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
        async with self._lock, self._sql.writing() as connection:
            statement = insert(connection, tables.chats).values(chat_id=chat_id, **changes)
            await connection.execute(statement.on_conflict_do_update(index_elements=["chat_id"], set_=changes))
            row = (await connection.execute(_rows((chat_id,)))).mappings().one()
        return self._learn(chat_id, row)

    async def once(self, chat_id: int, event: str) -> bool:
        """Whether this is the first time for that chat and event; for good, also across restarts and replicas.

        Raises:
            StorageError: the database does not answer.
        """
        if (chat_id, event) in self._done:
            return False
        async with self._sql.writing() as connection:
            statement = insert(connection, tables.once).values(chat_id=chat_id, event=event)
            first = (await connection.execute(statement.on_conflict_do_nothing())).rowcount == 1
        self._done[chat_id, event] = None
        return first

    async def migrate(self, old_id: int, new_id: int) -> None:
        """A group has become a supergroup: everything kept for it goes with it, save ids of messages, which change.

        Raises:
            StorageError: nothing has been moved.
        """
        async with self._lock, self._sql.writing() as connection:
            for table in (tables.chats, tables.once, tables.usage, tables.review, tables.turns):
                rows = (await connection.execute(select(table).where(table.c.chat_id == old_id))).mappings().all()
                await connection.execute(delete(table).where(table.c.chat_id == old_id))
                for row in rows:
                    moved = _moved(row, new_id)
                    statement = insert(connection, table).values(**moved)
                    if table is tables.usage:
                        statement = statement.on_conflict_do_update(
                            index_elements=["day", "chat_id", "event", "article"],
                            set_={"count": tables.usage.c.count + statement.excluded.count},
                        )
                    else:
                        statement = statement.on_conflict_do_nothing()
                    await connection.execute(statement)
            await connection.execute(delete(tables.replies).where(tables.replies.c.chat_id == old_id))
        self.let_go(old_id)
        self.let_go(new_id)

    def let_go(self, chat_id: int) -> None:
        """Forget what memory holds of a chat; the database is not touched."""
        self._known.pop(chat_id)
        for key in [key for key, _ in self._done.items() if key[0] == chat_id]:
            self._done.pop(key)

    def _fresh(self, chat_id: int) -> ChatSettings | None:
        known = self._known.get(chat_id)
        return known[1] if known and self._clock() - known[0] < FRESH_S else None

    def _learn(self, chat_id: int, row: RowMapping | None) -> ChatSettings:
        changed = {name: row[name] for name in _NAMES if row[name] is not None} if row else {}
        settings = replace(DEFAULTS, **changed)
        self._known[chat_id] = (self._clock(), settings)
        return settings


def _rows(chat_ids: Collection[int]) -> Select[Any]:
    return select(tables.chats).where(tables.chats.c.chat_id.in_(chat_ids))


def _moved(row: RowMapping, chat_id: int) -> dict[str, Any]:
    moved: dict[str, Any] = {**row, "chat_id": chat_id}
    moved.pop("id", None)
    if "reply_message_id" in moved:
        moved["reply_message_id"] = None
    if "message_id" in moved:
        moved["message_id"] = 0
    return moved
