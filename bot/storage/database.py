"""The database as the rest of the house sees it: one door, eight stores.

async with await Database.open(url) as database:
    settings = await database.chats.settings(chat_id)
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from sqlalchemy import delete

from bot.storage import tables
from bot.storage.behind import WriteBehind
from bot.storage.chats import ChatStore
from bot.storage.inbox import Depth, SqlInbox, erase_lane, measure, sweep_inbox
from bot.storage.migrating import migrate
from bot.storage.passages import PassageStore
from bot.storage.practice import PracticeStore
from bot.storage.replies import EDITABLE_FOR, ReplyStore
from bot.storage.review import ReviewStore
from bot.storage.sql import Sql
from bot.storage.training import TrainingStore
from bot.storage.turns import TurnStore
from bot.storage.usage import CHINA, PRIVATE, Figures, UsageStore

QUARANTINED_DAYS: Final = 7
"""How long an update that could not be read is kept for whoever mends the program."""


class Database:
    """An opened database; close it, or what was written in the last second may be lost."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self.chats = ChatStore(sql)
        self.usage = UsageStore(sql)
        self.review = ReviewStore(sql)
        self.replies = ReplyStore(sql)
        self.passages = PassageStore(sql)
        self.turns = TurnStore(sql)
        self.training = TrainingStore(sql)
        self.practice = PracticeStore(sql)
        self._behind = WriteBehind(sql, (self.usage, self.replies, self.passages, self.review, self.turns))

    @classmethod
    async def open(cls, url: str, backups: Path | None = None) -> Self:
        """Open the database, first bringing its tables up to date; what was is kept (see `migrate`).

        Raises:
            StorageError: it cannot be opened or brought up to date; the text says what to do.
        """
        sql = Sql(url)
        try:
            await migrate(sql, backups)
        except BaseException:
            await sql.close()
            raise
        database = cls(sql)
        database._behind.start()
        return database

    async def close(self) -> None:
        """Write what is pending and close.

        Raises:
            StorageError: the last writes are lost.
        """
        try:
            await self._behind.close()
        finally:
            await self._sql.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open_inbox(self, *, capacity: int | None = None) -> SqlInbox:
        """The inbox, with this process entered among those that take from it; to be closed before the database.

        Raises:
            StorageError: it cannot be written, or another process has this SQLite file.
        """
        return await SqlInbox(self._sql, capacity=capacity).open()

    async def depth(self) -> Depth:
        """What the inbox holds.

        Raises:
            StorageError: the database does not answer.
        """
        async with self._sql.reading() as connection:
            return await connection.run_sync(measure)

    async def flush(self) -> None:
        """Write what is pending now.

        Raises:
            StorageError: it could not be written; it stays pending.
        """
        await self._behind.flush()

    async def migrate_chat(self, old_id: int, new_id: int) -> None:
        """A group has become a supergroup: everything kept for it goes with it, what is pending first of all.

        Raises:
            StorageError: nothing has been moved; to be tried again.
        """
        await self._behind.flush()
        await self.chats.migrate(old_id, new_id)
        async with self._sql.writing() as connection:
            await self.training.migrate(connection, old_id, new_id)
        self.replies.let_go(chat_id=old_id)

    async def erase_person(self, user_id: int) -> int:
        """Erase everything keyed to a person: their private chat, ids of their messages, their last questions, what
        they practised, and their names and open votes in sessions.

        Returns how many rows were erased.

        Raises:
            StorageError: it could not be erased.
        """
        await self._behind.flush()
        async with self._sql.writing() as connection:
            theirs = tables.replies.c.person_id == user_id
            erased = (await connection.execute(delete(tables.replies).where(theirs))).rowcount
            said = tables.turns.c.person_id == user_id
            erased += (await connection.execute(delete(tables.turns).where(said))).rowcount
            erased += await self.training.erase_person(connection, user_id)
            erased += await self.practice.erase_person(connection, user_id)
            if user_id > PRIVATE:  # their private chat has their own id; below it stand groups and channels
                for table in (tables.chats, tables.once, tables.replies):
                    erased += (await connection.execute(delete(table).where(table.c.chat_id == user_id))).rowcount
                await connection.run_sync(erase_lane, user_id)
        self.chats.let_go(user_id)
        self.replies.let_go(user_id=user_id)
        return erased

    async def erase_chat(self, chat_id: int) -> int:
        """Erase everything kept for a group: settings, counts, questions, ids of messages, sessions. Rows erased.

        Raises:
            StorageError: it could not be erased.
        """
        await self._behind.flush()
        erased = 0
        async with self._sql.writing() as connection:
            for table in (tables.chats, tables.usage, tables.review, tables.replies, tables.turns):
                erased += (await connection.execute(delete(table).where(table.c.chat_id == chat_id))).rowcount
            await connection.run_sync(erase_lane, chat_id)
            erased += await self.training.erase_chat(connection, chat_id)
        self.chats.let_go(chat_id)
        self.replies.let_go(chat_id=chat_id)
        return erased

    async def figures(self, chat_id: int | None, days: int, *, now: datetime) -> Figures:
        """What was counted in the last so many days, today included, in one chat or in all (None).

        Raises:
            StorageError: the database does not answer.
        """
        await self._behind.flush()
        today = now.astimezone(CHINA).date()
        return await self.usage.figures(chat_id, today - timedelta(days=days - 1), today)

    async def sweep(self, now: datetime, retention_days: int) -> None:
        """Drop what is older than the retention, and pairs of ids and passages once they are of no use.

        Raises:
            StorageError: nothing has been dropped.
        """
        before = now - timedelta(days=retention_days)
        async with self._sql.writing() as connection:
            await self.review.sweep(connection, before)
            await self.usage.sweep(connection, before.astimezone(CHINA).date())
            await self.replies.sweep(connection, max(before, now - EDITABLE_FOR))
            await self.passages.sweep(connection, now)
            await connection.run_sync(sweep_inbox, min(retention_days, QUARANTINED_DAYS) * 86_400.0)
            await self.training.sweep(connection, now, before)
            await self.practice.sweep(connection, before)
