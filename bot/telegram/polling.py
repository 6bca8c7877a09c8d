"""Long polling that does not give up: whatever getUpdates answers, it is asked again.

python-telegram-bot's own updater ends for good at a 401 and turns in circles at an update that it cannot read; this one
hands updates on as Telegram wrote them and lets the reception see to each.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.telegram.rawbot import GRACE_S, Raw, RawBot

POLL_S: Final = 6
"""How long Telegram may hold an empty answer back: a token that is revoked meanwhile shows only after that."""
_LONGEST_PAUSE_S: Final = 8.0
_CONFIRM_S: Final = 2.0
_FULL_PAUSE_S: Final = 0.05

log = logging.getLogger(__name__)


class Poller:
    """Asks for updates until cancelled; `problem` says what is wrong at present, None where all is well.

    Telegram is told to forget updates only once `take` has returned for them. While `waits` is true, it is not asked.
    """

    def __init__(
        self,
        bot: RawBot,
        take: Callable[[Sequence[Raw]], Awaitable[None]],
        waits: Callable[[], bool],
        allowed: Sequence[str],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bot, self._take, self._waits, self._allowed, self._sleep = bot, take, waits, allowed, sleep
        self._next = 0
        self._failures = 0
        self._stopped = False
        self._fetching: asyncio.Future[list[Raw]] | None = None
        self._answered_at = time.monotonic()
        self._trouble: str | None = None

    @property
    def problem(self) -> str | None:
        """What keeps updates from coming, in a word or two."""
        silent_s = time.monotonic() - self._answered_at
        if self._trouble is None and silent_s > 2 * (POLL_S + GRACE_S):
            return "silent"
        return self._trouble

    async def run(self) -> None:
        """Poll until stopped."""
        while not self._stopped:
            while self._waits() and not self._stopped:
                await self._sleep(_FULL_PAUSE_S)
                self._answered_at = time.monotonic()
            try:
                fetched = self._bot.get_raw_updates(self._next, POLL_S, 100, self._allowed)
                self._fetching = asyncio.ensure_future(fetched)
                self._fetching.add_done_callback(_heed)
                await asyncio.wait((self._fetching,))
                if self._fetching.cancelled():
                    return
                updates = self._fetching.result()
                self._note_success()
                await self._take(updates)
            except Exception as exc:  # nothing that Telegram, the network or the database does ends it
                await self._wait_after(exc)
                continue
            for raw in updates:
                number = raw.get("update_id")
                if isinstance(number, int):
                    self._next = max(self._next, number + 1)

    def stop(self) -> None:
        """Ask for no more; what has come is still taken."""
        self._stopped = True
        if self._fetching:
            self._fetching.cancel()

    async def confirm(self, in_hand: set[int]) -> None:
        """Tell Telegram what of the last updates is done, so that the next start does not see it again."""
        offset = min(in_hand, default=self._next)
        if offset == 0:
            return
        try:
            async with asyncio.timeout(_CONFIRM_S):
                await self._bot.get_raw_updates(offset, 0, 1, self._allowed)
        except (TelegramError, TimeoutError):
            log.warning("the last updates could not be confirmed; some may be answered again")

    def _note_success(self) -> None:
        if self._trouble is not None:
            log.info("updates come again")
        self._failures, self._trouble, self._answered_at = 0, None, time.monotonic()

    async def _wait_after(self, exc: Exception) -> None:
        trouble, level = _judge(exc)
        if trouble != self._trouble:
            log.log(level, "no updates: %s", trouble)
        self._trouble = trouble
        if isinstance(exc, Conflict) and "webhook" in exc.message.casefold():
            await self._remove_webhook()
        if isinstance(exc, RetryAfter):
            wait = exc.retry_after
            pause_s = wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
        else:
            pause_s = min(0.25 * 2**self._failures, _LONGEST_PAUSE_S) * random.uniform(0.7, 1.0)  # noqa: S311
        self._failures = min(self._failures + 1, 10)
        await self._sleep(pause_s)

    async def _remove_webhook(self) -> None:
        try:
            await self._bot.delete_webhook()
        except TelegramError:
            log.warning("the webhook in the way could not be removed")


def _heed(fetched: asyncio.Future[list[Raw]]) -> None:
    """Nobody may be left to ask how it ended."""
    if not fetched.cancelled():
        fetched.exception()


def _judge(exc: Exception) -> tuple[str, int]:
    if isinstance(exc, InvalidToken):
        return "Telegram refuses the token", logging.ERROR
    if isinstance(exc, Conflict):
        other = "a webhook is set" if "webhook" in exc.message.casefold() else "another program polls with this token"
        return other, logging.ERROR
    return f"{type(exc).__name__}", logging.WARNING
