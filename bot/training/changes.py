"""Tells who waits that a session has changed: at once in this process, by looking now and then for other replicas."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

LOOK_S: Final = 1.0


class Changes:
    """Who waits for which session; whoever is told late is told once of all that happened meanwhile."""

    def __init__(self) -> None:
        self._waiting: dict[int, set[asyncio.Event]] = {}

    def notify(self, session_id: int) -> None:
        """That session has changed."""
        for told in self._waiting.get(session_id, ()):
            told.set()

    async def of(self, session_id: int, look_s: float = LOOK_S) -> AsyncGenerator[None]:
        """Yields now, then at every change, and after `look_s` without one: time to look for what others wrote.

        Close it (`aclosing`) where you leave the loop early.
        """
        told = asyncio.Event()
        self._waiting.setdefault(session_id, set()).add(told)
        try:
            while True:
                told.clear()
                yield
                try:
                    async with asyncio.timeout(look_s):
                        await told.wait()
                except TimeoutError:
                    continue
        finally:
            waiting = self._waiting[session_id]
            waiting.discard(told)
            if not waiting:
                del self._waiting[session_id]

    def __len__(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))
