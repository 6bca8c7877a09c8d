"""A session at PostgreSQL that does two things: it hears at once that another replica has stored what it cannot answer,
and it holds a lock for as long as this process lives, by which the others know.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from bot.errors import StorageError
from bot.storage.sql import Sql

_AGAIN_S: Final = 2.0

log = logging.getLogger(__name__)


class Listening:
    """A connection that only listens, opened again whenever it is lost."""

    def __init__(self, sql: Sql, channel: str, heard: Callable[[], None], lock: tuple[int, int]) -> None:
        self._sql, self._channel, self._heard, self._lock = sql, channel, heard, lock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(self._run(), name="listening")

    async def close(self) -> None:
        """Stop."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            with suppress(StorageError):  # the inbox says what is wrong; until then its beat does instead
                await self._listen()
            await asyncio.sleep(_AGAIN_S)

    async def _listen(self) -> None:
        async with self._sql.reading() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            lost = asyncio.Event()
            raw.add_termination_listener(lambda _: lost.set())
            await raw.add_listener(self._channel, self._told)
            try:
                await raw.execute("SELECT pg_advisory_lock($1, $2)", *self._lock)
                await lost.wait()
            finally:
                await connection.invalidate()  # the lock ends with the session

    def _told(self, *_: object) -> None:
        self._heard()
