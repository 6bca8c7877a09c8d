"""Whether all is well: what `/healthz` says."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from telegram.error import InvalidToken, TelegramError

from bot.answering.service import Answerer
from bot.telegram.rawbot import RawBot
from bot.telegram.webhook import Webhook

EVERY_S: Final = 30.0
WATCH_S: Final = 5.0

log = logging.getLogger(__name__)


class Health:
    """Joins what may be wrong: the index, by a question every half minute at most, and the way in for updates."""

    def __init__(self, answerer: Answerer, entrance: Callable[[], str | None]) -> None:
        self._answerer, self._entrance = answerer, entrance
        self._asked_at = -EVERY_S
        self._index_fails = False
        self._lock = asyncio.Lock()

    async def problems(self) -> Sequence[str]:
        """What is wrong at present; nothing where all is well."""
        async with self._lock:
            if time.monotonic() - self._asked_at >= EVERY_S:
                self._index_fails = not await self._answerer.is_well()
                self._asked_at = time.monotonic()
        entrance = self._entrance()
        return [*(["index: no answer"] if self._index_fails else []), *([f"updates: {entrance}"] if entrance else [])]


class WebhookWatch:
    """Sets the webhook, and looks every few seconds whether it is still there; `problem` says what is wrong."""

    def __init__(self, bot: RawBot, webhook: Webhook, allowed: Sequence[str], connections: int) -> None:
        self._bot, self._webhook, self._allowed, self._connections = bot, webhook, allowed, connections
        self._failure: int | None = None
        self.problem: str | None = "the webhook is not set yet"

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            try:
                await self._look()
                problem = None
            except InvalidToken:
                problem = "Telegram refuses the token"
            except TelegramError as exc:
                problem = type(exc).__name__
            if problem and problem != self.problem:
                log.error("webhook: %s", problem)
            self.problem = problem
            await asyncio.sleep(WATCH_S)

    async def _look(self) -> None:
        info = await self._bot.get_webhook_info()
        if info.url != self._webhook.url or self.problem:
            await self._bot.set_webhook(
                self._webhook.url,
                secret_token=self._webhook.secret,
                allowed_updates=self._allowed,
                max_connections=self._connections,
            )
        elif info.last_error_date and int(info.last_error_date.timestamp()) != self._failure:
            self._failure = int(info.last_error_date.timestamp())
            log.warning("Telegram could not deliver an update to the webhook")
