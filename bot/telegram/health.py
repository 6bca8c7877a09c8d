"""Whether all is well: what `/healthz` and `/metrics` say; numbers and a few words, never a secret."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from telegram.error import InvalidToken, TelegramError

from bot.answering.service import Answerer
from bot.storage.inbox import Depth
from bot.telegram.metering import Meter
from bot.telegram.rawbot import RawBot
from bot.telegram.webhook import State, Webhook

EVERY_S: Final = 30.0
AGAIN_S: Final = 2.0
"""How soon the index is asked again while it fails."""
WELL_S: Final = 4.0
"""How long its answer may take: whoever probes waits some seconds at most."""
WATCH_S: Final = 5.0
OLDEST_S: Final = 120.0
"""How long an update may wait for its answer before something must be wrong."""

log = logging.getLogger(__name__)


class Watched(Protocol):
    """The inbox as far as its health goes."""

    @property
    def depth(self) -> Depth:
        """What it held at the last beat."""

    @property
    def problem(self) -> str | None:
        """What is wrong with the database."""


class Health:
    """Joins what may be wrong: the index (a question every half minute at most), the database, the way in for updates,
    updates that wait for too long. A model that rests is told and is no problem: the text is quoted meanwhile.
    """

    def __init__(self, answerer: Answerer, entrance: Callable[[], str | None], inbox: Watched, meter: Meter) -> None:
        self._answerer, self._entrance, self._inbox, self._meter = answerer, entrance, inbox, meter
        meter.watch("backlog", "Updates that are stored and not done", lambda: inbox.depth.waiting)
        meter.watch("backlog_oldest_seconds", "Age of the oldest of them", lambda: inbox.depth.oldest_s)
        meter.watch("quarantined", "Updates that could not be read", lambda: inbox.depth.quarantined)
        meter.watch("model_tokens", "Tokens that the language model has used", lambda: answerer.model_tokens)
        meter.watch("model_hit_rate", "Share of its questions that needed no call", lambda: answerer.model_hit_rate)
        meter.watch_each("model_events", "What happened with the language model", lambda: answerer.model_counts)
        meter.watch("model_rests", "1 while the language model is left alone", lambda: float(answerer.model_rests))
        meter.watch("database_fails", "1 while the inbox cannot be written", lambda: float(inbox.problem is not None))
        meter.watch("updates_fail", "1 while no updates come in", lambda: float(entrance() is not None))
        self._asked_at = -EVERY_S
        self._index_fails = False
        self._lock = asyncio.Lock()

    def metrics(self) -> bytes:
        """All figures."""
        return self._meter.text()

    async def look(self) -> State:
        """What is wrong at present, and what there is to know about it."""
        async with self._lock:
            if time.monotonic() - self._asked_at >= (AGAIN_S if self._index_fails else EVERY_S):
                self._index_fails = not await self._is_index_well()
                self._asked_at = time.monotonic()
        depth, entrance = self._inbox.depth, self._entrance()
        problems = {
            "index: no answer": self._index_fails,
            f"database: {self._inbox.problem}": self._inbox.problem,
            f"updates: {entrance}": entrance,
            f"backlog: the oldest update has waited for {depth.oldest_s:.0f} s": depth.oldest_s > OLDEST_S,
        }
        figures = {
            "backlog": depth.waiting,
            "backlog_oldest_s": round(depth.oldest_s, 1),
            "quarantined": depth.quarantined,
            "model": "rests" if self._answerer.model_rests else "ok" if self._answerer.uses_model else "none",
        }
        return State([problem for problem, holds in problems.items() if holds], figures)

    async def _is_index_well(self) -> bool:
        try:
            async with asyncio.timeout(WELL_S):
                return await self._answerer.is_well()
        except TimeoutError:
            return False


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
