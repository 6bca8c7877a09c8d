"""An answer that is still being written, as people see it: a draft in private, elsewhere a message edited now and then.

What is shown on the way is shown in passing: where the chat is busy, resting or nearly at its limit, it is left out,
and only the newest is ever waiting. The last word is never said here; it is sent, or put into `settle`'s message.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from telegram import Message

from bot.telegram.delivery import Delivery
from bot.telegram.outgoing import Outgoing
from bot.telegram.speaking import is_group

EVERY_S: Final = 3.0
"""How often a message may be edited; drafts cost people nothing and follow one another at once."""
FIRST_S: Final = 0.1
"""How long the first words wait: an answer that is whole by then is sent once, and nothing before it."""
SETTLE_S: Final = 1.0
"""How long the last word waits for an edit that is under way."""


class Growing:
    """Shows one growing answer to one message; `replacing` is our message that is to be edited instead."""

    def __init__(
        self,
        delivery: Delivery,
        message: Message,
        *,
        replacing: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._delivery, self._message = delivery, message
        self._clock, self._sleep = clock, sleep
        self._drafting = not is_group(message) and replacing is None
        self._shown_in, self._shown_at = replacing, 0.0
        self._latest: Outgoing | None = None
        self._task: asyncio.Task[None] | None = None
        self._calling = False

    def show(self, outgoing: Outgoing) -> None:
        """Show this as soon as may be, unless something newer comes before; never waits."""
        self._latest = outgoing
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_up(), name="a growing answer")

    async def settle(self) -> int | None:
        """Show nothing more; the id of the message that the last word belongs in, None where it is to be sent."""
        self._latest = None
        if self._task is not None:
            if not self._calling:
                self._task.cancel()
            elif self._drafting or self._shown_in is not None:
                await asyncio.wait((self._task,), timeout=SETTLE_S)
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)  # a first message: its id must be known
        return self._shown_in

    async def _keep_up(self) -> None:
        if not self._shown_at:
            await self._sleep(FIRST_S)
        while self._latest is not None:
            if self._shown_at and not self._drafting:
                await self._sleep(max(0.0, self._shown_at + EVERY_S - self._clock()))
            latest, self._latest = self._latest, None
            self._calling = True
            try:
                await self._put(latest)
            finally:
                self._calling = False

    async def _put(self, outgoing: Outgoing) -> None:
        message = self._message
        if self._drafting:
            await self._delivery.draft(message, outgoing)
        elif self._shown_in is None:
            self._shown_in = await self._delivery.reply_in_passing(message, outgoing)
        else:
            await self._delivery.edit_in_passing(message.chat_id, self._shown_in, outgoing)
        self._shown_at = self._clock()
