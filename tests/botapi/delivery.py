"""The queue of updates and its two ways out: long polling and a webhook."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.botapi.errors import ApiError

Json = dict[str, Any]

_ASKED_FOR_ONLY = ("chat_member", "message_reaction", "message_reaction_count")
_OTHER_POLLER = "terminated by other getUpdates request; make sure that only one bot instance is running"


@dataclass(frozen=True)
class Update:
    """An update that waits; updates of one lane reach a webhook one after the other."""

    number: int
    kind: str
    payload: Any
    lane: str
    expires: float

    def as_json(self) -> Json:
        """Returns the Bot API Update object."""
        return {"update_id": self.number, self.kind: self.payload}


@dataclass
class Webhook:
    """Where updates are posted to; an empty ``url`` means nowhere."""

    url: str = ""
    secret: str = ""
    max_connections: int = 40
    last_error: Json = field(default_factory=dict)


class Delivery:
    """Holds updates until they are confirmed, by an offset or by a webhook's 2xx, or until they expire."""

    def __init__(self, delay_scale: float, on_reply: Callable[[Json], Awaitable[None]]) -> None:
        self.pending: list[Update] = []
        self.webhook = Webhook()
        self.allowed: list[str] = []
        self.delay_scale = delay_scale
        self._on_reply = on_reply
        self._numbers = itertools.count(random.randrange(100_000_000, 900_000_000))
        self._poller: asyncio.Future[None] | None = None
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._connections = asyncio.Semaphore(self.webhook.max_connections)
        self._session: aiohttp.ClientSession | None = None

    def push(self, kind: str, payload: Any, lane: str, life_s: float, number: int | None = None) -> Update | None:
        """Queues an update unless the bot has not asked for this kind; a ``number`` repeats an earlier one."""
        if number is None:
            if kind not in self.allowed if self.allowed else kind in _ASKED_FOR_ONLY:
                return None
            number = next(self._numbers)
        update = Update(number, kind, payload, lane or f"update{number}", time.monotonic() + life_s)
        self.pending.append(update)
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(None)
        self._serve(update.lane)
        return update

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[Json]:
        """Answers getUpdates; a poller that still waits gets a 409 and ends."""
        if self.webhook.url:
            raise _conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )
        self._end_poller(_OTHER_POLLER)
        self._confirm(offset)
        if not self.pending and timeout_s > 0:
            self._poller = waiting = asyncio.get_running_loop().create_future()
            await asyncio.wait([waiting], timeout=min(timeout_s, 50))
            if waiting.done():
                waiting.result()
            if self._poller is waiting:
                self._poller = None
        return [update.as_json() for update in self.pending[: min(max(limit, 1), 100)]]

    def set_webhook(self, webhook: Webhook, drop_pending: bool) -> None:
        """Changes to this webhook, or to polling where it has no URL."""
        self._stop_lanes()
        self.webhook = webhook
        self._connections = asyncio.Semaphore(webhook.max_connections)
        if drop_pending:
            self.pending.clear()
        if webhook.url:
            self._end_poller("terminated by setWebhook request")
        for lane in dict.fromkeys(update.lane for update in self.pending):
            self._serve(lane)

    async def close(self) -> None:
        """Lets every waiting poller and every delivery go."""
        if self._poller is not None:
            self._poller.cancel()
        tasks = self._stop_lanes()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _end_poller(self, why: str) -> None:
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(_conflict(why))
        self._poller = None

    def _confirm(self, offset: int) -> None:
        """Forgets what lies below the offset; a negative one counts from the end of the queue."""
        now = time.monotonic()
        self.pending = [update for update in self.pending if update.expires > now]
        if offset < 0:
            self.pending = self.pending[offset:]
        elif offset > 0:
            self.pending = [update for update in self.pending if update.number >= offset]

    def _serve(self, lane: str) -> None:
        if self.webhook.url and lane not in self._lanes:
            self._lanes[lane] = asyncio.create_task(self._deliver_lane(lane))

    def _stop_lanes(self) -> list[asyncio.Task[None]]:
        tasks = list(self._lanes.values())
        for task in tasks:
            task.cancel()
        self._lanes.clear()
        return tasks

    async def _deliver_lane(self, lane: str) -> None:
        """Posts the updates of one lane in order: a failure is repeated at once, then after 2, 4, 8 s and so on."""
        failures = 0
        while update := next((update for update in self.pending if update.lane == lane), None):
            retry_after = await self._post(update)
            if retry_after is None:
                failures, delay = 0, 0.0
            else:
                delay = retry_after or (min(2**failures, random.randint(60, 120)) if failures else 0)
                failures += 1
            if (retry_after is None or time.monotonic() + delay > update.expires) and update in self.pending:
                self.pending.remove(update)
            await asyncio.sleep(delay * self.delay_scale)
        self._lanes.pop(lane, None)

    async def _post(self, update: Update) -> float | None:
        """Posts one update; returns None for a 2xx, else what ``Retry-After`` says, or 0."""
        self._session = self._session or aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.secret} if self.webhook.secret else {}
        try:
            async with (
                self._connections,
                self._session.post(
                    self.webhook.url, json=update.as_json(), headers=headers, allow_redirects=False
                ) as answer,
            ):
                if 200 <= answer.status < 300:
                    await self._take_reply(answer)
                    return None
                return self._failed(f"{answer.status} {answer.reason}", answer.headers.get("Retry-After", "0"))
        except (aiohttp.ClientError, TimeoutError) as error:
            return self._failed(str(error))

    async def _take_reply(self, answer: aiohttp.ClientResponse) -> None:
        """A webhook may answer with a method call in JSON; its result is never told."""
        body = await answer.json(content_type=None) if answer.content_type == "application/json" else None
        if isinstance(body, dict) and "method" in body:
            await self._on_reply(body)

    def _failed(self, what: str, retry_after: str = "0") -> float:
        message = f"Wrong response from the webhook: {what}"
        self.webhook.last_error = {"last_error_date": int(time.time()), "last_error_message": message}
        return float(retry_after) if retry_after.isdecimal() else 0.0


def _conflict(why: str) -> ApiError:
    return ApiError(409, f"Conflict: {why}")
