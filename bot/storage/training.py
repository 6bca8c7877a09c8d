"""Sessions of training. Implements `ledgers.Log`.

Events hold no person, only voters: hashes with the session's salt. The salt and the trainer go when a session ends, or
when nobody has touched it for a day; from then on nobody can say whose a vote was. Names stand apart, of those alone
who agreed, with the day until which they were told that it is kept.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.sql import Sql, insert
from bot.training.ledgers import Extend, Header
from bot.training.model import Event
from bot.training.session import voter_of

ABANDONED: Final = timedelta(days=1)
MAX_NAME: Final = 64
_SALT_BYTES: Final = 16
_NO_SALT: Final = b""


class TrainingStore:
    """Sessions, their events, their polls, and who agreed to be named."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def begin(
        self, chat_id: int, topic_id: int, trainer_id: int, at: datetime, events: Sequence[Event]
    ) -> Header | None:
        """Keep a new session with its first events; None where one runs in that chat.

        Raises:
            StorageError: nothing has been kept.
        """
        row = {
            "chat_id": chat_id,
            "topic_id": topic_id,
            "trainer_id": trainer_id,
            "salt": secrets.token_bytes(_SALT_BYTES),
            "edition": 0,
            "opened_at": at,
            "touched_at": at,
        }
        async with self._sql.writing() as connection:
            statement = insert(connection, tables.sessions).values(**row).on_conflict_do_nothing()
            kept = (await connection.execute(statement.returning(tables.sessions))).first()
            if kept is None:
                return None
            await _keep(connection, kept.id, events)
            return _header(kept)

    async def header(self, session_id: int) -> Header | None:
        """That session's, None where it is not kept (any more).

        Raises:
            StorageError: the database does not answer.
        """
        return await self._first(select(tables.sessions).where(tables.sessions.c.id == session_id))

    async def running_in(self, chat_id: int) -> Header | None:
        """Of the session that runs in that chat.

        Raises:
            StorageError: the database does not answer.
        """
        sessions = tables.sessions.c
        return await self._first(
            select(tables.sessions).where(sessions.chat_id == chat_id, sessions.closed_at.is_(None))
        )

    async def latest_in(self, chat_id: int) -> Header | None:
        """Of the session that was opened there last, running or not.

        Raises:
            StorageError: the database does not answer.
        """
        sessions = tables.sessions.c
        return await self._first(
            select(tables.sessions).where(sessions.chat_id == chat_id).order_by(sessions.id.desc()).limit(1)
        )

    async def ended_lately(self, limit: int) -> list[Header]:
        """Of the sessions of all chats that have ended, the newest first.

        Raises:
            StorageError: the database does not answer.
        """
        sessions = tables.sessions.c
        ended = select(tables.sessions).where(sessions.closed_at.is_not(None))
        async with self._sql.reading() as connection:
            rows = await connection.execute(ended.order_by(sessions.id.desc()).limit(limit))
            return [_header(row) for row in rows]

    async def all_running(self) -> list[Header]:
        """Of every session that has not ended.

        Raises:
            StorageError: the database does not answer.
        """
        sessions = tables.sessions.c
        wanted = select(tables.sessions).where(sessions.closed_at.is_(None)).order_by(sessions.id)
        async with self._sql.reading() as connection:
            return [_header(row) for row in await connection.execute(wanted)]

    async def events(self, session_id: int, after: int = 0) -> list[Event]:
        """What happened after that number, in order.

        Raises:
            StorageError: the database does not answer.
        """
        async with self._sql.reading() as connection:
            return await _events(connection, session_id, after)

    async def extend(self, session_id: int, after: int, edition: int, write: Extend) -> bool:
        """Alone on that session: hand `write` what came after `after`, and keep what it returns.

        False, and nothing done, where the session is gone or is of another edition.

        Raises:
            StorageError: nothing has been kept.
        """
        async with self._sql.writing() as connection:
            locked = select(tables.sessions).where(tables.sessions.c.id == session_id).with_for_update()
            row = (await connection.execute(locked)).first()
            if row is None or row.edition != edition:
                return False
            events = write(await _events(connection, session_id, after))
            if events:
                await _keep(connection, session_id, events)
            return True

    async def session_of_poll(self, poll_id: str) -> tuple[int, int] | None:
        """Session and step of a poll, None where it is of none.

        Raises:
            StorageError: the database does not answer.
        """
        async with self._sql.reading() as connection:
            wanted = select(tables.polls).where(tables.polls.c.poll_id == poll_id)
            row = (await connection.execute(wanted)).first()
        return (row.session_id, row.step) if row else None

    async def claim(self, session_id: int, trainer_id: int) -> None:
        """Somebody else leads from now on.

        Raises:
            StorageError: nothing has been changed.
        """
        running = (tables.sessions.c.id == session_id) & tables.sessions.c.closed_at.is_(None)
        async with self._sql.writing() as connection:
            await connection.execute(update(tables.sessions).where(running).values(trainer_id=trainer_id))

    async def agree(self, session_id: int, person_id: int, voter: str, name: str, until: datetime) -> None:
        """Somebody agrees to be named in that session, until that day.

        Raises:
            StorageError: nothing has been kept.
        """
        row = {"session_id": session_id, "person_id": person_id, "voter": voter, "name": name[:MAX_NAME]}
        async with self._sql.writing() as connection:
            statement = insert(connection, tables.consents).values(**row, until=until)
            changed = {"name": statement.excluded.name, "until": statement.excluded.until}
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["session_id", "person_id"], set_=changed)
            )

    async def withdraw(self, session_id: int, person_id: int) -> bool:
        """They do not agree any more; False where they never did.

        Raises:
            StorageError: nothing has been changed.
        """
        consents = tables.consents.c
        theirs = (consents.session_id == session_id) & (consents.person_id == person_id)
        async with self._sql.writing() as connection:
            return (await connection.execute(delete(tables.consents).where(theirs))).rowcount == 1

    async def names(self, session_id: int) -> Mapping[str, str]:
        """The names of those who agreed, by voter.

        Raises:
            StorageError: the database does not answer.
        """
        async with self._sql.reading() as connection:
            rows = await connection.execute(select(tables.consents).where(tables.consents.c.session_id == session_id))
            return {row.voter: row.name for row in rows}

    async def erase_person(self, connection: AsyncConnection, person_id: int) -> int:
        """Erase somebody's names, and their votes in sessions that run: later nobody can find these. Rows erased."""
        sessions, events, consents = tables.sessions.c, tables.session_events.c, tables.consents.c
        erased = (await connection.execute(delete(tables.consents).where(consents.person_id == person_id))).rowcount
        running = select(tables.sessions).where(sessions.closed_at.is_(None)).with_for_update()
        for row in (await connection.execute(running)).all():
            theirs = (events.session_id == row.id) & (events.voter == voter_of(row.salt, person_id))
            gone = (await connection.execute(delete(tables.session_events).where(theirs))).rowcount
            leads = row.trainer_id == person_id
            if gone or leads:
                changes = {"edition": row.edition + 1, "trainer_id": 0 if leads else row.trainer_id}
                await connection.execute(update(tables.sessions).where(sessions.id == row.id).values(**changes))
            erased += gone + leads
        return erased

    async def erase_chat(self, connection: AsyncConnection, chat_id: int) -> int:
        """Erase every session of a chat. Rows erased."""
        return await _erase(connection, select(tables.sessions.c.id).where(tables.sessions.c.chat_id == chat_id))

    async def migrate(self, connection: AsyncConnection, old_id: int, new_id: int) -> None:
        """A group has another id now."""
        moved = update(tables.sessions).where(tables.sessions.c.chat_id == old_id).values(chat_id=new_id)
        await connection.execute(moved)

    async def sweep(self, connection: AsyncConnection, now: datetime, before: datetime) -> None:
        """Drop sessions opened earlier than `before`, names that have had their time; end what was left lying."""
        sessions = tables.sessions.c
        await _erase(connection, select(sessions.id).where(sessions.opened_at < before))
        await connection.execute(delete(tables.consents).where(tables.consents.c.until < now))
        lying = sessions.closed_at.is_(None) & (sessions.touched_at < now - ABANDONED)
        for (session_id,) in (await connection.execute(select(sessions.id).where(lying).with_for_update())).all():
            events = tables.session_events.c
            newest = select(events.seq).where(events.session_id == session_id).order_by(events.seq.desc()).limit(1)
            last: int = (await connection.execute(newest)).scalar_one_or_none() or 0
            await _keep(connection, session_id, [Event(last + 1, "closed", now)])

    async def _first(self, wanted: Select[Any]) -> Header | None:
        async with self._sql.reading() as connection:
            row = (await connection.execute(wanted)).first()
        return _header(row) if row else None


