"""Whole transactions as plain functions of a connection, for work where every millisecond counts.

SQLite: in a thread of its own, over a connection of its own that waits for the disk (`synchronous = FULL`), so that
what is committed outlives a power cut. PostgreSQL: through the event loop's connections.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, create_engine, event

from bot.storage.sql import PRAGMAS, Sql, begin_writing, let_go_of_readers, prepare, told

BUSY_S: Final = 2
"""How long a locked SQLite file is waited for: Telegram's updates wait meanwhile."""
_TIDY_MS: Final = 20

Result = TypeVar("Result")


class Transactions(Protocol):
    """Runs functions, each in a transaction of its own."""

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """Commit what `work` does; where it raises, nothing is done.

        Raises:
            StorageError: the database cannot be written.
        """

    async def tidy(self) -> bool:
        """Let the disk forget what has been erased; False where that must be tried again."""

    async def close(self) -> None:
        """Close every connection."""


def transactions(sql: Sql) -> Transactions:
    """What suits that database."""
    return OwnThread(sql) if sql.is_sqlite else ThroughLoop(sql)


class OwnThread:
    """SQLite: one thread, one connection."""

    def __init__(self, sql: Sql) -> None:
        self._name = sql.name
        self._engine = create_engine(sql.engine.url.set(drivername="sqlite"), hide_parameters=True)
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", begin_writing)
        event.listen(self._engine, "handle_error", let_go_of_readers)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inbox")

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """As the protocol says."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    async def tidy(self) -> bool:
        """Empty the write-ahead log: erased words stand in it until it is written anew. False while others use it.

        Raises:
            StorageError: it could not be emptied.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._empty_log)

    async def close(self) -> None:
        """As the protocol says."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown(wait=False)

    def _empty_log(self) -> bool:
        with told(self._name), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {_TIDY_MS}")  # updates wait meanwhile
            try:
                busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_S * 1000}")
        return not busy

    def _transact(self, work: Callable[[Connection], Result]) -> Result:
        with told(self._name), self._engine.begin() as connection:
            return work(connection)


class ThroughLoop:
    """PostgreSQL: the engine that everything else uses."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """As the protocol says."""
        async with self._sql.writing() as connection:
            return await connection.run_sync(work)

    async def tidy(self) -> bool:
        """Nothing to do: PostgreSQL's own log is its administrator's."""
        return True

    async def close(self) -> None:
        """As the protocol says; the engine is closed by its owner."""


def _prepare(connection: Any, record: object) -> None:
    prepare(connection, record, (*PRAGMAS, f"busy_timeout = {BUSY_S * 1000}", "synchronous = FULL"))
