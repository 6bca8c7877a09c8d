"""Raw updates -> the inbox -> the reception: `take` returns once Telegram may forget them.

Where the database cannot be written, they are answered all the same, and Telegram keeps them until they have been: then
`take` returns when the last of them is done.
"""

import asyncio
import json
import logging
import zlib
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, Protocol

from bot.errors import StorageError
from bot.storage.inbox import Arrived, Inbox, Taken, chat_lane
from bot.telegram.metering import Meter
from bot.telegram.rawbot import Raw

MOST_WAITING: Final = 20_000
"""Updates in the inbox beyond which no more are taken from Telegram, which keeps them for a day."""
UNSTORED_S: Final = 15.0
"""How long answers are waited for where updates cannot be stored."""

log = logging.getLogger(__name__)


class Accept(Protocol):
    """What is done with an update: it ends in `done` or `quarantine` of the post."""

    def __call__(self, raw: Raw, number: int, /, *, again: bool = False, ours: Collection[int] = ()) -> None:
        """Take one update; `again`: it was in hand before, `ours` are ids of messages known to answer others."""


class Post:
    """Stores updates, hands them on as the inbox says, and marks what has become of them."""

    def __init__(self, inbox: Inbox, meter: Meter) -> None:
        self._inbox, self._meter = inbox, meter
        self._has_room: Callable[[], bool] = lambda: True
        self._accept: Accept | None = None
        self._unstored: dict[int, asyncio.Event] = {}

    def start(self, accept: Accept, room: Callable[[], bool] = lambda: True) -> None:
        """Hand updates on from now, as long as there is `room`."""
        self._accept, self._has_room = accept, room
        self._inbox.start(self._hand_on)

    @property
    def full(self) -> bool:
        """Whether no more updates should be taken for the moment."""
        return not self._has_room() or self._inbox.depth.waiting >= MOST_WAITING

    @property
    def unstored(self) -> set[int]:
        """Updates in hand that only Telegram and this process know of."""
        return set(self._unstored)

    async def take(self, updates: Sequence[Raw], body: bytes | None = None) -> None:
        """Return when the updates are safe, or done. `body`: the one update as it came, where it came alone.

        Raises:
            StorageError: they are neither yet; Telegram must keep them, and they may be taken again.
        """
        arrived = [_arrived(raw, body) for raw in updates]
        if not arrived:
            return
        try:
            with self._meter.timing("store"):
                await self._inbox.store(arrived)
        except StorageError:
            try:
                async with asyncio.timeout(UNSTORED_S):
                    await self._take_unstored(arrived)
            except TimeoutError as exc:
                raise StorageError("updates are neither stored nor answered yet") from exc

    def done(self, number: int, sent: Sequence[int] = ()) -> None:
        """An update has been seen to."""
        if unstored := self._unstored.pop(number, None):
            unstored.set()
        self._inbox.done(number, sent)

    def quarantine(self, number: int, why: str) -> None:
        """An update cannot be read."""
        log.error("an update cannot be read (%s) and is set aside", why)
        if unstored := self._unstored.pop(number, None):
            unstored.set()
        self._inbox.quarantine(number, why)

    async def _take_unstored(self, arrived: Sequence[Arrived]) -> None:
        fresh = {one.update_id: one for one in arrived if one.update_id not in self._unstored}
        self._unstored.update((number, asyncio.Event()) for number in fresh)
        finished = [self._unstored[one.update_id] for one in arrived]
        for one in fresh.values():
            self._hand_on(Taken(one.update_id, one.lane, one.raw))
        for event in finished:
            await event.wait()

    def _hand_on(self, taken: Taken) -> None:
        assert self._accept  # noqa: S101 - started
        try:
            raw = json.loads(taken.raw)
        except (ValueError, RecursionError) as exc:
            self.quarantine(taken.update_id, type(exc).__name__)
            return
        self._accept(raw, taken.update_id, again=taken.again, ours=taken.ours)


def _arrived(raw: Raw, body: bytes | None) -> Arrived:
    content = json.dumps(raw, separators=(",", ":")).encode("ascii") if body is None else body
    number = raw.get("update_id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << 62:
        number = -1 - zlib.crc32(content)  # nothing that Telegram sends; it is set aside under a number of its own
    return Arrived(number, lane_of(raw, number), content)


def lane_of(raw: Raw, number: int) -> str:
    """What must stay in order together: a chat's messages, a person's presses in a chat, a person's inline queries."""
    for kind, content in raw.items():
        if not isinstance(content, dict):
            continue
        person = _id(content.get("from"))
        if kind == "callback_query":
            message = content.get("message")
            return f"press{_id(message.get('chat')) if isinstance(message, dict) else 0}:{person}"
        if kind == "inline_query":
            return f"inline{person}"
        if chat_id := _id(content.get("chat")):
            return chat_lane(chat_id)
    return f"update{number}"


def _id(content: Any) -> int:
    found = content.get("id") if isinstance(content, dict) else None
    return found if isinstance(found, int) and abs(found) < 1 << 62 else 0