async def _keep(connection: AsyncConnection, session_id: int, events: Sequence[Event]) -> None:
    """Write events, and what has to be found by other ways: polls by their id, sessions that have ended."""
    rows = [
        {
            "session_id": session_id,
            "seq": event.seq,
            "kind": event.kind,
            "at": event.at,
            "voter": event.voter,
            "payload": json.dumps(dict(event.payload), ensure_ascii=False, separators=(",", ":")),
        }
        for event in events
    ]
    await connection.execute(tables.session_events.insert(), rows)
    polls = [
        {"poll_id": event.payload["poll_id"], "session_id": session_id, "step": event.payload["step"]}
        for event in events
        if event.kind == "posted" and event.payload["poll_id"]
    ]
    if polls:
        await connection.execute(insert(connection, tables.polls).on_conflict_do_nothing(), polls)
    changes: dict[str, Any] = {"touched_at": events[-1].at}
    if ended := next((event.at for event in events if event.kind == "closed"), None):
        changes |= {"closed_at": ended, "salt": _NO_SALT, "trainer_id": 0}
    await connection.execute(update(tables.sessions).where(tables.sessions.c.id == session_id).values(**changes))


async def _events(connection: AsyncConnection, session_id: int, after: int) -> list[Event]:
    events = tables.session_events.c
    wanted = select(tables.session_events).where(events.session_id == session_id, events.seq > after)
    rows = await connection.execute(wanted.order_by(events.seq))
    return [Event(row.seq, row.kind, row.at, json.loads(row.payload), row.voter) for row in rows]


async def _erase(connection: AsyncConnection, ids: Select[tuple[int]]) -> int:
    erased = 0
    for table in (tables.session_events, tables.polls, tables.consents):
        erased += (await connection.execute(delete(table).where(table.c.session_id.in_(ids)))).rowcount
    sessions = delete(tables.sessions).where(tables.sessions.c.id.in_(ids))
    return erased + int((await connection.execute(sessions)).rowcount)


def _header(row: Row[Any]) -> Header:
    return Header(
        id=row.id,
        chat_id=row.chat_id,
        topic_id=row.topic_id,
        trainer_id=row.trainer_id,
        salt=row.salt,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        edition=row.edition,
    )
