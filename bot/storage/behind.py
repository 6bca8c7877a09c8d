"""Writes that may wait a second: kept in memory, then written together in one transaction."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StorageError
from bot.storage.sql import Sql

PAUSE_S: Final = 1.0

log = logging.getLogger(__name__)


class Pending(Protocol):
    """A store that writes behind."""

    async def write(self, connection: AsyncConnection) -> None:
        """Write what has been set aside."""

    def set_aside(self) -> bool:
        """Set aside what is to be written next; False where there is nothing."""

    def written(self) -> None:
        """What was set aside stands in the database."""

    def put_back(self) -> None:
        """It does not: keep it for the next time."""


class WriteBehind:
    """Flushes its stores about once a second, and whenever it is told to."""

    def __init__(self, sql: Sql, stores: Sequence[Pending], *, pause_s: float = PAUSE_S) -> None:
        self._sql, self._stores, self._pause_s = sql, stores, pause_s
        self._flushing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to flush."""
        self._task = asyncio.create_task(self._run(), name="write-behind")

    async def flush(self) -> None:
        """Write everything that is pending, now.

        Raises:
            StorageError: it could not be written; it stays pending.
        """
        async with self._flushing:
            waiting = [store for store in self._stores if store.set_aside()]
            if not waiting:
                return
            try:
                async with self._sql.writing() as connection:
                    for store in waiting:
                        await store.write(connection)
            except BaseException:
                for store in waiting:
                    store.put_back()
                raise
            for store in waiting:
                store.written()

    async def close(self) -> None:
        """Stop, and flush a last time.

        Raises:
            StorageError: the last writes are lost.
        """
        if self._task:
            async with self._flushing:  # a transaction that is cancelled half way may leave the database locked
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    async def _run(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(self._pause_s)
            try:
                await self.flush()
            except StorageError as exc:
                if not failing:  # said once, not every second
                    log.error("%s", exc)
                failing = True
            else:
                failing = False
