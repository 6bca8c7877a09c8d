"""Drops what has had its time, and does later what could not be done at once: at start and every hour."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from telegram.ext import Application

from bot.errors import StorageError
from bot.telegram.parts import Parts

EVERY_S: Final = 3600.0
AGAIN_S: Final = 600.0
"""How soon a sweep that failed is tried again."""

log = logging.getLogger(__name__)


class Sweeping:
    """A task beside the handlers; it listens to nothing."""

    def __init__(self, parts: Parts, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._parts, self._sleep = parts, sleep
        self._task: asyncio.Task[None] | None = None
        self._sweeping = asyncio.Lock()

    def register(self, application: "Application[Any, Any, Any, Any, Any, Any]") -> None:
        """Nothing to register."""

    async def started(self) -> None:
        """Sweep now, and then every hour."""
        self._task = asyncio.create_task(self._run(), name="sweeping")

    async def stopping(self) -> None:
        """Stop sweeping; what has been begun is finished, since a transaction that is cut off may keep its lock."""
        if self._task:
            async with self._sweeping:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            async with self._sweeping:
                done = await self._sweep()
            await self._sleep(EVERY_S if done else AGAIN_S)

    async def _sweep(self) -> bool:
        """Sweep once; False where it is to be tried again soon."""
        parts = self._parts
        parts.recalled.sweep()
        parts.budget.sweep()
        await parts.delivery.catch_up()
        try:
            await parts.database.sweep(parts.clock(), parts.retention_days)
            await parts.additions.catch_up()
        except StorageError as exc:
            log.error("%s", exc)
            return False
        return True
