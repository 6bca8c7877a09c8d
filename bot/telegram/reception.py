"""Raw updates -> handlers: read one by one, known ones left out, each put into the lane of its chat.

Polling and the webhook both end here, by way of the inbox (`post`), which is told when an update is done. What cannot
be read is set aside there; it never stops what comes after.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Final

from telegram import Message, Update
from telegram.constants import ChatMemberStatus
from telegram.ext import Application

from bot.telegram.backlog import Backlog
from bot.telegram.intake import take_argument, take_question
from bot.telegram.lanes import Lanes, lane_of, poll_of
from bot.telegram.outgoing import Outgoing
from bot.telegram.parts import Parts
from bot.telegram.post import Post
from bot.telegram.rawbot import Raw
from bot.telegram.speaking import sentences_for

MOST_IN_HAND: Final = 5000
"""Updates taken from Telegram and not answered yet, beyond which no more are taken."""
_MOST_SEEN: Final = 20_000

log = logging.getLogger(__name__)


class Reception:
    """Takes updates as Telegram writes them.

    `in_hand` holds the ids of those that are not done yet, `begun` those of them that somebody works on.
    """

    def __init__(
        self,
        application: "Application",  # type: ignore[type-arg]
        parts: Parts,
        backlog: Backlog,
        post: Post,
        lanes: Lanes | None = None,
    ) -> None:
        self._application, self._parts, self._backlog, self._post = application, parts, backlog, post
        self.lanes = Lanes() if lanes is None else lanes
        self.in_hand: set[int] = set()
        self.begun: set[int] = set()
        self._seen: OrderedDict[int, None] = OrderedDict()

    @property
    def full(self) -> bool:
        """Whether no more updates should be taken for the moment."""
        return len(self.in_hand) >= MOST_IN_HAND

    def accept(self, raw: Raw, number: int, *, again: bool = False, ours: Collection[int] = ()) -> None:
        """Take one update; one that cannot be read is set aside, one that has been taken before left out.

        `again`: it was in hand when a process died; `ours` are ids of messages known to answer others there.
        """
        try:
            update = Update.de_json(dict(raw), self._application.bot)
            lane = lane_of(update)
        except Exception as exc:  # whatever Telegram invents next
            self._post.quarantine(number, type(exc).__name__)
            return
        if number in self._seen:
            if number not in self.in_hand:
                self._post.done(number)
            return
        self._seen[number] = None
        if len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)
        if again and update.message:
            self._parts.delivery.traces.suspect(update.message.chat_id, update.message.message_id, ours)
        self.in_hand.add(number)
        most = MOST_IN_HAND if poll_of(update) else None  # a room votes at once, and every vote counts
        work = partial(self._run, update, number, time.monotonic())
        if not self.lanes.put(lane, work, otherwise=self._regret(update), most=most):
            self._finish(number, None)

    async def _run(self, update: Update, number: int, taken_at: float) -> None:
        self.begun.add(number)
        try:
            await self._see_to(update)
        except asyncio.CancelledError:  # stopped before it was done: it stays in hand
            raise
        except Exception:
            self._finish(number, update)
            raise
        self._parts.meter.took("whole", time.monotonic() - taken_at)
        self._finish(number, update)

    def _finish(self, number: int, update: Update | None) -> None:
        self.in_hand.discard(number)
        self.begun.discard(number)
        chat = update.effective_chat if update and update.message else None
        self._post.done(number, self._parts.delivery.traces.collect(chat.id) if chat else ())

    async def _see_to(self, update: Update) -> None:
        chat, message = update.effective_chat, update.effective_message
        if chat and not _is_farewell(update):
            self._parts.delivery.heard_from(chat.id)
        if message and message.migrate_to_chat_id:
            await self._parts.delivery.migrate(message.chat_id, message.migrate_to_chat_id)
        if update.message and self._is_for_us(update.message) and await self._backlog.sets_aside(update.message):
            return
        await self._application.process_update(update)

    def _regret(self, update: Update) -> Callable[[], Awaitable[object]] | None:
        """What is said where a chat's lane overflows: once, and only if it was for us."""
        if update.message is None or not self._is_for_us(update.message):
            return None
        return partial(self._say_overflowed, update.message)

    async def _say_overflowed(self, message: Message) -> None:
        sentences = await sentences_for(self._parts, message)
        await self._parts.delivery.reply(message, Outgoing(sentences("telegram.overflowed")))

    def _is_for_us(self, message: Message) -> bool:
        bot, person = self._parts.bot, message.from_user
        if not self._parts.admission.admits(message.chat_id, person.id if person else None):
            return False
        return take_question(message, bot) is not None or take_argument(message, bot) is not None


def _is_farewell(update: Update) -> bool:
    """Whether the bot has just been blocked or thrown out."""
    change = update.my_chat_member
    return change is not None and change.new_chat_member.status in (ChatMemberStatus.LEFT, ChatMemberStatus.BANNED)
